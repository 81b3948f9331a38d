// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice bench: a program of its own does it, as it holds a TLS library to compare with.
 */
#include <errno.h>
#include <error.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* The program is installed beside this one. */
int cmd_bench(int argc, char **argv)
{
	static char name[] = "sluice bench";
	char path[PATH_MAX + sizeof("-bench")];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	(void)argc;
	if (n < 0)
		error(CLI_FAILED, errno, "/proc/self/exe");
	memcpy(path + n, "-bench", sizeof("-bench"));
	argv[0] = name;
	execv(path, argv);
	error(CLI_FAILED, errno, "%s", path);
	return CLI_FAILED;
}
