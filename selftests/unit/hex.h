/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes written in hexadecimal, as RFCs print them: spaces do not count. */
#ifndef SELFTESTS_UNIT_HEX_H
#define SELFTESTS_UNIT_HEX_H

#include <stdio.h>
#include <stdlib.h>

static inline size_t unhex(const char *text, unsigned char *out, size_t room)
{
	size_t n = 0;
	unsigned int byte;
	int used;

	while (sscanf(text, " %2x%n", &byte, &used) == 1) {
		if (n == room)
			abort();
		out[n++] = (unsigned char)byte;
		text += used;
	}
	return n;
}

#endif
