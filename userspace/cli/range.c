// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Range fields: libmicrohttpd hands them over as they came.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "range.h"

/* Digits only: strtoull() alone would take signs and spaces. */
static int number(const char **text, uint64_t *n)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	*n = strtoull(*text, &end, 10);
	*text = end;
	return errno ? -1 : 0;
}

static enum range_kind suffix(uint64_t wanted, uint64_t size, uint64_t *first,
			      uint64_t *length)
{
	if (!wanted || !size)
		return RANGE_UNSATISFIABLE;
	*length = wanted < size ? wanted : size;
	*first = size - *length;
	return RANGE_PART;
}

enum range_kind range_parse(const char *text, uint64_t size, uint64_t *first,
			    uint64_t *length)
{
	static const char unit[] = "bytes=";
	uint64_t from, to = UINT64_MAX;

	if (!text || strncasecmp(text, unit, strlen(unit)))
		return RANGE_WHOLE;
	text += strlen(unit);
	if (*text == '-') {
		text++;
		if (number(&text, &to) || *text)
			return RANGE_WHOLE;
		return suffix(to, size, first, length);
	}
	if (number(&text, &from) || *text++ != '-')
		return RANGE_WHOLE;
	if (*text && (number(&text, &to) || *text || to < from))
		return RANGE_WHOLE;
	if (from >= size)
		return RANGE_UNSATISFIABLE;
	*first = from;
	*length = (to < size - 1 ? to : size - 1) - from + 1;
	return RANGE_PART;
}
