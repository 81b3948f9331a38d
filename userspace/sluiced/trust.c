// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Trust stores: whose signatures make a peer's certificate acceptable.
 */
#include "trust.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* A longer list fills flights for little: clients do without it. */
#define TRUST_NAMES_MAX	64

/* As in "4a6481c9.0", the name under which OpenSSL looks a subject up. */
static bool trust_is_hash_name(const char *name)
{
	for (int i = 0; i < 8; i++)
		if (!isxdigit((unsigned char)name[i]))
			return false;
	return name[8] == '.' && isdigit((unsigned char)name[9]);
}

/* A directory without such names would load, and silently trust nobody. */
static bool trust_dir_is_hashed(const char *path, char *why, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;

	if (!dir) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	while (!found && (entry = readdir(dir)))
		found = trust_is_hash_name(entry->d_name);
	closedir(dir);
	if (!found)
		snprintf(why, size, "%s: no hashed certificates in it (run `openssl rehash`)",
			 path);
	return found;
}

static void trust_load_names(struct trust *trust)
{
	trust->names = SSL_load_client_CA_file(trust->file);
	if (sk_X509_NAME_num(trust->names) <= TRUST_NAMES_MAX)
		return;
	sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
	trust->names = NULL;
}

static bool trust_load_file(struct trust *trust, char *why, size_t size)
{
	const char *reason;

	ERR_clear_error();
	if (X509_STORE_load_file(trust->store, trust->file)) {
		trust_load_names(trust);
		return true;
	}
	reason = ERR_reason_error_string(ERR_peek_last_error());
	snprintf(why, size, "%s: %s", trust->file,
		 reason ? reason : "no PEM certificate in it");
	return false;
}

static bool trust_load_crl(struct trust *trust, char *why, size_t size)
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(trust->store,
						    X509_LOOKUP_file());
	const char *reason;

	if (!lookup)
		return false;
	ERR_clear_error();
	if (X509_load_crl_file(lookup, trust->crl, X509_FILETYPE_PEM) > 0)
		return X509_STORE_set_flags(trust->store, X509_V_FLAG_CRL_CHECK);
	reason = ERR_reason_error_string(ERR_peek_last_error());
	snprintf(why, size, "%s: %s", trust->crl,
		 reason ? reason : "no PEM revocation list in it");
	return false;
}

bool trust_load(struct trust *trust, char *why, size_t size)
{
	snprintf(why, size, "out of memory");
	trust->store = X509_STORE_new();
	if (!trust->store)
		return false;
	if (!trust->file && !trust->dir)
		return X509_STORE_set_default_paths(trust->store);
	if (trust->file && !trust_load_file(trust, why, size))
		return false;
	if (trust->dir && (!trust_dir_is_hashed(trust->dir, why, size) ||
			   !X509_STORE_load_path(trust->store, trust->dir)))
		return false;
	return !trust->crl || trust_load_crl(trust, why, size);
}

void trust_fini(struct trust *trust)
{
	X509_STORE_free(trust->store);
	sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
	free(trust->name);
	free(trust->file);
	free(trust->dir);
	free(trust->crl);
}
