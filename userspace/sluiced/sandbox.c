// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A filter of system calls. It names what is refused, not what is allowed: which calls
 * OpenSSL and the C library make differs from version to version, and a daemon that fails
 * of one of them serves nobody. systemd's filter in sluiced.service comes on top.
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"

static const int sandbox_refused[] = {
	/* other programs and processes */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(userfaultfd),
#ifndef __SANITIZE_ADDRESS__
	SCMP_SYS(ptrace),	/* by which the leak checker stops its threads */
#endif
	/* to be talked to */
	SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
	/* calls past this filter */
	SCMP_SYS(io_uring_setup),
	/* the kernel and its keyrings */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(keyctl),
	/* the view of the system */
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(chroot), SCMP_SYS(pivot_root),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(open_tree), SCMP_SYS(move_mount),
	SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(mount_setattr),
	SCMP_SYS(open_by_handle_at),
};

static int sandbox_refuse(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(sandbox_refused) / sizeof(sandbox_refused[0]) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), sandbox_refused[i], 0);
	return err;
}

/* Threads share memory, processes would not. clone3 hides its flags in memory; without it
 * the C library uses clone.
 */
static int sandbox_refuse_processes(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	return err ? err : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_VM, 0));
}

/* The module, systemd and the databases of users are all there is to talk to. */
static int sandbox_refuse_networks(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				   SCMP_A0(SCMP_CMP_GT, AF_NETLINK));

	for (unsigned int family = 0; family < AF_NETLINK && !err; family++)
		if (family != AF_UNIX)
			err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
					       SCMP_SYS(socket), 1,
					       SCMP_A0(SCMP_CMP_EQ, family));
	return err;
}

bool sandbox_enter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? sandbox_refuse(filter) : -ENOMEM;

	/* A tree instead of a list: it is walked in every call. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = sandbox_refuse_processes(filter);
	if (!err)
		err = sandbox_refuse_networks(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		log_err("cannot filter system calls: %s", strerror(-err));
	return !err;
}
