// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files and pipes at both ends of a pair with keys: sendfile, splice, vmsplice,
 * from memory, from a disk's page cache, to pipes that are full.
 */
#include "kselftest_harness.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

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

/* A file in memory with the first @len bytes of the stream. */
static int memory_file(size_t len)
{
	int fd = memfd_create("data", MFD_CLOEXEC);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)len))
		return -1;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	pattern_fill(map, len, 0);
	munmap(map, len);
	return fd;
}

TEST_F(tls, sendfile_at_offsets)
{
	static const struct { off_t at; size_t len; } parts[] = {
		{ 0, 1 }, { 1, 4095 }, { 4095, 2 }, { 4096, 4096 }, { 4097, 8191 },
		{ 123, 16384 }, { 8000, 16385 }, { 7, 40000 },
	};
	int file = memory_file(65536);
	unsigned char buf[40000];

	ASSERT_LE(0, file);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		off_t at = parts[i].at;

		ASSERT_EQ(parts[i].len, sendfile(self->pair.fd[0], file, &at, parts[i].len));
		EXPECT_EQ(parts[i].at + (off_t)parts[i].len, at);
		/* All of it goes out by itself: nothing follows. */
		ASSERT_EQ(parts[i].len,
			  recv(self->pair.fd[1], buf, parts[i].len, MSG_WAITALL));
		ASSERT_TRUE(pattern_fits(buf, parts[i].len, (uint64_t)parts[i].at));
		self->pair.sent[0] += parts[i].len;
		self->pair.got[1] += parts[i].len;
	}
	close(file);
}

TEST_F(tls, sendfile_past_the_end)
{
	int file = memory_file(5000);
	off_t at = 0;

	ASSERT_LE(0, file);
	ASSERT_EQ(5000, sendfile(self->pair.fd[0], file, &at, 9000));
	self->pair.sent[0] += 5000;
	ASSERT_EQ(5000, pair_recv(&self->pair, 1, 6000, MSG_DONTWAIT));
	close(file);
}

struct file_sender {
	pthread_t thread;
	int socket;
	int file;
	size_t total;
	long result;
};

static void *file_sender_run(void *arg)
{
	struct file_sender *s = arg;
	size_t left = s->total;

	while (left) {
		long n = sys(sendfile(s->socket, s->file, NULL, left));

		if (n <= 0) {
			s->result = n;
			return NULL;
		}
		left -= (size_t)n;
	}
	s->result = (long)s->total;
	return NULL;
}

/* @total bytes of @file, which holds the stream. */
static long file_transfer(struct tls_pair *pair, int file, size_t total, size_t rchunk)
{
	struct file_sender s = { .socket = pair->fd[0], .file = file, .total = total };
	long n = 1;

	if (pthread_create(&s.thread, NULL, file_sender_run, &s))
		return -EAGAIN;
	while (pair->got[1] < total && n > 0)
		n = pair_recv(pair, 1, rchunk, 0);
	if (n <= 0)
		shutdown(pair->fd[1], SHUT_RDWR);
	pthread_join(s.thread, NULL);
	pair->sent[0] += s.result > 0 ? (uint64_t)s.result : 0;
	return s.result < 0 ? s.result : n < 0 ? n : (long)pair->got[1];
}

TEST_F(tls, sendfile_bulk)
{
	int file = memory_file(700001);

	ASSERT_LE(0, file);
	EXPECT_EQ(700001, file_transfer(&self->pair, file, 700001, 200000));
	close(file);
}

/* The program's own file: page cache of a disk's file system. */
TEST_F(tls, sendfile_from_disk)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned char want[30000], got[30000];
	off_t at = 511;

	ASSERT_LE(0, file);
	ASSERT_EQ(sizeof(want), pread(file, want, sizeof(want), at));
	ASSERT_EQ(sizeof(got), sendfile(self->pair.fd[0], file, &at, sizeof(got)));
	self->pair.sent[0] += sizeof(got);
	ASSERT_EQ(sizeof(got), recv(self->pair.fd[1], got, sizeof(got), MSG_WAITALL));
	self->pair.got[1] += sizeof(got);
	EXPECT_EQ(0, memcmp(want, got, sizeof(got)));
	close(file);
}

TEST_F(tls, sendfile_nonblocking)
{
	int file = memory_file(600000);
	off_t at = 0;

	ASSERT_LE(0, file);
	set_nonblocking(self->pair.fd[0]);
	while (self->pair.got[1] < 600000) {
		long n = 1;

		while (at < 600000 && n > 0) {
			n = sys(sendfile(self->pair.fd[0], file, &at, (size_t)(600000 - at)));
			ASSERT_TRUE(n > 0 || n == -EAGAIN);
		}
		self->pair.sent[0] = (uint64_t)at;
		ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
		ASSERT_LT(0, pair_recv(&self->pair, 1, 65536, 0));
	}
	close(file);
}

TEST_F(tls, sendfile_between_sends)
{
	int file = memory_file(10000);
	off_t at = 100;

	ASSERT_LE(0, file);
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, MSG_MORE));
	ASSERT_EQ(9000, sendfile(self->pair.fd[0], file, &at, 9000));
	self->pair.sent[0] += 9000;
	ASSERT_EQ(50, pair_send(&self->pair, 0, 50, 0));
	ASSERT_EQ(9150, pair_recv_all(&self->pair, 1, 9150));
	close(file);
}

/* A file that shrinks and changes while it is sent: what arrives is one of
 * its states, byte by byte, and the records fit.
 */
TEST_F(tls, sendfile_while_the_file_changes)
{
	int file = memory_file(65536);
	unsigned char *map = mmap(NULL, 65536, PROT_WRITE, MAP_SHARED, file, 0);
	unsigned char buf[65536];
	off_t at = 0;

	ASSERT_NE(MAP_FAILED, map);
	set_nonblocking(self->pair.fd[0]);
	for (;;) {
		long n;

		at = 0;
		n = sys(sendfile(self->pair.fd[0], file, &at, 65536));
		memset(map, 0xee, 65536);
		if (n == -EAGAIN)
			break;
		ASSERT_LT(0, n);
		self->pair.sent[0] += (uint64_t)n;
	}
	while (self->pair.got[1] < self->pair.sent[0]) {
		long n = sys(recv(self->pair.fd[1], buf, sizeof(buf), 0));

		ASSERT_LT(0, n);
		self->pair.got[1] += (uint64_t)n;
	}
	munmap(map, 65536);
	close(file);
}

TEST_F(tls, splice_from_a_pipe)
{
	unsigned char buf[8000];
	int p[2];

	ASSERT_EQ(0, pipe(p));
	for (int i = 0; i < 5; i++) {
		pattern_fill(buf, sizeof(buf), self->pair.sent[0]);
		ASSERT_EQ(sizeof(buf), write(p[1], buf, sizeof(buf)));
		ASSERT_EQ(sizeof(buf),
			  splice(p[0], NULL, self->pair.fd[0], NULL, sizeof(buf), 0));
		self->pair.sent[0] += sizeof(buf);
		ASSERT_EQ(sizeof(buf), pair_recv_all(&self->pair, 1, sizeof(buf)));
	}
	close(p[0]);
	close(p[1]);
}

TEST_F(tls, splice_more_from_a_pipe)
{
	unsigned char buf[1000];
	int p[2];

	ASSERT_EQ(0, pipe(p));
	for (int i = 0; i < 4; i++) {
		pattern_fill(buf, sizeof(buf), self->pair.sent[0]);
		ASSERT_EQ(sizeof(buf), write(p[1], buf, sizeof(buf)));
		ASSERT_EQ(sizeof(buf), splice(p[0], NULL, self->pair.fd[0], NULL, sizeof(buf),
					      i < 3 ? SPLICE_F_MORE : 0));
		self->pair.sent[0] += sizeof(buf);
	}
	ASSERT_EQ(4000, pair_recv_all(&self->pair, 1, 4000));
	close(p[0]);
	close(p[1]);
}

TEST_F(tls, vmsplice)
{
	unsigned char *buf = mmap(NULL, 20480, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { .iov_base = buf + 77, .iov_len = 20000 };
	int p[2];

	ASSERT_NE(MAP_FAILED, buf);
	ASSERT_EQ(0, pipe(p));
	pattern_fill(buf + 77, 20000, 0);
	ASSERT_EQ(20000, vmsplice(p[1], &iov, 1, 0));
	ASSERT_EQ(20000, splice(p[0], NULL, self->pair.fd[0], NULL, 20000, 0));
	/* Sealed and gone: the pages are the program's again. */
	self->pair.sent[0] += 20000;
	memset(buf, 0xee, 20480);
	ASSERT_EQ(20000, pair_recv_all(&self->pair, 1, 20000));
	close(p[0]);
	close(p[1]);
	munmap(buf, 20480);
}

TEST_F(tls, splice_to_a_pipe)
{
	static unsigned char buf[60000];
	int p[2];

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(60000, pair_send(&self->pair, 0, 60000, 0));
	while (self->pair.got[1] < 60000) {
		long n = sys(splice(self->pair.fd[1], NULL, p[1], NULL,
				    60000 - self->pair.got[1], 0));

		ASSERT_LT(0, n);
		ASSERT_EQ(n, read(p[0], buf, sizeof(buf)));
		ASSERT_TRUE(pattern_fits(buf, (size_t)n, self->pair.got[1]));
		self->pair.got[1] += (uint64_t)n;
	}
	EXPECT_EQ(-EAGAIN, sys(splice(self->pair.fd[1], NULL, p[1], NULL, 10,
				      SPLICE_F_NONBLOCK)));
	close(p[0]);
	close(p[1]);
}

/* The pages of a record, seen by two pipes: neither changes under the other. */
TEST_F(tls, tee)
{
	static unsigned char buf[30000];
	int p[2][2];
	long n;

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pipe(p[i]));
	for (int round = 0; round < 5; round++) {
		ASSERT_EQ(10000, pair_send(&self->pair, 0, 10000, 0));
		n = sys(splice(self->pair.fd[1], NULL, p[0][1], NULL, sizeof(buf), 0));
		ASSERT_EQ(10000, n);
		ASSERT_EQ(n, tee(p[0][0], p[1][1], (size_t)n, 0));
		ASSERT_EQ(n, read(p[0][0], buf, sizeof(buf)));
		ASSERT_TRUE(pattern_fits(buf, (size_t)n, self->pair.got[1]));
		/* More records come and are opened meanwhile. */
		self->pair.got[1] += (uint64_t)n;
		ASSERT_EQ(40000, transfer(&self->pair, 0, 40000, 20000, 20000));
		ASSERT_EQ(n, read(p[1][0], buf, sizeof(buf)));
		ASSERT_TRUE(pattern_fits(buf, (size_t)n, self->pair.got[1] - 40000 - (uint64_t)n));
	}
	for (int i = 0; i < 2; i++) {
		close(p[i][0]);
		close(p[i][1]);
	}
}

TEST_F(tls, splice_mixes_with_recv)
{
	unsigned char buf[1000];
	int p[2];

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(3000, pair_send(&self->pair, 0, 3000, 0));
	ASSERT_EQ(1000, pair_recv(&self->pair, 1, 1000, 0));
	ASSERT_EQ(1000, splice(self->pair.fd[1], NULL, p[1], NULL, 1000, 0));
	ASSERT_EQ(1000, read(p[0], buf, sizeof(buf)));
	ASSERT_TRUE(pattern_fits(buf, 1000, 1000));
	self->pair.got[1] += 1000;
	ASSERT_EQ(1000, pair_recv(&self->pair, 1, 2000, 0));
	close(p[0]);
	close(p[1]);
}

/* The pipe holds less than is there: what does not fit stays. */
TEST_F(tls, splice_to_a_full_pipe)
{
	unsigned char buf[65536];
	int p[2];
	long n;

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(4096, fcntl(p[1], F_SETPIPE_SZ, 4096));
	ASSERT_EQ(40000, pair_send(&self->pair, 0, 40000, 0));
	while (self->pair.got[1] < 40000) {
		ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
		n = sys(splice(self->pair.fd[1], NULL, p[1], NULL, 40000, SPLICE_F_NONBLOCK));
		ASSERT_LT(0, n);
		/* It is full now, or nothing more has come. */
		ASSERT_GE(0, sys(splice(self->pair.fd[1], NULL, p[1], NULL, 0, 0)));
		ASSERT_EQ(n, read(p[0], buf, sizeof(buf)));
		ASSERT_TRUE(pattern_fits(buf, (size_t)n, self->pair.got[1]));
		self->pair.got[1] += (uint64_t)n;
	}
	close(p[0]);
	close(p[1]);
}

TEST_F(tls, splice_to_a_file)
{
	int p[2], file = memfd_create("out", MFD_CLOEXEC);
	static unsigned char buf[200000];
	struct sender s;
	loff_t at = 0;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, sizeof(buf), 50000));
	while (at < (loff_t)sizeof(buf)) {
		long n = sys(splice(self->pair.fd[1], NULL, p[1], NULL, sizeof(buf) - at, 0));

		ASSERT_LT(0, n);
		while (n > 0) {
			long m = sys(splice(p[0], NULL, file, &at, (size_t)n, 0));

			ASSERT_LT(0, m);
			n -= m;
		}
	}
	EXPECT_EQ(sizeof(buf), sender_end(&s));
	self->pair.got[1] += sizeof(buf);
	ASSERT_EQ(sizeof(buf), pread(file, buf, sizeof(buf), 0));
	EXPECT_TRUE(pattern_fits(buf, sizeof(buf), 0));
	close(p[0]);
	close(p[1]);
	close(file);
}

/* From one connection to the other, as a proxy does. */
TEST_F(tls, splice_through)
{
	struct tls_pair next = { 0 };
	const struct tcp_options opt = { .family = variant->family };
	struct sender s;
	size_t passed = 0;
	int p[2];

	ASSERT_EQ(0, pair_open(&next, &opt, variant->version, variant->cipher));
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 100000, 30000));
	while (passed < 100000) {
		long n = sys(splice(self->pair.fd[1], NULL, p[1], NULL, 65536, 0));

		ASSERT_LT(0, n);
		ASSERT_EQ(n, splice(p[0], NULL, next.fd[0], NULL, (size_t)n, 0));
		passed += (size_t)n;
		next.sent[0] += (uint64_t)n;
		ASSERT_EQ(n, pair_recv_all(&next, 1, (size_t)n));
	}
	EXPECT_EQ(100000, sender_end(&s));
	self->pair.got[1] += passed;
	EXPECT_ACCOUNT(&next);
	pair_close(&next);
	close(p[0]);
	close(p[1]);
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

TEST_F(small, sendfile)
{
	int file = memory_file(200001);

	ASSERT_LE(0, file);
	EXPECT_EQ(200001, file_transfer(&self->pair, file, 200001, 5000));
	close(file);
}

TEST_HARNESS_MAIN
