// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's part of a handshake: what it asks for.
 */
#include "tls_impl.h"

#include <errno.h>
#include <string.h>

#include "name.h"

static bool client_set_name(struct tls *tls)
{
	char *name = tls->ask.server_name;
	size_t len = strnlen(name, sizeof(tls->ask.server_name));
	bool ok = true;

	if (!len)
		return (tls->ask.flags & SLUICE_F_NO_NAME_CHECK) ||
		       tls_fail(tls, EINVAL, "no server name to check the certificate against");
	/* "example.com." is the same host; neither SNI nor certificates have
	 * the dot (RFC 6066 3).
	 */
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	if (name_is_host(name))
		ok = SSL_set_tlsext_host_name(tls->ssl, name);
	else if (!name_is_address(name))
		return tls_fail(tls, EINVAL, "\"%s\" is neither a host name nor an address",
				name);
	return (ok && verify_expect(tls)) || tls_fail(tls, ENOMEM, "out of memory");
}

static bool client_set_trust(struct tls *tls)
{
	const char *name = tls->ask.trust[0] ? tls->ask.trust :
					       tls->config->client.trust;
	const struct trust *trust = config_trust(tls->config, name);

	if (!trust)
		return tls_fail(tls, ENOENT, "sluiced has no trust store \"%s\"",
				name);
	return verify_against(tls, trust, SSL_VERIFY_PEER) &&
	       (ocsp_ask(tls) || tls_fail(tls, ENOMEM, "out of memory"));
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
	resume_offer(tls);
	return true;
}
