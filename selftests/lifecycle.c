// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A socket's life with the ULP: attach, options and what they refuse, children
 * of listeners, connect, disconnect, and that no end of it leaves anything
 * behind. No agent runs here: an armed socket fails with ESRCH and never
 * speaks plain text.
 */
#include "kselftest_harness.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tls_socket.h"

#ifndef TCP_REPAIR
#define TCP_REPAIR 19
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif
#ifndef TCP_ZEROCOPY_RECEIVE
#define TCP_ZEROCOPY_RECEIVE 35
#endif
#ifndef TCP_INQ
#define TCP_INQ 36
#endif

/* An armed socket fails at once: agents that left lately leave a grace time. */
#define NO_AGENT_MS	10000

/* References on the module: two a socket. -1: not loaded so. */
static long module_refs(void)
{
	FILE *f = fopen("/sys/module/sluice/refcnt", "re");
	long n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/* Connections that TCP still closes hold the module too: give them time. */
static long module_refs_settled(long want)
{
	for (int i = 0; i < 500 && module_refs() != want; i++)
		usleep(10000);
	return module_refs();
}

static void request_make(struct sluice_request *req, int role)
{
	memset(req, 0, sizeof(*req));
	req->role = (__u16)role;
	if (role == SLUICE_ROLE_CLIENT)
		strcpy(req->server_name, "localhost");
}

static long arm(int fd, int role)
{
	struct sluice_request req;

	request_make(&req, role);
	return sys(setsockopt(fd, SOL_TLS, SLUICE_HANDSHAKE, &req, sizeof(req)));
}

static int state_of(int fd)
{
	struct sluice_info info;

	return info_get(fd, &info) ? -1 : info.state;
}

static int so_error(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

static long set_int(int fd, int level, int option, int value)
{
	return sys(setsockopt(fd, level, option, &value, sizeof(value)));
}

/* A socket that was never connected. */
static int tcp_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

FIXTURE(life)
{
	long refs;
	struct sockaddr_storage addr;
	int listener;
	int client;
};

FIXTURE_VARIANT(life)
{
	int listens;	/* address families */
	int connects;
};

FIXTURE_VARIANT_ADD(life, ipv4) { .listens = AF_INET, .connects = AF_INET };
FIXTURE_VARIANT_ADD(life, ipv6) { .listens = AF_INET6, .connects = AF_INET6 };
/* An IPv4 client at an IPv6 listener, whose children stay AF_INET6. */
FIXTURE_VARIANT_ADD(life, mapped) { .listens = AF_INET6, .connects = AF_INET };

/* Where to connect to: on any address, seen from @family. */
static void address_of(int listener, int family, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 bound;
	socklen_t len = sizeof(bound);

	getsockname(listener, (struct sockaddr *)&bound, &len);
	loopback(family, addr);
	/* The port is at the same place in both. */
	((struct sockaddr_in6 *)addr)->sin6_port = bound.sin6_port;
}

static int listen_any(int family)
{
	struct sockaddr_in6 any = { .sin6_family = (sa_family_t)family };
	int fd = tcp_socket(family);

	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (struct sockaddr *)&any,
		 family == AF_INET6 ? sizeof(any) : sizeof(struct sockaddr_in)) ||
	    listen(fd, 64))
		return -errno;
	return fd;
}

FIXTURE_SETUP(life)
{
	self->refs = module_refs();
	ASSERT_LE(0, self->refs);
	self->listener = listen_any(variant->listens);
	ASSERT_LE(0, self->listener);
	address_of(self->listener, variant->connects, &self->addr);
	self->client = tcp_socket(variant->connects);
	ASSERT_LE(0, self->client);
}

FIXTURE_TEARDOWN(life)
{
	close(self->client);
	close(self->listener);
	EXPECT_EQ(self->refs, module_refs_settled(self->refs));
}

static long connect_to(int fd, const struct sockaddr_storage *addr)
{
	return sys(connect(fd, (const struct sockaddr *)addr, addr_len(addr)));
}

static int accept_one(int listener)
{
	return (int)sys(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

/* The peer of an armed socket: plain text must not come, only the end. */
static long read_end(int fd)
{
	char buf[64];

	set_timeout(fd, SO_RCVTIMEO, NO_AGENT_MS);
	return sys(recv(fd, buf, sizeof(buf), 0));
}

/*
 * Attach
 */

TEST_F(life, attach_new)
{
	char byte = 1;

	ASSERT_EQ(0, ulp_attach(self->client));
	EXPECT_EQ(-EEXIST, ulp_attach(self->client));
	EXPECT_EQ(self->refs + 2, module_refs());
	EXPECT_EQ(SLUICE_STATE_RAW, state_of(self->client));
	/* Raw mode without keys is plain TCP. */
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	EXPECT_EQ(-EISCONN, connect_to(self->client, &self->addr));
	EXPECT_EQ(1, send(self->client, &byte, 1, 0));
}

TEST_F(life, attach_busy_module)
{
	ASSERT_EQ(0, ulp_attach(self->client));
	/* Not unloaded under a socket's feet. */
	EXPECT_EQ(-1, syscall(SYS_delete_module, "sluice", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
}

TEST_F(life, attach_connected)
{
	int child;

	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(0, ulp_attach(self->client));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, ulp_attach(child));
	close(child);
}

TEST_F(life, attach_closing)
{
	int child;

	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	close(child);
	ASSERT_EQ(POLLIN | POLLRDHUP, poll_one(self->client, POLLIN | POLLRDHUP, SOON));
	EXPECT_EQ(-ENOTCONN, ulp_attach(self->client));
}

TEST_F(life, attach_fast_open)
{
	if (set_int(self->client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1))
		SKIP(return, "TCP Fast Open is off");
	EXPECT_EQ(-EOPNOTSUPP, ulp_attach(self->client));
}

TEST_F(life, attach_repair)
{
	ASSERT_EQ(0, set_int(self->client, IPPROTO_TCP, TCP_REPAIR, 1));
	EXPECT_EQ(-EOPNOTSUPP, ulp_attach(self->client));
}

/*
 * Doors to TCP's bytes
 */

TEST_F(life, shut_doors)
{
	struct tcp_zerocopy_receive zc = { };
	socklen_t len = sizeof(zc);
	int family = AF_INET;

	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	EXPECT_EQ(-EOPNOTSUPP, set_int(self->client, IPPROTO_TCP, TCP_REPAIR, 1));
	EXPECT_EQ(-EOPNOTSUPP, set_int(self->client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	EXPECT_EQ(-EOPNOTSUPP, set_int(self->client, IPPROTO_TCP, TCP_INQ, 1));
	EXPECT_EQ(-EOPNOTSUPP, sys(getsockopt(self->client, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE,
					      &zc, &len)));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->client, 0));
	if (variant->connects == AF_INET6)
		EXPECT_EQ(-EBUSY, set_int(self->client, IPPROTO_IPV6, IPV6_ADDRFORM, family));
	/* Others still work. */
	EXPECT_EQ(0, set_int(self->client, IPPROTO_TCP, TCP_NODELAY, 1));
	EXPECT_EQ(-ENOPROTOOPT, set_int(self->client, SOL_TLS, 1000, 1));
}

/*
 * Keys of raw mode: the errnos of the in-tree module
 */

TEST_F(life, keys_refused)
{
	struct test_keys keys, other;
	unsigned char buf[KEYS_MAX];
	struct tls_crypto_info *info = (void *)buf;
	socklen_t len;

	keys_make(&keys, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	len = keys_pack(&keys, buf);
	ASSERT_EQ(0, ulp_attach(self->client));
	EXPECT_EQ(-ENOTCONN, keys_set(self->client, TLS_TX, &keys));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));

	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, TLS_TX, NULL, 0)));
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, TLS_TX, buf, 3)));
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, TLS_TX, buf, len - 1)));
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, TLS_TX, buf, len + 1)));
	EXPECT_EQ(-EFAULT, sys(setsockopt(self->client, SOL_TLS, TLS_TX, (void *)8, len)));
	info->version = 0x0302;
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, TLS_TX, buf, len)));
	info->version = TLS_1_3_VERSION;
	info->cipher_type = 50;
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, TLS_TX, buf, len)));
	/* Nothing has changed. */
	len = sizeof(*info);
	EXPECT_EQ(-EBUSY, sys(getsockopt(self->client, SOL_TLS, TLS_TX, buf, &len)));

	ASSERT_EQ(0, keys_set(self->client, TLS_TX, &keys));
	keys_make(&other, TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	EXPECT_EQ(-EINVAL, keys_set(self->client, TLS_TX, &other));
	EXPECT_EQ(-EINVAL, keys_set(self->client, TLS_RX, &other));
	keys_make(&other, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256, 1, 0);
	EXPECT_EQ(-EINVAL, keys_set(self->client, TLS_RX, &other));
	EXPECT_EQ(0, keys_set(self->client, TLS_RX, &keys));
}

TEST_F(life, keys_and_disconnect)
{
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	struct test_keys keys;

	keys_make(&keys, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(0, sys(connect(self->client, &nowhere, sizeof(nowhere))));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(0, keys_set(self->client, TLS_TX, &keys));
	EXPECT_EQ(-EOPNOTSUPP, sys(connect(self->client, &nowhere, sizeof(nowhere))));
}

/*
 * Requests
 */

TEST_F(life, request_refused)
{
	struct {
		struct sluice_request req;
		char more[8];
	} r;

	memset(&r, 0, sizeof(r));
	request_make(&r.req, SLUICE_ROLE_CLIENT);
	EXPECT_EQ(-ENOPROTOOPT, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r.req,
					       sizeof(r.req))));
	ASSERT_EQ(0, ulp_attach(self->client));
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r.req, 16)));
	EXPECT_EQ(-EFAULT, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, (void *)8,
					  sizeof(r.req))));
	r.more[7] = 1;
	EXPECT_EQ(-E2BIG, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r, sizeof(r))));
	r.more[7] = 0;
	r.req.role = 3;
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r, sizeof(r))));
	r.req.role = SLUICE_ROLE_CLIENT;
	r.req.flags = 1U << 31;
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r, sizeof(r))));
	r.req.flags = 0;
	r.req.reserved[2] = 1;
	EXPECT_EQ(-EINVAL, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r, sizeof(r))));
	r.req.reserved[2] = 0;
	EXPECT_EQ(SLUICE_STATE_RAW, state_of(self->client));
	ASSERT_EQ(0, sys(setsockopt(self->client, SOL_TLS, SLUICE_HANDSHAKE, &r, sizeof(r))));
	EXPECT_EQ(SLUICE_STATE_ARMED, state_of(self->client));
	EXPECT_EQ(-EBUSY, arm(self->client, SLUICE_ROLE_CLIENT));
	/* A client does not listen. */
	EXPECT_EQ(-EINVAL, sys(listen(self->client, 1)));
	ASSERT_EQ(0, ulp_attach(self->listener));
	EXPECT_EQ(-EINVAL, arm(self->listener, SLUICE_ROLE_CLIENT));
	EXPECT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	EXPECT_EQ(-EBUSY, arm(self->listener, SLUICE_ROLE_SERVER));
}

TEST_F(life, request_or_keys)
{
	struct test_keys keys;

	keys_make(&keys, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(0, keys_set(self->client, TLS_RX, &keys));
	EXPECT_EQ(-EBUSY, arm(self->client, SLUICE_ROLE_CLIENT));
	EXPECT_EQ(SLUICE_STATE_RAW, state_of(self->client));
}

TEST_F(life, request_connected)
{
	struct test_keys keys;
	struct sluice_info info;
	char byte = 'x';
	int child;

	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, arm(self->client, SLUICE_ROLE_CLIENT));
	EXPECT_EQ(-ESRCH, sys(send(self->client, &byte, 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ESRCH, sys(recv(self->client, &byte, 1, 0)));
	EXPECT_EQ(SLUICE_STATE_FAILED, state_of(self->client));
	keys_make(&keys, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	EXPECT_EQ(-EBUSY, keys_set(self->client, TLS_TX, &keys));
	ASSERT_EQ(0, info_get(self->client, &info));
	EXPECT_EQ(ESRCH, info.error);
	EXPECT_NE(0, info.text[0]);
	EXPECT_STREQ("localhost", info.server_name);
	EXPECT_EQ(SLUICE_ROLE_CLIENT, info.role);
	close(self->client);
	EXPECT_EQ(0, read_end(child));
	self->client = tcp_socket(variant->connects);
	close(child);
}

/*
 * connect
 */

TEST_F(life, connect_blocking)
{
	int child;

	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, arm(self->client, SLUICE_ROLE_CLIENT));
	EXPECT_EQ(-ENOTCONN, sys(send(self->client, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ESRCH, connect_to(self->client, &self->addr));
	/* Reported by connect: not once more. */
	EXPECT_EQ(0, so_error(self->client));
	EXPECT_EQ(-ESRCH, connect_to(self->client, &self->addr));
	EXPECT_EQ(-ESRCH, sys(send(self->client, "x", 1, MSG_NOSIGNAL)));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	shutdown(self->client, SHUT_RDWR);
	EXPECT_EQ(0, read_end(child));
	close(child);
}

TEST_F(life, connect_nonblocking)
{
	const short all = POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP;

	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, arm(self->client, SLUICE_ROLE_CLIENT));
	set_nonblocking(self->client);
	ASSERT_EQ(-EINPROGRESS, connect_to(self->client, &self->addr));
	ASSERT_EQ(all, poll_one(self->client, POLLIN | POLLOUT | POLLRDHUP, NO_AGENT_MS));
	EXPECT_EQ(ESRCH, so_error(self->client));
	EXPECT_EQ(0, so_error(self->client));
	EXPECT_EQ(all, poll_one(self->client, POLLIN | POLLOUT | POLLRDHUP, 0));
	EXPECT_EQ(-ESRCH, connect_to(self->client, &self->addr));
}

TEST_F(life, connect_refused)
{
	struct sockaddr_storage nobody = self->addr;
	int spare = tcp_socket(variant->listens);
	struct sockaddr_in6 any = { .sin6_family = (sa_family_t)variant->listens };

	/* A port that is bound but does not listen. */
	ASSERT_EQ(0, bind(spare, (struct sockaddr *)&any,
			  variant->listens == AF_INET6 ? sizeof(any) : sizeof(struct sockaddr_in)));
	address_of(spare, variant->connects, &nobody);
	ASSERT_EQ(0, ulp_attach(self->client));
	ASSERT_EQ(0, arm(self->client, SLUICE_ROLE_CLIENT));
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->client, &nobody));
	EXPECT_EQ(SLUICE_STATE_ARMED, state_of(self->client));
	/* Still armed: the next attempt is TLS or nothing. */
	EXPECT_EQ(-ESRCH, connect_to(self->client, &self->addr));
	close(spare);
}

/*
 * Children
 */

TEST_F(life, child_of_raw_listener)
{
	char buf[8];
	int child;

	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	EXPECT_EQ(-EEXIST, ulp_attach(child));
	EXPECT_EQ(SLUICE_STATE_RAW, state_of(child));
	EXPECT_EQ(self->refs + 2 + 2, module_refs());
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	EXPECT_EQ(3, recv(child, buf, sizeof(buf), 0));
	close(child);
}

TEST_F(life, child_of_armed_listener)
{
	struct sluice_info info;
	char byte;
	int child;

	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	EXPECT_EQ(-ESRCH, sys(recv(child, &byte, 1, 0)));
	EXPECT_EQ(-ESRCH, sys(send(child, "x", 1, MSG_NOSIGNAL)));
	ASSERT_EQ(0, info_get(child, &info));
	EXPECT_EQ(SLUICE_ROLE_SERVER, info.role);
	EXPECT_EQ(SLUICE_STATE_ARMED, state_of(self->listener));
	shutdown(child, SHUT_WR);
	EXPECT_EQ(0, read_end(self->client));
	close(child);
}

/* Cloned before there was a request, or before there was a ULP. */
TEST_F(life, child_older_than_request)
{
	int child, second = tcp_socket(variant->connects);
	char byte;

	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, connect_to(second, &self->addr));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	for (int i = 0; i < 2; i++) {
		child = accept_one(self->listener);
		ASSERT_LE(0, child);
		EXPECT_EQ(-ESRCH, sys(recv(child, &byte, 1, 0)));
		EXPECT_EQ(SLUICE_STATE_FAILED, state_of(child));
		close(child);
	}
	close(second);
}

TEST_F(life, children_never_accepted)
{
	int clients[40];

	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	for (int i = 0; i < 40; i++) {
		clients[i] = tcp_socket(variant->connects);
		ASSERT_EQ(0, connect_to(clients[i], &self->addr));
	}
	/* A client that resets before anyone looked. */
	const struct linger abort = { .l_onoff = 1 };

	setsockopt(clients[0], SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(clients[0]);
	close(self->listener);
	for (int i = 1; i < 40; i++) {
		EXPECT_EQ(-ECONNRESET, read_end(clients[i]));
		close(clients[i]);
	}
	self->listener = tcp_socket(variant->listens);
}

TEST_F(life, child_reset_in_queue)
{
	const struct linger abort = { .l_onoff = 1 };
	char byte;
	int child;

	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	setsockopt(self->client, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(self->client);
	usleep(NEVER * 1000);
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	EXPECT_GT(0, recv(child, &byte, 1, 0));
	EXPECT_GT(0, send(child, "x", 1, MSG_NOSIGNAL));
	close(child);
	self->client = tcp_socket(variant->connects);
}

/* A listener stops and begins again: shutdown goes by disconnect. */
TEST_F(life, listener_shut_down)
{
	char byte;
	int child;

	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(0, shutdown(self->listener, SHUT_RD));
	EXPECT_EQ(-ECONNRESET, read_end(self->client));
	EXPECT_EQ(-EINVAL, accept_one(self->listener));
	ASSERT_EQ(0, listen(self->listener, 4));
	close(self->client);
	self->client = tcp_socket(variant->connects);
	address_of(self->listener, variant->connects, &self->addr);
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	child = accept_one(self->listener);
	ASSERT_LE(0, child);
	EXPECT_EQ(-ESRCH, sys(recv(child, &byte, 1, 0)));
	close(child);
}

/* tcp_migrate_req: a closing listener's children go to another one. */
static int migrate(int on)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_migrate_req", "we");
	int ok;

	if (!f)
		return 0;
	ok = fprintf(f, "%d\n", on) > 0;
	return !fclose(f) && ok;
}

static int listen_beside(int listener)
{
	struct sockaddr_in6 addr;
	socklen_t len = sizeof(addr);
	int fd;

	getsockname(listener, (struct sockaddr *)&addr, &len);
	fd = tcp_socket(((struct sockaddr *)&addr)->sa_family);
	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 16))
		return -errno;
	return fd;
}

TEST_F(life, child_migrates_to_plain_listener)
{
	char byte;
	int child, other;

	if (!migrate(1))
		SKIP(return, "no tcp_migrate_req");
	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	other = listen_beside(self->listener);
	ASSERT_LE(0, other);
	close(self->listener);
	self->listener = other;
	child = accept_one(other);
	ASSERT_LE(0, child);
	/* TLS was promised to whoever connected: no plain text. */
	EXPECT_EQ(-ESRCH, sys(send(child, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ESRCH, sys(recv(child, &byte, 1, 0)));
	EXPECT_EQ(POLLERR, poll_one(child, 0, 0) & POLLERR);
	close(child);
	migrate(0);
}

TEST_F(life, child_migrates_to_armed_listener)
{
	char byte;
	int child, other;

	if (!migrate(1))
		SKIP(return, "no tcp_migrate_req");
	ASSERT_EQ(0, connect_to(self->client, &self->addr));
	other = listen_beside(self->listener);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, ulp_attach(other));
	ASSERT_EQ(0, arm(other, SLUICE_ROLE_SERVER));
	close(self->listener);
	self->listener = other;
	child = accept_one(other);
	ASSERT_LE(0, child);
	EXPECT_EQ(-ESRCH, sys(send(child, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ESRCH, sys(recv(child, &byte, 1, 0)));
	close(child);
	migrate(0);
}

/*
 * Storms
 */

#define STORM_ROUNDS	60

struct storm {
	struct sockaddr_storage addr;
	int listener;
	bool stop;
	unsigned int seed;
};

static void *storm_accept(void *arg)
{
	struct storm *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		char byte;
		int fd;

		/* Alone on this listener, but a connection may be gone before accept. */
		if (poll_one(s->listener, POLLIN, 5) != POLLIN)
			continue;
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			continue;
		if (recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN)
			poll_one(fd, POLLIN, 1);
		close(fd);
	}
	return NULL;
}

static void storm_client(struct storm *s, int family, unsigned int r)
{
	const struct linger abort = { .l_onoff = 1 };
	int fd = tcp_socket(family);

	if (r & 1)
		set_nonblocking(fd);
	if (r & 2)
		ulp_attach(fd);
	if ((r & 6) == 6)
		arm(fd, SLUICE_ROLE_CLIENT);
	connect_to(fd, &s->addr);
	if (r & 8)
		send(fd, "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r & 16)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	if (r & 32)
		shutdown(fd, (int)(r >> 6) % 3);
	close(fd);
}

static void *storm_connect(void *arg)
{
	struct storm *s = arg;
	unsigned int r = s->seed;

	for (int i = 0; i < STORM_ROUNDS; i++) {
		r = r * 1103515245 + 12345;
		storm_client(s, s->addr.ss_family, r >> 16);
	}
	return NULL;
}

TEST_F(life, storm)
{
	struct storm s[4];
	pthread_t acceptor, clients[4];

	set_nonblocking(self->listener);
	ASSERT_EQ(0, ulp_attach(self->listener));
	ASSERT_EQ(0, arm(self->listener, SLUICE_ROLE_SERVER));
	for (unsigned int i = 0; i < 4; i++)
		s[i] = (struct storm){ .addr = self->addr, .listener = self->listener,
				       .seed = i + 1 };
	ASSERT_EQ(0, pthread_create(&acceptor, NULL, storm_accept, &s[0]));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&clients[i], NULL, storm_connect, &s[i]));
	for (int i = 0; i < 4; i++)
		pthread_join(clients[i], NULL);
	__atomic_store_n(&s[0].stop, true, __ATOMIC_RELEASE);
	pthread_join(acceptor, NULL);
}

/* Listeners come and go while children are born. */
static void *storm_listen(void *arg)
{
	struct storm *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		int fd = listen_beside(s->listener);

		if (fd < 0)
			continue;
		ulp_attach(fd);
		arm(fd, SLUICE_ROLE_SERVER);
		usleep(500);
		close(fd);
	}
	return NULL;
}

TEST_F(life, storm_of_listeners)
{
	struct storm s = { .addr = self->addr, .listener = self->listener };
	struct storm c[2];
	pthread_t listeners[2], clients[2], acceptor;

	set_nonblocking(self->listener);
	/* The listener that stays must not fill up: connect would wait. */
	ASSERT_EQ(0, pthread_create(&acceptor, NULL, storm_accept, &s));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&listeners[i], NULL, storm_listen, &s));
	for (unsigned int i = 0; i < 2; i++) {
		c[i] = (struct storm){ .addr = self->addr, .seed = i + 7 };
		ASSERT_EQ(0, pthread_create(&clients[i], NULL, storm_connect, &c[i]));
	}
	for (int i = 0; i < 2; i++)
		pthread_join(clients[i], NULL);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(listeners[i], NULL);
	pthread_join(acceptor, NULL);
}

/*
 * Namespaces
 */

static int loopback_up(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	strcpy(ifr.ifr_name, "lo");
	ret = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return ret;
}

/* In a child process: a namespace that dies with sockets in all states. */
static int namespace_life(int listens, int connects)
{
	struct sockaddr_storage addr;
	int listener, fd[4];

	if (unshare(CLONE_NEWNET) || loopback_up())
		return 4;
	listener = listen_any(listens);
	if (listener < 0 || ulp_attach(listener) || arm(listener, SLUICE_ROLE_SERVER))
		return 1;
	address_of(listener, connects, &addr);
	for (int i = 0; i < 4; i++) {
		fd[i] = tcp_socket(connects);
		if (ulp_attach(fd[i]) || (i < 2 && arm(fd[i], SLUICE_ROLE_CLIENT)))
			return 2;
		set_nonblocking(fd[i]);
		connect_to(fd[i], &addr);
	}
	return accept_one(listener) < 0 ? 3 : 0;
}

TEST_F(life, namespace_exit)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(namespace_life(variant->listens, variant->connects));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == 4)
		SKIP(return, "no network namespaces");
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/*
 * Attach and others' sockets
 */

TEST(not_tcp)
{
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int local[2];

	EXPECT_GT(0, ulp_attach(udp));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, local));
	EXPECT_EQ(-EOPNOTSUPP, ulp_attach(local[0]));
	close(udp);
	close(local[0]);
	close(local[1]);
}

/* Attach races with itself: one wins. */
static void *attach_run(void *arg)
{
	return (void *)ulp_attach(*(int *)arg);
}

TEST(attach_once)
{
	for (int i = 0; i < 50; i++) {
		int fd = tcp_socket(AF_INET);
		pthread_t threads[2];
		void *ret[2];

		for (int j = 0; j < 2; j++)
			ASSERT_EQ(0, pthread_create(&threads[j], NULL, attach_run, &fd));
		for (int j = 0; j < 2; j++)
			pthread_join(threads[j], &ret[j]);
		EXPECT_EQ(-EEXIST, (long)ret[0] + (long)ret[1]);
		close(fd);
	}
}

TEST_HARNESS_MAIN
