// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long records may be: record_size_limit (RFC 8449), which OpenSSL does not
 * know, as an extension of our own; and max_fragment_length (RFC 6066 4), which it
 * knows as a server, and which we never ask for as a client.
 *
 * We tell peers the longest that the protocol has, only so that they tell us
 * theirs.
 */
#include "tls_impl.h"

#include <errno.h>

#define LIMIT_EXTENSION	28
#define LIMIT_LEN	2
#define LIMIT_MIN	64	/* RFC 8449 4 */
#define LIMIT_MAX	16384
#define LIMIT_OPENSSL	512	/* the shortest that OpenSSL's own records can be */

/* TLS 1.3 counts the type byte in the record (RFC 8449 4). */
static const unsigned char limit_tls12[LIMIT_LEN] = { 0x40, 0x00 };
static const unsigned char limit_tls13[LIMIT_LEN] = { 0x40, 0x01 };

static uint16_t limit_content(const struct tls *tls)
{
	uint16_t content = tls->limit.told;

	if (SSL_version(tls->ssl) == TLS1_3_VERSION)
		content--;
	return content < LIMIT_MAX ? content : LIMIT_MAX;
}

/* A server may leave a limit unanswered, which then does not hold: where it would
 * take more than OpenSSL can, and where max_fragment_length is asked for as well and
 * OpenSSL has answered that.
 */
static bool limit_answers(const struct tls *tls)
{
	return tls->limit.told && !tls->limit.fragment &&
	       limit_content(tls) >= LIMIT_OPENSSL;
}

static int limit_on_add(SSL *ssl, unsigned int type, unsigned int context,
			const unsigned char **out, size_t *len, X509 *x,
			size_t index, int *alert, void *arg)
{
	const struct tls *tls = SSL_get_app_data(ssl);
	bool tls13;

	(void)type;
	(void)x;
	(void)index;
	(void)alert;
	(void)arg;
	if (tls->ask.server && !limit_answers(tls))
		return 0;
	tls13 = context & SSL_EXT_CLIENT_HELLO ?
		tls->policy.max_version == KEYS_TLS13 :
		SSL_version(ssl) == TLS1_3_VERSION;
	*out = tls13 ? limit_tls13 : limit_tls12;
	*len = LIMIT_LEN;
	return 1;
}

/* What we still write ourselves keeps to it too. */
static bool limit_obey(struct tls *tls)
{
	uint16_t content = limit_content(tls);

	if (content >= LIMIT_OPENSSL)
		return SSL_set_max_send_fragment(tls->ssl, content);
	/* A Finished is shorter; a certificate is not. */
	return tls->ask.server || !tls->identity ||
	       tls_fail(tls, EOPNOTSUPP, "the server wants records too short for a certificate");
}

static int limit_on_parse(SSL *ssl, unsigned int type, unsigned int context,
			  const unsigned char *in, size_t len, X509 *x,
			  size_t index, int *alert, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);

	(void)type;
	(void)context;
	(void)x;
	(void)index;
	(void)arg;
	*alert = SSL_AD_DECODE_ERROR;
	if (len != LIMIT_LEN)
		return 0;
	tls->limit.told = (uint16_t)(in[0] << 8 | in[1]);
	*alert = SSL_AD_ILLEGAL_PARAMETER;
	if (tls->limit.told < LIMIT_MIN) {
		tls_fail(tls, EPROTO, "a record size limit below %d", LIMIT_MIN);
		return 0;
	}
	*alert = SSL_AD_INTERNAL_ERROR;
	/* A client's is obeyed if it is answered. */
	if (tls->ask.server && !limit_answers(tls)) {
		tls->limit.told = 0;
		return 1;
	}
	return limit_obey(tls);
}

bool limit_ctx_init(SSL_CTX *ctx)
{
	return SSL_CTX_add_custom_ext(ctx, LIMIT_EXTENSION,
				      SSL_EXT_TLS_ONLY | SSL_EXT_CLIENT_HELLO |
				      SSL_EXT_TLS1_2_SERVER_HELLO |
				      SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
				      limit_on_add, NULL, NULL, limit_on_parse,
				      NULL);
}

void limit_take_hello(struct tls *tls)
{
	const unsigned char *ext;
	size_t len;

	tls->limit.fragment =
		SSL_client_hello_get0_ext(tls->ssl, TLSEXT_TYPE_max_fragment_length,
					  &ext, &len);
}

bool limit_settle(struct tls *tls)
{
	const SSL_SESSION *session = SSL_get_session(tls->ssl);
	uint8_t code = SSL_SESSION_get_max_fragment_length(session);

	/* It holds for both directions, and for nothing that we have not been asked
	 * in this very handshake.
	 */
	if (tls->ask.server && tls->limit.fragment &&
	    code >= TLSEXT_max_fragment_length_512 &&
	    code <= TLSEXT_max_fragment_length_4096) {
		tls->limit.tx = (uint16_t)(256U << code);
		tls->limit.rx = tls->limit.tx;
	}
	if (!tls->limit.told)
		return true;
	tls->limit.tx = limit_content(tls);
	return tls->limit.tx >= LIMIT_MIN ||
	       tls_fail(tls, EOPNOTSUPP, "the peer wants records of less than %d bytes",
			LIMIT_MIN);
}

uint16_t tls_tx_limit(const struct tls *tls)
{
	return tls->limit.tx;
}

uint16_t tls_rx_limit(const struct tls *tls)
{
	return tls->limit.rx;
}
