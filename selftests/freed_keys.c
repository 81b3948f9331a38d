// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys are gone from the kernel's memory with the socket, or with the next key: all of
 * the memory is searched for them, as /proc/kcore has it, while they are in use, after a
 * KeyUpdate and after the close.
 *
 * Memory that is searched is also this program's, so nothing here has a key but for the
 * moment of giving it to the kernel: both ends are the module's, and what it derives is
 * known beforehand and kept inverted.
 */
#include "kselftest_harness.h"

#include <elf.h>
#include <fcntl.h>

#include "fake_agent.h"

#define GENERATIONS	3
#define CHUNK		(1 << 20)
#define STRIDE		8	/* bytes; no pattern is shorter than that and two */
#define PATTERN_MAX	32

/*
 * What there is to find
 */

/* The traffic secrets of RFC 8448 3 with the keys and IVs that it derives of them, and what
 * two KeyUpdates (RFC 8446 7.2) make of each.
 */
static const char *const material[2][GENERATIONS][3] = {
	{
		{ "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
		  "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9" },
		{ "fcdfcc72725aaee48bf64e4fd8b749cdbdbab39d90da0b26e2245ca6ea167207",
		  "3879d82f5f14056e623f2ce5bfc66fce", "5dfb2c5938c3379b6cc5d1f2" },
		{ "68474fe58c172143d0a009a76edd231b0d934f3058588ea0852662279e54a573",
		  "215f086ece93c88043a7d492b236c774", "f3c0ed95225a0800394de786" },
	}, {
		{ "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
		  "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984" },
		{ "51921b8aa3001976eb401d0a4319a8516416a6c56001a357e5d162031e84f916",
		  "2e63be99d67b39097feb9786cf7a15a0", "628a0a8298ac953baef4255a" },
		{ "6418ddd5d277cde37bfaae96363a805a95abfaa55ccd80713848de187fb082f6",
		  "65b9c2b0f1a857bc47aac35f79d007c8", "3945073c176791288c5d8ce5" },
	},
};

static const char *const kinds[3] = { "secret", "key", "IV" };

static size_t unhex(unsigned char *to, const char *hex, unsigned char mask)
{
	unsigned int byte;
	size_t n = 0;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		to[n++] = (unsigned char)byte ^ mask;
	return n;
}

struct pattern {
	size_t len;
	unsigned char inverted[PATTERN_MAX];
	unsigned int found;
};

static struct pattern patterns[2][GENERATIONS][3];
static unsigned char begins[65536];	/* two bytes that are somewhere in a pattern's first */

static uint16_t pair_at(const unsigned char *p, unsigned char mask)
{
	return (uint16_t)((p[0] ^ mask) | (p[1] ^ mask) << 8);
}

static void patterns_make(void)
{
	struct pattern *p = &patterns[0][0][0];

	for (int i = 0; i < 2 * GENERATIONS * 3; i++, p++) {
		p->len = unhex(p->inverted, ((const char *const *)material)[i], 0xff);
		for (size_t at = 0; at < STRIDE; at++)
			begins[pair_at(p->inverted + at, 0xff)] = 1;
	}
}

/*
 * Searching
 */

static bool is_at(const struct pattern *p, const unsigned char *at)
{
	size_t i = 0;

	while (i < p->len && (unsigned char)~at[i] == p->inverted[i])
		i++;
	return i == p->len;
}

/* All that begin in the STRIDE bytes up to @at. */
static unsigned int look_near(const unsigned char *at, const unsigned char *end)
{
	struct pattern *p = &patterns[0][0][0];
	unsigned int hits = 0;

	for (int i = 0; i < 2 * GENERATIONS * 3; i++, p++) {
		for (size_t back = 0; back < STRIDE; back++) {
			if (p->len > (size_t)(end - (at - back)) || !is_at(p, at - back))
				continue;
			p->found++;
			hits++;
		}
	}
	return hits;
}

static unsigned int look(const unsigned char *from, size_t len)
{
	unsigned int hits = 0;

	for (size_t at = STRIDE; at + 2 <= len; at += STRIDE)
		if (begins[pair_at(from + at, 0)])
			hits += look_near(from + at, from + len);
	return hits;
}

/* The memory of one segment, with the end of a chunk again in front of the next one. A
 * buffer that had a pattern is wiped: it is memory, too.
 */
static long search_segment(int fd, const Elf64_Phdr *segment)
{
	static unsigned char buf[PATTERN_MAX + CHUNK] __attribute__((aligned(STRIDE)));
	unsigned char *chunk = buf + PATTERN_MAX;
	uint64_t done = 0;

	while (done < segment->p_filesz) {
		size_t want = segment->p_filesz - done < CHUNK ?
			      segment->p_filesz - done : CHUNK;
		ssize_t n = pread(fd, chunk, want, (off_t)(segment->p_offset + done));

		if (n <= 0)
			return n ? -errno : -EIO;
		if (look(buf, PATTERN_MAX + (size_t)n))
			explicit_bzero(buf, sizeof(buf));
		else
			memcpy(buf, buf + n, PATTERN_MAX);
		done += (uint64_t)n;
	}
	explicit_bzero(buf, sizeof(buf));
	return 0;
}

/* Physical memory: segments of other kinds have no physical address, or are parts of it
 * under another one.
 */
static bool is_memory(const Elf64_Phdr *segment)
{
	return segment->p_type == PT_LOAD && segment->p_paddr != (Elf64_Addr)-1 &&
	       segment->p_filesz >= PATTERN_MAX;
}

/* Counts in @patterns. Return: MiB that were searched, or -errno. */
static long search(void)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	struct pattern *p = &patterns[0][0][0];
	Elf64_Phdr segment;
	Elf64_Ehdr head;
	uint64_t bytes = 0;
	long err = 0;

	if (fd < 0)
		return -errno;
	for (int i = 0; i < 2 * GENERATIONS * 3; i++)
		p[i].found = 0;
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		err = -EIO;
	for (int i = 0; !err && i < head.e_phnum; i++) {
		if (pread(fd, &segment, sizeof(segment),
			  (off_t)(head.e_phoff + (size_t)i * sizeof(segment))) !=
		    sizeof(segment))
			err = -EIO;
		if (err || !is_memory(&segment))
			continue;
		err = search_segment(fd, &segment);
		bytes += segment.p_filesz;
	}
	close(fd);
	return err ? err : (long)(bytes >> 20);
}

/*
 * A connection with both ends here
 */

static void put_secret(struct nl_msg *msg, int type, int way)
{
	struct nlattr *nest = nla_nest_start(msg, type);
	struct nlattr *secret;

	if (!nest || nla_put_u16(msg, SLUICE_K_VERSION, TLS_1_3_VERSION) ||
	    nla_put_u16(msg, SLUICE_K_CIPHER, TLS_CIPHER_AES_GCM_128) ||
	    nla_put_u64(msg, SLUICE_K_SEQ, 0))
		abort();
	secret = nla_reserve(msg, SLUICE_K_SECRET, 32);
	if (!secret)
		abort();
	/* In place; the message is wiped when it was sent. */
	unhex(nla_data(secret), material[way][0][0], 0);
	nla_nest_end(msg, nest);
}

/* Arms @fd and does the agent's part of it. */
static long open_end(struct fake_agent *agent, int fd, int role)
{
	bool server = role == SLUICE_ROLE_SERVER;
	struct fake_request request = { .fd = -1 };
	struct nl_msg *msg;
	long err = arm(fd, role, 0, 0);

	if (!err)
		err = agent_take(agent, &request);
	if (err)
		return err;
	msg = agent_msg(agent, SLUICE_CMD_INSTALL, request.fd);
	put_secret(msg, SLUICE_A_TX, server);
	put_secret(msg, SLUICE_A_RX, !server);
	err = agent_send(agent, msg);
	if (!err)
		err = agent_done(agent, request.fd, 0, NULL);
	close(request.fd);
	return err;
}

FIXTURE(freed)
{
	struct fake_agent agent;
	int fd[2];
};

FIXTURE_SETUP(freed)
{
	const struct tcp_options opt = { 0 };

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, tcp_pair(&opt, self->fd));
	ASSERT_EQ(0, open_end(&self->agent, self->fd[0], SLUICE_ROLE_CLIENT));
	ASSERT_EQ(0, open_end(&self->agent, self->fd[1], SLUICE_ROLE_SERVER));
	patterns_make();
}

FIXTURE_TEARDOWN(freed)
{
	agent_close(&self->agent);
}

/* Both ways, so that every key is used, and a new one taken. */
static bool talk(const int fd[2])
{
	static unsigned char out[100000], in[sizeof(out)];

	for (int i = 0; i < 2; i++) {
		pattern_fill(out, sizeof(out), (unsigned int)i);
		if (send(fd[i], out, sizeof(out), MSG_NOSIGNAL) != sizeof(out) ||
		    recv(fd[!i], in, sizeof(in), MSG_WAITALL) != sizeof(in) ||
		    memcmp(in, out, sizeof(in)))
			return false;
	}
	return true;
}

static bool rekey_both(const int fd[2])
{
	return !sluice_rekey(fd[0], 0) && !sluice_rekey(fd[1], 0) && talk(fd);
}

#define EXPECT_IN_MEMORY(live) do {						\
	long _mib = search();							\
										\
	ASSERT_LT(64, _mib);							\
	for (int _i = 0; _i < 2 * GENERATIONS * 3; _i++) {			\
		int _way = _i / (GENERATIONS * 3), _gen = _i / 3 % GENERATIONS;	\
										\
		EXPECT_EQ(_gen == (live), !!patterns[_way][_gen][_i % 3].found) { \
			TH_LOG("%s %d of the %s: found %u times",		\
			       kinds[_i % 3], _gen, _way ? "server" : "client",	\
			       patterns[_way][_gen][_i % 3].found);		\
		}								\
	}									\
	TH_LOG("searched %ld MiB with %d in use", _mib, (live));		\
} while (0)

TEST_F_TIMEOUT(freed, keys, 280)
{
	if (access("/proc/kcore", R_OK))
		SKIP(return, "this kernel has no /proc/kcore");

	/* That they are found while they are in use shows that they would be. */
	ASSERT_TRUE(talk(self->fd));
	EXPECT_IN_MEMORY(0);
	ASSERT_TRUE(rekey_both(self->fd));
	EXPECT_IN_MEMORY(1);
	ASSERT_TRUE(rekey_both(self->fd));
	close(self->fd[0]);
	close(self->fd[1]);
	sleep(1);
	EXPECT_IN_MEMORY(-1);
}

TEST_HARNESS_MAIN
