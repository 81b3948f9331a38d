/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A progress bar: one line on stderr, drawn over itself.
 */
#ifndef SLUICE_CLI_PROGRESS_H
#define SLUICE_CLI_PROGRESS_H

#include <stdint.h>

/**
 * struct progress - one transfer's
 * @shown:	draw at all
 * @start:	CLOCK_MONOTONIC, ms; progress_start() sets it
 * @drawn:	when it was drawn last, ms; 0: never
 * @first:	bytes that were there before (resumed transfers)
 */
struct progress {
	int shown;
	int64_t start;
	int64_t drawn;
	int64_t first;
};

void progress_start(struct progress *p, int shown, int64_t first);

/**
 * progress_update() - draw, unless it was drawn a moment ago
 * @now:	bytes of the whole so far, those that were there before included
 * @total:	bytes of the whole; 0: not known
 */
void progress_update(struct progress *p, int64_t now, int64_t total);

/* The last state, and a new line below it. */
void progress_end(struct progress *p, int64_t now, int64_t total);

#endif /* SLUICE_CLI_PROGRESS_H */
