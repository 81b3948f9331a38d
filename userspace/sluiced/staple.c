// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An authority's word about a certificate, shown together with it.
 */
#include "staple.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ocsp.h>

static bool staple_fail(char *why, size_t size, const char *path, const char *what)
{
	snprintf(why, size, "%s: %s", path, what);
	return false;
}

/* The answer about @cert among those in it. */
static OCSP_SINGLERESP *staple_find(OCSP_BASICRESP *basic, X509 *cert)
{
	ASN1_INTEGER *serial;

	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

		if (OCSP_id_get0_info(NULL, NULL, NULL, &serial,
				      (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single)) &&
		    !ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(cert)))
			return single;
	}
	return NULL;
}

static const char *staple_check(struct staple *staple, OCSP_RESPONSE *response,
				X509 *cert)
{
	ASN1_GENERALIZEDTIME *until = NULL;
	const char *wrong = NULL;
	OCSP_SINGLERESP *single;
	OCSP_BASICRESP *basic;

	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return "an OCSP responder's refusal to answer";
	basic = OCSP_response_get1_basic(response);
	single = basic ? staple_find(basic, cert) : NULL;
	if (!single)
		wrong = "says nothing of this certificate";
	else if (OCSP_single_get0_status(single, NULL, NULL, NULL, &until) !=
		 V_OCSP_CERTSTATUS_GOOD)
		wrong = "says that the certificate is not good";
	else if (until)
		staple->until = ASN1_STRING_dup(until);
	if (!wrong && until && !staple->until)
		wrong = strerror(ENOMEM);
	OCSP_BASICRESP_free(basic);
	return wrong;
}

bool staple_load(struct staple *staple, const char *path, X509 *cert, char *why,
		 size_t size)
{
	OCSP_RESPONSE *response;
	const char *wrong;
	BIO *bio;
	int len;

	bio = BIO_new_file(path, "rb");
	if (!bio)
		return staple_fail(why, size, path, strerror(errno));
	response = d2i_OCSP_RESPONSE_bio(bio, NULL);
	BIO_free(bio);
	if (!response)
		return staple_fail(why, size, path, "not an OCSP response in DER");
	wrong = staple_check(staple, response, cert);
	len = wrong ? 0 : i2d_OCSP_RESPONSE(response, &staple->der);
	OCSP_RESPONSE_free(response);
	if (wrong)
		return staple_fail(why, size, path, wrong);
	staple->len = len > 0 ? (size_t)len : 0;
	return len > 0 || staple_fail(why, size, path, strerror(ENOMEM));
}

bool staple_use(const struct staple *staple, SSL *ssl)
{
	void *copy;

	if (!staple->der ||
	    (staple->until && X509_cmp_current_time(staple->until) <= 0))
		return false;
	copy = OPENSSL_memdup(staple->der, staple->len);
	return copy && SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->len);
}

void staple_fini(struct staple *staple)
{
	OPENSSL_free(staple->der);
	ASN1_GENERALIZEDTIME_free(staple->until);
}
