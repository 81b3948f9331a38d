// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines on stderr. sluiced keeps no log of its own: systemd's journal, or
 * whoever started it, does.
 */
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOG_BURST	20	/* lines of log_often() at once */
#define LOG_PER_SECOND	2	/* and from then on */

static int log_level = LOG_INFO;
static bool log_journal;

void log_init(int level)
{
	log_level = level;
	log_journal = getenv("JOURNAL_STREAM");
}

/* One write for the whole line; nowhere to report that it cannot be written. */
static void log_write(int level, const char *fmt, va_list ap)
{
	char line[1024];
	size_t at, start;
	int len;

	if (log_journal)
		start = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else
		start = (size_t)snprintf(line, sizeof(line), "sluiced: ");
	len = vsnprintf(line + start, sizeof(line) - start - 1, fmt, ap);
	if (len < 0)
		return;
	for (at = start; line[at]; at++)
		if ((unsigned char)line[at] < ' ' || line[at] == 0x7f)
			line[at] = '?';
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}

bool log_has(int level)
{
	return level <= log_level;
}

void log_line(int level, const char *fmt, ...)
{
	va_list ap;

	if (!log_has(level))
		return;
	va_start(ap, fmt);
	log_write(level, fmt, ap);
	va_end(ap);
}

/* Tokens come back one by one with time. Return: whether there was one; then
 * *@missed has the number of lines left out since the last one.
 */
static bool log_may(unsigned int *missed)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int tokens = LOG_BURST, left_out;
	static time_t last;
	struct timespec now;
	time_t more;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&lock);
	more = (now.tv_sec - last) * LOG_PER_SECOND;
	last = now.tv_sec;
	tokens = more > LOG_BURST - (time_t)tokens ? LOG_BURST :
						     tokens + (unsigned int)more;
	ok = tokens;
	*missed = left_out;
	if (ok)
		tokens--;
	left_out = ok ? 0 : left_out + 1;
	pthread_mutex_unlock(&lock);
	return ok;
}

void log_often(int level, const char *fmt, ...)
{
	unsigned int missed;
	va_list ap;

	if (!log_has(level) || !log_may(&missed))
		return;
	if (missed)
		log_line(level, "%u lines like the next one were left out", missed);
	va_start(ap, fmt);
	log_write(level, fmt, ap);
	va_end(ap);
}
