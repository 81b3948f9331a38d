// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Record types by control message, as <linux/tls.h> has them: types and data
 * never mix, and a record of another type waits for one who asks for it.
 */
#include "kselftest_harness.h"

#include "tls_record.h"

FIXTURE(tls)
{
	struct tls_pair pair;
};

FIXTURE_VARIANT(tls)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(tls);

FIXTURE_SETUP(tls)
{
	const struct tcp_options opt = { .family = variant->family };

	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
}

FIXTURE_TEARDOWN(tls)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
}

TEST_F(tls, record_types)
{
	static const unsigned char types[] = { CONTENT_ALERT, CONTENT_HANDSHAKE, 24, 100, 255 };
	char buf[100];
	int type;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		ASSERT_EQ(6, send_type(self->pair.fd[0], types[i], "record", 6, 0));
		ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
		ASSERT_EQ(6, recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
		EXPECT_EQ(types[i], type);
		EXPECT_EQ(0, memcmp(buf, "record", 6));
	}
	/* Data says so too. */
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	ASSERT_EQ(10, recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
	self->pair.got[1] += 10;
	EXPECT_EQ(CONTENT_DATA, type);
}

TEST_F(tls, record_type_data_by_cmsg)
{
	ASSERT_EQ(10, send_type(self->pair.fd[0], CONTENT_DATA, pattern(0), 10, 0));
	self->pair.sent[0] += 10;
	ASSERT_EQ(10, pair_recv(&self->pair, 1, 100, 0));
}

TEST_F(tls, record_type_without_room_for_it)
{
	char buf[100];
	int type;

	ASSERT_EQ(2, send_type(self->pair.fd[0], CONTENT_ALERT, "al", 2, 0));
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(-EIO, pair_recv(&self->pair, 1, 100, 0));
	EXPECT_EQ(-EIO, sys(read(self->pair.fd[1], buf, sizeof(buf))));
	/* It waits for one who asks properly. */
	ASSERT_EQ(2, recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_ALERT, type);
	ASSERT_EQ(5, pair_send(&self->pair, 0, 5, 0));
	EXPECT_EQ(5, pair_recv(&self->pair, 1, 100, 0));
}

TEST_F(tls, record_types_do_not_mix)
{
	char buf[100];
	int type;

	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	ASSERT_EQ(2, send_type(self->pair.fd[0], CONTENT_ALERT, "a1", 2, 0));
	ASSERT_EQ(2, send_type(self->pair.fd[0], CONTENT_ALERT, "a2", 2, 0));
	ASSERT_EQ(20, pair_send(&self->pair, 0, 20, 0));
	/* Waiting for more than there is of a type ends where it ends. */
	ASSERT_EQ(10, pair_recv(&self->pair, 1, 100, MSG_WAITALL));
	ASSERT_EQ(2, recv_type(self->pair.fd[1], &type, buf, sizeof(buf), MSG_WAITALL));
	EXPECT_EQ(0, memcmp(buf, "a1", 2));
	ASSERT_EQ(1, recv_type(self->pair.fd[1], &type, buf, 1, MSG_PEEK));
	EXPECT_EQ(CONTENT_ALERT, type);
	ASSERT_EQ(1, recv_type(self->pair.fd[1], &type, buf, 1, 0));
	ASSERT_EQ(1, recv_type(self->pair.fd[1], &type, buf + 1, 10, 0));
	EXPECT_EQ(CONTENT_ALERT, type);
	EXPECT_EQ(0, memcmp(buf, "a2", 2));
	ASSERT_EQ(20, pair_recv(&self->pair, 1, 100, MSG_DONTWAIT));
}

TEST_F(tls, record_type_flushes_more)
{
	char buf[100];
	int type;

	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, MSG_MORE));
	ASSERT_EQ(2, send_type(self->pair.fd[0], CONTENT_HANDSHAKE, "hs", 2, 0));
	ASSERT_EQ(10, pair_recv(&self->pair, 1, 100, 0));
	ASSERT_EQ(2, recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	EXPECT_EQ(-EINVAL, send_type(self->pair.fd[0], CONTENT_ALERT, "al", 2, MSG_MORE));
}

TEST_F(tls, record_type_longer_than_a_record)
{
	static unsigned char buf[20000];
	size_t left = sizeof(buf);
	int type;

	pattern_fill(buf, sizeof(buf), 0);
	ASSERT_EQ(sizeof(buf), send_type(self->pair.fd[0], CONTENT_HANDSHAKE, buf,
					 sizeof(buf), 0));
	while (left) {
		long n = recv_type(self->pair.fd[1], &type, buf, left, 0);

		ASSERT_LT(0, n);
		EXPECT_EQ(CONTENT_HANDSHAKE, type);
		EXPECT_TRUE(pattern_fits(buf, (size_t)n, sizeof(buf) - left));
		left -= (size_t)n;
	}
}

TEST_F(tls, bad_cmsg)
{
	char control[CMSG_SPACE(4)] = { 0 };
	struct iovec iov = { .iov_base = "data", .iov_len = 4 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(1),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = 99;
	cmsg->cmsg_len = CMSG_LEN(1);
	EXPECT_EQ(-EINVAL, sys(sendmsg(self->pair.fd[0], &msg, 0)));
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(0);
	EXPECT_EQ(-EINVAL, sys(sendmsg(self->pair.fd[0], &msg, 0)));
	cmsg->cmsg_len = CMSG_LEN(1) + 1000;
	EXPECT_EQ(-EINVAL, sys(sendmsg(self->pair.fd[0], &msg, 0)));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
	EXPECT_EQ(3, pair_send(&self->pair, 0, 3, 0));
	EXPECT_EQ(3, pair_recv(&self->pair, 1, 10, 0));
}

/* Seals records of these types, empty but for the last, and writes them at once. */
static long write_empty(struct wire *wire, const unsigned char *types, size_t n, size_t last)
{
	static unsigned char out[8 * WIRE_MAX];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += peer_seal(&wire->seal, types[i], pattern(0), i + 1 < n ? 0 : last, 0,
				 out + len);
	return write_all(wire->fd[1], out, len) == (long)len ? 0 : -EPIPE;
}

/* kTLS's rules: no data is no news, but it makes the call that passes over it one for
 * data; an empty record of another type is given as such.
 */
TEST_F(tls, empty_records)
{
	static const unsigned char quiet[] = { CONTENT_DATA, CONTENT_DATA };
	static const unsigned char control[] = { CONTENT_DATA, CONTENT_DATA, CONTENT_ALERT };
	static const unsigned char controls[] = { CONTENT_ALERT, CONTENT_HANDSHAKE, CONTENT_DATA };
	struct wire wire;
	char buf[100];
	int type;

	ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version, variant->cipher, 0));
	ASSERT_EQ(0, write_empty(&wire, quiet, ARRAY_SIZE(quiet), 0));
	EXPECT_EQ(-EAGAIN, recv_type(wire.fd[0], &type, buf, sizeof(buf), MSG_DONTWAIT));
	ASSERT_EQ(0, write_empty(&wire, quiet, ARRAY_SIZE(quiet), 7));
	EXPECT_EQ(7, recv_type(wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_DATA, type);

	ASSERT_EQ(0, write_empty(&wire, control, ARRAY_SIZE(control), 2));
	EXPECT_EQ(0, recv_type(wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_DATA, type);
	EXPECT_EQ(2, recv_type(wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_ALERT, type);

	ASSERT_EQ(0, write_empty(&wire, controls, ARRAY_SIZE(controls), 9));
	EXPECT_EQ(0, recv_type(wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_ALERT, type);
	EXPECT_EQ(0, recv_type(wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	EXPECT_EQ(9, recv_type(wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_DATA, type);
	wire_close(&wire);
}

TEST_F(tls, splice_refuses_other_types)
{
	char buf[10];
	int p[2], type;

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(2, send_type(self->pair.fd[0], CONTENT_ALERT, "al", 2, 0));
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(-EINVAL, sys(splice(self->pair.fd[1], NULL, p[1], NULL, 100, 0)));
	ASSERT_EQ(2, recv_type(self->pair.fd[1], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_ALERT, type);
	close(p[0]);
	close(p[1]);
}

TEST_HARNESS_MAIN
