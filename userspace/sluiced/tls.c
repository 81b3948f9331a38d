// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One TLS handshake over a file, done by OpenSSL: contexts, steps, outcome, and
 * the exact point at which the kernel goes on.
 *
 * That point is found by watching: OpenSSL's message callback tells when either
 * side's Finished passed and which records came after it, its key log has the
 * traffic secrets of TLS 1.3, and the wire shows the explicit nonce of TLS 1.2's
 * GCM. Whatever does not add up fails the handshake.
 */
#include "tls_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "keylog.h"

#define TLS_SECURITY_LEVEL	2	/* OpenSSL's: 112 bits */

_Static_assert(X509_V_OK == 0, "no verify error is 0");

bool tls_fail(struct tls *tls, int error, const char *fmt, ...)
{
	va_list ap;

	if (tls->result.error)
		return false;
	tls->result.error = error;
	va_start(ap, fmt);
	vsnprintf(tls->result.text, sizeof(tls->result.text), fmt, ap);
	va_end(ap);
	return false;
}

/* Callbacks */

/* A record of TLS 1.3 with the shortest Finished: header, message, type and tag. */
#define TLS_FINISHED_LEN	(WIRE_HEADER + 4 + 32 + 1 + 16)

/* A client that has had our answer must still send a Finished, and until it has begun to,
 * all of one. Change_cipher_spec is in front of it and no part of it. In TLS 1.2 it may
 * come in a record for itself with data behind it (RFC 7918), so there nothing is known.
 */
static void tls_read_ahead(struct tls *tls, bool sent, int content_type, const uint8_t *buf,
			   size_t len)
{
	size_t *ahead = &tls->wire.ahead;

	if (sent && content_type == SSL3_RT_HANDSHAKE && len && *buf == SSL3_MT_SERVER_HELLO)
		*ahead = SSL_version(tls->ssl) == TLS1_3_VERSION ? TLS_FINISHED_LEN : 0;
	else if (!sent && content_type == SSL3_RT_HEADER && *ahead == TLS_FINISHED_LEN &&
		 *buf != SSL3_RT_CHANGE_CIPHER_SPEC)
		*ahead = 0;
}

static void tls_on_message(int write_p, int version, int content_type,
			   const void *buf, size_t len, SSL *ssl, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);
	struct tls_dir *dir;

	(void)version;
	(void)arg;
	if (!tls)
		return;
	dir = write_p ? &tls->tx : &tls->rx;
	tls_read_ahead(tls, write_p, content_type, buf, len);
	/* A record's header shows before the message in it. */
	if (content_type == SSL3_RT_HEADER) {
		dir->records++;
	} else if (content_type == SSL3_RT_HANDSHAKE && len &&
		   *(const uint8_t *)buf == SSL3_MT_FINISHED) {
		dir->finished = true;
		dir->records = 0;
	}
}

static void tls_on_info(const SSL *ssl, int where, int ret)
{
	struct tls *tls = SSL_get_app_data(ssl);

	if (!tls || !(where & SSL_CB_ALERT))
		return;
	if (where & SSL_CB_READ)
		tls->result.alert_received = (uint16_t)(ret & 0xff);
	else
		tls->result.alert_sent = (uint16_t)(ret & 0xff);
}

/* "LABEL <client random> <secret>" (the SSLKEYLOGFILE format), in hex. */
static void tls_take_secret(struct tls_dir *dir, const char *line)
{
	const char *hex = strrchr(line, ' ');
	size_t len;

	if (!hex || !OPENSSL_hexstr2buf_ex(dir->secret, sizeof(dir->secret),
					   &len, hex + 1, '\0')) {
		OPENSSL_cleanse(dir->secret, sizeof(dir->secret));
		return;
	}
	dir->secret_len = len;
}

static bool tls_has_label(const char *line, const char *label)
{
	size_t len = strlen(label);

	return !strncmp(line, label, len) && line[len] == ' ';
}

static void tls_on_keylog(const SSL *ssl, const char *line)
{
	struct tls *tls = SSL_get_app_data(ssl);
	struct tls_dir *client, *server;

	keylog_line(line);
	if (!tls)
		return;
	client = tls->ask.server ? &tls->rx : &tls->tx;
	server = tls->ask.server ? &tls->tx : &tls->rx;
	if (tls_has_label(line, "CLIENT_TRAFFIC_SECRET_0"))
		tls_take_secret(client, line);
	else if (tls_has_label(line, "SERVER_TRAFFIC_SECRET_0"))
		tls_take_secret(server, line);
}

/* Contexts */

static void tls_ctx_options(SSL_CTX *ctx)
{
	/* The system's openssl.cnf may have set some of these. */
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_KTLS |
			      SSL_OP_LEGACY_SERVER_CONNECT |
			      SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
			      SSL_OP_ALLOW_NO_DHE_KEX |
			      SSL_OP_IGNORE_UNEXPECTED_EOF |
			      SSL_OP_NO_EXTENDED_MASTER_SECRET |
			      SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
			    SSL_OP_NO_COMPRESSION |
			    SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* A server's sessions are in its tickets, and nowhere else. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_security_level(ctx, TLS_SECURITY_LEVEL);
	SSL_CTX_set_read_ahead(ctx, 0);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_recv_max_early_data(ctx, 0);
}

SSL_CTX *tls_ctx_new(bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() :
					    TLS_client_method());

	if (!ctx)
		return NULL;
	tls_ctx_options(ctx);
	SSL_CTX_set_msg_callback(ctx, tls_on_message);
	SSL_CTX_set_info_callback(ctx, tls_on_info);
	SSL_CTX_set_keylog_callback(ctx, tls_on_keylog);
	if (!server) {
		resume_ctx_init(ctx);
		ocsp_ctx_init(ctx);
	}
	if (!limit_ctx_init(ctx) || (server && !server_ctx_init(ctx))) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* Beginning */

bool tls_narrow(struct tls *tls, const struct policy *policy)
{
	struct policy *mine = &tls->policy;

	*mine = *policy;
	policy_limit(mine, tls->ask.min_version, tls->ask.max_version);
	if (mine->min_version > mine->max_version)
		return tls_fail(tls, EINVAL, "the configuration allows none of the TLS versions asked for");
	if (!policy_keyable(mine, tls->ask.ciphers))
		return tls_fail(tls, EOPNOTSUPP, "no cipher suite is allowed here and known to this kernel");
	if (!policy_apply(mine, tls->ssl))
		return tls_fail(tls, ENOMEM, "OpenSSL does not take the policy");
	return true;
}

bool tls_set_identity(struct tls *tls, const struct identity *identity)
{
	if (!access_allows(&identity->access, &tls->ask.who))
		return tls_fail(tls, EACCES, "user %u may not use identity \"%s\"",
				tls->ask.who.uid, identity->name);
	tls->identity = identity;
	return true;
}

static bool tls_named_identity(struct tls *tls)
{
	const struct identity *identity;

	if (!tls->ask.identity[0])
		return true;
	identity = config_identity(tls->config, tls->ask.identity);
	if (!identity)
		return tls_fail(tls, ENOENT, "sluiced has no identity \"%s\"",
				tls->ask.identity);
	return tls_set_identity(tls, identity);
}

static bool tls_check_alpn(struct tls *tls)
{
	const struct alpn *alpn = &tls->ask.alpn;
	size_t at = 0;

	while (at < alpn->len && alpn->list[at])
		at += 1 + (size_t)alpn->list[at];
	return at == alpn->len ||
	       tls_fail(tls, EINVAL, "malformed ALPN list");
}

static bool tls_connect_wire(struct tls *tls)
{
	BIO *bio = wire_bio(&tls->wire);

	if (!bio)
		return tls_fail(tls, ENOMEM, "out of memory");
	SSL_set_bio(tls->ssl, bio, bio);
	if (tls->ask.server)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	return true;
}

static bool tls_prepare(struct tls *tls)
{
	struct config *config = tls->config;

	tls->ssl = SSL_new(tls->ask.server ? config->server_ctx :
					     config->client_ctx);
	if (!tls->ssl)
		return tls_fail(tls, ENOMEM, "out of memory");
	SSL_set_app_data(tls->ssl, tls);
	return tls_connect_wire(tls) && tls_check_alpn(tls) &&
	       tls_named_identity(tls) &&
	       (tls->ask.server ? server_prepare(tls) : client_prepare(tls));
}

struct tls *tls_new(struct config *config, const struct tls_ask *ask, int fd)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	tls->config = config_get(config);
	tls->ask = *ask;
	tls->wire.fd = fd;
	/* Before our answer a client sends nothing that would be the kernel's. */
	tls->wire.ahead = ask->server ? WIRE_AHEAD : 0;
	tls->result.alert_sent = SLUICE_ALERT_NONE;
	tls->result.alert_received = SLUICE_ALERT_NONE;
	if (!ask->server)
		memcpy(tls->result.server_name, ask->server_name,
		       sizeof(tls->result.server_name));
	ERR_clear_error();
	if (!tls_prepare(tls))
		tls->state = TLS_FAILED;
	return tls;
}

/* Failing */

/* Alerts that judge a certificate (RFC 8446 6.2). */
static bool tls_is_about_certificate(int alert)
{
	return (alert >= SSL_AD_BAD_CERTIFICATE &&
		alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
	       alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
	       alert == SSL_AD_CERTIFICATE_REQUIRED;
}

static bool tls_fail_alert(struct tls *tls)
{
	int alert = tls->result.alert_received;

	return tls_fail(tls, tls_is_about_certificate(alert) ? EKEYREJECTED : EPROTO,
			"the peer sent alert %d (%s)", alert,
			SSL_alert_desc_string_long(alert));
}

static bool tls_fail_protocol(struct tls *tls)
{
	unsigned long err = ERR_peek_error();
	const char *reason = ERR_reason_error_string(err);
	int code = ERR_GET_LIB(err) == ERR_LIB_SSL ? ERR_GET_REASON(err) : 0;

	if (code == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return tls_fail(tls, EKEYREJECTED, "the client has shown no certificate");
	if (code == SSL_R_WRONG_VERSION_NUMBER)
		return tls_fail(tls, EPROTO, "not a TLS record, or of an unknown version");
	return tls_fail(tls, EPROTO, "TLS: %s", reason ? reason : "unknown error");
}

/* OpenSSL's step has failed: the nearest cause wins. */
static bool tls_diagnose(struct tls *tls)
{
	long verify = SSL_get_verify_result(tls->ssl);

	if (verify != X509_V_OK)
		return verify_reject(tls, verify);
	if (tls->result.alert_received != SLUICE_ALERT_NONE)
		return tls_fail_alert(tls);
	if (tls->wire.error)
		return tls_fail(tls, tls->wire.error, "the connection failed: %s",
				strerror(tls->wire.error));
	if (tls->wire.eof)
		return tls_fail(tls, ECONNRESET, "the peer closed the connection before the handshake was over");
	return tls_fail_protocol(tls);
}

/* Succeeding */

static bool tls_derive12(struct tls *tls, const struct suite *suite,
			 struct keys *client, struct keys *server)
{
	uint8_t master[KEYS_MASTER_LEN];
	uint8_t random[2][KEYS_RANDOM_LEN];
	bool ok;

	ok = SSL_SESSION_get_master_key(SSL_get_session(tls->ssl), master,
					sizeof(master)) == sizeof(master) &&
	     SSL_get_client_random(tls->ssl, random[0], sizeof(random[0])) ==
		     sizeof(random[0]) &&
	     SSL_get_server_random(tls->ssl, random[1], sizeof(random[1])) ==
		     sizeof(random[1]) &&
	     keys_tls12(suite, master, random[0], random[1], client, server);
	OPENSSL_cleanse(master, sizeof(master));
	/* Finished was record 0 of these keys. */
	tls->tx.keys.seq = 1;
	tls->rx.keys.seq = 1;
	if (ok && suite->explicit_len) {
		ok = wire_last_nonce(&tls->wire, &tls->tx.keys.explicit_nonce);
		tls->tx.keys.explicit_nonce++;
	}
	return ok;
}

static bool tls_derive13(struct tls *tls, const struct suite *suite,
			 struct keys *client, struct keys *server)
{
	struct tls_dir *from = tls->ask.server ? &tls->rx : &tls->tx;
	struct tls_dir *to = tls->ask.server ? &tls->tx : &tls->rx;

	if (from->secret_len != to->secret_len ||
	    !keys_tls13(suite, from->secret, to->secret, from->secret_len,
			client, server))
		return false;
	tls->tx.keys.seq = tls->tx.records;
	return true;
}

/* The kernel's first record follows the peer's Finished at once; ours follows
 * ours, but for what OpenSSL sent behind it under TLS 1.3's new keys.
 */
static bool tls_in_step(struct tls *tls, const struct suite *suite)
{
	if (SSL_has_pending(tls->ssl) || wire_overshot(&tls->wire))
		return tls_fail(tls, EPROTO, "data in the record that ends the handshake");
	if (!tls->tx.finished || !tls->rx.finished || tls->rx.records ||
	    (suite->version == KEYS_TLS12 && tls->tx.records))
		return tls_fail(tls, EPROTO, "records out of step behind the handshake");
	return true;
}

static bool tls_derive(struct tls *tls, const struct suite *suite)
{
	struct keys *client = tls->ask.server ? &tls->rx.keys : &tls->tx.keys;
	struct keys *server = tls->ask.server ? &tls->tx.keys : &tls->rx.keys;
	bool ok;

	ok = suite->version == KEYS_TLS13 ?
	     tls_derive13(tls, suite, client, server) :
	     tls_derive12(tls, suite, client, server);
	return ok || tls_fail(tls, EIO, "no keys could be derived");
}

static bool tls_take_alpn(struct tls *tls)
{
	struct tls_result *result = &tls->result;
	const struct alpn *offered = &tls->ask.alpn;
	const uint8_t *chosen;
	unsigned int len;

	SSL_get0_alpn_selected(tls->ssl, &chosen, &len);
	if (len >= sizeof(result->alpn))
		return tls_fail(tls, EPROTO, "oversized ALPN protocol");
	memcpy(result->alpn, chosen ? chosen : (const uint8_t *)"", len);
	result->alpn_len = (uint16_t)len;
	if (tls->ask.server || !len)
		return true;
	for (size_t at = 0; at < offered->len; at += 1 + (size_t)offered->list[at])
		if (offered->list[at] == len &&
		    !memcmp(offered->list + at + 1, chosen, len))
			return true;
	return tls_fail(tls, EPROTO, "the server chose a protocol that was not offered");
}

static bool tls_take_suite(struct tls *tls)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
	const struct suite *suite =
		cipher ? suite_by_id(SSL_CIPHER_get_protocol_id(cipher)) : NULL;

	if (!suite || SSL_version(tls->ssl) != suite->version ||
	    !policy_allows(&tls->policy, suite))
		return tls_fail(tls, EPROTO, "a version or cipher suite that was not allowed");
	tls->result.suite = suite;
	return true;
}

static bool tls_complete(struct tls *tls)
{
	if (!tls_take_suite(tls) || !tls_take_alpn(tls))
		return false;
	if (SSL_session_reused(tls->ssl))
		tls->result.flags |= SLUICE_INFO_RESUMED;
	if (!verify_peer(tls) || !limit_settle(tls) ||
	    !tls_in_step(tls, tls->result.suite) ||
	    !tls_derive(tls, tls->result.suite))
		return false;
	resume_prepare(tls);
	return true;
}

/* Stepping */

static enum tls_state tls_handshake(struct tls *tls)
{
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(tls->ssl);
	if (ret == 1)
		return tls_complete(tls) ? TLS_OPEN : TLS_FAILED;
	if (SSL_get_error(tls->ssl, ret) == SSL_ERROR_WANT_READ && !tls->wire.error)
		return TLS_RUNNING;
	tls_diagnose(tls);
	return TLS_FAILED;
}

enum tls_state tls_step(struct tls *tls)
{
	int err;

	tls->wire.asked = false;
	if (tls->state == TLS_RUNNING)
		tls->state = tls_handshake(tls);
	err = wire_flush(&tls->wire);
	if (err == -EAGAIN)
		return TLS_RUNNING;
	if (err && tls->state != TLS_FAILED) {
		tls_fail(tls, -err, "the connection failed: %s", strerror(-err));
		tls->state = TLS_FAILED;
	}
	return tls->state;
}

short tls_events(const struct tls *tls)
{
	short events = tls->state == TLS_RUNNING ? POLLIN : 0;

	if (tls->wire.sent < tls->wire.len)
		events |= POLLOUT;
	return events;
}

void tls_abort(struct tls *tls, int error, const char *text)
{
	tls_fail(tls, error, "%s", text);
	tls->state = TLS_FAILED;
}

const struct tls_result *tls_result(const struct tls *tls)
{
	return &tls->result;
}

const struct keys *tls_tx(const struct tls *tls)
{
	return &tls->tx.keys;
}

const struct keys *tls_rx(const struct tls *tls)
{
	return &tls->rx.keys;
}

void tls_wipe(struct tls *tls)
{
	OPENSSL_cleanse(&tls->tx, sizeof(tls->tx));
	OPENSSL_cleanse(&tls->rx, sizeof(tls->rx));
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->ssl) {
		SSL_set_app_data(tls->ssl, NULL);
		/* The kernel ends the connection; the session stays good. */
		if (tls->state == TLS_OPEN)
			SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN |
						   SSL_RECEIVED_SHUTDOWN);
	}
	SSL_free(tls->ssl);
	wire_fini(&tls->wire);
	peer_fini(&tls->result.peer);
	config_put(tls->config);
	OPENSSL_clear_free(tls, sizeof(*tls));
}
