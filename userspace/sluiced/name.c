// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host names as they may be asked for, sent as SNI and compared with
 * certificates. ASCII only: other names come in their A-label form.
 */
#include "name.h"

#include <arpa/inet.h>
#include <string.h>

#define NAME_LABEL_MAX	63

static bool name_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool name_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '_';
}

bool name_is_host(const char *text)
{
	size_t label = 0, len = 0;
	bool letters = false;

	for (; text[len]; len++) {
		if (text[len] == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!name_is_digit(text[len]) && !name_is_letter(text[len]))
			return false;
		letters |= name_is_letter(text[len]);
		if (++label > NAME_LABEL_MAX)
			return false;
	}
	return label && letters && len <= NAME_HOST_MAX;
}

bool name_is_address(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, text, &addr) == 1 ||
	       inet_pton(AF_INET6, text, &addr) == 1;
}

bool name_take(char to[NAME_HOST_MAX + 1], const unsigned char *from, size_t len)
{
	if (len && from[len - 1] == '.')
		len--;
	if (!len || len > NAME_HOST_MAX || memchr(from, '\0', len))
		return false;
	for (size_t i = 0; i < len; i++)
		to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ?
			       from[i] - 'A' + 'a' : from[i]);
	to[len] = '\0';
	return name_is_host(to);
}
