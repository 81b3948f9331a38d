// SPDX-License-Identifier: GPL-2.0-only
/*
 * One direction: which keys are in use, where the sequence stands, what went
 * through. Nothing here can fail.
 */
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/types.h>

#include "dir.h"

#define BLOCK_LEN	16

/* A key's last records: two of data, and a KeyUpdate or an alert, which may be padded. */
#define LAST_RECORDS	3

static ulong key_records;
module_param(key_records, ulong, 0644);
MODULE_PARM_DESC(key_records,
		 "records sealed under one key at most, where the cipher allows more; for tests (default 0: as the cipher allows)");

void sluice_dir_install(struct sluice_dir *dir, struct sluice_key *key, u64 seq,
			u64 explicit_nonce)
{
	struct sluice_key *old = dir->key;

	dir->key = key;
	dir->seq = seq;
	dir->explicit_nonce = explicit_nonce;
	dir->key_records = 0;
	dir->key_blocks = 0;
	dir->limit_told = false;
	if (old)
		dir->generation++;
	sluice_key_free(old);
}

static u64 record_blocks(unsigned int payload)
{
	return DIV_ROUND_UP(payload, BLOCK_LEN) + 1;
}

void sluice_dir_advance(struct sluice_dir *dir, unsigned int payload, unsigned int pad, bool data)
{
	dir->seq++;
	dir->explicit_nonce++;
	dir->records++;
	if (data)
		dir->bytes += payload;
	dir->key_records++;
	dir->key_blocks += record_blocks(payload + pad);
}

bool sluice_dir_exhausted(const struct sluice_dir *dir, unsigned int payload)
{
	const struct sluice_cipher *c = dir->key->cipher;
	u64 records = min_not_zero(c->max_records, (u64)READ_ONCE(key_records));

	if (dir->seq >= U64_MAX - LAST_RECORDS)
		return true;
	if (records && dir->key_records + LAST_RECORDS > records)
		return true;
	return c->max_blocks &&
	       dir->key_blocks + LAST_RECORDS * record_blocks(payload + 1) > c->max_blocks;
}

int sluice_dir_check(const struct sluice_dir *dir)
{
	return dir->seq == U64_MAX ? -EBADMSG : 0;
}

void sluice_dir_wipe(struct sluice_dir *dir)
{
	sluice_key_free(dir->key);
	dir->key = NULL;
}
