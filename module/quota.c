// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounts of users: opened when a program arms a socket, where memory may be waited
 * for, so that a handshake which starts in softirq only counts. They go with the last
 * request of their user.
 */
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "quota.h"

static unsigned int max_pending_per_user = 2048;
module_param(max_pending_per_user, uint, 0644);
MODULE_PARM_DESC(max_pending_per_user,
		 "handshakes that a user may have under way in a network namespace");

static DEFINE_HASHTABLE(quota_table, 6);
static DEFINE_SPINLOCK(quota_lock);	/* quota_table, refs; taken in softirq */

static unsigned long quota_key(const struct net *net, kuid_t uid)
{
	return (unsigned long)net ^ __kuid_val(uid);
}

static struct sluice_quota *quota_find(const struct net *net, kuid_t uid)
{
	struct sluice_quota *quota;

	lockdep_assert_held(&quota_lock);
	hash_for_each_possible(quota_table, quota, node, quota_key(net, uid))
		if (quota->net == net && uid_eq(quota->uid, uid))
			return quota;
	return NULL;
}

struct sluice_quota *sluice_quota_get(const struct net *net, kuid_t uid)
{
	struct sluice_quota *quota, *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);

	if (!fresh)
		return NULL;
	fresh->net = net;
	fresh->uid = uid;
	spin_lock_bh(&quota_lock);
	quota = quota_find(net, uid);
	if (!quota) {
		quota = fresh;
		fresh = NULL;
		hash_add(quota_table, &quota->node, quota_key(net, uid));
	}
	quota->refs++;
	spin_unlock_bh(&quota_lock);
	kfree(fresh);
	return quota;
}

void sluice_quota_put(struct sluice_quota *quota)
{
	bool last;

	spin_lock_bh(&quota_lock);
	last = !--quota->refs;
	if (last)
		hash_del(&quota->node);
	spin_unlock_bh(&quota_lock);
	if (last)
		kfree(quota);
}

bool sluice_quota_charge(struct sluice_quota *quota)
{
	return atomic_inc_return(&quota->pending) <= READ_ONCE(max_pending_per_user);
}

void sluice_quota_uncharge(struct sluice_quota *quota)
{
	atomic_dec(&quota->pending);
}
