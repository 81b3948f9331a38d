// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluiced's filter of system calls: what is refused, and what must go on. Each test is a
 * process of its own, and ends in the sandbox.
 */
#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../userspace/sluiced/sandbox.h"

TEST(no_programs)
{
	char *argv[] = { (char *)"/bin/true", NULL };
	pid_t child;

	ASSERT_TRUE(sandbox_enter());
	EXPECT_EQ(-1, execv(argv[0], argv));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fork());
	EXPECT_EQ(EPERM, errno);
	EXPECT_NE(0, posix_spawn(&child, argv[0], NULL, NULL, argv, NULL));
	EXPECT_EQ(-1, syscall(SYS_vfork));
	EXPECT_EQ(EPERM, errno);
}

TEST(no_networks)
{
	static const int families[] = { AF_INET, AF_INET6, AF_PACKET, AF_VSOCK, AF_ALG, 0 };
	int fd;

	ASSERT_TRUE(sandbox_enter());
	for (int i = 0; families[i]; i++) {
		EXPECT_EQ(-1, socket(families[i], SOCK_STREAM, 0));
		EXPECT_EQ(EAFNOSUPPORT, errno);
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 16);
	EXPECT_LE(0, fd);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT_LE(0, fd);
	EXPECT_EQ(-1, listen(fd, 1));
	EXPECT_EQ(EPERM, errno);
	close(fd);
}

TEST(no_namespaces)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	ASSERT_TRUE(sandbox_enter());
	EXPECT_EQ(-1, setns(fd, CLONE_NEWNET));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, unshare(CLONE_NEWUSER));
	EXPECT_EQ(EPERM, errno);
	close(fd);
}

static void *answer(void *arg)
{
	*(int *)arg = socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
	return NULL;
}

/* Threads there may be, inside as well. */
TEST(threads)
{
	pthread_t thread;
	int err = -1;

	ASSERT_TRUE(sandbox_enter());
	ASSERT_EQ(0, pthread_create(&thread, NULL, answer, &err));
	pthread_join(thread, NULL);
	EXPECT_EQ(EAFNOSUPPORT, err);
}

TEST_HARNESS_MAIN
