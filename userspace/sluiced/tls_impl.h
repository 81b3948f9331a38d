/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A handshake from inside, shared by its common part (tls.c) and those of the
 * two roles (client.c, server.c).
 */
#ifndef SLUICED_TLS_IMPL_H
#define SLUICED_TLS_IMPL_H

#include "tls.h"
#include "wire.h"

/**
 * struct tls_dir - one direction of a handshake
 * @finished:	its Finished has passed
 * @records:	records after that
 * @secret:	TLS 1.3: its application traffic secret
 * @secret_len:	0: not known yet
 * @keys:	the outcome
 */
struct tls_dir {
	bool finished;
	uint64_t records;
	uint8_t secret[KEYS_SECRET_MAX];
	size_t secret_len;
	struct keys keys;
};

/**
 * struct tls_limit - how long records may be
 * @told:	the peer's record_size_limit that holds, 0 without
 * @fragment:	the client asks for a max_fragment_length
 * @tx:		content bytes of what we send; 0: as the protocol has it
 * @rx:		of what we receive; likewise
 */
struct tls_limit {
	uint16_t told;
	bool fragment;
	uint16_t tx;
	uint16_t rx;
};

/**
 * struct tls_tickets - what makes sessions of a client's tickets in TLS 1.3
 * @wanted:	messages still of use
 * @reading:	OpenSSL is reading one
 * @seq:	records that OpenSSL has read under the server's traffic secret
 * @key:	of that secret
 * @iv:		of that secret
 */
struct tls_tickets {
	unsigned int wanted;
	bool reading;
	uint64_t seq;
	uint8_t key[KEYS_KEY_MAX];
	uint8_t iv[KEYS_IV_MAX];
};

/**
 * struct tls - a handshake
 * @state:	where it is
 * @ssl:	OpenSSL's part; NULL when the request could not be met
 * @config:	held
 * @ask:	the request
 * @policy:	versions and suites that this connection may use
 * @identity:	who we are; client: NULL if nobody
 * @trust:	what the peer's certificate must verify against; NULL: it is not
 *		asked for one
 * @ocsp_good:	the server has shown what the trust store requires
 * @wire:	the connection's bytes
 * @tx:		what we send
 * @rx:		what we receive
 * @limit:	of the length of records
 * @tickets:	client: those to come
 * @result:	so far
 */
struct tls {
	enum tls_state state;
	SSL *ssl;
	struct config *config;
	struct tls_ask ask;
	struct policy policy;
	const struct identity *identity;
	const struct trust *trust;
	bool ocsp_good;
	struct wire wire;
	struct tls_dir tx;
	struct tls_dir rx;
	struct tls_limit limit;
	struct tls_tickets tickets;
	struct tls_result result;
};

/* Notes why the handshake fails; the first reason stays. Always false. */
bool tls_fail(struct tls *tls, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Narrows @tls->policy to the request and the kernel and applies it. */
bool tls_narrow(struct tls *tls, const struct policy *policy);

/* Makes @identity who we are, if the program that asks may use it. */
bool tls_set_identity(struct tls *tls, const struct identity *identity);

/* The extension, for either role; false without memory. */
bool limit_ctx_init(SSL_CTX *ctx);

/* In the ClientHello callback, before extensions are looked at. */
void limit_take_hello(struct tls *tls);

/* The handshake has succeeded: what limits hold. */
bool limit_settle(struct tls *tls);

/* Before the first byte, when all else is set: a client offers a session. */
void resume_offer(struct tls *tls);

/* The handshake has succeeded and the keys are there: what it leaves for others. */
void resume_prepare(struct tls *tls);

/* Context callbacks of the client's role. */
void resume_ctx_init(SSL_CTX *ctx);
void ocsp_ctx_init(SSL_CTX *ctx);

/* Before the first byte, when @tls->trust is set: a client asks for an OCSP response
 * where it requires one; the callback judges it. False without memory.
 */
bool ocsp_ask(struct tls *tls);

/* Before the first byte: what the request of a client asks for. */
bool client_prepare(struct tls *tls);

/* Names stand in subjectAltName only (RFC 9525 6.3), and a '*' for one whole
 * label only.
 */
#define VERIFY_NAME_FLAGS	(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | \
				 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

/* Intermediates in a chain; OpenSSL would check the signatures of a hundred. */
#define VERIFY_DEPTH		10

/* Before the handshake: the peer's certificate must be for @tls->ask.server_name,
 * where names are checked. False without memory.
 */
bool verify_expect(struct tls *tls);

/* Likewise: it must verify against @trust; @mode is OpenSSL's SSL_VERIFY_*. */
bool verify_against(struct tls *tls, const struct trust *trust, int mode);

/* X509_V_OK, or why @cert, with the help of @chain (may be NULL), does not verify
 * now against the store of verify_against().
 */
long verify_again(struct tls *tls, X509 *cert, struct stack_st_X509 *chain);

/* After the handshake: the peer's certificate, once more, into the result. */
bool verify_peer(struct tls *tls);

/* EKEYREJECTED with OpenSSL's word for @code. Always false. */
bool verify_reject(struct tls *tls, long code);

/* Context callbacks of the server's role; false without memory. */
bool server_ctx_init(SSL_CTX *ctx);

/* Before the first byte: what can be checked without a ClientHello. */
bool server_prepare(struct tls *tls);

#endif /* SLUICED_TLS_IMPL_H */
