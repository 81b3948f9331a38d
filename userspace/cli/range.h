/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one kind of range request that is served: a single range of bytes.
 */
#ifndef SLUICE_CLI_RANGE_H
#define SLUICE_CLI_RANGE_H

#include <stdint.h>

enum range_kind {
	RANGE_WHOLE,		/* none, or one to be ignored: all of it */
	RANGE_PART,
	RANGE_UNSATISFIABLE,	/* 416 */
};

/**
 * range_parse() - judge a Range field (RFC 9110 14.2)
 * @text:	its value, or NULL
 * @size:	bytes of the file
 * @first:	set to the first byte of the part
 * @length:	set to its length
 *
 * What is malformed, of another unit, or several ranges at once, is ignored, as
 * the RFC allows.
 */
enum range_kind range_parse(const char *text, uint64_t size, uint64_t *first,
			    uint64_t *length);

#endif /* SLUICE_CLI_RANGE_H */
