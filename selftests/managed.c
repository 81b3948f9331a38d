// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Managed mode from the program's side: what a socket does while its handshake
 * is under way, how each end of it shows, and that data flows when it opened.
 */
#include "kselftest_harness.h"

#include <signal.h>
#include <sys/epoll.h>

#include "fake_agent.h"

/*
 * Open: both ends of a connection are the module's
 */

FIXTURE(open)
{
	struct fake_agent agent;
	struct agent_keys keys[2];	/* [i]: those fd[i] sends with */
	struct tls_pair pair;		/* fd[0] is the client */
};

FIXTURE_VARIANT(open)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(open);

/* The sequence starts where the handshake left it, not at zero. */
static long open_both(struct fake_agent *agent, struct tls_pair *pair,
		      const struct agent_keys keys[2])
{
	long err = arm_client(pair->fd[0]);

	if (!err)
		err = arm(pair->fd[1], SLUICE_ROLE_SERVER, 0, 0);
	for (int i = 0; i < 2 && !err; i++)
		err = agent_serve(agent, &keys[i], &keys[!i]);
	return err;
}

FIXTURE_SETUP(open)
{
	const struct tcp_options opt = { .family = variant->family };

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	agent_keys_make(&self->keys[0], variant->version, variant->cipher, 1, 1);
	agent_keys_make(&self->keys[1], variant->version, variant->cipher, 2, 3);
	ASSERT_EQ(0, tcp_pair(&opt, self->pair.fd));
	ASSERT_EQ(0, open_both(&self->agent, &self->pair, self->keys));
}

FIXTURE_TEARDOWN(open)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
	agent_close(&self->agent);
	EXPECT_EQ(0, netns_left());
}

TEST_F(open, data_flows)
{
	struct sluice_info info;

	ASSERT_EQ(300000, transfer(&self->pair, 0, 300000, 70000, 50000));
	ASSERT_EQ(300000, transfer(&self->pair, 1, 300000, 50000, 70000));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, info_get(self->pair.fd[i], &info));
		EXPECT_EQ(SLUICE_STATE_OPEN, info.state);
		EXPECT_EQ(i ? SLUICE_ROLE_SERVER : SLUICE_ROLE_CLIENT, info.role);
		EXPECT_EQ(variant->version, info.version);
		EXPECT_EQ(variant->cipher, info.cipher);
		EXPECT_EQ(0, info.error);
		EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_sent);
		EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_received);
		EXPECT_EQ(0, strcmp(i ? "" : "test.example", info.server_name));
		EXPECT_EQ(300000, info.tx_bytes);
		EXPECT_EQ(300000, info.rx_bytes);
	}
	EXPECT_EQ(600000, stat_get(SLUICE_STAT_TX_BYTES));
	EXPECT_EQ(600000, stat_get(SLUICE_STAT_RX_BYTES));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_HS_STARTED));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_HS_DONE));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_TX_SESSIONS));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_TX_CURRENT));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_RX_CURRENT));
}

TEST_F(open, end_of_stream)
{
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_EQ(-EPIPE, pair_send(&self->pair, 0, 1, 0));
	EXPECT_EQ(POLLIN, poll_one(self->pair.fd[1], POLLIN, SOON));
	EXPECT_EQ(10, pair_recv(&self->pair, 1, 100, MSG_WAITALL));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 100, 0));
	EXPECT_EQ(POLLIN | POLLRDHUP, poll_one(self->pair.fd[1], POLLIN | POLLRDHUP, 0));
	/* The other way is still open. */
	EXPECT_EQ(100000, transfer(&self->pair, 1, 100000, 20000, 20000));
	ASSERT_EQ(0, shutdown(self->pair.fd[1], SHUT_WR));
	EXPECT_EQ(0, pair_recv(&self->pair, 0, 100, 0));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_TX_ALERTS));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_RX_ALERTS));
}

TEST_F(open, close_with_data_in_flight)
{
	ASSERT_EQ(50000, pair_send(&self->pair, 0, 50000, 0));
	close(self->pair.fd[0]);
	self->pair.fd[0] = -1;
	EXPECT_EQ(50000, pair_recv_all(&self->pair, 1, 50000));
	EXPECT_EQ(0, pair_recv(&self->pair, 1, 10, 0));
}

TEST_F(open, cannot_be_armed_again)
{
	const struct test_keys *keys = &self->keys[0].keys;

	EXPECT_EQ(-EBUSY, arm_client(self->pair.fd[0]));
	EXPECT_GT(0, keys_set(self->pair.fd[0], TLS_TX, keys));
	EXPECT_EQ(100, transfer(&self->pair, 0, 100, 100, 100));
}

/*
 * Under way: a connection whose one end is armed, and an agent that waits
 */

FIXTURE(pending)
{
	struct fake_agent agent;
	struct agent_keys keys[2];
	struct fake_request request;
	int fd[2];
};

FIXTURE_SETUP(pending)
{
	const struct tcp_options opt = { 0 };

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	for (int i = 0; i < 2; i++)
		agent_keys_make(&self->keys[i], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				(unsigned int)i, 0);
	self->request.fd = -1;
	ASSERT_EQ(0, tcp_pair(&opt, self->fd));
}

FIXTURE_TEARDOWN(pending)
{
	for (int i = 0; i < 2; i++)
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	if (self->request.fd >= 0)
		close(self->request.fd);
	agent_close(&self->agent);
	EXPECT_EQ(0, netns_left());
}

static int state_of(int fd)
{
	struct sluice_info info;

	return info_get(fd, &info) ? -1 : info.state;
}

TEST_F(pending, says_so)
{
	char byte;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(self->fd[0]));
	EXPECT_EQ(-EAGAIN, sys(recv(self->fd[0], &byte, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, sys(send(self->fd[0], "x", 1, MSG_DONTWAIT)));
	EXPECT_EQ(0, poll_one(self->fd[0], POLLIN | POLLOUT | POLLRDHUP, NEVER));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	EXPECT_EQ(SLUICE_STATE_ACCEPTED, state_of(self->fd[0]));
	/* What the peer says now is the agent's to read. */
	ASSERT_EQ(5, send(self->fd[1], "hello", 5, 0));
	EXPECT_EQ(POLLIN, poll_one(self->request.fd, POLLIN, SOON));
	EXPECT_EQ(0, poll_one(self->fd[0], POLLIN | POLLOUT | POLLRDHUP, NEVER));
	EXPECT_EQ(-EAGAIN, sys(recv(self->fd[0], &byte, 1, MSG_DONTWAIT)));
	/* Nothing of what the program tried went out. */
	EXPECT_EQ(-EAGAIN, sys(recv(self->fd[1], &byte, 1, MSG_DONTWAIT)));
}

TEST_F(pending, opens_for_pollers)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->fd[0], &ev));
	ASSERT_EQ(0, epoll_wait(ep, &ev, 1, NEVER));
	ASSERT_EQ(0, agent_serve(&self->agent, &self->keys[0], &self->keys[1]));
	ASSERT_EQ(1, epoll_wait(ep, &ev, 1, SOON));
	EXPECT_EQ(EPOLLOUT, ev.events);
	EXPECT_EQ(POLLOUT, poll_one(self->fd[0], POLLIN | POLLOUT, 0));
	close(ep);
}

/* Data that came with the peer's last flight stays for the program. */
TEST_F(pending, opens_with_data_in_the_queue)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	unsigned char record[200], buf[100];
	struct peer seal;
	size_t len;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->fd[0], &ev));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	peer_init(&seal, &self->keys[1].keys);
	len = peer_seal(&seal, CONTENT_DATA, pattern(0), 50, 0, record + 6);
	memcpy(record, "flight", 6);
	ASSERT_EQ(len + 6, write_all(self->fd[1], record, len + 6));
	ASSERT_EQ(POLLIN, poll_one(self->request.fd, POLLIN, SOON));
	ASSERT_EQ(6, read(self->request.fd, buf, 6));
	ASSERT_EQ(0, epoll_wait(ep, &ev, 1, NEVER));
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	ASSERT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
	ASSERT_EQ(1, epoll_wait(ep, &ev, 1, SOON));
	EXPECT_EQ(EPOLLIN, ev.events);
	EXPECT_EQ(50, recv(self->fd[0], buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_TRUE(pattern_fits(buf, 50, 0));
	close(ep);
}

/* A call that blocks while the agent works, in a process of its own. */
static pid_t in_background(long (*call)(void *arg), void *arg, long expect)
{
	pid_t child = fork();
	long got;

	if (child)
		return child;
	alarm(20);
	got = call(arg);
	if (got != expect)
		fprintf(stderr, "# got %ld, not %ld\n", got, expect);
	_exit(got != expect);
}

static int status_of(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child ? status : -1;
}

static long read_one(void *arg)
{
	char byte;

	return sys(recv(*(int *)arg, &byte, 1, 0));
}

static long write_one(void *arg)
{
	return sys(send(*(int *)arg, "x", 1, MSG_NOSIGNAL));
}

TEST_F(pending, writer_waits)
{
	unsigned char record[100], plain[100];
	struct peer open;
	int type;
	pid_t child;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	child = in_background(write_one, &self->fd[0], 1);
	ASSERT_EQ(0, poll_one(self->fd[1], POLLIN, NEVER));
	ASSERT_EQ(0, agent_serve(&self->agent, &self->keys[0], &self->keys[1]));
	EXPECT_EQ(0, status_of(child));
	peer_init(&open, &self->keys[0].keys);
	ASSERT_LT(0, read_record(self->fd[1], record));
	ASSERT_EQ(1, peer_open(&open, record, &type, plain));
	EXPECT_EQ('x', plain[0]);
}

TEST_F(pending, reader_waits_in_vain)
{
	pid_t child;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	child = in_background(read_one, &self->fd[0], -EPROTO);
	usleep(NEVER * 1000);
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(0, agent_done(&self->agent, self->request.fd, EPROTO, "no common version"));
	EXPECT_EQ(0, status_of(child));
}

TEST_F(pending, reader_has_a_timeout)
{
	char byte;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, set_timeout(self->fd[0], SO_RCVTIMEO, 50));
	EXPECT_EQ(-EAGAIN, sys(recv(self->fd[0], &byte, 1, 0)));
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(self->fd[0]));
}

/*
 * Ends of a handshake that was under way
 */

TEST_F(pending, fails_by_the_agents_word)
{
	struct sluice_info info;
	struct nl_msg *msg;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	msg = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	nla_put_u32(msg, SLUICE_A_ERROR, EKEYREJECTED);
	nla_put_u32(msg, SLUICE_A_VERIFY_ERROR, 10);
	nla_put_u16(msg, SLUICE_A_ALERT_SENT, 45);
	nla_put_string(msg, SLUICE_A_TEXT, "certificate has expired");
	ASSERT_EQ(0, agent_send(&self->agent, msg));
	EXPECT_FAILED(self->fd[0], EKEYREJECTED, SLUICE_STAT_HS_FAILED, "certificate has expired");
	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(10, info.verify_error);
	EXPECT_EQ(45, info.alert_sent);
	EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_received);
	EXPECT_EQ(0, info.version);
	EXPECT_EQ(0, strcmp("test.example", info.server_name));
}

TEST_F(pending, success_says_what_was_agreed)
{
	struct sluice_info info;
	struct nl_msg *msg;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	msg = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	nla_put_u16(msg, SLUICE_A_SUITE, 0x1301);
	nla_put_u32(msg, SLUICE_A_FLAGS, SLUICE_INFO_PEER_CERT | SLUICE_INFO_RESUMED);
	nla_put(msg, SLUICE_A_ALPN, 2, "h2");
	ASSERT_EQ(0, agent_send(&self->agent, msg));
	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(SLUICE_STATE_OPEN, info.state);
	EXPECT_EQ(0x1301, info.suite);
	EXPECT_EQ(SLUICE_INFO_PEER_CERT | SLUICE_INFO_RESUMED, info.flags);
	EXPECT_EQ(2, info.alpn_len);
	EXPECT_EQ(0, memcmp(info.alpn, "h2", 3));
	EXPECT_EQ('\0', info.text[0]);
}

TEST_F(pending, success_says_who_the_peer_is)
{
	const unsigned char print[SLUICE_FINGERPRINT_LEN] = { 1, 2, [31] = 0xff };
	const char names[] = "DNS:test.example\0IP:192.0.2.1";
	unsigned char buf[SLUICE_CERT_MAX + 1];
	struct sluice_info info;
	const char *name;
	struct nl_msg *msg;
	socklen_t len = sizeof(buf);
	size_t size = sizeof(buf);

	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_EQ(-ENODATA, sys(sluice_get_peer_certificate(self->fd[0], buf, &size)));
	EXPECT_EQ(-ENODATA, sys(getsockopt(self->fd[0], SOL_TLS, SLUICE_PEER_CERT, buf, &len)));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	/* Nobody is shown whom nobody verified. */
	msg = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	nla_put(msg, SLUICE_A_PEER_CERT, 10, pattern(0));
	EXPECT_EQ(-EINVAL, agent_send(&self->agent, msg));
	msg = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	nla_put_u32(msg, SLUICE_A_FLAGS, SLUICE_INFO_PEER_CERT);
	nla_put(msg, SLUICE_A_PEER_CERT, SLUICE_CERT_MAX, pattern(0));
	nla_put(msg, SLUICE_A_PEER_NAMES, sizeof(names), names);
	nla_put_string(msg, SLUICE_A_PEER_SUBJECT, "CN=test.example");
	nla_put(msg, SLUICE_A_PEER_FINGERPRINT, sizeof(print), print);
	ASSERT_EQ(0, agent_send(&self->agent, msg));

	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(0, strcmp("CN=test.example", info.peer_subject));
	EXPECT_EQ(0, memcmp(print, info.peer_fingerprint, sizeof(print)));
	len = 100;
	EXPECT_EQ(-ERANGE, sys(getsockopt(self->fd[0], SOL_TLS, SLUICE_PEER_CERT, buf, &len)));
	EXPECT_EQ(SLUICE_CERT_MAX, len);
	EXPECT_EQ(0, getsockopt(self->fd[0], SOL_TLS, SLUICE_PEER_CERT, buf, &len));
	EXPECT_EQ(SLUICE_CERT_MAX, len);
	EXPECT_TRUE(pattern_fits(buf, SLUICE_CERT_MAX, 0));
	EXPECT_EQ(0, getsockopt(self->fd[0], SOL_TLS, SLUICE_PEER_NAMES, buf, &len));
	EXPECT_EQ(sizeof(names), len);
	EXPECT_EQ(0, memcmp(names, buf, sizeof(names)));

	/* The same by the library. */
	size = 100;
	EXPECT_EQ(-ERANGE, sys(sluice_get_peer_certificate(self->fd[0], buf, &size)));
	EXPECT_EQ(SLUICE_CERT_MAX, size);
	memset(buf, 0, sizeof(buf));
	size = sizeof(buf);
	EXPECT_EQ(0, sluice_get_peer_certificate(self->fd[0], buf, &size));
	EXPECT_EQ(SLUICE_CERT_MAX, size);
	EXPECT_TRUE(pattern_fits(buf, SLUICE_CERT_MAX, 0));
	size = sizeof(buf);
	EXPECT_EQ(0, sluice_get_peer_names(self->fd[0], (char *)buf, &size));
	name = sluice_next_name((char *)buf, size, NULL);
	ASSERT_NE(NULL, name);
	EXPECT_EQ(0, strcmp("DNS:test.example", name));
	name = sluice_next_name((char *)buf, size, name);
	ASSERT_NE(NULL, name);
	EXPECT_EQ(0, strcmp("IP:192.0.2.1", name));
	EXPECT_EQ(NULL, sluice_next_name((char *)buf, size, name));
	/* One that is cut off. */
	EXPECT_EQ(NULL, sluice_next_name((char *)buf, 5, NULL));
}

TEST_F(pending, times_out_in_the_queue)
{
	ASSERT_EQ(0, arm(self->fd[0], SLUICE_ROLE_CLIENT, 0, 100));
	EXPECT_EQ(POLLERR, poll_one(self->fd[0], POLLIN, SOON) & POLLERR);
	EXPECT_FAILED(self->fd[0], ETIMEDOUT, SLUICE_STAT_HS_TIMEOUT, "no agent took");
	EXPECT_EQ(-EAGAIN, agent_accept(&self->agent, &self->request));
}

/* A deadline as short as a tick, or past before it is set, is still one. */
TEST_F(pending, times_out_at_once)
{
	for (int i = 0; i < 100; i++) {
		int fd[2];

		ASSERT_EQ(0, tcp_pair(&(struct tcp_options){ 0 }, fd));
		ASSERT_EQ(0, arm(fd[0], SLUICE_ROLE_CLIENT, 0, 1));
		ASSERT_TRUE(poll_one(fd[0], POLLIN, SOON) & POLLERR);
		close(fd[0]);
		close(fd[1]);
	}
	EXPECT_EQ(100, stat_get(SLUICE_STAT_HS_TIMEOUT));
}

TEST_F(pending, times_out_at_the_agent)
{
	char byte;

	ASSERT_EQ(0, arm(self->fd[0], SLUICE_ROLE_CLIENT, 0, 200));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	EXPECT_LT(0, self->request.timeout);
	EXPECT_GE(200, self->request.timeout);
	EXPECT_EQ(POLLERR | POLLHUP, poll_one(self->request.fd, POLLIN, SOON));
	EXPECT_FAILED(self->fd[0], ETIMEDOUT, SLUICE_STAT_HS_TIMEOUT, "did not finish");
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->request.fd, &byte, 1)));
	EXPECT_EQ(-ESHUTDOWN, agent_done(&self->agent, self->request.fd, EPROTO, "too late"));
}

TEST_F(pending, abandoned)
{
	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	close(self->request.fd);
	self->request.fd = -1;
	EXPECT_FAILED(self->fd[0], ECONNABORTED, SLUICE_STAT_HS_ABANDONED, "gave up or died");
}

/* Keys that were installed and never used are gone with the channel. */
TEST_F(pending, abandoned_with_keys)
{
	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	close(self->request.fd);
	self->request.fd = -1;
	EXPECT_FAILED(self->fd[0], ECONNABORTED, SLUICE_STAT_HS_ABANDONED, "gave up or died");
}

static long accept_and_hang(void *arg)
{
	struct fake_agent agent;
	struct fake_request request;

	agent_open(&agent);
	agent_take(&agent, &request);
	send(*(int *)arg, "r", 1, 0);
	pause();
	return 0;
}

TEST_F(pending, agent_killed)
{
	char byte;
	int ready[2];
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ready));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	child = in_background(accept_and_hang, &ready[1], 0);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(SLUICE_STATE_ACCEPTED, state_of(self->fd[0]));
	ASSERT_EQ(0, kill(child, SIGKILL));
	status_of(child);
	EXPECT_FAILED(self->fd[0], ECONNABORTED, SLUICE_STAT_HS_ABANDONED, "gave up or died");
}

TEST_F(pending, closed_by_the_program)
{
	char byte;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	close(self->fd[0]);
	self->fd[0] = -1;
	EXPECT_EQ(POLLERR | POLLHUP, poll_one(self->request.fd, POLLIN, SOON));
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->request.fd, &byte, 1)));
	EXPECT_EQ(-ESHUTDOWN, sys(write(self->request.fd, "x", 1)));
	EXPECT_EQ(-ESHUTDOWN, agent_done(&self->agent, self->request.fd, 0, NULL));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_HS_CANCELLED));
	/* TCP's end, and nothing before it. */
	EXPECT_EQ(0, recv(self->fd[1], &byte, 1, 0));
}

TEST_F(pending, closed_in_the_queue)
{
	ASSERT_EQ(0, arm_client(self->fd[0]));
	close(self->fd[0]);
	self->fd[0] = -1;
	EXPECT_EQ(-EAGAIN, agent_accept(&self->agent, &self->request));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_HS_CANCELLED));
}

TEST_F(pending, reset_by_the_peer)
{
	const struct linger none = { .l_onoff = 1 };
	char byte;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	setsockopt(self->fd[1], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(self->fd[1]);
	self->fd[1] = -1;
	EXPECT_TRUE(poll_one(self->fd[0], POLLIN, SOON) & POLLERR);
	EXPECT_TRUE(poll_one(self->request.fd, POLLIN, SOON) & POLLERR);
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->request.fd, &byte, 1)));
	EXPECT_FAILED(self->fd[0], ECONNRESET, SLUICE_STAT_HS_CANCELLED, "connection ended");
}

TEST_F(pending, peer_says_no_more)
{
	char buf[10];

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(3, send(self->fd[1], "end", 3, MSG_MORE));
	ASSERT_EQ(0, shutdown(self->fd[1], SHUT_WR));
	ASSERT_EQ(POLLIN | POLLRDHUP, poll_one(self->request.fd, POLLIN | POLLRDHUP, SOON));
	EXPECT_EQ(3, read(self->request.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, read(self->request.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, read(self->request.fd, buf, sizeof(buf)));
	/* Our way is still open: an alert can be sent. */
	EXPECT_EQ(5, write(self->request.fd, "alert", 5));
	EXPECT_EQ(5, recv(self->fd[1], buf, sizeof(buf), 0));
	ASSERT_EQ(0, agent_done(&self->agent, self->request.fd, EPROTO, "unexpected end"));
	EXPECT_FAILED(self->fd[0], EPROTO, SLUICE_STAT_HS_FAILED, "unexpected end");
}

/* SO_ERROR tells once, reads and writes tell always. */
TEST_F(pending, error_is_reported)
{
	socklen_t len = sizeof(int);
	int error;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	ASSERT_EQ(0, agent_done(&self->agent, self->request.fd, EPROTO, NULL));
	ASSERT_EQ(0, getsockopt(self->fd[0], SOL_SOCKET, SO_ERROR, &error, &len));
	EXPECT_EQ(EPROTO, error);
	ASSERT_EQ(0, getsockopt(self->fd[0], SOL_SOCKET, SO_ERROR, &error, &len));
	EXPECT_EQ(0, error);
	EXPECT_FAILED(self->fd[0], EPROTO, SLUICE_STAT_HS_FAILED, "no reason");
}

/*
 * Many
 */

#define MANY 200

struct crowd {
	int client[MANY];
	int server[MANY];
	int listener;
	struct sockaddr_storage addr;
};

static long crowd_arm(struct crowd *c)
{
	const struct tcp_options opt = { 0 };
	long err = 0;

	c->listener = tcp_listen(&opt, &c->addr);
	for (int i = 0; i < MANY && !err; i++) {
		c->client[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		err = sys(connect(c->client[i], (struct sockaddr *)&c->addr, sizeof(c->addr)));
		c->server[i] = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		if (!err)
			err = arm_client(c->client[i]);
	}
	return err;
}

static void crowd_close(struct crowd *c)
{
	for (int i = 0; i < MANY; i++) {
		close(c->client[i]);
		close(c->server[i]);
	}
	close(c->listener);
}

TEST_F(pending, many_are_served_in_order)
{
	struct sluice_nl_state state;
	struct crowd crowd;
	char byte;

	ASSERT_EQ(0, crowd_arm(&crowd));
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(MANY, state.pending);
	for (int i = 0; i < MANY; i++) {
		ASSERT_EQ(0, agent_accept(&self->agent, &self->request));
		EXPECT_EQ(i < MANY - 1, self->request.waiting);
		ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
					   &self->keys[1]));
		ASSERT_EQ(1, write(self->request.fd, &i, 1));
		ASSERT_EQ(1, recv(crowd.server[i], &byte, 1, 0));
		ASSERT_EQ((char)i, byte);
		ASSERT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
		close(self->request.fd);
		self->request.fd = -1;
		ASSERT_EQ(1, send(crowd.client[i], "x", 1, MSG_DONTWAIT));
	}
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(0, state.pending);
	EXPECT_EQ(MANY, state.stats[SLUICE_STAT_HS_STARTED]);
	EXPECT_EQ(MANY, state.stats[SLUICE_STAT_HS_DONE]);
	EXPECT_EQ(MANY, state.stats[SLUICE_STAT_TX_RECORDS]);
	crowd_close(&crowd);
}

/* Every way to end at once: by close, by channel, by deadline, by the agent. */
TEST_F(pending, many_end_in_many_ways)
{
	struct sluice_nl_state state;
	int channel[MANY];
	struct crowd crowd;

	ASSERT_EQ(0, crowd_arm(&crowd));
	for (int i = 0; i < MANY; i++) {
		ASSERT_EQ(0, agent_accept(&self->agent, &self->request));
		channel[i] = self->request.fd;
	}
	for (int i = 0; i < MANY; i += 2) {
		pid_t child = i % 20 ? -1 : fork();

		if (!child) {
			for (int k = 1; k < MANY; k += 2)
				close(channel[k]);
			_exit(0);
		}
		close(crowd.client[i]);
		close(channel[i + 1]);
		if (child > 0)
			status_of(child);
		close(crowd.client[i + 1]);
		close(channel[i]);
	}
	self->request.fd = -1;
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(0, state.pending);
	EXPECT_EQ(MANY, state.stats[SLUICE_STAT_HS_CANCELLED] +
			state.stats[SLUICE_STAT_HS_ABANDONED]);
	EXPECT_LE(MANY / 2, state.stats[SLUICE_STAT_HS_CANCELLED]);
}

TEST_F(pending, too_many)
{
	long old = parameter("max_pending", 2);
	struct sluice_info info;
	struct crowd crowd;

	ASSERT_LT(0, old);
	crowd_arm(&crowd);
	parameter("max_pending", old);
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(crowd.client[1]));
	ASSERT_EQ(0, info_get(crowd.client[2], &info));
	EXPECT_EQ(SLUICE_STATE_FAILED, info.state);
	EXPECT_EQ(ENOBUFS, info.error);
	EXPECT_TRUE(strstr(info.text, "too many"));
	EXPECT_LE(1, stat_get(SLUICE_STAT_HS_OVERFLOW));
	crowd_close(&crowd);
}

/* As many of this user wait already; another user's is none of them. */
TEST_F(pending, too_many_of_a_user)
{
	const struct tcp_options opt = { 0 };
	long old = parameter("max_pending_per_user", 2);
	struct sluice_info info;
	int fd[4][2], last[2];
	pid_t child;

	ASSERT_LT(0, old);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, tcp_pair(&opt, fd[i]));
	EXPECT_EQ(0, arm_client(fd[0][0]));
	EXPECT_EQ(0, arm_client(fd[1][0]));
	EXPECT_EQ(-EDQUOT, arm_client(fd[2][0]));
	ASSERT_EQ(0, info_get(fd[2][0], &info));
	EXPECT_EQ(SLUICE_STATE_FAILED, info.state);
	EXPECT_EQ(EDQUOT, info.error);
	EXPECT_TRUE(strstr(info.text, "this user"));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_HS_OVERFLOW));

	child = fork();
	if (!child) {
		if (setuid(1000) || tcp_pair(&opt, last) || arm_client(last[0]))
			_exit(1);
		_exit(state_of(last[0]) != SLUICE_STATE_PENDING);
	}
	EXPECT_EQ(0, status_of(child));

	/* One that ends makes room, and only for one. */
	close(fd[0][0]);
	EXPECT_EQ(0, arm_client(fd[3][0]));
	close(fd[2][0]);
	close(fd[2][1]);
	ASSERT_EQ(0, tcp_pair(&opt, last));
	EXPECT_EQ(-EDQUOT, arm_client(last[0]));
	parameter("max_pending_per_user", old);
	for (int i = 0; i < 4; i++)
		close(fd[i][1]);
	close(fd[1][0]);
	close(fd[3][0]);
	close(last[0]);
	close(last[1]);
}

/*
 * Agents come and go
 */

FIXTURE(agents)
{
	struct fake_agent agent;
	int fd[2];
	long grace;
};

FIXTURE_SETUP(agents)
{
	const struct tcp_options opt = { 0 };

	self->grace = parameter("agent_grace_ms", 300);
	ASSERT_LE(0, self->grace);
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, tcp_pair(&opt, self->fd));
}

FIXTURE_TEARDOWN(agents)
{
	parameter("agent_grace_ms", self->grace);
	close(self->fd[0]);
	close(self->fd[1]);
}

TEST_F(agents, never_there)
{
	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_EQ(SLUICE_STATE_FAILED, state_of(self->fd[0]));
	EXPECT_FAILED(self->fd[0], ESRCH, SLUICE_STAT_HS_NO_AGENT, "sluiced is not running");
}

/* One in another namespace is none. */
TEST_F(agents, elsewhere)
{
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, netns_enter());
	close(self->fd[0]);
	close(self->fd[1]);
	ASSERT_EQ(0, tcp_pair(&(struct tcp_options){ 0 }, self->fd));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_FAILED(self->fd[0], ESRCH, SLUICE_STAT_HS_NO_AGENT, "sluiced is not running");
	EXPECT_FALSE(agent_woken(&self->agent, 0));
	agent_close(&self->agent);
}

TEST_F(agents, left_for_good)
{
	struct fake_request request;

	ASSERT_EQ(0, agent_open(&self->agent));
	EXPECT_EQ(-EAGAIN, agent_accept(&self->agent, &request));
	agent_close(&self->agent);
	/* It may only be restarting. */
	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(self->fd[0]));
	EXPECT_TRUE(poll_one(self->fd[0], POLLIN, SOON) & POLLERR);
	EXPECT_FAILED(self->fd[0], ESRCH, SLUICE_STAT_HS_NO_AGENT, "sluiced is not running");
}

TEST_F(agents, left_with_requests_in_the_queue)
{
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(self->fd[0]));
	agent_close(&self->agent);
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(self->fd[0]));
	EXPECT_TRUE(poll_one(self->fd[0], POLLIN, SOON) & POLLERR);
	EXPECT_FAILED(self->fd[0], ESRCH, SLUICE_STAT_HS_NO_AGENT, "sluiced is not running");
}

/* What other namespaces' agents do is no reason to go on waiting. */
TEST_F(agents, others_leave_too)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct fake_agent other;
	struct sluice_info info;

	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, arm(self->fd[0], SLUICE_ROLE_CLIENT, 0, 10000));
	agent_close(&self->agent);
	ASSERT_EQ(0, netns_enter());
	do {
		ASSERT_EQ(0, agent_open(&other));
		agent_close(&other);
	} while (!(poll_one(self->fd[0], POLLIN, NEVER) & POLLERR));
	ASSERT_EQ(0, sys(setns(here, CLONE_NEWNET)));
	close(here);
	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(ESRCH, info.error);
}

TEST_F(agents, restarted)
{
	struct agent_keys keys[2];

	for (int i = 0; i < 2; i++)
		agent_keys_make(&keys[i], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				(unsigned int)i, 0);
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	agent_close(&self->agent);
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, agent_serve(&self->agent, &keys[0], &keys[1]));
	usleep(400000);
	EXPECT_EQ(SLUICE_STATE_OPEN, state_of(self->fd[0]));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_NO_AGENT));
	agent_close(&self->agent);
}

/* Requests that an agent has are its own, whoever leaves the group. */
TEST_F(agents, left_with_a_request_taken)
{
	struct fake_request request;
	struct fake_agent first;

	ASSERT_EQ(0, agent_open(&first));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, agent_take(&first, &request));
	sluice_nl_close(&first.wake);
	usleep(400000);
	EXPECT_EQ(SLUICE_STATE_ACCEPTED, state_of(self->fd[0]));
	ASSERT_EQ(0, agent_done(&first, request.fd, EPROTO, "stopping"));
	EXPECT_FAILED(self->fd[0], EPROTO, SLUICE_STAT_HS_FAILED, "stopping");
	sluice_nl_close(&first.cmd);
	close(request.fd);
}

TEST_F(agents, counted)
{
	struct sluice_nl_state state;

	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(0, state.agents);
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(1, state.agents);
	EXPECT_EQ(SLUICE_ABI_VERSION, state.abi);
	agent_close(&self->agent);
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(0, state.agents);
}

/* The namespace goes with everything under way in it; the agent's channel is
 * all that is left, and says so.
 */
TEST_F(agents, namespace_exit)
{
	struct fake_request request;
	int fd[2];
	char byte;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, tcp_pair(&(struct tcp_options){ 0 }, fd));
	ASSERT_EQ(0, arm_client(fd[0]));
	ASSERT_EQ(0, arm(fd[1], SLUICE_ROLE_SERVER, 0, 0));
	ASSERT_EQ(0, agent_take(&self->agent, &request));
	ASSERT_EQ(0, netns_enter());
	agent_close(&self->agent);
	close(fd[0]);
	close(fd[1]);
	usleep(500000);
	EXPECT_EQ(-ESHUTDOWN, sys(read(request.fd, &byte, 1)));
	EXPECT_EQ(POLLERR | POLLHUP, poll_one(request.fd, POLLIN, 0));
	close(request.fd);
}

/*
 * connect and accept
 */

FIXTURE(connecting)
{
	struct fake_agent agent;
	struct agent_keys keys[2];
	struct sockaddr_storage addr;
	int listener;
	int fd;
};

FIXTURE_SETUP(connecting)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	for (int i = 0; i < 2; i++)
		agent_keys_make(&self->keys[i], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				(unsigned int)i, 0);
	self->listener = tcp_listen(&(struct tcp_options){ 0 }, &self->addr);
	ASSERT_LE(0, self->listener);
	self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(connecting)
{
	close(self->fd);
	close(self->listener);
	agent_close(&self->agent);
	EXPECT_EQ(0, netns_left());
}

struct connect_call {
	int fd;
	const struct sockaddr_storage *addr;
};

static long connect_call(void *arg)
{
	struct connect_call *c = arg;

	return sys(connect(c->fd, (const struct sockaddr *)c->addr, addr_len(c->addr)));
}

TEST_F(connecting, blocks_until_open)
{
	struct connect_call call = { self->fd, &self->addr };
	struct fake_request request;
	pid_t child;

	ASSERT_EQ(0, arm_client(self->fd));
	EXPECT_EQ(SLUICE_STATE_ARMED, state_of(self->fd));
	child = in_background(connect_call, &call, 0);
	ASSERT_EQ(0, agent_take(&self->agent, &request));
	usleep(NEVER * 1000);
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	ASSERT_EQ(0, agent_install(&self->agent, request.fd, &self->keys[0], &self->keys[1]));
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	ASSERT_EQ(0, agent_done(&self->agent, request.fd, 0, NULL));
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(SLUICE_STATE_OPEN, state_of(self->fd));
	EXPECT_EQ(-EISCONN, connect_call(&call));
	close(request.fd);
}

TEST_F(connecting, blocks_until_failed)
{
	struct connect_call call = { self->fd, &self->addr };
	struct fake_request request;
	pid_t child;

	ASSERT_EQ(0, arm_client(self->fd));
	child = in_background(connect_call, &call, -EKEYREJECTED);
	ASSERT_EQ(0, agent_take(&self->agent, &request));
	ASSERT_EQ(0, agent_done(&self->agent, request.fd, EKEYREJECTED, "unknown authority"));
	EXPECT_EQ(0, status_of(child));
	EXPECT_FAILED(self->fd, EKEYREJECTED, SLUICE_STAT_HS_FAILED, "unknown authority");
	close(request.fd);
}

TEST_F(connecting, without_blocking)
{
	struct connect_call call = { self->fd, &self->addr };
	struct fake_request request;
	socklen_t len = sizeof(int);
	int error;

	set_nonblocking(self->fd);
	ASSERT_EQ(0, arm_client(self->fd));
	EXPECT_EQ(-EINPROGRESS, connect_call(&call));
	EXPECT_EQ(-EALREADY, connect_call(&call));
	ASSERT_EQ(0, agent_take(&self->agent, &request));
	EXPECT_EQ(0, poll_one(self->fd, POLLOUT | POLLIN, NEVER));
	EXPECT_EQ(-EALREADY, connect_call(&call));
	ASSERT_EQ(0, agent_install(&self->agent, request.fd, &self->keys[0], &self->keys[1]));
	EXPECT_EQ(0, poll_one(self->fd, POLLOUT | POLLIN, NEVER));
	ASSERT_EQ(0, agent_done(&self->agent, request.fd, 0, NULL));
	EXPECT_EQ(POLLOUT, poll_one(self->fd, POLLOUT | POLLIN, SOON));
	ASSERT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &len));
	EXPECT_EQ(0, error);
	error = (int)connect_call(&call);
	EXPECT_TRUE(error == 0 || error == -EISCONN);
	close(request.fd);
}

TEST_F(connecting, without_blocking_in_vain)
{
	struct connect_call call = { self->fd, &self->addr };
	struct fake_request request;
	socklen_t len = sizeof(int);
	int error;

	set_nonblocking(self->fd);
	ASSERT_EQ(0, arm_client(self->fd));
	EXPECT_EQ(-EINPROGRESS, connect_call(&call));
	ASSERT_EQ(0, agent_take(&self->agent, &request));
	ASSERT_EQ(0, agent_done(&self->agent, request.fd, EPROTO, NULL));
	EXPECT_TRUE(poll_one(self->fd, POLLOUT, SOON) & POLLERR);
	ASSERT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &len));
	EXPECT_EQ(EPROTO, error);
	EXPECT_EQ(-EPROTO, connect_call(&call));
	EXPECT_EQ(SLUICE_STATE_FAILED, state_of(self->fd));
	close(request.fd);
}

TEST_F(connecting, to_an_armed_listener)
{
	struct connect_call call = { self->fd, &self->addr };
	struct tls_pair pair = { .fd = { self->fd, -1 } };
	struct fake_request request;

	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER, 0, 0));
	ASSERT_EQ(0, connect_call(&call));
	pair.fd[1] = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
	ASSERT_LE(0, pair.fd[1]);
	EXPECT_EQ(-EAGAIN, pair_recv(&pair, 1, 10, MSG_DONTWAIT));
	ASSERT_EQ(0, arm_client(self->fd));
	/* The child came first. */
	ASSERT_EQ(0, agent_take(&self->agent, &request));
	EXPECT_EQ(SLUICE_ROLE_SERVER, request.role);
	ASSERT_EQ(0, agent_install(&self->agent, request.fd, &self->keys[1], &self->keys[0]));
	ASSERT_EQ(0, agent_done(&self->agent, request.fd, 0, NULL));
	close(request.fd);
	ASSERT_EQ(0, agent_serve(&self->agent, &self->keys[0], &self->keys[1]));
	EXPECT_EQ(100000, transfer(&pair, 0, 100000, 20000, 20000));
	EXPECT_EQ(100000, transfer(&pair, 1, 100000, 20000, 20000));
	EXPECT_ACCOUNT(&pair);
	close(pair.fd[1]);
}

TEST_HARNESS_MAIN
