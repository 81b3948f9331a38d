/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room for one record in single pages: no high-order allocation, and each page
 * can go to a pipe of its own.
 */
#ifndef SLUICE_BUF_H
#define SLUICE_BUF_H

#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "record.h"

#define SLUICE_BUF_PAGES	DIV_ROUND_UP(SLUICE_RECORD_MAX, PAGE_SIZE)

/**
 * struct sluice_buf - pages back to back; all zeroes: empty
 * @count:	pages held
 * @pages:	each with one reference of ours
 */
struct sluice_buf {
	unsigned int count;
	struct page *pages[SLUICE_BUF_PAGES];
};

/**
 * sluice_buf_reserve() - have room for @len bytes, at most SLUICE_RECORD_MAX
 *
 * What is there stays. Process context. Return: 0 or -ENOMEM.
 */
int sluice_buf_reserve(struct sluice_buf *buf, size_t len);

/** sluice_buf_trim() - keep at most @keep pages, none that anybody else holds.
 * Any context.
 */
void sluice_buf_trim(struct sluice_buf *buf, unsigned int keep);

/** sluice_buf_wipe() - zero what no one else holds */
void sluice_buf_wipe(struct sluice_buf *buf);

/** sluice_buf_at() - address of byte @off; @room: bytes from there to the page's end */
void *sluice_buf_at(const struct sluice_buf *buf, size_t off, size_t *room);

/**
 * sluice_buf_sg() - describe bytes @off to @off + @len
 * @sg:		an entry for each page touched; no end is marked
 *
 * Return: entries filled.
 */
int sluice_buf_sg(const struct sluice_buf *buf, struct scatterlist *sg, size_t off, size_t len);

#endif
