/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before 7.2, a ULP is asked for its information only for those who administer the
 * network; since then it is told who asks.
 */
#ifndef SLUICE_COMPAT_NET_TCP_H
#define SLUICE_COMPAT_NET_TCP_H

#include <linux/version.h>
#include_next <net/tcp.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)

/* What struct tcp_ulp_ops takes, made of @fn as 7.2 calls it. */
#define COMPAT_ULP_GET_INFO(fn)							\
static int fn##_compat(struct sock *sk, struct sk_buff *skb)			\
{										\
	return fn(sk, skb, true);						\
}

#define COMPAT_ULP_GET_INFO_SIZE(fn)						\
static size_t fn##_compat(const struct sock *sk)				\
{										\
	return fn(sk, true);							\
}

#else

#define COMPAT_ULP_GET_INFO(fn)							\
static int fn##_compat(struct sock *sk, struct sk_buff *skb, bool net_admin)	\
{										\
	return fn(sk, skb, net_admin);						\
}

#define COMPAT_ULP_GET_INFO_SIZE(fn)						\
static size_t fn##_compat(const struct sock *sk, bool net_admin)		\
{										\
	return fn(sk, net_admin);						\
}

#endif

#endif
