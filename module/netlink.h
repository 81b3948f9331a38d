/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family "sluice": what agents say and ask.
 */
#ifndef SLUICE_NETLINK_H
#define SLUICE_NETLINK_H

#include <linux/types.h>

struct net;

/**
 * sluice_netlink_ready() - wake the agents of a namespace
 * @net:	namespace
 * @gfp:	GFP_ATOMIC where sleeping is not allowed
 *
 * Any context but hard irq. Return: is there an agent?
 */
bool sluice_netlink_ready(struct net *net, gfp_t gfp);

/** sluice_netlink_served() - is there an agent in @net? Wakes nobody; context as above. */
bool sluice_netlink_served(struct net *net, gfp_t gfp);

/* After sluice_hs_init(); exit before sluice_hs_exit(). */
int sluice_netlink_init(void);
void sluice_netlink_exit(void);

#endif
