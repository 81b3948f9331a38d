// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP requests answered from a directory: GET and HEAD. libmicrohttpd parses
 * them and sends files by sendfile(); that its sockets are TLS it never knows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <sluice.h>

#include "answer.h"
#include "listener.h"
#include "range.h"
#include "site.h"

/* One request, for the log. */
struct request {
	char method[16];
	char url[256];
	unsigned int status;
};

static struct MHD_Response *with(struct MHD_Response *r, const char *name,
				 const char *value)
{
	if (r && MHD_add_response_header(r, name, value) == MHD_NO) {
		MHD_destroy_response(r);
		return NULL;
	}
	return r;
}

/* Takes @r, which may be NULL for want of memory: that ends the connection. */
static enum MHD_Result send_answer(struct MHD_Connection *c, struct request *q,
				   unsigned int status, struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	q->status = status;
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static struct MHD_Response *text(const char *body)
{
	struct MHD_Response *r;

	r = MHD_create_response_from_buffer(strlen(body), (void *)body,
					    MHD_RESPMEM_MUST_COPY);
	return with(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
}

static enum MHD_Result refuse(struct MHD_Connection *c, struct request *q, int error)
{
	switch (error) {
	case ENOENT:
		return send_answer(c, q, MHD_HTTP_NOT_FOUND, text("Not found\n"));
	case EACCES:
	case EPERM:
		return send_answer(c, q, MHD_HTTP_FORBIDDEN, text("Forbidden\n"));
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return send_answer(c, q, MHD_HTTP_SERVICE_UNAVAILABLE, text("Too busy\n"));
	default:
		return send_answer(c, q, MHD_HTTP_INTERNAL_SERVER_ERROR,
				   text("Internal error\n"));
	}
}

static const char *field(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Strong: it changes with every write that a reader could notice. */
static void make_etag(char *etag, size_t size, const struct stat *st)
{
	snprintf(etag, size, "\"%llx-%llx-%llx\"", (long long)st->st_mtim.tv_sec,
		 (long long)st->st_mtim.tv_nsec, (long long)st->st_size);
}

/* IMF-fixdate (RFC 9110 5.6.7). */
static void make_date(char *date, size_t size, time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(date, size, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static struct MHD_Response *describe(struct MHD_Response *r, const struct stat *st,
				     const char *path, const char *etag)
{
	char date[40];

	make_date(date, sizeof(date), st->st_mtim.tv_sec);
	r = with(r, MHD_HTTP_HEADER_CONTENT_TYPE, site_type(path));
	r = with(r, "X-Content-Type-Options", "nosniff");
	r = with(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	r = with(r, MHD_HTTP_HEADER_LAST_MODIFIED, date);
	return with(r, MHD_HTTP_HEADER_ETAG, etag);
}

/* Takes @fd. */
static enum MHD_Result send_file(struct MHD_Connection *c, struct request *q,
				 const char *path, int fd, const struct stat *st)
{
	uint64_t first = 0, length = st->st_size;
	unsigned int status = MHD_HTTP_OK;
	const char *wanted = field(c, MHD_HTTP_HEADER_RANGE);
	const char *only = field(c, MHD_HTTP_HEADER_IF_RANGE);
	char etag[64], range[80] = "";
	struct MHD_Response *r;

	make_etag(etag, sizeof(etag), st);
	/* RFC 9110 13.1.5: of a changed file, all. A date is too coarse. */
	if (only && strcmp(only, etag))
		wanted = NULL;
	switch (range_parse(wanted, st->st_size, &first, &length)) {
	case RANGE_UNSATISFIABLE:
		close(fd);
		snprintf(range, sizeof(range), "bytes */%llu", (unsigned long long)st->st_size);
		r = with(text("Nothing there\n"), MHD_HTTP_HEADER_CONTENT_RANGE, range);
		return send_answer(c, q, MHD_HTTP_RANGE_NOT_SATISFIABLE, r);
	case RANGE_PART:
		status = MHD_HTTP_PARTIAL_CONTENT;
		snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%llu", first,
			 first + length - 1, (unsigned long long)st->st_size);
		break;
	case RANGE_WHOLE:
		break;
	}
	r = MHD_create_response_from_fd_at_offset64(length, fd, first);
	if (!r)
		close(fd);
	if (*range)
		r = with(r, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return send_answer(c, q, status, describe(r, st, path, etag));
}

/* A directory's page has relative links: its URL must end with a slash. The
 * reference is relative too, so that it can name no other host.
 */
static enum MHD_Result add_slash(struct MHD_Connection *c, struct request *q,
				 const char *url)
{
	char *escaped = curl_easy_escape(NULL, strrchr(url, '/') + 1, 0);
	char location[1024];
	struct MHD_Response *r;

	if (!escaped || snprintf(location, sizeof(location), "%s/", escaped) >=
			(int)sizeof(location)) {
		curl_free(escaped);
		return refuse(c, q, ENOENT);
	}
	curl_free(escaped);
	r = with(text("Moved\n"), MHD_HTTP_HEADER_LOCATION, location);
	return send_answer(c, q, MHD_HTTP_MOVED_PERMANENTLY, r);
}

static enum MHD_Result send_listing(struct MHD_Connection *c, struct request *q,
				    const char *url, int directory)
{
	struct MHD_Response *r;
	size_t length;
	char *page = site_listing(directory, url, &length);

	if (!page)
		return refuse(c, q, errno);
	r = MHD_create_response_from_buffer(length, page, MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(page);
	return send_answer(c, q, MHD_HTTP_OK,
			   with(r, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/html; charset=utf-8"));
}

static enum MHD_Result send_directory(struct site *s, struct MHD_Connection *c,
				      struct request *q, const char *url, int fd)
{
	enum MHD_Result result;
	struct stat st;
	char *index;
	int file;

	if (url[strlen(url) - 1] != '/')
		return add_slash(c, q, url);
	if (asprintf(&index, "%sindex.html", url) < 0)
		return MHD_NO;
	file = site_open(s->root, index, &st);
	if (file >= 0 && S_ISREG(st.st_mode)) {
		result = send_file(c, q, index, file, &st);
	} else {
		if (file >= 0)
			close(file);
		result = send_listing(c, q, url, fd);
	}
	free(index);
	return result;
}

static enum MHD_Result send_path(struct site *s, struct MHD_Connection *c,
				 struct request *q, const char *url)
{
	enum MHD_Result result;
	struct stat st;
	int fd;

	if (*url != '/')
		return refuse(c, q, ENOENT);
	fd = site_open(s->root, url, &st);
	if (fd < 0)
		return refuse(c, q, errno);
	if (S_ISREG(st.st_mode))
		return send_file(c, q, url, fd, &st);
	result = send_directory(s, c, q, url, fd);
	close(fd);
	return result;
}

/* The client's words, on a terminal perhaps. */
static void copy_clean(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	for (; *to; to++)
		if ((unsigned char)*to < ' ' || *to == 0x7f)
			*to = '?';
}

static enum MHD_Result begin(struct site *s, void **request, const char *method,
			     const char *url)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return MHD_NO;
	copy_clean(q->method, sizeof(q->method), method);
	copy_clean(q->url, sizeof(q->url), url);
	*request = q;
	s->requests++;
	s->active++;
	return MHD_YES;
}

enum MHD_Result answer_request(void *site, struct MHD_Connection *c,
			       const char *url, const char *method,
			       const char *version, const char *upload,
			       size_t *upload_size, void **request)
{
	(void)version;
	(void)upload;
	if (!*request)
		return begin(site, request, method, url);
	if (*upload_size) {
		*upload_size = 0;	/* a body nobody has asked for */
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return send_answer(c, *request, MHD_HTTP_METHOD_NOT_ALLOWED,
				   with(text("GET and HEAD only\n"),
					MHD_HTTP_HEADER_ALLOW, "GET, HEAD"));
	return send_path(site, c, *request, url);
}

static void peer_name(struct MHD_Connection *c, char *name, size_t size)
{
	const union MHD_ConnectionInfo *i;

	i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (i)
		listener_name(i->client_addr, i->client_addr->sa_family == AF_INET6 ?
			      sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
			      name, size);
	else
		snprintf(name, size, "?");
}

void answer_completed(void *site, struct MHD_Connection *c, void **request,
		      enum MHD_RequestTerminationCode code)
{
	struct request *q = *request;
	struct site *s = site;
	char peer[80];

	if (!q)
		return;
	s->active--;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		s->broken++;
	if (s->verbose) {
		peer_name(c, peer, sizeof(peer));
		fprintf(stderr, "%s %s %s %u%s\n", peer, q->method, q->url, q->status,
			code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " broken off");
	}
	free(q);
	*request = NULL;
}

static void account(struct site *s, struct MHD_Connection *c,
		    const struct sluice_info *info)
{
	char peer[80], reason[512];

	s->tx_records += info->tx_records;
	s->tx_bytes += info->tx_bytes;
	s->rx_records += info->rx_records;
	s->rx_bytes += info->rx_bytes;
	if (info->error)
		s->failed++;
	if (!s->verbose)
		return;
	peer_name(c, peer, sizeof(peer));
	if (info->error)
		fprintf(stderr, "%s: %s\n", peer,
			sluice_strerror(info->error, info, reason, sizeof(reason)));
	if (info->cipher)
		fprintf(stderr, "%s: %s %s tx_records=%llu tx_bytes=%llu rx_records=%llu rx_bytes=%llu\n",
			peer, sluice_version_name(info->version),
			sluice_cipher_name(info->cipher),
			(unsigned long long)info->tx_records,
			(unsigned long long)info->tx_bytes,
			(unsigned long long)info->rx_records,
			(unsigned long long)info->rx_bytes);
}

void answer_connection(void *site, struct MHD_Connection *c, void **context,
		       enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *i;
	struct sluice_info info;
	struct site *s = site;

	(void)context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		s->connections++;
		return;
	}
	i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!s->plain && i && !sluice_get_info(i->connect_fd, &info))
		account(s, c, &info);
}
