// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keys of an INSTALL: from attributes to checked key material, by the
 * cipher table. Every refusal names the direction and what is wrong with it.
 */
#include <net/genetlink.h>
#include <uapi/linux/sluice.h>
#include <uapi/linux/tls.h>

#include "keyattr.h"

static const struct nla_policy keyattr_policy[SLUICE_K_MAX + 1] = {
	[SLUICE_K_VERSION] = NLA_POLICY_RANGE(NLA_U16, TLS_1_2_VERSION, TLS_1_3_VERSION),
	[SLUICE_K_CIPHER] = { .type = NLA_U16 },
	[SLUICE_K_SECRET] = { .type = NLA_BINARY, .len = SLUICE_SECRET_MAX },
	[SLUICE_K_KEY] = { .type = NLA_BINARY, .len = SLUICE_KEY_MAX },
	[SLUICE_K_IV] = { .type = NLA_BINARY, .len = SLUICE_NONCE_LEN },
	[SLUICE_K_EXPLICIT] = { .type = NLA_U64 },
	[SLUICE_K_SEQ] = { .type = NLA_U64 },
};

/**
 * struct keyattr - one direction of an INSTALL, being read
 * @info:	the message
 * @nest:	SLUICE_A_TX or SLUICE_A_RX
 * @tb:		what is in it
 * @way:	"TX" or "RX"
 * @config:	the outcome
 */
struct keyattr {
	struct genl_info *info;
	struct nlattr *nest;
	struct nlattr *tb[SLUICE_K_MAX + 1];
	const char *way;
	struct sluice_key_config *config;
};

static int keyattr_missing(struct keyattr *p, int type, const char *name)
{
	NL_SET_ERR_ATTR_MISS(p->info->extack, p->nest, type);
	GENL_SET_ERR_MSG_FMT(p->info, "%s: the %s is missing", p->way, name);
	return -EINVAL;
}

static int keyattr_unfit(struct keyattr *p, int type, const char *name)
{
	NL_SET_BAD_ATTR(p->info->extack, p->tb[type]);
	GENL_SET_ERR_MSG_FMT(p->info, "%s: no %s with this version and cipher", p->way, name);
	return -EINVAL;
}

/* Bytes of exactly @len, or absent when @len is zero. */
static int keyattr_bytes(struct keyattr *p, int type, const char *name, u8 *to, u8 len)
{
	struct nlattr *attr = p->tb[type];

	if (!attr)
		return len ? keyattr_missing(p, type, name) : 0;
	if (!len)
		return keyattr_unfit(p, type, name);
	if (nla_len(attr) != len) {
		NL_SET_BAD_ATTR(p->info->extack, attr);
		GENL_SET_ERR_MSG_FMT(p->info, "%s: the %s has %d bytes, %s takes %u", p->way,
				     name, nla_len(attr), p->config->cipher->name, len);
		return -EINVAL;
	}
	memcpy(to, nla_data(attr), len);
	return 0;
}

/* A number that must be there when @wanted, and else must not. */
static int keyattr_u64(struct keyattr *p, int type, const char *name, bool wanted, u64 *to)
{
	if (!p->tb[type])
		return wanted ? keyattr_missing(p, type, name) : 0;
	if (!wanted)
		return keyattr_unfit(p, type, name);
	*to = nla_get_u64(p->tb[type]);
	return 0;
}

static int keyattr_suite(struct keyattr *p)
{
	struct nlattr **tb = p->tb;

	if (!tb[SLUICE_K_VERSION])
		return keyattr_missing(p, SLUICE_K_VERSION, "version");
	if (!tb[SLUICE_K_CIPHER])
		return keyattr_missing(p, SLUICE_K_CIPHER, "cipher");
	p->config->version = nla_get_u16(tb[SLUICE_K_VERSION]);
	p->config->cipher = sluice_cipher_find(nla_get_u16(tb[SLUICE_K_CIPHER]));
	if (!p->config->cipher) {
		NL_SET_BAD_ATTR(p->info->extack, tb[SLUICE_K_CIPHER]);
		GENL_SET_ERR_MSG_FMT(p->info, "%s: unknown cipher %u", p->way,
				     nla_get_u16(tb[SLUICE_K_CIPHER]));
		return -EINVAL;
	}
	if (!sluice_cipher_speaks(p->config->cipher, p->config->version)) {
		NL_SET_BAD_ATTR(p->info->extack, tb[SLUICE_K_CIPHER]);
		GENL_SET_ERR_MSG_FMT(p->info, "%s: %s is not defined for version 0x%04x", p->way,
				     p->config->cipher->name, p->config->version);
		return -EINVAL;
	}
	return 0;
}

static int keyattr_material(struct keyattr *p, bool tx)
{
	struct sluice_key_config *config = p->config;
	const struct sluice_cipher *c = config->cipher;
	bool tls13 = config->version == TLS_1_3_VERSION;
	u8 iv_len = c->salt_len ?: SLUICE_NONCE_LEN;
	bool nonce = !tls13 && tx && c->explicit_len;

	config->has_secret = tls13;
	return keyattr_bytes(p, SLUICE_K_SECRET, "secret", config->secret,
			     tls13 ? c->hash_len : 0) ?:
	       keyattr_bytes(p, SLUICE_K_KEY, "key", config->key, tls13 ? 0 : c->key_len) ?:
	       keyattr_bytes(p, SLUICE_K_IV, "IV", config->iv, tls13 ? 0 : iv_len) ?:
	       keyattr_u64(p, SLUICE_K_EXPLICIT, "explicit nonce", nonce,
			   &config->explicit_nonce) ?:
	       keyattr_u64(p, SLUICE_K_SEQ, "sequence number", true, &config->seq);
}

static int keyattr_direction(struct genl_info *info, int type, struct sluice_key_config *config)
{
	bool tx = type == SLUICE_A_TX;
	struct keyattr p = {
		.info = info,
		.nest = info->attrs[type],
		.way = tx ? "TX" : "RX",
		.config = config,
	};
	int err;

	if (!p.nest) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, type);
		GENL_SET_ERR_MSG_FMT(info, "%s: the keys are missing", p.way);
		return -EINVAL;
	}
	err = nla_parse_nested(p.tb, SLUICE_K_MAX, p.nest, keyattr_policy, info->extack);
	return err ?: keyattr_suite(&p) ?: keyattr_material(&p, tx);
}

int sluice_keyattr_parse(struct genl_info *info, struct sluice_key_config config[2])
{
	int err;

	err = keyattr_direction(info, SLUICE_A_TX, &config[0]) ?:
	      keyattr_direction(info, SLUICE_A_RX, &config[1]);
	if (err)
		return err;
	if (config[0].version == config[1].version && config[0].cipher == config[1].cipher)
		return 0;
	GENL_SET_ERR_MSG(info, "TX and RX must have the same version and cipher");
	return -EINVAL;
}
