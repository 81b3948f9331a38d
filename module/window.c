// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning, describing and wiping a stretch of a program's memory.
 */
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uio.h>

#include "window.h"

bool sluice_window_reach(struct sluice_window *w, size_t want, size_t ahead)
{
	struct page **pages = w->pages;
	ssize_t got;

	if (sluice_window_left(w) >= want)
		return true;

	sluice_window_close(w);
	got = iov_iter_extract_pages(w->iter, &pages, ahead, SLUICE_WINDOW_PAGES, 0, &w->first);
	if (got <= 0)
		return false;
	w->len = got;
	w->count = DIV_ROUND_UP(w->first + got, PAGE_SIZE);
	return w->len >= want;
}

int sluice_window_sg(const struct sluice_window *w, struct scatterlist *sg, size_t len)
{
	size_t pos = w->first + w->used;
	int n = 0;

	while (len) {
		size_t part = min(len, PAGE_SIZE - offset_in_page(pos));

		sg_set_page(&sg[n++], w->pages[pos / PAGE_SIZE], part, offset_in_page(pos));
		pos += part;
		len -= part;
	}
	return n;
}

void sluice_window_wipe(const struct sluice_window *w, size_t len)
{
	size_t pos = w->first + w->used;

	while (len) {
		size_t part = min(len, PAGE_SIZE - offset_in_page(pos));

		memzero_page(w->pages[pos / PAGE_SIZE], offset_in_page(pos), part);
		pos += part;
		len -= part;
	}
}

void sluice_window_close(struct sluice_window *w)
{
	if (!w->len)
		return;
	unpin_user_pages_dirty_lock(w->pages, w->count, iov_iter_rw(w->iter) == READ);
	iov_iter_revert(w->iter, sluice_window_left(w));
	w->len = 0;
	w->used = 0;
}
