// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * https:// URLs by libcurl's URL parser: checked, followed, and rewritten for a
 * libcurl that must not start a TLS of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

/* A part, or NULL when the URL has none; to be ended with curl_free(). */
static char *part(CURLU *url, CURLUPart what, unsigned int flags)
{
	char *text = NULL;

	return curl_url_get(url, what, &text, flags) ? NULL : text;
}

static int is_https(CURLU *url)
{
	char *scheme = part(url, CURLUPART_SCHEME, 0);
	int yes = scheme && !strcmp(scheme, "https");

	curl_free(scheme);
	return yes;
}

CURLU *url_parse(const char *text, const char **why)
{
	CURLU *url = curl_url();
	CURLUcode code;

	if (!url) {
		*why = "out of memory";
		return NULL;
	}
	code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_BAD_SCHEME)
		*why = "not a complete URL: https:// is missing";
	else if (code)
		*why = curl_url_strerror(code);
	else if (!is_https(url))
		*why = "only https:// is spoken here, nothing without TLS";
	else
		return url;
	curl_url_cleanup(url);
	return NULL;
}

static int same_part(CURLU *a, CURLU *b, CURLUPart what)
{
	char *x = part(a, what, CURLU_DEFAULT_PORT);
	char *y = part(b, what, CURLU_DEFAULT_PORT);
	int same = x && y && !strcasecmp(x, y);

	curl_free(x);
	curl_free(y);
	return same;
}

static CURLUcode copy_part(CURLU *to, CURLU *from, CURLUPart what)
{
	char *text = part(from, what, 0);
	CURLUcode code = curl_url_set(to, what, text, 0);

	curl_free(text);
	return code;
}

static CURLUcode set_credentials(CURLU *to, CURLU *from)
{
	CURLUcode code;

	if (!same_part(to, from, CURLUPART_HOST) || !same_part(to, from, CURLUPART_PORT)) {
		code = curl_url_set(to, CURLUPART_USER, NULL, 0);
		return code ? code : curl_url_set(to, CURLUPART_PASSWORD, NULL, 0);
	}
	code = copy_part(to, from, CURLUPART_USER);
	return code ? code : copy_part(to, from, CURLUPART_PASSWORD);
}

CURLU *url_follow(CURLU *from, const char *location, const char **why)
{
	CURLU *url = curl_url_dup(from);
	CURLUcode code;

	if (!url) {
		*why = "out of memory";
		return NULL;
	}
	code = curl_url_set(url, CURLUPART_URL, location,
			    CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
	if (!code && !is_https(url)) {
		*why = "refusing to follow a redirect away from https://";
		curl_url_cleanup(url);
		return NULL;
	}
	if (!code)
		code = set_credentials(url, from);
	if (!code)
		return url;
	*why = curl_url_strerror(code);
	curl_url_cleanup(url);
	return NULL;
}

/* Without what is not for the wire or not for the screen. */
static CURLU *bare(CURLU *from)
{
	CURLU *url = curl_url_dup(from);

	if (url && (curl_url_set(url, CURLUPART_USER, NULL, 0) ||
		    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) ||
		    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0))) {
		curl_url_cleanup(url);
		return NULL;
	}
	return url;
}

/* The port goes along even when it is http's own, 80, so that libcurl cannot
 * mean another one than we.
 */
static char *plain_url(CURLU *url)
{
	char *port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *text = NULL;

	if (port && !curl_url_set(url, CURLUPART_SCHEME, "http", 0) &&
	    !curl_url_set(url, CURLUPART_PORT, port, 0))
		text = part(url, CURLUPART_URL, 0);
	curl_free(port);
	return text;
}

/* RFC 9110 7.2: without the port when it is the scheme's own. */
static char *host_field(CURLU *url, const char *host)
{
	char *port = part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
	char *field = NULL;
	int n = asprintf(&field, "Host: %s%s%s", host, port ? ":" : "", port ? port : "");

	curl_free(port);
	return n < 0 ? NULL : field;
}

/* Names go into certificates and SNI without brackets or final dot. */
static char *server_name(const char *host)
{
	size_t length = strlen(host);

	if (*host == '[')
		return strndup(host + 1, length - 2);
	if (length > 1 && host[length - 1] == '.')
		length--;
	return strndup(host, length);
}

static int is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return 0;
	return 1;
}

int url_target_init(struct url_target *t, CURLU *from, const char **why)
{
	CURLU *url = bare(from);
	char *host;

	memset(t, 0, sizeof(*t));
	*why = "out of memory";
	if (!url)
		return -1;
	host = part(url, CURLUPART_HOST, CURLU_PUNYCODE);
	if (!host || !is_ascii(host)) {
		*why = "no host name that DNS could know";
	} else {
		t->user = part(from, CURLUPART_USER, CURLU_URLDECODE);
		t->password = part(from, CURLUPART_PASSWORD, CURLU_URLDECODE);
		t->host_field = host_field(url, host);
		t->host = server_name(host);
		t->text = part(url, CURLUPART_URL, 0);
		/* The last use of url: it is http:// then. */
		if (!curl_url_set(url, CURLUPART_HOST, host, 0))
			t->plain = plain_url(url);
	}
	curl_free(host);
	curl_url_cleanup(url);
	return t->plain && t->host && t->host_field && t->text ? 0 : -1;
}

void url_target_free(struct url_target *t)
{
	curl_free(t->text);
	curl_free(t->plain);
	free(t->host);
	free(t->host_field);
	curl_free(t->user);
	curl_free(t->password);
	memset(t, 0, sizeof(*t));
}

char *url_file_name(CURLU *url)
{
	char *path = part(url, CURLUPART_PATH, 0);
	char *last = path ? strrchr(path, '/') : NULL;
	char *decoded = last ? curl_easy_unescape(NULL, last + 1, 0, NULL) : NULL;
	char *name = NULL;

	/* An encoded slash must not lead out of the directory. */
	if (decoded && *decoded && !strchr(decoded, '/') && strcmp(decoded, ".") &&
	    strcmp(decoded, ".."))
		name = strdup(decoded);
	curl_free(decoded);
	curl_free(path);
	return name;
}
