// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may use an identity, how many handshakes a user may have under way, and
 * how much of it gets into the log.
 */
#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "../../userspace/sluiced/access.h"
#include "../../userspace/sluiced/log.h"
#include "../../userspace/sluiced/quota.h"

static struct access access_of(const char *user, const char *group)
{
	struct access access = { 0 };

	if (user && !access_add_user(&access, user))
		abort();
	if (group && !access_add_group(&access, group))
		abort();
	return access;
}

TEST(who_may)
{
	static const struct {
		const char *user, *group;
		uint32_t uid, gid, other_gid;
		int may;
	} rows[] = {
		{ NULL, NULL, 0, 0, 0, 0 },
		{ "1000", NULL, 1000, 1000, 1000, 1 },
		{ "1000", NULL, 1001, 1000, 1000, 0 },
		/* Root has no way in of its own. */
		{ "1000", NULL, 0, 0, 0, 0 },
		{ "root", NULL, 0, 5, 5, 1 },
		{ NULL, "1000", 1000, 5, 5, 0 },
		{ NULL, "1000", 5, 1000, 5, 1 },
		{ NULL, "1000", 5, 5, 1000, 1 },
		{ "7", "root", 5, 5, 0, 1 },
		{ "*", NULL, 5, 5, 5, 1 },
		{ "*", NULL, UINT32_MAX, UINT32_MAX, 5, 1 },
		{ NULL, "*", 5, 5, 5, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access access = access_of(rows[i].user, rows[i].group);
		struct access_who who = {
			.uid = rows[i].uid, .gid = rows[i].gid,
			.group_count = 2, .groups = { 77, rows[i].other_gid },
		};

		EXPECT_EQ(rows[i].may, access_allows(&access, &who)) {
			TH_LOG("row %zu", i);
		}
		access_fini(&access);
	}
}

TEST(names_that_are_none)
{
	static const char *const names[] = {
		"no such user", "1000x", "-1", "4294967295", "99999999999", ""
	};
	struct access access = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_FALSE(access_add_user(&access, names[i])) {
			TH_LOG("user \"%s\"", names[i]);
		}
		EXPECT_FALSE(access_add_group(&access, names[i])) {
			TH_LOG("group \"%s\"", names[i]);
		}
	}
	EXPECT_TRUE(access_is_empty(&access));
}

/* In a namespace where not all users have numbers, 65534 is any of the others. */
TEST(unmapped)
{
	struct access access = access_of("65534", "65534");
	struct access_who who = { .uid = ACCESS_UNMAPPED, .gid = ACCESS_UNMAPPED };
	char map[64] = "";
	int fd;

	if (unshare(CLONE_NEWUSER))
		SKIP(goto out, "no user namespace: %s", strerror(errno));
	fd = open("/proc/self/uid_map", O_RDWR);
	ASSERT_LE(0, fd);
	snprintf(map, sizeof(map), "0 0 1\n");
	EXPECT_EQ((ssize_t)strlen(map), write(fd, map, strlen(map)));
	close(fd);
	EXPECT_FALSE(access_allows(&access, &who));
out:
	access_fini(&access);
}

TEST(quota)
{
	for (int i = 0; i < 3; i++)
		EXPECT_TRUE(quota_take(1000, 3));
	EXPECT_FALSE(quota_take(1000, 3));
	/* Others have their own, also in the same place of the table. */
	EXPECT_TRUE(quota_take(1064, 3));
	quota_put(1000);
	EXPECT_TRUE(quota_take(1000, 3));
	EXPECT_FALSE(quota_take(1000, 3));
	EXPECT_TRUE(quota_take(1000, 0));
	for (int i = 0; i < 4; i++)
		quota_put(1000);
	quota_put(1064);
	EXPECT_TRUE(quota_take(1000, 1));
	EXPECT_FALSE(quota_take(1000, 1));
	quota_put(1000);
}

/* A thousand failures are a few lines, and the next says how many are missing. */
TEST(log_is_limited)
{
	char text[16384] = "", *at = text;
	int fd = memfd_create("log", 0), lines = 0, missing = 0;

	ASSERT_LE(0, fd);
	log_init(LOG_INFO);
	dup2(fd, STDERR_FILENO);
	for (int i = 0; i < 1000; i++)
		log_often(LOG_WARNING, "failed");
	sleep(1);
	log_often(LOG_WARNING, "failed");
	ASSERT_LT(0, pread(fd, text, sizeof(text) - 1, 0));
	for (; (at = strchr(at, '\n')); at++)
		lines++;
	EXPECT_LE(20, lines);
	EXPECT_GE(40, lines);
	at = strstr(text, " lines like");
	ASSERT_NE(NULL, at);
	while (at > text && at[-1] != ' ')
		at--;
	missing = atoi(at);
	/* Each of the others is one line, but for the one that counts. */
	EXPECT_EQ(1001, lines - 1 + missing);
}

TEST_HARNESS_MAIN
