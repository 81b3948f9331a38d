/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One direction of a connection: the keys in use, where the sequence stands,
 * what has gone through. TX and RX each have one.
 */
#ifndef SLUICE_DIR_H
#define SLUICE_DIR_H

#include "key.h"

/**
 * struct sluice_dir - one direction; all under the socket lock
 * @key:	keys in use, NULL: none installed (plain TCP in raw mode)
 * @seq:	sequence number of the next record
 * @explicit_nonce: TLS 1.2 with explicit nonce, TX: that of the next record
 * @generation:	keys installed so far, less one: KeyUpdates
 * @records:	records through this direction, all types, all keys
 * @bytes:	application data in them
 * @key_records: records under the present key
 * @key_blocks:	16-byte blocks under the present key, one extra for each record
 * @limit_told:	that the present key has come to its limit was counted
 */
struct sluice_dir {
	struct sluice_key *key;
	u64 seq;
	u64 explicit_nonce;
	u32 generation;
	u64 records;
	u64 bytes;
	u64 key_records;
	u64 key_blocks;
	bool limit_told;
};

/**
 * sluice_dir_install() - put keys in place; cannot fail
 *
 * Takes @key over and frees the old ones. Socket lock held.
 */
void sluice_dir_install(struct sluice_dir *dir, struct sluice_key *key, u64 seq,
			u64 explicit_nonce);

/**
 * sluice_dir_advance() - one record has gone through
 * @dir:	the direction
 * @payload:	bytes of content
 * @pad:	bytes of padding behind it
 * @data:	the content is application data
 *
 * Socket lock held.
 */
void sluice_dir_advance(struct sluice_dir *dir, unsigned int payload, unsigned int pad, bool data);

/**
 * sluice_dir_check() - may one more record go through?
 *
 * Return: 0; -EBADMSG: the sequence number would wrap (RFC 8446 5.3), nothing
 * may be sealed or opened any more. The in-tree module, too, never uses the last one.
 */
int sluice_dir_check(const struct sluice_dir *dir);

/**
 * sluice_dir_exhausted() - has the present key come to its limit?
 * @dir:	with a key
 * @payload:	bytes of content that a record has at most
 *
 * RFC 8446 5.5 and RFC 9846 limit what one key may seal. True while there is just room
 * for three more records of @payload bytes: what is collected already, and the message
 * that ends the key's use, go out under it.
 */
bool sluice_dir_exhausted(const struct sluice_dir *dir, unsigned int payload);

/** sluice_dir_wipe() - drop the keys; the counters stay */
void sluice_dir_wipe(struct sluice_dir *dir);

#endif
