// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Waiting for data and the end of it: poll, epoll, marks, timeouts, signals,
 * shutdown, close, reset.
 */
#include "kselftest_harness.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

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

/* The in-tree module takes, and loses, what is written after the end. */
#define EXPECT_BROKEN(result) do {						\
	long _n = (result);							\
										\
	if (test_sluice())							\
		EXPECT_EQ(-EPIPE, _n);						\
} while (0)

/*
 * Waiting
 */

TEST_F(tls, poll_says_what_read_does)
{
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
	ASSERT_EQ(100, pair_send(&self->pair, 0, 100, 0));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	ASSERT_EQ(40, pair_recv(&self->pair, 1, 40, 0));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, 0));
	ASSERT_EQ(60, pair_recv(&self->pair, 1, 60, 0));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, NEVER));
}

TEST_F(tls, poll_wakes)
{
	struct sender s;

	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 5, 5));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(5, sender_end(&s));
	EXPECT_EQ(5, pair_recv(&self->pair, 1, 5, MSG_DONTWAIT));
}

/* Edge-triggered: each record makes an edge once the last was read to EAGAIN. */
TEST_F(tls, epoll_edges)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->pair.fd[1], &ev));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(1000, pair_send(&self->pair, 0, 1000, 0));
		ASSERT_EQ(1, epoll_wait(ep, &ev, 1, SOON));
		ASSERT_EQ(1000, pair_recv(&self->pair, 1, 2000, MSG_DONTWAIT));
		ASSERT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 2000, MSG_DONTWAIT));
	}
	close(ep);
}

TEST_F(tls, low_water_mark)
{
	const int mark = 1000;
	struct sender s;

	ASSERT_EQ(0, setsockopt(self->pair.fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)));
	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 1200, 400));
	/* Three records: the read waits until the mark is reached. */
	EXPECT_LE(1000, pair_recv(&self->pair, 1, 2000, 0));
	EXPECT_EQ(1200, sender_end(&s));
	while (self->pair.got[1] < 1200)
		ASSERT_LT(0, pair_recv(&self->pair, 1, 2000, MSG_DONTWAIT));
	ASSERT_EQ(900, pair_send(&self->pair, 0, 900, 0));
	ASSERT_EQ(900, pair_send(&self->pair, 0, 900, 0));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(1800, pair_recv(&self->pair, 1, 2000, 0));
}

TEST_F(tls, low_water_mark_of_many_records)
{
	const int mark = 3 * RECORD_MAX - 5;
	struct sender s;

	ASSERT_EQ(0, setsockopt(self->pair.fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)));
	ASSERT_EQ(0, sender_start(&s, &self->pair, 0, 4 * RECORD_MAX, RECORD_MAX / 2));
	EXPECT_LE(mark, pair_recv(&self->pair, 1, 5 * RECORD_MAX, 0));
	EXPECT_EQ(4 * RECORD_MAX, sender_end(&s));
	while (self->pair.got[1] < 4 * RECORD_MAX)
		ASSERT_LT(0, pair_recv(&self->pair, 1, 5 * RECORD_MAX, MSG_DONTWAIT));
}

TEST_F(tls, receive_timeout)
{
	ASSERT_EQ(0, set_timeout(self->pair.fd[1], SO_RCVTIMEO, 50));
	EXPECT_EQ(-EAGAIN, pair_recv(&self->pair, 1, 10, 0));
	ASSERT_EQ(5, pair_send(&self->pair, 0, 5, 0));
	/* What there is, when the time for the rest is up. */
	EXPECT_EQ(5, pair_recv(&self->pair, 1, 10, MSG_WAITALL));
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(tls, signals)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = {
		.it_value.tv_usec = 50000,
		.it_interval.tv_usec = 50000,
	};
	const struct itimerval stop = { 0 };
	long n;

	pair_narrow(&self->pair);
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(-EINTR, pair_recv(&self->pair, 1, 10, 0));
	ASSERT_EQ(5, pair_send(&self->pair, 0, 5, 0));
	EXPECT_EQ(5, pair_recv(&self->pair, 1, 10, MSG_WAITALL));
	/* A write that a signal cuts short says how far it got. */
	n = pair_send(&self->pair, 0, 1 << 20, 0);
	EXPECT_LT(0, n);
	EXPECT_GT(1 << 20, n);
	do {
		n = pair_send(&self->pair, 0, 100000, 0);
	} while (n > 0);
	EXPECT_EQ(-EINTR, n);
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &stop, NULL));
	ASSERT_LT(0, pair_recv_all(&self->pair, 1, self->pair.sent[0] - self->pair.got[1]));
}

TEST_F(tls, fionread)
{
	int n = -1;

	if (!test_sluice())
		SKIP(return, "the in-tree module counts ciphertext");
	ASSERT_EQ(0, ioctl(self->pair.fd[1], FIONREAD, &n));
	EXPECT_EQ(0, n);
	ASSERT_EQ(1000, pair_send(&self->pair, 0, 1000, 0));
	ASSERT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	ASSERT_EQ(0, ioctl(self->pair.fd[1], FIONREAD, &n));
	EXPECT_EQ(1000, n);
	ASSERT_EQ(300, pair_recv(&self->pair, 1, 300, 0));
	ASSERT_EQ(0, ioctl(self->pair.fd[1], FIONREAD, &n));
	EXPECT_EQ(700, n);
	ASSERT_EQ(500, pair_send(&self->pair, 0, 500, 0));
	ASSERT_EQ(0, ioctl(self->pair.fd[1], FIONREAD, &n));
	/* Never more than can be read, and what is open already at least. */
	EXPECT_LE(700, n);
	EXPECT_GE(1200, n);
	ASSERT_EQ(1200, pair_recv_all(&self->pair, 1, 1200));
	ASSERT_EQ(0, ioctl(self->pair.fd[1], FIONREAD, &n));
	EXPECT_EQ(0, n);
}

/*
 * Ends
 */

TEST_F(tls, end_of_stream)
{
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_BROKEN(pair_send(&self->pair, 0, 1, 0));
	EXPECT_EQ(POLLIN | POLLRDHUP, poll_one(self->pair.fd[1], POLLIN | POLLRDHUP, SOON));
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 100, MSG_WAITALL));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 100, 0));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 100, MSG_DONTWAIT));
	EXPECT_EQ(POLLIN | POLLRDHUP, poll_one(self->pair.fd[1], POLLIN | POLLRDHUP, 0));
}

TEST_F(tls, half_close)
{
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 10, 0));
	EXPECT_EQ(100000, transfer(&self->pair, 1, 100000, 20000, 20000));
}

/* Our end, while the other way is full of data and goes on. */
TEST_F(tls, half_close_with_data_in_flight)
{
	struct sender s;

	pair_narrow(&self->pair);
	ASSERT_EQ(0, sender_start(&s, &self->pair, 1, 1 << 20, 30000));
	ASSERT_EQ(20000, pair_recv_all(&self->pair, 0, 20000));
	ASSERT_EQ(5000, pair_send(&self->pair, 0, 5000, 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	ASSERT_EQ(5000, pair_recv_all(&self->pair, 1, 5000));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 10, 0));
	ASSERT_EQ((1 << 20) - 20000, pair_recv_all(&self->pair, 0, (1 << 20) - 20000));
	EXPECT_EQ(1 << 20, sender_end(&s));
}

TEST_F(tls, close_with_data_in_flight)
{
	long n;

	ASSERT_EQ(50000, pair_send(&self->pair, 0, 50000, 0));
	close(self->pair.fd[0]);
	self->pair.fd[0] = -1;
	EXPECT_EQ(50000, pair_recv_all(&self->pair, 1, 50000));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 10, 0));
	/* Nobody is there: a reset comes back, then the pipe is broken. */
	n = pair_send(&self->pair, 1, 10, 0);
	EXPECT_EQ(10, n);
	for (int i = 0; i < 100 && n > 0; i++) {
		usleep(10000);
		n = pair_send(&self->pair, 1, 10, 0);
	}
	EXPECT_TRUE(n == -EPIPE || n == -ECONNRESET);
}

TEST_F(tls, close_with_data_unread)
{
	long n = 1;

	ASSERT_EQ(50000, pair_send(&self->pair, 0, 50000, 0));
	ASSERT_EQ(100, pair_recv(&self->pair, 1, 100, 0));
	close(self->pair.fd[1]);
	self->pair.fd[1] = -1;
	ASSERT_LE(0, poll_one(self->pair.fd[0], POLLIN, SOON));
	n = pair_recv(&self->pair, 0, 10, 0);
	EXPECT_EQ(-ECONNRESET, n);
	EXPECT_BROKEN(pair_send(&self->pair, 0, 10, 0));
}

TEST_F(tls, broken_pipe_signals)
{
	sigset_t pending, set;

	if (!test_sluice())
		SKIP(return, "the in-tree module takes the write");
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_EQ(-EPIPE, sys(write(self->pair.fd[0], "x", 1)));
	ASSERT_EQ(0, sigpending(&pending));
	EXPECT_TRUE(sigismember(&pending, SIGPIPE));
}

TEST_F(tls, reader_is_woken_by_the_end)
{
	struct tls_pair *pair = &self->pair;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		usleep(50000);
		shutdown(pair->fd[0], SHUT_WR);
		_exit(0);
	}
	EXPECT_EQ(0, pair_recv(pair, 1, 10, 0));
	EXPECT_EQ(child, waitpid(child, NULL, 0));
}

TEST_F(tls, shutdown_of_both)
{
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_RDWR));
	EXPECT_EQ(0, pair_recv(&self->pair, 0, 10, 0));
	EXPECT_BROKEN(pair_send(&self->pair, 0, 10, 0));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 10, 0));
}

TEST_HARNESS_MAIN
