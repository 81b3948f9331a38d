// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NewSessionTicket messages (RFC 8446 4.6.1) on their way through the channel to
 * the agent that asked for them. The program sees nothing of it.
 */
#include "kselftest_harness.h"

#include <sys/syscall.h>

#include "peer_talk.h"

#define WANTED	2

FIXTURE(tickets)
{
	struct control c;
	int channel;
	unsigned char message[SLUICE_TICKET_MAX + 16];
};

/* Arms, installs and opens; @wanted tickets, 0: none. */
static long tickets_open(struct control *c, int *channel, __u16 version, int role,
			 unsigned int wanted)
{
	struct fake_request request;
	struct nl_msg *msg;
	long err = control_connect(c, version, TLS_CIPHER_AES_GCM_128);

	if (!err)
		err = arm(c->wire.fd[0], role, 0, 0);
	if (!err)
		err = agent_take(&c->agent, &request);
	if (err)
		return err;
	*channel = request.fd;
	msg = agent_install_msg(&c->agent, request.fd, &c->own, &c->peers);
	if (wanted)
		nla_put_u32(msg, SLUICE_A_TICKETS, wanted);
	err = agent_send(&c->agent, msg);
	return err ? err : agent_done(&c->agent, request.fd, 0, NULL);
}

FIXTURE_SETUP(tickets)
{
	self->channel = -1;
	ASSERT_EQ(0, tickets_open(&self->c, &self->channel, TLS_1_3_VERSION, SLUICE_ROLE_CLIENT,
				  WANTED));
}

FIXTURE_TEARDOWN(tickets)
{
	control_close(&self->c);
	if (self->channel >= 0)
		close(self->channel);
}

#define PROGRAM (self->c.wire.fd[0])

/* A message with a ticket of @len bytes, beginning with @mark; its length. */
static size_t ticket_make(unsigned char *out, unsigned char mark, size_t len)
{
	size_t body = 4 + 4 + 1 + 1 + 2 + len + 2;

	memset(out, 0, 4 + body);
	out[0] = 4;
	out[1] = (unsigned char)(body >> 16);
	out[2] = (unsigned char)(body >> 8);
	out[3] = (unsigned char)body;
	out[12] = 1;				/* nonce: one byte */
	out[14] = (unsigned char)(len >> 8);
	out[15] = (unsigned char)len;
	memset(out + 16, mark, len);
	return 4 + body;
}

/* Said in records of @chunk bytes; then a byte of data, which the program has read when this
 * returns. 0 or an error.
 */
static long say_ticket(struct control *c, const unsigned char *message, size_t len, size_t chunk)
{
	char byte;
	long n;

	for (size_t done = 0; done < len; done += chunk) {
		size_t part = chunk < len - done ? chunk : len - done;

		n = say(c, CONTENT_HANDSHAKE, message + done, part);
		if (n != (long)part)
			return n < 0 ? n : -EIO;
	}
	n = say(c, CONTENT_DATA, "x", 1);
	if (n == 1)
		n = sys(recv(c->wire.fd[0], &byte, 1, 0));
	return n == 1 && byte == 'x' ? 0 : -EIO;
}

TEST_F(tickets, arrive)
{
	unsigned char buf[SLUICE_TICKET_MAX];

	EXPECT_EQ(-EAGAIN, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_EQ(0, poll_one(self->channel, POLLIN, 0));
	for (int i = 0; i < WANTED; i++) {
		size_t len = ticket_make(self->message, (unsigned char)('a' + i), 200);

		ASSERT_EQ(0, say_ticket(&self->c, self->message, len, i ? 7 : len));
		EXPECT_EQ(POLLIN, poll_one(self->channel, POLLIN, SOON));
		/* Too little room loses nothing. */
		EXPECT_EQ(-EMSGSIZE, sys(read(self->channel, buf, len - 1)));
		EXPECT_EQ(-EFAULT, sys(syscall(SYS_read, self->channel, 8, sizeof(buf))));
		EXPECT_EQ(len, sys(read(self->channel, buf, sizeof(buf))));
		EXPECT_EQ(0, memcmp(buf, self->message, len));
	}
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_EQ(POLLERR | POLLHUP, poll_one(self->channel, POLLIN, 0));
	EXPECT_EQ(-ESHUTDOWN, sys(write(self->channel, buf, 1)));
	EXPECT_EQ(WANTED, stat_get(SLUICE_STAT_RX_TICKETS));
}

/* A thousand do not fill memory; two in one record are two. */
TEST_F(tickets, no_more_than_asked_for)
{
	unsigned char buf[SLUICE_TICKET_MAX];
	size_t len = ticket_make(self->message, 'a', 50);

	len += ticket_make(self->message + len, 'b', 60);
	for (int i = 0; i < 50; i++)
		ASSERT_EQ(0, say_ticket(&self->c, self->message, len, len));
	EXPECT_EQ(68, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_EQ('a', buf[16]);
	EXPECT_EQ(78, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_EQ('b', buf[16]);
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_EQ(100, stat_get(SLUICE_STAT_RX_TICKETS));
}

TEST_F(tickets, as_long_as_may_be)
{
	unsigned char buf[SLUICE_TICKET_MAX];
	size_t len = ticket_make(self->message, 'l', SLUICE_TICKET_MAX - 18 + 1);

	ASSERT_EQ(SLUICE_TICKET_MAX + 1, len);
	ASSERT_EQ(0, say_ticket(&self->c, self->message, len, 10000));
	EXPECT_EQ(-EAGAIN, sys(read(self->channel, buf, sizeof(buf))));
	len = ticket_make(self->message, 'm', SLUICE_TICKET_MAX - 18);
	ASSERT_EQ(0, say_ticket(&self->c, self->message, len, 10000));
	EXPECT_EQ(SLUICE_TICKET_MAX, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_EQ('m', buf[100]);
}

TEST_F(tickets, the_program_closes)
{
	unsigned char buf[SLUICE_TICKET_MAX];
	size_t len = ticket_make(self->message, 'a', 20);

	ASSERT_EQ(0, say_ticket(&self->c, self->message, len, len));
	/* Half of one more, too. */
	ASSERT_EQ(10, say(&self->c, CONTENT_HANDSHAKE, self->message, 10));
	EXPECT_EQ(0, poll_one(PROGRAM, POLLIN, NEVER));
	close(PROGRAM);
	PROGRAM = -1;
	EXPECT_EQ(len, sys(read(self->channel, buf, sizeof(buf))));
	EXPECT_TRUE(poll_one(self->channel, POLLIN, SOON) & POLLHUP);
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->channel, buf, sizeof(buf))));
}

TEST_F(tickets, the_agent_closes)
{
	size_t len = ticket_make(self->message, 'a', 20);

	ASSERT_EQ(0, say_ticket(&self->c, self->message, len, len));
	close(self->channel);
	self->channel = -1;
	ASSERT_EQ(0, say_ticket(&self->c, self->message, len, len));
	EXPECT_EQ(2, stat_get(SLUICE_STAT_RX_TICKETS));
}

/* Who did not ask, or cannot get any, is told at once. */
TEST(none_wanted)
{
	static const struct {
		__u16 version;
		int role;
		unsigned int wanted;
	} ways[] = {
		{ TLS_1_3_VERSION, SLUICE_ROLE_CLIENT, 0 },
		{ TLS_1_3_VERSION, SLUICE_ROLE_SERVER, 1 },
		{ TLS_1_2_VERSION, SLUICE_ROLE_CLIENT, 1 },
	};
	struct control c;
	char byte;
	int channel;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		ASSERT_EQ(0, tickets_open(&c, &channel, ways[i].version, ways[i].role,
					  ways[i].wanted));
		EXPECT_EQ(-ESHUTDOWN, sys(read(channel, &byte, 1)));
		EXPECT_EQ(POLLERR | POLLHUP, poll_one(channel, POLLIN, 0));
		close(channel);
		control_close(&c);
	}
}

TEST_HARNESS_MAIN
