/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before 7.2, recvmsg tells the length of the address it has put into @msg through a
 * pointer of its own; since then, through msg->msg_namelen.
 */
#ifndef SLUICE_COMPAT_NET_SOCK_H
#define SLUICE_COMPAT_NET_SOCK_H

#include <linux/version.h>
#include_next <net/sock.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)

/* What struct proto takes, made of @fn as 7.2 calls it. */
#define COMPAT_RECVMSG(fn)							\
static int fn##_compat(struct sock *sk, struct msghdr *msg, size_t len,		\
		       int flags, int *addr_len)				\
{										\
	int ret;								\
										\
	msg->msg_namelen = 0;							\
	ret = fn(sk, msg, len, flags);						\
	*addr_len = msg->msg_namelen;						\
	return ret;								\
}

static inline int compat_recvmsg(const struct proto *prot, struct sock *sk,
				 struct msghdr *msg, size_t len, int flags)
{
	int addr_len = 0;
	int ret = prot->recvmsg(sk, msg, len, flags, &addr_len);

	msg->msg_namelen = addr_len;
	return ret;
}

#else

#define COMPAT_RECVMSG(fn)							\
static int fn##_compat(struct sock *sk, struct msghdr *msg, size_t len, int flags) \
{										\
	return fn(sk, msg, len, flags);						\
}

static inline int compat_recvmsg(const struct proto *prot, struct sock *sk,
				 struct msghdr *msg, size_t len, int flags)
{
	return prot->recvmsg(sk, msg, len, flags);
}

#endif

#endif
