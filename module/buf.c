// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room for one record in single pages.
 */
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "buf.h"

/* Charged to the reader's memory cgroup: a peek or a full pipe can hold many. */
int sluice_buf_reserve(struct sluice_buf *buf, size_t len)
{
	unsigned int want = DIV_ROUND_UP(len, PAGE_SIZE);

	if (WARN_ON_ONCE(want > SLUICE_BUF_PAGES))
		return -ENOMEM;
	while (buf->count < want) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		buf->pages[buf->count++] = page;
	}
	return 0;
}

void sluice_buf_trim(struct sluice_buf *buf, unsigned int keep)
{
	unsigned int i, kept = 0;

	for (i = 0; i < buf->count; i++) {
		/* A page in a pipe is not ours to write to again. */
		if (kept < keep && page_count(buf->pages[i]) == 1)
			buf->pages[kept++] = buf->pages[i];
		else
			put_page(buf->pages[i]);
	}
	buf->count = kept;
}

void sluice_buf_wipe(struct sluice_buf *buf)
{
	unsigned int i;

	for (i = 0; i < buf->count; i++) {
		if (page_count(buf->pages[i]) == 1)
			memzero_explicit(page_address(buf->pages[i]), PAGE_SIZE);
	}
}

void *sluice_buf_at(const struct sluice_buf *buf, size_t off, size_t *room)
{
	*room = PAGE_SIZE - offset_in_page(off);
	return page_address(buf->pages[off / PAGE_SIZE]) + offset_in_page(off);
}

int sluice_buf_sg(const struct sluice_buf *buf, struct scatterlist *sg, size_t off, size_t len)
{
	int n = 0;

	while (len) {
		size_t part = min(len, PAGE_SIZE - offset_in_page(off));

		sg_set_page(&sg[n++], buf->pages[off / PAGE_SIZE], part, offset_in_page(off));
		off += part;
		len -= part;
	}
	return n;
}
