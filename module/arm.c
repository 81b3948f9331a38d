// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program's request: is it well-formed, and who made it. The credentials are
 * the program's when it armed the socket; a child of a listener, cloned in
 * softirq, has none of its own and shares them.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/tls.h>

#include "arm.h"
#include "quota.h"
#include "record.h"

struct sluice_arm *sluice_arm_create(const struct net *net, const struct sluice_request *req)
{
	struct sluice_arm *arm = kzalloc(sizeof(*arm), GFP_KERNEL_ACCOUNT);

	if (!arm)
		return NULL;
	arm->quota = sluice_quota_get(net, current_euid());
	if (!arm->quota) {
		kfree(arm);
		return NULL;
	}
	refcount_set(&arm->refs, 1);
	arm->cred = get_current_cred();
	arm->pid = get_pid(task_tgid(current));
	arm->req = *req;
	INIT_LIST_HEAD(&arm->pending);
	return arm;
}

struct sluice_arm *sluice_arm_get(struct sluice_arm *arm)
{
	refcount_inc(&arm->refs);
	return arm;
}

void sluice_arm_put(struct sluice_arm *arm)
{
	if (!arm || !refcount_dec_and_test(&arm->refs))
		return;
	put_cred(arm->cred);
	put_pid(arm->pid);
	sluice_quota_put(arm->quota);
	kfree(arm);
}

/* Terminated within its array, zeroes behind: nothing hides there. */
static bool request_string_ok(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	return len < size && !memchr_inv(s + len, 0, size - len);
}

static bool request_version_ok(u16 version)
{
	return !version || version == TLS_1_2_VERSION || version == TLS_1_3_VERSION;
}

/* RFC 7301 3.1: names of 1 to 255 bytes, each behind its length. */
static bool request_alpn_ok(const struct sluice_request *req)
{
	unsigned int at = 0;

	if (req->alpn_len > SLUICE_ALPN_MAX)
		return false;
	while (at < req->alpn_len) {
		if (!req->alpn[at])
			return false;
		at += 1 + req->alpn[at];
	}
	return at == req->alpn_len &&
	       !memchr_inv(req->alpn + at, 0, SLUICE_ALPN_MAX - at);
}

/* A client must say whom it wants to talk to, or say aloud that it does not care. */
static bool request_name_ok(const struct sluice_request *req)
{
	if (req->role == SLUICE_ROLE_SERVER)
		return !req->server_name[0];
	return req->server_name[0] || (req->flags & SLUICE_F_NO_NAME_CHECK);
}

int sluice_request_check(const struct sluice_request *req)
{
	if (req->role != SLUICE_ROLE_CLIENT && req->role != SLUICE_ROLE_SERVER)
		return -EINVAL;
	if (req->flags & ~(SLUICE_F_NO_NAME_CHECK | SLUICE_F_ALLOW_TRUNCATION))
		return -EINVAL;
	if (req->reserved0 || memchr_inv(req->reserved, 0, sizeof(req->reserved)))
		return -EINVAL;
	if (req->padding > SLUICE_PLAINTEXT_MAX)
		return -EINVAL;
	if (!request_version_ok(req->min_version) || !request_version_ok(req->max_version))
		return -EINVAL;
	if (req->max_version && req->min_version > req->max_version)
		return -EINVAL;
	if (!request_string_ok(req->server_name, sizeof(req->server_name)) ||
	    !request_string_ok(req->identity, sizeof(req->identity)) ||
	    !request_string_ok(req->trust, sizeof(req->trust)))
		return -EINVAL;
	return request_name_ok(req) && request_alpn_ok(req) ? 0 : -EINVAL;
}
