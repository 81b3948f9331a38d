// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets whose ULP is attached but whose keys come late, one direction at a
 * time, or with records in the queue already.
 */
#include "kselftest_harness.h"

#include <sys/ioctl.h>

#include "tls_socket.h"

FIXTURE(late)
{
	struct tls_pair pair;
};

FIXTURE_VARIANT(late)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(late);

FIXTURE_SETUP(late)
{
	const struct tcp_options opt = { .family = variant->family };

	ASSERT_EQ(0, pair_connect(&self->pair, &opt, variant->version, variant->cipher));
}

FIXTURE_TEARDOWN(late)
{
	pair_close(&self->pair);
}

TEST_F(late, attached_is_still_plain)
{
	int n;

	ASSERT_EQ(50000, transfer(&self->pair, 0, 50000, 20000, 20000));
	ASSERT_EQ(50000, transfer(&self->pair, 1, 50000, 20000, 20000));
	EXPECT_EQ(0, poll_one(self->pair.fd[0], POLLIN, 0));
	ASSERT_EQ(10, pair_send(&self->pair, 1, 10, 0));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[0], POLLIN, SOON));
	ASSERT_EQ(0, ioctl(self->pair.fd[0], FIONREAD, &n));
	EXPECT_EQ(10, n);
	EXPECT_EQ(10, pair_recv(&self->pair, 0, 100, 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 10, 0));
}

TEST_F(late, one_direction)
{
	struct tls_pair *pair = &self->pair;

	ASSERT_EQ(0, keys_set(pair->fd[0], TLS_TX, &pair->keys[0]));
	ASSERT_EQ(0, keys_set(pair->fd[1], TLS_RX, &pair->keys[0]));
	EXPECT_EQ(70000, transfer(pair, 0, 70000, 20000, 20000));
	/* The other one is plain TCP. */
	EXPECT_EQ(70000, transfer(pair, 1, 70000, 20000, 20000));
	if (test_sluice()) {
		struct sluice_info tx, rx;

		ASSERT_EQ(0, info_get(pair->fd[0], &tx));
		ASSERT_EQ(0, info_get(pair->fd[1], &rx));
		EXPECT_EQ(70000, tx.tx_bytes);
		EXPECT_EQ(70000, rx.rx_bytes);
		EXPECT_EQ(0, tx.rx_bytes);
		EXPECT_EQ(0, rx.tx_bytes);
	}
	ASSERT_EQ(0, keys_set(pair->fd[1], TLS_TX, &pair->keys[1]));
	ASSERT_EQ(0, keys_set(pair->fd[0], TLS_RX, &pair->keys[1]));
	EXPECT_EQ(70000, transfer(pair, 1, 70000, 20000, 20000));
}

TEST_F(late, records_came_before_the_keys)
{
	struct tls_pair *pair = &self->pair;

	ASSERT_EQ(100, pair_send(pair, 0, 100, 0));
	ASSERT_EQ(0, keys_set(pair->fd[0], TLS_TX, &pair->keys[0]));
	ASSERT_EQ(20000, pair_send(pair, 0, 20000, 0));
	ASSERT_EQ(0, shutdown(pair->fd[0], SHUT_WR));
	/* What was plain is read as plain, then the keys take over. */
	ASSERT_EQ(100, pair_recv(pair, 1, 100, MSG_WAITALL));
	ASSERT_EQ(0, keys_set(pair->fd[1], TLS_RX, &pair->keys[0]));
	EXPECT_NE(0, poll_one(pair->fd[1], POLLIN, SOON) & POLLIN);
	ASSERT_EQ(20000, pair_recv_all(pair, 1, 20000));
	EXPECT_EQ(0, pair_recv(pair, 1, 10, 0));
}

TEST_F(late, attached_with_records_in_the_queue)
{
	const struct tcp_options opt = { .family = variant->family };
	struct tls_pair pair = { 0 };

	ASSERT_EQ(0, tcp_pair(&opt, pair.fd));
	keys_make(&pair.keys[0], variant->version, variant->cipher, 9, 5);
	ASSERT_EQ(0, ulp_attach(pair.fd[0]));
	ASSERT_EQ(0, keys_set(pair.fd[0], TLS_TX, &pair.keys[0]));
	ASSERT_EQ(3000, pair_send(&pair, 0, 3000, 0));
	ASSERT_EQ(POLLIN, poll_one(pair.fd[1], POLLIN, SOON));
	ASSERT_EQ(0, ulp_attach(pair.fd[1]));
	ASSERT_EQ(0, keys_set(pair.fd[1], TLS_RX, &pair.keys[0]));
	EXPECT_EQ(POLLIN, poll_one(pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(3000, pair_recv_all(&pair, 1, 3000));
	EXPECT_ACCOUNT(&pair);
	pair_close(&pair);
}

TEST_HARNESS_MAIN
