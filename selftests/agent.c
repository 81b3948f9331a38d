// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The agent's side: what ACCEPT tells and to whom, how INSTALL and DONE refuse,
 * and the channel as a file. Every refusal has words.
 */
#include "kselftest_harness.h"

#include <grp.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <netlink/genl/genl.h>

#include "fake_agent.h"

FIXTURE(agent)
{
	struct fake_agent agent;
	struct agent_keys keys[2];
	struct fake_request request;
	int fd[2];
};

FIXTURE_SETUP(agent)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	for (int i = 0; i < 2; i++)
		agent_keys_make(&self->keys[i], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				(unsigned int)i, 0);
	self->request.fd = -1;
	ASSERT_EQ(0, tcp_pair(&(struct tcp_options){ 0 }, self->fd));
}

FIXTURE_TEARDOWN(agent)
{
	for (int i = 0; i < 2; i++)
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	if (self->request.fd >= 0)
		close(self->request.fd);
	agent_close(&self->agent);
}

#define EXPECT_TEXT(agent, words)						\
	EXPECT_TRUE(strstr((agent)->cmd.text, words)) {				\
		TH_LOG("not \"%s\": %s", words, (agent)->cmd.text);		\
	}

/* Armed, and taken by the agent. */
#define TAKE() do {								\
	ASSERT_EQ(0, arm_client(self->fd[0]));					\
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));			\
} while (0)

/*
 * ACCEPT
 */

TEST_F(agent, is_woken)
{
	EXPECT_FALSE(agent_woken(&self->agent, 0));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	EXPECT_TRUE(agent_woken(&self->agent, SOON));
	EXPECT_FALSE(agent_woken(&self->agent, NEVER));
}

TEST_F(agent, finds_nothing)
{
	EXPECT_EQ(-EAGAIN, agent_accept(&self->agent, &self->request));
	EXPECT_TEXT(&self->agent, "no request waits");
}

TEST_F(agent, learns_all_of_a_request)
{
	static const char *const alpn[] = { "h2", "http/1.1", NULL };
	struct sluice_options o = SLUICE_OPTIONS_INIT;
	struct fake_request *r = &self->request;
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	gid_t groups[] = { 7, 1234 };

	ASSERT_EQ(0, setgroups(2, groups));
	o.role = SLUICE_ROLE_CLIENT;
	o.flags = SLUICE_F_ALLOW_TRUNCATION;
	o.min_version = TLS_1_2_VERSION;
	o.max_version = TLS_1_3_VERSION;
	o.timeout_ms = 4000;
	o.server_name = "www.example.org";
	o.identity = "me";
	o.trust = "ours";
	o.alpn = alpn;
	ASSERT_EQ(0, sluice_arm(self->fd[0], &o));
	ASSERT_EQ(0, agent_take(&self->agent, r));
	EXPECT_EQ(SLUICE_ABI_VERSION, r->abi);
	for (size_t i = 0; i < ARRAY_SIZE(test_ciphers); i++)
		EXPECT_TRUE(test_ciphers[i].lacking ||
			    r->ciphers & 1ULL << (test_ciphers[i].type - 51));
	EXPECT_EQ(SLUICE_ROLE_CLIENT, r->role);
	EXPECT_EQ(SLUICE_F_ALLOW_TRUNCATION, r->flags);
	EXPECT_EQ(TLS_1_2_VERSION, r->min_version);
	EXPECT_EQ(TLS_1_3_VERSION, r->max_version);
	EXPECT_LT(3000, r->timeout);
	EXPECT_GE(4000, r->timeout);
	EXPECT_EQ(0, strcmp("www.example.org", r->server_name));
	EXPECT_EQ(0, strcmp("me", r->identity));
	EXPECT_EQ(0, strcmp("ours", r->trust));
	ASSERT_EQ(12, r->alpn_len);
	EXPECT_EQ(0, memcmp("\2h2\10http/1.1", r->alpn, 12));
	EXPECT_EQ(getuid(), r->uid);
	EXPECT_EQ(getgid(), r->gid);
	EXPECT_EQ(getpid(), r->pid);
	ASSERT_EQ(2, r->n_groups);
	EXPECT_EQ(7, r->groups[0]);
	EXPECT_EQ(1234, r->groups[1]);
	ASSERT_EQ(0, getpeername(self->fd[0], (struct sockaddr *)&addr, &len));
	EXPECT_EQ(0, memcmp(&addr, &r->peer, len));
	ASSERT_EQ(0, getsockname(self->fd[0], (struct sockaddr *)&addr, &len));
	EXPECT_EQ(0, memcmp(&addr, &r->local, len));
	EXPECT_EQ(FD_CLOEXEC, fcntl(r->fd, F_GETFD));
	EXPECT_TRUE(fcntl(r->fd, F_GETFL) & O_NONBLOCK);
}

TEST_F(agent, learns_of_an_ipv6_server)
{
	struct fake_request *r = &self->request;
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int fd[2];

	ASSERT_EQ(0, tcp_pair(&(struct tcp_options){ .family = AF_INET6 }, fd));
	ASSERT_EQ(0, arm(fd[1], SLUICE_ROLE_SERVER, 0, 0));
	ASSERT_EQ(0, agent_take(&self->agent, r));
	EXPECT_EQ(SLUICE_ROLE_SERVER, r->role);
	EXPECT_EQ(-1, r->min_version);
	EXPECT_EQ(-1, r->max_version);
	EXPECT_EQ(-1, r->alpn_len);
	EXPECT_EQ('\0', r->server_name[0]);
	EXPECT_LT(29000, r->timeout);
	ASSERT_EQ(0, getpeername(fd[1], (struct sockaddr *)&addr, &len));
	EXPECT_EQ(0, memcmp(&addr, &r->peer, len));
	ASSERT_EQ(0, getsockname(fd[1], (struct sockaddr *)&addr, &len));
	EXPECT_EQ(0, memcmp(&addr, &r->local, len));
	close(fd[0]);
	close(fd[1]);
}

TEST_F(agent, takes_the_oldest)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	ASSERT_EQ(0, arm(self->fd[1], SLUICE_ROLE_SERVER, 0, 0));
	ASSERT_EQ(0, arm_client(self->fd[0]));
	for (int i = 1; i >= 0; i--) {
		ASSERT_EQ(0, agent_take(&self->agent, &self->request));
		ASSERT_EQ(0, getsockname(self->fd[i], (struct sockaddr *)&addr, &len));
		EXPECT_EQ(0, memcmp(&addr, &self->request.local, len));
		close(self->request.fd);
	}
	self->request.fd = -1;
}

/* The descriptor table is full: the request waits for better days. */
TEST_F(agent, has_no_descriptor_left)
{
	const struct rlimit none = { 0, 4096 };
	struct rlimit old;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, agent_accept(&self->agent, &self->request));
	EXPECT_TEXT(&self->agent, "no file descriptor");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(0, agent_accept(&self->agent, &self->request));
}

/*
 * Authority
 */

static int status_of(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child ? status : -1;
}

/* Anyone may ask; only an administrator of the network may be an agent. */
TEST_F(agent, must_be_privileged)
{
	struct fake_agent agent;
	struct sluice_nl_state state;
	pid_t child;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(1);
		if (agent_open(&agent) != -EPERM)
			_exit(2);
		if (agent_accept(&agent, &self->request) != -EPERM)
			_exit(3);
		if (sluice_nl_get(&agent.cmd, &state) || !state.agents || state.pending != 1)
			_exit(4);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(0, agent_accept(&self->agent, &self->request));
}

/* A channel in other hands is of no use there. */
TEST_F(agent, must_be_privileged_for_install_and_done)
{
	struct fake_agent agent;
	pid_t child;

	TAKE();
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (setgid(65534) || setuid(65534) || agent_open(&agent) != -EPERM)
			_exit(1);
		if (agent_install(&agent, self->request.fd, &self->keys[0],
				  &self->keys[1]) != -EPERM)
			_exit(2);
		if (agent_done(&agent, self->request.fd, EPROTO, NULL) != -EPERM)
			_exit(3);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	EXPECT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
}

static long write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long n = fd < 0 ? -errno : sys(write(fd, text, strlen(text)));

	close(fd);
	return n;
}

/* Root of a container: all capabilities in user and network namespaces of its
 * own. Says on @out what its ACCEPTs gave, one each time it is asked on @in.
 */
static void container_agent(int in, int out)
{
	struct fake_request request;
	struct fake_agent agent;
	char byte;
	long err;

	if (unshare(CLONE_NEWUSER) || write_file("/proc/self/setgroups", "deny") < 0 ||
	    write_file("/proc/self/uid_map", "0 1000 1") < 0 ||
	    write_file("/proc/self/gid_map", "0 1000 1") < 0 || netns_enter() ||
	    agent_open(&agent))
		_exit(1);
	err = 0;
	do {
		if (write(out, &err, sizeof(err)) != sizeof(err))
			_exit(1);
		if (read(in, &byte, 1) != 1)
			break;
		err = agent_accept(&agent, &request);
		if (!err && (request.uid || request.gid))
			err = -ERANGE;
		close(request.fd);
	} while (1);
	_exit(0);
}

struct container {
	pid_t pid;
	int ask[2];
	int answer[2];
};

static long container_answer(struct container *c)
{
	long err;

	return read(c->answer[0], &err, sizeof(err)) == sizeof(err) ? err : -EPIPE;
}

/* Starts it and moves the caller into its network namespace, no more. */
static long container_start(struct container *c)
{
	char path[64];
	long err;
	int fd;

	if (pipe(c->ask) || pipe(c->answer))
		return -errno;
	c->pid = fork();
	if (!c->pid) {
		/* The maps are of the id that writes them; /proc/self is root's
		 * after a change of ids.
		 */
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000) ||
		    prctl(PR_SET_DUMPABLE, 1))
			_exit(1);
		close(c->ask[1]);
		close(c->answer[0]);
		container_agent(c->ask[0], c->answer[1]);
	}
	close(c->ask[0]);
	close(c->answer[1]);
	err = container_answer(c);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", c->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return err ? err : sys(setns(fd, CLONE_NEWNET));
}

static long container_accept(struct container *c)
{
	return write(c->ask[1], "?", 1) == 1 ? container_answer(c) : -EPIPE;
}

/* A program that arms a connection as this user, in this user namespace (-1: its
 * own), and waits; its process, or -1.
 */
static pid_t program_start(uid_t uid, int user_ns)
{
	pid_t child = fork();
	int fd[2];
	char byte;

	if (child) {
		usleep(200000);
		return waitpid(child, NULL, WNOHANG) ? -1 : child;
	}
	if (uid && (setgid(uid) || setuid(uid)))
		_exit(1);
	if (user_ns >= 0 && setns(user_ns, CLONE_NEWUSER))
		_exit(1);
	if (tcp_pair(&(struct tcp_options){ 0 }, fd) || arm_client(fd[0]))
		_exit(1);
	recv(fd[0], &byte, 1, 0);
	_exit(0);
}

/* The user that @agent is told of; a negative error. Ends the request. */
static long uid_told(struct fake_agent *agent)
{
	struct fake_request request;
	long err = agent_accept(agent, &request);

	close(request.fd);
	return err ? err : request.uid;
}

/*
 * Container root may not vouch for a process of the host, nor for an id that it
 * cannot name, whatever network they share: such a request waits for an agent
 * that may.
 */
TEST_F(agent, of_a_container)
{
	struct fake_agent host;
	struct container c;
	char path[64];
	int user_ns;
	pid_t program;

	ASSERT_EQ(0, container_start(&c));
	ASSERT_EQ(0, agent_open(&host));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", c.pid);
	user_ns = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, user_ns);

	program = program_start(1000, -1);
	ASSERT_LT(0, program);
	EXPECT_EQ(-EAGAIN, container_accept(&c));
	EXPECT_EQ(1000, uid_told(&host));
	EXPECT_EQ(0, status_of(program));

	program = program_start(0, user_ns);
	ASSERT_LT(0, program);
	EXPECT_EQ(-EAGAIN, container_accept(&c));
	EXPECT_EQ(0, uid_told(&host));
	EXPECT_EQ(0, status_of(program));

	/* Its own user, whom it knows as root. */
	program = program_start(1000, user_ns);
	ASSERT_LT(0, program);
	EXPECT_EQ(0, container_accept(&c));
	EXPECT_EQ(0, status_of(program));

	close(c.ask[1]);
	EXPECT_EQ(0, status_of(c.pid));
	agent_close(&host);
}

/* One that was made for another module takes nothing, and nothing of it is taken. */
TEST_F(agent, of_another_version)
{
	struct nl_msg *msg;

	ASSERT_EQ(0, arm_client(self->fd[0]));
	msg = sluice_nl_msg(&self->agent.cmd, SLUICE_CMD_ACCEPT);
	genlmsg_hdr(nlmsg_hdr(msg))->version = SLUICE_GENL_VERSION + 1;
	EXPECT_EQ(-EPROTONOSUPPORT, agent_send(&self->agent, msg));
	EXPECT_TEXT(&self->agent, "the agent speaks version 2 of the interface, this module 1");
	ASSERT_EQ(0, agent_accept(&self->agent, &self->request));
	msg = agent_install_msg(&self->agent, self->request.fd, &self->keys[0], &self->keys[1]);
	genlmsg_hdr(nlmsg_hdr(msg))->version = SLUICE_GENL_VERSION + 1;
	EXPECT_EQ(-EPROTONOSUPPORT, agent_send(&self->agent, msg));
	msg = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	genlmsg_hdr(nlmsg_hdr(msg))->version = SLUICE_GENL_VERSION + 1;
	EXPECT_EQ(-EPROTONOSUPPORT, agent_send(&self->agent, msg));
	EXPECT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	EXPECT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
}

/*
 * INSTALL
 */

/* What one direction's nest holds; -1 and NULL: absent. */
struct nest {
	int version;
	int cipher;
	int secret;	/* lengths */
	int key;
	int iv;
	int explicit_nonce;
	int seq;
};

static const unsigned char zeroes[256];

static void put_nest(struct nl_msg *msg, int type, const struct nest *n)
{
	struct nlattr *nest = nla_nest_start(msg, type);

	if (n->version >= 0)
		nla_put_u16(msg, SLUICE_K_VERSION, (uint16_t)n->version);
	if (n->cipher >= 0)
		nla_put_u16(msg, SLUICE_K_CIPHER, (uint16_t)n->cipher);
	if (n->secret >= 0)
		nla_put(msg, SLUICE_K_SECRET, n->secret, zeroes);
	if (n->key >= 0)
		nla_put(msg, SLUICE_K_KEY, n->key, zeroes);
	if (n->iv >= 0)
		nla_put(msg, SLUICE_K_IV, n->iv, zeroes);
	if (n->explicit_nonce >= 0)
		nla_put_u64(msg, SLUICE_K_EXPLICIT, 1);
	if (n->seq >= 0)
		nla_put_u64(msg, SLUICE_K_SEQ, 1);
	nla_nest_end(msg, nest);
}

#define GCM128	TLS_CIPHER_AES_GCM_128
#define GCM256	TLS_CIPHER_AES_GCM_256
#define CHACHA	TLS_CIPHER_CHACHA20_POLY1305

static const struct {
	struct nest tx, rx;
	const char *words;
} bad_keys[] = {
#define GOOD13	{ 0x304, GCM128, 32, -1, -1, -1, 1 }
#define GOOD12	{ 0x303, GCM128, -1, 16, 4, -1, 1 }
	{ { -1, GCM128, 32, -1, -1, -1, 1 }, GOOD13, "TX: the version is missing" },
	{ { 0x304, -1, 32, -1, -1, -1, 1 }, GOOD13, "TX: the cipher is missing" },
	{ { 0x304, GCM128, -1, -1, -1, -1, 1 }, GOOD13, "TX: the secret is missing" },
	{ { 0x304, GCM128, 32, -1, -1, -1, -1 }, GOOD13, "TX: the sequence number is missing" },
	{ { 0x304, 9999, 32, -1, -1, -1, 1 }, GOOD13, "TX: unknown cipher 9999" },
	{ { 0x304, GCM128, 31, -1, -1, -1, 1 }, GOOD13, "TX: the secret has 31 bytes" },
	{ { 0x304, GCM256, 32, -1, -1, -1, 1 }, GOOD13, "takes 48" },
	{ { 0x304, GCM128, 48, -1, -1, -1, 1 }, GOOD13, "takes 32" },
	{ { 0x304, GCM128, 0, -1, -1, -1, 1 }, GOOD13, "has 0 bytes" },
	{ { 0x304, GCM128, 32, 16, -1, -1, 1 }, GOOD13, "TX: no key with this version" },
	{ { 0x304, GCM128, 32, -1, 12, -1, 1 }, GOOD13, "TX: no IV with this version" },
	{ { 0x304, GCM128, 32, -1, -1, 1, 1 }, GOOD13, "TX: no explicit nonce with" },
	{ GOOD13, { 0x304, GCM128, -1, -1, -1, -1, 1 }, "RX: the secret is missing" },
	{ GOOD13, { 0x304, GCM128, 32, -1, -1, -1, -1 }, "RX: the sequence number is missing" },
	{ GOOD13, { 0x304, CHACHA, 32, -1, -1, -1, 1 }, "the same version and cipher" },
	{ GOOD13, GOOD12, "the same version and cipher" },
	{ { 0x303, GCM128, -1, 16, 4, -1, 1 }, GOOD12, "TX: the explicit nonce is missing" },
	{ { 0x303, GCM128, 32, 16, 4, 1, 1 }, GOOD12, "TX: no secret with this version" },
	{ { 0x303, GCM128, -1, -1, 4, 1, 1 }, GOOD12, "TX: the key is missing" },
	{ { 0x303, GCM128, -1, 32, 4, 1, 1 }, GOOD12, "TX: the key has 32 bytes" },
	{ { 0x303, GCM128, -1, 16, -1, 1, 1 }, GOOD12, "TX: the IV is missing" },
	{ { 0x303, GCM128, -1, 16, 12, 1, 1 }, GOOD12, "TX: the IV has 12 bytes" },
	{ { 0x303, CHACHA, -1, 32, 4, -1, 1 }, GOOD12, "takes 12" },
	{ { 0x303, CHACHA, -1, 32, 12, 1, 1 }, GOOD12, "TX: no explicit nonce" },
	{ { 0x303, GCM128, -1, 16, 4, 1, 1 }, { 0x303, GCM128, -1, 16, 4, 1, 1 },
	  "RX: no explicit nonce" },
};

TEST_F(agent, refuses_keys)
{
	TAKE();
	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++) {
		struct nl_msg *msg = agent_msg(&self->agent, SLUICE_CMD_INSTALL,
					       self->request.fd);

		put_nest(msg, SLUICE_A_TX, &bad_keys[i].tx);
		put_nest(msg, SLUICE_A_RX, &bad_keys[i].rx);
		EXPECT_EQ(-EINVAL, agent_send(&self->agent, msg)) {
			TH_LOG("case %zu: %s", i, bad_keys[i].words);
		}
		EXPECT_TEXT(&self->agent, bad_keys[i].words);
	}
	/* Nothing of it stuck. */
	EXPECT_EQ(-ENOKEY, agent_done(&self->agent, self->request.fd, 0, NULL));
	EXPECT_TEXT(&self->agent, "INSTALL comes first");
	EXPECT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	EXPECT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
}

/* A version that is none, and lengths beyond any: the policy's own words. */
TEST_F(agent, refuses_nonsense)
{
	static const struct nest nonsense[] = {
		{ 0x302, GCM128, 32, -1, -1, -1, 1 },
		{ 0x305, GCM128, 32, -1, -1, -1, 1 },
		{ 0x304, GCM128, 49, -1, -1, -1, 1 },
		{ 0x303, GCM128, -1, 33, 4, 1, 1 },
		{ 0x303, GCM128, -1, 16, 13, 1, 1 },
	};

	TAKE();
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		struct nl_msg *msg = agent_msg(&self->agent, SLUICE_CMD_INSTALL,
					       self->request.fd);

		put_nest(msg, SLUICE_A_TX, &nonsense[i]);
		put_nest(msg, SLUICE_A_RX, &nonsense[i]);
		EXPECT_GT(0, agent_send(&self->agent, msg));
		EXPECT_NE('\0', self->agent.cmd.text[0]);
	}
	EXPECT_EQ(-ENOKEY, agent_done(&self->agent, self->request.fd, 0, NULL));
}

TEST_F(agent, needs_both_directions)
{
	struct nl_msg *msg;

	TAKE();
	msg = agent_msg(&self->agent, SLUICE_CMD_INSTALL, self->request.fd);
	put_keys(msg, SLUICE_A_RX, &self->keys[1]);
	EXPECT_EQ(-EINVAL, agent_send(&self->agent, msg));
	EXPECT_TEXT(&self->agent, "TX: the keys are missing");
	msg = agent_msg(&self->agent, SLUICE_CMD_INSTALL, self->request.fd);
	put_keys(msg, SLUICE_A_TX, &self->keys[0]);
	EXPECT_EQ(-EINVAL, agent_send(&self->agent, msg));
	EXPECT_TEXT(&self->agent, "RX: the keys are missing");
}

TEST_F(agent, installs_once)
{
	TAKE();
	EXPECT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	EXPECT_EQ(-EALREADY, agent_install(&self->agent, self->request.fd, &self->keys[0],
					   &self->keys[1]));
	EXPECT_TEXT(&self->agent, "installed already");
	EXPECT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
	EXPECT_EQ(-ESHUTDOWN, agent_install(&self->agent, self->request.fd, &self->keys[0],
					    &self->keys[1]));
	EXPECT_TEXT(&self->agent, "has ended");
}

/*
 * DONE
 */

/* In one message to the kernel: DONE finds the keys of the INSTALL in front of it, or none,
 * and then it is the refusal of the first that counts.
 */
TEST_F(agent, installs_and_is_done_at_once)
{
	struct nl_msg *bad, *done;
	struct sluice_info info;
	bool installed;

	TAKE();
	bad = agent_msg(&self->agent, SLUICE_CMD_INSTALL, self->request.fd);
	put_nest(bad, SLUICE_A_TX, &bad_keys[0].tx);
	put_nest(bad, SLUICE_A_RX, &bad_keys[0].rx);
	done = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	EXPECT_EQ(-EINVAL, sluice_nl_call_both(&self->agent.cmd, bad, done, &installed));
	EXPECT_FALSE(installed);
	EXPECT_TEXT(&self->agent, bad_keys[0].words);
	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(SLUICE_STATE_ACCEPTED, info.state);

	done = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	EXPECT_EQ(0, sluice_nl_call_both(&self->agent.cmd,
					 agent_install_msg(&self->agent, self->request.fd,
							   &self->keys[0], &self->keys[1]),
					 done, &installed));
	EXPECT_TRUE(installed);
	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(SLUICE_STATE_OPEN, info.state);

	done = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);
	EXPECT_EQ(-ESHUTDOWN, sluice_nl_call_both(&self->agent.cmd,
						  agent_install_msg(&self->agent,
								    self->request.fd,
								    &self->keys[0],
								    &self->keys[1]),
						  done, &installed));
	EXPECT_FALSE(installed);
	EXPECT_TEXT(&self->agent, "has ended");
}

TEST_F(agent, names_its_channel)
{
	struct nl_msg *msg;

	TAKE();
	EXPECT_EQ(-EBADF, agent_done(&self->agent, 9999, EPROTO, NULL));
	EXPECT_TEXT(&self->agent, "no such file descriptor");
	EXPECT_EQ(-EBADF, agent_done(&self->agent, -1, EPROTO, NULL));
	EXPECT_EQ(-EINVAL, agent_done(&self->agent, self->fd[0], EPROTO, NULL));
	EXPECT_TEXT(&self->agent, "not a channel");
	EXPECT_EQ(-EINVAL, agent_install(&self->agent, self->fd[0], &self->keys[0],
					 &self->keys[1]));
	msg = sluice_nl_msg(&self->agent.cmd, SLUICE_CMD_DONE);
	nla_put_u32(msg, SLUICE_A_ERROR, EPROTO);
	EXPECT_EQ(-EINVAL, agent_send(&self->agent, msg));
	EXPECT_TEXT(&self->agent, "file descriptor is missing");
	/* The network namespace is the channel's. */
	agent_close(&self->agent);
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	EXPECT_EQ(-EINVAL, agent_done(&self->agent, self->request.fd, EPROTO, NULL));
	EXPECT_TEXT(&self->agent, "another network namespace");
}

TEST_F(agent, is_done_once)
{
	TAKE();
	EXPECT_EQ(0, agent_done(&self->agent, self->request.fd, EPROTO, NULL));
	EXPECT_EQ(-ESHUTDOWN, agent_done(&self->agent, self->request.fd, EPROTO, NULL));
	EXPECT_TEXT(&self->agent, "has ended");
	EXPECT_EQ(-ESHUTDOWN, agent_done(&self->agent, self->request.fd, 0, NULL));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_HS_FAILED));
}

static void put_bad_done(struct nl_msg *msg, int which)
{
	switch (which) {
	case 0:
		nla_put_u32(msg, SLUICE_A_ERROR, 0);
		break;
	case 1:
		nla_put_u32(msg, SLUICE_A_ERROR, 4096);
		break;
	case 2:
		nla_put_u32(msg, SLUICE_A_FLAGS, SLUICE_INFO_EOF);
		break;
	case 3:
		nla_put_u16(msg, SLUICE_A_ALERT_SENT, 256);
		break;
	case 4:
		nla_put(msg, SLUICE_A_ALPN, 256, zeroes);
		break;
	case 5:
		nla_put(msg, SLUICE_A_TEXT, SLUICE_TEXT_MAX + 1, zeroes);
		break;
	case 6:
		nla_put(msg, SLUICE_A_TEXT, 4, "text");	/* no zero */
		break;
	case 7:
		nla_put_u32(msg, SLUICE_A_UID, 0);	/* not one of DONE's */
		break;
	case 8:
		nla_put_u32(msg, SLUICE_A_MAX + 1, 0);
		break;
	}
}

TEST_F(agent, refuses_bad_words)
{
	struct sluice_info info;

	TAKE();
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	for (int i = 0; i < 9; i++) {
		struct nl_msg *msg = agent_msg(&self->agent, SLUICE_CMD_DONE, self->request.fd);

		put_bad_done(msg, i);
		EXPECT_GT(0, agent_send(&self->agent, msg)) {
			TH_LOG("case %d", i);
		}
		EXPECT_NE('\0', self->agent.cmd.text[0]);
		ASSERT_EQ(0, info_get(self->fd[0], &info));
		ASSERT_EQ(SLUICE_STATE_ACCEPTED, info.state);
	}
}

/*
 * The channel
 */

TEST_F(agent, moves_bytes)
{
	char buf[100];

	TAKE();
	EXPECT_EQ(POLLOUT, poll_one(self->request.fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(-EAGAIN, sys(read(self->request.fd, buf, sizeof(buf))));
	ASSERT_EQ(6, write(self->request.fd, "hello!", 6));
	ASSERT_EQ(6, recv(self->fd[1], buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "hello!", 6));
	ASSERT_EQ(10, send(self->fd[1], "0123456789", 10, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_one(self->request.fd, POLLIN | POLLOUT, SOON));
	ASSERT_EQ(4, read(self->request.fd, buf, 4));
	EXPECT_EQ(POLLIN, poll_one(self->request.fd, POLLIN, 0));
	ASSERT_EQ(6, read(self->request.fd, buf + 4, 90));
	EXPECT_EQ(0, memcmp(buf, "0123456789", 10));
	EXPECT_EQ(0, poll_one(self->request.fd, POLLIN, 0));
	EXPECT_EQ(0, read(self->request.fd, buf, 0));
	EXPECT_EQ(-ESPIPE, sys(pread(self->request.fd, buf, 1, 0)));
	EXPECT_EQ(-ESPIPE, sys(lseek(self->request.fd, 0, SEEK_SET)));
	/* Never waits, told to or not. */
	fcntl(self->request.fd, F_SETFL, 0);
	EXPECT_EQ(-EAGAIN, sys(read(self->request.fd, buf, sizeof(buf))));
}

TEST_F(agent, loses_no_byte_to_a_bad_address)
{
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buf[100];

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, (size_t)page));
	TAKE();
	ASSERT_EQ(50, send(self->fd[1], pattern(0), 50, 0));
	ASSERT_EQ(POLLIN, poll_one(self->request.fd, POLLIN, SOON));
	EXPECT_EQ(-EFAULT, sys(read(self->request.fd, map + page, 50)));
	EXPECT_EQ(-EFAULT, sys(read(self->request.fd, map + page - 20, 50)));
	ASSERT_EQ(50, read(self->request.fd, buf, sizeof(buf)));
	EXPECT_TRUE(pattern_fits(buf, 50, 0));
	EXPECT_EQ(-EFAULT, sys(write(self->request.fd, map + page, 50)));
	ASSERT_EQ(20, write(self->request.fd, buf, 20));
	ASSERT_EQ(20, recv(self->fd[1], buf, sizeof(buf), 0));
	munmap(map, (size_t)page);
}

/* A peer that does not read: EAGAIN, then POLLOUT once it does. */
TEST_F(agent, fills_the_buffer)
{
	const struct tcp_options narrow = { .sndbuf = 32768, .rcvbuf = 32768 };
	uint64_t sent = 0, got = 0;
	unsigned char buf[5000];
	long n;

	tcp_buffers(self->fd[0], &narrow);
	tcp_buffers(self->fd[1], &narrow);
	TAKE();
	do {
		n = sys(write(self->request.fd, pattern(sent), 5000));
		sent += n > 0 ? (uint64_t)n : 0;
	} while (n > 0 || poll_one(self->request.fd, POLLOUT, NEVER) == POLLOUT);
	EXPECT_EQ(-EAGAIN, n);
	EXPECT_LT(32768, sent);
	while (got < sent) {
		n = recv(self->fd[1], buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
		ASSERT_TRUE(pattern_fits(buf, (size_t)n, got));
		got += (uint64_t)n;
	}
	EXPECT_EQ(POLLOUT, poll_one(self->request.fd, POLLOUT, SOON));
	EXPECT_EQ(1, write(self->request.fd, "x", 1));
}

TEST_F(agent, channel_is_over_after_done)
{
	char byte;

	TAKE();
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	ASSERT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
	ASSERT_EQ(1, send(self->fd[1], "x", 1, 0));
	EXPECT_EQ(POLLERR | POLLHUP, poll_one(self->request.fd, POLLIN | POLLOUT, SOON));
	EXPECT_EQ(-ESHUTDOWN, sys(read(self->request.fd, &byte, 1)));
	EXPECT_EQ(-ESHUTDOWN, sys(write(self->request.fd, "x", 1)));
	EXPECT_EQ(-ENOTTY, sys(ioctl(self->request.fd, FIONREAD, &byte)));
}

/* The mark is for what the program reads: a flight of few bytes is complete. */
TEST_F(agent, is_woken_below_the_low_water_mark)
{
	const int mark = 100000;

	ASSERT_EQ(0, setsockopt(self->fd[0], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)));
	TAKE();
	ASSERT_EQ(0, poll_one(self->request.fd, POLLIN, NEVER));
	ASSERT_EQ(1, send(self->fd[1], "x", 1, 0));
	EXPECT_EQ(POLLIN, poll_one(self->request.fd, POLLIN, SOON));
}

/*
 * Somebody sleeps with the socket lock: here another thread of the agent,
 * writing from a page that is not there yet.
 */

struct slow_page {
	int fault;
	char *page;
	long size;
	int channel;
	pthread_t thread;
	long result;
};

static void *slow_write(void *arg)
{
	struct slow_page *s = arg;

	s->result = sys(write(s->channel, s->page, 10));
	return NULL;
}

static long slow_begin(struct slow_page *s, int channel)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->channel = channel;
	s->size = sysconf(_SC_PAGESIZE);
	s->fault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	s->page = mmap(NULL, (size_t)s->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uintptr_t)s->page;
	reg.range.len = (uint64_t)s->size;
	if (s->fault < 0 || ioctl(s->fault, UFFDIO_API, &api) ||
	    ioctl(s->fault, UFFDIO_REGISTER, &reg))
		return -errno;
	if (pthread_create(&s->thread, NULL, slow_write, s))
		return -EAGAIN;
	return poll_one(s->fault, POLLIN, SOON) == POLLIN ? 0 : -ETIMEDOUT;
}

#define SLOW_BEGIN(s) do {							\
	long _err = slow_begin(s, self->request.fd);				\
										\
	if (_err == -ENOSYS)							\
		SKIP(return, "this kernel has no userfaultfd");			\
	ASSERT_EQ(0, _err);							\
} while (0)

static long slow_end(struct slow_page *s)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)s->page, (uint64_t)s->size },
	};

	if (ioctl(s->fault, UFFDIO_ZEROPAGE, &zero))
		return -errno;
	pthread_join(s->thread, NULL);
	close(s->fault);
	munmap(s->page, (size_t)s->size);
	return s->result;
}

TEST_F(agent, waits_for_nobody)
{
	struct slow_page slow;
	struct pollfd p;
	char byte;

	TAKE();
	ASSERT_EQ(0, agent_install(&self->agent, self->request.fd, &self->keys[0],
				   &self->keys[1]));
	SLOW_BEGIN(&slow);
	EXPECT_EQ(-EAGAIN, sys(read(self->request.fd, &byte, 1)));
	EXPECT_EQ(-EAGAIN, sys(write(self->request.fd, "x", 1)));
	EXPECT_EQ(-EAGAIN, agent_done(&self->agent, self->request.fd, 0, NULL));
	EXPECT_TEXT(&self->agent, "busy");
	EXPECT_EQ(0, poll_one(self->request.fd, POLLIN | POLLOUT, NEVER));
	p.fd = self->request.fd;
	p.events = POLLOUT;
	ASSERT_EQ(10, slow_end(&slow));
	/* The release is the wake-up. */
	EXPECT_EQ(1, poll(&p, 1, SOON));
	EXPECT_EQ(0, agent_done(&self->agent, self->request.fd, 0, NULL));
	EXPECT_EQ(1, send(self->fd[0], "x", 1, MSG_DONTWAIT));
}

/* A poll that sleeps when the lock is let go. */
TEST_F(agent, is_woken_by_the_release)
{
	struct slow_page slow;
	pid_t child;

	TAKE();
	SLOW_BEGIN(&slow);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(poll_one(self->request.fd, POLLOUT, 2 * SOON) != POLLOUT);
	usleep(NEVER * 1000);
	ASSERT_EQ(0, waitpid(child, NULL, WNOHANG));
	ASSERT_EQ(10, slow_end(&slow));
	EXPECT_EQ(0, status_of(child));
}

/* Failure needs no lock. */
TEST_F(agent, fails_a_busy_socket)
{
	struct slow_page slow;
	struct sluice_info info;

	ASSERT_EQ(0, arm(self->fd[0], SLUICE_ROLE_CLIENT, 0, 300));
	ASSERT_EQ(0, agent_take(&self->agent, &self->request));
	SLOW_BEGIN(&slow);
	EXPECT_EQ(POLLERR | POLLHUP, poll_one(self->request.fd, POLLIN, SOON));
	EXPECT_EQ(-ESHUTDOWN, agent_done(&self->agent, self->request.fd, EPROTO, NULL));
	slow_end(&slow);
	ASSERT_EQ(0, info_get(self->fd[0], &info));
	EXPECT_EQ(ETIMEDOUT, info.error);
}

TEST_HARNESS_MAIN
