// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Crowds before an armed listener: peers that keep their handshakes waiting take no
 * one's place, and what accept() has not taken waits, or does not, as with plain TCP:
 * SYN cookies, a full backlog.
 */
#include "kselftest_harness.h"

#include "fake_agent.h"

/* Listening and armed, and who has connected. */
struct door {
	struct sockaddr_storage addr;
	int listener;
};

static long door_open(struct door *d, int family, int backlog)
{
	const struct tcp_options opt = { .family = family };

	d->listener = tcp_listen(&opt, &d->addr);
	if (d->listener < 0)
		return d->listener;
	return sys(listen(d->listener, backlog)) ? : arm(d->listener, SLUICE_ROLE_SERVER, 0, 0);
}

static int knock(const struct door *d, int flags)
{
	int fd = socket(d->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&d->addr, addr_len(&d->addr)) &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static int let_in(const struct door *d)
{
	return accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
}

FIXTURE(listener)
{
	struct fake_agent agent;
	struct agent_keys keys[2];
	struct door door;
	long limit;
};

FIXTURE_SETUP(listener)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	for (int i = 0; i < 2; i++)
		agent_keys_make(&self->keys[i], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				(unsigned int)i, 0);
	ASSERT_EQ(0, door_open(&self->door, AF_INET, 128));
	self->limit = parameter("listener_pending", 1024);
	ASSERT_LT(0, self->limit);
}

FIXTURE_TEARDOWN(listener)
{
	struct sluice_nl_state state;

	parameter("listener_pending", self->limit);
	close(self->door.listener);
	EXPECT_EQ(0, netns_state(&state));
	EXPECT_EQ(0, state.pending);
	EXPECT_EQ(0, state.stats[SLUICE_STAT_SOCKETS]);
	agent_close(&self->agent);
}

/* The module's end is @program: the agent opens it, and data comes through. */
static bool served(struct fake_agent *agent, struct agent_keys *keys, int program, int peer)
{
	struct wire wire = { .fd = { program, peer } };
	unsigned char record[WIRE_MAX], buf[100];
	size_t len;

	if (agent_serve(agent, &keys[0], &keys[1]))
		return false;
	peer_init(&wire.open, &keys[0].keys);
	peer_init(&wire.seal, &keys[1].keys);
	len = peer_seal(&wire.seal, CONTENT_DATA, "hello", 5, 0, record);
	return write_all(peer, record, len) == (long)len && recv(program, buf, 5, MSG_WAITALL) == 5 &&
	       !memcmp(buf, "hello", 5) && send(program, pattern(0), 50, 0) == 50 &&
	       read_stream(&wire, 0, 50) == 1;
}

/*
 * Limits
 */

#define FEW 4

struct guests {
	int peer[FEW + 1];
	int program[FEW + 1];
	struct fake_request request[FEW + 1];
};

/* @count more, from @from on. */
static bool guests_come(struct guests *g, const struct door *d, int from, int count)
{
	for (int i = from; i < from + count; i++) {
		g->peer[i] = knock(d, 0);
		g->program[i] = let_in(d);
		if (g->peer[i] < 0 || g->program[i] < 0)
			return false;
	}
	return true;
}

static bool guests_taken(struct guests *g, struct fake_agent *agent)
{
	for (int i = 0; i < FEW; i++)
		if (agent_take(agent, &g->request[i]))
			return false;
	return true;
}

static void guests_go(struct guests *g)
{
	for (int i = 0; i <= FEW; i++) {
		close(g->peer[i]);
		close(g->program[i]);
		if (g->request[i].fd > 0)
			close(g->request[i].fd);
	}
}

static int state_of(int fd)
{
	struct sluice_info info;

	return info_get(fd, &info) ? -1 : info.state;
}

/* The oldest that says nothing makes room for the one that comes. */
TEST_F(listener, the_slowest_gives_way)
{
	struct guests g = { 0 };
	char byte;

	parameter("listener_pending", FEW);
	ASSERT_TRUE(guests_come(&g, &self->door, 0, FEW));
	ASSERT_TRUE(guests_taken(&g, &self->agent));
	ASSERT_TRUE(guests_come(&g, &self->door, FEW, 1));
	EXPECT_FAILED(g.program[0], ETIMEDOUT, SLUICE_STAT_HS_GAVE_WAY, "timed out early");
	EXPECT_EQ(-ESHUTDOWN, sys(read(g.request[0].fd, &byte, 1)));
	EXPECT_TRUE(served(&self->agent, self->keys, g.program[FEW], g.peer[FEW]));
	for (int i = 1; i < FEW; i++)
		EXPECT_EQ(SLUICE_STATE_ACCEPTED, state_of(g.program[i]));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_OVERFLOW));
	guests_go(&g);
}

/* Not who waits for the agent: of these, and of those it has not come to, the oldest stay. */
TEST_F(listener, who_has_spoken_stays)
{
	struct guests g = { 0 };
	char byte;

	parameter("listener_pending", FEW);
	ASSERT_TRUE(guests_come(&g, &self->door, 0, FEW));
	ASSERT_TRUE(guests_taken(&g, &self->agent));
	ASSERT_EQ(5, send(g.peer[0], "hello", 5, 0));
	ASSERT_TRUE(guests_come(&g, &self->door, FEW, 1));
	EXPECT_FAILED(g.program[1], ETIMEDOUT, SLUICE_STAT_HS_GAVE_WAY, "timed out early");
	EXPECT_EQ(1, read(g.request[0].fd, &byte, 1));
	EXPECT_EQ(SLUICE_STATE_ACCEPTED, state_of(g.program[0]));
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(g.program[FEW]));
	guests_go(&g);
}

/* So it is where all that the user may have under way is silent, however many listeners
 * that took.
 */
TEST_F(listener, the_slowest_gives_way_to_the_users_share)
{
	long old = parameter("max_pending_per_user", FEW);
	struct guests g = { 0 };

	ASSERT_LT(0, old);
	EXPECT_TRUE(guests_come(&g, &self->door, 0, FEW));
	EXPECT_TRUE(guests_taken(&g, &self->agent));
	EXPECT_TRUE(guests_come(&g, &self->door, FEW, 1));
	parameter("max_pending_per_user", old);
	ASSERT_EQ(SLUICE_STATE_FAILED, state_of(g.program[0]));
	EXPECT_FAILED(g.program[0], ETIMEDOUT, SLUICE_STAT_HS_GAVE_WAY, "timed out early");
	EXPECT_TRUE(served(&self->agent, self->keys, g.program[FEW], g.peer[FEW]));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_OVERFLOW));
	guests_go(&g);
}

TEST_F(listener, the_users_share_is_full_of_the_willing)
{
	long old = parameter("max_pending_per_user", FEW);
	struct guests g = { 0 };

	ASSERT_LT(0, old);
	EXPECT_TRUE(guests_come(&g, &self->door, 0, FEW + 1));
	parameter("max_pending_per_user", old);
	EXPECT_FAILED(g.program[FEW], EDQUOT, SLUICE_STAT_HS_OVERFLOW, "this user");
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_GAVE_WAY));
	guests_go(&g);
}

/* Where it is the agent that is slow, the last one is refused; others are not concerned. */
TEST_F(listener, full_of_the_willing)
{
	struct guests g = { 0 };
	struct door other;
	int peer, program;

	parameter("listener_pending", FEW);
	ASSERT_TRUE(guests_come(&g, &self->door, 0, FEW + 1));
	EXPECT_FAILED(g.program[FEW], ENOBUFS, SLUICE_STAT_HS_OVERFLOW, "of this listener");
	for (int i = 0; i < FEW; i++)
		EXPECT_EQ(SLUICE_STATE_PENDING, state_of(g.program[i]));

	ASSERT_EQ(0, door_open(&other, AF_INET, 16));
	peer = knock(&other, 0);
	program = let_in(&other);
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(program));
	close(other.listener);
	close(peer);
	close(program);
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_GAVE_WAY));
	guests_go(&g);
}

/* A room that was full is not for ever. */
TEST_F(listener, room_comes_back)
{
	struct guests g = { 0 };

	parameter("listener_pending", FEW);
	ASSERT_TRUE(guests_come(&g, &self->door, 0, FEW));
	for (int i = 0; i < FEW; i++)
		EXPECT_TRUE(served(&self->agent, self->keys, g.program[i], g.peer[i]));
	ASSERT_TRUE(guests_come(&g, &self->door, FEW, 1));
	EXPECT_EQ(SLUICE_STATE_PENDING, state_of(g.program[FEW]));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_OVERFLOW) + stat_get(SLUICE_STAT_HS_GAVE_WAY));
	guests_go(&g);
}

#define MANY	300
#define ROOM	50

/* However many there are, no more than that many are under way, and who speaks gets in. */
TEST_F(listener, a_crowd_of_the_silent)
{
	static int peer[MANY], program[MANY], channel[MANY];
	struct sluice_nl_state state;
	struct fake_request request;
	int last, friend;

	parameter("listener_pending", ROOM);
	for (int i = 0; i < MANY; i++) {
		peer[i] = knock(&self->door, 0);
		program[i] = let_in(&self->door);
		ASSERT_LE(0, program[i]);
		ASSERT_EQ(0, agent_take(&self->agent, &request));
		channel[i] = request.fd;
	}
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(ROOM, state.pending);
	EXPECT_EQ(MANY - ROOM, state.stats[SLUICE_STAT_HS_GAVE_WAY]);
	EXPECT_EQ(0, state.stats[SLUICE_STAT_HS_OVERFLOW]);
	friend = knock(&self->door, 0);
	last = let_in(&self->door);
	EXPECT_TRUE(served(&self->agent, self->keys, last, friend));
	close(friend);
	close(last);
	for (int i = 0; i < MANY; i++) {
		close(peer[i]);
		close(program[i]);
		close(channel[i]);
	}
}

/*
 * As with plain TCP
 */

static long sysctl_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long n = fd < 0 ? -errno : sys(write(fd, value, strlen(value)));

	close(fd);
	return n < 0 ? n : 0;
}

/* TcpExt's @name of /proc/net/netstat: a line of names, then one of numbers. */
static long tcp_counter(const char *name)
{
	static char names[8192], numbers[8192];
	FILE *f = fopen("/proc/thread-self/net/netstat", "r");
	char *n, *v, *end_n, *end_v;
	long found = -1;

	if (!f)
		return -errno;
	if (fgets(names, sizeof(names), f) && fgets(numbers, sizeof(numbers), f)) {
		n = strtok_r(names, "\n ", &end_n);
		v = strtok_r(numbers, "\n ", &end_v);
		for (; n && v && found < 0; n = strtok_r(NULL, "\n ", &end_n),
					    v = strtok_r(NULL, "\n ", &end_v))
			if (!strcmp(n, name))
				found = atol(v);
	}
	fclose(f);
	return found;
}

/* Always, or where the queue of SYNs is full: no request is kept for who only knocks. */
static void cookies(struct __test_metadata *_metadata, FIXTURE_DATA(listener) *self, int family)
{
	struct door door;

	ASSERT_EQ(0, sysctl_set("/proc/sys/net/ipv4/tcp_syncookies", "2"));
	ASSERT_EQ(0, door_open(&door, family, 16));
	for (int i = 0; i < 10; i++) {
		int peer = knock(&door, 0), program = let_in(&door);

		ASSERT_LE(0, program);
		EXPECT_EQ(SLUICE_STATE_PENDING, state_of(program));
		EXPECT_TRUE(served(&self->agent, self->keys, program, peer));
		close(program);
		close(peer);
	}
	EXPECT_LE(10, tcp_counter("SyncookiesRecv"));
	EXPECT_EQ(10, stat_get(SLUICE_STAT_HS_DONE));
	close(door.listener);
}

TEST_F(listener, syn_cookies)
{
	cookies(_metadata, self, AF_INET);
}

TEST_F(listener, syn_cookies_ipv6)
{
	cookies(_metadata, self, AF_INET6);
}

#define BACKLOG	3
#define QUEUE	8

/* How many of QUEUE that knock have got in, as far as they know. */
static int waiting_room(const struct door *d, int peer[QUEUE])
{
	int in = 0;

	for (int i = 0; i < QUEUE; i++)
		peer[i] = knock(d, SOCK_NONBLOCK);
	usleep(200000);
	for (int i = 0; i < QUEUE; i++)
		in += poll_one(peer[i], POLLOUT, 0) == POLLOUT;
	return in;
}

/* What the backlog has no room for waits outside, and is let in when there is room. None
 * of them starts a handshake before accept() has taken it.
 */
TEST_F(listener, full_backlog)
{
	const struct tcp_options opt = { 0 };
	int peer[QUEUE], other[QUEUE], program;
	struct door door, plain;

	/* A cookie's ACK that finds no room is never sent again. */
	ASSERT_EQ(0, sysctl_set("/proc/sys/net/ipv4/tcp_syncookies", "0"));
	ASSERT_EQ(0, door_open(&door, AF_INET, BACKLOG));
	plain.listener = tcp_listen(&opt, &plain.addr);
	ASSERT_EQ(0, listen(plain.listener, BACKLOG));
	EXPECT_EQ(waiting_room(&plain, other), waiting_room(&door, peer));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_HS_STARTED));
	EXPECT_LT(0, tcp_counter("ListenOverflows"));
	for (int i = 0; i < QUEUE; i++) {
		/* Those outside try again after a second or more. */
		ASSERT_EQ(POLLIN, poll_one(door.listener, POLLIN, 3 * SOON));
		program = let_in(&door);
		ASSERT_LE(0, program);
		EXPECT_EQ(SLUICE_STATE_PENDING, state_of(program));
		close(program);
	}
	for (int i = 0; i < QUEUE; i++) {
		close(peer[i]);
		close(other[i]);
	}
	close(plain.listener);
	close(door.listener);
}

/* Many at once, more than the backlog holds, with cookies where it overflows. */
TEST_F(listener, flood)
{
	static int peer[MANY];
	int in = 0, program;
	struct door door;

	ASSERT_EQ(0, sysctl_set("/proc/sys/net/ipv4/tcp_syncookies", "2"));
	ASSERT_EQ(0, door_open(&door, AF_INET, 8));
	for (int i = 0; i < MANY; i++)
		peer[i] = knock(&door, SOCK_NONBLOCK);
	while (poll_one(door.listener, POLLIN, 500) == POLLIN) {
		program = let_in(&door);
		ASSERT_LE(0, program);
		in += state_of(program) == SLUICE_STATE_PENDING;
		close(program);
	}
	EXPECT_LT(8, in);
	for (int i = 0; i < MANY; i++)
		close(peer[i]);
	close(door.listener);
}

TEST_HARNESS_MAIN
