// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Data through a pair of sockets with keys (raw mode): every way a program
 * has to send and receive it, with the bytes compared in order and the
 * module's counters asked who did the work.
 */
#include "kselftest_harness.h"

#include <sys/mman.h>
#include <sys/uio.h>

#include "netns.h"
#include "tls_socket.h"

FIXTURE(tls)
{
	struct tls_pair pair;
};

FIXTURE_VARIANT(tls)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(tls);
TLS_VARIANTS_RARE(tls);

FIXTURE_SETUP(tls)
{
	const struct tcp_options opt = { .family = variant->family };

	SKIP_ABSENT(variant->cipher);
	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
}

FIXTURE_TEARDOWN(tls)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
}

/*
 * Send and receive
 */

TEST_F(tls, sizes_of_one_record)
{
	static const size_t sizes[] = { 1, 2, 15, 16, 17, 255, 1000, 1024, 4095, 4096, 4097,
					8192, 16368, 16383, 16384 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(sizes[i], pair_send(&self->pair, 0, sizes[i], 0));
		ASSERT_EQ(sizes[i], pair_recv(&self->pair, 1, sizes[i], MSG_WAITALL));
	}
}

TEST_F(tls, sizes_of_many_records)
{
	static const size_t sizes[] = { 16385, 32767, 32768, 65537, 100001, 262144 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		ASSERT_EQ(sizes[i], transfer(&self->pair, 0, sizes[i], sizes[i], sizes[i]));
}

TEST_F(tls, one_mebibyte)
{
	ASSERT_EQ(1 << 20, transfer(&self->pair, 0, 1 << 20, 1 << 20, 1 << 20));
}

TEST_F(tls, writes_and_reads_out_of_step)
{
	ASSERT_EQ(100000, transfer(&self->pair, 0, 100000, 1000, 16384));
	ASSERT_EQ(100000, transfer(&self->pair, 0, 100000, 50000, 333));
	ASSERT_EQ(100000, transfer(&self->pair, 1, 100000, 16384, 16385));
	ASSERT_EQ(100000, transfer(&self->pair, 1, 100000, 16385, 16383));
}

TEST_F(tls, a_write_is_a_record)
{
	struct sluice_info info;

	for (int i = 0; i < 300; i++)
		ASSERT_EQ(i % 7 + 1, pair_send(&self->pair, 0, i % 7 + 1, 0));
	ASSERT_EQ(self->pair.sent[0], pair_recv_all(&self->pair, 1, self->pair.sent[0]));
	if (test_sluice()) {
		ASSERT_EQ(0, info_get(self->pair.fd[0], &info));
		EXPECT_EQ(300, info.tx_records);
	}
}

TEST_F(tls, empty_write_sends_nothing)
{
	EXPECT_EQ(0, pair_send(&self->pair, 0, 0, 0));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
	EXPECT_EQ(5, pair_send(&self->pair, 0, 5, 0));
	EXPECT_EQ(5, pair_recv(&self->pair, 1, 10, 0));
}

TEST_F(tls, empty_read_takes_nothing)
{
	EXPECT_EQ(5, pair_send(&self->pair, 0, 5, 0));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 0, 0));
	EXPECT_EQ(5, pair_recv(&self->pair, 1, 10, 0));
}

/* @out and @in bytes off a page, @len bytes, beside which nothing is written. */
static void off_page(struct __test_metadata *_metadata, struct tls_pair *pair, size_t out,
		     size_t in, size_t len)
{
	unsigned char *from, *to;

	ASSERT_EQ(0, posix_memalign((void **)&from, 4096, len + 8192));
	ASSERT_EQ(0, posix_memalign((void **)&to, 4096, len + 8192));
	pattern_fill(from + out, len, 0);
	memset(to, 0, len + 8192);
	ASSERT_EQ(len, send(pair->fd[0], from + out, len, 0));
	ASSERT_EQ(len, recv(pair->fd[1], to + in, len, MSG_WAITALL));
	EXPECT_TRUE(pattern_fits(to + in, len, 0));
	for (size_t i = 0; i < len + 8192; i++)
		if (i < in || i >= in + len)
			ASSERT_EQ(0, to[i]);
	pair->sent[0] += len;
	pair->got[1] += len;
	free(from);
	free(to);
}

TEST_F(tls, unaligned_buffers)
{
	for (size_t i = 1; i < 64; i += 9) {
		off_page(_metadata, &self->pair, i, 64 - i, 2000);
		off_page(_metadata, &self->pair, 4096 - i, i, 50000);
	}
}

TEST_F(tls, vectors)
{
	struct iovec iov[64];
	static unsigned char out[64 * 700], in[64 * 700];
	size_t total = 0;

	pattern_fill(out, sizeof(out), 0);
	for (int i = 0; i < 64; i++) {
		iov[i].iov_base = out + total;
		iov[i].iov_len = (size_t)(i * 37 % 700);
		total += iov[i].iov_len;
	}
	ASSERT_EQ(total, writev(self->pair.fd[0], iov, 64));
	self->pair.sent[0] += total;
	for (int i = 0; i < 64; i++)
		iov[i].iov_base = in + ((char *)iov[i].iov_base - (char *)out);
	ASSERT_EQ(total, recvmsg(self->pair.fd[1],
				 &(struct msghdr){ .msg_iov = iov, .msg_iovlen = 64 },
				 MSG_WAITALL));
	self->pair.got[1] += total;
	EXPECT_TRUE(pattern_fits(in, total, 0));
}

/* Many pieces, but more than one full record in all. */
TEST_F(tls, large_vectors)
{
	static unsigned char in[1000 * 128];
	struct iovec iov[1000];
	size_t total = 0, at = 0;

	for (int i = 0; i < 1000; i++) {
		iov[i].iov_base = in + i * 128;
		iov[i].iov_len = (size_t)(i % 5 ? 100 + i % 7 : 0);
		total += iov[i].iov_len;
	}
	ASSERT_EQ(total, pair_send(&self->pair, 0, total, 0));
	ASSERT_EQ(total, recvmsg(self->pair.fd[1],
				 &(struct msghdr){ .msg_iov = iov, .msg_iovlen = 1000 },
				 MSG_WAITALL));
	self->pair.got[1] += total;
	for (int i = 0; i < 1000; i++) {
		ASSERT_TRUE(pattern_fits(iov[i].iov_base, iov[i].iov_len, at));
		at += iov[i].iov_len;
		for (size_t k = iov[i].iov_len; k < 128; k++)
			ASSERT_EQ(0, in[i * 128 + k]);
	}
}

TEST_F(tls, readv_by_bytes)
{
	struct iovec iov[32];
	unsigned char in[64] = { 0 };

	for (int i = 0; i < 32; i++)
		iov[i] = (struct iovec){ .iov_base = in + i * 2, .iov_len = 1 };
	ASSERT_EQ(32, pair_send(&self->pair, 0, 32, 0));
	ASSERT_EQ(32, readv(self->pair.fd[1], iov, 32));
	self->pair.got[1] += 32;
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(i % 2 ? 0 : pattern(0)[i / 2], in[i]);
}

TEST_F(tls, sendmmsg_recvmmsg)
{
	struct mmsghdr msgs[8] = { 0 };
	struct iovec iov[8];
	unsigned char buf[800];

	if (!test_sluice())
		SKIP(return, "the in-tree module refuses sendmmsg");
	pattern_fill(buf, sizeof(buf), 0);
	for (int i = 0; i < 8; i++) {
		iov[i] = (struct iovec){ .iov_base = buf + i * 100, .iov_len = 100 };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(8, sendmmsg(self->pair.fd[0], msgs, 8, 0));
	self->pair.sent[0] += 800;
	memset(buf, 0, sizeof(buf));
	for (int done = 0; done < 800;) {
		/* Each message takes what there is, up to its buffer. */
		int n = recvmmsg(self->pair.fd[1], msgs, 8, MSG_WAITFORONE, NULL);

		ASSERT_LT(0, n);
		for (int i = 0; i < n; i++) {
			ASSERT_TRUE(pattern_fits(buf + i * 100, msgs[i].msg_len, done));
			done += msgs[i].msg_len;
		}
		self->pair.got[1] = (uint64_t)done;
	}
}

TEST_F(tls, bad_buffers)
{
	char *hole = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, hole);
	ASSERT_EQ(0, mprotect(hole + 4096, 4096, PROT_NONE));
	EXPECT_EQ(-EFAULT, sys(send(self->pair.fd[0], hole + 4096, 100, 0)));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
	ASSERT_EQ(300, pair_send(&self->pair, 0, 300, 0));
	EXPECT_EQ(-EFAULT, sys(recv(self->pair.fd[1], hole + 4096, 100, MSG_WAITALL)));
	EXPECT_EQ(300, pair_recv_all(&self->pair, 1, 300));
	munmap(hole, 8192);
}

/* A large read, some of whose pages cannot be written: the way straight into
 * them must not lose a byte of the record.
 */
static void bad_page(struct __test_metadata *_metadata, struct tls_pair *pair, int prot,
		     size_t before)
{
	unsigned char *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t had = pair->got[1];
	long n;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, mprotect(map + 16384, 4096, prot));
	ASSERT_EQ(16384, pair_send(pair, 0, 16384, 0));
	ASSERT_EQ(POLLIN, poll_one(pair->fd[1], POLLIN, SOON));
	n = sys(recv(pair->fd[1], map + 16384 - before, 40000, 0));
	if (n > 0) {
		EXPECT_GE(before, n);
		EXPECT_TRUE(pattern_fits(map + 16384 - before, (size_t)n, had));
		pair->got[1] += (uint64_t)n;
	} else {
		EXPECT_EQ(-EFAULT, n);
	}
	n = (long)(had + 16384 - pair->got[1]);
	EXPECT_EQ(n, pair_recv_all(pair, 1, (size_t)n));
	munmap(map, 65536);
}

TEST_F(tls, bad_pages_in_a_large_read)
{
	if (!test_sluice())
		SKIP(return, "the in-tree module ends the connection");
	for (size_t before = 0; before < 16384; before += 3001) {
		bad_page(_metadata, &self->pair, PROT_NONE, before);
		bad_page(_metadata, &self->pair, PROT_READ, before);
	}
}

/* A private mapping of a file: the file stays as it was. */
TEST_F(tls, large_read_into_a_private_mapping)
{
	int file = memfd_create("data", MFD_CLOEXEC);
	unsigned char *map, byte = 1;

	ASSERT_EQ(0, ftruncate(file, 65536));
	map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(65536, pair_send(&self->pair, 0, 65536, 0));
	ASSERT_EQ(65536, recv(self->pair.fd[1], map, 65536, MSG_WAITALL));
	self->pair.got[1] += 65536;
	EXPECT_TRUE(pattern_fits(map, 65536, 0));
	for (off_t at = 0; at < 65536; at += 1000) {
		ASSERT_EQ(1, pread(file, &byte, 1, at));
		EXPECT_EQ(0, byte);
	}
	munmap(map, 65536);
	close(file);
}

/*
 * Flags
 */

TEST_F(tls, more_makes_one_record)
{
	struct sluice_info info;

	for (int i = 0; i < 5; i++)
		ASSERT_EQ(100, pair_send(&self->pair, 0, 100, MSG_MORE));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	/* One record: one read without waiting has it all. */
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(600, pair_recv(&self->pair, 1, 1000, 0));
	if (test_sluice()) {
		ASSERT_EQ(0, info_get(self->pair.fd[0], &info));
		EXPECT_EQ(1, info.tx_records);
	}
}

TEST_F(tls, more_past_a_full_record)
{
	ASSERT_EQ(10000, pair_send(&self->pair, 0, 10000, MSG_MORE));
	ASSERT_EQ(10000, pair_send(&self->pair, 0, 10000, MSG_MORE));
	/* The full one went out. */
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	ASSERT_EQ(16384, pair_recv_all(&self->pair, 1, 16384));
	ASSERT_EQ(1, pair_send(&self->pair, 0, 1, 0));
	ASSERT_EQ(3617, pair_recv_all(&self->pair, 1, 3617));
}

TEST_F(tls, more_exactly_a_full_record)
{
	ASSERT_EQ(16384, pair_send(&self->pair, 0, 16384, MSG_MORE));
	ASSERT_EQ(1, pair_send(&self->pair, 0, 1, 0));
	ASSERT_EQ(16385, pair_recv_all(&self->pair, 1, 16385));
}

TEST_F(tls, more_with_short_send_buffer)
{
	long n;

	pair_narrow(&self->pair);
	ASSERT_EQ(-EAGAIN, pair_fill(&self->pair, 0, 5000, MSG_MORE));
	ASSERT_LT(16384, self->pair.sent[0]);
	/* Whole records of what has been taken can be read, and the rest once
	 * something sends it.
	 */
	while (poll_one(self->pair.fd[1], POLLIN, NEVER) == POLLIN)
		ASSERT_LT(0, pair_recv(&self->pair, 1, 10000, MSG_DONTWAIT));
	ASSERT_EQ(POLLOUT, poll_one(self->pair.fd[0], POLLOUT, SOON));
	ASSERT_EQ(7, pair_send(&self->pair, 0, 7, 0));
	n = (long)(self->pair.sent[0] - self->pair.got[1]);
	ASSERT_EQ(n, pair_recv_all(&self->pair, 1, n));
}

TEST_F(tls, shutdown_flushes_more)
{
	if (!test_sluice())
		SKIP(return, "the in-tree module loses it");
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, MSG_MORE));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_EQ(100, pair_recv(&self->pair, 1, 200, 0));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 200, 0));
}

TEST_F(tls, flags_refused)
{
	EXPECT_EQ(-EOPNOTSUPP, pair_send(&self->pair, 0, 10, MSG_OOB));
	EXPECT_EQ(-EOPNOTSUPP, pair_send(&self->pair, 0, 10, MSG_ZEROCOPY));
	EXPECT_EQ(-EINVAL, pair_send(&self->pair, 0, 10, MSG_MORE | MSG_EOR));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN | POLLPRI, NEVER));
	EXPECT_EQ(10, pair_send(&self->pair, 0, 10, MSG_EOR));
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 20, 0));
	EXPECT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 10, MSG_ERRQUEUE));
}

TEST_F(tls, peek)
{
	ASSERT_EQ(1000, pair_send(&self->pair, 0, 1000, 0));
	ASSERT_EQ(500, pair_send(&self->pair, 0, 500, 0));
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 10, MSG_PEEK));
	EXPECT_EQ(1000, pair_recv(&self->pair, 1, 1000, MSG_PEEK));
	EXPECT_EQ(1500, pair_recv(&self->pair, 1, 1500, MSG_PEEK | MSG_WAITALL));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, 0));
	EXPECT_EQ(700, pair_recv(&self->pair, 1, 700, 0));
	EXPECT_EQ(300, pair_recv(&self->pair, 1, 300, MSG_PEEK));
	EXPECT_EQ(800, pair_recv_all(&self->pair, 1, 800));
	EXPECT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 10, MSG_PEEK | MSG_DONTWAIT));
}

TEST_F(tls, peek_many_records)
{
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(3000, pair_send(&self->pair, 0, 3000, 0));
	ASSERT_EQ(30000, pair_recv(&self->pair, 1, 30000, MSG_PEEK | MSG_WAITALL));
	ASSERT_EQ(2999, pair_recv(&self->pair, 1, 2999, 0));
	ASSERT_EQ(27001, pair_recv(&self->pair, 1, 27001, MSG_PEEK | MSG_WAITALL));
	ASSERT_EQ(27001, pair_recv_all(&self->pair, 1, 27001));
}

TEST_F(tls, waitall_over_records)
{
	struct sender s;

	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 60000, 777));
	EXPECT_EQ(60000, pair_recv(&self->pair, 1, 60000, MSG_WAITALL));
	EXPECT_EQ(60000, sender_end(&s));
}

TEST_F(tls, dontwait)
{
	EXPECT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 10, MSG_DONTWAIT));
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, MSG_DONTWAIT));
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 20, MSG_DONTWAIT));
	EXPECT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 10, MSG_DONTWAIT));
	EXPECT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 10, MSG_DONTWAIT | MSG_WAITALL));
}

/* As kTLS has it, the flag changes nothing; above all not the stream. */
TEST_F(tls, trunc)
{
	long n;

	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	n = pair_recv(&self->pair, 1, 30, MSG_TRUNC);
	EXPECT_TRUE(n == 30 || n == -EOPNOTSUPP);
	EXPECT_LT(0, pair_recv_all(&self->pair, 1, 100 - self->pair.got[1]));
}

/*
 * Full buffers
 */

/* Writes of @chunk until the socket is full, reads, again: no byte may be
 * lost, repeated or out of order, and none counted that was not taken. Returns
 * how often it was full.
 */
static long churn(struct tls_pair *pair, size_t total, size_t chunk)
{
	long full = 0;

	set_nonblocking(pair->fd[0]);
	set_nonblocking(pair->fd[1]);
	while (pair->got[1] < total) {
		long n = 1;

		while (pair->sent[0] < total && n > 0)
			n = pair_send(pair, 0, chunk, 0);
		if (n != -EAGAIN && n <= 0)
			return n;
		full += n == -EAGAIN;
		n = poll_one(pair->fd[1], POLLIN, SOON);
		if (n != POLLIN)
			return n ? -EIO : -ETIMEDOUT;
		n = pair_recv(pair, 1, 70001, 0);
		if (n <= 0)
			return n;
	}
	return full;
}

TEST_F(tls, full_buffer)
{
	pair_narrow(&self->pair);
	ASSERT_LT(1, churn(&self->pair, 1 << 20, 100003));
	ASSERT_LE(0, pair_recv_all(&self->pair, 1, self->pair.sent[0] - self->pair.got[1]));
}

TEST_F(tls, poll_follows_the_buffer)
{
	pair_narrow(&self->pair);
	EXPECT_EQ(POLLOUT, poll_one(self->pair.fd[0], POLLIN | POLLOUT, 0));
	/* It ends with a poll that finds no room. */
	ASSERT_EQ(-EAGAIN, pair_fill(&self->pair, 0, 16384, 0));
	ASSERT_LT(0, pair_recv_all(&self->pair, 1, self->pair.sent[0]));
	EXPECT_EQ(POLLOUT, poll_one(self->pair.fd[0], POLLOUT, SOON));
}

/* TCP's own ways to hold bytes back, and to be called full early. */
TEST_F(tls, corked)
{
	int on = 1, off = 0;

	ASSERT_EQ(0, setsockopt(self->pair.fd[0], IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	ASSERT_EQ(0, setsockopt(self->pair.fd[0], IPPROTO_TCP, TCP_CORK, &off, sizeof(off)));
	ASSERT_EQ(300, pair_recv_all(&self->pair, 1, 300));
	ASSERT_EQ(0, setsockopt(self->pair.fd[0], IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
	ASSERT_EQ(200000, transfer(&self->pair, 0, 200000, 30000, 30000));
}

TEST_F(tls, not_sent_low_water_mark)
{
	int mark = 4096;

	pair_narrow(&self->pair);
	ASSERT_EQ(0, setsockopt(self->pair.fd[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT, &mark,
				sizeof(mark)));
	ASSERT_LT(1, churn(&self->pair, 200000, 50000));
	ASSERT_LE(0, pair_recv_all(&self->pair, 1, self->pair.sent[0] - self->pair.got[1]));
}

TEST_F(tls, send_timeout)
{
	long n;

	pair_narrow(&self->pair);
	ASSERT_EQ(0, set_timeout(self->pair.fd[0], SO_SNDTIMEO, 50));
	while ((n = pair_send(&self->pair, 0, 50000, 0)) > 0)
		;
	EXPECT_EQ(-EAGAIN, n);
	ASSERT_LT(0, pair_recv_all(&self->pair, 1, self->pair.sent[0]));
	/* And it goes on. */
	ASSERT_EQ(0, set_timeout(self->pair.fd[0], SO_SNDTIMEO, SOON));
	ASSERT_EQ(50000, transfer(&self->pair, 0, 50000, 50000, 50000));
}

/* How often TCP here has waited for something to acknowledge with. */
static long delayed_acks(void)
{
	static char text[2][16384];
	FILE *f = fopen("/proc/self/net/netstat", "re");
	char *name = NULL, *value = NULL, *rest[2];

	while (f && fgets(text[0], sizeof(text[0]), f) && fgets(text[1], sizeof(text[1]), f) &&
	       strncmp(text[0], "TcpExt:", 7))
		;
	if (f)
		fclose(f);
	for (int i = 0; i < 2; i++)
		rest[i] = text[i];
	do {
		name = strtok_r(name ? NULL : text[0], "\n ", &rest[0]);
		value = strtok_r(value ? NULL : text[1], "\n ", &rest[1]);
	} while (name && value && strcmp(name, "DelayedACKs"));
	return name && value ? atol(value) : -ENOENT;
}

/* A record is all that the buffer takes, and on loopback one segment, whose receiver would
 * wait for another before it acknowledges.
 */
TEST_F_TIMEOUT(tls, no_delay_by_a_short_send_buffer, 120)
{
	const struct tcp_options opt = { .family = variant->family, .sndbuf = 4096 };
	struct tls_pair pair = { 0 };
	long before;

	if (!test_sluice())
		SKIP(return, "only Sluice minds");
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, pair_open(&pair, &opt, variant->version, variant->cipher));
	before = delayed_acks();
	ASSERT_LE(0, before);
	ASSERT_EQ(1 << 20, transfer(&pair, 0, 1 << 20, 1 << 20, 65536));
	EXPECT_GT(16, delayed_acks() - before)
		TH_LOG("of 64 records");
	EXPECT_ACCOUNT(&pair);
	pair_close(&pair);
}

FIXTURE(small)
{
	struct tls_pair pair;
};

FIXTURE_VARIANT(small)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS_FEW(small);

/* Windows that do not hold a record. */
FIXTURE_SETUP(small)
{
	const struct tcp_options opt = {
		.family = variant->family,
		.sndbuf = 4096,
		.rcvbuf = 4096,
	};

	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
}

FIXTURE_TEARDOWN(small)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
}

TEST_F(small, transfer)
{
	ASSERT_EQ(1 << 20, transfer(&self->pair, 0, 1 << 20, 100000, 30000));
}

TEST_F(small, waitall)
{
	struct sender s;

	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 200000, 200000));
	EXPECT_EQ(200000, pair_recv(&self->pair, 1, 200000, MSG_WAITALL));
	EXPECT_EQ(200000, sender_end(&s));
}

TEST_F(small, nonblocking)
{
	ASSERT_LT(1, churn(&self->pair, 300000, 40000));
	ASSERT_LE(0, pair_recv_all(&self->pair, 1, self->pair.sent[0] - self->pair.got[1]));
}

/* The reader only polls: what cannot be taken into the window must become
 * readable all the same.
 */
TEST_F(small, poll_sees_a_record_larger_than_the_window)
{
	struct sender s;

	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 16384, 16384));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, 5000));
	EXPECT_EQ(16384, pair_recv(&self->pair, 1, 16384, MSG_DONTWAIT));
	EXPECT_EQ(16384, sender_end(&s));
}

TEST_F(small, both_ways_at_once)
{
	struct sender s[2];

	ASSERT_EQ(0, sender_start(&s[0], &self->pair, 0, 200000, 20000));
	ASSERT_EQ(0, sender_start(&s[1], &self->pair, 1, 200000, 30000));
	while (self->pair.got[0] < 200000 || self->pair.got[1] < 200000) {
		struct pollfd p[2] = {
			{ .fd = self->pair.fd[0], .events = POLLIN },
			{ .fd = self->pair.fd[1], .events = POLLIN },
		};

		ASSERT_LT(0, poll(p, 2, 5000));
		for (int i = 0; i < 2; i++)
			if (p[i].revents)
				ASSERT_LT(0, pair_recv(&self->pair, i, 20000, MSG_DONTWAIT));
	}
	EXPECT_EQ(200000, sender_end(&s[0]));
	EXPECT_EQ(200000, sender_end(&s[1]));
}

FIXTURE(bulk)
{
	struct tls_pair pair;
};

FIXTURE_VARIANT(bulk)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(bulk, tls13_aes128, TLS_1_3_VERSION, AES_GCM_128, AF_INET);

FIXTURE_SETUP(bulk)
{
	const struct tcp_options opt = { .sndbuf = 65536, .rcvbuf = 65536 };

	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
}

FIXTURE_TEARDOWN(bulk)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
}

TEST_F(bulk, eight_mebibytes)
{
	ASSERT_EQ(8 << 20, transfer(&self->pair, 0, 8 << 20, 1 << 20, 300000));
}

/*
 * Sharing
 */

TEST_F(tls, both_ways_by_threads)
{
	struct sender s[2];

	ASSERT_EQ(0, sender_start(&s[0], &self->pair, 0, 300000, 20000));
	ASSERT_EQ(0, sender_start(&s[1], &self->pair, 1, 300000, 7000));
	while (self->pair.got[0] < 300000 || self->pair.got[1] < 300000) {
		for (int i = 0; i < 2; i++) {
			long n;

			if (self->pair.got[i] == 300000)
				continue;
			n = pair_recv(&self->pair, i, 30000, MSG_DONTWAIT);
			ASSERT_TRUE(n > 0 || n == -EAGAIN);
			if (n == -EAGAIN)
				poll_one(self->pair.fd[i], POLLIN, 10);
		}
	}
	EXPECT_EQ(300000, sender_end(&s[0]));
	EXPECT_EQ(300000, sender_end(&s[1]));
}

/* One thread's share: blocks of one letter. */
struct letter {
	pthread_t thread;
	int fd;
	char letter;
	long result;
};

#define LETTER_BLOCK	8000
#define LETTER_COUNT	25

static void *letter_run(void *arg)
{
	struct letter *l = arg;
	char buf[LETTER_BLOCK];

	memset(buf, l->letter, sizeof(buf));
	for (int i = 0; i < LETTER_COUNT; i++) {
		l->result = sys(send(l->fd, buf, sizeof(buf), MSG_NOSIGNAL));
		if (l->result != sizeof(buf))
			break;
	}
	return NULL;
}

TEST_F(tls, concurrent_senders_do_not_mix)
{
	struct letter l[3];
	char buf[LETTER_BLOCK];
	int count[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		l[i].fd = self->pair.fd[0];
		l[i].letter = (char)('a' + i);
		ASSERT_EQ(0, pthread_create(&l[i].thread, NULL, letter_run, &l[i]));
	}
	for (int i = 0; i < 3 * LETTER_COUNT; i++) {
		ASSERT_EQ(sizeof(buf), recv(self->pair.fd[1], buf, sizeof(buf), MSG_WAITALL));
		self->pair.got[1] += sizeof(buf);
		ASSERT_TRUE(buf[0] >= 'a' && buf[0] < 'd');
		ASSERT_EQ(0, memcmp(buf, buf + 1, sizeof(buf) - 1));
		count[buf[0] - 'a']++;
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(l[i].thread, NULL);
		EXPECT_EQ(LETTER_BLOCK, l[i].result);
		EXPECT_EQ(LETTER_COUNT, count[i]);
		self->pair.sent[0] += LETTER_COUNT * LETTER_BLOCK;
	}
}

struct scribbler {
	pthread_t thread;
	bool stop;
	unsigned char buf[65536];
};

static void *scribbler_run(void *arg)
{
	struct scribbler *s = arg;
	int value = 0;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		value ^= 0xff;
		memset(s->buf, value, sizeof(s->buf));
	}
	return NULL;
}

/* A program that writes to what it sends: what arrives is the one or the other, but no
 * record fails.
 */
TEST_F(tls, memory_that_changes_while_it_is_sent)
{
	static struct scribbler s;
	static unsigned char got[sizeof(s.buf)];

	s.stop = false;
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, scribbler_run, &s));
	for (int i = 0; i < 12; i++) {
		long n = sys(send(self->pair.fd[0], s.buf, sizeof(s.buf), MSG_DONTWAIT));

		if (n <= 0 || sys(recv(self->pair.fd[1], got, (size_t)n, MSG_WAITALL)) != n)
			break;
		self->pair.sent[0] += (uint64_t)n;
		self->pair.got[1] += (uint64_t)n;
		while (n && (!got[n - 1] || got[n - 1] == 0xff))
			n--;
		EXPECT_EQ(0, n);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(s.thread, NULL);
	EXPECT_LE(12 * 32768, self->pair.got[1]);
}

struct reader {
	pthread_t thread;
	int fd;
	size_t got;
	long result;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	char buf[3000];

	while ((r->result = sys(recv(r->fd, buf, sizeof(buf), 0))) > 0)
		r->got += (size_t)r->result;
	return NULL;
}

TEST_F(tls, concurrent_readers_lose_nothing)
{
	struct reader r[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		r[i].fd = self->pair.fd[1];
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, reader_run, &r[i]));
	}
	for (int i = 0; i < 30; i++)
		ASSERT_EQ(5000, pair_send(&self->pair, 0, 5000, 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	for (int i = 0; i < 3; i++) {
		pthread_join(r[i].thread, NULL);
		EXPECT_EQ(0, r[i].result);
		self->pair.got[1] += r[i].got;
	}
	EXPECT_EQ(150000, self->pair.got[1]);
}

TEST_F(tls, fork_shares_the_socket)
{
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		/* The child's copy of the account is its own. */
		long n = pair_send(&self->pair, 0, 20000, 0);

		close(self->pair.fd[0]);
		close(self->pair.fd[1]);
		_exit(n == 20000 ? 0 : 1);
	}
	ASSERT_EQ(20000, pair_recv_all(&self->pair, 1, 20000));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	self->pair.sent[0] += 20000;
	/* And the sequence goes on here. */
	EXPECT_EQ(20000, transfer(&self->pair, 0, 20000, 3000, 20000));
	EXPECT_EQ(20000, transfer(&self->pair, 1, 20000, 3000, 20000));
}

TEST_F(tls, duplicates)
{
	int copy = dup(self->pair.fd[0]);

	ASSERT_LE(0, copy);
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	close(self->pair.fd[0]);
	self->pair.fd[0] = copy;
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	ASSERT_EQ(200, pair_recv_all(&self->pair, 1, 200));
}

TEST_HARNESS_MAIN
