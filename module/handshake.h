/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handshakes on their way: the request of a program, from submit to its one
 * end. Per network namespace: a bounded queue. Knows no netlink.
 */
#ifndef SLUICE_HANDSHAKE_H
#define SLUICE_HANDSHAKE_H

#include <linux/types.h>
#include <net/net_namespace.h>
#include <uapi/linux/sluice.h>

#include "key.h"

struct cred;
struct sluice_ctx;
struct sluice_hs;

/**
 * struct sluice_arm - a request and the credentials it was made with
 *
 * One object: children of a listener share it by reference. Immutable.
 */
struct sluice_arm {
	refcount_t refs;
	const struct cred *cred;
	pid_t pid;
	struct sluice_request req;
};

struct sluice_arm *sluice_arm_create(const struct sluice_request *req);	/* current's creds */
struct sluice_arm *sluice_arm_get(struct sluice_arm *arm);		/* any context */
void sluice_arm_put(struct sluice_arm *arm);				/* any context but hard irq */

/** sluice_request_check() - is a request from a program well-formed? 0 or -EINVAL. Pure. */
int sluice_request_check(const struct sluice_request *req);

/**
 * struct sluice_outcome - how a handshake ended, from the agent's DONE or from us
 *
 * @error: errno, positive; 0: success. The rest as in struct sluice_info.
 */
struct sluice_outcome {
	u32 error;
	u32 verify_error;
	u32 flags;
	u16 version;
	u16 suite;
	u16 alert_sent;
	u16 alert_received;
	u16 alpn_len;
	char text[SLUICE_TEXT_MAX];
	char server_name[SLUICE_NAME_MAX];
	u8 alpn[SLUICE_ALPN_MAX];
};

/* --- the program's side --- */

/**
 * sluice_hs_submit() - start the handshake of an armed, connected socket
 * @ctx:	armed; slock or socket lock held
 * @gfp:	GFP_ATOMIC from softirq
 *
 * State goes ARMED -> PENDING, or -> FAILED with the outcome set (no agent:
 * ESRCH; queue full: ENOBUFS; no memory: ENOMEM). Exactly one end follows.
 */
void sluice_hs_submit(struct sluice_ctx *ctx, gfp_t gfp);

/**
 * sluice_hs_cancel() - the socket goes away or the connection died
 * @ctx:	socket lock held; on return no handshake of it is under way, and the
 *		channel, if there is one, fails with ESHUTDOWN
 * @error:	errno, positive, for the outcome
 */
void sluice_hs_cancel(struct sluice_ctx *ctx, int error);

/* From the socket's callbacks while a handshake is under way; any context, slock held
 * or not: wake the channel's holder.
 */
void sluice_hs_wake(struct sluice_ctx *ctx);

/* --- the agent's side (channel.c, netlink.c) --- */

/**
 * sluice_hs_accept() - take the oldest request that @may accepts
 *
 * Return: the request with a reference for the channel, ERR_PTR(-EAGAIN) none waits.
 */
struct sluice_hs *sluice_hs_accept(struct net *net, bool (*may)(const struct cred *cred, void *arg),
				   void *arg);

/** sluice_hs_install() - both directions' keys, built. Takes them over on success only.
 * -EALREADY, -ESHUTDOWN.
 */
int sluice_hs_install(struct sluice_hs *hs, struct sluice_key *tx, u64 tx_seq, u64 tx_explicit,
		      struct sluice_key *rx, u64 rx_seq);

/** sluice_hs_done() - the agent's word. 0, -ESHUTDOWN, -EAGAIN (socket busy, nothing
 * done), -ENOKEY (success without keys).
 */
int sluice_hs_done(struct sluice_hs *hs, const struct sluice_outcome *outcome);

/** sluice_hs_abandon() - the channel was closed: fails unless it has ended. Drops no reference. */
void sluice_hs_abandon(struct sluice_hs *hs);

void sluice_hs_put(struct sluice_hs *hs);

u32 sluice_hs_pending(struct net *net);

/* An agent joined or left the namespace's group; see netlink.c. */
int sluice_hs_init(void);		/* pernet: drains at namespace exit */
void sluice_hs_exit(void);

#endif
