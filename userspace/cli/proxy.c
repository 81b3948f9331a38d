// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proxies of the environment. A proxy would have to be spoken to before TLS
 * starts, on a socket that is TLS from its first byte.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy.h"

static const char *set(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* "example.org" and ".example.org" both except www.example.org. */
static int excepts(const char *item, size_t length, const char *host)
{
	size_t have = strlen(host);

	if (length == 1 && *item == '*')
		return 1;
	if (length && *item == '.') {
		item++;
		length--;
	}
	if (!length || length > have ||
	    strncasecmp(host + have - length, item, length))
		return 0;
	return have == length || host[have - length - 1] == '.';
}

static int is_excepted(const char *host)
{
	static const char separators[] = ", \t";
	const char *list = set("no_proxy");

	if (!list)
		list = set("NO_PROXY");
	while (list && *list) {
		size_t length = strcspn(list, separators);

		if (length && excepts(list, length, host))
			return 1;
		list += length;
		list += strspn(list, separators);
	}
	return 0;
}

const char *proxy_in_the_way(const char *host)
{
	static const char *const names[] = {
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (set(names[i]) && !is_excepted(host))
			return names[i];
	return NULL;
}
