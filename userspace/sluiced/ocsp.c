// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's part of OCSP stapling (RFC 6066 8, RFC 8446 4.4.2.1): a trust store may
 * require that a server shows, with its certificate, its authority's word of late that
 * it is not revoked. Only the server's own certificate is asked about.
 */
#include "tls_impl.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>

#define OCSP_SKEW	300	/* seconds that clocks may differ by */

/* Does the answer mean this certificate? By the digest that it uses itself. */
static bool ocsp_is_about(OCSP_SINGLERESP *single, X509 *cert, X509 *issuer)
{
	OCSP_CERTID *said = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single), *id;
	ASN1_OBJECT *digest;
	bool same;

	if (!OCSP_id_get0_info(NULL, &digest, NULL, NULL, said))
		return false;
	id = OCSP_cert_to_id(EVP_get_digestbyobj(digest), cert, issuer);
	same = id && !OCSP_id_cmp(id, said);
	OCSP_CERTID_free(id);
	return same;
}

static OCSP_SINGLERESP *ocsp_find(OCSP_BASICRESP *basic, STACK_OF(X509) *chain)
{
	X509 *cert = sk_X509_value(chain, 0), *issuer = sk_X509_value(chain, 1);

	for (int i = 0; issuer && i < OCSP_resp_count(basic); i++)
		if (ocsp_is_about(OCSP_resp_get0(basic, i), cert, issuer))
			return OCSP_resp_get0(basic, i);
	return NULL;
}

/* An answer without an end would be good for ever. */
static long ocsp_judge_answer(OCSP_SINGLERESP *single)
{
	ASN1_GENERALIZEDTIME *from, *until;
	int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);

	if (!until || !OCSP_check_validity(from, until, OCSP_SKEW, -1))
		return X509_V_ERR_OCSP_VERIFY_FAILED;
	switch (status) {
	case V_OCSP_CERTSTATUS_GOOD:
		return X509_V_OK;
	case V_OCSP_CERTSTATUS_REVOKED:
		return X509_V_ERR_CERT_REVOKED;
	default:
		return X509_V_ERR_OCSP_CERT_UNKNOWN;
	}
}

static long ocsp_judge_basic(const struct tls *tls, OCSP_BASICRESP *basic)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(tls->ssl);
	OCSP_SINGLERESP *single;

	if (!chain || OCSP_basic_verify(basic, chain, tls->trust->store, 0) != 1)
		return X509_V_ERR_OCSP_VERIFY_FAILED;
	single = ocsp_find(basic, chain);
	return single ? ocsp_judge_answer(single) : X509_V_ERR_OCSP_CERT_UNKNOWN;
}

static long ocsp_judge(const struct tls *tls)
{
	OCSP_RESPONSE *response;
	OCSP_BASICRESP *basic;
	const uint8_t *der;
	long len = SSL_get_tlsext_status_ocsp_resp(tls->ssl, &der);
	long code = X509_V_ERR_OCSP_VERIFY_FAILED;

	if (len <= 0)
		return X509_V_ERR_OCSP_VERIFY_NEEDED;
	response = d2i_OCSP_RESPONSE(NULL, &der, len);
	basic = response ? OCSP_response_get1_basic(response) : NULL;
	if (basic)
		code = ocsp_judge_basic(tls, basic);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return code;
}

/* Return: 0 makes OpenSSL send bad_certificate_status_response (RFC 6066 8). */
static int ocsp_on_status(SSL *ssl, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);
	long code;

	(void)arg;
	if (!tls || !tls->trust || !tls->trust->require_ocsp)
		return 1;
	code = ocsp_judge(tls);
	tls->ocsp_good = code == X509_V_OK;
	return tls->ocsp_good || verify_reject(tls, code);
}

void ocsp_ctx_init(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_status_cb(ctx, ocsp_on_status);
}

bool ocsp_ask(struct tls *tls)
{
	return !tls->trust->require_ocsp ||
	       SSL_set_tlsext_status_type(tls->ssl, TLSEXT_STATUSTYPE_ocsp);
}
