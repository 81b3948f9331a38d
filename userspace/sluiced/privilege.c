// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keeping keys in, and doing without power. The kernel's interfaces are used as
 * they are: a library for two system calls would be one more to trust.
 */
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "log.h"

#define CAP_WORDS	_LINUX_CAPABILITY_U32S_3

/* Later mappings are locked too, so a limit would make them fail: all or none. */
static void lock_memory(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) &&
	    (getrlimit(RLIMIT_MEMLOCK, &limit) ||
	     limit.rlim_cur != RLIM_INFINITY)) {
		log_info("memory is not locked: RLIMIT_MEMLOCK is not unlimited");
		return;
	}
	/* On fault: thread stacks would be locked in full otherwise. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_warn("memory is not locked: %m");
}

void privilege_guard_memory(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	lock_memory();
}

#ifdef __SANITIZE_ADDRESS__
#define DUMPABLE	1	/* the leak checker reads memory by ptrace */
#else
#define DUMPABLE	0
#endif

/* setuid() resets it; thus last. */
static bool forbid_dumps(void)
{
	return !prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0);
}

/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it moot. */
static void drop_bounding_set(void)
{
	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap != CAP_NET_ADMIN)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool become(const char *user)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (!pw) {
		log_err("user \"%s\": %s", user,
			errno ? strerror(errno) : "no such user");
		return false;
	}
	if (!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) &&
	    !initgroups(user, pw->pw_gid) &&
	    !setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) &&
	    !setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return true;
	log_err("cannot become user \"%s\": %m", user);
	return false;
}

static bool keep_net_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[CAP_WORDS];
	__u32 keep = CAP_TO_MASK(CAP_NET_ADMIN);

	if (syscall(SYS_capget, &head, caps))
		return false;
	for (int i = 0; i < CAP_WORDS; i++) {
		/* What was not there is missed when the agents are joined. */
		caps[i].permitted &= i == CAP_TO_INDEX(CAP_NET_ADMIN) ? keep : 0;
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	return !syscall(SYS_capset, &head, caps);
}

bool privilege_drop(const char *user)
{
	drop_bounding_set();
	if (user && !become(user))
		return false;
	if (keep_net_admin() && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    forbid_dumps())
		return true;
	log_err("cannot drop privileges: %m");
	return false;
}
