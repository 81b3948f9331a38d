// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What becomes of a supervised program's connect() and listen().
 *
 * The kernel reads the call's arguments again when it is told to go on, and by
 * then another thread of the program may have changed them. So nothing that is
 * read from its memory decides whether a TCP socket is armed, but the port where
 * ports were chosen; an address decides which name the certificate must have,
 * and a wrong one ends in a refused certificate. What a program could still do,
 * if it meant to, is to put another socket behind the number of the descriptor
 * just then: this is no sandbox.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "../preload/record.h"
#include "listener.h"
#include "supervise.h"
#include "target.h"
#include "tcp_others.h"

/* A verdict: 0 or an errno that the call ends with, or this. */
#define GO_ON		(-1)

/* An address to connect to, as far as it concerns us. */
struct destination {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		char bytes[sizeof(struct sockaddr_storage)];
	};
	socklen_t length;
	struct in6_addr address;	/* IPv4 mapped into it */
	uint16_t port;
};

/* --- words --- */

static void __attribute__((format(printf, 2, 3)))
say(struct supervise *s, const char *format, ...)
{
	char line[sizeof(s->said)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* A program that tries again and again is told once. */
	if (!strcmp(line, s->said))
		return;
	memcpy(s->said, line, sizeof(line));
	error(0, 0, "%s", line);
}

/* A program @who and what its call came to. */
static void report(struct supervise *s, const struct target *t, const char *call,
		   const char *where, const char *what)
{
	char who[32];

	target_name(t, who, sizeof(who));
	say(s, "%s[%d]: %s %s: %s", who, (int)t->tid, call, where, what);
}

static int refuse(struct supervise *s, const struct target *t, const char *call,
		  const char *where, int e)
{
	char reason[256];

	report(s, t, call, where, sluice_strerror(e, NULL, reason, sizeof(reason)));
	return e;
}

/* --- sockets --- */

static int option(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &length) ? -1 : value;
}

static int is_ip(int fd)
{
	int domain = option(fd, SO_DOMAIN);

	return domain == AF_INET || domain == AF_INET6;
}

static int is_tcp(int fd)
{
	return is_ip(fd) && option(fd, SO_PROTOCOL) == IPPROTO_TCP;
}

/* The filter lets no program make one, but it could have been given one. */
static int is_tcp_inside(int fd)
{
	int protocol = option(fd, SO_PROTOCOL);

	return option(fd, SO_DOMAIN) == AF_SMC ||
	       (is_ip(fd) && (protocol == IPPROTO_MPTCP || protocol == IPPROTO_SMC));
}

static int is_armed(int fd)
{
	struct sluice_info info;

	return !sluice_get_info(fd, &info) && info.state != SLUICE_STATE_RAW;
}

/* TCP_CLOSE and so on, of <netinet/tcp.h>. */
static int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	memset(&info, 0, sizeof(info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ? -1 : info.tcpi_state;
}

/* Its own address in words; 0: it has no port yet. */
static uint16_t local_port(int fd, char *where, size_t size)
{
	struct sockaddr_in6 a = { 0 };
	socklen_t length = sizeof(a);

	snprintf(where, size, "?");
	if (getsockname(fd, (struct sockaddr *)&a, &length))
		return 0;
	listener_name((struct sockaddr *)&a, length, where, size);
	/* sin_port is in the same place. */
	return ntohs(a.sin6_port);
}

/* --- connect --- */

static void map_address(struct destination *d)
{
	if (d->any.sa_family == AF_INET6) {
		d->address = d->v6.sin6_addr;
		d->port = ntohs(d->v6.sin6_port);
		return;
	}
	d->address = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&d->address.s6_addr[12], &d->v4.sin_addr, sizeof(d->v4.sin_addr));
	d->port = ntohs(d->v4.sin_port);
}

/* 0 or the errno that connect() would give. */
static int read_destination(const struct target *t, struct destination *d,
			    uint64_t from, uint64_t length)
{
	memset(d, 0, sizeof(*d));
	if ((int)length < (int)sizeof(d->any.sa_family) || (int)length > (int)sizeof(d->bytes))
		return EINVAL;
	d->length = (int)length;
	if (target_read(t, d->bytes, from, d->length))
		return errno;
	switch (d->any.sa_family) {
	case AF_UNSPEC:
		return 0;
	case AF_INET:
		if (d->length < sizeof(d->v4))
			return EINVAL;
		break;
	case AF_INET6:
		/* Without sin6_scope_id: RFC 2133, and the kernel. */
		if (d->length < offsetof(struct sockaddr_in6, sin6_scope_id))
			return EINVAL;
		break;
	default:
		return EAFNOSUPPORT;
	}
	map_address(d);
	return 0;
}

/* The program knows its server by digits alone. */
static const char *digits(const struct destination *d, char *text, size_t size)
{
	if (IN6_IS_ADDR_V4MAPPED(&d->address))
		inet_ntop(AF_INET, &d->address.s6_addr[12], text, size);
	else
		inet_ntop(AF_INET6, &d->address, text, size);
	return text;
}

/*
 * What the certificate must be for. Return: 0, or EACCES. @text: room for an
 * address.
 */
static int find_name(struct supervise *s, const struct target *t, const struct destination *d,
		     const char *where, const char **name, char *text)
{
	const char *why;

	*name = s->connect.server_name;
	if (*name)
		return 0;
	switch (names_find(&s->names, target_process(t), &d->address, name)) {
	case NAMES_ONE:
		if (!**name)
			*name = digits(d, text, INET6_ADDRSTRLEN);
		return 0;
	case NAMES_NONE:
		why = "refused: the program has not looked up a name for this address; --name says which to check";
		break;
	default:
		why = "refused: several names have led to this address; --name says which to check";
		break;
	}
	if (s->connect.flags & SLUICE_F_NO_NAME_CHECK)
		return 0;
	report(s, t, "connect", where, why);
	return EACCES;
}

static int arm_connect(struct supervise *s, const struct target *t, int fd,
		       const struct destination *d)
{
	struct sluice_options options = s->connect;
	char where[80], text[INET6_ADDRSTRLEN], what[SLUICE_NAME_MAX + 32];
	int e;

	listener_name(&d->any, d->length, where, sizeof(where));
	e = find_name(s, t, d, where, &options.server_name, text);
	if (e)
		return e;
	if (sluice_arm(fd, &options))
		return refuse(s, t, "connect", where, errno);
	if (s->verbose) {
		snprintf(what, sizeof(what), "TLS, server name %s",
			 options.server_name ? options.server_name : "not checked");
		report(s, t, "connect", where, what);
	}
	return GO_ON;
}

static int connect_tcp(struct supervise *s, const struct target *t, int fd,
		       const struct seccomp_data *call)
{
	struct destination d;
	int e, state;

	if (is_armed(fd))
		return GO_ON;
	e = read_destination(t, &d, call->args[1], call->args[2]);
	if (e)
		return e;
	/* Waits for nothing, and nobody can make another address of it. */
	if (d.any.sa_family == AF_UNSPEC)
		return connect(fd, &d.any, d.length) ? errno : 0;
	state = tcp_state(fd);
	if (state != TCP_CLOSE && state != TCP_SYN_SENT)
		return GO_ON;	/* to EISCONN */
	if (!ports_has(&s->ports, d.port))
		return GO_ON;
	return arm_connect(s, t, fd, &d);
}

/* --- listen --- */

static int wants_listener(const struct supervise *s, uint16_t port)
{
	return s->listen.role && (!port || ports_has(&s->ports, port));
}

static int listen_tcp(struct supervise *s, const struct target *t, int fd,
		      const struct seccomp_data *call)
{
	char where[80];
	uint16_t port = local_port(fd, where, sizeof(where));

	(void)call;
	if (is_armed(fd) || !wants_listener(s, port))
		return GO_ON;
	if (sluice_arm(fd, &s->listen))
		return refuse(s, t, "listen", where, errno);
	if (s->verbose)
		report(s, t, "listen", where, "TLS");
	return GO_ON;
}

/* --- calls --- */

/* Of libsluice-names.so. */
static int is_record(const struct seccomp_data *call)
{
	return call->nr == SYS_connect && (int)call->args[0] == NAMES_FD &&
	       call->args[2] == sizeof(struct names_record);
}

static int take_record(struct supervise *s, const struct target *t, uint64_t from)
{
	struct names_record r;
	struct in6_addr address;

	if (target_read(t, &r, from, sizeof(r)))
		return errno;
	if (memcmp(r.magic, NAMES_MAGIC, sizeof(NAMES_MAGIC)) ||
	    !memchr(r.name, 0, sizeof(r.name)))
		return EBADF;
	memcpy(&address, r.address, sizeof(address));
	if (!names_add(&s->names, target_process(t), &address, r.name))
		return 0;
	report(s, t, "name", r.name, strerror(errno));
	return errno;
}

static int judge_socket(struct supervise *s, const struct target *t, int fd,
			const struct seccomp_data *call)
{
	int is_connect = call->nr == SYS_connect;

	if (is_tcp(fd))
		return is_connect ? connect_tcp(s, t, fd, call) : listen_tcp(s, t, fd, call);
	if (is_tcp_inside(fd)) {
		report(s, t, is_connect ? "connect" : "listen",
		       "of a socket with TCP inside (MPTCP, SMC)", "refused");
		return EPROTONOSUPPORT;
	}
	/* No socket: its descriptor may be one by the time the kernel looks. */
	return option(fd, SO_TYPE) < 0 ? ENOTSOCK : GO_ON;
}

static int judge(struct supervise *s, const struct target *t, const struct seccomp_data *call)
{
	char number[16];
	int verdict;
	int fd;

	if (is_record(call))
		return take_record(s, t, call->args[1]);
	fd = target_socket(t, (int)call->args[0]);
	if (fd < 0) {
		snprintf(number, sizeof(number), "%d", (int)call->args[0]);
		/* The program's own affair, and nobody's any more. */
		return errno == EBADF || errno == ESRCH ? errno :
		       refuse(s, t, "look at descriptor", number, errno);
	}
	verdict = judge_socket(s, t, fd, call);
	close(fd);
	return verdict;
}

/* The thread may be gone meanwhile: then nobody waits, and nothing is lost. */
static int answer(int notify, uint64_t id, int verdict)
{
	struct seccomp_notif_resp r = { .id = id };

	if (verdict == GO_ON)
		r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		r.error = -verdict;
	if (ioctl(notify, SECCOMP_IOCTL_NOTIF_SEND, &r) && errno != ENOENT)
		return -1;
	return 0;
}

int supervise_call(struct supervise *s, int notify)
{
	struct seccomp_notif n = { 0 };
	struct target t;
	int verdict;

	if (ioctl(notify, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
		/* It was interrupted before we came. */
		return errno == ENOENT || errno == EINTR ? 0 : -1;
	}
	if (target_open(&t, notify, n.id, n.pid))
		return answer(notify, n.id, errno);
	verdict = judge(s, &t, &n.data);
	target_close(&t);
	return answer(notify, n.id, verdict);
}

/* --- what was there before --- */

/* Is one end a port that was chosen? Whose other end is not known, may be one. */
static int is_chosen(const struct supervise *s, int fd, uint16_t port)
{
	struct sockaddr_in6 a = { 0 };
	socklen_t length = sizeof(a);

	return ports_has(&s->ports, port) || getpeername(fd, (struct sockaddr *)&a, &length) ||
	       ports_has(&s->ports, ntohs(a.sin6_port));
}

static int check_inherited(struct supervise *s, int fd)
{
	char where[80];
	uint16_t port;

	if ((!is_tcp(fd) && !is_tcp_inside(fd)) || is_armed(fd) || tcp_state(fd) == TCP_CLOSE)
		return 0;
	port = local_port(fd, where, sizeof(where));
	if (tcp_state(fd) == TCP_LISTEN) {
		if (!wants_listener(s, port) || !sluice_arm(fd, &s->listen))
			return 0;
		error(0, errno, "descriptor %d, listening on %s", fd, where);
		return -1;
	}
	if (!is_chosen(s, fd, port))
		return 0;
	error(0, 0, "descriptor %d is a TCP connection already (%s) and would stay plain text: redirect or close it",
	      fd, where);
	return -1;
}

int supervise_inherited(struct supervise *s)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	int bad = 0;

	if (!d) {
		error(0, errno, "/proc/self/fd");
		return -1;
	}
	while (!bad && (entry = readdir(d)))
		if (*entry->d_name != '.')
			bad = check_inherited(s, atoi(entry->d_name));
	closedir(d);
	return bad;
}
