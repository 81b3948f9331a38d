// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of TCP ports, and the lists that people write of them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ports.h"

void ports_fill(struct ports *p, int all)
{
	memset(p->bit, all ? 0xff : 0, sizeof(p->bit));
}

/* Return: the number, or 0; @at is moved behind it. */
static unsigned long number(const char **at)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)**at))
		return 0;
	n = strtoul(*at, &end, 10);
	*at = end;
	return n > 65535 ? 0 : n;
}

static void set(struct ports *p, unsigned long port, int in)
{
	uint8_t bit = 1U << port % 8;

	if (in)
		p->bit[port / 8] |= bit;
	else
		p->bit[port / 8] &= ~bit;
}

int ports_set(struct ports *p, const char *list, int in)
{
	for (;;) {
		unsigned long first = number(&list), last = first;

		if (*list == '-') {
			list++;
			last = number(&list);
		}
		if (!first || last < first)
			return -1;
		for (; first <= last; first++)
			set(p, first, in);
		if (!*list)
			return 0;
		if (*list++ != ',')
			return -1;
	}
}

int ports_has(const struct ports *p, uint16_t port)
{
	return p->bit[port / 8] >> port % 8 & 1;
}
