/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For sluiced's tests: two authorities and certificates below @dir, made once
 * before the first test, gone after the last.
 */
#ifndef SLUICE_UNIT_PKI_H
#define SLUICE_UNIT_PKI_H

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "../../userspace/sluiced/log.h"

static char dir[64];

struct party {
	X509 *cert;
	EVP_PKEY *key;
};

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", dir, name);
}

static int add_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int ok = ext && X509_add_ext(cert, ext, -1);

	X509_EXTENSION_free(ext);
	return ok;
}

static int write_pem(const struct party *party, const char *name)
{
	char path[128], file[64];
	FILE *f;
	int ok;

	snprintf(file, sizeof(file), "%s.pem", name);
	path_of(path, sizeof(path), file);
	f = fopen(path, "w");
	ok = f && PEM_write_X509(f, party->cert);
	if (f)
		fclose(f);
	snprintf(file, sizeof(file), "%s.key", name);
	path_of(path, sizeof(path), file);
	f = fopen(path, "w");
	ok = ok && f && !fchmod(fileno(f), 0600) &&
	     PEM_write_PrivateKey(f, party->key, NULL, NULL, 0, NULL, NULL);
	if (f)
		fclose(f);
	return ok;
}

/* @san: NULL makes an authority; @until: seconds from now. */
static int make_party(struct party *party, const struct party *ca,
		      const char *name, const char *san, int rsa, long until)
{
	static long serial = 1;
	X509_NAME *subject;
	X509 *cert = X509_new();

	party->key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	party->cert = cert;
	if (!cert || !party->key)
		return 0;
	subject = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, ca ? X509_get_subject_name(ca->cert) : subject);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), until);
	X509_set_pubkey(cert, party->key);
	return add_ext(cert, NID_basic_constraints,
		       san ? "CA:FALSE" : "critical,CA:TRUE") &&
	       (!san || add_ext(cert, NID_subject_alt_name, san)) &&
	       X509_sign(cert, ca ? ca->key : party->key, EVP_sha256()) &&
	       write_pem(party, name);
}

/* One of those below @dir, with its key. */
static inline int load_party(struct party *party, const char *name)
{
	char file[64], path[128];
	FILE *f;

	snprintf(file, sizeof(file), "%s.pem", name);
	path_of(path, sizeof(path), file);
	f = fopen(path, "r");
	party->cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	snprintf(file, sizeof(file), "%s.key", name);
	path_of(path, sizeof(path), file);
	f = fopen(path, "r");
	party->key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	return party->cert && party->key;
}

static void free_party(struct party *party)
{
	X509_free(party->cert);
	EVP_PKEY_free(party->key);
}

static int make_pki(void)
{
	static const struct {
		const char *name, *san;
		int rsa, stranger;
		long until;
	} rows[] = {
		{ "ec", "DNS:ec.test,DNS:*.wild.test,IP:127.0.0.1", 0, 0, 86400 },
		{ "rsa", "DNS:rsa.test", 1, 0, 86400 },
		{ "expired", "DNS:ec.test", 0, 0, -3600 },
		{ "unknown", "DNS:ec.test", 0, 1, 86400 },
		{ "client", "DNS:client.test,IP:192.0.2.7,IP:2001:db8::7,"
			    "URI:spiffe://test/client,email:client@test",
		  0, 0, 86400 },
	};
	struct party ca, stranger, leaf;
	int ok = make_party(&ca, NULL, "ca", NULL, 0, 86400) &&
		 make_party(&stranger, NULL, "stranger", NULL, 0, 86400);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ok = make_party(&leaf, rows[i].stranger ? &stranger : &ca,
				rows[i].name, rows[i].san, rows[i].rsa,
				rows[i].until) && ok;
		free_party(&leaf);
	}
	free_party(&ca);
	free_party(&stranger);
	return ok;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Once for all tests, each of which is a child of this process. */
__attribute__((constructor)) static void make_dir(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERR);
	strcpy(dir, "/tmp/sluiced-test.XXXXXX");
	if (!mkdtemp(dir) || !make_pki())
		abort();
}

__attribute__((destructor)) static void remove_dir(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif /* SLUICE_UNIT_PKI_H */
