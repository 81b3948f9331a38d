// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's part of a handshake: what it asks for, and whether the server's
 * certificate is the one of who was asked for.
 */
#include "tls_impl.h"

#include <errno.h>
#include <string.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "name.h"

/* Names stand in subjectAltName only (RFC 9525 6.3), and a '*' for one whole
 * label only.
 */
#define CLIENT_NAME_FLAGS	(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | \
				 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

static bool client_checks_name(const struct tls *tls)
{
	return !(tls->ask.flags & SLUICE_F_NO_NAME_CHECK);
}

static bool client_set_host(struct tls *tls, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);

	X509_VERIFY_PARAM_set_hostflags(param, CLIENT_NAME_FLAGS);
	if (!SSL_set_tlsext_host_name(tls->ssl, host))
		return false;
	return !client_checks_name(tls) ||
	       X509_VERIFY_PARAM_set1_host(param, host, 0);
}

static bool client_set_address(struct tls *tls, const char *address)
{
	return !client_checks_name(tls) ||
	       X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), address);
}

static bool client_set_name(struct tls *tls)
{
	char *name = tls->ask.server_name;
	size_t len = strnlen(name, sizeof(tls->ask.server_name));
	bool ok;

	if (!len)
		return !client_checks_name(tls) ||
		       tls_fail(tls, EINVAL, "no server name to check the certificate against");
	/* "example.com." is the same host; neither SNI nor certificates have
	 * the dot (RFC 6066 3).
	 */
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	if (name_is_address(name))
		ok = client_set_address(tls, name);
	else if (name_is_host(name))
		ok = client_set_host(tls, name);
	else
		return tls_fail(tls, EINVAL, "\"%s\" is neither a host name nor an address",
				name);
	return ok || tls_fail(tls, ENOMEM, "out of memory");
}

static bool client_set_trust(struct tls *tls)
{
	const char *name = tls->ask.trust[0] ? tls->ask.trust :
					       tls->config->client.trust;
	const struct trust *trust = config_trust(tls->config, name);

	if (!trust)
		return tls_fail(tls, ENOENT, "sluiced has no trust store \"%s\"",
				name);
	SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
	return SSL_set1_verify_cert_store(tls->ssl, trust->store) ||
	       tls_fail(tls, ENOMEM, "out of memory");
}

static bool client_set_alpn(struct tls *tls)
{
	const struct alpn *alpn = &tls->ask.alpn;

	/* This one function of OpenSSL's returns 0 for success. */
	return !alpn->len ||
	       !SSL_set_alpn_protos(tls->ssl, alpn->list, (unsigned int)alpn->len) ||
	       tls_fail(tls, ENOMEM, "out of memory");
}

bool client_prepare(struct tls *tls)
{
	if (!client_set_name(tls) || !client_set_trust(tls) ||
	    !client_set_alpn(tls) ||
	    !tls_narrow(tls, &tls->config->client.policy))
		return false;
	if (tls->identity && !identity_use(tls->identity, tls->ssl))
		return tls_fail(tls, EIO, "identity \"%s\" cannot be used",
				tls->identity->name);
	return true;
}

bool client_reject(struct tls *tls, long code)
{
	const char *name = tls->ask.server_name;

	tls->result.verify_error = (uint32_t)code;
	return tls_fail(tls, EKEYREJECTED, "certificate verify failed: %s%s%s%s",
			X509_verify_cert_error_string(code),
			*name ? " (asked: " : "", name, *name ? ")" : "");
}

static bool client_name_matches(const struct tls *tls, X509 *cert)
{
	const char *name = tls->ask.server_name;

	if (!client_checks_name(tls))
		return true;
	if (name_is_address(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	return X509_check_host(cert, name, 0, CLIENT_NAME_FLAGS, NULL) == 1;
}

bool client_verify(struct tls *tls)
{
	X509 *cert = SSL_get0_peer_certificate(tls->ssl);
	long code = SSL_get_verify_result(tls->ssl);

	if (code != X509_V_OK)
		return client_reject(tls, code);
	if (!cert)
		return client_reject(tls, X509_V_ERR_UNSPECIFIED);
	if (!client_name_matches(tls, cert))
		return client_reject(tls, name_is_address(tls->ask.server_name) ?
					  X509_V_ERR_IP_ADDRESS_MISMATCH :
					  X509_V_ERR_HOSTNAME_MISMATCH);
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
		return client_reject(tls, X509_V_ERR_CERT_NOT_YET_VALID);
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
		return client_reject(tls, X509_V_ERR_CERT_HAS_EXPIRED);
	tls->result.flags |= SLUICE_INFO_PEER_CERT;
	return true;
}
