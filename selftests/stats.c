// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The counters of a network namespace: each thing that goes through the module
 * counts once, where it belongs, and sockets that are gone are gone.
 */
#include "kselftest_harness.h"

#include "netns.h"
#include "tls_record.h"

FIXTURE(stats)
{
	struct sluice_nl_state before;
};

FIXTURE_VARIANT(stats)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS_FEW(stats);

FIXTURE_SETUP(stats)
{
	if (!test_sluice())
		SKIP(return, "Sluice only");
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, netns_state(&self->before));
	for (int i = 0; i < __SLUICE_STAT_MAX; i++)
		EXPECT_EQ(0, self->before.stats[i]);
}

FIXTURE_TEARDOWN(stats)
{
	EXPECT_EQ(0, netns_left());
}

#define EXPECT_STAT(name, value) do {						\
	struct sluice_nl_state _state;						\
										\
	ASSERT_EQ(0, netns_state(&_state));					\
	EXPECT_EQ(value, _state.stats[SLUICE_STAT_##name])			\
		TH_LOG("for " #name);						\
} while (0)

TEST_F(stats, of_the_module)
{
	struct sluice_nl_state state;

	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(SLUICE_ABI_VERSION, state.abi);
	EXPECT_EQ(0, state.agents);
	EXPECT_EQ(0, state.pending);
	for (size_t i = 0; i < ARRAY_SIZE(test_ciphers); i++)
		if (!test_ciphers[i].lacking)
			EXPECT_NE(0, state.ciphers & 1ULL << (test_ciphers[i].type - 51));
}

TEST_F(stats, of_data)
{
	const struct tcp_options opt = { .family = variant->family };
	struct tls_pair pair = { 0 };

	ASSERT_EQ(0, pair_connect(&pair, &opt, variant->version, variant->cipher));
	EXPECT_STAT(SOCKETS, 2);
	ASSERT_EQ(1000, transfer(&pair, 0, 1000, 100, 1000));
	EXPECT_STAT(TX_BYTES, 0);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, keys_set(pair.fd[i], TLS_TX, &pair.keys[i]));
		ASSERT_EQ(0, keys_set(pair.fd[!i], TLS_RX, &pair.keys[i]));
	}
	EXPECT_STAT(TX_RECORDS, 0);
	ASSERT_EQ(100000, transfer(&pair, 0, 100000, 10000, 7000));
	ASSERT_EQ(5000, transfer(&pair, 1, 5000, 5000, 5000));
	EXPECT_STAT(TX_RECORDS, 11);
	EXPECT_STAT(RX_RECORDS, 11);
	EXPECT_STAT(TX_BYTES, 105000);
	EXPECT_STAT(RX_BYTES, 105000);
	EXPECT_STAT(TX_CONTROL, 0);
	EXPECT_STAT(RX_CONTROL, 0);
	pair_close(&pair);
	/* In raw mode nothing is said at the end. */
	EXPECT_STAT(TX_RECORDS, 11);
	EXPECT_STAT(TX_ALERTS, 0);
}

/* Each direction of each socket that got keys, once. */
TEST_F(stats, of_sessions)
{
	const struct tcp_options opt = { .family = variant->family };
	struct tls_pair pair = { 0 };

	ASSERT_EQ(0, pair_connect(&pair, &opt, variant->version, variant->cipher));
	EXPECT_STAT(TX_SESSIONS, 0);
	EXPECT_STAT(RX_SESSIONS, 0);
	ASSERT_EQ(0, keys_set(pair.fd[0], TLS_TX, &pair.keys[0]));
	EXPECT_STAT(TX_SESSIONS, 1);
	EXPECT_STAT(TX_CURRENT, 1);
	EXPECT_STAT(RX_SESSIONS, 0);
	ASSERT_EQ(0, keys_set(pair.fd[1], TLS_TX, &pair.keys[1]));
	ASSERT_EQ(0, keys_set(pair.fd[0], TLS_RX, &pair.keys[1]));
	EXPECT_STAT(TX_SESSIONS, 2);
	EXPECT_STAT(TX_CURRENT, 2);
	EXPECT_STAT(RX_SESSIONS, 1);
	EXPECT_STAT(RX_CURRENT, 1);
	pair_close(&pair);
	EXPECT_STAT(TX_SESSIONS, 2);
	EXPECT_STAT(TX_CURRENT, 0);
	EXPECT_STAT(RX_SESSIONS, 1);
	EXPECT_STAT(RX_CURRENT, 0);
}

TEST_F(stats, of_control_records)
{
	const struct tcp_options opt = { .family = variant->family };
	struct tls_pair pair = { 0 };
	char buf[100];
	int type;

	ASSERT_EQ(0, pair_open(&pair, &opt, variant->version, variant->cipher));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(2, send_type(pair.fd[0], CONTENT_HANDSHAKE, "hs", 2, 0));
		ASSERT_EQ(2, recv_type(pair.fd[1], &type, buf, sizeof(buf), 0));
	}
	EXPECT_STAT(TX_RECORDS, 3);
	EXPECT_STAT(RX_RECORDS, 3);
	EXPECT_STAT(TX_CONTROL, 3);
	EXPECT_STAT(RX_CONTROL, 3);
	EXPECT_STAT(TX_BYTES, 0);
	EXPECT_STAT(RX_BYTES, 0);
	pair_close(&pair);
}

/* Large reads are opened into the reader's own pages: those that the other
 * tests make take that way too.
 */
TEST_F(stats, of_direct_reads)
{
	const struct tcp_options opt = { .family = variant->family };
	static unsigned char buf[1 << 20];
	struct sluice_nl_state state;
	struct tls_pair pair = { 0 };
	struct sender s;

	ASSERT_EQ(0, pair_open(&pair, &opt, variant->version, variant->cipher));
	ASSERT_EQ(0, sender_start(&s, &pair, 0, sizeof(buf), sizeof(buf)));
	ASSERT_EQ(sizeof(buf), recv(pair.fd[1], buf, sizeof(buf), MSG_WAITALL));
	EXPECT_EQ(sizeof(buf), sender_end(&s));
	EXPECT_TRUE(pattern_fits(buf, sizeof(buf), 0));
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(64, state.stats[SLUICE_STAT_RX_RECORDS]);
	EXPECT_LT(32, state.stats[SLUICE_STAT_RX_DIRECT]);
	EXPECT_GE(64, state.stats[SLUICE_STAT_RX_DIRECT]);
	pair_close(&pair);
}

/* So are reads that take one whole record each. */
TEST_F(stats, of_direct_reads_of_a_record)
{
	const struct tcp_options opt = { .family = variant->family };
	const size_t total = 16 * RECORD_MAX;
	struct tls_pair pair = { 0 };

	ASSERT_EQ(0, pair_open(&pair, &opt, variant->version, variant->cipher));
	ASSERT_EQ(total, transfer(&pair, 0, total, total, RECORD_MAX));
	EXPECT_STAT(RX_RECORDS, 16);
	EXPECT_STAT(RX_DIRECT, 16);
	pair_close(&pair);
}

TEST_F(stats, of_bad_records)
{
	unsigned char record[200], buf[100];
	struct wire wire;
	size_t len;

	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version,
				       variant->cipher, 0));
		len = peer_seal(&wire.seal, CONTENT_DATA, "data", 4, 0, record);
		/* Three tags, one version. */
		record[i < 3 ? len - 1 : 1] ^= 1;
		ASSERT_EQ(len, write_all(wire.fd[1], record, len));
		for (int again = 0; again < 3; again++)
			EXPECT_GT(0, recv(wire.fd[0], buf, sizeof(buf), 0));
		wire_close(&wire);
	}
	EXPECT_STAT(RX_BAD_TAG, 3);
	EXPECT_STAT(RX_BAD_RECORD, 1);
	EXPECT_STAT(RX_RECORDS, 0);
	EXPECT_STAT(RX_BYTES, 0);
	EXPECT_STAT(TX_ALERTS, 0);
}

/* Another namespace's traffic is its own. */
TEST_F(stats, of_another_namespace)
{
	const struct tcp_options opt = { .family = variant->family };
	struct tls_pair pair = { 0 };
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		if (netns_enter() ||
		    pair_open(&pair, &opt, variant->version, variant->cipher) ||
		    transfer(&pair, 0, 1000, 1000, 1000) != 1000)
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_STAT(TX_RECORDS, 0);
	EXPECT_STAT(RX_RECORDS, 0);
}

/* A crowd comes and goes in every state: nothing is left. */
TEST_F(stats, of_sockets_gone)
{
	const struct tcp_options opt = { .family = variant->family };
	struct sluice_nl_state state;
	int fd[2];

	for (int i = 0; i < 20; i++) {
		struct tls_pair pair = { 0 };

		ASSERT_EQ(0, tcp_pair(&opt, fd));
		ASSERT_EQ(0, ulp_attach(fd[0]));
		close(fd[0]);
		close(fd[1]);
		ASSERT_EQ(0, pair_open(&pair, &opt, variant->version, variant->cipher));
		/* Something held back, something unread. */
		ASSERT_EQ(100, pair_send(&pair, 0, 100, MSG_MORE));
		ASSERT_EQ(100, pair_send(&pair, 1, 100, 0));
		pair_close(&pair);
	}
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_GE(2, state.stats[SLUICE_STAT_SOCKETS]);
}

TEST_HARNESS_MAIN
