// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sluice command's own judgement: URLs and where redirects may lead,
 * proxies, ranges, files, what libsluice refuses before it touches a socket, and
 * what it says of errors.
 */
#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/tls.h>
#include <sluice.h>

#include "../../userspace/cli/output.h"
#include "../../userspace/cli/proxy.h"
#include "../../userspace/cli/range.h"
#include "../../userspace/cli/site.h"
#include "../../userspace/cli/url.h"

/* URLs ---------------------------------------------------------------------*/

TEST(url_refused)
{
	static const char *const bad[] = {
		"", "example.org", "example.org/x", "http://example.org/",
		"ftp://example.org/", "file:///etc/passwd", "https://",
		"https://a b/", "https://example.org:99999/", "wss://example.org/",
		"HTTP://example.org/", "https://example.org:x/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *why = NULL;

		EXPECT_EQ(NULL, url_parse(bad[i], &why)) {
			TH_LOG("taken: %s", bad[i]);
		}
		EXPECT_NE(NULL, why);
	}
}

TEST(url_targets)
{
	static const struct {
		const char *url, *text, *plain, *host, *field, *user, *password;
	} rows[] = {
		{ "https://example.org", "https://example.org/",
		  "http://example.org:443/", "example.org", "Host: example.org", NULL, NULL },
		{ "HTTPS://Example.org:443/a?b=c#d", "https://Example.org:443/a?b=c",
		  "http://Example.org:443/a?b=c", "Example.org", "Host: Example.org", NULL, NULL },
		{ "https://example.org:8443/x", "https://example.org:8443/x",
		  "http://example.org:8443/x", "example.org", "Host: example.org:8443",
		  NULL, NULL },
		{ "https://example.org:80/", "https://example.org:80/",
		  "http://example.org:80/", "example.org", "Host: example.org:80", NULL, NULL },
		{ "https://[2001:db8::1]/x", "https://[2001:db8::1]/x",
		  "http://[2001:db8::1]:443/x", "2001:db8::1", "Host: [2001:db8::1]",
		  NULL, NULL },
		{ "https://192.0.2.1:444/", "https://192.0.2.1:444/",
		  "http://192.0.2.1:444/", "192.0.2.1", "Host: 192.0.2.1:444", NULL, NULL },
		{ "https://u:p%40q@example.org./", "https://example.org./",
		  "http://example.org.:443/", "example.org", "Host: example.org.",
		  "u", "p@q" },
		{ "https://b\303\274cher.example/", "https://b\303\274cher.example/",
		  "http://xn--bcher-kva.example:443/", "xn--bcher-kva.example",
		  "Host: xn--bcher-kva.example", NULL, NULL },
	};

	/* libidn2 takes names in the locale's encoding. */
	ASSERT_NE(NULL, setlocale(LC_CTYPE, "C.UTF-8"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = "";
		struct url_target t;
		CURLU *url = url_parse(rows[i].url, &why);

		ASSERT_NE(NULL, url) {
			TH_LOG("%s: %s", rows[i].url, why);
		}
		ASSERT_EQ(0, url_target_init(&t, url, &why)) {
			TH_LOG("%s: %s", rows[i].url, why);
		}
		EXPECT_STREQ(rows[i].text, t.text);
		EXPECT_STREQ(rows[i].plain, t.plain);
		EXPECT_STREQ(rows[i].host, t.host);
		EXPECT_STREQ(rows[i].field, t.host_field);
		EXPECT_EQ(!rows[i].user, !t.user);
		if (rows[i].user && t.user && t.password) {
			EXPECT_STREQ(rows[i].user, t.user);
			EXPECT_STREQ(rows[i].password, t.password);
		}
		url_target_free(&t);
		curl_url_cleanup(url);
	}
}

TEST(redirects)
{
	/* to NULL: refused. Credentials stay with the host and port. */
	static const struct {
		const char *from, *location, *to, *user;
	} rows[] = {
		{ "https://u:p@a.test/x/y", "z", "http://a.test:443/x/z", "u" },
		{ "https://u:p@a.test/x/y", "/z?q", "http://a.test:443/z?q", "u" },
		{ "https://u:p@a.test/x", "https://A.test:443/z", "http://A.test:443/z", "u" },
		{ "https://u:p@a.test/x", "https://b.test/z", "http://b.test:443/z", NULL },
		{ "https://u:p@a.test/x", "//b.test/z", "http://b.test:443/z", NULL },
		{ "https://u:p@a.test/x", "https://a.test:444/", "http://a.test:444/", NULL },
		{ "https://u:p@a.test/x", "https://v:w@b.test/", "http://b.test:443/", NULL },
		{ "https://a.test/x", "https://v:w@a.test/", "http://a.test:443/", NULL },
		{ "https://a.test:8443/x", "y", "http://a.test:8443/y", NULL },
		{ "https://a.test/x", "/a b", "http://a.test:443/a%20b", NULL },
		{ "https://a.test/x", "http://a.test/z", NULL, NULL },
		{ "https://a.test/x", "http://a.test:443/z", NULL, NULL },
		{ "https://a.test/x", "HTTP://b.test/", NULL, NULL },
		{ "https://a.test/x", "ftp://a.test/", NULL, NULL },
		{ "https://a.test/x", "file:///etc/passwd", NULL, NULL },
		{ "https://a.test/x", "gopher://a.test:70/_x", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = NULL;
		CURLU *from = url_parse(rows[i].from, &why);
		struct url_target t;
		CURLU *to;

		ASSERT_NE(NULL, from);
		to = url_follow(from, rows[i].location, &why);
		EXPECT_EQ(!rows[i].to, !to) {
			TH_LOG("%s -> %s: %s", rows[i].from, rows[i].location,
			       why ? why : "followed");
		}
		if (to) {
			EXPECT_EQ(0, url_target_init(&t, to, &why));
			if (rows[i].to && t.plain)
				EXPECT_STREQ(rows[i].to, t.plain);
			EXPECT_EQ(!rows[i].user, !t.user) {
				TH_LOG("%s -> %s: credentials", rows[i].from,
				       rows[i].location);
			}
			url_target_free(&t);
			curl_url_cleanup(to);
		} else {
			EXPECT_NE(NULL, why);
		}
		curl_url_cleanup(from);
	}
}

TEST(file_names)
{
	static const struct {
		const char *url, *name;
	} rows[] = {
		{ "https://a.test/x/image.iso?q=1", "image.iso" },
		{ "https://a.test/a%20b", "a b" },
		{ "https://a.test/", NULL },
		{ "https://a.test", NULL },
		{ "https://a.test/x/", NULL },
		{ "https://a.test/..%2f..%2fpasswd", NULL },
		{ "https://a.test/%2e%2e", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = NULL;
		CURLU *url = url_parse(rows[i].url, &why);
		char *name;

		ASSERT_NE(NULL, url);
		name = url_file_name(url);
		EXPECT_EQ(!rows[i].name, !name) {
			TH_LOG("%s: %s", rows[i].url, name ? name : "no name");
		}
		if (name && rows[i].name)
			EXPECT_STREQ(rows[i].name, name);
		free(name);
		curl_url_cleanup(url);
	}
}

/* Proxies ------------------------------------------------------------------*/

static void no_proxies(void)
{
	static const char *const names[] = {
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
		"NO_PROXY", "http_proxy",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
}

TEST(proxies)
{
	no_proxies();
	EXPECT_EQ(NULL, proxy_in_the_way("a.test"));
	setenv("http_proxy", "http://p/", 1);
	setenv("https_proxy", "", 1);
	EXPECT_EQ(NULL, proxy_in_the_way("a.test"));
	setenv("ALL_PROXY", "http://p/", 1);
	EXPECT_STREQ("ALL_PROXY", proxy_in_the_way("a.test"));
	setenv("https_proxy", "http://p/", 1);
	EXPECT_STREQ("https_proxy", proxy_in_the_way("a.test"));
	setenv("NO_PROXY", "b.test, a.test", 1);
	EXPECT_EQ(NULL, proxy_in_the_way("a.test"));
	EXPECT_EQ(NULL, proxy_in_the_way("www.A.test"));
	EXPECT_NE(NULL, proxy_in_the_way("aa.test"));
	setenv("no_proxy", ".a.test", 1);
	EXPECT_EQ(NULL, proxy_in_the_way("a.test"));
	EXPECT_NE(NULL, proxy_in_the_way("b.test"));
	setenv("no_proxy", "*", 1);
	EXPECT_EQ(NULL, proxy_in_the_way("b.test"));
	setenv("no_proxy", ".", 1);
	EXPECT_NE(NULL, proxy_in_the_way("b.test"));
}

/* Ranges -------------------------------------------------------------------*/

TEST(ranges)
{
	static const struct {
		const char *text;
		uint64_t size;
		enum range_kind kind;
		uint64_t first, length;
	} rows[] = {
		{ NULL, 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=0-", 10, RANGE_PART, 0, 10 },
		{ "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=9-", 10, RANGE_PART, 9, 1 },
		{ "BYTES=2-5", 10, RANGE_PART, 2, 4 },
		{ "bytes=2-99", 10, RANGE_PART, 2, 8 },
		{ "bytes=-3", 10, RANGE_PART, 7, 3 },
		{ "bytes=-99", 10, RANGE_PART, 0, 10 },
		{ "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=5-4", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=-", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=--1", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=+1-2", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes= 1-2", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=1-2x", 10, RANGE_WHOLE, 0, 0 },
		{ "lines=1-2", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=18446744073709551616-", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t first = 0, length = 0;
		enum range_kind kind = range_parse(rows[i].text, rows[i].size, &first,
						   &length);

		EXPECT_EQ(rows[i].kind, kind) {
			TH_LOG("%s of %llu", rows[i].text, (long long)rows[i].size);
		}
		EXPECT_EQ(rows[i].first, first);
		EXPECT_EQ(rows[i].length, length);
	}
}

/* Files --------------------------------------------------------------------*/

FIXTURE(directory)
{
	char path[64];
	int fd;
};

FIXTURE_SETUP(directory)
{
	strcpy(self->path, "/tmp/sluice-command-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->path));
	self->fd = open(self->path, O_PATH | O_DIRECTORY);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, mkdirat(self->fd, "www", 0755));
}

FIXTURE_TEARDOWN(directory)
{
	char command[96];

	close(self->fd);
	snprintf(command, sizeof(command), "rm -rf %s", self->path);
	ASSERT_EQ(0, system(command));
}

static int put(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int bad = fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text);

	return close(fd) || bad;
}

static int content(int directory, const char *name, char *text, size_t size)
{
	int fd = openat(directory, name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = 0;
	return fd < 0 ? -1 : close(fd);
}

TEST_F(directory, site_stays_inside)
{
	static const char *const outside[] = {
		"/../secret", "/link", "/absolute", "/../www/../secret",
		"//../secret", "/up/secret", "/proc/self/root/etc/passwd",
	};
	struct stat st;
	int www = openat(self->fd, "www", O_PATH | O_DIRECTORY);
	int fd;

	ASSERT_EQ(0, put(self->fd, "secret", "x"));
	ASSERT_EQ(0, put(www, "file", "x"));
	ASSERT_EQ(0, symlinkat("../secret", www, "link"));
	ASSERT_EQ(0, symlinkat("/etc/passwd", www, "absolute"));
	ASSERT_EQ(0, symlinkat("..", www, "up"));
	ASSERT_EQ(0, symlinkat("file", www, "inside"));
	ASSERT_EQ(0, mkfifoat(www, "fifo", 0644));
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		EXPECT_EQ(-1, site_open(www, outside[i], &st)) {
			TH_LOG("opened: %s", outside[i]);
		}
	}
	EXPECT_EQ(-1, site_open(www, "/link", &st));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, site_open(www, "/fifo", &st));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, site_open(www, "/none", &st));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, site_open(www, "/file/", &st));
	EXPECT_EQ(ENOENT, errno);
	fd = site_open(www, "/inside", &st);
	EXPECT_LE(0, fd);
	EXPECT_TRUE(S_ISREG(st.st_mode));
	close(fd);
	fd = site_open(www, "/", &st);
	EXPECT_LE(0, fd);
	EXPECT_TRUE(S_ISDIR(st.st_mode));
	close(fd);
	close(www);
}

TEST_F(directory, listing_is_escaped)
{
	char *page;
	size_t length;
	struct stat st;
	int fd;

	ASSERT_EQ(0, put(self->fd, "a\"<script>&.txt", "x"));
	fd = site_open(self->fd, "/", &st);
	ASSERT_LE(0, fd);
	page = site_listing(fd, "/<b>/", &length);
	ASSERT_NE(NULL, page);
	EXPECT_EQ(strlen(page), length);
	EXPECT_EQ(NULL, strstr(page, "<script"));
	EXPECT_EQ(NULL, strstr(page, "<b>"));
	EXPECT_NE(NULL, strstr(page, "href=\"a%22%3Cscript%3E%26.txt\""));
	EXPECT_NE(NULL, strstr(page, "href=\"www/\""));
	free(page);
	close(fd);
}

TEST_F(directory, output_costs_no_file)
{
	struct output o;
	char path[80], text[16];

	snprintf(path, sizeof(path), "%s/f", self->path);
	ASSERT_EQ(0, put(self->fd, "f", "old"));
	/* Nothing came: nothing is touched. */
	ASSERT_EQ(0, output_init(&o, path, 0));
	EXPECT_EQ(0, output_end(&o, 0));
	EXPECT_EQ(0, content(self->fd, "f", text, sizeof(text)));
	EXPECT_STREQ("old", text);
	/* Resumed: appended. */
	ASSERT_EQ(0, output_init(&o, path, 1));
	EXPECT_EQ(3, o.offset);
	EXPECT_EQ(0, output_write(&o, "er", 2));
	EXPECT_EQ(0, output_end(&o, 1));
	EXPECT_EQ(0, content(self->fd, "f", text, sizeof(text)));
	EXPECT_STREQ("older", text);
	/* Anew: replaced. */
	ASSERT_EQ(0, output_init(&o, path, 0));
	EXPECT_EQ(0, output_write(&o, "n", 1));
	EXPECT_EQ(0, output_write(&o, "ew", 2));
	EXPECT_EQ(0, output_end(&o, 1));
	EXPECT_EQ(0, content(self->fd, "f", text, sizeof(text)));
	EXPECT_STREQ("new", text);
	/* An empty answer is an answer. */
	ASSERT_EQ(0, output_init(&o, path, 0));
	EXPECT_EQ(0, output_end(&o, 1));
	EXPECT_EQ(0, content(self->fd, "f", text, sizeof(text)));
	EXPECT_STREQ("", text);
	/* What cannot be written, or resumed, is said. */
	EXPECT_EQ(-1, output_init(&o, self->path, 1));
	snprintf(path, sizeof(path), "%s/none/f", self->path);
	ASSERT_EQ(0, output_init(&o, path, 0));
	EXPECT_EQ(-1, output_write(&o, "x", 1));
	EXPECT_EQ(ENOENT, o.error);
}

TEST(output_full_disk)
{
	struct output o;

	ASSERT_EQ(0, output_init(&o, "/dev/full", 0));
	EXPECT_EQ(-1, output_write(&o, "x", 1));
	EXPECT_EQ(ENOSPC, o.error);
	EXPECT_EQ(-1, output_end(&o, 0));
}

/* libsluice ----------------------------------------------------------------*/

static int arm_errno(const struct sluice_options *o)
{
	int fds[2];
	int e;

	/* Not a TCP socket: what passes every check before fails there. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -1;
	errno = 0;
	sluice_arm(fds[0], o);
	e = errno;
	close(fds[0]);
	close(fds[1]);
	return e;
}

TEST(arm_checks_first)
{
	struct sluice_options o = SLUICE_OPTIONS_INIT;
	struct {
		struct sluice_options o;
		long more;
	} newer = { .o = SLUICE_OPTIONS_INIT };
	const char *names[] = { "h2", "http/1.1", NULL };
	char long_name[SLUICE_NAME_MAX + 1], most[256];
	const char *full[] = { most, NULL }, *over[] = { most, "x", NULL };
	int passed;

	passed = arm_errno(&o);
	EXPECT_NE(EINVAL, passed);
	EXPECT_NE(0, passed);
	EXPECT_EQ(EINVAL, arm_errno(NULL));
	o.alpn = names;
	EXPECT_EQ(passed, arm_errno(&o));
	names[1] = "";
	EXPECT_EQ(EINVAL, arm_errno(&o));
	memset(most, 'x', sizeof(most));
	most[255] = 0;
	o.alpn = full;
	EXPECT_EQ(passed, arm_errno(&o));
	o.alpn = over;
	EXPECT_EQ(ENAMETOOLONG, arm_errno(&o));
	o.alpn = NULL;
	memset(long_name, 'x', sizeof(long_name));
	long_name[SLUICE_NAME_MAX] = 0;
	o.server_name = long_name;
	EXPECT_EQ(ENAMETOOLONG, arm_errno(&o));
	long_name[SLUICE_NAME_MAX - 1] = 0;
	EXPECT_EQ(passed, arm_errno(&o));
	o.server_name = NULL;
	o.identity = long_name;
	EXPECT_EQ(ENAMETOOLONG, arm_errno(&o));
	o.identity = NULL;
	o.trust = long_name;
	EXPECT_EQ(ENAMETOOLONG, arm_errno(&o));
	o.trust = NULL;
	o.size = 0;
	EXPECT_EQ(EINVAL, arm_errno(&o));
	newer.o.size = sizeof(newer);
	EXPECT_EQ(passed, arm_errno(&newer.o));
	newer.more = 1;
	EXPECT_EQ(E2BIG, arm_errno(&newer.o));
}

static void expect_text(struct __test_metadata *_metadata, int error,
			const struct sluice_info *info, const char *part)
{
	char text[512];

	EXPECT_EQ(&text[0], sluice_strerror(error, info, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, part)) {
		TH_LOG("\"%s\" lacks \"%s\"", text, part);
	}
}

TEST(errors_in_words)
{
	struct sluice_info i = {
		.alert_sent = SLUICE_ALERT_NONE,
		.alert_received = SLUICE_ALERT_NONE,
	};
	char text[8];

	expect_text(_metadata, ESRCH, NULL, "sluiced is not running");
	expect_text(_metadata, ENOENT, NULL, "module is not loaded");
	expect_text(_metadata, ECONNREFUSED, &i, "refused");
	expect_text(_metadata, 4095, NULL, "unknown");
	expect_text(_metadata, ECONNABORTED, &i, "given up");
	i.cipher = TLS_CIPHER_AES_GCM_128;
	expect_text(_metadata, ECONNABORTED, &i, "truncated");
	expect_text(_metadata, EBADMSG, &i, "tampered");
	i.error = EKEYREJECTED;
	i.verify_error = 62;
	i.alert_sent = 42;
	strcpy(i.text, "hostname\033mismatch");
	expect_text(_metadata, EKEYREJECTED, &i, "certificate refused: hostname?mismatch");
	expect_text(_metadata, EKEYREJECTED, &i, "X.509 error 62");
	expect_text(_metadata, EKEYREJECTED, &i, "bad_certificate");
	i.alert_received = 48;
	expect_text(_metadata, EKEYREJECTED, &i, "unknown_ca");
	sluice_strerror(ESRCH, NULL, text, sizeof(text));
	EXPECT_STREQ("sluiced", text);
	EXPECT_STREQ("TLSv1.3", sluice_version_name(0x0304));
	EXPECT_STREQ("CHACHA20-POLY1305", sluice_cipher_name(TLS_CIPHER_CHACHA20_POLY1305));
	EXPECT_STREQ("unknown", sluice_alert_name(SLUICE_ALERT_NONE));
}

TEST_HARNESS_MAIN
