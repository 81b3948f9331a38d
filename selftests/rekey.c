// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw mode: keys replaced by a second TLS_TX or TLS_RX, as the program does it
 * that sends or reads a KeyUpdate (RFC 8446 4.6.3).
 */
#include "kselftest_harness.h"

#include <sys/ioctl.h>

#include "netns.h"
#include "tls_record.h"

static const unsigned char keyupdate[] = { 24, 0, 0, 1, 0 };

FIXTURE(rekey)
{
	struct tls_pair pair;
	struct test_keys next[2];	/* [i]: those fd[i] sends with afterwards */
};

FIXTURE_VARIANT(rekey)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(rekey);

FIXTURE_SETUP(rekey)
{
	const struct tcp_options opt = { .family = variant->family };

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
	for (int i = 0; i < 2; i++)
		keys_make(&self->next[i], variant->version, variant->cipher, 100 + i, 0);
}

FIXTURE_TEARDOWN(rekey)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
}

/* Before anything was sent. */
#define SKIP_TLS12()								\
	do {									\
		if (variant->version != TLS_1_3_VERSION)			\
			SKIP(return, "TLS 1.2 has no KeyUpdate");		\
		if (!test_sluice() && keys_set(self->pair.fd[0], TLS_TX,	\
					       &self->pair.keys[0]) == -EBUSY)	\
			SKIP(return, "this kernel's module does not rekey");	\
	} while (0)

#define EXPECT_STAT(name, value) do {						\
	struct sluice_nl_state _state;						\
										\
	if (!test_sluice())							\
		break;								\
	ASSERT_EQ(0, netns_state(&_state));					\
	EXPECT_EQ(value, _state.stats[SLUICE_STAT_##name])			\
		TH_LOG("for " #name);						\
} while (0)

static long send_keyupdate(int fd)
{
	return send_type(fd, CONTENT_HANDSHAKE, keyupdate, sizeof(keyupdate), 0);
}

static bool recv_keyupdate(int fd, int flags)
{
	unsigned char buf[100];
	int type;

	return recv_type(fd, &type, buf, sizeof(buf), flags) == sizeof(keyupdate) &&
	       type == CONTENT_HANDSHAKE && !memcmp(buf, keyupdate, sizeof(keyupdate));
}

/* Tells the peer, and sends with the next keys from here on. */
static long rekey_tx(struct tls_pair *pair, int side, const struct test_keys *next)
{
	long n = send_keyupdate(pair->fd[side]);

	return n == sizeof(keyupdate) ? keys_set(pair->fd[side], TLS_TX, next) : -EPROTO;
}

TEST_F(rekey, reading_pauses)
{
	int fd = self->pair.fd[1], n, p[2];

	SKIP_TLS12();
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	ASSERT_EQ(0, rekey_tx(&self->pair, 0, &self->next[0]));
	ASSERT_EQ(200, pair_send(&self->pair, 0, 200, 0));
	/* What was sealed before is read as ever. */
	ASSERT_EQ(100, pair_recv(&self->pair, 1, 1000, MSG_WAITALL));
	EXPECT_EQ(-EIO, pair_recv(&self->pair, 1, 1000, 0));
	EXPECT_EQ(-EINVAL, sys(splice(fd, NULL, p[1], NULL, 1000, SPLICE_F_NONBLOCK)));
	EXPECT_TRUE(recv_keyupdate(fd, MSG_PEEK));
	ASSERT_TRUE(recv_keyupdate(fd, 0));

	EXPECT_EQ(0, poll_one(fd, POLLIN, NEVER));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 1000, 0));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 1000, MSG_DONTWAIT));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 1000, MSG_WAITALL));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 1000, MSG_PEEK));
	EXPECT_EQ(-EKEYEXPIRED, sys(splice(fd, NULL, p[1], NULL, 1000, 0)));
	if (test_sluice()) {
		ASSERT_EQ(0, ioctl(fd, FIONREAD, &n));
		EXPECT_EQ(0, n);
	}
	/* The other direction is none of that. */
	ASSERT_EQ(50, transfer(&self->pair, 1, 50, 50, 50));

	ASSERT_EQ(0, keys_set(fd, TLS_RX, &self->next[0]));
	EXPECT_EQ(POLLIN, poll_one(fd, POLLIN, SOON));
	EXPECT_EQ(200, pair_recv(&self->pair, 1, 1000, 0));
	EXPECT_STAT(TX_REKEYS, 1);
	EXPECT_STAT(RX_REKEYS, 1);
	EXPECT_STAT(RX_REKEYS_DUE, 1);
	EXPECT_STAT(TX_REKEY_ERRORS, 0);
	EXPECT_STAT(RX_REKEY_ERRORS, 0);
	close(p[0]);
	close(p[1]);
}

static void *poll_in(void *arg)
{
	return (void *)(long)poll_one(*(int *)arg, POLLIN, SOON);
}

TEST_F(rekey, keys_wake_who_polls)
{
	pthread_t thread;
	void *events;

	SKIP_TLS12();
	ASSERT_EQ(0, rekey_tx(&self->pair, 0, &self->next[0]));
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	ASSERT_TRUE(recv_keyupdate(self->pair.fd[1], 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_in, &self->pair.fd[1]));
	usleep(100000);
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->next[0]));
	ASSERT_EQ(0, pthread_join(thread, &events));
	EXPECT_EQ(POLLIN, (long)events);
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 100, 0));
}

/* Poll opens the KeyUpdate before it is read, and nothing behind it. */
TEST_F(rekey, poll_looks_no_further)
{
	char buf[10];

	SKIP_TLS12();
	ASSERT_EQ(0, rekey_tx(&self->pair, 0, &self->next[0]));
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(-EIO, sys(read(self->pair.fd[1], buf, sizeof(buf))));
	/* It is still there for who can take it. */
	if (test_sluice())
		EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	ASSERT_TRUE(recv_keyupdate(self->pair.fd[1], 0));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->next[0]));
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 100, 0));
}

/* Only a KeyUpdate pauses: a ticket is a handshake message, too. */
TEST_F(rekey, other_messages_do_not_pause)
{
	unsigned char ticket[] = { 4, 0, 0, 1, 24 }, buf[100];
	int type;

	ASSERT_EQ(sizeof(ticket), send_type(self->pair.fd[0], CONTENT_HANDSHAKE, ticket,
					    sizeof(ticket), 0));
	ASSERT_EQ(30, pair_send(&self->pair, 0, 30, 0));
	ASSERT_EQ(sizeof(ticket), recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(30, pair_recv(&self->pair, 1, 100, 0));
	EXPECT_STAT(RX_REKEYS_DUE, 0);
}

static long send_messages(int fd, const unsigned char *msg, size_t len)
{
	return send_type(fd, CONTENT_HANDSHAKE, msg, len, 0);
}

/* Its record may begin with other messages (RFC 8446 5.1). */
TEST_F(rekey, behind_another_message)
{
	static const unsigned char both[] = { 4, 0, 0, 1, 7, 24, 0, 0, 1, 0 };
	unsigned char buf[100];
	int type;

	SKIP_TLS12();
	if (!test_sluice())
		SKIP(return, "the in-tree module looks at a record's first byte");
	ASSERT_EQ(sizeof(both), send_messages(self->pair.fd[0], both, sizeof(both)));
	ASSERT_EQ(0, keys_set(self->pair.fd[0], TLS_TX, &self->next[0]));
	ASSERT_EQ(200, pair_send(&self->pair, 0, 200, 0));
	ASSERT_EQ(sizeof(both), recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 1000, 0));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->next[0]));
	EXPECT_EQ(200, pair_recv(&self->pair, 1, 1000, 0));
	EXPECT_STAT(RX_REKEYS_DUE, 1);
}

/* Messages in pieces: a KeyUpdate's second one is read before the pause, and a piece of
 * another message that begins like one is none.
 */
TEST_F(rekey, messages_in_pieces)
{
	static const unsigned char ticket[] = { 4, 0, 0, 5, 24, 0, 0, 1, 0 };
	unsigned char buf[100];
	int fd = self->pair.fd[1], type;

	SKIP_TLS12();
	if (!test_sluice())
		SKIP(return, "the in-tree module looks at a record's first byte");
	ASSERT_EQ(4, send_messages(self->pair.fd[0], ticket, 4));
	ASSERT_EQ(5, send_messages(self->pair.fd[0], ticket + 4, 5));
	ASSERT_EQ(30, pair_send(&self->pair, 0, 30, 0));
	ASSERT_EQ(2, send_messages(self->pair.fd[0], keyupdate, 2));
	ASSERT_EQ(3, send_messages(self->pair.fd[0], keyupdate + 2, 3));
	ASSERT_EQ(0, keys_set(self->pair.fd[0], TLS_TX, &self->next[0]));
	ASSERT_EQ(60, pair_send(&self->pair, 0, 60, 0));
	ASSERT_EQ(4, recv_type(fd, &type, buf, sizeof(buf), 0));
	ASSERT_EQ(5, recv_type(fd, &type, buf, sizeof(buf), 0));
	EXPECT_EQ(30, pair_recv(&self->pair, 1, 1000, 0));
	ASSERT_EQ(2, recv_type(fd, &type, buf, sizeof(buf), 0));
	ASSERT_EQ(3, recv_type(fd, &type, buf, sizeof(buf), 0));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 1000, 0));
	ASSERT_EQ(0, keys_set(fd, TLS_RX, &self->next[0]));
	EXPECT_EQ(60, pair_recv(&self->pair, 1, 1000, 0));
	EXPECT_STAT(RX_REKEYS_DUE, 1);
}

/* MSG_MORE: what waits was sent before the KeyUpdate, and is sealed so. */
TEST_F(rekey, open_record_goes_first)
{
	SKIP_TLS12();
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, MSG_MORE));
	ASSERT_EQ(0, rekey_tx(&self->pair, 0, &self->next[0]));
	ASSERT_EQ(100, pair_recv(&self->pair, 1, 1000, 0));
	ASSERT_TRUE(recv_keyupdate(self->pair.fd[1], 0));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->next[0]));
	/* Nor is what waits lost when there is no KeyUpdate. */
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, MSG_MORE));
	keys_make(&self->next[0], variant->version, variant->cipher, 7, 0);
	ASSERT_EQ(0, keys_set(self->pair.fd[0], TLS_TX, &self->next[0]));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->next[0]));
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	EXPECT_EQ(200, pair_recv(&self->pair, 1, 1000, MSG_WAITALL | MSG_DONTWAIT));
}

TEST_F(rekey, many_times_both_ways)
{
	struct tls_pair *pair = &self->pair;
	struct test_keys keys;

	SKIP_TLS12();
	for (int i = 0; i < 20; i++) {
		int side = i & 1;

		keys_make(&keys, variant->version, variant->cipher, 40 + i, i);
		ASSERT_EQ(0, rekey_tx(pair, side, &keys));
		ASSERT_TRUE(recv_keyupdate(pair->fd[!side], 0));
		ASSERT_EQ(0, keys_set(pair->fd[!side], TLS_RX, &keys));
		ASSERT_EQ(50000, transfer(pair, side, 50000, 20000, 30000));
		ASSERT_EQ(5000, transfer(pair, !side, 5000, 700, 900));
	}
	EXPECT_STAT(TX_REKEYS, 20);
	EXPECT_STAT(RX_REKEYS, 20);
	/* A socket is one session, however many keys it had. */
	EXPECT_STAT(TX_SESSIONS, 2);
	EXPECT_STAT(RX_CURRENT, 2);
}

/* libcrypto reads what goes out: under the new keys from their first sequence number. */
TEST_F(rekey, on_the_wire)
{
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];
	struct wire wire;
	int type;

	SKIP_TLS12();
	ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version, variant->cipher, 0));
	ASSERT_EQ(10, send(wire.fd[0], pattern(0), 10, 0));
	ASSERT_EQ(5, send_keyupdate(wire.fd[0]));
	keys_make(&self->next[0], variant->version, variant->cipher, 77, 3);
	ASSERT_EQ(0, keys_set(wire.fd[0], TLS_TX, &self->next[0]));
	ASSERT_EQ(20, send(wire.fd[0], pattern(10), 20, 0));
	ASSERT_LT(0, read_record(wire.fd[1], record));
	EXPECT_EQ(10, peer_open(&wire.open, record, &type, plain));
	ASSERT_LT(0, read_record(wire.fd[1], record));
	EXPECT_EQ(5, peer_open(&wire.open, record, &type, plain));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	peer_init(&wire.open, &self->next[0]);
	ASSERT_LT(0, read_record(wire.fd[1], record));
	EXPECT_EQ(20, peer_open(&wire.open, record, &type, plain));
	EXPECT_TRUE(pattern_fits(plain, 20, 10));
	wire_close(&wire);
}

/* Each way to refuse, and the old keys go on. */
static void refused(struct __test_metadata *_metadata, struct tls_pair *pair, int side,
		    int direction, const struct test_keys *good)
{
	const __u16 cipher = good->cipher->type == TLS_CIPHER_AES_GCM_256 ?
			     TLS_CIPHER_CHACHA20_POLY1305 : TLS_CIPHER_AES_GCM_256;
	unsigned char buf[KEYS_MAX + 1] = { 0 };
	int fd = pair->fd[side];
	struct test_keys keys;
	socklen_t len;

	keys_make(&keys, TLS_1_2_VERSION, good->cipher->type, 50, 0);
	EXPECT_EQ(-EINVAL, keys_set(fd, direction, &keys));
	keys_make(&keys, good->version, cipher, 50, 0);
	EXPECT_EQ(-EINVAL, keys_set(fd, direction, &keys));
	len = keys_pack(good, buf);
	EXPECT_EQ(-EINVAL, sys(setsockopt(fd, SOL_TLS, direction, buf, len - 1)));
	EXPECT_EQ(-EINVAL, sys(setsockopt(fd, SOL_TLS, direction, buf, len + 1)));
	EXPECT_EQ(-EFAULT, sys(setsockopt(fd, SOL_TLS, direction, (void *)8, len)));
	EXPECT_EQ(1000, transfer(pair, 0, 1000, 300, 500));
	EXPECT_EQ(1000, transfer(pair, 1, 1000, 300, 500));
}

TEST_F(rekey, refused_leaves_the_old_keys)
{
	SKIP_TLS12();
	refused(_metadata, &self->pair, 0, TLS_TX, &self->next[0]);
	EXPECT_STAT(TX_REKEY_ERRORS, 5);
	refused(_metadata, &self->pair, 0, TLS_RX, &self->next[1]);
	EXPECT_STAT(RX_REKEY_ERRORS, 5);
	EXPECT_STAT(TX_REKEYS, 0);
	EXPECT_STAT(RX_REKEYS, 0);
	/* Too little to say what it is: not a rekey at all. */
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->pair.fd[0], SOL_TLS, TLS_TX, "", 1)));
	EXPECT_STAT(TX_REKEY_ERRORS, 5);
}

TEST_F(rekey, not_in_tls12)
{
	if (variant->version != TLS_1_2_VERSION)
		SKIP(return, "TLS 1.3 may");
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EBUSY, keys_set(self->pair.fd[i], TLS_TX, &self->next[i]));
		EXPECT_EQ(-EBUSY, keys_set(self->pair.fd[i], TLS_RX, &self->next[!i]));
		EXPECT_EQ(1000, transfer(&self->pair, i, 1000, 300, 500));
	}
	EXPECT_STAT(TX_REKEY_ERRORS, 2);
	EXPECT_STAT(RX_REKEY_ERRORS, 2);
}

/* The same key from a sequence number that was used would use its nonces twice. */
TEST_F(rekey, no_nonce_twice)
{
	struct test_keys keys = self->pair.keys[0];

	SKIP_TLS12();
	if (!test_sluice())
		SKIP(return, "only Sluice looks");
	ASSERT_EQ(30000, transfer(&self->pair, 0, 30000, 10000, 10000));
	EXPECT_EQ(-EINVAL, keys_set(self->pair.fd[0], TLS_TX, &keys));
	keys.seq = 2;
	EXPECT_EQ(-EINVAL, keys_set(self->pair.fd[0], TLS_TX, &keys));
	ASSERT_EQ(30000, transfer(&self->pair, 0, 30000, 10000, 10000));
	/* One that was not is the program's affair. */
	keys.seq = 1000;
	ASSERT_EQ(0, keys_set(self->pair.fd[0], TLS_TX, &keys));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &keys));
	ASSERT_EQ(30000, transfer(&self->pair, 0, 30000, 10000, 10000));
	EXPECT_STAT(TX_REKEY_ERRORS, 2);
}

/* A FIN behind the KeyUpdate ends nothing that the next keys could open. */
TEST_F(rekey, end_behind_it)
{
	SKIP_TLS12();
	ASSERT_EQ(0, rekey_tx(&self->pair, 0, &self->next[0]));
	ASSERT_EQ(60, pair_send(&self->pair, 0, 60, 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	ASSERT_TRUE(recv_keyupdate(self->pair.fd[1], 0));
	EXPECT_EQ(-EKEYEXPIRED, pair_recv(&self->pair, 1, 100, 0));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->next[0]));
	EXPECT_EQ(60, pair_recv(&self->pair, 1, 100, 0));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 100, 0));
}

TEST_HARNESS_MAIN
