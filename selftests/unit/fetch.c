// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `sluice get' makes of answers and of failing sockets: redirects,
 * credentials, resuming, errors, exit statuses.
 *
 * The two calls of libsluice that need the module are played here: they tell
 * what was asked for and fail as told. The HTTP is real, from a server in this
 * process. That the bytes are TLS is for the tests in the VM to prove.
 */
#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <microhttpd.h>
#include <linux/tls.h>

#include <sluice.h>

#include "../../userspace/cli/cli.h"
#include "../../userspace/cli/fetch.h"
#include "../../userspace/cli/url.h"

/* The sockets, played ------------------------------------------------------*/

static struct {
	int error;			/* errno of sluice_arm() */
	struct sluice_info info;	/* of every socket */
	unsigned int calls;
	char name[64];			/* asked for last */
} played;

int sluice_arm(int fd, const struct sluice_options *options)
{
	(void)fd;
	played.calls++;
	snprintf(played.name, sizeof(played.name), "%s", options->server_name);
	errno = played.error;
	return played.error ? -1 : 0;
}

int sluice_get_info(int fd, struct sluice_info *info)
{
	(void)fd;
	*info = played.info;
	return 0;
}

/* The server ---------------------------------------------------------------*/

#define FILE_SIZE 300000

static struct {
	unsigned int requests;
	char auth[64];			/* of the last request */
	char host[64];
	char location[128];
} seen;

static char file[FILE_SIZE];

static ssize_t half(void *arg, uint64_t at, char *to, size_t room)
{
	(void)arg;
	(void)room;
	if (at >= FILE_SIZE / 2)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	*to = file[at];
	return 1;
}

static struct MHD_Response *body(const char *data, size_t size)
{
	return MHD_create_response_from_buffer(size, (void *)data,
					       MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_file(struct MHD_Connection *c, const char *range,
				 const char *claimed)
{
	unsigned long from = 0;
	struct MHD_Response *r;
	enum MHD_Result result;
	char text[64];
	int status = 200;

	if (range && sscanf(range, "bytes=%lu-", &from) == 1)
		status = from < FILE_SIZE ? 206 : 416;
	if (status == 416)
		from = FILE_SIZE;
	r = body(file + from, FILE_SIZE - from);
	snprintf(text, sizeof(text), status == 416 ? "bytes */%lu" :
		 "bytes %lu-%u/%u", status == 416 ? (unsigned long)FILE_SIZE : from,
		 FILE_SIZE - 1, FILE_SIZE);
	if (status != 200)
		MHD_add_response_header(r, "Content-Range", claimed ? claimed : text);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result send_code(struct MHD_Connection *c, int status,
				 struct MHD_Response *r)
{
	enum MHD_Result result;

	if (status / 100 == 3)
		MHD_add_response_header(r, "Location", seen.location);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result serve(void *arg, struct MHD_Connection *c, const char *url,
			     const char *method, const char *version,
			     const char *upload, size_t *size, void **request)
{
	const char *range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
	const char *auth = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
						       "Authorization");
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");

	(void)arg;
	(void)method;
	(void)version;
	(void)upload;
	(void)size;
	/* An answer to the first call would cost the connection. */
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	seen.requests++;
	snprintf(seen.auth, sizeof(seen.auth), "%s", auth ? auth : "");
	snprintf(seen.host, sizeof(seen.host), "%s", host ? host : "");
	if (!strcmp(url, "/file"))
		return send_file(c, range, NULL);
	if (!strcmp(url, "/whole"))
		return send_file(c, NULL, NULL);
	if (!strcmp(url, "/other-range"))
		return send_file(c, range, "bytes 7-8/9");
	if (!strcmp(url, "/part"))
		return send_file(c, "bytes=5-", NULL);
	if (!strcmp(url, "/half"))
		return send_code(c, 200, MHD_create_response_from_callback(FILE_SIZE,
							4096, half, NULL, NULL));
	if (!strcmp(url, "/empty"))
		return send_code(c, 200, body("", 0));
	if (!strcmp(url, "/moved"))
		return send_code(c, 302, body("moved", 5));
	if (!strcmp(url, "/moved-with-much"))
		return send_code(c, 301, body(file, FILE_SIZE));
	return send_code(c, 404, body("not here", 8));
}

/* The tests ----------------------------------------------------------------*/

FIXTURE(fetch)
{
	struct fetch f;
	struct MHD_Daemon *daemon;
	unsigned int port;
	char path[64];
};

FIXTURE_SETUP(fetch)
{
	const union MHD_DaemonInfo *info;

	for (size_t i = 0; i < FILE_SIZE; i++)
		file[i] = 'a' + i % 23;
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	self->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
					NULL, NULL, serve, NULL, MHD_OPTION_END);
	ASSERT_NE(NULL, self->daemon);
	info = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_BIND_PORT);
	self->port = info->port;
	self->f = (struct fetch){
		.armed.options = SLUICE_OPTIONS_INIT,
		.redirects = 3,
		.connect_timeout = 10,
		.stall_timeout = 10,
		.quiet = 1,
	};
	ASSERT_EQ(0, fetch_init(&self->f));
	strcpy(self->path, "/tmp/sluice-fetch-XXXXXX");
	ASSERT_LE(0, mkstemp(self->path));
}

FIXTURE_TEARDOWN(fetch)
{
	fetch_end(&self->f);
	EXPECT_EQ(0, self->f.armed.n) {
		TH_LOG("sockets left open");
	}
	MHD_stop_daemon(self->daemon);
	unlink(self->path);
}

static int get(FIXTURE_DATA(fetch) *self, const char *who, const char *path, int resume)
{
	struct output out;
	const char *why;
	char text[128];
	CURLU *url;
	int status;

	snprintf(text, sizeof(text), "https://%s127.0.0.1:%u%s", who, self->port, path);
	url = url_parse(text, &why);
	if (!url || output_init(&out, self->path, resume))
		return -1;
	status = fetch_url(&self->f, url, &out);
	curl_url_cleanup(url);
	return status;
}

static void set_file(FIXTURE_DATA(fetch) *self, const char *data, size_t size)
{
	int fd = open(self->path, O_WRONLY | O_TRUNC);

	if (write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static int file_is(FIXTURE_DATA(fetch) *self, const char *data, size_t size)
{
	static char have[FILE_SIZE + 1];
	int fd = open(self->path, O_RDONLY);
	ssize_t n = read(fd, have, sizeof(have));

	close(fd);
	return n == (ssize_t)size && !memcmp(have, data, size);
}

TEST_F(fetch, file)
{
	char host[64];

	EXPECT_EQ(CLI_OK, get(self, "", "/file", 0));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
	EXPECT_STREQ("127.0.0.1", played.name);
	snprintf(host, sizeof(host), "127.0.0.1:%u", self->port);
	EXPECT_STREQ(host, seen.host);
	EXPECT_STREQ("", seen.auth);
	/* The second one goes over the same connection. */
	EXPECT_EQ(CLI_OK, get(self, "", "/empty", 0));
	EXPECT_TRUE(file_is(self, "", 0));
	EXPECT_EQ(1, played.calls);
}

TEST_F(fetch, errors_touch_no_file)
{
	set_file(self, "old", 3);
	EXPECT_EQ(CLI_HTTP, get(self, "", "/none", 0));
	EXPECT_TRUE(file_is(self, "old", 3));
	EXPECT_EQ(CLI_HTTP, get(self, "", "/part", 0));
	EXPECT_TRUE(file_is(self, "old", 3));
	self->f.keep_errors = 1;
	EXPECT_EQ(CLI_OK, get(self, "", "/none", 0));
	EXPECT_TRUE(file_is(self, "not here", 8));
}

TEST_F(fetch, cut_short)
{
	EXPECT_EQ(CLI_INTEGRITY, get(self, "", "/half", 0));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE / 2));
	EXPECT_EQ(CLI_OK, get(self, "", "/file", 1));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
}

TEST_F(fetch, resume)
{
	set_file(self, file, 1000);
	EXPECT_EQ(CLI_OK, get(self, "", "/file", 1));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
	/* All there already. */
	EXPECT_EQ(CLI_OK, get(self, "", "/file", 1));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
	/* A server that starts anew, or somewhere else, spoils nothing. */
	set_file(self, file, 1000);
	EXPECT_EQ(CLI_HTTP, get(self, "", "/whole", 1));
	EXPECT_TRUE(file_is(self, file, 1000));
	EXPECT_EQ(CLI_HTTP, get(self, "", "/other-range", 1));
	EXPECT_TRUE(file_is(self, file, 1000));
	EXPECT_EQ(CLI_HTTP, get(self, "", "/none", 1));
	EXPECT_TRUE(file_is(self, file, 1000));
	/* By a redirect. */
	strcpy(seen.location, "/file");
	EXPECT_EQ(CLI_OK, get(self, "", "/moved", 1));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
}

TEST_F(fetch, resume_of_a_longer_file)
{
	char more[FILE_SIZE + 1] = { 0 };

	set_file(self, more, sizeof(more));
	EXPECT_EQ(CLI_HTTP, get(self, "", "/file", 1));
	EXPECT_TRUE(file_is(self, more, sizeof(more)));
}

TEST_F(fetch, redirect)
{
	strcpy(seen.location, "file");
	EXPECT_EQ(CLI_OK, get(self, "u:p@", "/moved", 0));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
	EXPECT_EQ(2, seen.requests);
	EXPECT_STREQ("Basic dTpw", seen.auth);
	EXPECT_EQ(CLI_OK, get(self, "", "/moved-with-much", 0));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
}

TEST_F(fetch, redirect_to_another_host_drops_credentials)
{
	snprintf(seen.location, sizeof(seen.location), "https://localhost:%u/file",
		 self->port);
	EXPECT_EQ(CLI_OK, get(self, "u:p@", "/moved", 0));
	EXPECT_TRUE(file_is(self, file, FILE_SIZE));
	EXPECT_STREQ("", seen.auth);
	EXPECT_STREQ("localhost", played.name);
}

TEST_F(fetch, redirect_refused)
{
	set_file(self, "old", 3);
	snprintf(seen.location, sizeof(seen.location), "http://127.0.0.1:%u/file",
		 self->port);
	EXPECT_EQ(CLI_HTTP, get(self, "", "/moved", 0));
	EXPECT_EQ(1, seen.requests);
	strcpy(seen.location, "/moved");
	EXPECT_EQ(CLI_HTTP, get(self, "", "/moved", 0));
	EXPECT_EQ(1 + 4, seen.requests);
	EXPECT_TRUE(file_is(self, "old", 3));
}

TEST_F(fetch, proxy_refused)
{
	setenv("https_proxy", "http://127.0.0.1:1/", 1);
	EXPECT_EQ(CLI_USAGE, get(self, "", "/file", 0));
	EXPECT_EQ(0, seen.requests);
	EXPECT_EQ(0, played.calls);
	setenv("no_proxy", "127.0.0.1", 1);
	EXPECT_EQ(CLI_OK, get(self, "", "/file", 0));
}

TEST_F(fetch, cannot_arm)
{
	played.error = ENOENT;
	EXPECT_EQ(CLI_NO_MODULE, get(self, "", "/file", 0));
	played.error = ENOBUFS;
	EXPECT_EQ(CLI_FAILED, get(self, "", "/file", 0));
	EXPECT_EQ(0, seen.requests);
}

TEST_F(fetch, failed_sockets)
{
	static const struct {
		uint32_t error;
		uint16_t cipher;
		int status;
	} rows[] = {
		{ ESRCH, 0, CLI_NO_AGENT },
		{ EKEYREJECTED, 0, CLI_CERTIFICATE },
		{ EPROTO, 0, CLI_HANDSHAKE },
		{ ECONNABORTED, 0, CLI_HANDSHAKE },
		{ ETIMEDOUT, 0, CLI_NETWORK },
		{ EBADMSG, TLS_CIPHER_AES_GCM_128, CLI_INTEGRITY },
		{ EPROTO, TLS_CIPHER_AES_GCM_128, CLI_INTEGRITY },
		{ ECONNABORTED, TLS_CIPHER_AES_GCM_128, CLI_INTEGRITY },
		{ ECONNRESET, TLS_CIPHER_AES_GCM_128, CLI_NETWORK },
		{ 0, 0, CLI_NETWORK },
	};

	/* Nobody listens there any more; what the socket says of it differs. */
	MHD_stop_daemon(self->daemon);
	self->daemon = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		played.info.error = rows[i].error;
		played.info.cipher = rows[i].cipher;
		EXPECT_EQ(rows[i].status, get(self, "", "/file", 0)) {
			TH_LOG("errno %u", rows[i].error);
		}
	}
	self->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
					NULL, NULL, serve, NULL, MHD_OPTION_END);
}

/* A connection that does not come about, as one whose handshake does not: of a
 * listener whose queue is full. libcurl's clock ends it.
 */
TEST_F(fetch, late_handshake)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int saved = dup(STDERR_FILENO), words = memfd_create("words", 0);
	char text[256] = "";
	int status;

	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&address, length));
	ASSERT_EQ(0, listen(listener, 0));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&address, &length));
	for (int i = 0; i < 4; i++)
		connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
			(struct sockaddr *)&address, length);
	played.info.state = SLUICE_STATE_ACCEPTED;
	self->port = ntohs(address.sin_port);
	curl_easy_setopt(self->f.curl, CURLOPT_CONNECTTIMEOUT, 1L);
	dup2(words, STDERR_FILENO);
	status = get(self, "", "/", 0);
	dup2(saved, STDERR_FILENO);
	EXPECT_EQ(CLI_NETWORK, status);
	EXPECT_LT(0, pread(words, text, sizeof(text) - 1, 0));
	EXPECT_NE(NULL, strstr(text, "the handshake timed out")) {
		TH_LOG("%s", text);
	}
}

TEST_HARNESS_MAIN
