// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records changed on their way: whatever is wrong with one, its reader gets the
 * records before it, then an errno for good, and not one byte of it or of what
 * follows, neither counted nor left in a buffer.
 */
#include "kselftest_harness.h"

#include "tls_record.h"

#define GOOD	10	/* payload of the record before */
#define BAD	40	/* and of the one to be changed */
#define CLEAN	0x5a	/* what the reader's buffer held before */

FIXTURE(tamper)
{
	struct wire wire;
	size_t prefix;
	size_t overhead;
};

FIXTURE_VARIANT(tamper)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(tamper);
TLS_VARIANTS_RARE(tamper);

FIXTURE_SETUP(tamper)
{
	SKIP_ABSENT(variant->cipher);
	SKIP_UNJUDGED(variant->cipher);
	ASSERT_EQ(0, wire_open(&self->wire, variant->family, variant->version,
			       variant->cipher, 0));
	self->prefix = prefix_len(&self->wire.seal.keys);
	self->overhead = record_overhead(&self->wire.seal.keys);
}

FIXTURE_TEARDOWN(tamper)
{
	wire_close(&self->wire);
}

/* The next record of data into @out. */
static size_t seal(struct wire *wire, size_t len, unsigned char *out)
{
	unsigned char data[RECORD_MAX];

	pattern_fill(data, len, 0);
	return peer_seal(&wire->seal, CONTENT_DATA, data, len, 0, out);
}

/* The buffer is as it was, or zeroed. */
static bool clean(const unsigned char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] && buf[i] != CLEAN)
			return false;
	return true;
}

/* The connection is dead with @err: now, again, and in the account, where no
 * more than @records have been opened.
 */
static void expect_dead(struct __test_metadata *_metadata, int fd, int err, uint64_t records)
{
	static unsigned char buf[65536];
	struct sluice_info info;

	/* A reader that polls is told. */
	EXPECT_NE(0, poll_one(fd, POLLIN, SOON) & (POLLIN | POLLERR));
	memset(buf, CLEAN, sizeof(buf));
	EXPECT_EQ(-err, sys(recv(fd, buf, sizeof(buf), 0)));
	if (!test_sluice())
		return;
	EXPECT_TRUE(clean(buf, sizeof(buf)));
	/* A header is told once, by kTLS's rule; but nobody waits behind it. */
	for (int i = 0; i < 2; i++) {
		long n = sys(recv(fd, buf, sizeof(buf), MSG_DONTWAIT));

		EXPECT_TRUE(n == -err || n == -EAGAIN) TH_LOG("%ld", n);
		EXPECT_EQ(-err, sys(recv(fd, buf, sizeof(buf), 0)));
	}
	EXPECT_TRUE(clean(buf, sizeof(buf)));
	EXPECT_EQ(0, info_get(fd, &info));
	EXPECT_EQ(records, info.rx_records);
	EXPECT_EQ(err, (int)info.error);
}

/* What a reader gets whose second record has the header @h; 0: it waits. */
static int expected(const struct test_keys *keys, size_t at, const unsigned char *h, size_t sent)
{
	const size_t extra = record_overhead(keys) - HEADER_LEN;

	switch (at) {
	case 0:	/* TLS 1.2 authenticates any type */
		return keys->version == TLS_1_3_VERSION ? EINVAL : EBADMSG;
	case 1:
	case 2:
		return EINVAL;
	case 3:
	case 4:
		if (header_length(h) > RECORD_MAX + extra)
			return EMSGSIZE;
		if (header_length(h) > sent - HEADER_LEN)
			return 0;
	}
	return EBADMSG;
}

/* A good record, then one with byte @at changed by @mask, then a good one. */
static void flip(struct __test_metadata *_metadata, const FIXTURE_VARIANT(tamper) *variant,
		 size_t at, unsigned char mask)
{
	static unsigned char buf[1000], filler[WIRE_MAX];
	unsigned char good[200], bad[200], next[200];
	struct wire wire;
	size_t good_len, bad_len, next_len;
	int err;

	ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version, variant->cipher, 0));
	good_len = seal(&wire, GOOD, good);
	bad_len = seal(&wire, BAD, bad);
	next_len = seal(&wire, BAD, next);
	bad[at] ^= mask;
	err = expected(&wire.seal.keys, at, bad, bad_len);
	ASSERT_EQ(good_len, write_all(wire.fd[1], good, good_len));
	ASSERT_EQ(bad_len, write_all(wire.fd[1], bad, bad_len));
	memset(buf, CLEAN, sizeof(buf));
	/* The good one, and none of the bad one with it. */
	ASSERT_EQ(GOOD, recv(wire.fd[0], buf, sizeof(buf), 0));
	EXPECT_TRUE(pattern_fits(buf, GOOD, 0));
	EXPECT_TRUE(!test_sluice() || clean(buf + GOOD, sizeof(buf) - GOOD));
	if (!err) {
		/* It says that it is longer: no judgement before its end. */
		size_t more = header_length(bad) - (bad_len - HEADER_LEN);

		EXPECT_EQ(0, poll_one(wire.fd[0], POLLIN, 0));
		EXPECT_EQ(-EAGAIN, sys(recv(wire.fd[0], buf, sizeof(buf), MSG_DONTWAIT)));
		ASSERT_EQ(more, write_all(wire.fd[1], filler, more));
		err = EBADMSG;
	} else {
		ASSERT_EQ(next_len, write_all(wire.fd[1], next, next_len));
	}
	expect_dead(_metadata, wire.fd[0], err, 1);
	if (_metadata->exit_code)
		TH_LOG("with byte %zu changed by %#x", at, mask);
	wire_close(&wire);
}

TEST_F(tamper, every_bit_of_the_header)
{
	/* The in-tree module takes any outer type for data in TLS 1.3. */
	const bool typed = test_sluice() || variant->version == TLS_1_2_VERSION;

	for (size_t at = typed ? 0 : 1; at < HEADER_LEN; at++)
		for (int bit = 0; bit < 8; bit++)
			flip(_metadata, variant, at, (unsigned char)(1 << bit));
}

TEST_F(tamper, every_byte_of_the_tag)
{
	const size_t end = self->overhead + BAD;

	for (size_t at = end - TAG_LEN; at < end; at++)
		flip(_metadata, variant, at, (unsigned char)(1 << at % 8));
}

TEST_F(tamper, payload)
{
	const size_t end = self->overhead + BAD - TAG_LEN;

	flip(_metadata, variant, self->prefix, 0x80);
	for (size_t at = self->prefix; at < end; at += 5)
		flip(_metadata, variant, at, (unsigned char)(1 << at % 8));
	/* In TLS 1.3 this is the type, or its padding. */
	flip(_metadata, variant, end - 1, 0xff);
}

TEST_F(tamper, explicit_nonce)
{
	if (self->prefix == HEADER_LEN)
		SKIP(return, "no part of the nonce is sent");
	for (size_t at = HEADER_LEN; at < self->prefix; at++)
		flip(_metadata, variant, at, 1);
}

/*
 * Whole records in the wrong place
 */

/* Writes those of four records named by @order ("0132"); @good of them open. */
static void shuffle(struct __test_metadata *_metadata, struct wire *wire, const char *order,
		    int good)
{
	unsigned char records[4][200], buf[1000];
	size_t len[4];

	for (int i = 0; i < 4; i++)
		len[i] = seal(wire, GOOD, records[i]);
	for (const char *p = order; *p; p++)
		ASSERT_EQ(len[*p - '0'],
			  write_all(wire->fd[1], records[*p - '0'], len[*p - '0']));
	if (good)
		ASSERT_EQ(good * GOOD, recv(wire->fd[0], buf, (size_t)good * GOOD, MSG_WAITALL));
	expect_dead(_metadata, wire->fd[0], EBADMSG, (uint64_t)good);
}

TEST_F(tamper, repeated)
{
	shuffle(_metadata, &self->wire, "0112", 2);
}

TEST_F(tamper, dropped)
{
	shuffle(_metadata, &self->wire, "023", 1);
}

TEST_F(tamper, dropped_first)
{
	shuffle(_metadata, &self->wire, "123", 0);
}

TEST_F(tamper, reordered)
{
	shuffle(_metadata, &self->wire, "0213", 1);
}

/* What this side sent, sent back. */
TEST_F(tamper, reflected)
{
	unsigned char record[WIRE_MAX];
	long len;

	ASSERT_EQ(BAD, send(self->wire.fd[0], pattern(0), BAD, 0));
	len = read_record(self->wire.fd[1], record);
	ASSERT_LT(0, len);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, (size_t)len));
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 0);
}

/*
 * Records that could not be right
 */

TEST_F(tamper, too_short)
{
	const size_t extra = self->overhead - HEADER_LEN;
	unsigned char record[200] = { 0 };

	for (size_t len = 0; len < extra; len++) {
		struct wire wire;

		ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version,
				       variant->cipher, 0));
		put_header(record, CONTENT_DATA, len);
		ASSERT_EQ(sizeof(record), write_all(wire.fd[1], record, sizeof(record)));
		expect_dead(_metadata, wire.fd[0], EBADMSG, 0);
		wire_close(&wire);
	}
}

/* Sealed as it should be, but with more in it than RFC 8446 5.1 allows. */
TEST_F(tamper, too_long)
{
	unsigned char record[WIRE_MAX], data[RECORD_MAX + 1];
	size_t len;

	pattern_fill(data, sizeof(data), 0);
	len = peer_seal(&self->wire.seal, CONTENT_DATA, data, sizeof(data), 0, record);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	expect_dead(_metadata, self->wire.fd[0], EMSGSIZE, 0);
}

/* The header alone is enough to say so. */
TEST_F(tamper, too_long_by_its_header)
{
	unsigned char header[HEADER_LEN + 8] = { 0 };

	put_header(header, CONTENT_DATA, 0xffff);
	ASSERT_EQ(sizeof(header), write_all(self->wire.fd[1], header, sizeof(header)));
	expect_dead(_metadata, self->wire.fd[0], EMSGSIZE, 0);
}

TEST_F(tamper, not_tls)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	ASSERT_EQ(sizeof(text), write_all(self->wire.fd[1], text, sizeof(text)));
	expect_dead(_metadata, self->wire.fd[0], EMSGSIZE, 0);
}

/* An alert in the clear, once there are keys, is anybody's. */
TEST_F(tamper, plain_alert)
{
	unsigned char record[100] = { CONTENT_ALERT, 3, 3, 0, 2, 2, 40 };

	ASSERT_EQ(sizeof(record), write_all(self->wire.fd[1], record, sizeof(record)));
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 0);
}

/* RFC 8446 5.4: nothing but padding, not even a type. */
TEST_F(tamper, no_inner_type)
{
	static const size_t sizes[] = { 1, 2, 100, 5000, RECORD_MAX + 1 };
	static unsigned char zeroes[WIRE_MAX], record[WIRE_MAX];

	if (variant->version != TLS_1_3_VERSION)
		SKIP(return, "TLS 1.2 has no inner type");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t len = HEADER_LEN + sizes[i] + TAG_LEN;
		struct wire wire;

		ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version,
				       variant->cipher, 0));
		put_header(record, CONTENT_DATA, len - HEADER_LEN);
		seal_raw(&wire.seal, record, NULL, zeroes, sizes[i], record + HEADER_LEN);
		ASSERT_EQ(len, write_all(wire.fd[1], record, len));
		/* Whether its opening counts is a matter of taste. */
		EXPECT_EQ(-EBADMSG, sys(recv(wire.fd[0], record, sizeof(record), 0)));
		if (test_sluice())
			EXPECT_GT(0, recv(wire.fd[0], record, sizeof(record), MSG_DONTWAIT));
		wire_close(&wire);
	}
}

/* The outer type is authenticated, and data is the only one there is. */
TEST_F(tamper, outer_type)
{
	unsigned char record[100], inner[20] = "data that is sealed";
	size_t len = HEADER_LEN + sizeof(inner) + TAG_LEN;

	if (variant->version != TLS_1_3_VERSION || !test_sluice())
		SKIP(return, "only Sluice, and only in TLS 1.3");
	inner[sizeof(inner) - 1] = CONTENT_DATA;
	put_header(record, CONTENT_HANDSHAKE, len - HEADER_LEN);
	seal_raw(&self->wire.seal, record, NULL, inner, sizeof(inner), record + HEADER_LEN);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	expect_dead(_metadata, self->wire.fd[0], EINVAL, 0);
}

/* As in the in-tree module: told once, and then nothing more is there to be read. */
TEST_F(tamper, header_is_told_once)
{
	unsigned char record[100] = { CONTENT_DATA, 3, 3, 0xff, 0xff };
	int fd = self->wire.fd[0];
	char buf[100];

	ASSERT_EQ(sizeof(record), write_all(self->wire.fd[1], record, sizeof(record)));
	EXPECT_NE(0, poll_one(fd, POLLIN, SOON) & POLLERR);
	EXPECT_EQ(-EMSGSIZE, sys(recv(fd, buf, sizeof(buf), 0)));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-EAGAIN, sys(recv(fd, buf, sizeof(buf), MSG_DONTWAIT)));
	/* Nobody who polls goes round in circles; our own direction is as it was. */
	EXPECT_EQ(0, poll_one(fd, POLLIN, NEVER));
	EXPECT_EQ(5, send(fd, "hello", 5, MSG_NOSIGNAL));
	ASSERT_EQ(0, shutdown(self->wire.fd[1], SHUT_WR));
	EXPECT_NE(0, poll_one(fd, POLLIN, SOON) & POLLIN);
	/* In-tree this is a good end. */
	if (test_sluice())
		EXPECT_EQ(-EMSGSIZE, sys(recv(fd, buf, sizeof(buf), MSG_DONTWAIT)));
}

/* As in the in-tree module: the connection is dead for who writes, too. */
TEST_F(tamper, bad_tag_fails_writes)
{
	unsigned char record[200];
	size_t len = seal(&self->wire, BAD, record);
	int fd = self->wire.fd[0], err = 0;
	socklen_t errlen = sizeof(err);
	char buf[100];

	record[len - 1] ^= 1;
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EBADMSG, sys(recv(fd, buf, sizeof(buf), 0)));
		EXPECT_EQ(-EBADMSG, sys(send(fd, "hello", 5, MSG_NOSIGNAL)));
		EXPECT_EQ(-EBADMSG, sys(send(fd, "hello", 5, MSG_NOSIGNAL)));
		EXPECT_NE(0, poll_one(fd, POLLIN, 0) & POLLERR);
		ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &errlen));
		EXPECT_EQ(EBADMSG, err);
	}
}

/*
 * Every way to read
 */

#define MANY		8
#define BROKEN		4	/* index of the bad one */

/* MANY full records, of which one has byte @at changed; read into one large
 * buffer.
 */
static void large_read(struct __test_metadata *_metadata, struct wire *wire, size_t at, int flags)
{
	static unsigned char record[WIRE_MAX], buf[1 << 20];
	unsigned char data[RECORD_MAX];
	size_t done = 0;

	for (int i = 0; i < MANY; i++) {
		size_t len;

		pattern_fill(data, sizeof(data), (uint64_t)i * RECORD_MAX);
		len = peer_seal(&wire->seal, CONTENT_DATA, data, sizeof(data), 0, record);
		if (i == BROKEN)
			record[at] ^= 0x10;
		ASSERT_EQ(len, write_all(wire->fd[1], record, len));
	}
	memset(buf, CLEAN, sizeof(buf));
	while (done < BROKEN * RECORD_MAX) {
		long n = sys(recv(wire->fd[0], buf + done, sizeof(buf) - done, flags));

		ASSERT_LT(0, n);
		done += (size_t)n;
	}
	EXPECT_EQ(BROKEN * RECORD_MAX, done);
	EXPECT_TRUE(pattern_fits(buf, done, 0));
	EXPECT_TRUE(!test_sluice() || clean(buf + done, sizeof(buf) - done));
	expect_dead(_metadata, wire->fd[0], EBADMSG, BROKEN);
}

TEST_F(tamper, large_read_bad_tag)
{
	large_read(_metadata, &self->wire, self->overhead + RECORD_MAX - 1, MSG_WAITALL);
}

TEST_F(tamper, large_read_bad_payload)
{
	large_read(_metadata, &self->wire, self->prefix + 5000, 0);
}

TEST_F(tamper, large_read_bad_end)
{
	large_read(_metadata, &self->wire, self->overhead + RECORD_MAX - TAG_LEN - 1, 0);
}

/* Puts a bad record, all by itself, before the reader. */
static void put_bad(struct __test_metadata *_metadata, struct wire *wire)
{
	unsigned char record[200];
	size_t len = seal(wire, BAD, record);

	record[len - 1] ^= 1;
	ASSERT_EQ(len, write_all(wire->fd[1], record, len));
}

TEST_F(tamper, peek)
{
	unsigned char buf[100];

	put_bad(_metadata, &self->wire);
	memset(buf, CLEAN, sizeof(buf));
	EXPECT_EQ(-EBADMSG, sys(recv(self->wire.fd[0], buf, sizeof(buf), MSG_PEEK)));
	EXPECT_TRUE(clean(buf, sizeof(buf)));
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 0);
}

TEST_F(tamper, read_in_small_pieces)
{
	unsigned char record[200], buf[100];
	size_t len = seal(&self->wire, GOOD, record);

	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	put_bad(_metadata, &self->wire);
	for (int i = 0; i < GOOD; i++) {
		ASSERT_EQ(1, recv(self->wire.fd[0], buf, 1, 0));
		EXPECT_EQ(*pattern((uint64_t)i), buf[0]);
	}
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 1);
}

TEST_F(tamper, waiting_for_all)
{
	unsigned char record[200], buf[100];
	size_t len = seal(&self->wire, GOOD, record);

	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	put_bad(_metadata, &self->wire);
	ASSERT_EQ(GOOD, recv(self->wire.fd[0], buf, sizeof(buf), MSG_WAITALL));
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 1);
}

TEST_F(tamper, splice)
{
	unsigned char buf[100];
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_NONBLOCK));
	put_bad(_metadata, &self->wire);
	EXPECT_EQ(-EBADMSG, sys(splice(self->wire.fd[0], NULL, p[1], NULL, 100, 0)));
	EXPECT_EQ(-EAGAIN, sys(read(p[0], buf, sizeof(buf))));
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 0);
	close(p[0]);
	close(p[1]);
}

/* A reader asleep is woken with the errno. */
TEST_F(tamper, reader_asleep)
{
	pid_t child = fork();
	unsigned char buf[100];

	ASSERT_LE(0, child);
	if (!child) {
		usleep(20000);
		put_bad(_metadata, &self->wire);
		_exit(0);
	}
	EXPECT_EQ(-EBADMSG, sys(recv(self->wire.fd[0], buf, sizeof(buf), 0)));
	EXPECT_EQ(child, waitpid(child, NULL, 0));
}

/* Other keys on one side: as good as tampering. */
TEST_F(tamper, wrong_keys)
{
	unsigned char record[200];
	size_t len;

	self->wire.seal.keys.key[0] ^= 1;
	len = seal(&self->wire, BAD, record);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	expect_dead(_metadata, self->wire.fd[0], EBADMSG, 0);
}

TEST_HARNESS_MAIN
