/* SPDX-License-Identifier: GPL-2.0-only */
/* Before 7.2, calls that take an address of any size say it is a sockaddr. */
#ifndef SLUICE_COMPAT_LINUX_SOCKET_H
#define SLUICE_COMPAT_LINUX_SOCKET_H

#include <linux/version.h>
#include_next <linux/socket.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
#define sockaddr_unsized sockaddr
#endif

#endif
