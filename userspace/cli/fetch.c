// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One URL fetched: libcurl speaks plain HTTP/1.1 over sockets that are TLS by
 * themselves, one request at a time; redirects are followed here, where it is
 * known that all of it is https:// (RFC 9110 15.4).
 */
#include <errno.h>
#include <error.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sluice.h>

#include "cli.h"
#include "fetch.h"
#include "progress.h"
#include "proxy.h"
#include "url.h"

/* An ignored body up to this size is read, so that the connection can be used
 * again; a longer one costs the connection.
 */
#define IGNORED_MAX (64 * 1024)

/* Two addresses of a host are raced only when the first is this slow: it takes
 * a handshake to say yes, and one that is not needed costs the server too.
 */
#define HAPPY_EYEBALLS_MS 3000L

enum verdict {
	UNDECIDED,
	KEEP,		/* the body is what was asked for */
	IGNORE,		/* the body is about something else */
	COMPLETE,	/* resumed, and nothing was missing */
	WRONG_RANGE,	/* resumed, and the answer does not continue it */
};

/* One request and its answer. */
struct hop {
	struct fetch *f;
	struct output *out;
	struct url_target target;
	struct progress progress;
	enum verdict verdict;
	int64_t now, total;		/* as libcurl told last */
	size_t ignored;
	int stopped;			/* by us, for IGNORED_MAX */
	char error[CURL_ERROR_SIZE];
};

static long status_of(const struct hop *h)
{
	long status = 0;

	curl_easy_getinfo(h->f->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static const char *field(const struct hop *h, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(h->f->curl, name, 0, CURLH_HEADER, -1, &header))
		return NULL;
	return header->value;
}

static const char *redirect(const struct hop *h)
{
	switch (status_of(h)) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return field(h, "Location");
	default:
		return NULL;
	}
}

/* RFC 9110 14.4: "bytes 100-199/200", and for 416 "bytes *" with the size. */
static enum verdict judge_range(const struct hop *h, long status)
{
	const char *range = field(h, "Content-Range");
	int64_t n;

	if (status == 206 && range && sscanf(range, "bytes %" SCNd64 "-", &n) == 1)
		return n == h->out->offset ? KEEP : WRONG_RANGE;
	if (status == 416 && range && sscanf(range, "bytes */%" SCNd64, &n) == 1)
		return n == h->out->offset ? COMPLETE : WRONG_RANGE;
	if (status == 416 || status / 100 == 2)
		return WRONG_RANGE;
	return IGNORE;
}

static enum verdict judge(const struct hop *h)
{
	long status = status_of(h);

	if (redirect(h))
		return IGNORE;
	if (h->out->offset)
		return judge_range(h, status);
	if (status == 206)
		return WRONG_RANGE;	/* nobody has asked for a part */
	return status / 100 == 2 || (status >= 400 && h->f->keep_errors) ?
	       KEEP : IGNORE;
}

static size_t on_body(char *data, size_t one, size_t size, void *user)
{
	struct hop *h = user;

	(void)one;
	if (h->verdict == UNDECIDED)
		h->verdict = judge(h);
	if (h->verdict == KEEP)
		return output_write(h->out, data, size) ? 0 : size;
	h->ignored += size;
	h->stopped = h->ignored > IGNORED_MAX || h->verdict == WRONG_RANGE;
	return h->stopped ? 0 : size;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now,
		       curl_off_t up_total, curl_off_t up_now)
{
	struct hop *h = user;

	(void)up_total;
	(void)up_now;
	if (h->verdict != KEEP)
		return 0;
	h->now = h->out->offset + now;
	h->total = total ? h->out->offset + total : 0;
	progress_update(&h->progress, h->now, h->total);
	return 0;
}

/* What is the same for every request. */
static CURLcode set_always(struct fetch *f)
{
	CURL *c = f->curl;
	CURLcode e;

#define SET(option, value) \
	do { \
		e = curl_easy_setopt(c, option, value); \
		if (e) \
			return e; \
	} while (0)
	/* http alone, on our sockets, without a detour: nothing that the
	 * environment or a server says may lead elsewhere.
	 */
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
	SET(CURLOPT_BUFFERSIZE, 512 * 1024L);
	SET(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, HAPPY_EYEBALLS_MS);
	SET(CURLOPT_CONNECTTIMEOUT, (long)f->connect_timeout);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)f->stall_timeout);
	SET(CURLOPT_RESOLVE, f->resolve);
	SET(CURLOPT_CONNECT_TO, f->connect_to);
	return CURLE_OK;
}

static CURLcode set_request(struct hop *h, struct curl_slist *fields)
{
	CURL *c = h->f->curl;
	char range[32];
	CURLcode e;

	snprintf(range, sizeof(range), "%" PRId64 "-", h->out->offset);
	SET(CURLOPT_URL, h->target.plain);
	SET(CURLOPT_HTTPHEADER, fields);
	SET(CURLOPT_USERNAME, h->target.user);
	SET(CURLOPT_PASSWORD, h->target.password);
	SET(CURLOPT_RANGE, h->out->offset ? range : NULL);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, h);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, h);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_ERRORBUFFER, h->error);
	return CURLE_OK;
#undef SET
}

int fetch_init(struct fetch *f)
{
	/* NOTHING: libcurl's own TLS is not even started. */
	if (curl_global_init(CURL_GLOBAL_NOTHING))
		return -1;
	f->curl = curl_easy_init();
	if (!f->curl || set_always(f)) {
		fetch_end(f);
		return -1;
	}
	return 0;
}

void fetch_end(struct fetch *f)
{
	curl_easy_cleanup(f->curl);
	armed_settle(&f->armed);
	curl_slist_free_all(f->resolve);
	curl_slist_free_all(f->connect_to);
	f->curl = NULL;
	f->resolve = NULL;
	f->connect_to = NULL;
	curl_global_cleanup();
}

static int complain(const struct hop *h, int status, const char *text)
{
	error(0, 0, "%s: %s", h->target.text, text);
	return status;
}

static int curl_exit(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return CLI_NETWORK;
	case CURLE_PARTIAL_FILE:
		return CLI_INTEGRITY;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_TOO_MANY_REDIRECTS:
		return CLI_HTTP;
	default:
		return CLI_FAILED;
	}
}

/* libcurl's clock also runs while names are looked up: it may be first. */
static int is_late_handshake(const struct armed *a, CURLcode code)
{
	return code == CURLE_OPERATION_TIMEDOUT &&
	       (a->closed.state == SLUICE_STATE_PENDING ||
		a->closed.state == SLUICE_STATE_ACCEPTED);
}

/* The transfer failed. The socket knows best why; then the file; then libcurl. */
static int explain(const struct hop *h, CURLcode code)
{
	const struct armed *a = &h->f->armed;
	const char *text = h->error[0] ? h->error : curl_easy_strerror(code);
	char reason[512];

	if (h->out->error) {
		error(0, h->out->error, "%s", h->out->path ? h->out->path : "stdout");
		return CLI_FAILED;
	}
	if (is_late_handshake(a, code))
		return complain(h, CLI_NETWORK, "the handshake timed out");
	if (!armed_error(a))
		return complain(h, curl_exit(code), text);
	sluice_strerror(armed_error(a), a->arm_error ? NULL : &a->failed, reason,
			sizeof(reason));
	return complain(h, armed_exit(a), reason);
}

/* The request got its answer: good or bad? */
static int conclude(struct hop *h)
{
	char text[64];

	switch (h->verdict) {
	case KEEP:
		return CLI_OK;
	case COMPLETE:
		if (!h->f->quiet)
			complain(h, 0, "nothing is missing from the file");
		return CLI_OK;
	case WRONG_RANGE:
		return complain(h, CLI_HTTP, "the server does not continue where the file ends");
	default:
		snprintf(text, sizeof(text), "the server answered %ld", status_of(h));
		return complain(h, CLI_HTTP, text);
	}
}

/* The connection's counters are the kernel's, and of all requests on it; what
 * is HTTP is libcurl's count of this one.
 */
static void print_stats(const struct hop *h)
{
	struct sluice_info info = h->f->armed.closed;
	curl_socket_t fd = CURL_SOCKET_BAD;
	curl_off_t body = 0;
	long headers = 0, request = 0;

	curl_easy_getinfo(h->f->curl, CURLINFO_ACTIVESOCKET, &fd);
	if (fd != CURL_SOCKET_BAD && sluice_get_info(fd, &info))
		return;
	if (!info.cipher)
		return;		/* it has not come to that */
	curl_easy_getinfo(h->f->curl, CURLINFO_SIZE_DOWNLOAD_T, &body);
	curl_easy_getinfo(h->f->curl, CURLINFO_HEADER_SIZE, &headers);
	curl_easy_getinfo(h->f->curl, CURLINFO_REQUEST_SIZE, &request);
	fprintf(stderr,
		"%s: %s %s suite=0x%04x alpn=%.*s rx_records=%" PRIu64
		" rx_bytes=%" PRIu64 " tx_records=%" PRIu64 " tx_bytes=%" PRIu64
		" http_received=%" PRId64 " http_sent=%ld\n",
		h->target.text, sluice_version_name(info.version),
		sluice_cipher_name(info.cipher), info.suite, info.alpn_len,
		info.alpn, (uint64_t)info.rx_records, (uint64_t)info.rx_bytes,
		(uint64_t)info.tx_records, (uint64_t)info.tx_bytes,
		(int64_t)body + headers, request);
}

/* One request. Return: an exit status; *next is set when it was redirected. */
static int run(struct hop *h, CURLU *url, CURLU **next)
{
	struct curl_slist *fields = curl_slist_append(NULL, h->target.host_field);
	CURLcode code = fields ? set_request(h, fields) : CURLE_OUT_OF_MEMORY;
	const char *why = NULL;
	int status;

	if (!code && armed_use(&h->f->armed, h->f->curl, h->target.host))
		code = CURLE_FAILED_INIT;
	if (!code) {
		progress_start(&h->progress, h->f->progress, h->out->offset);
		code = curl_easy_perform(h->f->curl);
		armed_settle(&h->f->armed);
	}
	if (h->verdict == UNDECIDED && !code)
		h->verdict = judge(h);
	if (h->verdict == KEEP)
		progress_end(&h->progress, h->now, h->total);
	if (code && !h->stopped) {
		status = explain(h, code);
	} else if (redirect(h)) {
		*next = url_follow(url, redirect(h), &why);
		status = *next ? CLI_OK : complain(h, CLI_HTTP, why);
	} else {
		status = conclude(h);
	}
	if (h->f->stats)
		print_stats(h);
	curl_easy_setopt(h->f->curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(h->f->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(fields);
	return status;
}

static int refuse_proxy(const struct hop *h)
{
	const char *proxy = proxy_in_the_way(h->target.host);
	char text[128];

	if (!proxy)
		return CLI_OK;
	snprintf(text, sizeof(text),
		 "%s is set, and proxies are not supported: unset it, or list the host in no_proxy",
		 proxy);
	return complain(h, CLI_USAGE, text);
}

static int fetch_hop(struct fetch *f, CURLU *url, struct output *out, CURLU **next)
{
	struct hop h = { .f = f, .out = out };
	const char *why;
	int status;

	if (url_target_init(&h.target, url, &why)) {
		error(0, 0, "%s: %s", h.target.text ? h.target.text : "URL", why);
		status = CLI_USAGE;
	} else {
		status = refuse_proxy(&h);
		if (!status)
			status = run(&h, url, next);
	}
	url_target_free(&h.target);
	return status;
}

int fetch_url(struct fetch *f, CURLU *url, struct output *out)
{
	CURLU *at = curl_url_dup(url);
	int status = at ? CLI_OK : CLI_FAILED;

	for (unsigned int hops = 0; at; hops++) {
		CURLU *next = NULL;

		if (hops > f->redirects) {
			error(0, 0, "more than %u redirects", f->redirects);
			status = CLI_HTTP;
		} else {
			status = fetch_hop(f, at, out, &next);
		}
		curl_url_cleanup(at);
		at = next;
	}
	if (output_end(out, status == CLI_OK) && status == CLI_OK) {
		error(0, out->error, "%s", out->path ? out->path : "stdout");
		status = CLI_FAILED;
	}
	return status;
}
