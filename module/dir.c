// SPDX-License-Identifier: GPL-2.0-only
/*
 * One direction: which keys are in use, where the sequence stands, what went
 * through. Nothing here can fail.
 */
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/string.h>
#include <linux/types.h>

#include "dir.h"

#define BLOCK_LEN	16

void sluice_dir_install(struct sluice_dir *dir, struct sluice_key *key, u64 seq,
			u64 explicit_nonce)
{
	struct sluice_key *old = dir->key;

	dir->key = key;
	dir->seq = seq;
	dir->spent = false;
	dir->explicit_nonce = explicit_nonce;
	dir->key_records = 0;
	dir->key_blocks = 0;
	if (old)
		dir->generation++;
	sluice_key_free(old);
}

void sluice_dir_advance(struct sluice_dir *dir, unsigned int payload, bool data)
{
	if (!++dir->seq)
		dir->spent = true;
	dir->explicit_nonce++;
	dir->records++;
	if (data)
		dir->bytes += payload;
	dir->key_records++;
	dir->key_blocks += DIV_ROUND_UP(payload, BLOCK_LEN) + 1;
}

int sluice_dir_check(const struct sluice_dir *dir)
{
	return dir->spent ? -EBADMSG : 0;
}

void sluice_dir_wipe(struct sluice_dir *dir)
{
	sluice_key_free(dir->key);
	dir->key = NULL;
}
