/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * https:// URLs, and what libcurl is told instead: http:// with the same host
 * and port, because its socket is TLS already.
 */
#ifndef SLUICE_CLI_URL_H
#define SLUICE_CLI_URL_H

#include <curl/curl.h>

/**
 * url_parse() - check a URL that a user has typed
 * @text:	the URL; https:// only, and complete
 * @why:	on failure: why, a static string
 *
 * Return: a handle to be ended with curl_url_cleanup(), or NULL.
 */
CURLU *url_parse(const char *text, const char **why);

/**
 * url_follow() - where a redirect leads
 * @from:	the URL that was asked for
 * @location:	value of its Location field (RFC 9110 10.2.2), absolute or relative
 * @why:	on failure: why, a static string
 *
 * libcurl resolves the reference against the https:// URL (not against the one
 * it was given, from which a step down to http:// could not be told). User and
 * password are kept for the same host and port only; those that the reference
 * itself brings are dropped.
 *
 * Return: a new handle, or NULL.
 */
CURLU *url_follow(CURLU *from, const char *location, const char **why);

/**
 * struct url_target - a URL in the pieces that a transfer needs
 * @text:	the URL for people: without user and password
 * @plain:	the URL for libcurl: http://, the port always named
 * @host:	server name: no brackets, no final dot, punycode
 * @host_field:	the header field "Host: ..." as https:// wants it
 * @user:	decoded, or NULL
 * @password:	decoded, or NULL
 */
struct url_target {
	char *text;
	char *plain;
	char *host;
	char *host_field;
	char *user;
	char *password;
};

/**
 * url_target_init() - take a URL to pieces
 *
 * Return: 0, or -1 with @why set; @t is to be ended with url_target_free()
 * in both cases.
 */
int url_target_init(struct url_target *t, CURLU *url, const char **why);
void url_target_free(struct url_target *t);

/**
 * url_file_name() - the name -O gives: the last segment of the path, decoded
 *
 * Return: to be freed by the caller; NULL: there is none that is a file name.
 */
char *url_file_name(CURLU *url);

#endif /* SLUICE_CLI_URL_H */
