// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP short of memory: it takes a part of what it is given, drops what it
 * receives, and sends again. No sealed record may be lost, cut or sent twice.
 */
#include "kselftest_harness.h"

#include "tls_record.h"

#define TCP_MEM	"/proc/sys/net/ipv4/tcp_mem"

FIXTURE(pressure)
{
	struct tls_pair pair;
	char before[100];
};

FIXTURE_VARIANT(pressure)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS_FEW(pressure);

static long write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long n = fd < 0 ? -errno : sys(write(fd, text, strlen(text)));

	close(fd);
	return n;
}

/* For all of TCP, in pages: this one, and those at work in this VM. */
FIXTURE_SETUP(pressure)
{
	const struct tcp_options opt = { .family = variant->family };
	int fd = open(TCP_MEM, O_RDONLY | O_CLOEXEC);

	if (!getenv("SLUICE_VM"))
		SKIP(return, "starves the whole machine's TCP");
	if (!test_sluice())
		SKIP(return, "the in-tree module stalls");
	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, self->before, sizeof(self->before) - 1));
	close(fd);
	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
	ASSERT_LT(0, write_file(TCP_MEM, "8 16 24"));
}

FIXTURE_TEARDOWN(pressure)
{
	EXPECT_LT(0, write_file(TCP_MEM, self->before));
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
}

TEST_F(pressure, blocking)
{
	EXPECT_EQ(400000, transfer(&self->pair, 0, 400000, 100000, 50000));
}

TEST_F(pressure, small_writes)
{
	EXPECT_EQ(100000, transfer(&self->pair, 0, 100000, 700, 20000));
}

TEST_F(pressure, nonblocking)
{
	size_t total = 400000;

	while (self->pair.got[1] < total) {
		struct pollfd p[2] = {
			{ .fd = self->pair.fd[0], .events = POLLOUT },
			{ .fd = self->pair.fd[1], .events = POLLIN },
		};
		long n;

		if (self->pair.sent[0] >= total)
			p[0].fd = -1;
		ASSERT_LT(0, poll(p, 2, 10000));
		if (p[1].revents) {
			n = pair_recv(&self->pair, 1, 60000, MSG_DONTWAIT);
			ASSERT_TRUE(n > 0 || n == -EAGAIN);
		}
		if (p[0].revents && self->pair.sent[0] < total) {
			n = pair_send(&self->pair, 0, 70000, MSG_DONTWAIT);
			ASSERT_TRUE(n > 0 || n == -EAGAIN);
		}
	}
	EXPECT_LE(0, pair_recv_all(&self->pair, 1, self->pair.sent[0] - self->pair.got[1]));
}

/* The writer does nothing more: what it was told is taken must go out. (Not
 * when it closes: TCP resets orphans when it is out of memory.)
 */
TEST_F(pressure, writer_is_idle)
{
	EXPECT_EQ(-EAGAIN, pair_fill(&self->pair, 0, 50000, 0));
	EXPECT_EQ(self->pair.sent[0], pair_recv_all(&self->pair, 1, self->pair.sent[0]));
}

TEST_HARNESS_MAIN
