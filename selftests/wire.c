// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module against libcrypto on the other end of the wire: what it sends are
 * the records the RFCs ask for, what it receives may come in any pieces.
 */
#include "kselftest_harness.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

#include "netns.h"
#include "tls_record.h"

FIXTURE(wire)
{
	struct wire wire;
};

FIXTURE_VARIANT(wire)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(wire);
TLS_VARIANTS_RARE(wire);

FIXTURE_SETUP(wire)
{
	SKIP_ABSENT(variant->cipher);
	SKIP_UNJUDGED(variant->cipher);
	ASSERT_EQ(0, wire_open(&self->wire, variant->family, variant->version,
			       variant->cipher, 0));
}

FIXTURE_TEARDOWN(wire)
{
	wire_close(&self->wire);
}

/*
 * What the module sends
 */

TEST_F(wire, sends_records)
{
	static const size_t sizes[] = { 1, 2, 15, 16, 17, 100, 4096, 16383, 16384, 16385, 50000 };
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };
	uint64_t bytes = 0, records = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(sizes[i], pair_send(&pair, 0, sizes[i], 0));
		ASSERT_EQ(records_at_least(sizes[i]),
			  read_stream(&self->wire, bytes, sizes[i]));
		bytes += sizes[i];
		records += records_at_least(sizes[i]);
	}
	if (test_sluice()) {
		struct sluice_info info;

		ASSERT_EQ(0, info_get(self->wire.fd[0], &info));
		EXPECT_EQ(bytes, info.tx_bytes);
		EXPECT_EQ(records, info.tx_records);
	}
}

TEST_F(wire, sends_no_padding)
{
	unsigned char record[WIRE_MAX];

	for (size_t len = 1; len < 70; len++) {
		ASSERT_EQ(len, send(self->wire.fd[0], pattern(0), len, 0));
		ASSERT_EQ(len + record_overhead(&self->wire.open.keys),
			  read_record(self->wire.fd[1], record));
	}
}

TEST_F(wire, sends_types)
{
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];
	int type;

	for (int want = 20; want < 26; want++) {
		ASSERT_EQ(5, send_type(self->wire.fd[0], (unsigned char)want, "hello", 5, 0));
		ASSERT_LT(0, read_record(self->wire.fd[1], record));
		/* TLS 1.3 hides the type, TLS 1.2 shows it. */
		EXPECT_EQ(variant->version == TLS_1_3_VERSION ? CONTENT_DATA : want, record[0]);
		ASSERT_EQ(5, peer_open(&self->wire.open, record, &type, plain));
		EXPECT_EQ(want, type);
		EXPECT_EQ(0, memcmp(plain, "hello", 5));
	}
}

TEST_F(wire, sends_more_as_one)
{
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };

	for (int i = 0; i < 20; i++)
		ASSERT_EQ(300, pair_send(&pair, 0, 300, i < 19 ? MSG_MORE : 0));
	ASSERT_EQ(1, read_stream(&self->wire, 0, 6000));
}

TEST_F(wire, sends_files)
{
	int file = memfd_create("data", MFD_CLOEXEC);
	unsigned char *map;
	off_t at = 3;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, ftruncate(file, 50000));
	map = mmap(NULL, 50000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, map);
	pattern_fill(map, 50000, 0);
	ASSERT_EQ(49997, sendfile(self->wire.fd[0], file, &at, 49997));
	/* Full records, but for the last of each piece that sendfile makes. */
	ASSERT_LE(4, read_stream(&self->wire, 3, 49997));
	munmap(map, 50000);
	close(file);
}

/* TLS_TX_MAX_PAYLOAD_LEN: full records of that many bytes, whichever way the data comes. */
TEST_F(wire, sends_no_more_than_its_limit)
{
	static const __u16 limits[] = { 64, 100, 4096, 5000, 16383, 16384 };
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };
	int file = memfd_create("data", MFD_CLOEXEC);
	unsigned char data[50000];
	uint64_t at = 0;

	ASSERT_LE(0, file);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const size_t total = limits[i] * 3 + 50, part = limits[i] / 2 + 10;
		off_t begin = 0;

		if (sys(setsockopt(self->wire.fd[0], SOL_TLS, TLS_TX_MAX_PAYLOAD_LEN, &limits[i],
				   sizeof(limits[i]))) == -ENOPROTOOPT && !test_sluice())
			SKIP(return, "not in the in-tree module of this kernel");
		ASSERT_EQ(total, pair_send(&pair, 0, total, 0));
		ASSERT_EQ(4, read_stream_of(&self->wire, at, total, limits[i]));
		at += total;
		/* Collected: the first fills up, the rest follows. */
		for (int k = 0; k < 4; k++)
			ASSERT_EQ(part, pair_send(&pair, 0, part, k < 3 ? MSG_MORE : 0));
		ASSERT_EQ(3, read_stream_of(&self->wire, at, 4 * part, limits[i]));
		at += 4 * part;
		pattern_fill(data, total, at);
		ASSERT_EQ(total, pwrite(file, data, total, 0));
		ASSERT_EQ(total, sendfile(self->wire.fd[0], file, &begin, total));
		ASSERT_LE(4, read_stream_of(&self->wire, at, total, limits[i]));
		at += total;
		pair.sent[0] = at;
	}
	close(file);
}

/* No plaintext beside the records, and nothing after the end. */
TEST_F(wire, sends_nothing_else)
{
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };
	unsigned char byte;

	EXPECT_EQ(-EOPNOTSUPP, sys(send(self->wire.fd[0], "x", 1, MSG_OOB)));
	EXPECT_EQ(0, send(self->wire.fd[0], "x", 0, 0));
	ASSERT_EQ(100, pair_send(&pair, 0, 100, 0));
	ASSERT_EQ(1, read_stream(&self->wire, 0, 100));
	ASSERT_EQ(0, shutdown(self->wire.fd[0], SHUT_WR));
	EXPECT_EQ(0, recv(self->wire.fd[1], &byte, 1, 0));
}

/* Full buffers cut a write; the records on the wire stay whole and in order. */
TEST_F(wire, sends_whole_records_into_a_full_buffer)
{
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };
	const struct tcp_options opt = { .sndbuf = 32768, .rcvbuf = 32768 };
	uint64_t done = 0;

	ASSERT_EQ(0, tcp_buffers(self->wire.fd[0], &opt));
	ASSERT_EQ(0, tcp_buffers(self->wire.fd[1], &opt));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(-EAGAIN, pair_fill(&pair, 0, 70000, 0));
		ASSERT_LT(0, read_stream(&self->wire, done, pair.sent[0] - done));
		done = pair.sent[0];
	}
}

/*
 * What the module receives
 */

TEST_F(wire, receives_records)
{
	static const size_t sizes[] = { 1, 2, 15, 16, 17, 100, 4096, 16383, 16384 };
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };
	unsigned char record[WIRE_MAX];
	uint64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char buf[RECORD_MAX];
		size_t len;

		pattern_fill(buf, sizes[i], bytes);
		len = peer_seal(&self->wire.seal, CONTENT_DATA, buf, sizes[i], 0, record);
		ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
		ASSERT_EQ(sizes[i], pair_recv_all(&pair, 0, sizes[i]));
		bytes += sizes[i];
	}
	if (test_sluice()) {
		struct sluice_info info;

		ASSERT_EQ(0, info_get(self->wire.fd[0], &info));
		EXPECT_EQ(bytes, info.rx_bytes);
		EXPECT_EQ(ARRAY_SIZE(sizes), info.rx_records);
	}
}

/* Nothing is readable before the last byte of a record has come. */
TEST_F(wire, receives_byte_by_byte)
{
	unsigned char record[200], buf[100];
	size_t len = peer_seal(&self->wire.seal, CONTENT_DATA, pattern(0), 20, 0, record);

	for (size_t i = 0; i + 1 < len; i++) {
		ASSERT_EQ(1, write_all(self->wire.fd[1], record + i, 1));
		ASSERT_EQ(-EAGAIN, sys(recv(self->wire.fd[0], buf, sizeof(buf), MSG_DONTWAIT)));
		ASSERT_EQ(0, poll_one(self->wire.fd[0], POLLIN, 0));
	}
	ASSERT_EQ(1, write_all(self->wire.fd[1], record + len - 1, 1));
	ASSERT_EQ(POLLIN, poll_one(self->wire.fd[0], POLLIN, SOON));
	ASSERT_EQ(20, recv(self->wire.fd[0], buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_TRUE(pattern_fits(buf, 20, 0));
}

/* Two records cut at each place: what is whole is there, the rest is not. */
TEST_F(wire, receives_cut_anywhere)
{
	unsigned char wire[200], buf[100];
	size_t first, len;

	for (size_t cut = 1;; cut++) {
		first = peer_seal(&self->wire.seal, CONTENT_DATA, pattern(0), 10, 0, wire);
		len = first + peer_seal(&self->wire.seal, CONTENT_DATA, pattern(10), 10, 0,
					wire + first);
		if (cut == len)
			break;
		ASSERT_EQ(cut, write_all(self->wire.fd[1], wire, cut));
		if (cut >= first) {
			ASSERT_EQ(POLLIN, poll_one(self->wire.fd[0], POLLIN, SOON));
			ASSERT_EQ(10, recv(self->wire.fd[0], buf, 100, 0));
		}
		ASSERT_EQ(-EAGAIN, sys(recv(self->wire.fd[0], buf, 100, MSG_DONTWAIT)));
		ASSERT_EQ(len - cut, write_all(self->wire.fd[1], wire + cut, len - cut));
		if (cut < first)
			ASSERT_EQ(10, recv(self->wire.fd[0], buf, 10, MSG_WAITALL));
		ASSERT_TRUE(pattern_fits(buf, 10, 0));
		ASSERT_EQ(10, recv(self->wire.fd[0], buf, 10, MSG_WAITALL));
		ASSERT_TRUE(pattern_fits(buf, 10, 10));
	}
}

/* A reader that waits must be woken by the byte that completes a record, also
 * where TCP merges it into what is queued.
 */
TEST_F(wire, wakes_a_waiting_reader)
{
	unsigned char record[3000], buf[3000];
	size_t len = peer_seal(&self->wire.seal, CONTENT_DATA, pattern(0), 2000, 0, record);
	const struct timespec pause = { .tv_nsec = 2000000 };
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		for (size_t i = 0; i < len; i += 100) {
			nanosleep(&pause, NULL);
			if (write_all(self->wire.fd[1], record + i,
				      len - i < 100 ? len - i : 100) < 0)
				_exit(1);
		}
		_exit(0);
	}
	ASSERT_EQ(2000, recv(self->wire.fd[0], buf, sizeof(buf), 0));
	EXPECT_TRUE(pattern_fits(buf, 2000, 0));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* Many records in one segment, read in other pieces. */
TEST_F(wire, receives_many_at_once)
{
	static unsigned char wire[40000];
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };
	size_t len = 0, total = 0;

	for (int i = 0; i < 300; i++) {
		size_t n = (size_t)(i * 7 % 60 + 1);

		len += peer_seal(&self->wire.seal, CONTENT_DATA, pattern(total), n, 0, wire + len);
		total += n;
	}
	ASSERT_EQ(len, write_all(self->wire.fd[1], wire, len));
	for (size_t left = total; left;) {
		long n = pair_recv(&pair, 0, left < 333 ? left : 333, 0);

		ASSERT_LT(0, n);
		left -= (size_t)n;
	}
	EXPECT_EQ(-EAGAIN, pair_recv(&pair, 0, 10, MSG_DONTWAIT));
}

/* A record straddles two writes that are far apart in size. */
TEST_F(wire, receives_large_in_pieces)
{
	static unsigned char wire[4 * WIRE_MAX];
	static const size_t pieces[] = { 1, 4, 5, 13, 1448, 4096, 8191, 16384, 16400, 16406 };
	struct tls_pair pair = { .fd = { self->wire.fd[0], -1 } };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		unsigned char buf[RECORD_MAX];
		size_t len = 0, at = 0;

		for (int k = 0; k < 3; k++) {
			pattern_fill(buf, sizeof(buf), pair.got[0] + k * RECORD_MAX);
			len += peer_seal(&self->wire.seal, CONTENT_DATA, buf, sizeof(buf), 0,
					 wire + len);
		}
		while (at < len && at < 20 * pieces[i]) {
			size_t n = len - at < pieces[i] ? len - at : pieces[i];

			ASSERT_EQ(n, write_all(self->wire.fd[1], wire + at, n));
			at += n;
		}
		ASSERT_EQ(len - at, write_all(self->wire.fd[1], wire + at, len - at));
		ASSERT_EQ(3 * RECORD_MAX, pair_recv_all(&pair, 0, 3 * RECORD_MAX));
	}
}

TEST_F(wire, receives_types)
{
	unsigned char record[200], buf[100];
	int type;

	for (int want = 21; want < 26; want++) {
		size_t len = peer_seal(&self->wire.seal, (unsigned char)want, "hello", 5, 0,
				       record);

		ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
		ASSERT_EQ(5, recv_type(self->wire.fd[0], &type, buf, sizeof(buf), 0));
		EXPECT_EQ(want, type);
		EXPECT_EQ(0, memcmp(buf, "hello", 5));
	}
}

TEST_F(wire, receives_empty_data)
{
	unsigned char wire[400], buf[100];
	size_t len = 0;

	len += peer_seal(&self->wire.seal, CONTENT_DATA, "", 0, 0, wire + len);
	len += peer_seal(&self->wire.seal, CONTENT_DATA, "one", 3, 0, wire + len);
	len += peer_seal(&self->wire.seal, CONTENT_DATA, "", 0, 0, wire + len);
	len += peer_seal(&self->wire.seal, CONTENT_DATA, "", 0, 0, wire + len);
	len += peer_seal(&self->wire.seal, CONTENT_DATA, "two", 3, 0, wire + len);
	ASSERT_EQ(len, write_all(self->wire.fd[1], wire, len));
	/* An empty record is not an end. */
	ASSERT_EQ(6, recv(self->wire.fd[0], buf, 6, MSG_WAITALL));
	EXPECT_EQ(0, memcmp(buf, "onetwo", 6));
	len = peer_seal(&self->wire.seal, CONTENT_DATA, "", 0, 0, wire);
	ASSERT_EQ(len, write_all(self->wire.fd[1], wire, len));
	if (test_sluice())
		EXPECT_EQ(-EAGAIN, sys(recv(self->wire.fd[0], buf, 6, MSG_DONTWAIT)));
	ASSERT_EQ(0, shutdown(self->wire.fd[1], SHUT_WR));
	EXPECT_EQ(0, recv(self->wire.fd[0], buf, 6, 0));
}

TEST_F(wire, receives_empty_control)
{
	unsigned char wire[400], buf[100];
	size_t len = 0;
	int type;

	len += peer_seal(&self->wire.seal, CONTENT_DATA, "one", 3, 0, wire + len);
	len += peer_seal(&self->wire.seal, CONTENT_HANDSHAKE, "", 0, 0, wire + len);
	len += peer_seal(&self->wire.seal, CONTENT_DATA, "two", 3, 0, wire + len);
	ASSERT_EQ(len, write_all(self->wire.fd[1], wire, len));
	ASSERT_EQ(3, recv_type(self->wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_DATA, type);
	ASSERT_EQ(0, recv_type(self->wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	ASSERT_EQ(3, recv_type(self->wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_DATA, type);
	EXPECT_EQ(0, memcmp(buf, "two", 3));
}

/* The end in the same segment as data, or in mid-record. */
TEST_F(wire, receives_before_the_end)
{
	unsigned char record[200], buf[100];
	size_t len = peer_seal(&self->wire.seal, CONTENT_DATA, "last", 4, 0, record);

	ASSERT_EQ(len, send(self->wire.fd[1], record, len, MSG_MORE));
	ASSERT_EQ(0, shutdown(self->wire.fd[1], SHUT_WR));
	EXPECT_EQ(4, recv(self->wire.fd[0], buf, sizeof(buf), MSG_WAITALL));
	EXPECT_EQ(0, recv(self->wire.fd[0], buf, sizeof(buf), 0));
}

TEST_F(wire, never_shows_half_a_record)
{
	unsigned char record[200], buf[100] = { 0 };
	size_t len = peer_seal(&self->wire.seal, CONTENT_DATA, "half a record", 13, 0, record);

	ASSERT_EQ(len - 1, write_all(self->wire.fd[1], record, len - 1));
	ASSERT_EQ(0, shutdown(self->wire.fd[1], SHUT_WR));
	EXPECT_GE(0, recv(self->wire.fd[0], buf, sizeof(buf), 0));
	for (size_t i = 0; i < sizeof(buf); i++)
		EXPECT_EQ(0, buf[i]);
}

/*
 * Padding, TLS 1.3
 */

FIXTURE(padding)
{
	struct wire wire;
};

FIXTURE_VARIANT(padding)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(padding, tls13_aes128, TLS_1_3_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(padding, tls13_chacha_v6, TLS_1_3_VERSION, CHACHA20_POLY1305, AF_INET6);

FIXTURE_SETUP(padding)
{
	ASSERT_EQ(0, wire_open(&self->wire, variant->family, variant->version,
			       variant->cipher, 0));
}

FIXTURE_TEARDOWN(padding)
{
	wire_close(&self->wire);
}

/* On connections of their own: one that pads is treated with care later. The
 * buffer is large enough to be opened into.
 */
TEST_F(padding, of_any_length)
{
	static const size_t pads[] = { 1, 2, 15, 16, 255, 256, 1000, 4095, 4096, 10000, 13000 };
	static unsigned char record[WIRE_MAX], buf[65536];

	for (size_t i = 0; i < ARRAY_SIZE(pads); i++) {
		struct wire wire;
		size_t len;

		ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version,
				       variant->cipher, 0));
		len = peer_seal(&wire.seal, CONTENT_DATA, pattern(i), 3000, pads[i], record);
		ASSERT_EQ(len, write_all(wire.fd[1], record, len));
		memset(buf, 0x5a, sizeof(buf));
		/* The padding is not returned, and beyond what is, the buffer
		 * may be zeroed, no more.
		 */
		ASSERT_EQ(3000, recv(wire.fd[0], buf, sizeof(buf), 0));
		EXPECT_TRUE(pattern_fits(buf, 3000, i));
		for (size_t k = 3000; k < sizeof(buf) && test_sluice(); k++)
			ASSERT_TRUE(!buf[k] || buf[k] == 0x5a);
		wire_close(&wire);
	}
}

TEST_F(padding, fills_the_record)
{
	unsigned char record[WIRE_MAX], buf[WIRE_MAX];
	size_t len;

	/* RFC 8446 5.2: content and padding, 16384 bytes at most. */
	len = peer_seal(&self->wire.seal, CONTENT_DATA, pattern(0), 1, RECORD_MAX - 1, record);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	ASSERT_EQ(1, recv(self->wire.fd[0], buf, sizeof(buf), 0));
	len = peer_seal(&self->wire.seal, CONTENT_DATA, "", 0, RECORD_MAX, record);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	len = peer_seal(&self->wire.seal, CONTENT_DATA, "x", 1, 0, record);
	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	ASSERT_EQ(1, recv(self->wire.fd[0], buf, 1, MSG_WAITALL));
	EXPECT_EQ('x', buf[0]);
}

/* Data whose end is zeroes is data. */
TEST_F(padding, is_not_taken_from_data)
{
	unsigned char record[WIRE_MAX], data[500] = { 0 }, buf[1000];
	size_t len;

	data[0] = CONTENT_DATA;
	for (int i = 0; i < 2; i++) {
		len = peer_seal(&self->wire.seal, CONTENT_DATA, data, sizeof(data),
				(size_t)i * 100, record);
		ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
		memset(buf, 0x5a, sizeof(buf));
		ASSERT_EQ(sizeof(data), recv(self->wire.fd[0], buf, sizeof(buf), 0));
		EXPECT_EQ(0, memcmp(buf, data, sizeof(data)));
	}
}

TEST_F(padding, between_other_records)
{
	static unsigned char wire[100000], buf[60000];
	size_t len = 0, total = 0;
	static const struct { size_t data, pad; } mix[] = {
		{ 5000, 0 }, { 5000, 10 }, { 16384, 0 }, { 1, 16383 }, { 10000, 6000 },
		{ 16000, 0 }, { 3, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mix); i++) {
		unsigned char data[RECORD_MAX];

		pattern_fill(data, mix[i].data, total);
		len += peer_seal(&self->wire.seal, CONTENT_DATA, data, mix[i].data, mix[i].pad,
				 wire + len);
		total += mix[i].data;
	}
	ASSERT_EQ(len, write_all(self->wire.fd[1], wire, len));
	ASSERT_EQ(total, recv(self->wire.fd[0], buf, total, MSG_WAITALL));
	EXPECT_TRUE(pattern_fits(buf, total, 0));
}

TEST_F(padding, of_other_types)
{
	unsigned char record[WIRE_MAX], buf[WIRE_MAX];
	size_t len = peer_seal(&self->wire.seal, CONTENT_HANDSHAKE, "hello", 5, 5000, record);
	int type;

	ASSERT_EQ(len, write_all(self->wire.fd[1], record, len));
	memset(buf, 0x5a, sizeof(buf));
	ASSERT_EQ(5, recv_type(self->wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
}

/* A record of another type between data: a large direct read must not show it. */
TEST_F(padding, hides_other_types_from_large_reads)
{
	static unsigned char wire[4 * WIRE_MAX], buf[5 * RECORD_MAX];
	unsigned char data[RECORD_MAX];
	size_t len = 0;
	long n;
	int type;

	for (int i = 0; i < 3; i++) {
		pattern_fill(data, sizeof(data), (uint64_t)(i - (i > 1)) * RECORD_MAX);
		if (i == 1)
			memset(data, 0xcc, sizeof(data));
		len += peer_seal(&self->wire.seal, i == 1 ? CONTENT_HANDSHAKE : CONTENT_DATA,
				 data, sizeof(data), 0, wire + len);
	}
	ASSERT_EQ(len, write_all(self->wire.fd[1], wire, len));
	n = recv(self->wire.fd[0], buf, sizeof(buf), MSG_WAITALL);
	ASSERT_EQ(RECORD_MAX, n);
	EXPECT_TRUE(pattern_fits(buf, RECORD_MAX, 0));
	for (size_t k = RECORD_MAX; k < sizeof(buf) && test_sluice(); k++)
		ASSERT_EQ(0, buf[k]);
	ASSERT_EQ(RECORD_MAX, recv_type(self->wire.fd[0], &type, buf, sizeof(buf), 0));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	EXPECT_EQ(0xcc, buf[0]);
	ASSERT_EQ(RECORD_MAX, recv(self->wire.fd[0], buf, RECORD_MAX, MSG_WAITALL));
	EXPECT_TRUE(pattern_fits(buf, RECORD_MAX, RECORD_MAX));
}

/* Sends a record and reads it into a buffer that it could be opened into. */
static void pass_large(struct __test_metadata *_metadata, struct wire *wire, unsigned char type,
		       size_t pad)
{
	static unsigned char record[WIRE_MAX], buf[65536];
	size_t len = peer_seal(&wire->seal, type, pattern(pad), 3000, pad, record);
	int got;

	ASSERT_EQ(len, write_all(wire->fd[1], record, len));
	ASSERT_EQ(3000, recv_type(wire->fd[0], &got, buf, sizeof(buf), 0));
	EXPECT_EQ(type, got);
	EXPECT_TRUE(pattern_fits(buf, 3000, pad));
}

/* TLS_RX_EXPECT_NO_PAD changes no result. Without it, a padded record makes the module wary
 * of opening the next ones into the reader's memory; with it, it is broken word.
 */
TEST_F(padding, is_counted_when_it_costs)
{
	struct sluice_nl_state state;

	if (!test_sluice())
		SKIP(return, "Sluice only");
	ASSERT_EQ(0, netns_enter());
	for (int promise = 0; promise < 2; promise++) {
		struct wire wire;

		ASSERT_EQ(0, wire_open(&wire, AF_INET, variant->version, variant->cipher, 0));
		ASSERT_EQ(0, setsockopt(wire.fd[0], SOL_TLS, TLS_RX_EXPECT_NO_PAD, &promise,
					sizeof(promise)));
		pass_large(_metadata, &wire, CONTENT_DATA, 0);
		pass_large(_metadata, &wire, CONTENT_DATA, 100);
		pass_large(_metadata, &wire, CONTENT_DATA, 100);
		/* Another type breaks no promise. */
		pass_large(_metadata, &wire, CONTENT_HANDSHAKE, 0);
		pass_large(_metadata, &wire, CONTENT_DATA, 0);
		ASSERT_EQ(0, netns_state(&state));
		EXPECT_EQ(promise ? 1 + 3 : 1, state.stats[SLUICE_STAT_RX_RETRIES]);
		EXPECT_EQ(promise ? 2 : 0, state.stats[SLUICE_STAT_RX_NO_PAD_VIOLATIONS]);
		EXPECT_EQ(promise ? 1 + 2 : 1, state.stats[SLUICE_STAT_RX_DIRECT]);
		wire_close(&wire);
	}
}

/*
 * Sequence numbers
 */

FIXTURE(sequence)
{
};

FIXTURE_VARIANT(sequence)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(sequence);

FIXTURE_SETUP(sequence)
{
}

FIXTURE_TEARDOWN(sequence)
{
}

TEST_F(sequence, starts_anywhere)
{
	static const uint64_t starts[] = {
		1, 0xfe, 0xfffe, 0xfffffffe, 0xffffffff, 0x100000000, 0x7ffffffffffffffe,
		0xfffffffffffffffa,
	};
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];
	struct wire wire;
	int type;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version,
				       variant->cipher, starts[i]));
		for (int k = 0; k < 4; k++) {
			size_t len;

			ASSERT_EQ(9, send(wire.fd[0], pattern(k), 9, 0));
			ASSERT_LT(0, read_record(wire.fd[1], record));
			ASSERT_EQ(9, peer_open(&wire.open, record, &type, plain));
			EXPECT_TRUE(pattern_fits(plain, 9, k));
			len = peer_seal(&wire.seal, CONTENT_DATA, pattern(k), 8, 0, record);
			ASSERT_EQ(len, write_all(wire.fd[1], record, len));
			ASSERT_EQ(8, recv(wire.fd[0], plain, 8, MSG_WAITALL));
			EXPECT_TRUE(pattern_fits(plain, 8, k));
		}
		wire_close(&wire);
	}
}

/* RFC 8446 5.3: a sequence number must not wrap. Rather end than use a nonce
 * twice.
 */
TEST_F(sequence, does_not_wrap)
{
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];
	struct wire wire;
	int type, sent = 0;

	ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version, variant->cipher,
			       UINT64_MAX - 1));
	for (int i = 0; i < 4; i++)
		if (send(wire.fd[0], pattern(i), 5, MSG_NOSIGNAL) == 5)
			sent++;
		else
			break;
	EXPECT_GE(2, sent);
	for (int i = 0; i < sent; i++) {
		ASSERT_LT(0, read_record(wire.fd[1], record));
		ASSERT_EQ(5, peer_open(&wire.open, record, &type, plain));
	}
	EXPECT_GE(0, recv(wire.fd[1], plain, sizeof(plain), MSG_DONTWAIT));
	wire_close(&wire);
}

/* RFC 5288 3: any explicit nonce of the peer's will do, ours count up. */
TEST_F(sequence, explicit_nonce_is_the_senders)
{
	unsigned char record[WIRE_MAX], plain[100];
	struct wire wire;

	ASSERT_EQ(0, wire_open(&wire, variant->family, variant->version, variant->cipher, 7));
	for (int i = 0; i < 5; i++) {
		size_t len;

		wire.seal.explicit_nonce = wire.seal.explicit_nonce * 6364136223846793005 + 1;
		len = peer_seal(&wire.seal, CONTENT_DATA, pattern(i), 8, 0, record);
		ASSERT_EQ(len, write_all(wire.fd[1], record, len));
		ASSERT_EQ(8, recv(wire.fd[0], plain, 8, MSG_WAITALL));
		EXPECT_TRUE(pattern_fits(plain, 8, i));
	}
	wire_close(&wire);
}

TEST_HARNESS_MAIN
