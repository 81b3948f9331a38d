// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every end of a handshake against every other: deadlines of a few milliseconds,
 * programs that close or reset whenever they like, agents that install, finish,
 * fail or drop. Each request ends once, and nothing is left.
 *
 * selftest-timeout: 200
 */
#include "kselftest_harness.h"

#include "fake_agent.h"

#define AGENTS		3
#define PROGRAMS	4
#define SECONDS		8

struct arena {
	struct agent_keys keys[2];
	bool stop;
	uint64_t served;	/* DONEs that won, as the agents know */
	uint64_t opened;	/* as the programs saw it */
	uint64_t armed;
	uint64_t broken;	/* what should not have happened */
};

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Says what should not have happened, and counts it. */
static void broke(struct arena *a, const char *what, long err)
{
	count(&a->broken);
	fprintf(stderr, "# broken: %s: %ld\n", what, err);
}

static bool stopped(struct arena *a)
{
	return __atomic_load_n(&a->stop, __ATOMIC_RELAXED);
}

/* Success is repeated while the socket is busy, as an agent does. */
static long finish(struct fake_agent *agent, int fd)
{
	long err;

	while ((err = agent_done(agent, fd, 0, NULL)) == -EAGAIN)
		poll_one(fd, POLLOUT, 100);
	return err;
}

static void serve_one(struct arena *a, struct fake_agent *agent, const struct fake_request *r,
		      unsigned int dice)
{
	long err = 0;
	char buf[16];

	/* Now and then for longer than the shorter deadline. */
	if (dice % 64 == 1)
		usleep(20000);
	else if (dice % 4)
		usleep(dice % 4000);
	if (read(r->fd, buf, sizeof(buf)) < 0 && errno != EAGAIN && errno != ESHUTDOWN &&
	    errno != ECONNRESET)
		broke(a, "channel read", errno);
	if (dice % 8 < 6)
		err = agent_install(agent, r->fd, &a->keys[0], &a->keys[1]);
	if (!err && dice % 8 < 5) {
		err = finish(agent, r->fd);
		if (!err)
			count(&a->served);
	} else if (!err && dice % 8 == 5) {
		err = agent_done(agent, r->fd, EPROTO, "by chance");
	}
	if (err && err != -ESHUTDOWN)
		broke(a, "agent", err);
}

static void *agent_run(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;
	struct fake_agent agent;
	struct fake_request r;

	if (agent_open(&agent)) {
		broke(a, "agent_open", errno);
		return NULL;
	}
	while (!stopped(a)) {
		long err = agent_accept(&agent, &r);

		if (err == -EAGAIN) {
			agent_woken(&agent, 20);
			continue;
		}
		if (err) {
			broke(a, "accept", err);
			continue;
		}
		serve_one(a, &agent, &r, (unsigned int)rand_r(&seed));
		close(r.fd);
	}
	agent_close(&agent);
	return NULL;
}

static void hard_close(int fd, unsigned int dice)
{
	const struct linger none = { .l_onoff = 1 };

	if (dice % 2)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

static void program_one(struct arena *a, unsigned int dice)
{
	struct sluice_info info;
	char buf[16];
	int fd[2];

	if (tcp_pair(&(struct tcp_options){ 0 }, fd)) {
		broke(a, "tcp_pair", errno);
		return;
	}
	if (arm(fd[0], SLUICE_ROLE_CLIENT, 0, dice % 3 ? 5 : 1000))
		broke(a, "arm", errno);
	count(&a->armed);
	if (dice % 5 == 0)
		hard_close(fd[1], dice / 5);
	if (dice % 7 < 4) {
		/* Waits for the end, whichever it is. */
		poll_one(fd[0], POLLOUT, 10 * SOON);
		if (info_get(fd[0], &info) ||
		    (info.state != SLUICE_STATE_OPEN && info.state != SLUICE_STATE_FAILED) ||
		    (info.state == SLUICE_STATE_FAILED && (!info.error || !info.text[0])))
			broke(a, "state", info.state << 16 | info.error);
		if (info.state == SLUICE_STATE_OPEN && dice % 5) {
			count(&a->opened);
			if (send(fd[0], "x", 1, MSG_NOSIGNAL) != 1)
				broke(a, "send", errno);
		}
	} else if (dice % 7 < 6) {
		usleep(dice % 5000);
		recv(fd[0], buf, sizeof(buf), MSG_DONTWAIT);
	}
	hard_close(fd[0], dice / 10);
	if (dice % 5)
		close(fd[1]);
}

static void *program_run(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;

	while (!stopped(a))
		program_one(a, (unsigned int)rand_r(&seed));
	return NULL;
}

FIXTURE(races)
{
	struct arena arena;
};

FIXTURE_SETUP(races)
{
	ASSERT_EQ(0, netns_enter());
	for (int i = 0; i < 2; i++)
		agent_keys_make(&self->arena.keys[i], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				(unsigned int)i, 0);
}

FIXTURE_TEARDOWN(races)
{
}

static uint64_t ends(const struct sluice_nl_state *s)
{
	static const int stats[] = {
		SLUICE_STAT_HS_DONE, SLUICE_STAT_HS_FAILED, SLUICE_STAT_HS_NO_AGENT,
		SLUICE_STAT_HS_TIMEOUT, SLUICE_STAT_HS_ABANDONED, SLUICE_STAT_HS_CANCELLED,
		SLUICE_STAT_HS_OVERFLOW, SLUICE_STAT_HS_GAVE_WAY,
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stats); i++)
		sum += s->stats[stats[i]];
	return sum;
}

TEST_F_TIMEOUT(races, each_ends_once, 120)
{
	pthread_t agents[AGENTS], programs[PROGRAMS];
	struct arena *a = &self->arena;
	struct sluice_nl_state s;

	for (int i = 0; i < AGENTS; i++)
		ASSERT_EQ(0, pthread_create(&agents[i], NULL, agent_run, a));
	for (int i = 0; i < PROGRAMS; i++)
		ASSERT_EQ(0, pthread_create(&programs[i], NULL, program_run, a));
	sleep(SECONDS);
	__atomic_store_n(&a->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < PROGRAMS; i++)
		pthread_join(programs[i], NULL);
	for (int i = 0; i < AGENTS; i++)
		pthread_join(agents[i], NULL);
	ASSERT_EQ(0, netns_state(&s));
	TH_LOG("%llu armed: %llu done, %llu failed, %llu late, %llu dropped, %llu closed",
	       (unsigned long long)a->armed,
	       (unsigned long long)s.stats[SLUICE_STAT_HS_DONE],
	       (unsigned long long)s.stats[SLUICE_STAT_HS_FAILED],
	       (unsigned long long)s.stats[SLUICE_STAT_HS_TIMEOUT],
	       (unsigned long long)s.stats[SLUICE_STAT_HS_ABANDONED],
	       (unsigned long long)s.stats[SLUICE_STAT_HS_CANCELLED]);
	EXPECT_EQ(0, a->broken);
	EXPECT_EQ(0, s.pending);
	EXPECT_EQ(a->armed, s.stats[SLUICE_STAT_HS_STARTED]);
	EXPECT_EQ(a->armed, ends(&s));
	EXPECT_EQ(a->served, s.stats[SLUICE_STAT_HS_DONE]);
	EXPECT_LE(a->opened, a->served);
	EXPECT_LT(0, a->opened);
	EXPECT_EQ(0, s.stats[SLUICE_STAT_SOCKETS]);
	/* All of them had their turn. */
	EXPECT_LT(0, s.stats[SLUICE_STAT_HS_FAILED]);
	EXPECT_LT(0, s.stats[SLUICE_STAT_HS_TIMEOUT]);
	EXPECT_LT(0, s.stats[SLUICE_STAT_HS_ABANDONED]);
	EXPECT_LT(0, s.stats[SLUICE_STAT_HS_CANCELLED]);
}

TEST_HARNESS_MAIN
