/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which TLS versions and cipher suites may be used, by whom: a configured
 * policy, narrowed by what a request asks and by what the kernel can key.
 */
#ifndef SLUICED_POLICY_H
#define SLUICED_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "keys.h"

#define POLICY_SUITES_MAX	16

/**
 * struct policy - versions and suites
 * @min_version: KEYS_TLS12 or KEYS_TLS13
 * @max_version: likewise; below @min_version: nothing is left
 * @count:	suites in @suites
 * @suites:	in the order of preference
 */
struct policy {
	uint16_t min_version;
	uint16_t max_version;
	size_t count;
	const struct suite *suites[POLICY_SUITES_MAX];
};

/* All versions, all suites with forward secrecy. */
void policy_default(struct policy *policy);

/* Adds the table's static RSA suites behind the others. */
void policy_add_static_rsa(struct policy *policy);

/* Adds one; false when it is there already. */
bool policy_add(struct policy *policy, const struct suite *suite);

/* Narrows to versions @min..@max, 0 meaning no limit. */
void policy_limit(struct policy *policy, uint16_t min, uint16_t max);

/* Narrows to the suites that the kernel can key, and to the versions that then
 * have a suite. False when nothing is left.
 */
bool policy_keyable(struct policy *policy, uint64_t ciphers);

/* Makes a connection follow it. */
bool policy_apply(const struct policy *policy, SSL *ssl);

/* Whether what was negotiated was allowed; the last check, fails closed. */
bool policy_allows(const struct policy *policy, const struct suite *suite);

#endif /* SLUICED_POLICY_H */
