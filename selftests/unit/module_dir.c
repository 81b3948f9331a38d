// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one key may seal, for each cipher: counted in blocks or in records, at
 * numbers that no test on a socket would come to.
 */
#include "kselftest_harness.h"

#include <errno.h>

#include <linux/tls.h>

#include "../../module/dir.h"

void set_key_records(unsigned long value);

static int freed;

void sluice_key_free(struct sluice_key *key)
{
	freed += !!key;
}

FIXTURE(dir)
{
	struct sluice_key key;
	struct sluice_dir dir;
};

FIXTURE_VARIANT(dir)
{
	u16 cipher;
};

FIXTURE_VARIANT_ADD(dir, aes128gcm) { .cipher = TLS_CIPHER_AES_GCM_128 };
FIXTURE_VARIANT_ADD(dir, aes256gcm) { .cipher = TLS_CIPHER_AES_GCM_256 };
FIXTURE_VARIANT_ADD(dir, chacha) { .cipher = TLS_CIPHER_CHACHA20_POLY1305 };

FIXTURE_SETUP(dir)
{
	memset(self, 0, sizeof(*self));
	self->key.cipher = sluice_cipher_find(variant->cipher);
	ASSERT_NE(NULL, self->key.cipher);
	sluice_dir_install(&self->dir, &self->key, 0, 0);
	set_key_records(0);
}

FIXTURE_TEARDOWN(dir)
{
}

/* RFC 8446 5.5: 2^24.5 records of full size for AES-GCM. */
TEST_F(dir, blocks)
{
	const u64 full = 23726566;	/* 2^24.5 */
	const u64 blocks = SLUICE_PLAINTEXT_MAX / 16;

	if (variant->cipher == TLS_CIPHER_CHACHA20_POLY1305)
		SKIP(return, "no limit but the sequence");
	EXPECT_LE(self->key.cipher->max_blocks, (full + 1) * blocks);
	EXPECT_GE(self->key.cipher->max_blocks, (full - 2) * blocks);

	self->dir.key_blocks = self->key.cipher->max_blocks - 3 * (blocks + 2);
	EXPECT_FALSE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
	self->dir.key_blocks = self->key.cipher->max_blocks - 2 * (blocks + 2);
	EXPECT_TRUE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
	/* Two more of data, and the message that ends it. */
	sluice_dir_advance(&self->dir, SLUICE_PLAINTEXT_MAX, 0, true);
	sluice_dir_advance(&self->dir, SLUICE_PLAINTEXT_MAX, 0, true);
	EXPECT_GE(self->key.cipher->max_blocks, self->dir.key_blocks);
}

/* Small records cost two blocks each, not a full record's thousand. */
TEST_F(dir, small_records)
{
	for (int i = 0; i < 1000; i++)
		sluice_dir_advance(&self->dir, 16, 0, true);
	EXPECT_EQ(2000, self->dir.key_blocks);
	EXPECT_EQ(1000, self->dir.key_records);
	EXPECT_FALSE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
}

TEST_F(dir, sequence)
{
	self->dir.seq = UINT64_MAX - 4;
	EXPECT_FALSE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, sluice_dir_check(&self->dir));
		sluice_dir_advance(&self->dir, 1, 0, true);
		EXPECT_TRUE(i == 0 || sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
	}
	EXPECT_EQ(-EBADMSG, sluice_dir_check(&self->dir));
	EXPECT_TRUE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
}

TEST_F(dir, lowered)
{
	set_key_records(10);
	for (int i = 0; i < 7; i++) {
		EXPECT_FALSE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
		sluice_dir_advance(&self->dir, 100, 0, true);
	}
	sluice_dir_advance(&self->dir, 100, 0, true);
	EXPECT_TRUE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
	/* A new key starts anew. */
	freed = 0;
	sluice_dir_install(&self->dir, &self->key, 0, 0);
	EXPECT_EQ(1, freed);
	EXPECT_EQ(1, self->dir.generation);
	EXPECT_FALSE(sluice_dir_exhausted(&self->dir, SLUICE_PLAINTEXT_MAX));
}

TEST_HARNESS_MAIN
