// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor of `sluice run': what becomes of a program's connect() and
 * listen(), and of its other ways to a TCP connection.
 *
 * Programs are children under the real filter. The two calls of libsluice that
 * need the module are played here: they tell what was asked for, and fail as
 * told. That the bytes are TLS is for the test in the VM to prove.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <sluice.h>

#include "../../userspace/cli/child.h"
#include "../../userspace/cli/filter.h"
#include "../../userspace/cli/supervise.h"
#include "../../userspace/preload/record.h"

/* The sockets, played ------------------------------------------------------*/

static struct {
	int error;			/* errno of sluice_arm() */
	unsigned int pause_us;		/* that it takes */
	unsigned int calls;
	unsigned int role;		/* asked for last */
	char name[64];			/* likewise; "-": none */
	ino_t armed[8];
} played;

static ino_t inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

int sluice_arm(int fd, const struct sluice_options *options)
{
	const char *name = options->server_name;

	usleep(played.pause_us);
	played.role = options->role;
	snprintf(played.name, sizeof(played.name), "%s", name ? name : "-");
	errno = played.error;
	if (played.error)
		return -1;
	played.armed[played.calls++ % 8] = inode(fd);
	return 0;
}

int sluice_get_info(int fd, struct sluice_info *info)
{
	memset(info, 0, sizeof(*info));
	for (int i = 0; i < 8; i++)
		if (played.armed[i] && played.armed[i] == inode(fd))
			info->state = SLUICE_STATE_ARMED;
	return 0;
}

/* Programs -----------------------------------------------------------------*/

/* Each returns an exit status: 0, or the number of the step that went wrong. */
typedef int (*program)(void);

static uint16_t server_port;		/* a listening socket of the test's */

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	return a;
}

static int connect_to(int fd, const struct sockaddr_in *a)
{
	return connect(fd, (const struct sockaddr *)a, sizeof(*a)) ? errno : 0;
}

static int connect_server(void)
{
	struct sockaddr_in a = loopback(server_port);

	return connect_to(socket(AF_INET, SOCK_STREAM, 0), &a);
}

static void look_up(const char *name, const char *address)
{
	struct names_record r = { .magic = NAMES_MAGIC };

	strcpy(r.name, name);
	inet_pton(AF_INET6, address, r.address);
	if (syscall(SYS_connect, NAMES_FD, &r, sizeof(r)))
		_exit(99);
}

/* @end: a pipe's. Nothing of the harness's goes on in there. */
static void be_program(program run, int end)
{
	int notify = filter_load(1, 1);

	if (notify < 0 || write(end, &notify, sizeof(notify)) != sizeof(notify))
		_exit(98);
	/* Until the supervisor has it. */
	if (read(end, &notify, sizeof(notify)) != sizeof(notify))
		_exit(97);
	close(notify);
	_exit(run());
}

static int get_fd(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int ours = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return ours;
}

/* Return: the program's exit status, or 128 and the signal that killed it. */
static int supervised(struct supervise *s, program run)
{
	struct pollfd p = { .events = POLLIN };
	int end[2], notify, status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, end))
		return -1;
	pid = fork();
	if (!pid)
		be_program(run, end[1]);
	if (read(end[0], &notify, sizeof(notify)) != sizeof(notify))
		return -1;
	p.fd = get_fd(pid, notify);
	if (write(end[0], &notify, sizeof(notify)) != sizeof(notify))
		return -1;
	/* Until no process is under the filter any more. */
	while (poll(&p, 1, 10000) == 1 && p.revents & POLLIN)
		if (supervise_call(s, p.fd))
			break;
	close(p.fd);
	close(end[0]);
	close(end[1]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

FIXTURE(program)
{
	struct supervise s;
	int server;
};

FIXTURE_SETUP(program)
{
	struct sockaddr_in a = loopback(0);
	socklen_t length = sizeof(a);

	memset(&played, 0, sizeof(played));
	self->s = (struct supervise){
		.connect = SLUICE_OPTIONS_INIT,
		.listen = SLUICE_OPTIONS_INIT,
	};
	self->s.connect.role = SLUICE_ROLE_CLIENT;
	self->s.listen.role = SLUICE_ROLE_SERVER;
	ports_fill(&self->s.ports, 1);
	self->server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(0, bind(self->server, (struct sockaddr *)&a, length));
	ASSERT_EQ(0, listen(self->server, 8));
	ASSERT_EQ(0, getsockname(self->server, (struct sockaddr *)&a, &length));
	server_port = ntohs(a.sin_port);
}

FIXTURE_TEARDOWN(program)
{
	names_end(&self->s.names);
	close(self->server);
}

/* What reaches the network without having been armed would show here. */
static int somebody_came(int server)
{
	return accept(server, NULL, NULL) >= 0;
}

/* Names --------------------------------------------------------------------*/

static int connects_by_name(void)
{
	look_up("one.test", "::ffff:127.0.0.1");
	look_up("two.test", "::ffff:127.0.0.2");
	return connect_server();
}

TEST_F(program, name_is_what_was_looked_up)
{
	EXPECT_EQ(0, supervised(&self->s, connects_by_name));
	EXPECT_EQ(1, played.calls);
	EXPECT_EQ(SLUICE_ROLE_CLIENT, played.role);
	EXPECT_STREQ("one.test", played.name);
	EXPECT_TRUE(somebody_came(self->server));
}

TEST_F(program, no_name_is_refused)
{
	EXPECT_EQ(EACCES, supervised(&self->s, connect_server));
	EXPECT_EQ(0, played.calls);
	EXPECT_FALSE(somebody_came(self->server));
}

TEST_F(program, name_given)
{
	self->s.connect.server_name = "given.test";
	EXPECT_EQ(0, supervised(&self->s, connects_by_name));
	EXPECT_STREQ("given.test", played.name);
}

TEST_F(program, name_of_none_unchecked)
{
	self->s.connect.flags = SLUICE_F_NO_NAME_CHECK;
	EXPECT_EQ(0, supervised(&self->s, connect_server));
	EXPECT_STREQ("-", played.name);
}

static int connects_by_two(void)
{
	look_up("one.test", "::ffff:127.0.0.1");
	look_up("other.test", "::ffff:127.0.0.1");
	look_up("ONE.test", "::ffff:127.0.0.1");
	return connect_server();
}

TEST_F(program, two_names_are_refused)
{
	EXPECT_EQ(EACCES, supervised(&self->s, connects_by_two));
	EXPECT_EQ(0, played.calls);
	EXPECT_FALSE(somebody_came(self->server));
}

static int connects_by_digits(void)
{
	look_up("", "::ffff:127.0.0.1");
	return connect_server();
}

TEST_F(program, name_in_digits)
{
	EXPECT_EQ(0, supervised(&self->s, connects_by_digits));
	EXPECT_STREQ("127.0.0.1", played.name);
}

static int connects_in_a_child(void)
{
	int status;

	look_up("one.test", "::ffff:127.0.0.1");
	look_up("", "::ffff:127.0.0.1");
	if (!fork())
		_exit(connect_server());
	wait(&status);
	return WEXITSTATUS(status);
}

TEST_F(program, name_of_another_process)
{
	EXPECT_EQ(0, supervised(&self->s, connects_in_a_child));
	EXPECT_STREQ("one.test", played.name);
}

static int tells_nonsense(void)
{
	struct names_record r = { .magic = NAMES_MAGIC };

	memset(r.name, 'a', sizeof(r.name));
	if (!syscall(SYS_connect, NAMES_FD, &r, sizeof(r)) || errno != EBADF)
		return 1;
	r.name[0] = 0;
	r.magic[0] = 0;
	if (!syscall(SYS_connect, NAMES_FD, &r, sizeof(r)) || errno != EBADF)
		return 2;
	if (!syscall(SYS_connect, NAMES_FD, NULL, sizeof(r)) || errno != EFAULT)
		return 3;
	return connect(-1, (void *)&r, 16) && errno == EBADF ? 0 : 4;
}

TEST_F(program, nonsense_for_a_name)
{
	EXPECT_EQ(0, supervised(&self->s, tells_nonsense));
	EXPECT_EQ(0, self->s.names.count);
}

/* The table itself. */
TEST(names)
{
	static struct names n;
	struct in6_addr a = IN6ADDR_LOOPBACK_INIT, b = IN6ADDR_ANY_INIT;
	const char *name = NULL;

	EXPECT_EQ(0, names_add(&n, 1, &a, "one"));
	EXPECT_EQ(0, names_add(&n, 2, &a, "two"));
	EXPECT_EQ(0, names_add(&n, 2, &a, "two"));
	EXPECT_EQ(2, n.count);
	EXPECT_EQ(NAMES_ONE, names_find(&n, 1, &a, &name));
	EXPECT_STREQ("one", name);
	EXPECT_EQ(NAMES_ONE, names_find(&n, 2, &a, &name));
	EXPECT_STREQ("two", name);
	EXPECT_EQ(NAMES_MANY, names_find(&n, 3, &a, &name));
	EXPECT_EQ(NAMES_NONE, names_find(&n, 1, &b, &name));
	names_end(&n);
	EXPECT_EQ(NAMES_NONE, names_find(&n, 1, &a, &name));
}

/* connect ------------------------------------------------------------------*/

TEST_F(program, arming_fails_and_connect_with_it)
{
	static const int errors[] = { ENOENT, ENOBUFS, EOPNOTSUPP, EPERM };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		played.error = errors[i];
		EXPECT_EQ(errors[i], supervised(&self->s, connects_by_name));
		EXPECT_FALSE(somebody_came(self->server));
	}
}

static int connects_twice(void)
{
	struct sockaddr_in a = loopback(server_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	look_up("one.test", "::ffff:127.0.0.1");
	if (connect_to(fd, &a))
		return 1;
	return connect_to(fd, &a) == EISCONN ? 0 : 2;
}

TEST_F(program, second_connect_arms_nothing)
{
	EXPECT_EQ(0, supervised(&self->s, connects_twice));
	EXPECT_EQ(1, played.calls);
}

static int connects_badly(void)
{
	struct sockaddr_in a = loopback(server_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	look_up("one.test", "::ffff:127.0.0.1");
	if (!connect(fd, NULL, sizeof(a)) || errno != EFAULT)
		return 1;
	if (!connect(fd, (void *)&a, 8) || errno != EINVAL)
		return 2;
	if (!connect(fd, (void *)&a, 4000) || errno != EINVAL)
		return 3;
	a.sin_family = AF_UNIX;
	if (connect_to(fd, &a) != EAFNOSUPPORT)
		return 4;
	a.sin_family = AF_UNSPEC;
	if (connect_to(fd, &a))
		return 5;
	if (connect_to(1000, &a) != EBADF)
		return 6;
	return connect_to(open("/dev/null", O_RDONLY), &a) == ENOTSOCK ? 0 : 7;
}

TEST_F(program, bad_connects)
{
	EXPECT_EQ(0, supervised(&self->s, connects_badly));
	EXPECT_EQ(0, played.calls);
	EXPECT_FALSE(somebody_came(self->server));
}

TEST_F(program, port_not_chosen)
{
	uint8_t list[16];

	snprintf((char *)list, sizeof(list), "%u", server_port);
	ASSERT_EQ(0, ports_set(&self->s.ports, (char *)list, 0));
	EXPECT_EQ(0, supervised(&self->s, connect_server));
	EXPECT_EQ(0, played.calls);
	EXPECT_TRUE(somebody_came(self->server));
}

static int connects_v6(void)
{
	struct sockaddr_in6 a = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(server_port),
	};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	look_up("one.test", "::ffff:127.0.0.1");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
	return connect(fd, (void *)&a, sizeof(a)) ? errno : 0;
}

TEST_F(program, ipv4_over_ipv6)
{
	EXPECT_EQ(0, supervised(&self->s, connects_v6));
	EXPECT_STREQ("one.test", played.name);
}

static void *connect_in_thread(void *result)
{
	*(int *)result = connect_server();
	return NULL;
}

/* The call that waits is not the first thread's. */
static int connects_in_a_thread(void)
{
	pthread_t thread;
	int e = -1;

	look_up("one.test", "::ffff:127.0.0.1");
	pthread_create(&thread, NULL, connect_in_thread, &e);
	pthread_join(thread, NULL);
	return e;
}

TEST_F(program, threads)
{
	EXPECT_EQ(0, supervised(&self->s, connects_in_a_thread));
	EXPECT_EQ(1, played.calls);
}

static void nothing(int n)
{
	(void)n;
}

#define UNDER_FIRE	20

/* EINTR of connect() says that it is under way. Return: is it? */
static int is_under_way(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	struct sockaddr_in a;
	socklen_t length = sizeof(a);

	while (poll(&p, 1, 10000) < 0)
		;
	return !getpeername(fd, (struct sockaddr *)&a, &length);
}

/* It must be, once the supervisor has been at it. Before that a signal may end
 * the call, and nothing has been done to the socket.
 */
static int connects_under_fire(void)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	struct sockaddr_in a = loopback(server_port);

	look_up("one.test", "::ffff:127.0.0.1");
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int done = 0; done < UNDER_FIRE;) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		int e = connect_to(fd, &a);

		if (e && e != EINTR)
			return e;
		done += !e || is_under_way(fd);
		close(fd);
	}
	return 0;
}

TEST_F(program, signals)
{
	listen(self->server, 1000);
	played.pause_us = 5000;
	EXPECT_EQ(0, supervised(&self->s, connects_under_fire));
	EXPECT_EQ(UNDER_FIRE, played.calls);
}

/* listen -------------------------------------------------------------------*/

static int listens(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (listen(fd, 1))
		return errno;
	return listen(fd, 2) ? errno : 0;
}

TEST_F(program, listener)
{
	EXPECT_EQ(0, supervised(&self->s, listens));
	EXPECT_EQ(1, played.calls);
	EXPECT_EQ(SLUICE_ROLE_SERVER, played.role);
	played.error = ENOENT;
	EXPECT_EQ(ENOENT, supervised(&self->s, listens));
}

static int listens_to_the_port(void)
{
	struct sockaddr_in a = loopback(server_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	if (bind(fd, (void *)&a, sizeof(a)))
		return errno;
	return listen(fd, 1) ? errno : 0;
}

TEST_F(program, listener_on_a_port)
{
	char list[16];

	snprintf(list, sizeof(list), "%u", server_port);
	ports_fill(&self->s.ports, 0);
	EXPECT_EQ(0, supervised(&self->s, listens_to_the_port));
	EXPECT_EQ(0, played.calls);
	ASSERT_EQ(0, ports_set(&self->s.ports, list, 1));
	EXPECT_EQ(0, supervised(&self->s, listens_to_the_port));
	EXPECT_EQ(1, played.calls);
}

/* What was there before the filter. */
TEST_F(program, inherited)
{
	struct sockaddr_in a = loopback(server_port);
	int fd;

	EXPECT_EQ(0, supervise_inherited(&self->s));
	EXPECT_EQ(1, played.calls);
	EXPECT_EQ(SLUICE_ROLE_SERVER, played.role);
	played.error = ENOENT;
	memset(played.armed, 0, sizeof(played.armed));
	EXPECT_EQ(-1, supervise_inherited(&self->s));
	self->s.listen.role = SLUICE_ROLE_NONE;
	EXPECT_EQ(0, supervise_inherited(&self->s));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(0, supervise_inherited(&self->s));
	ASSERT_EQ(0, connect_to(fd, &a));
	EXPECT_EQ(-1, supervise_inherited(&self->s));
	ports_fill(&self->s.ports, 0);
	EXPECT_EQ(0, supervise_inherited(&self->s));
	close(fd);
}

static int tcp_state_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ? -1 : info.tcpi_state;
}

/* To a listener whose queue is full, which lets it wait. */
static int half_connected(const struct sockaddr_in *a)
{
	int fd;

	for (int i = 0; i < 8; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect_to(fd, a);
		if (tcp_state_of(fd) == TCP_SYN_SENT)
			return fd;
		close(fd);
	}
	return -1;
}

/* Who it will be connected to cannot be asked yet. */
TEST_F(program, inherited_half_connected)
{
	struct sockaddr_in a = loopback(0);
	socklen_t length = sizeof(a);
	int server = socket(AF_INET, SOCK_STREAM, 0), fd;
	char port[16];

	self->s.listen.role = SLUICE_ROLE_NONE;
	ASSERT_EQ(0, bind(server, (struct sockaddr *)&a, length));
	ASSERT_EQ(0, listen(server, 0));
	ASSERT_EQ(0, getsockname(server, (struct sockaddr *)&a, &length));
	snprintf(port, sizeof(port), "%u", ntohs(a.sin_port));
	ports_fill(&self->s.ports, 0);
	ASSERT_EQ(0, ports_set(&self->s.ports, port, 1));
	EXPECT_EQ(0, supervise_inherited(&self->s));
	fd = half_connected(&a);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, supervise_inherited(&self->s));
	close(fd);
	EXPECT_EQ(0, supervise_inherited(&self->s));
	close(server);
}

/* What no ULP can be put on would stay plain text, and nobody would see it. */
TEST_F(program, inherited_tcp_inside)
{
	struct sockaddr_in a = loopback(server_port), any = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 262);

	if (fd < 0)
		SKIP(return, "this kernel has no MPTCP");
	EXPECT_EQ(0, supervise_inherited(&self->s));
	ASSERT_EQ(0, connect_to(fd, &a));
	EXPECT_EQ(-1, supervise_inherited(&self->s));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 262);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&any, sizeof(any)));
	ASSERT_EQ(0, listen(fd, 1));
	/* The module's word for it. */
	played.error = EOPNOTSUPP;
	EXPECT_EQ(-1, supervise_inherited(&self->s));
	self->s.listen.role = SLUICE_ROLE_NONE;
	EXPECT_EQ(0, supervise_inherited(&self->s));
	close(fd);
}

/* Other ways ---------------------------------------------------------------*/

static int takes_other_ways(void)
{
	struct sockaddr_in a = loopback(server_port);
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof(a) };
	struct mmsghdr mm = { .msg_hdr = m };
	struct io_uring_params ring = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	/* The kernel takes the lower half alone. */
	unsigned long high = 1UL << 32;

	if (sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&a, sizeof(a)) >= 0 || errno != EOPNOTSUPP)
		return 1;
	if (sendmsg(fd, &m, MSG_FASTOPEN | MSG_NOSIGNAL) >= 0 || errno != EOPNOTSUPP)
		return 2;
	if (sendmmsg(fd, &mm, 1, MSG_FASTOPEN) >= 0 || errno != EOPNOTSUPP)
		return 3;
	if (syscall(SYS_sendto, fd, "x", 1, MSG_FASTOPEN | high, &a, sizeof(a)) >= 0 ||
	    errno != EOPNOTSUPP)
		return 4;
	if (!setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)) ||
	    errno != EOPNOTSUPP)
		return 5;
	if (!syscall(SYS_setsockopt, fd, IPPROTO_TCP | high, TCP_FASTOPEN_CONNECT | high, &on,
		     sizeof(on)) || errno != EOPNOTSUPP)
		return 6;
	if (syscall(SYS_io_uring_setup, 4, &ring) >= 0 || errno != ENOSYS)
		return 7;
	if (socket(AF_INET, SOCK_STREAM, 262) >= 0 || errno != EPROTONOSUPPORT)
		return 8;
	if (socket(AF_INET6, SOCK_STREAM, 256) >= 0 || errno != EPROTONOSUPPORT)
		return 9;
	if (socket(43, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT)
		return 10;
	return filter_load(1, 1) < 0 && errno == EBUSY ? 0 : 11;
}

TEST_F(program, other_ways_are_shut)
{
	EXPECT_EQ(0, supervised(&self->s, takes_other_ways));
	EXPECT_FALSE(somebody_came(self->server));
}

static int given = -1;

static int connects_what_it_was_given(void)
{
	struct sockaddr_in a = loopback(server_port);
	int e;

	look_up("one.test", "::ffff:127.0.0.1");
	e = connect_to(given, &a);
	return e == EPROTONOSUPPORT ? 0 : e ? e : -1;
}

/* Made outside, where there is no filter. */
TEST_F(program, tcp_inside_is_refused)
{
	given = socket(AF_INET, SOCK_STREAM, 262);
	if (given < 0)
		SKIP(return, "this kernel has no MPTCP");
	EXPECT_EQ(0, supervised(&self->s, connects_what_it_was_given));
	EXPECT_FALSE(somebody_came(self->server));
	close(given);
}

#ifdef __x86_64__
#define X32	0x40000000

static int speaks_x32(void)
{
	return syscall(X32 | SYS_socket, AF_INET, SOCK_STREAM, 0) < 0;
}

static int speaks_i386(void)
{
	long result;

	asm volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	return result < 0;
}

/* Where a kernel has no such calls, it is a signal all the same. */
TEST_F(program, other_architectures_are_killed)
{
	EXPECT_EQ(128 + SIGSYS, supervised(&self->s, speaks_x32));
	EXPECT_LT(128, supervised(&self->s, speaks_i386));
}
#endif

static int speaks_no_tcp(void)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "\0sluice-unit" };
	struct sockaddr_in a = loopback(server_port);
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	int pair[2], on = 1, udp = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(server, (void *)&u, sizeof(u)) || listen(server, 1))
		return 1;
	if (connect(client, (void *)&u, sizeof(u)) || write(client, "x", 1) != 1)
		return 2;
	if (connect_to(udp, &a) || send(udp, "x", 1, 0) != 1)
		return 3;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || send(pair[0], "x", 1, MSG_DONTWAIT) != 1)
		return 4;
	return setsockopt(socket(AF_INET, SOCK_STREAM, 0), IPPROTO_TCP, TCP_NODELAY, &on,
			  sizeof(on)) ? 5 : 0;
}

TEST_F(program, what_is_not_tcp_is_left_alone)
{
	EXPECT_EQ(0, supervised(&self->s, speaks_no_tcp));
	EXPECT_EQ(0, played.calls);
}

/* Commands -----------------------------------------------------------------*/

static int command(struct supervise *s, char **argv)
{
	struct child c;
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (child_start(&c, argv, 1, 1))
		return -1;
	p[0].fd = c.signals;
	p[1].fd = c.notify;
	while (c.pid && poll(p, 2, 20000) > 0) {
		if (p[0].revents)
			child_signals(&c);
		if (p[1].revents & POLLIN)
			supervise_call(s, c.notify);
		if (p[1].revents & ~POLLIN)
			p[1].fd = -1;
	}
	close(c.notify);
	close(c.signals);
	sigprocmask(SIG_SETMASK, &c.mask, NULL);
	return c.pid ? -1 : c.status;
}

static int shell(struct supervise *s, const char *words)
{
	char *argv[] = { "bash", "-c", (char *)words, NULL };

	return command(s, argv);
}

TEST_F(program, exit_statuses)
{
	char *missing[] = { "/nonexistent", NULL };
	char *no_program[] = { "/etc/passwd", NULL };

	EXPECT_EQ(0, shell(&self->s, "exit 0"));
	EXPECT_EQ(7 << 8, shell(&self->s, "exit 7"));
	EXPECT_EQ(SIGTERM, WTERMSIG(shell(&self->s, "kill -TERM $$")));
	EXPECT_EQ(CHILD_NOT_FOUND << 8, command(&self->s, missing));
	EXPECT_EQ(CHILD_CANNOT_RUN << 8, command(&self->s, no_program));
}

TEST_F(program, signals_are_passed_on)
{
	EXPECT_EQ(5 << 8, shell(&self->s,
				"trap 'exit 5' USR1; kill -USR1 $PPID; while :; do sleep 0.01; done"));
}

/* ^C reaches the command from the terminal, and from nobody else. */
TEST_F(program, terminal)
{
	char said[256] = "";
	size_t length = 0;
	int fd, status;
	pid_t pid;

	pid = forkpty(&fd, NULL, NULL, NULL);
	ASSERT_LE(0, pid);
	if (!pid) {
		status = shell(&self->s, "n=0; trap 'n=$((n+1))' INT; echo ready;"
			       "for i in {1..20}; do sleep 0.02; done; exit $n");
		_exit(WEXITSTATUS(status));
	}
	while (!strstr(said, "ready") && length < sizeof(said) - 1)
		ASSERT_EQ(1, read(fd, said + length++, 1));
	ASSERT_EQ(1, write(fd, "\3", 1));
	waitpid(pid, &status, 0);
	EXPECT_EQ(1 << 8, status);
	close(fd);
}

/* bash asks getaddrinfo(), and connects. */
TEST_F(program, preload)
{
	char words[128];

	snprintf(words, sizeof(words), "exec 3<>/dev/tcp/localhost/%u", server_port);
	EXPECT_EQ(1 << 8, shell(&self->s, words));
	EXPECT_EQ(0, played.calls);
	setenv("LD_PRELOAD", PRELOAD, 1);
	EXPECT_EQ(0, shell(&self->s, words));
	unsetenv("LD_PRELOAD");
	EXPECT_LE(1, played.calls);
	EXPECT_STREQ("localhost", played.name);
}

/* Ports --------------------------------------------------------------------*/

TEST(ports)
{
	static const char *const bad[] = {
		"", "x", "0", "65536", "1-", "-1", "5-4", "1,", ",1", "1;2", "1-2-3", " 1",
		"99999999999999999999",
	};
	struct ports p;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, ports_set(&p, bad[i], 1)) {
			TH_LOG("taken: '%s'", bad[i]);
		}
	}
	ports_fill(&p, 0);
	EXPECT_EQ(0, ports_set(&p, "443,8000-8002,65535", 1));
	EXPECT_TRUE(ports_has(&p, 443) && ports_has(&p, 8000) && ports_has(&p, 8002) &&
		    ports_has(&p, 65535));
	EXPECT_FALSE(ports_has(&p, 442) || ports_has(&p, 444) || ports_has(&p, 8003) ||
		     ports_has(&p, 0));
	EXPECT_EQ(0, ports_set(&p, "8001", 0));
	EXPECT_FALSE(ports_has(&p, 8001));
}

TEST_HARNESS_MAIN
