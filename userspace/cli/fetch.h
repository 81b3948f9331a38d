/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One URL fetched, redirects followed.
 */
#ifndef SLUICE_CLI_FETCH_H
#define SLUICE_CLI_FETCH_H

#include <curl/curl.h>

#include "armed.h"
#include "output.h"

/**
 * struct fetch - what is the same for all URLs of a command
 * @armed:	the sockets
 * @curl:	the transfers, one after the other; keeps connections
 * @resolve:	"host:port:address", see CURLOPT_RESOLVE
 * @connect_to:	"host:port:host:port", see CURLOPT_CONNECT_TO
 * @redirects:	how many to follow
 * @connect_timeout: seconds for name, connection and handshake
 * @stall_timeout: seconds without a byte
 * @keep_errors: take the body of an answer of 400 or above for what was asked
 * @progress:	draw the bar
 * @quiet:	say nothing but what went wrong
 * @stats:	print each transfer's counters
 */
struct fetch {
	struct armed armed;
	CURL *curl;
	struct curl_slist *resolve;
	struct curl_slist *connect_to;
	unsigned int redirects;
	unsigned int connect_timeout;
	unsigned int stall_timeout;
	int keep_errors;
	int progress;
	int quiet;
	int stats;
};

/**
 * fetch_init() - the parts of @f that are libcurl's
 *
 * Return: 0, or -1: libcurl could not be set up.
 */
int fetch_init(struct fetch *f);
void fetch_end(struct fetch *f);

/**
 * fetch_url() - fetch one URL into @out
 * @url:	from url_parse(); stays the caller's
 *
 * What goes wrong is printed.
 *
 * Return: an exit status, see enum cli_exit.
 */
int fetch_url(struct fetch *f, CURLU *url, struct output *out);

#endif /* SLUICE_CLI_FETCH_H */
