// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines on stderr. sluiced keeps no log of its own: systemd's journal, or
 * whoever started it, does.
 */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int log_level = LOG_INFO;
static bool log_journal;

void log_init(int level)
{
	log_level = level;
	log_journal = getenv("JOURNAL_STREAM");
}

void log_line(int level, const char *fmt, ...)
{
	char line[1024];
	size_t at, start = 0;
	va_list ap;
	int len;

	if (level > log_level)
		return;
	if (log_journal)
		start = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else
		start = (size_t)snprintf(line, sizeof(line), "sluiced: ");
	va_start(ap, fmt);
	len = vsnprintf(line + start, sizeof(line) - start - 1, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	for (at = start; line[at]; at++)
		if ((unsigned char)line[at] < ' ' || line[at] == 0x7f)
			line[at] = '?';
	line[at++] = '\n';
	/* Nowhere to report that the log cannot be written. */
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}
