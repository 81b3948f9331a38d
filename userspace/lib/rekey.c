// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fresh keys for an open socket.
 */
#include <sys/socket.h>

#include <sluice.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

int sluice_rekey(int fd, uint32_t flags)
{
	return setsockopt(fd, SOL_TLS, SLUICE_REKEY, &flags, sizeof(flags));
}
