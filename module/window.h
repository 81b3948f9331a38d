/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stretch of a program's memory, pinned once for many records that are opened
 * straight into it, or sealed from it.
 */
#ifndef SLUICE_WINDOW_H
#define SLUICE_WINDOW_H

#include <linux/scatterlist.h>
#include <linux/types.h>

struct iov_iter;

#define SLUICE_WINDOW_PAGES	64

/**
 * struct sluice_window - pinned pages; on the stack of the call
 * @iter:	where they were taken from; advanced to the end of the window while it
 *		is open
 * @len:	bytes pinned, 0: closed
 * @used:	of them, bytes done
 * @first:	where they begin in the first page
 * @count:	pages
 * @pages:	each pinned
 */
struct sluice_window {
	struct iov_iter *iter;
	size_t len;
	size_t used;
	size_t first;
	unsigned int count;
	struct page *pages[SLUICE_WINDOW_PAGES];
};

static inline void sluice_window_init(struct sluice_window *w, struct iov_iter *iter)
{
	w->iter = iter;
	w->len = 0;
	w->used = 0;
}

/** sluice_window_left() - bytes ahead; the iterator stands behind them */
static inline size_t sluice_window_left(const struct sluice_window *w)
{
	return w->len - w->used;
}

/**
 * sluice_window_reach() - have at least @want bytes in one piece ahead
 * @ahead:	bytes worth pinning if the window must move
 *
 * May fault pages in. Return: whether they are there; if not, nothing is lost,
 * the reader's memory is merely cut differently, or not there at all.
 */
bool sluice_window_reach(struct sluice_window *w, size_t want, size_t ahead);

/** sluice_window_sg() - describe the next @len bytes, reached before; no end is marked.
 * Return: entries filled.
 */
int sluice_window_sg(const struct sluice_window *w, struct scatterlist *sg, size_t len);

/** sluice_window_take() - the next @len bytes are done */
static inline void sluice_window_take(struct sluice_window *w, size_t len)
{
	w->used += len;
}

/** sluice_window_wipe() - zero the next @len bytes: the reader may see none of them */
void sluice_window_wipe(const struct sluice_window *w, size_t len);

/** sluice_window_close() - unpin; the iterator stands behind what was taken */
void sluice_window_close(struct sluice_window *w);

#endif
