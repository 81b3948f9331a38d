// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether the peer is who it must be: asked of OpenSSL before the handshake, and
 * checked once more by hand after it. What OpenSSL has settled in an earlier
 * handshake, whose session is then resumed, may have been settled under other
 * rules.
 */
#include "tls_impl.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "name.h"

static bool verify_names(const struct tls *tls)
{
	return !tls->ask.server && !(tls->ask.flags & SLUICE_F_NO_NAME_CHECK);
}

bool verify_expect(struct tls *tls)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
	const char *name = tls->ask.server_name;

	X509_VERIFY_PARAM_set_hostflags(param, VERIFY_NAME_FLAGS);
	if (!verify_names(tls))
		return true;
	return name_is_address(name) ?
	       X509_VERIFY_PARAM_set1_ip_asc(param, name) :
	       X509_VERIFY_PARAM_set1_host(param, name, 0);
}

bool verify_against(struct tls *tls, const struct trust *trust, int mode)
{
	tls->trust = trust;
	SSL_set_verify(tls->ssl, mode, NULL);
	SSL_set_verify_depth(tls->ssl, VERIFY_DEPTH);
	return SSL_set1_verify_cert_store(tls->ssl, trust->store) ||
	       tls_fail(tls, ENOMEM, "out of memory");
}

static bool verify_prepare(struct tls *tls, X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	if (!X509_STORE_CTX_set_default(ctx, tls->ask.server ? "ssl_client" :
							       "ssl_server") ||
	    !X509_VERIFY_PARAM_set1(param, SSL_get0_param(tls->ssl)))
		return false;
	X509_VERIFY_PARAM_set_auth_level(param,
					 SSL_get_security_level(tls->ssl));
	return true;
}

long verify_again(struct tls *tls, X509 *cert, struct stack_st_X509 *chain)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	long code = X509_V_ERR_UNSPECIFIED;

	if (ctx && X509_STORE_CTX_init(ctx, tls->trust->store, cert, chain) &&
	    verify_prepare(tls, ctx) && X509_verify_cert(ctx) == 1)
		code = X509_V_OK;
	else if (ctx && X509_STORE_CTX_get_error(ctx) != X509_V_OK)
		code = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return code;
}

bool verify_reject(struct tls *tls, long code)
{
	const char *name = tls->ask.server_name;

	tls->result.verify_error = (uint32_t)code;
	return tls_fail(tls, EKEYREJECTED, "certificate verify failed: %s%s%s%s",
			X509_verify_cert_error_string(code),
			*name ? " (asked: " : "", name, *name ? ")" : "");
}

static long verify_name(const struct tls *tls, X509 *cert)
{
	const char *name = tls->ask.server_name;

	if (!verify_names(tls))
		return X509_V_OK;
	if (name_is_address(name))
		return X509_check_ip_asc(cert, name, 0) == 1 ?
		       X509_V_OK : X509_V_ERR_IP_ADDRESS_MISMATCH;
	return X509_check_host(cert, name, 0, VERIFY_NAME_FLAGS, NULL) == 1 ?
	       X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH;
}

static long verify_dates(X509 *cert)
{
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
		return X509_V_ERR_CERT_HAS_EXPIRED;
	return X509_V_OK;
}

/* A server's client may have shown nothing, where that is allowed. */
static bool verify_nobody(struct tls *tls)
{
	if (tls->ask.server &&
	    tls->identity->client_certificates != CLIENT_CERTIFICATES_REQUIRE)
		return true;
	return tls_fail(tls, EKEYREJECTED, "the %s has shown no certificate",
			tls->ask.server ? "client" : "server");
}

bool verify_peer(struct tls *tls)
{
	X509 *cert = SSL_get0_peer_certificate(tls->ssl);
	long code = SSL_get_verify_result(tls->ssl);

	if (!cert)
		return verify_nobody(tls);
	/* One that was not asked for is no one's word. */
	if (code == X509_V_OK && !tls->trust)
		code = X509_V_ERR_UNSPECIFIED;
	if (code == X509_V_OK)
		code = verify_name(tls, cert);
	if (code == X509_V_OK)
		code = verify_dates(cert);
	if (code == X509_V_OK && tls->trust->require_ocsp && !tls->ocsp_good)
		code = X509_V_ERR_OCSP_VERIFY_NEEDED;
	if (code != X509_V_OK)
		return verify_reject(tls, code);
	if (!peer_take(&tls->result.peer, cert))
		return tls_fail(tls, ENOMEM, "out of memory");
	tls->result.flags |= SLUICE_INFO_PEER_CERT;
	return true;
}
