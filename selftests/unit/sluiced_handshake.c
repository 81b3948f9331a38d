// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluiced's handshakes against the real programs of OpenSSL and GnuTLS, in both
 * roles. What the kernel would do next is done here by hand: records are sealed
 * and opened with EVP under the keys, sequence numbers and nonces that came out.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/core_names.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "../../userspace/sluiced/keylog.h"
#include "../../userspace/sluiced/log.h"
#include "../../userspace/sluiced/tls.h"
#include "pki.h"

#define DEADLINE_S	20
#define LINE		"a line for the other side"
#define ENIL		"edis rehto eht rof enil a"	/* as s_server -rev has it */
#define ANSWER		"a line in return"

/* Configuration ------------------------------------------------------------*/

/* Files that belong to the store and to the identity "ec"; each test is a process
 * of its own.
 */
static const char *with_crl, *with_ocsp;

static const char *file_setting(char *to, size_t size, const char *key,
				const char *name)
{
	*to = '\0';
	if (name)
		snprintf(to, size, "%s = \"%s/%s\";", key, dir, name);
	return to;
}

/* @more: further settings on top; @trusted: whose clients are taken. */
static struct config *make_config_with(const char *more, const char *trusted)
{
	char path[128], crl[128], ocsp[128];
	FILE *f;

	file_setting(crl, sizeof(crl), "crl", with_crl);
	file_setting(ocsp, sizeof(ocsp), "ocsp_response", with_ocsp);
	path_of(path, sizeof(path), "sluiced.conf");
	f = fopen(path, "w");
	if (!f)
		return NULL;
	fprintf(f,
		"%s\n"
		"client = { trust = \"test\"; };\n"
		"trust = ( { name = \"test\"; file = \"%s/%s.pem\"; %s },\n"
		"{ name = \"strict\"; file = \"%s/ca.pem\"; require_ocsp = true; } );\n"
		"identities = (\n"
		"{ name = \"ec\"; names = [\"ec.test\", \"*.wild.test\"];"
		"  certificate = \"%s/ec.pem\"; key = \"%s/ec.key\";"
		"  alpn = [\"one\", \"two\"]; %s },\n"
		"{ name = \"rsa\"; names = [\"rsa.test\"]; static_rsa = true;"
		"  certificate = \"%s/rsa.pem\"; key = \"%s/rsa.key\"; },\n"
		"{ name = \"asks\"; names = [\"asks.test\"];"
		"  client_certificates = \"request\"; client_trust = \"test\";"
		"  certificate = \"%s/ec.pem\"; key = \"%s/ec.key\"; },\n"
		"{ name = \"requires\"; names = [\"requires.test\"];"
		"  client_certificates = \"require\"; client_trust = \"test\";"
		"  certificate = \"%s/ec.pem\"; key = \"%s/ec.key\"; },\n"
		"{ name = \"plain\"; tickets = 0;"
		"  certificate = \"%s/ec.pem\"; key = \"%s/ec.key\"; },\n"
		"{ name = \"unknown\";"
		"  certificate = \"%s/unknown.pem\"; key = \"%s/unknown.key\"; },\n"
		"{ name = \"client\";"
		"  certificate = \"%s/client.pem\"; key = \"%s/client.key\"; });\n",
		more, dir, trusted, crl, dir, dir, dir, ocsp, dir, dir, dir, dir, dir, dir, dir,
		dir, dir, dir, dir, dir);
	fclose(f);
	return config_load(path);
}

static struct config *make_config(void)
{
	return make_config_with("", "ca");
}

/* The other program --------------------------------------------------------*/

struct program {
	pid_t pid;
	int in;		/* its standard input */
	int out;	/* its standard output and error */
	int fd;		/* our end of the connection */
	char text[8192];
	size_t len;
};

static int tcp_socket(struct sockaddr_in *addr, int listening)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*addr);

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr->sin_port = 0;
	if (bind(fd, (void *)addr, len) || (listening && listen(fd, 4)) ||
	    getsockname(fd, (void *)addr, &len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int spawn(struct program *peer, const char *const argv[])
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return 0;
	peer->pid = fork();
	if (!peer->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		alarm(DEADLINE_S);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	peer->in = in[1];
	peer->out = out[0];
	return peer->pid > 0;
}

/* Until its output has @text. */
static int peer_says(struct program *peer, const char *text)
{
	struct pollfd pfd = { .fd = peer->out, .events = POLLIN };
	ssize_t n;

	while (!memmem(peer->text, peer->len, text, strlen(text))) {
		if (poll(&pfd, 1, DEADLINE_S * 1000) != 1)
			return 0;
		n = read(peer->out, peer->text + peer->len,
			 sizeof(peer->text) - 1 - peer->len);
		if (n <= 0)
			return 0;
		peer->len += (size_t)n;
	}
	return 1;
}

static void peer_stop(struct program *peer)
{
	if (peer->pid > 0) {
		kill(peer->pid, SIGKILL);
		waitpid(peer->pid, NULL, 0);
	}
	close(peer->in);
	close(peer->out);
	close(peer->fd);
}

/* A server needs a moment until it listens. */
static int connect_to(const struct sockaddr_in *addr)
{
	for (int i = 0; i < DEADLINE_S * 20; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (!connect(fd, (const void *)addr, sizeof(*addr)))
			return fd;
		close(fd);
		usleep(50000);
	}
	return -1;
}

static int accept_from(int listener)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };
	int fd = -1;

	if (poll(&pfd, 1, DEADLINE_S * 1000) == 1)
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return fd;
}

/* The record layer, by hand ------------------------------------------------*/

/* HKDF-Expand-Label (RFC 8446 7.1) with an empty context. */
static int expand_label(const struct keys *keys, const char *label,
			uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY, ok;
	uint8_t info[64];
	size_t n = strlen(label) + 6;
	OSSL_PARAM params[5];

	info[0] = 0;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)n;
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n - 6);
	info[3 + n] = 0;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						     (char *)keys->suite->digest, 0);
	params[1] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						      (void *)keys->secret,
						      keys->suite->secret_len);
	params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
						      4 + n);
	params[4] = OSSL_PARAM_construct_end();
	ok = EVP_KDF_derive(ctx, out, len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

struct record_dir {
	struct keys keys;
	uint8_t key[32];
	uint8_t iv[12];
	int tls13;
};

static int record_init(struct record_dir *rd, const struct keys *keys)
{
	memset(rd, 0, sizeof(*rd));
	rd->keys = *keys;
	rd->tls13 = keys->suite->version == KEYS_TLS13;
	if (rd->tls13)
		return expand_label(keys, "key", rd->key, keys->suite->key_len) &&
		       expand_label(keys, "iv", rd->iv, sizeof(rd->iv));
	memcpy(rd->key, keys->key, keys->suite->key_len);
	memcpy(rd->iv, keys->iv, keys->suite->iv_len);
	return 1;
}

static void put64(uint8_t *to, uint64_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		to[i] = (uint8_t)n;
}

static const EVP_CIPHER *record_cipher(const struct record_dir *rd)
{
	if (strstr(rd->keys.suite->iana, "CHACHA20"))
		return EVP_chacha20_poly1305();
	return rd->keys.suite->key_len == 16 ? EVP_aes_128_gcm() :
					       EVP_aes_256_gcm();
}

/* RFC 8446 5.3 and RFC 7905 2: IV xor sequence; RFC 5288 3: IV, explicit. */
static void record_nonce(const struct record_dir *rd, const uint8_t *explicit,
			 uint8_t nonce[12])
{
	uint8_t seq[8];

	memcpy(nonce, rd->iv, 12);
	if (rd->keys.suite->explicit_len) {
		memcpy(nonce + 4, explicit, 8);
		return;
	}
	put64(seq, rd->keys.seq);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= seq[i];
}

/* Header (TLS 1.3) or sequence, type, version, plain length (TLS 1.2). */
static size_t record_aad(const struct record_dir *rd, const uint8_t header[5],
			 size_t plain, uint8_t aad[13])
{
	if (rd->tls13) {
		memcpy(aad, header, 5);
		return 5;
	}
	put64(aad, rd->keys.seq);
	memcpy(aad + 8, header, 3);
	aad[11] = (uint8_t)(plain >> 8);
	aad[12] = (uint8_t)plain;
	return 13;
}

static size_t record_seal(struct record_dir *rd, const char *text, uint8_t *out)
{
	size_t len = strlen(text), body = len + (rd->tls13 ? 1 : 0);
	size_t ex = rd->keys.suite->explicit_len, total = ex + body + 16;
	uint8_t plain[256], nonce[12], aad[13];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, ok;

	memcpy(plain, text, len);
	plain[len] = 23;
	memcpy(out, "\x17\x03\x03", 3);
	out[3] = (uint8_t)(total >> 8);
	out[4] = (uint8_t)total;
	if (ex)
		put64(out + 5, rd->keys.explicit_nonce++);
	record_nonce(rd, out + 5, nonce);
	ok = EVP_EncryptInit_ex(ctx, record_cipher(rd), NULL, rd->key, nonce) &&
	     EVP_EncryptUpdate(ctx, NULL, &n, aad,
			       (int)record_aad(rd, out, len, aad)) &&
	     EVP_EncryptUpdate(ctx, out + 5 + ex, &n, plain, (int)body) &&
	     EVP_EncryptFinal_ex(ctx, out + 5 + ex + body, &n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16,
				 out + 5 + ex + body);
	EVP_CIPHER_CTX_free(ctx);
	rd->keys.seq++;
	return ok ? 5 + total : 0;
}

/* Opens into @out; the plaintext's length, or -1; the type in *type. */
static int record_open(struct record_dir *rd, const uint8_t *header,
		       uint8_t *body, size_t len, uint8_t *out, int *type)
{
	size_t ex = rd->keys.suite->explicit_len, plain;
	uint8_t nonce[12], aad[13];
	EVP_CIPHER_CTX *ctx;
	int n, ok;

	if (len < ex + 16)
		return -1;
	plain = len - ex - 16;
	record_nonce(rd, body, nonce);
	ctx = EVP_CIPHER_CTX_new();
	ok = EVP_DecryptInit_ex(ctx, record_cipher(rd), NULL, rd->key, nonce) &&
	     EVP_DecryptUpdate(ctx, NULL, &n, aad,
			       (int)record_aad(rd, header, plain, aad)) &&
	     EVP_DecryptUpdate(ctx, out, &n, body + ex, (int)plain) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16,
				 body + ex + plain) &&
	     EVP_DecryptFinal_ex(ctx, out + n, &n) > 0;
	EVP_CIPHER_CTX_free(ctx);
	rd->keys.seq++;
	*type = header[0];
	if (!ok)
		return -1;
	if (!rd->tls13)
		return (int)plain;
	while (plain && !out[plain - 1])
		plain--;
	if (!plain)
		return -1;
	*type = out[plain - 1];
	return (int)plain - 1;
}

static int read_all(int fd, uint8_t *to, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (size_t at = 0; at < len; at += (size_t)n) {
		if (poll(&pfd, 1, DEADLINE_S * 1000) != 1)
			return 0;
		n = read(fd, to + at, len - at);
		if (n <= 0)
			return 0;
	}
	return 1;
}

/* Reads records until the application data has @text; tickets are counted. */
static int data_has(struct record_dir *rx, int fd, const char *text,
		    int *tickets)
{
	static uint8_t body[18000], out[18000];
	uint8_t header[5];
	char got[1024] = "";
	size_t len, at = 0;
	int n, type;

	while (!strstr(got, text)) {
		if (!read_all(fd, header, 5))
			return 0;
		len = (size_t)header[3] << 8 | header[4];
		if (len > sizeof(body) || !read_all(fd, body, len))
			return 0;
		n = record_open(rx, header, body, len, out, &type);
		if (n < 0)
			return 0;
		if (type == SSL3_RT_HANDSHAKE)
			(*tickets)++;
		if (type != SSL3_RT_APPLICATION_DATA)
			continue;
		if (at + (size_t)n >= sizeof(got))
			return 0;
		memcpy(got + at, out, (size_t)n);
		at += (size_t)n;
		got[at] = '\0';
	}
	return 1;
}

static int send_line(struct record_dir *tx, int fd, const char *text)
{
	uint8_t record[512];
	size_t len = record_seal(tx, text, record);

	return len && write(fd, record, len) == (ssize_t)len;
}

/* A handshake to its end ---------------------------------------------------*/

static enum tls_state handshake(struct tls *tls, int fd)
{
	struct pollfd pfd = { .fd = fd };
	enum tls_state state = tls_step(tls);
	time_t end = time(NULL) + DEADLINE_S;

	while (state == TLS_RUNNING && time(NULL) < end) {
		pfd.events = tls_events(tls);
		poll(&pfd, 1, 1000);
		state = tls_step(tls);
	}
	return state;
}

static struct tls_ask ask_for(int server, const char *name, uint16_t version)
{
	struct tls_ask ask = {
		.server = server,
		.min_version = version,
		.max_version = version,
		.ciphers = UINT64_MAX,
	};

	if (name)
		snprintf(ask.server_name, sizeof(ask.server_name), "%s", name);
	return ask;
}

static uint64_t mask_of(const struct suite *suite)
{
	uint64_t bit = 1;

	while (!suite_in_mask(suite, bit))
		bit <<= 1;
	return bit;
}

/* Both programs, both roles, each suite ------------------------------------*/

FIXTURE(program) {
	struct config *config;
	struct program peer;
};

FIXTURE_VARIANT(program) {
	int gnutls;
	int server;	/* us */
	uint16_t suite;
	const char *gnutls_priority;
};

#define PROGRAMS(_name, _id, _priority)					\
	FIXTURE_VARIANT_ADD(program, openssl_client_##_name) {		\
		.server = 1, .suite = _id };				\
	FIXTURE_VARIANT_ADD(program, openssl_server_##_name) {		\
		.suite = _id };						\
	FIXTURE_VARIANT_ADD(program, gnutls_client_##_name) {		\
		.gnutls = 1, .server = 1, .suite = _id,			\
		.gnutls_priority = _priority };				\
	FIXTURE_VARIANT_ADD(program, gnutls_server_##_name) {		\
		.gnutls = 1, .suite = _id, .gnutls_priority = _priority };

PROGRAMS(tls13_aes128, 0x1301, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM")
PROGRAMS(tls13_aes256, 0x1302, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM")
PROGRAMS(tls13_chacha, 0x1303, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305")
PROGRAMS(tls12_aes128_ec, 0xc02b, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM")
PROGRAMS(tls12_aes256_ec, 0xc02c, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM")
PROGRAMS(tls12_chacha_ec, 0xcca9, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305")
PROGRAMS(tls12_aes128_rsa, 0xc02f, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM")
PROGRAMS(tls12_aes256_rsa, 0xc030, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM")
PROGRAMS(tls12_chacha_rsa, 0xcca8, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305")

/* RSA key exchange is for servers only. */
FIXTURE_VARIANT_ADD(program, openssl_client_tls12_static_aes128) {
	.server = 1, .suite = 0x009c };
FIXTURE_VARIANT_ADD(program, openssl_client_tls12_static_aes256) {
	.server = 1, .suite = 0x009d };

FIXTURE_SETUP(program)
{
	memset(&self->peer, 0, sizeof(self->peer));
	self->peer.fd = -1;
	self->peer.in = -1;
	self->peer.out = -1;
	self->config = make_config();
	ASSERT_NE(NULL, self->config);
}

FIXTURE_TEARDOWN(program)
{
	peer_stop(&self->peer);
	config_put(self->config);
}

static const char *identity_of(const struct suite *suite)
{
	return strstr(suite->iana, "_RSA_") ? "rsa" : "ec";
}

/* Adds arguments up to a NULL. */
static void add(const char **argv, int *n, ...)
{
	const char *arg;
	va_list ap;

	va_start(ap, n);
	while ((arg = va_arg(ap, const char *)))
		argv[(*n)++] = arg;
	va_end(ap);
}

/* Starts the other program and connects; 0 when it cannot be had. */
static int start_program(struct program *peer, int gnutls, int server,
			 const struct suite *suite, const char *priority)
{
	const char *id = identity_of(suite);
	struct sockaddr_in addr = { 0 };
	char port[16], endpoint[32], cert[128], key[128], ca[128], name[32];
	const char *version = suite->version == KEYS_TLS13 ? "-tls1_3" : "-tls1_2";
	const char *option = suite->version == KEYS_TLS13 ? "-ciphersuites" : "-cipher";
	const char *argv[32];
	int listener = tcp_socket(&addr, server), n = 0;

	snprintf(port, sizeof(port), "%u", ntohs(addr.sin_port));
	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%s", port);
	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, id);
	snprintf(key, sizeof(key), "%s/%s.key", dir, id);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	snprintf(name, sizeof(name), "%s.test", id);
	if (!server)
		close(listener);
	if (!gnutls)
		add(argv, &n, "openssl", server ? "s_client" : "s_server",
		    version, option, suite->openssl, NULL);
	if (!gnutls && server)
		add(argv, &n, "-quiet", "-connect", endpoint, "-servername", name,
		    "-verify_hostname", name, "-CAfile", ca,
		    "-verify_return_error", NULL);
	else if (!gnutls)
		add(argv, &n, "-rev", "-accept", endpoint, "-cert", cert,
		    "-key", key, NULL);
	else if (server)
		add(argv, &n, "gnutls-cli", "--priority", priority,
		    "--x509cafile", ca, "--port", port, "--sni-hostname", name,
		    "--verify-hostname", name, "127.0.0.1", NULL);
	else
		add(argv, &n, "gnutls-serv", "--priority", priority, "--echo",
		    "--port", port, "--x509certfile", cert, "--x509keyfile", key,
		    NULL);
	argv[n] = NULL;
	if (!spawn(peer, argv))
		return 0;
	peer->fd = server ? accept_from(listener) : connect_to(&addr);
	if (peer->fd >= 0)
		fcntl(peer->fd, F_SETFL, O_NONBLOCK);
	return peer->fd >= 0;
}

TEST_F(program, records)
{
	const struct suite *suite = suite_by_id(variant->suite);
	struct program *peer = &self->peer;
	struct record_dir tx, rx;
	struct tls_ask ask;
	struct tls *tls;
	char name[32];
	int tickets = 0;

	if (variant->gnutls && system("command -v gnutls-cli gnutls-serv >/dev/null"))
		SKIP(return, "no gnutls-bin");
	ASSERT_TRUE(start_program(peer, variant->gnutls, variant->server, suite,
				  variant->gnutls_priority));
	snprintf(name, sizeof(name), "%s.test", identity_of(suite));
	ask = ask_for(variant->server, variant->server ? NULL : name,
		      suite->version);
	/* The mask is what chooses the cipher where we could choose. */
	ask.ciphers = mask_of(suite);
	tls = tls_new(self->config, &ask, peer->fd);
	ASSERT_NE(NULL, tls);
	ASSERT_EQ(TLS_OPEN, handshake(tls, peer->fd)) {
		TH_LOG("%s", tls_result(tls)->text);
	}
	EXPECT_EQ(suite, tls_result(tls)->suite) {
		TH_LOG("%s", tls_result(tls)->suite->iana);
	}
	EXPECT_STREQ(name, tls_result(tls)->server_name);
	EXPECT_EQ(variant->server ? 0 : SLUICE_INFO_PEER_CERT,
		  tls_result(tls)->flags);
	EXPECT_EQ(SLUICE_ALERT_NONE, tls_result(tls)->alert_sent);
	EXPECT_EQ(SLUICE_ALERT_NONE, tls_result(tls)->alert_received);
	/* Finished in TLS 1.2; a server's tickets in TLS 1.3. */
	EXPECT_EQ(suite->version == KEYS_TLS12 ? 1 : variant->server ? 2 : 0,
		  tls_tx(tls)->seq);
	EXPECT_EQ(suite->version == KEYS_TLS13 ? 0 : 1, tls_rx(tls)->seq);
	ASSERT_TRUE(record_init(&tx, tls_tx(tls)));
	ASSERT_TRUE(record_init(&rx, tls_rx(tls)));
	tls_free(tls);

	ASSERT_TRUE(send_line(&tx, peer->fd, LINE "\n"));
	if (variant->server) {
		/* What it prints has been opened by it. */
		ASSERT_TRUE(peer_says(peer, LINE));
		ASSERT_EQ((ssize_t)strlen(ANSWER "\n"),
			  write(peer->in, ANSWER "\n", strlen(ANSWER "\n")));
		ASSERT_TRUE(data_has(&rx, peer->fd, ANSWER, &tickets));
	} else {
		ASSERT_TRUE(data_has(&rx, peer->fd, variant->gnutls ? LINE : ENIL,
				     &tickets));
		/* Tickets of a TLS 1.3 server were left for the kernel. */
		if (suite->version == KEYS_TLS13)
			EXPECT_LT(0, tickets);
	}
	/* And once more each way: the numbers go on. */
	ASSERT_TRUE(send_line(&tx, peer->fd, LINE "\n"));
	if (!variant->server)
		ASSERT_TRUE(data_has(&rx, peer->fd,
				     variant->gnutls ? LINE : ENIL, &tickets));
}

/* A peer made of memory BIOs, whose writes can be glued together -----------*/

FIXTURE(glue) {
	struct config *config;
	int fd[2];	/* ours, the peer's */
	SSL_CTX *ctx;
	SSL *ssl;
	struct tls *tls;
	uint8_t last[45];	/* that the peer received */
	size_t longest;		/* sealed record that it received */
};

FIXTURE_SETUP(glue)
{
	memset(self, 0, sizeof(*self));
	self->config = make_config();
	ASSERT_NE(NULL, self->config);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, self->fd));
}

FIXTURE_TEARDOWN(glue)
{
	tls_free(self->tls);
	SSL_free(self->ssl);
	SSL_CTX_free(self->ctx);
	close(self->fd[0]);
	close(self->fd[1]);
	config_put(self->config);
}

static int glue_certificate(SSL_CTX *ctx, const char *identity)
{
	char cert[128], key[128];

	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, identity);
	snprintf(key, sizeof(key), "%s/%s.key", dir, identity);
	return SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM) &&
	       SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM);
}

/* The peer as client or as server with the named certificate. */
static int glue_peer(FIXTURE_DATA(glue) *self, const char *identity)
{
	self->ctx = SSL_CTX_new(TLS_method());
	if (!self->ctx)
		return 0;
	if (identity && !glue_certificate(self->ctx, identity))
		return 0;
	self->ssl = SSL_new(self->ctx);
	if (!self->ssl)
		return 0;
	SSL_set_bio(self->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (identity)
		SSL_set_accept_state(self->ssl);
	else
		SSL_set_connect_state(self->ssl);
	return 1;
}

/* One turn of the peer. At its end @text goes into the same write. */
static int glue_turn(FIXTURE_DATA(glue) *self, const char *text)
{
	char buf[20000];
	int ret;
	ssize_t n;

	n = read(self->fd[1], buf, sizeof(buf));
	if (n >= (ssize_t)sizeof(self->last))
		memcpy(self->last, buf + n - sizeof(self->last),
		       sizeof(self->last));
	/* A flight comes in one piece here. */
	for (ssize_t at = 0; at + 5 <= n;) {
		size_t len = (size_t)(uint8_t)buf[at + 3] << 8 | (uint8_t)buf[at + 4];

		if (buf[at] == SSL3_RT_APPLICATION_DATA && len > self->longest)
			self->longest = len;
		at += 5 + (ssize_t)len;
	}
	if (n > 0)
		BIO_write(SSL_get_rbio(self->ssl), buf, (int)n);
	ret = SSL_do_handshake(self->ssl);
	if (ret == 1 && text)
		SSL_write(self->ssl, text, (int)strlen(text));
	ret = BIO_read(SSL_get_wbio(self->ssl), buf, sizeof(buf));
	if (ret > 0 && write(self->fd[1], buf, (size_t)ret) != ret)
		return 0;
	return SSL_is_init_finished(self->ssl);
}

static enum tls_state glue_run(FIXTURE_DATA(glue) *self,
			       const struct tls_ask *ask, const char *text)
{
	enum tls_state state = TLS_RUNNING;
	int done = 0;

	self->tls = tls_new(self->config, ask, self->fd[0]);
	if (!self->tls)
		return TLS_FAILED;
	for (int i = 0; i < 20 && state == TLS_RUNNING; i++) {
		if (!done)
			done = glue_turn(self, text);
		state = tls_step(self->tls);
	}
	return state;
}

/* Data in the very write that ends the handshake stays for the kernel. */
static void check_glued(struct __test_metadata *_metadata,
			FIXTURE_DATA(glue) *self, const struct tls_ask *ask)
{
	struct record_dir rx;
	int tickets = 0;

	ASSERT_EQ(TLS_OPEN, glue_run(self, ask, LINE)) {
		TH_LOG("%s", tls_result(self->tls)->text);
	}
	ASSERT_TRUE(record_init(&rx, tls_rx(self->tls)));
	EXPECT_TRUE(data_has(&rx, self->fd[0], LINE, &tickets));
}

TEST_F(glue, tls13_client_finished_and_data)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS13);

	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "ec.test"));
	check_glued(_metadata, self, &ask);
}

TEST_F(glue, tls12_server_finished_and_data)
{
	struct tls_ask ask = ask_for(0, "ec.test", KEYS_TLS12);

	ASSERT_TRUE(glue_peer(self, "ec"));
	check_glued(_metadata, self, &ask);
}

/* A GCM nonce used twice gives the key away, and no peer would notice: the
 * first one for the kernel is the one after our Finished's, which is the last
 * record that a server sends.
 */
TEST_F(glue, tls12_explicit_nonce_goes_on)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS12);
	uint64_t nonce = 0;

	ask.ciphers = 1;
	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "ec.test"));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	if (!SSL_is_init_finished(self->ssl))
		ASSERT_EQ(1, glue_turn(self, NULL));
	/* Header, nonce, Finished of 16 bytes, tag. */
	ASSERT_EQ(SSL3_RT_HANDSHAKE, self->last[0]);
	ASSERT_EQ(40, self->last[4]);
	for (int i = 5; i < 13; i++)
		nonce = nonce << 8 | self->last[i];
	EXPECT_EQ(nonce + 1, tls_tx(self->tls)->explicit_nonce);
}

/* With nothing in front of the Finished: what is read ahead of its record ends before the
 * data.
 */
static void check_bare(struct __test_metadata *_metadata,
		       FIXTURE_DATA(glue) *self, const char *suite)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS13);

	ASSERT_TRUE(glue_peer(self, NULL));
	SSL_clear_options(self->ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	ASSERT_TRUE(SSL_set_ciphersuites(self->ssl, suite));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "ec.test"));
	check_glued(_metadata, self, &ask);
}

/* The shortest that there is. */
TEST_F(glue, tls13_bare_finished)
{
	check_bare(_metadata, self, "TLS_AES_128_GCM_SHA256");
}

TEST_F(glue, tls13_bare_longer_finished)
{
	check_bare(_metadata, self, "TLS_AES_256_GCM_SHA384");
}

/* A HelloRetryRequest: the peer's first key share is of no use to us. */
TEST_F(glue, hello_retry)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS13);

	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set1_groups_list(self->ssl, "ffdhe2048:P-256"));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "a.wild.test"));
	check_glued(_metadata, self, &ask);
	EXPECT_STREQ("a.wild.test", tls_result(self->tls)->server_name);
}

/* Names, addresses, what does not verify -----------------------------------*/

static void check_refused(struct __test_metadata *_metadata,
			  FIXTURE_DATA(glue) *self, const char *identity,
			  const char *name, long code, const char *text, int alert)
{
	struct tls_ask ask = ask_for(0, name, 0);
	const struct tls_result *result;

	ASSERT_TRUE(glue_peer(self, identity));
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	result = tls_result(self->tls);
	EXPECT_EQ(EKEYREJECTED, result->error);
	EXPECT_EQ((uint32_t)code, result->verify_error);
	EXPECT_EQ(alert, result->alert_sent);
	EXPECT_NE(NULL, strstr(result->text, text)) {
		TH_LOG("%s", result->text);
	}
	EXPECT_NE(NULL, strstr(result->text, name));
	/* The alert is on the wire: the peer can read it. */
	ERR_clear_error();
	glue_turn(self, NULL);
	EXPECT_EQ(SSL_AD_REASON_OFFSET + alert, ERR_GET_REASON(ERR_peek_error()));
}

TEST_F(glue, wrong_host)
{
	check_refused(_metadata, self, "ec", "wrong.test",
		      X509_V_ERR_HOSTNAME_MISMATCH, "hostname mismatch",
		      SSL_AD_BAD_CERTIFICATE);
}

TEST_F(glue, wildcard_is_one_label)
{
	check_refused(_metadata, self, "ec", "a.b.wild.test",
		      X509_V_ERR_HOSTNAME_MISMATCH, "hostname mismatch",
		      SSL_AD_BAD_CERTIFICATE);
}

TEST_F(glue, wrong_address)
{
	check_refused(_metadata, self, "ec", "192.0.2.1",
		      X509_V_ERR_IP_ADDRESS_MISMATCH, "IP address mismatch",
		      SSL_AD_BAD_CERTIFICATE);
}

TEST_F(glue, common_name_is_no_name)
{
	check_refused(_metadata, self, "ec", "ec", X509_V_ERR_HOSTNAME_MISMATCH,
		      "hostname mismatch", SSL_AD_BAD_CERTIFICATE);
}

TEST_F(glue, expired)
{
	check_refused(_metadata, self, "expired", "ec.test",
		      X509_V_ERR_CERT_HAS_EXPIRED, "certificate has expired",
		      SSL_AD_CERTIFICATE_EXPIRED);
}

TEST_F(glue, unknown_authority)
{
	check_refused(_metadata, self, "unknown", "ec.test",
		      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		      "unable to get local issuer certificate",
		      SSL_AD_UNKNOWN_CA);
}

/* A server's certificate at the end of @length others, each the next one's authority. */
static int glue_chain(FIXTURE_DATA(glue) *self, int length)
{
	struct party party[2];
	int ok = load_party(&party[0], "ca"), i;

	for (i = 0; ok && i <= length; i++) {
		struct party *ca = &party[i % 2], *next = &party[(i + 1) % 2];
		char name[16];

		snprintf(name, sizeof(name), "link%d", i);
		ok = make_party(next, ca, name, i < length ? NULL : "DNS:ec.test", 0, 86400) &&
		     (self->ssl || glue_peer(self, "ec")) &&
		     (i < length ? SSL_add1_chain_cert(self->ssl, next->cert) :
				   SSL_use_certificate(self->ssl, next->cert) &&
				   SSL_use_PrivateKey(self->ssl, next->key));
		free_party(ca);
	}
	free_party(&party[i % 2]);
	return ok;
}

TEST_F(glue, chain_of_10)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	ASSERT_TRUE(glue_chain(self, 10));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL)) {
		TH_LOG("%s", tls_result(self->tls)->text);
	}
}

TEST_F(glue, chain_of_100)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);
	const struct tls_result *result;

	ASSERT_TRUE(glue_chain(self, 100));
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	result = tls_result(self->tls);
	EXPECT_EQ(EKEYREJECTED, result->error);
	EXPECT_EQ(X509_V_ERR_CERT_CHAIN_TOO_LONG, result->verify_error);
	EXPECT_EQ(SSL_AD_UNKNOWN_CA, result->alert_sent);
}

static void check_accepted(struct __test_metadata *_metadata,
			   FIXTURE_DATA(glue) *self, const struct tls_ask *ask,
			   const char *sni)
{
	const char *got;

	ASSERT_TRUE(glue_peer(self, "ec"));
	ASSERT_EQ(TLS_OPEN, glue_run(self, ask, NULL)) {
		TH_LOG("%s", tls_result(self->tls)->text);
	}
	EXPECT_EQ(SLUICE_INFO_PEER_CERT, tls_result(self->tls)->flags);
	got = SSL_get_servername(self->ssl, TLSEXT_NAMETYPE_host_name);
	EXPECT_STREQ(sni ? sni : "", got ? got : "");
}

TEST_F(glue, wildcard)
{
	struct tls_ask ask = ask_for(0, "a.wild.test", 0);

	check_accepted(_metadata, self, &ask, "a.wild.test");
}

TEST_F(glue, dot_at_the_end)
{
	struct tls_ask ask = ask_for(0, "ec.test.", 0);

	check_accepted(_metadata, self, &ask, "ec.test");
}

TEST_F(glue, address_without_sni)
{
	struct tls_ask ask = ask_for(0, "127.0.0.1", 0);

	check_accepted(_metadata, self, &ask, NULL);
}

TEST_F(glue, name_check_off_by_flag)
{
	struct tls_ask ask = ask_for(0, "", 0);

	ask.flags = SLUICE_F_NO_NAME_CHECK;
	check_accepted(_metadata, self, &ask, NULL);
}

/* Requests that cannot be met: no byte is sent. */
TEST_F(glue, bad_requests)
{
	static const struct {
		int server;
		const char *name, *identity, *trust, *text;
		uint16_t min, max;
		uint64_t ciphers;
		const char *alpn;
		int error;
		uint32_t uid;
	} rows[] = {
		{ 0, "", "", "", "no server name", 0, 0, 7, "", EINVAL, 0 },
		{ 0, ".test", "", "", "neither a host name", 0, 0, 7, "", EINVAL, 0 },
		{ 0, "a..test", "", "", "neither a host name", 0, 0, 7, "", EINVAL, 0 },
		{ 0, "*.test", "", "", "neither a host name", 0, 0, 7, "", EINVAL, 0 },
		{ 0, "b\303\274.test", "", "", "neither a host name", 0, 0, 7, "", EINVAL, 0 },
		{ 0, "1.2.3", "", "", "neither a host name", 0, 0, 7, "", EINVAL, 0 },
		{ 0, "ec.test", "nobody", "", "no identity \"nobody\"", 0, 0, 7, "", ENOENT, 0 },
		{ 0, "ec.test", "", "nowhere", "no trust store \"nowhere\"", 0, 0, 7, "", ENOENT, 0 },
		{ 0, "ec.test", "", "", "no cipher suite", 0, 0, 0, "", EOPNOTSUPP, 0 },
		{ 0, "ec.test", "", "", "versions", KEYS_TLS13, KEYS_TLS12, 7, "", EINVAL, 0 },
		{ 0, "ec.test", "", "", "ALPN", 0, 0, 7, "\5abc", EINVAL, 0 },
		{ 1, "", "nobody", "", "no identity \"nobody\"", 0, 0, 7, "", ENOENT, 0 },
		{ 1, "", "ec", "", "user 1234 may not", 0, 0, 7, "", EACCES, 1234 },
		{ 0, "ec.test", "client", "", "user 1234 may not", 0, 0, 7, "", EACCES, 1234 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tls_ask ask = ask_for(rows[i].server, rows[i].name, 0);
		const struct tls_result *result;
		char byte;

		strcpy(ask.identity, rows[i].identity);
		strcpy(ask.trust, rows[i].trust);
		ask.min_version = rows[i].min;
		ask.max_version = rows[i].max;
		ask.ciphers = rows[i].ciphers;
		ask.who.uid = rows[i].uid;
		ask.alpn.len = strlen(rows[i].alpn);
		memcpy(ask.alpn.list, rows[i].alpn, ask.alpn.len);
		self->tls = tls_new(self->config, &ask, self->fd[0]);
		ASSERT_NE(NULL, self->tls);
		EXPECT_EQ(TLS_FAILED, tls_step(self->tls));
		result = tls_result(self->tls);
		EXPECT_EQ(rows[i].error, result->error);
		EXPECT_NE(NULL, strstr(result->text, rows[i].text)) {
			TH_LOG("row %zu: %s", i, result->text);
		}
		EXPECT_EQ(-1, read(self->fd[1], &byte, 1));
		tls_free(self->tls);
		self->tls = NULL;
	}
}

/* Certificates of clients --------------------------------------------------*/

/* The peer as a client of @name, with the certificate @identity or none. */
static int glue_client(FIXTURE_DATA(glue) *self, const char *name,
		       const char *identity)
{
	char cert[128], key[128];

	if (!glue_peer(self, NULL) || !SSL_set_tlsext_host_name(self->ssl, name))
		return 0;
	if (!identity)
		return 1;
	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, identity);
	snprintf(key, sizeof(key), "%s/%s.key", dir, identity);
	return SSL_use_certificate_file(self->ssl, cert, SSL_FILETYPE_PEM) &&
	       SSL_use_PrivateKey_file(self->ssl, key, SSL_FILETYPE_PEM);
}

/* Whether @names, @len bytes of entries, are those of @want up to an empty one. */
static int same_names(const char *names, size_t len, const char *const *want)
{
	size_t at = 0;

	for (; **want; want++) {
		if (at >= len || strcmp(names + at, *want))
			return 0;
		at += strlen(*want) + 1;
	}
	return at == len;
}

static void check_client_is_known(struct __test_metadata *_metadata,
				  FIXTURE_DATA(glue) *self)
{
	static const char *const names[] = {
		"DNS:client.test", "IP:192.0.2.7", "IP:2001:db8::7",
		"URI:spiffe://test/client", "email:client@test", ""
	};
	const struct peer *peer = &tls_result(self->tls)->peer;
	const unsigned char *der = peer->der;
	unsigned char digest[32];
	X509 *cert;

	EXPECT_EQ(SLUICE_INFO_PEER_CERT, tls_result(self->tls)->flags);
	EXPECT_STREQ("CN=client", peer->subject);
	EXPECT_TRUE(same_names(peer->names, peer->names_len, names));
	cert = d2i_X509(NULL, &der, (long)peer->der_len);
	ASSERT_NE(NULL, cert);
	EXPECT_EQ(0, X509_cmp(cert, SSL_get_certificate(self->ssl)));
	X509_free(cert);
	EVP_Digest(peer->der, peer->der_len, digest, NULL, EVP_sha256(), NULL);
	EXPECT_EQ(0, memcmp(digest, peer->fingerprint, sizeof(digest)));
}

static void check_client(struct __test_metadata *_metadata,
			 FIXTURE_DATA(glue) *self, const char *name,
			 uint16_t version)
{
	struct tls_ask ask = ask_for(1, NULL, version);

	ASSERT_TRUE(glue_client(self, name, "client"));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL)) {
		TH_LOG("%s", tls_result(self->tls)->text);
	}
	check_client_is_known(_metadata, self);
}

TEST_F(glue, client_certificate_required_tls13)
{
	check_client(_metadata, self, "requires.test", KEYS_TLS13);
	/* It was told whose certificates we take. */
	EXPECT_EQ(1, sk_X509_NAME_num(SSL_get0_peer_CA_list(self->ssl)));
}

TEST_F(glue, client_certificate_required_tls12)
{
	check_client(_metadata, self, "requires.test", KEYS_TLS12);
}

TEST_F(glue, client_certificate_requested)
{
	check_client(_metadata, self, "asks.test", 0);
}

static void check_no_client(struct __test_metadata *_metadata,
			    FIXTURE_DATA(glue) *self, const char *name,
			    const char *identity)
{
	struct tls_ask ask = ask_for(1, NULL, 0);

	ASSERT_TRUE(glue_client(self, name, identity));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ(0, tls_result(self->tls)->flags);
	EXPECT_STREQ("", tls_result(self->tls)->peer.subject);
	EXPECT_EQ(NULL, tls_result(self->tls)->peer.der);
}

TEST_F(glue, client_certificate_not_shown)
{
	check_no_client(_metadata, self, "asks.test", NULL);
}

TEST_F(glue, client_certificate_not_asked_for)
{
	check_no_client(_metadata, self, "ec.test", "client");
}

static void check_client_refused(struct __test_metadata *_metadata,
				 FIXTURE_DATA(glue) *self, const char *name,
				 const char *identity, uint16_t version,
				 const char *text, int alert)
{
	struct tls_ask ask = ask_for(1, NULL, version);
	const struct tls_result *result;

	ASSERT_TRUE(glue_client(self, name, identity));
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	result = tls_result(self->tls);
	EXPECT_EQ(EKEYREJECTED, result->error);
	EXPECT_EQ(alert, result->alert_sent);
	EXPECT_NE(NULL, strstr(result->text, text)) {
		TH_LOG("%s", result->text);
	}
}

TEST_F(glue, client_without_certificate_tls13)
{
	check_client_refused(_metadata, self, "requires.test", NULL, KEYS_TLS13,
			     "shown no certificate", SSL_AD_CERTIFICATE_REQUIRED);
}

TEST_F(glue, client_without_certificate_tls12)
{
	check_client_refused(_metadata, self, "requires.test", NULL, KEYS_TLS12,
			     "shown no certificate", SSL_AD_HANDSHAKE_FAILURE);
}

TEST_F(glue, client_certificate_expired)
{
	check_client_refused(_metadata, self, "asks.test", "expired", 0,
			     "certificate has expired", SSL_AD_CERTIFICATE_EXPIRED);
}

TEST_F(glue, client_certificate_of_a_stranger)
{
	check_client_refused(_metadata, self, "requires.test", "unknown", 0,
			     "unable to get local issuer", SSL_AD_UNKNOWN_CA);
}

/* Whom to believe is the identity's affair. */
TEST_F(glue, client_trust_is_not_for_the_request)
{
	struct tls_ask ask = ask_for(1, NULL, 0);

	strcpy(ask.trust, TRUST_SYSTEM);
	ASSERT_TRUE(glue_client(self, "requires.test", "client"));
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EINVAL, tls_result(self->tls)->error);
}

/* The other way round: we show a certificate to a server that requires one. */
static enum tls_state glue_to_asking(FIXTURE_DATA(glue) *self,
				     const char *identity, uint16_t version)
{
	struct tls_ask ask = ask_for(0, "ec.test", version);
	char ca[128];

	snprintf(ask.identity, sizeof(ask.identity), "%s", identity);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	if (!glue_peer(self, "ec") ||
	    !SSL_CTX_load_verify_file(self->ctx, ca))
		return TLS_FAILED;
	SSL_set_verify(self->ssl, SSL_VERIFY_PEER |
		       SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return glue_run(self, &ask, NULL);
}

TEST_F(glue, we_show_a_certificate)
{
	char cn[64] = "";
	X509 *cert;

	ASSERT_EQ(TLS_OPEN, glue_to_asking(self, "client", KEYS_TLS12));
	cert = SSL_get0_peer_certificate(self->ssl);
	ASSERT_NE(NULL, cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
				  cn, sizeof(cn));
	EXPECT_STREQ("client", cn);
}

TEST_F(glue, our_certificate_is_refused)
{
	ASSERT_EQ(TLS_FAILED, glue_to_asking(self, "unknown", KEYS_TLS12));
	EXPECT_EQ(EKEYREJECTED, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_UNKNOWN_CA, tls_result(self->tls)->alert_received);
}

/* A name with a zero byte in it would read as two; one that does not fit is left
 * out whole.
 */
TEST(peer_names_that_lie)
{
	static const char *const want[] = { "DNS:first.test", "DNS:last.test", "" };
	struct { const char *text; int len; } rows[] = {
		{ "first.test", 10 }, { "good.test\0DNS:evil.test", 23 },
		{ "line\nfeed.test", 14 }, { "", 0 }, { NULL, 5000 },
		{ "last.test", 9 },
	};
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	static char big[5000];
	static struct peer peer;
	struct party party;

	memset(big, 'a', sizeof(big));
	ASSERT_TRUE(make_party(&party, NULL, "liar", NULL, 0, 86400));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();
		GENERAL_NAME *name = GENERAL_NAME_new();

		ASSERT_TRUE(ASN1_STRING_set(text, rows[i].text ? rows[i].text : big,
					    rows[i].len));
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		ASSERT_LT(0, sk_GENERAL_NAME_push(names, name));
	}
	ASSERT_TRUE(X509_add1_ext_i2d(party.cert, NID_subject_alt_name, names, 0, 0));
	ASSERT_LT(0, X509_sign(party.cert, party.key, EVP_sha256()));
	ASSERT_TRUE(peer_take(&peer, party.cert));
	EXPECT_TRUE(same_names(peer.names, peer.names_len, want));
	peer_fini(&peer);
	GENERAL_NAMES_free(names);
	free_party(&party);
}

/* The server's choice ------------------------------------------------------*/

static void check_choice(struct __test_metadata *_metadata,
			 FIXTURE_DATA(glue) *self, const char *sni,
			 const char *identity, const char *want)
{
	struct tls_ask ask = ask_for(1, NULL, 0);
	char cn[64] = "";
	X509 *cert;

	snprintf(ask.identity, sizeof(ask.identity), "%s", identity);
	ASSERT_TRUE(glue_peer(self, NULL));
	if (sni)
		ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, sni));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL)) {
		TH_LOG("%s", tls_result(self->tls)->text);
	}
	cert = SSL_get0_peer_certificate(self->ssl);
	ASSERT_NE(NULL, cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
				  cn, sizeof(cn));
	EXPECT_STREQ(want, cn);
}

TEST_F(glue, sni_chooses)
{
	check_choice(_metadata, self, "RSA.test", "", "rsa");
	EXPECT_STREQ("rsa.test", tls_result(self->tls)->server_name);
}

TEST_F(glue, request_chooses)
{
	check_choice(_metadata, self, "ec.test", "rsa", "rsa");
}

/* Who may not use an identity does not get it, by name or by a client's SNI. */
TEST_F(glue, identity_of_others)
{
	struct tls_ask ask = ask_for(1, NULL, 0);
	const char *text;

	ask.who.uid = 1234;
	ask.who.gid = 1234;
	ASSERT_TRUE(glue_client(self, "ec.test", NULL));
	EXPECT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	text = tls_result(self->tls)->text;
	EXPECT_EQ(EACCES, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_INTERNAL_ERROR, tls_result(self->tls)->alert_sent);
	EXPECT_STREQ("user 1234 may not use identity \"ec\"", text);
}

TEST_F(glue, unknown_sni)
{
	struct tls_ask ask = ask_for(1, NULL, 0);

	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "other.test"));
	EXPECT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_UNRECOGNIZED_NAME, tls_result(self->tls)->alert_sent);
	EXPECT_NE(NULL, strstr(tls_result(self->tls)->text, "other.test"));
}

TEST_F(glue, alpn_chosen)
{
	static const uint8_t list[] = "\5three\3two";
	struct tls_ask ask = ask_for(1, NULL, 0);

	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "ec.test"));
	ASSERT_EQ(0, SSL_set_alpn_protos(self->ssl, list, sizeof(list) - 1));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	ASSERT_EQ(3, tls_result(self->tls)->alpn_len);
	EXPECT_EQ(0, memcmp(tls_result(self->tls)->alpn, "two", 3));
}

TEST_F(glue, alpn_refused)
{
	static const uint8_t list[] = "\5three";
	struct tls_ask ask = ask_for(1, NULL, 0);

	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "ec.test"));
	ASSERT_EQ(0, SSL_set_alpn_protos(self->ssl, list, sizeof(list) - 1));
	EXPECT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_NO_APPLICATION_PROTOCOL,
		  tls_result(self->tls)->alert_sent);
}

TEST_F(glue, alpn_of_the_client)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	memcpy(ask.alpn.list, "\2h2", 3);
	ask.alpn.len = 3;
	ASSERT_TRUE(glue_peer(self, "ec"));
	/* This server has no opinion: none chosen, and that is no failure. */
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ(0, tls_result(self->tls)->alpn_len);
}

/* What a peer can do wrong -------------------------------------------------*/

TEST_F(glue, not_tls)
{
	static const char text[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	ASSERT_EQ((ssize_t)strlen(text), write(self->fd[1], text, strlen(text)));
	self->tls = tls_new(self->config, &ask, self->fd[0]);
	ASSERT_NE(NULL, self->tls);
	/* The ClientHello has only just gone out. */
	EXPECT_EQ(TLS_RUNNING, tls_step(self->tls));
	EXPECT_EQ(TLS_FAILED, tls_step(self->tls));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
	EXPECT_NE(NULL, strstr(tls_result(self->tls)->text, "not a TLS record"));
}

TEST_F(glue, peer_goes_away)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	self->tls = tls_new(self->config, &ask, self->fd[0]);
	ASSERT_NE(NULL, self->tls);
	EXPECT_EQ(TLS_RUNNING, tls_step(self->tls));
	EXPECT_EQ(POLLIN, tls_events(self->tls));
	ASSERT_EQ(0, shutdown(self->fd[1], SHUT_WR));
	EXPECT_EQ(TLS_FAILED, tls_step(self->tls));
	EXPECT_EQ(ECONNRESET, tls_result(self->tls)->error);
}

TEST_F(glue, peer_sends_alert)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	self->tls = tls_new(self->config, &ask, self->fd[0]);
	ASSERT_NE(NULL, self->tls);
	EXPECT_EQ(TLS_RUNNING, tls_step(self->tls));
	ASSERT_EQ(7, write(self->fd[1], "\x15\x03\x03\x00\x02\x02\x28", 7));
	EXPECT_EQ(TLS_FAILED, tls_step(self->tls));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_HANDSHAKE_FAILURE, tls_result(self->tls)->alert_received);
	EXPECT_NE(NULL, strstr(tls_result(self->tls)->text, "handshake failure"));
}

TEST_F(glue, version_not_shared)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS13);

	ASSERT_TRUE(glue_peer(self, NULL));
	ASSERT_TRUE(SSL_set_max_proto_version(self->ssl, TLS1_2_VERSION));
	ASSERT_TRUE(SSL_set_tlsext_host_name(self->ssl, "ec.test"));
	EXPECT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_PROTOCOL_VERSION, tls_result(self->tls)->alert_sent);
}

/* RSA key exchange only where the identity allows it. */
TEST_F(glue, no_static_rsa)
{
	struct tls_ask ask = ask_for(0, "rsa.test", KEYS_TLS12);

	ASSERT_TRUE(glue_peer(self, "rsa"));
	ASSERT_TRUE(SSL_set_cipher_list(self->ssl, "AES128-GCM-SHA256"));
	EXPECT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
}

/* The send buffer is full: the flight and then the alert still get out. */
TEST_F(glue, full_send_buffer)
{
	struct tls_ask ask = ask_for(0, "wrong.test", 0);
	char fill[4096] = "", drain[4096];
	enum tls_state state;

	ASSERT_TRUE(glue_peer(self, "ec"));
	while (write(self->fd[0], fill, sizeof(fill)) > 0)
		;
	self->tls = tls_new(self->config, &ask, self->fd[0]);
	ASSERT_NE(NULL, self->tls);
	EXPECT_EQ(TLS_RUNNING, tls_step(self->tls));
	EXPECT_EQ(POLLIN | POLLOUT, tls_events(self->tls));
	while (read(self->fd[1], drain, sizeof(drain)) > 0)
		;
	EXPECT_EQ(TLS_RUNNING, tls_step(self->tls));
	EXPECT_EQ(POLLIN, tls_events(self->tls));
	glue_turn(self, NULL);
	while (write(self->fd[0], fill, sizeof(fill)) > 0)
		;
	/* Verification has failed, but it is not over before the alert is out. */
	EXPECT_EQ(TLS_RUNNING, tls_step(self->tls));
	EXPECT_EQ(POLLOUT, tls_events(self->tls));
	while (read(self->fd[1], drain, sizeof(drain)) > 0)
		;
	state = tls_step(self->tls);
	EXPECT_EQ(TLS_FAILED, state);
	EXPECT_EQ(EKEYREJECTED, tls_result(self->tls)->error);
	ASSERT_LT(0, read(self->fd[1], drain, sizeof(drain)));
}

/* Resumption ---------------------------------------------------------------*/

/* The peer reads what has come for it, as far as it is application data. */
static int glue_read(FIXTURE_DATA(glue) *self, char *text, size_t size)
{
	char buf[20000];
	ssize_t n = read(self->fd[1], buf, sizeof(buf));
	int len;

	if (n > 0)
		BIO_write(SSL_get_rbio(self->ssl), buf, (int)n);
	len = SSL_read(self->ssl, text, (int)size - 1);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/* Both ways, under the keys for the kernel: the sequence numbers are right. */
static int glue_talks(FIXTURE_DATA(glue) *self)
{
	struct record_dir tx, rx;
	char text[256], out[512];
	int tickets = 0, n;

	if (!record_init(&tx, tls_tx(self->tls)) ||
	    !record_init(&rx, tls_rx(self->tls)) ||
	    !send_line(&tx, self->fd[0], LINE) ||
	    !glue_read(self, text, sizeof(text)) || strcmp(text, LINE))
		return 0;
	SSL_write(self->ssl, ANSWER, (int)strlen(ANSWER));
	n = BIO_read(SSL_get_wbio(self->ssl), out, sizeof(out));
	return n > 0 && write(self->fd[1], out, (size_t)n) == n &&
	       data_has(&rx, self->fd[0], ANSWER, &tickets);
}

/* Ends the peer's connection and ours, and begins anew; *@session goes along. */
static int glue_anew(FIXTURE_DATA(glue) *self, const char *name,
		     const char *identity, SSL_SESSION *session)
{
	tls_free(self->tls);
	self->tls = NULL;
	SSL_free(self->ssl);
	self->ssl = NULL;
	SSL_CTX_free(self->ctx);
	self->ctx = NULL;
	close(self->fd[0]);
	close(self->fd[1]);
	return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, self->fd) &&
	       glue_client(self, name, identity) &&
	       SSL_set_session(self->ssl, session);
}

/* A full handshake, and the session that its client may come back with. */
static SSL_SESSION *glue_session(FIXTURE_DATA(glue) *self, const char *name,
				 const char *identity, struct tls_ask *ask)
{
	SSL_SESSION *session;

	if (!glue_client(self, name, identity) ||
	    glue_run(self, ask, NULL) != TLS_OPEN ||
	    (!SSL_is_init_finished(self->ssl) && !glue_turn(self, NULL)) ||
	    !glue_talks(self))
		return NULL;
	session = SSL_get1_session(self->ssl);
	SSL_set_shutdown(self->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	if (SSL_SESSION_is_resumable(session))
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

static void glue_use(FIXTURE_DATA(glue) *self, struct config *config)
{
	config_put(self->config);
	self->config = config;
}

static void check_resumed(struct __test_metadata *_metadata,
			  FIXTURE_DATA(glue) *self, uint16_t version,
			  const char *name, const char *identity)
{
	struct tls_ask ask = ask_for(1, NULL, version);
	SSL_SESSION *session = glue_session(self, name, identity, &ask);

	ASSERT_NE(NULL, session);
	EXPECT_EQ(0, tls_result(self->tls)->flags & SLUICE_INFO_RESUMED);
	ASSERT_TRUE(glue_anew(self, name, NULL, session));
	SSL_SESSION_free(session);
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL)) {
		TH_LOG("%s", tls_result(self->tls)->text);
	}
	EXPECT_TRUE(SSL_session_reused(self->ssl));
	EXPECT_TRUE(tls_result(self->tls)->flags & SLUICE_INFO_RESUMED);
	EXPECT_TRUE(glue_talks(self));
}

TEST_F(glue, resumed_tls13)
{
	check_resumed(_metadata, self, KEYS_TLS13, "ec.test", NULL);
}

/* A ticket is for one use (RFC 8446 C.4): each connection must bring the next. */
TEST_F(glue, resumed_once_more)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS13);
	SSL_SESSION *session = glue_session(self, "ec.test", NULL, &ask), *next;
	const unsigned char *was, *is;
	size_t was_len, is_len;

	ASSERT_NE(NULL, session);
	ASSERT_TRUE(glue_anew(self, "ec.test", NULL, session));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	ASSERT_TRUE(glue_talks(self));
	EXPECT_TRUE(SSL_session_reused(self->ssl));
	next = SSL_get0_session(self->ssl);
	SSL_SESSION_get0_ticket(session, &was, &was_len);
	SSL_SESSION_get0_ticket(next, &is, &is_len);
	EXPECT_TRUE(was_len && is_len);
	EXPECT_FALSE(was_len == is_len && !memcmp(was, is, is_len));
	SSL_SESSION_free(session);
}

TEST_F(glue, resumed_tls12)
{
	check_resumed(_metadata, self, KEYS_TLS12, "ec.test", NULL);
}

/* Who the client is comes with its ticket. */
TEST_F(glue, resumed_client_tls13)
{
	check_resumed(_metadata, self, KEYS_TLS13, "requires.test", "client");
	EXPECT_TRUE(tls_result(self->tls)->flags & SLUICE_INFO_PEER_CERT);
	EXPECT_STREQ("CN=client", tls_result(self->tls)->peer.subject);
}

TEST_F(glue, resumed_client_tls12)
{
	check_resumed(_metadata, self, KEYS_TLS12, "requires.test", "client");
	EXPECT_TRUE(tls_result(self->tls)->flags & SLUICE_INFO_PEER_CERT);
	EXPECT_STREQ("CN=client", tls_result(self->tls)->peer.subject);
}

/* A session of @from offered to @to by a client without certificate. */
static enum tls_state glue_cross(FIXTURE_DATA(glue) *self, uint16_t version,
				 const char *from, const char *identity,
				 const char *to)
{
	struct tls_ask ask = ask_for(1, NULL, version);
	SSL_SESSION *session;
	enum tls_state state = TLS_FAILED;

	strcpy(ask.identity, from);
	session = glue_session(self, "ec.test", identity, &ask);
	strcpy(ask.identity, to);
	if (session && glue_anew(self, "ec.test", NULL, session))
		state = glue_run(self, &ask, NULL);
	SSL_SESSION_free(session);
	return state;
}

static void check_not_resumed(struct __test_metadata *_metadata,
			      FIXTURE_DATA(glue) *self)
{
	EXPECT_FALSE(SSL_session_reused(self->ssl));
	EXPECT_FALSE(tls_result(self->tls)->flags & SLUICE_INFO_RESUMED);
	EXPECT_TRUE(glue_talks(self));
}

TEST_F(glue, ticket_of_another_identity_tls13)
{
	ASSERT_EQ(TLS_OPEN, glue_cross(self, KEYS_TLS13, "rsa", NULL, "ec"));
	check_not_resumed(_metadata, self);
}

TEST_F(glue, ticket_of_another_identity_tls12)
{
	ASSERT_EQ(TLS_OPEN, glue_cross(self, KEYS_TLS12, "rsa", NULL, "ec"));
	check_not_resumed(_metadata, self);
}

/* The same with certificates of clients: no way around showing one. */
static void check_no_bypass(struct __test_metadata *_metadata,
			    FIXTURE_DATA(glue) *self, uint16_t version)
{
	ASSERT_EQ(TLS_FAILED, glue_cross(self, version, "asks", NULL, "requires"));
	EXPECT_EQ(EKEYREJECTED, tls_result(self->tls)->error);
	EXPECT_NE(NULL, strstr(tls_result(self->tls)->text, "shown no certificate"));
}

TEST_F(glue, ticket_without_certificate_tls13)
{
	check_no_bypass(_metadata, self, KEYS_TLS13);
}

TEST_F(glue, ticket_without_certificate_tls12)
{
	check_no_bypass(_metadata, self, KEYS_TLS12);
}

/* Keys in a file: blocks of 80 bytes, each filled with one letter. */
static int write_ticket_keys(const char *letters)
{
	char path[128], block[80];
	FILE *f;

	path_of(path, sizeof(path), "tickets");
	f = fopen(path, "w");
	if (!f)
		return 0;
	fchmod(fileno(f), 0600);
	for (; *letters; letters++) {
		memset(block, *letters, sizeof(block));
		fwrite(block, sizeof(block), 1, f);
	}
	return !fclose(f);
}

static struct config *make_config_with_keys(const char *letters,
					    const char *trusted)
{
	char more[256];

	snprintf(more, sizeof(more), "ticket_keys = \"%s/tickets\";", dir);
	return write_ticket_keys(letters) ? make_config_with(more, trusted) : NULL;
}

/* A session made under @before is offered to another daemon with @after. */
static enum tls_state glue_moved(FIXTURE_DATA(glue) *self, uint16_t version,
				 const char *before, const char *after)
{
	struct tls_ask ask = ask_for(1, NULL, version);
	enum tls_state state = TLS_FAILED;
	SSL_SESSION *session;

	glue_use(self, make_config_with_keys(before, "ca"));
	session = glue_session(self, "ec.test", NULL, &ask);
	glue_use(self, make_config_with_keys(after, "ca"));
	if (session && glue_anew(self, "ec.test", NULL, session))
		state = glue_run(self, &ask, NULL);
	SSL_SESSION_free(session);
	return state;
}

TEST_F(glue, ticket_keys_shared)
{
	ASSERT_EQ(TLS_OPEN, glue_moved(self, KEYS_TLS13, "ab", "ab"));
	EXPECT_TRUE(tls_result(self->tls)->flags & SLUICE_INFO_RESUMED);
}

TEST_F(glue, ticket_keys_rotated)
{
	ASSERT_EQ(TLS_OPEN, glue_moved(self, KEYS_TLS12, "ab", "cab"));
	EXPECT_TRUE(tls_result(self->tls)->flags & SLUICE_INFO_RESUMED);
}

/* What seals is the first one. */
TEST_F(glue, ticket_keys_first_seals)
{
	ASSERT_EQ(TLS_OPEN, glue_moved(self, KEYS_TLS12, "ab", "b"));
	check_not_resumed(_metadata, self);
}

TEST_F(glue, ticket_keys_gone)
{
	ASSERT_EQ(TLS_OPEN, glue_moved(self, KEYS_TLS13, "a", "b"));
	check_not_resumed(_metadata, self);
}

/* Without a file each daemon has keys of its own. */
TEST_F(glue, ticket_keys_of_its_own)
{
	struct tls_ask ask = ask_for(1, NULL, 0);
	SSL_SESSION *session = glue_session(self, "ec.test", NULL, &ask);

	ASSERT_NE(NULL, session);
	glue_use(self, make_config());
	ASSERT_TRUE(glue_anew(self, "ec.test", NULL, session));
	SSL_SESSION_free(session);
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	check_not_resumed(_metadata, self);
}

/* The client's authority is no longer trusted, though the ticket is good: it is
 * asked for its certificate again, which is then refused.
 */
static void check_distrusted(struct __test_metadata *_metadata,
			     FIXTURE_DATA(glue) *self, uint16_t version)
{
	struct tls_ask ask = ask_for(1, NULL, version);
	SSL_SESSION *session;

	glue_use(self, make_config_with_keys("a", "ca"));
	session = glue_session(self, "requires.test", "client", &ask);
	ASSERT_NE(NULL, session);
	glue_use(self, make_config_with_keys("a", "stranger"));
	ASSERT_TRUE(glue_anew(self, "requires.test", "client", session));
	SSL_SESSION_free(session);
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EKEYREJECTED, tls_result(self->tls)->error);
	EXPECT_EQ(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		  (int)tls_result(self->tls)->verify_error);
}

TEST_F(glue, resumed_client_distrusted_tls13)
{
	check_distrusted(_metadata, self, KEYS_TLS13);
}

TEST_F(glue, resumed_client_distrusted_tls12)
{
	check_distrusted(_metadata, self, KEYS_TLS12);
}

/* One of our authority that is good for @seconds. */
static int make_brief(struct party *brief, long seconds)
{
	struct party ca;
	int ok = load_party(&ca, "ca");

	ok = ok && make_party(brief, &ca, "brief", "DNS:brief.test", 0, seconds);
	free_party(&ca);
	return ok;
}

/* A certificate that ends between the handshakes ends its sessions too. */
TEST_F(glue, resumed_client_expired)
{
	struct tls_ask ask = ask_for(1, NULL, 0);
	SSL_SESSION *session;
	struct party brief;

	ASSERT_TRUE(make_brief(&brief, 3));
	free_party(&brief);

	session = glue_session(self, "requires.test", "brief", &ask);
	ASSERT_NE(NULL, session);
	sleep(4);
	ASSERT_TRUE(glue_anew(self, "requires.test", "brief", session));
	SSL_SESSION_free(session);
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(EKEYREJECTED, tls_result(self->tls)->error);
	EXPECT_EQ(X509_V_ERR_CERT_HAS_EXPIRED,
		  (int)tls_result(self->tls)->verify_error);
}

/* Revocation lists of our authority, good for @seconds, with @name on it or none. */
static int write_crl(const char *name, long seconds)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
	ASN1_TIME *end = X509_gmtime_adj(NULL, seconds);
	struct party ca, party;
	char path[128];
	int ok = load_party(&ca, "ca");
	FILE *f;

	path_of(path, sizeof(path), "crl.pem");
	f = fopen(path, "w");
	ok = ok && f && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	     X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca.cert)) &&
	     X509_CRL_set1_lastUpdate(crl, now) &&
	     X509_CRL_set1_nextUpdate(crl, end);
	if (ok && name && load_party(&party, name)) {
		X509_REVOKED_set_serialNumber(entry,
					      X509_get_serialNumber(party.cert));
		X509_REVOKED_set_revocationDate(entry, now);
		ok = X509_CRL_add0_revoked(crl, entry);
		free_party(&party);
	} else {
		X509_REVOKED_free(entry);
	}
	ok = ok && X509_CRL_sign(crl, ca.key, EVP_sha256()) &&
	     PEM_write_X509_CRL(f, crl);
	fclose(f);
	X509_CRL_free(crl);
	ASN1_TIME_free(now);
	ASN1_TIME_free(end);
	free_party(&ca);
	return ok;
}

static struct config *make_config_with_crl(const char *name, long seconds)
{
	char more[256];

	snprintf(more, sizeof(more), "ticket_keys = \"%s/tickets\";", dir);
	with_crl = "crl.pem";
	return write_crl(name, seconds) && write_ticket_keys("a") ?
	       make_config_with(more, "ca") : NULL;
}

static void check_revoked(struct __test_metadata *_metadata,
			  FIXTURE_DATA(glue) *self, long code)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	ASSERT_NE(NULL, self->config);
	ASSERT_TRUE(glue_peer(self, "ec"));
	ASSERT_EQ(code ? TLS_FAILED : TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ((uint32_t)code, tls_result(self->tls)->verify_error);
	EXPECT_EQ(code ? EKEYREJECTED : 0, tls_result(self->tls)->error);
}

TEST_F(glue, not_revoked)
{
	glue_use(self, make_config_with_crl("rsa", 3600));
	check_revoked(_metadata, self, 0);
}

TEST_F(glue, revoked)
{
	glue_use(self, make_config_with_crl("ec", 3600));
	check_revoked(_metadata, self, X509_V_ERR_CERT_REVOKED);
}

/* An old list says nothing of today. */
TEST_F(glue, revocation_list_too_old)
{
	glue_use(self, make_config_with_crl(NULL, -10));
	check_revoked(_metadata, self, X509_V_ERR_CRL_HAS_EXPIRED);
}

/* Revoked between two handshakes: its ticket is worth nothing. */
TEST_F(glue, resumed_client_revoked)
{
	struct tls_ask ask = ask_for(1, NULL, 0);
	SSL_SESSION *session;

	glue_use(self, make_config_with_crl(NULL, 3600));
	session = glue_session(self, "requires.test", "client", &ask);
	ASSERT_NE(NULL, session);
	glue_use(self, make_config_with_crl("client", 3600));
	ASSERT_TRUE(glue_anew(self, "requires.test", "client", session));
	SSL_SESSION_free(session);
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(X509_V_ERR_CERT_REVOKED,
		  (int)tls_result(self->tls)->verify_error);
}

/* An authority's answer about @name, good for @seconds. */
static int write_ocsp(const char *name, int status, long seconds)
{
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
	ASN1_TIME *end = X509_gmtime_adj(NULL, seconds);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_RESPONSE *response;
	struct party ca, party;
	OCSP_CERTID *id;
	char path[128];
	int ok;
	BIO *bio;

	if (!load_party(&ca, "ca") || !load_party(&party, name))
		return 0;
	id = OCSP_cert_to_id(EVP_sha1(), party.cert, ca.cert);
	ok = OCSP_basic_add1_status(basic, id, status, 0, now, now, end) &&
	     OCSP_basic_sign(basic, ca.cert, ca.key, EVP_sha256(), NULL, 0);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	path_of(path, sizeof(path), "ocsp.der");
	bio = BIO_new_file(path, "wb");
	ok = ok && response && bio && i2d_OCSP_RESPONSE_bio(bio, response);
	BIO_free(bio);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(now);
	ASN1_TIME_free(end);
	free_party(&ca);
	free_party(&party);
	return ok;
}

static struct config *make_config_with_ocsp(const char *name, int status,
					    long seconds)
{
	with_ocsp = "ocsp.der";
	return write_ocsp(name, status, seconds) ? make_config() : NULL;
}

/* Length of what the client is shown. */
static long glue_staple(FIXTURE_DATA(glue) *self, uint16_t version)
{
	struct tls_ask ask = ask_for(1, NULL, version);
	const unsigned char *der;

	if (!glue_client(self, "ec.test", NULL) ||
	    !SSL_set_tlsext_status_type(self->ssl, TLSEXT_STATUSTYPE_ocsp) ||
	    glue_run(self, &ask, NULL) != TLS_OPEN)
		return -2;
	return SSL_get_tlsext_status_ocsp_resp(self->ssl, &der);
}

TEST_F(glue, ocsp_shown_tls13)
{
	glue_use(self, make_config_with_ocsp("ec", V_OCSP_CERTSTATUS_GOOD, 3600));
	ASSERT_NE(NULL, self->config);
	EXPECT_LT(0, glue_staple(self, KEYS_TLS13));
}

TEST_F(glue, ocsp_shown_tls12)
{
	glue_use(self, make_config_with_ocsp("ec", V_OCSP_CERTSTATUS_GOOD, 3600));
	ASSERT_NE(NULL, self->config);
	EXPECT_LT(0, glue_staple(self, KEYS_TLS12));
}

TEST_F(glue, ocsp_too_old)
{
	glue_use(self, make_config_with_ocsp("ec", V_OCSP_CERTSTATUS_GOOD, -10));
	ASSERT_NE(NULL, self->config);
	EXPECT_EQ(-1, glue_staple(self, KEYS_TLS13));
}

/* Mistakes show when the configuration is read. */
TEST_F(glue, ocsp_of_another)
{
	EXPECT_EQ(NULL, make_config_with_ocsp("rsa", V_OCSP_CERTSTATUS_GOOD, 3600));
	EXPECT_EQ(NULL, make_config_with_ocsp("ec", V_OCSP_CERTSTATUS_UNKNOWN, 3600));
}

/* The peer shows what its certificate's authority is said to have said. */
static int show_ocsp(SSL *ssl, void *arg)
{
	char path[128];
	uint8_t *der;
	FILE *f;
	size_t n;

	(void)arg;
	path_of(path, sizeof(path), "ocsp.der");
	f = fopen(path, "rb");
	der = OPENSSL_malloc(4096);
	n = f ? fread(der, 1, 4096, f) : 0;
	if (f)
		fclose(f);
	SSL_set_tlsext_status_ocsp_resp(ssl, der, (long)n);
	return n ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* We require it: @name is whom the response is about, NULL: none is shown. */
static void check_ocsp(struct __test_metadata *_metadata, FIXTURE_DATA(glue) *self,
		       const char *name, int status, long seconds, long code)
{
	static const uint16_t versions[] = { KEYS_TLS13, KEYS_TLS12 };

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct tls_ask ask = ask_for(0, "ec.test", versions[i]);
		enum tls_state state;
		char rest[512];

		strcpy(ask.trust, "strict");
		ASSERT_TRUE(!name || write_ocsp(name, status, seconds));
		ASSERT_TRUE(glue_peer(self, "ec"));
		if (name)
			SSL_CTX_set_tlsext_status_cb(self->ctx, show_ocsp);
		state = glue_run(self, &ask, NULL);
		EXPECT_EQ(code ? TLS_FAILED : TLS_OPEN, state) {
			TH_LOG("%s", tls_result(self->tls)->text);
		}
		EXPECT_EQ((uint32_t)code, tls_result(self->tls)->verify_error);
		EXPECT_EQ(code ? EKEYREJECTED : 0, tls_result(self->tls)->error);
		EXPECT_EQ(code ? SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE : SLUICE_ALERT_NONE,
			  tls_result(self->tls)->alert_sent);
		EXPECT_EQ(0U, tls_tickets(self->tls));
		tls_free(self->tls);
		SSL_free(self->ssl);
		SSL_CTX_free(self->ctx);
		self->tls = NULL;
		self->ssl = NULL;
		self->ctx = NULL;
		for (int end = 0; end < 2; end++)
			while (read(self->fd[end], rest, sizeof(rest)) > 0)
				;
	}
}

TEST_F(glue, ocsp_required)
{
	check_ocsp(_metadata, self, "ec", V_OCSP_CERTSTATUS_GOOD, 3600, X509_V_OK);
}

TEST_F(glue, ocsp_required_not_shown)
{
	check_ocsp(_metadata, self, NULL, 0, 0, X509_V_ERR_OCSP_VERIFY_NEEDED);
}

TEST_F(glue, ocsp_required_revoked)
{
	check_ocsp(_metadata, self, "ec", V_OCSP_CERTSTATUS_REVOKED, 3600,
		   X509_V_ERR_CERT_REVOKED);
}

TEST_F(glue, ocsp_required_too_old)
{
	check_ocsp(_metadata, self, "ec", V_OCSP_CERTSTATUS_GOOD, -1000,
		   X509_V_ERR_OCSP_VERIFY_FAILED);
}

TEST_F(glue, ocsp_required_of_another)
{
	check_ocsp(_metadata, self, "rsa", V_OCSP_CERTSTATUS_GOOD, 3600,
		   X509_V_ERR_OCSP_CERT_UNKNOWN);
}

/* As a client: tickets reach us by the kernel, played by what follows. */

/* What the server has sent behind the handshake: opens its records and hands each
 * ticket over.
 */
static int take_tickets(FIXTURE_DATA(glue) *self, struct record_dir *rx)
{
	static uint8_t body[18000], out[18000];
	uint8_t header[5];
	int taken = 0, type, n;
	size_t len;

	while (read(self->fd[0], header, 5) == 5) {
		len = (size_t)header[3] << 8 | header[4];
		if (len > sizeof(body) || !read_all(self->fd[0], body, len))
			return -1;
		n = record_open(rx, header, body, len, out, &type);
		if (n < 0)
			return -1;
		if (type != SSL3_RT_HANDSHAKE || out[0] != SSL3_MT_NEWSESSION_TICKET)
			continue;
		tls_ticket(self->tls, out, (size_t)n);
		taken++;
	}
	return taken;
}

/* A new connection to the same server. */
static int glue_server_anew(FIXTURE_DATA(glue) *self)
{
	tls_free(self->tls);
	self->tls = NULL;
	SSL_free(self->ssl);
	close(self->fd[0]);
	close(self->fd[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, self->fd))
		return 0;
	self->ssl = SSL_new(self->ctx);
	if (!self->ssl)
		return 0;
	SSL_set_bio(self->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(self->ssl);
	return 1;
}

/* A handshake to its end on both sides, then the tickets. */
static int glue_visit(FIXTURE_DATA(glue) *self, const struct tls_ask *ask)
{
	struct record_dir rx;

	if (glue_run(self, ask, NULL) != TLS_OPEN ||
	    (!SSL_is_init_finished(self->ssl) && !glue_turn(self, NULL)) ||
	    !record_init(&rx, tls_rx(self->tls)))
		return 0;
	/* As after INSTALL: the keys are with the kernel only. */
	tls_wipe(self->tls);
	return take_tickets(self, &rx) >= 0;
}

static int was_resumed(FIXTURE_DATA(glue) *self)
{
	int ours = !!(tls_result(self->tls)->flags & SLUICE_INFO_RESUMED);

	return ours == SSL_session_reused(self->ssl) ? ours : -1;
}

static void check_comes_back(struct __test_metadata *_metadata,
			     FIXTURE_DATA(glue) *self, uint16_t version)
{
	struct tls_ask ask = ask_for(0, "ec.test", version);

	ASSERT_TRUE(glue_peer(self, "ec"));
	ASSERT_TRUE(glue_visit(self, &ask));
	EXPECT_EQ(0, was_resumed(self));
	EXPECT_EQ(0, tls_tickets(self->tls));
	/* Sessions do not run out by being used. */
	for (int i = 0; i < 4; i++) {
		ASSERT_TRUE(glue_server_anew(self));
		ASSERT_TRUE(glue_visit(self, &ask));
		EXPECT_EQ(1, was_resumed(self));
		EXPECT_TRUE(tls_result(self->tls)->flags & SLUICE_INFO_PEER_CERT);
		EXPECT_STREQ("CN=ec", tls_result(self->tls)->peer.subject);
	}
	/* And such a connection carries data. */
	ASSERT_TRUE(glue_server_anew(self));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ(1, was_resumed(self));
	if (!SSL_is_init_finished(self->ssl))
		ASSERT_TRUE(glue_turn(self, NULL));
	EXPECT_TRUE(glue_talks(self));
}

TEST_F(glue, client_comes_back_tls13)
{
	check_comes_back(_metadata, self, KEYS_TLS13);
}

TEST_F(glue, client_comes_back_tls12)
{
	check_comes_back(_metadata, self, KEYS_TLS12);
}

/* Each suite seals in its own way. */
TEST_F(glue, client_comes_back_by_suite)
{
	static const uint16_t ids[] = { 0x1301, 0x1302, 0x1303 };
	struct tls_ask ask = ask_for(0, "ec.test", KEYS_TLS13);

	ASSERT_TRUE(glue_peer(self, "ec"));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		/* Another port: nothing of the suite before. */
		ask.port = (uint16_t)i;
		ask.ciphers = mask_of(suite_by_id(ids[i]));
		ASSERT_TRUE(glue_server_anew(self));
		ASSERT_TRUE(glue_visit(self, &ask));
		EXPECT_EQ(ids[i], tls_result(self->tls)->suite->id);
		EXPECT_EQ(0, was_resumed(self));
		ASSERT_TRUE(glue_server_anew(self));
		ASSERT_TRUE(glue_visit(self, &ask));
		EXPECT_EQ(1, was_resumed(self));
	}
}

/* What must be the same for a session to be taken up. */
TEST_F(glue, sessions_are_apart)
{
	struct tls_ask first = ask_for(0, "ec.test", 0), ask;
	struct config *other;

	ASSERT_TRUE(glue_peer(self, "ec"));
	ASSERT_TRUE(glue_visit(self, &first));
	for (int i = 0; i < 7; i++) {
		ask = first;
		if (i == 0)
			ask.who.uid = 1;
		else if (i == 1)
			ask.port++;
		else if (i == 2)
			strcpy(ask.server_name, "a.wild.test");
		else if (i == 3)
			strcpy(ask.identity, "client");
		else if (i == 4)
			ask.flags = SLUICE_F_NO_NAME_CHECK;
		else if (i == 5)
			ask.min_version = KEYS_TLS13;
		else
			ask.alpn = (struct alpn){ .list = "\2h2", .len = 3 };
		ASSERT_TRUE(glue_server_anew(self));
		ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
		EXPECT_EQ(0, was_resumed(self)) {
			TH_LOG("case %d", i);
		}
	}
	/* A reload. */
	other = self->config;
	self->config = make_config();
	ASSERT_TRUE(glue_server_anew(self));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &first, NULL));
	EXPECT_EQ(0, was_resumed(self));
	config_put(self->config);
	self->config = other;
	/* And the first one is still there. */
	ASSERT_TRUE(glue_server_anew(self));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &first, NULL));
	EXPECT_EQ(1, was_resumed(self));
}

TEST_F(glue, no_sessions_kept)
{
	struct tls_ask ask = ask_for(0, "ec.test", 0);

	self->config->cache.max = 0;
	ASSERT_TRUE(glue_peer(self, "ec"));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ(0, tls_tickets(self->tls));
}

/* A server's certificate that ended meanwhile: the session is not offered. */
TEST_F(glue, server_expired_meanwhile)
{
	struct tls_ask ask = ask_for(0, "brief.test", 0);
	struct party brief;

	ASSERT_TRUE(make_brief(&brief, 3));
	free_party(&brief);
	ASSERT_TRUE(glue_peer(self, "brief"));
	ASSERT_TRUE(glue_visit(self, &ask));
	sleep(4);
	ASSERT_TRUE(glue_server_anew(self));
	ASSERT_EQ(TLS_FAILED, glue_run(self, &ask, NULL));
	EXPECT_EQ(X509_V_ERR_CERT_HAS_EXPIRED,
		  (int)tls_result(self->tls)->verify_error);
	EXPECT_FALSE(SSL_session_reused(self->ssl));
}

/* Nonsense instead of a ticket is dropped, and harms nothing. */
TEST_F(glue, bad_tickets)
{
	static const uint8_t cut[] = { 4, 0, 0, 9, 0, 0, 0, 1 };
	static const uint8_t other[] = { 24, 0, 0, 1, 0 };
	static uint8_t large[SLUICE_TICKET_MAX + 1];
	struct tls_ask ask = ask_for(0, "ec.test", KEYS_TLS13);
	static const struct {
		const uint8_t *message;
		size_t len;
	} rows[] = {
		{ cut, sizeof(cut) }, { other, sizeof(other) }, { large, 0 },
		{ large, sizeof(large) - 1 }, { large, sizeof(large) },
	};

	ASSERT_TRUE(glue_peer(self, "ec"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_TRUE(glue_server_anew(self));
		ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
		EXPECT_EQ(0, was_resumed(self));
		tls_ticket(self->tls, rows[i].message, rows[i].len);
		tls_ticket(self->tls, rows[i].message, rows[i].len);
		EXPECT_EQ(0, self->config->cache.count);
	}
}

/* Bounded, for a key and in all; the newest first; each once. */
TEST(cache)
{
	uint8_t key[CACHE_KEY_LEN] = { 0 };
	struct cache cache;
	SSL_SESSION *session;
	time_t start = time(NULL);
	int n = 0;

	cache_init(&cache, 20);
	for (int i = 0; i < 100; i++) {
		session = SSL_SESSION_new();
		SSL_SESSION_set1_id(session, (const unsigned char *)"id", 2);
		SSL_SESSION_set_time(session, start - i % 10);
		key[0] = (uint8_t)(i / 10);
		cache_put(&cache, key, session);
		EXPECT_GE(20, cache.count);
	}
	EXPECT_EQ(20, cache.count);
	while ((session = cache_take(&cache, key))) {
		/* Put last, so taken first. */
		EXPECT_EQ(start - 9 + n, SSL_SESSION_get_time(session));
		SSL_SESSION_free(session);
		n++;
	}
	EXPECT_EQ(8, n);
	/* One that has run out is as none. */
	session = SSL_SESSION_new();
	SSL_SESSION_set1_id(session, (const unsigned char *)"id", 2);
	SSL_SESSION_set_timeout(session, 10);
	SSL_SESSION_set_time(session, time(NULL) - 11);
	cache_put(&cache, key, session);
	EXPECT_EQ(NULL, cache_take(&cache, key));
	cache_fini(&cache);
}

/* How long records may be --------------------------------------------------*/

/* The peer's record_size_limit: what it says, and what it is told. */
static unsigned char limit_said[2];
static int limit_told;

static int limit_add(SSL *ssl, unsigned int type, unsigned int context,
		     const unsigned char **out, size_t *len, X509 *x,
		     size_t index, int *alert, void *arg)
{
	(void)ssl;
	(void)type;
	(void)context;
	(void)x;
	(void)index;
	(void)alert;
	(void)arg;
	*out = limit_said;
	*len = sizeof(limit_said);
	return 1;
}

static int limit_parse(SSL *ssl, unsigned int type, unsigned int context,
		       const unsigned char *in, size_t len, X509 *x,
		       size_t index, int *alert, void *arg)
{
	(void)ssl;
	(void)type;
	(void)context;
	(void)x;
	(void)index;
	(void)alert;
	(void)arg;
	limit_told = len == 2 ? in[0] << 8 | in[1] : -1;
	return 1;
}

/* A handshake with a peer that says @limit, which is sent the RSA certificate: too
 * long for a short record.
 */
static enum tls_state glue_limited(FIXTURE_DATA(glue) *self, int server,
				   uint16_t version, unsigned int limit)
{
	struct tls_ask ask = ask_for(server, server ? NULL : "ec.test", version);

	limit_said[0] = (unsigned char)(limit >> 8);
	limit_said[1] = (unsigned char)limit;
	limit_told = 0;
	if (!glue_peer(self, server ? NULL : "ec") ||
	    !SSL_CTX_add_custom_ext(self->ctx, 28, SSL_EXT_CLIENT_HELLO |
				    SSL_EXT_TLS1_2_SERVER_HELLO |
				    SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
				    limit_add, NULL, NULL, limit_parse, NULL))
		return TLS_FAILED;
	/* The extension is its context's. */
	SSL_free(self->ssl);
	self->ssl = SSL_new(self->ctx);
	SSL_set_bio(self->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (server)
		SSL_set_connect_state(self->ssl);
	else
		SSL_set_accept_state(self->ssl);
	if (server && !SSL_set_tlsext_host_name(self->ssl, "rsa.test"))
		return TLS_FAILED;
	return glue_run(self, &ask, NULL);
}

TEST_F(glue, record_size_limit)
{
	static const struct {
		int server;
		uint16_t version;
		unsigned int limit, tx;
		int told;
	} rows[] = {
		/* TLS 1.3 counts the type byte. */
		{ 1, KEYS_TLS13, 601, 600, 16385 },
		{ 1, KEYS_TLS12, 601, 601, 16384 },
		{ 0, KEYS_TLS13, 601, 600, 16385 },
		{ 0, KEYS_TLS12, 601, 601, 16384 },
		{ 1, KEYS_TLS13, 16385, 16384, 16385 },
		{ 1, KEYS_TLS13, 65535, 16384, 16385 },
		/* Too short for OpenSSL's own records: a server does not answer... */
		{ 1, KEYS_TLS13, 512, 0, 0 },
		/* ... a client has none to send that would be too long. */
		{ 0, KEYS_TLS13, 65, 64, 16385 },
		{ 0, KEYS_TLS12, 64, 64, 16384 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_EQ(TLS_OPEN, glue_limited(self, rows[i].server,
						 rows[i].version, rows[i].limit)) {
			TH_LOG("row %zu: %s", i, tls_result(self->tls)->text);
		}
		if (!SSL_is_init_finished(self->ssl))
			ASSERT_TRUE(glue_turn(self, NULL));
		EXPECT_EQ(rows[i].tx, tls_tx_limit(self->tls));
		EXPECT_EQ(0, tls_rx_limit(self->tls));
		EXPECT_EQ(rows[i].told, limit_told) {
			TH_LOG("row %zu", i);
		}
		/* Our own flight obeys: content, type and tag. */
		if (rows[i].tx && rows[i].version == KEYS_TLS13) {
			EXPECT_LT(0, self->longest);
			EXPECT_GE(rows[i].tx + 17, self->longest);
		}
		EXPECT_TRUE(glue_talks(self));
		self->longest = 0;
		tls_free(self->tls);
		self->tls = NULL;
		SSL_free(self->ssl);
		SSL_CTX_free(self->ctx);
		close(self->fd[0]);
		close(self->fd[1]);
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
					self->fd));
	}
	self->ssl = NULL;
	self->ctx = NULL;
}

TEST_F(glue, record_size_limit_too_small)
{
	ASSERT_EQ(TLS_FAILED, glue_limited(self, 1, KEYS_TLS13, 63));
	EXPECT_EQ(EPROTO, tls_result(self->tls)->error);
	EXPECT_EQ(SSL_AD_ILLEGAL_PARAMETER, tls_result(self->tls)->alert_sent);
}

/* Older than that, and for both directions. */
TEST_F(glue, max_fragment_length)
{
	struct tls_ask ask = ask_for(1, NULL, 0);

	ASSERT_TRUE(glue_client(self, "ec.test", NULL));
	ASSERT_TRUE(SSL_set_tlsext_max_fragment_length(self->ssl,
			TLSEXT_max_fragment_length_1024));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ(1024, tls_tx_limit(self->tls));
	EXPECT_EQ(1024, tls_rx_limit(self->tls));
}

/* Secrets are written down where that is asked for, and nowhere else. */
TEST_F(glue, key_log)
{
	struct tls_ask ask = ask_for(0, "ec.test", KEYS_TLS13);
	char path[128], text[4096] = "", secret[97] = "";
	const uint8_t *keys;
	struct stat st;
	FILE *f;

	path_of(path, sizeof(path), "key.log");
	setenv("SSLKEYLOGFILE", path, 1);
	ASSERT_TRUE(glue_peer(self, "ec"));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_NE(0, access(path, F_OK));

	f = fopen(path, "w");
	fclose(f);
	ASSERT_EQ(0, chmod(path, 0644));
	EXPECT_FALSE(keylog_open(path));
	ASSERT_EQ(0, chmod(path, 0600));
	ASSERT_TRUE(keylog_open(path));
	ASSERT_TRUE(glue_server_anew(self));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	f = fopen(path, "r");
	ASSERT_LT(0, fread(text, 1, sizeof(text) - 1, f));
	fclose(f);
	keys = tls_rx(self->tls)->secret;
	for (int i = 0; i < tls_rx(self->tls)->suite->secret_len; i++)
		sprintf(secret + 2 * i, "%02x", keys[i]);
	EXPECT_NE(NULL, strstr(text, secret));
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0, st.st_mode & 077);
}

/* As many tickets as the identity says; none: the kernel's first is record 0. */
TEST_F(glue, no_tickets)
{
	struct tls_ask ask = ask_for(1, NULL, KEYS_TLS13);

	strcpy(ask.identity, "plain");
	ASSERT_TRUE(glue_client(self, "ec.test", NULL));
	ASSERT_EQ(TLS_OPEN, glue_run(self, &ask, NULL));
	EXPECT_EQ(0, tls_tx(self->tls)->seq);
	EXPECT_TRUE(glue_talks(self));
	EXPECT_FALSE(SSL_SESSION_is_resumable(SSL_get_session(self->ssl)));
}

TEST_HARNESS_MAIN
