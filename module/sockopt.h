/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Socket options: bytes of a program become checked keys or a request, and what
 * a socket is goes back.
 */
#ifndef SLUICE_SOCKOPT_H
#define SLUICE_SOCKOPT_H

#include <linux/sockptr.h>

struct sock;

/*
 * Members of struct proto. SOL_TLS is ours, with the errnos of the in-tree module for the
 * options of <linux/tls.h>; options of TCP that would go past the records are refused
 * with EOPNOTSUPP; the rest passes to TCP.
 */
int sluice_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		      unsigned int optlen);
int sluice_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		      int __user *optlen);

#endif
