// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a peer's certificate says of it: its bytes, subject, names and
 * fingerprint.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* An empty subject is legal (RFC 5280 4.1.2.6), but here means no certificate. */
#define PEER_NO_SUBJECT	"(none)"

/* Control characters and what is not ASCII come escaped. */
static bool peer_take_subject(struct peer *peer, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
				      XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, peer->subject, sizeof(peer->subject) - 1);
	BIO_free(bio);
	peer->subject[n > 0 ? n : 0] = '\0';
	if (!peer->subject[0])
		strcpy(peer->subject, PEER_NO_SUBJECT);
	return bio;
}

/* A name with a zero byte in it would read as two, one with a line feed as
 * whatever a program makes of it.
 */
static bool peer_is_plain(const unsigned char *text, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0;
}

static void peer_add(struct peer *peer, const char *type, const char *text,
		     int len)
{
	size_t left = sizeof(peer->names) - peer->names_len;
	size_t want = strlen(type) + (size_t)len + 1;

	/* Half a name would be another one. */
	if (want > left)
		return;
	snprintf(peer->names + peer->names_len, left, "%s%.*s", type, len, text);
	peer->names_len += want;
}

static void peer_add_string(struct peer *peer, const char *type,
			    const ASN1_STRING *string)
{
	const unsigned char *text = ASN1_STRING_get0_data(string);
	int len = ASN1_STRING_length(string);

	if (peer_is_plain(text, len))
		peer_add(peer, type, (const char *)text, len);
}

static void peer_add_address(struct peer *peer, const ASN1_STRING *string)
{
	int len = ASN1_STRING_length(string);
	char text[INET6_ADDRSTRLEN];

	if (len != 4 && len != 16)
		return;
	if (inet_ntop(len == 4 ? AF_INET : AF_INET6,
		      ASN1_STRING_get0_data(string), text, sizeof(text)))
		peer_add(peer, "IP:", text, (int)strlen(text));
}

static void peer_add_name(struct peer *peer, const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_DNS:
		peer_add_string(peer, "DNS:", name->d.dNSName);
		break;
	case GEN_URI:
		peer_add_string(peer, "URI:", name->d.uniformResourceIdentifier);
		break;
	case GEN_EMAIL:
		peer_add_string(peer, "email:", name->d.rfc822Name);
		break;
	case GEN_IPADD:
		peer_add_address(peer, name->d.iPAddress);
		break;
	default:
		/* Forms that have no text of their own. */
		break;
	}
}

static void peer_take_names(struct peer *peer, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
						NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		peer_add_name(peer, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
}

static bool peer_take_der(struct peer *peer, X509 *cert)
{
	int len = i2d_X509(cert, &peer->der);

	if (len < 0)
		return false;
	peer->der_len = (size_t)len;
	if (peer->der_len > SLUICE_CERT_MAX)
		peer_fini(peer);
	return true;
}

bool peer_take(struct peer *peer, X509 *cert)
{
	unsigned int len;

	if (!X509_digest(cert, EVP_sha256(), peer->fingerprint, &len) ||
	    len != sizeof(peer->fingerprint))
		return false;
	peer_take_names(peer, cert);
	return peer_take_subject(peer, cert) && peer_take_der(peer, cert);
}

void peer_fini(struct peer *peer)
{
	OPENSSL_free(peer->der);
	peer->der = NULL;
	peer->der_len = 0;
}
