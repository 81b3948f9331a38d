// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The seccomp filter of sluice run. libseccomp writes the program; it is loaded
 * here, with a flag that libseccomp learned only in 2.6.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "filter.h"
#include "tcp_others.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	(1UL << 5)
#endif

enum side {
	BOTH,
	CLIENT,
	SERVER,
};

/* The kernel takes an int from the lower half of a register; so must the filter,
 * or a program could hide a value by setting the upper one.
 */
#define ARG_IS(n, value)   { n, SCMP_CMP_MASKED_EQ, 0xffffffff, (value) }
#define ARG_HAS(n, bit)    { n, SCMP_CMP_MASKED_EQ, (bit), (bit) }

static const struct rule {
	enum side side;
	int call;
	uint32_t action;
	unsigned int args;
	struct scmp_arg_cmp arg[2];
} rules[] = {
	{ CLIENT, SCMP_SYS(connect), SCMP_ACT_NOTIFY, 0, { } },
	{ SERVER, SCMP_SYS(listen), SCMP_ACT_NOTIFY, 0, { } },
	/* It connects and listens without a system call that could be seen. */
	{ BOTH, SCMP_SYS(io_uring_setup), SCMP_ACT_ERRNO(ENOSYS), 0, { } },
	{ BOTH, SCMP_SYS(io_uring_enter), SCMP_ACT_ERRNO(ENOSYS), 0, { } },
	{ BOTH, SCMP_SYS(io_uring_register), SCMP_ACT_ERRNO(ENOSYS), 0, { } },
	/* Connects that are no connect(), and a connect() that sends data. */
	{ CLIENT, SCMP_SYS(sendto), SCMP_ACT_ERRNO(EOPNOTSUPP), 1,
	  { ARG_HAS(3, MSG_FASTOPEN) } },
	{ CLIENT, SCMP_SYS(sendmsg), SCMP_ACT_ERRNO(EOPNOTSUPP), 1,
	  { ARG_HAS(2, MSG_FASTOPEN) } },
	{ CLIENT, SCMP_SYS(sendmmsg), SCMP_ACT_ERRNO(EOPNOTSUPP), 1,
	  { ARG_HAS(3, MSG_FASTOPEN) } },
	{ CLIENT, SCMP_SYS(setsockopt), SCMP_ACT_ERRNO(EOPNOTSUPP), 2,
	  { ARG_IS(1, IPPROTO_TCP), ARG_IS(2, TCP_FASTOPEN_CONNECT) } },
	/* TCP inside, but no TCP socket that the module could take. */
	{ BOTH, SCMP_SYS(socket), SCMP_ACT_ERRNO(EPROTONOSUPPORT), 1,
	  { ARG_IS(2, IPPROTO_MPTCP) } },
	{ BOTH, SCMP_SYS(socket), SCMP_ACT_ERRNO(EPROTONOSUPPORT), 1,
	  { ARG_IS(2, IPPROTO_SMC) } },
	{ BOTH, SCMP_SYS(socket), SCMP_ACT_ERRNO(EAFNOSUPPORT), 1,
	  { ARG_IS(0, AF_SMC) } },
};

static int add_rules(scmp_filter_ctx filter, int client, int server)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		int e;

		if ((r->side == CLIENT && !client) || (r->side == SERVER && !server))
			continue;
		e = seccomp_rule_add_array(filter, r->action, r->call, r->args, r->arg);
		if (e)
			return e;
	}
	/* Numbers mean other calls there. */
	return seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
}

/* The filter's program is written to a file. Return: its length in bytes, or -1. */
static ssize_t write_program(int fd, int client, int server)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct stat st;
	int e;

	if (!filter) {
		errno = ENOMEM;
		return -1;
	}
	e = add_rules(filter, client, server);
	if (!e)
		e = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	errno = -e;
	return e || fstat(fd, &st) ? -1 : st.st_size;
}

/*
 * WAIT_KILLABLE_RECV: a signal that comes while the supervisor is at work shall
 * not end connect() with EINTR, which tells a program that the connection is
 * under way. Before the supervisor has taken the call, one still may.
 */
static int load_program(struct sock_fprog *program)
{
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
}

int filter_load(int client, int server)
{
	int file = memfd_create("filter", MFD_CLOEXEC);
	struct sock_fprog program = { 0 };
	int fd = -1, saved;
	ssize_t size;

	if (file < 0)
		return -1;
	size = write_program(file, client, server);
	if (size > 0)
		program.filter = malloc(size);
	if (program.filter && pread(file, program.filter, size, 0) == size) {
		program.len = size / sizeof(*program.filter);
		fd = load_program(&program);
	}
	saved = errno;
	free(program.filter);
	close(file);
	errno = saved;
	return fd;
}
