// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server's part of a handshake: who this host is to the client at hand.
 *
 * The identity is settled in the ClientHello callback, before OpenSSL settles
 * anything: a later one could find a session already resumed under another
 * identity's rules.
 */
#include "tls_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "name.h"

/* server_name (RFC 6066 3): list length, then one entry of type host_name:
 * type, length, bytes.
 */
#define SNI_PREFIX	5
#define SNI_HOST_NAME	0

static size_t get16(const unsigned char *at)
{
	return (size_t)at[0] << 8 | at[1];
}

/* An address is no SNI (RFC 6066 3), but some clients send one: as if absent. */
static bool server_is_address(const unsigned char *from, size_t len)
{
	char text[64] = "";

	if (!len || len >= sizeof(text))
		return false;
	memcpy(text, from, len);
	return strlen(text) == len && name_is_address(text);
}

/* Takes the SNI into @host, empty if the client sent none. False: malformed. */
static bool server_get_sni(SSL *ssl, char host[NAME_HOST_MAX + 1])
{
	const unsigned char *ext;
	size_t len;

	host[0] = '\0';
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len))
		return true;
	if (len < SNI_PREFIX || get16(ext) != len - 2 ||
	    ext[2] != SNI_HOST_NAME || get16(ext + 3) != len - SNI_PREFIX)
		return false;
	if (server_is_address(ext + SNI_PREFIX, len - SNI_PREFIX))
		return true;
	return name_take(host, ext + SNI_PREFIX, len - SNI_PREFIX);
}

static bool server_choose(struct tls *tls)
{
	const char *host = tls->result.server_name;
	const struct identity *identity;
	bool named;

	if (tls->identity)
		return true;
	identity = config_identity_for(tls->config, *host ? host : NULL, &named);
	if (identity)
		return tls_set_identity(tls, identity);
	if (*host)
		return tls_fail(tls, EPROTO, "no identity for the name \"%s\", and no default",
				host);
	return tls_fail(tls, EPROTO, "the client sent no name, and there is no default identity");
}

/* A request cannot choose whom to believe in an identity's place. */
static bool server_check_trust(struct tls *tls)
{
	const struct identity *id = tls->identity;

	if (!tls->ask.trust[0] ||
	    (id->trust && !strcmp(id->trust->name, tls->ask.trust)))
		return true;
	return tls_fail(tls, EINVAL, "identity \"%s\" does not verify clients against trust store \"%s\"",
			id->name, tls->ask.trust);
}

/* The session id context keeps a session where it was made: a ticket given out
 * under one identity, or under laxer rules for clients, is no good elsewhere.
 */
static bool server_set_context(struct tls *tls)
{
	const struct identity *id = tls->identity;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[3 * SLUICE_LABEL_MAX];
	unsigned int len;
	int n;

	/* Labels cannot hold a zero byte. */
	n = snprintf(text, sizeof(text), "%s%c%s%c%d", id->name, 0,
		     id->trust ? id->trust->name : "", 0,
		     id->client_certificates);
	return n > 0 && (size_t)n < sizeof(text) &&
	       EVP_Digest(text, (size_t)n, digest, &len, EVP_sha256(), NULL) &&
	       SSL_set_session_id_context(tls->ssl, digest, len);
}

/* What the identity wants of its clients. */
static bool server_ask_client(struct tls *tls)
{
	const struct identity *id = tls->identity;
	int mode = SSL_VERIFY_PEER;
	STACK_OF(X509_NAME) *names;

	if (id->client_certificates == CLIENT_CERTIFICATES_NONE)
		return true;
	if (id->client_certificates == CLIENT_CERTIFICATES_REQUIRE)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	if (id->trust->names) {
		names = SSL_dup_CA_list(id->trust->names);
		if (!names)
			return tls_fail(tls, ENOMEM, "out of memory");
		SSL_set_client_CA_list(tls->ssl, names);
	}
	return verify_against(tls, id->trust, mode);
}

static bool server_set_tickets(struct tls *tls)
{
	/* TLS 1.2 knows one or none. */
	if (!tls->identity->tickets)
		SSL_set_options(tls->ssl, SSL_OP_NO_TICKET);
	return SSL_set_num_tickets(tls->ssl, tls->identity->tickets);
}

static bool server_use_identity(struct tls *tls)
{
	if (!identity_use(tls->identity, tls->ssl) || !server_set_context(tls) ||
	    !server_set_tickets(tls))
		return tls_fail(tls, EIO, "identity \"%s\" cannot be used",
				tls->identity->name);
	return server_check_trust(tls) && server_ask_client(tls) &&
	       tls_narrow(tls, &tls->identity->policy);
}

/* Also called for the ClientHello after a HelloRetryRequest: the name must be
 * the first one's (RFC 8446 4.1.2), the identity stays.
 */
static int server_on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);
	char host[NAME_HOST_MAX + 1];
	bool again = tls->policy.count;

	(void)arg;
	*alert = SSL_AD_ILLEGAL_PARAMETER;
	if (!server_get_sni(ssl, host)) {
		tls_fail(tls, EPROTO, "malformed server name in the ClientHello");
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (again && strcmp(host, tls->result.server_name)) {
		tls_fail(tls, EPROTO, "the second ClientHello has another server name");
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (again)
		return SSL_CLIENT_HELLO_SUCCESS;

	memcpy(tls->result.server_name, host, sizeof(host));
	limit_take_hello(tls);
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	if (!server_choose(tls)) {
		/* Who may do what on this host is no affair of the client's. */
		if (tls->result.error == EACCES)
			*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	*alert = SSL_AD_INTERNAL_ERROR;
	return server_use_identity(tls) ? SSL_CLIENT_HELLO_SUCCESS :
					  SSL_CLIENT_HELLO_ERROR;
}

/* Only acknowledges: the choice has been made. */
static int server_on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls *tls = SSL_get_app_data(ssl);

	(void)alert;
	(void)arg;
	return tls->result.server_name[0] ? SSL_TLSEXT_ERR_OK :
					    SSL_TLSEXT_ERR_NOACK;
}

static int server_on_alpn(SSL *ssl, const unsigned char **out,
			  unsigned char *out_len, const unsigned char *in,
			  unsigned int in_len, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);
	const struct alpn *mine = tls->ask.alpn.len ? &tls->ask.alpn :
						      &tls->identity->alpn;

	(void)arg;
	if (!mine->len)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_select_next_proto((unsigned char **)out, out_len, mine->list,
				  (unsigned int)mine->len, in, in_len) ==
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	tls_fail(tls, EPROTO, "the client offers none of our ALPN protocols");
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int server_on_status(SSL *ssl, void *arg)
{
	const struct tls *tls = SSL_get_app_data(ssl);

	(void)arg;
	return staple_use(&tls->identity->staple, ssl) ? SSL_TLSEXT_ERR_OK :
							 SSL_TLSEXT_ERR_NOACK;
}

/* Resumption */

static int server_on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
				EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	struct tls *tls = SSL_get_app_data(ssl);
	struct tickets *tickets = &tls->config->tickets;

	return seal ? tickets_seal(tickets, name, iv, cipher, mac) :
		      tickets_open(tickets, name, iv, cipher, mac);
}

/* The cipher of a session of TLS 1.2 is that of the connection; TLS 1.3 chooses
 * anew.
 */
static bool server_allows_suite(const struct tls *tls, const SSL_SESSION *session)
{
	const SSL_CIPHER *cipher = SSL_SESSION_get0_cipher(session);
	const struct suite *suite =
		cipher ? suite_by_id(SSL_CIPHER_get_protocol_id(cipher)) : NULL;

	return suite && (suite->version == KEYS_TLS13 ||
			 policy_allows(&tls->policy, suite));
}

/* Whether the client of @session would be let in today. A ticket has its
 * certificate alone: where that needs intermediates which are not in the store, the
 * client comes in by showing them again.
 */
static bool server_allows_client(struct tls *tls, SSL_SESSION *session)
{
	X509 *cert = SSL_SESSION_get0_peer(session);

	if (!cert)
		return tls->identity->client_certificates !=
		       CLIENT_CERTIFICATES_REQUIRE;
	return tls->trust && verify_again(tls, cert, NULL) == X509_V_OK;
}

/* A ticket that is not to be used is no failure: a full handshake follows. In TLS 1.3 one
 * that is used has been used up (RFC 8446 C.4), and the client gets its next.
 */
static SSL_TICKET_RETURN server_on_ticket(SSL *ssl, SSL_SESSION *session,
					  const unsigned char *name, size_t len,
					  SSL_TICKET_STATUS status, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);

	(void)name;
	(void)len;
	(void)arg;
	if ((status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) ||
	    !server_allows_suite(tls, session) ||
	    !server_allows_client(tls, session))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (status == SSL_TICKET_SUCCESS &&
	    SSL_SESSION_get_protocol_version(session) != TLS1_3_VERSION)
		return SSL_TICKET_RETURN_USE;
	return SSL_TICKET_RETURN_USE_RENEW;
}

bool server_ctx_init(SSL_CTX *ctx)
{
	SSL_CTX_set_client_hello_cb(ctx, server_on_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, server_on_name);
	SSL_CTX_set_alpn_select_cb(ctx, server_on_alpn, NULL);
	SSL_CTX_set_tlsext_status_cb(ctx, server_on_status);
	return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, server_on_ticket_key) &&
	       SSL_CTX_set_session_ticket_cb(ctx, NULL, server_on_ticket, NULL);
}

bool server_prepare(struct tls *tls)
{
	if (!tls->config->identity_count)
		return tls_fail(tls, ENOENT, "sluiced has no identity: its configuration lists none");
	return true;
}
