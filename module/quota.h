/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many handshakes a user has under way in a network namespace: nobody fills the
 * queue alone.
 */
#ifndef SLUICE_QUOTA_H
#define SLUICE_QUOTA_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct net;

/**
 * struct sluice_quota - a user's account in a namespace
 * @node:	in the table of all, by its lock
 * @refs:	requests charged to it, by that lock
 * @net:	the namespace; an address to compare with
 * @uid:	the user
 * @pending:	handshakes under way
 */
struct sluice_quota {
	struct hlist_node node;
	unsigned int refs;
	const struct net *net;
	kuid_t uid;
	atomic_t pending;
};

/**
 * sluice_quota_get() - the account of @uid in @net, opened if need be
 *
 * Process context. Return: a reference, or NULL without memory.
 */
struct sluice_quota *sluice_quota_get(const struct net *net, kuid_t uid);

void sluice_quota_put(struct sluice_quota *quota);	/* any context but hard irq */

/** sluice_quota_charge() - one more handshake, in any case. Any context.
 *
 * Return: is that still within the limit?
 */
bool sluice_quota_charge(struct sluice_quota *quota);
void sluice_quota_uncharge(struct sluice_quota *quota);	/* any context */

#endif
