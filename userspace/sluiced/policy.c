// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which TLS versions and cipher suites may be used, by whom.
 */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#define POLICY_LIST_MAX	1024

_Static_assert(KEYS_TLS12 == TLS1_2_VERSION && KEYS_TLS13 == TLS1_3_VERSION,
	       "versions are those of the wire");

static void policy_add_table(struct policy *policy, bool static_rsa)
{
	size_t count;
	const struct suite *table = suite_table(&count);

	for (size_t i = 0; i < count; i++)
		if (table[i].static_rsa == static_rsa)
			policy_add(policy, &table[i]);
}

void policy_default(struct policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->min_version = KEYS_TLS12;
	policy->max_version = KEYS_TLS13;
	policy_add_table(policy, false);
}

void policy_add_static_rsa(struct policy *policy)
{
	policy_add_table(policy, true);
}

bool policy_add(struct policy *policy, const struct suite *suite)
{
	for (size_t i = 0; i < policy->count; i++)
		if (policy->suites[i] == suite)
			return false;
	if (policy->count == POLICY_SUITES_MAX)
		return false;
	policy->suites[policy->count++] = suite;
	return true;
}

void policy_limit(struct policy *policy, uint16_t min, uint16_t max)
{
	if (min > policy->min_version)
		policy->min_version = min;
	if (max && max < policy->max_version)
		policy->max_version = max;
}

static bool policy_has_version(const struct policy *policy, uint16_t version)
{
	for (size_t i = 0; i < policy->count; i++)
		if (policy->suites[i]->version == version)
			return true;
	return false;
}

bool policy_keyable(struct policy *policy, uint64_t ciphers)
{
	size_t kept = 0;

	for (size_t i = 0; i < policy->count; i++)
		if (suite_in_mask(policy->suites[i], ciphers))
			policy->suites[kept++] = policy->suites[i];
	policy->count = kept;
	if (!policy_has_version(policy, KEYS_TLS12))
		policy_limit(policy, KEYS_TLS13, 0);
	if (!policy_has_version(policy, KEYS_TLS13))
		policy_limit(policy, 0, KEYS_TLS12);
	return policy->min_version <= policy->max_version;
}

static void policy_list(const struct policy *policy, uint16_t version,
			char list[POLICY_LIST_MAX])
{
	size_t at = 0;

	list[0] = '\0';
	for (size_t i = 0; i < policy->count; i++)
		if (policy->suites[i]->version == version)
			at += (size_t)snprintf(list + at, POLICY_LIST_MAX - at,
					       "%s%s", at ? ":" : "",
					       policy->suites[i]->openssl);
}

bool policy_apply(const struct policy *policy, SSL *ssl)
{
	char list[POLICY_LIST_MAX];

	if (!SSL_set_min_proto_version(ssl, policy->min_version) ||
	    !SSL_set_max_proto_version(ssl, policy->max_version))
		return false;
	policy_list(policy, KEYS_TLS13, list);
	if (!SSL_set_ciphersuites(ssl, list))
		return false;
	if (policy->min_version > KEYS_TLS12)
		return true;
	policy_list(policy, KEYS_TLS12, list);
	/* OpenSSL takes no empty list; then TLS 1.2 is off by its version. */
	return !*list || SSL_set_cipher_list(ssl, list);
}

bool policy_allows(const struct policy *policy, const struct suite *suite)
{
	if (suite->version < policy->min_version ||
	    suite->version > policy->max_version)
		return false;
	for (size_t i = 0; i < policy->count; i++)
		if (policy->suites[i] == suite)
			return true;
	return false;
}
