/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program asked of SLUICE_HANDSHAKE, and who it was when it asked.
 */
#ifndef SLUICE_ARM_H
#define SLUICE_ARM_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <uapi/linux/sluice.h>

struct cred;
struct net;
struct pid;
struct sluice_quota;

/**
 * struct sluice_arm - a request and the credentials it was made with
 * @refs:	references
 * @cred:	of the program when it armed the socket
 * @pid:	its thread group, for information only
 * @quota:	what its handshakes are charged to: the effective user of @cred
 * @req:	the request, checked
 * @pending:	handshakes under way by it: those of a listener's children, oldest first
 * @n_pending:	how many
 *
 * One object: children of a listener share it by reference. Immutable, but for the
 * handshakes, which handshake.c keeps under its namespace's lock.
 */
struct sluice_arm {
	refcount_t refs;
	const struct cred *cred;
	struct pid *pid;
	struct sluice_quota *quota;
	struct sluice_request req;
	struct list_head pending;
	unsigned int n_pending;
};

/**
 * sluice_arm_create() - keep a request with current's credentials
 * @net:	of the socket
 * @req:	checked by sluice_request_check()
 *
 * Process context of the program. Return: one reference, or NULL without memory.
 */
struct sluice_arm *sluice_arm_create(const struct net *net, const struct sluice_request *req);

struct sluice_arm *sluice_arm_get(struct sluice_arm *arm);	/* any context */
void sluice_arm_put(struct sluice_arm *arm);	/* NULL is fine; any context but hard irq */

/** sluice_request_check() - is a request from a program well-formed? 0 or -EINVAL. Pure. */
int sluice_request_check(const struct sluice_request *req);

#endif
