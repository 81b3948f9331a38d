// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Userspace TLS as programs do it: a handshake, then SSL_write() and SSL_read() of at most
 * 16 KiB, each with system calls of its own.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <linux/tls.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "bench.h"
#include "end.h"

struct ssl_end {
	struct end end;
	int side;
	SSL *ssl;
};

static void must(int ok, const char *what)
{
	if (ok <= 0)
		errx(1, "OpenSSL: %s", what);
}

static X509 *certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();

	must(x != NULL, "certificate");
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	must(X509_set_pubkey(x, key), "certificate");
	must(X509_sign(x, key, EVP_sha256()), "certificate");
	return x;
}

static SSL_CTX *context(const struct workload *load, bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	static EVP_PKEY *key;
	static X509 *cert;

	if (!key) {
		key = EVP_EC_gen("P-256");
		must(key != NULL, "key");
		cert = certificate(key);
	}
	must(ctx != NULL, "context");
	must(SSL_CTX_set_min_proto_version(ctx, load->version), "version");
	must(SSL_CTX_set_max_proto_version(ctx, load->version), "version");
	if (load->version == TLS_1_3_VERSION)
		must(SSL_CTX_set_ciphersuites(ctx, load->cipher->suite13), "suite");
	else
		must(SSL_CTX_set_cipher_list(ctx, load->cipher->suite), "suite");
	if (server) {
		must(SSL_CTX_use_certificate(ctx, cert), "certificate");
		must(SSL_CTX_use_PrivateKey(ctx, key), "key");
	}
	return ctx;
}

static void ssl_send(struct end *end, struct lane *lane, const unsigned char *data, size_t len)
{
	struct ssl_end *e = (struct ssl_end *)end;

	while (len) {
		int part = len < BENCH_RECORD ? (int)len : BENCH_RECORD;

		must(SSL_write(e->ssl, data, part), "SSL_write");
		lane->calls[TX]++;
		data += part;
		len -= (size_t)part;
	}
}

static size_t ssl_recv(struct end *end, struct lane *lane, unsigned char *buf, size_t len)
{
	struct ssl_end *e = (struct ssl_end *)end;
	int n = SSL_read(e->ssl, buf, len < BENCH_RECORD ? (int)len : BENCH_RECORD);

	must(n, "SSL_read");
	/* Header and body are read apart. */
	lane->calls[RX] += 2;
	return (size_t)n;
}

static void ssl_close(struct end *end)
{
	struct ssl_end *e = (struct ssl_end *)end;

	SSL_free(e->ssl);
	free(e);
}

static const struct end_ops ops = {
	.send	= ssl_send,
	.recv	= ssl_recv,
	.close	= ssl_close,
};

static struct ssl_end *end_new(struct lane *lane, int side)
{
	struct ssl_end *e = calloc(1, sizeof(*e));
	SSL_CTX *ctx = context(lane->load, side == RX);

	if (!e)
		errx(1, "no memory");
	e->end.ops = &ops;
	e->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	must(e->ssl && SSL_set_fd(e->ssl, lane->fd[side]), "connection");
	if (side == RX)
		SSL_set_accept_state(e->ssl);
	else
		SSL_set_connect_state(e->ssl);
	lane->end[side] = &e->end;
	return e;
}

static bool step(SSL *ssl)
{
	int ret = SSL_do_handshake(ssl), error = SSL_get_error(ssl, ret);

	if (ret == 1)
		return true;
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		errx(1, "OpenSSL: handshake");
	return false;
}

static void block(int fd, bool on)
{
	if (fcntl(fd, F_SETFL, on ? 0 : O_NONBLOCK))
		err(1, "fcntl");
}

/* The two ends in turn. The client reads its tickets before there is data. */
void ssl_open(struct lane *lane)
{
	struct ssl_end *tx = end_new(lane, TX), *rx = end_new(lane, RX);
	bool done[2] = { false, false };
	unsigned char none;

	block(lane->fd[TX], false);
	block(lane->fd[RX], false);
	while (!done[TX] || !done[RX]) {
		done[TX] = done[TX] || step(tx->ssl);
		done[RX] = done[RX] || step(rx->ssl);
	}
	if (SSL_read(tx->ssl, &none, 1) > 0)
		errx(1, "OpenSSL: data from nowhere");
	block(lane->fd[TX], true);
	block(lane->fd[RX], true);
}
