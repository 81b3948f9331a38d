// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A progress bar: share, size, mean rate and the time left by it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "progress.h"

#define PERIOD_MS	200
#define CELLS		30

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void progress_start(struct progress *p, int shown, int64_t first)
{
	*p = (struct progress){ .shown = shown, .first = first, .start = now_ms() };
}

static const char *size(char *text, size_t room, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (bytes >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, room, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return text;
}

static void draw(const struct progress *p, int64_t at, int64_t now, int64_t total)
{
	double seconds = (at > p->start ? at - p->start : 1) / 1000.0;
	double rate = (now - p->first) / seconds;
	char have[32], speed[32], bar[CELLS + 1];
	int share = total > 0 ? (int)(100.0 * now / total) : 0;

	memset(bar, ' ', CELLS);
	memset(bar, '#', share > 100 ? CELLS : CELLS * share / 100);
	bar[CELLS] = 0;
	fprintf(stderr, "\r");
	if (total > 0)
		fprintf(stderr, "%3d%% [%s] ", share, bar);
	fprintf(stderr, "%10s %10s/s", size(have, sizeof(have), now),
		size(speed, sizeof(speed), rate));
	if (total > now && rate > 0) {
		long left = (total - now) / rate;

		fprintf(stderr, "  %ld:%02ld left", left / 60, left % 60);
	} else {
		fprintf(stderr, "  in %.1f s", seconds);
	}
	fprintf(stderr, "\033[K");
	fflush(stderr);
}

void progress_update(struct progress *p, int64_t now, int64_t total)
{
	int64_t at;

	if (!p->shown)
		return;
	at = now_ms();
	if (p->drawn && at - p->drawn < PERIOD_MS)
		return;
	draw(p, at, now, total);
	p->drawn = at;
}

void progress_end(struct progress *p, int64_t now, int64_t total)
{
	if (!p->shown)
		return;
	draw(p, now_ms(), now, total);
	fputc('\n', stderr);
	p->shown = 0;
}
