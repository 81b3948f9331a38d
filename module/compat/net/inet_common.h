/* SPDX-License-Identifier: GPL-2.0-only */
/* inet_recv_error() went the way of recvmsg: see sock.h beside this file. */
#ifndef SLUICE_COMPAT_NET_INET_COMMON_H
#define SLUICE_COMPAT_NET_INET_COMMON_H

#include <linux/version.h>
#include_next <net/inet_common.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)

static inline int compat_inet_recv_error(struct sock *sk, struct msghdr *msg, int len)
{
	int addr_len = 0;
	int ret = inet_recv_error(sk, msg, len, &addr_len);

	msg->msg_namelen = addr_len;
	return ret;
}

#define inet_recv_error compat_inet_recv_error

#endif

#endif
