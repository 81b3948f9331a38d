/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handshakes on their way: the request of a program, from submit to its one
 * end. Per network namespace: a bounded queue. Knows no netlink message.
 */
#ifndef SLUICE_HANDSHAKE_H
#define SLUICE_HANDSHAKE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <uapi/linux/sluice.h>

#include "arm.h"
#include "key.h"

struct cred;
struct sock;
struct sluice_ctx;

/**
 * struct sluice_peer - what the peer has shown of itself
 * @cert_len:	bytes of its certificate, DER; at the start of @bytes
 * @names_len:	bytes of the names in it, which follow
 * @bytes:	both
 */
struct sluice_peer {
	u16 cert_len;
	u16 names_len;
	u8 bytes[];
};

/**
 * struct sluice_outcome - how a handshake ended, from the agent's DONE or from us
 * @error:	errno, positive; 0: success
 * @verify_error: as in struct sluice_info, like the rest
 * @flags:	SLUICE_INFO_RESUMED, SLUICE_INFO_PEER_CERT
 * @version:	filled in from the keys
 * @suite:	IANA cipher suite
 * @alert_sent:	or SLUICE_ALERT_NONE
 * @alert_received: or SLUICE_ALERT_NONE
 * @alpn_len:	bytes used in @alpn
 * @text:	reason of a failure
 * @server_name: from the agent; empty for a client: the name asked for
 * @alpn:	protocol chosen
 * @subject:	of the peer's certificate
 * @fingerprint: likewise
 * @peer:	its certificate and names, or NULL; owned
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
	char subject[SLUICE_SUBJECT_MAX];
	u8 fingerprint[SLUICE_FINGERPRINT_LEN];
	struct sluice_peer *peer;
};

/** sluice_outcome_free() - NULL is fine; any context */
void sluice_outcome_free(struct sluice_outcome *out);

/**
 * struct sluice_hs - one handshake under way
 * @refs:	one for being under way, one for @timer while it is queued or runs, one
 *		for each channel
 * @lock:	protects the members from @flags to @tickets; taken in softirq, inside
 *		the socket's slock
 * @flags:	bits of enum sluice_hs_flag
 * @sk:		the connection, a reference until the end, then NULL
 * @ctx:	its context, valid until the end; touched under @lock only, and not any
 *		more once sluice_hs_cancel() has returned
 * @outcome:	filled in at the end, then the context's
 * @tx:		keys of INSTALL until they are published
 * @rx:		likewise
 * @tx_seq:	sequence number that goes with @tx
 * @tx_explicit: explicit nonce that goes with @tx
 * @rx_seq:	sequence number that goes with @rx
 * @tx_limit:	bytes of content in a record to send, 0: as the protocol allows
 * @rx_limit:	bytes of content in a record to receive, likewise
 * @tickets_due: NewSessionTicket messages that the agent still wants; 0 when the
 *		handshake has failed
 * @tickets:	those it has not read
 * @net:	its namespace; alive until the end, an address to compare with after it
 * @arm:	request and credentials
 * @expires:	jiffies of the deadline
 * @timer:	the deadline
 * @node:	in the namespace's list of all, by its lock
 * @waiting:	in its queue, empty when not; by its lock
 * @sibling:	in @arm's list, by its lock
 * @wait:	the channel's pollers
 * @rcu:	frees the memory: sluice_hs_wake() looks without a reference
 */
struct sluice_hs {
	refcount_t refs;
	spinlock_t lock;	/* flags to tickets */
	unsigned long flags;
	struct sock *sk;
	struct sluice_ctx *ctx;
	struct sluice_outcome *outcome;
	struct sluice_key *tx;
	struct sluice_key *rx;
	u64 tx_seq;
	u64 tx_explicit;
	u64 rx_seq;
	u16 tx_limit;
	u16 rx_limit;
	u8 tickets_due;
	struct list_head tickets;
	struct net *net;
	struct sluice_arm *arm;
	unsigned long expires;
	struct delayed_work timer;
	struct list_head node;
	struct list_head waiting;
	struct list_head sibling;
	wait_queue_head_t wait;
	struct rcu_head rcu;
};

/* --- the program's side --- */

/**
 * sluice_hs_submit() - start the handshake of an armed, connected socket
 * @ctx:	armed; slock or socket lock held; has a struct socket
 * @gfp:	GFP_ATOMIC from softirq
 *
 * State goes ARMED -> PENDING, or -> FAILED with the outcome set (no agent:
 * ESRCH; queue or listener full: ENOBUFS; the user's share of the queue: EDQUOT; no
 * memory: ENOMEM, then without an outcome). Where the listener or the user's share is full,
 * the listener's oldest handshake that waits for its peer makes room.
 * Exactly one end follows, perhaps before this returns.
 */
void sluice_hs_submit(struct sluice_ctx *ctx, gfp_t gfp);

/**
 * sluice_hs_cancel() - the socket goes away or the connection died
 * @ctx:	socket lock held, or slock while nobody owns the socket
 * @error:	errno, positive, for the outcome
 *
 * On return no handshake of @ctx is under way, none will touch it, and the
 * channel, if there is one, fails with ESHUTDOWN. The state is FAILED if one was
 * under way. sk_err is left to the caller (or to TCP, which has set it).
 */
void sluice_hs_cancel(struct sluice_ctx *ctx, int error);

/** sluice_hs_wake() - wake the channel's holder, if there is one
 * @ctx:	of a live socket
 *
 * From the socket's callbacks (data_ready, write_space, state_change) and from every
 * release_cb: the channel gives EAGAIN while somebody owns the socket. Any context, slock
 * held or not.
 */
void sluice_hs_wake(struct sluice_ctx *ctx);

/* --- the agent's side (channel.c, netlink.c); process context --- */

/**
 * sluice_hs_accept() - take the oldest request that @may accepts
 * @net:	namespace
 * @may:	called with BH off and a spinlock held
 * @arg:	for @may
 *
 * Return: the request with a reference, to be attached to a channel or given to
 * sluice_hs_requeue() and put; ERR_PTR(-EAGAIN): none waits.
 */
struct sluice_hs *sluice_hs_accept(struct net *net,
				   bool (*may)(const struct cred *cred, void *arg), void *arg);

/** sluice_hs_waiting() - may sluice_hs_accept() find one in @net? Not one that is submitted
 * later: agents are called to it.
 */
bool sluice_hs_waiting(struct net *net);

/** sluice_hs_requeue() - an accepted request could not be handed over: back to the head
 * of the queue. Drops no reference.
 */
void sluice_hs_requeue(struct sluice_hs *hs);

/**
 * struct sluice_install - what an agent installs; each array TX first, then RX
 * @key:	keys, the caller's until sluice_hs_install() has succeeded
 * @config:	what they were made of: sequence and nonce
 * @limit:	bytes of content in a record, 0: as the protocol allows
 * @tickets:	NewSessionTicket messages wanted
 */
struct sluice_install {
	struct sluice_key *key[2];
	struct sluice_key_config config[2];
	u16 limit[2];
	u8 tickets;
};

/**
 * sluice_hs_install() - keep both directions' keys until DONE
 * @hs:		accepted
 * @install:	keys are taken over on success only
 *
 * Return: 0, -EALREADY, -ESHUTDOWN.
 */
int sluice_hs_install(struct sluice_hs *hs, const struct sluice_install *install);

/**
 * sluice_hs_done() - the agent's word
 * @hs:		accepted
 * @said:	how it ended; its peer is taken over on success of this call
 *
 * Return: 0, -ESHUTDOWN, -EAGAIN (success, but the socket is busy: nothing done),
 * -ENOKEY (success without keys).
 */
int sluice_hs_done(struct sluice_hs *hs, struct sluice_outcome *said);

/** sluice_hs_abandon() - the channel was closed: fails unless it has ended. Drops no
 * reference.
 */
void sluice_hs_abandon(struct sluice_hs *hs);

/** sluice_hs_wake_channel() - there is news for who holds the channel. Any context. */
void sluice_hs_wake_channel(struct sluice_hs *hs);

/** sluice_hs_put() - drop a reference; NULL is fine */
void sluice_hs_put(struct sluice_hs *hs);

/** sluice_hs_ended() - has it? Any context; may be outdated at once if it says no. */
bool sluice_hs_ended(const struct sluice_hs *hs);

/** sluice_hs_left() - ms until the deadline, at least 1 */
u32 sluice_hs_left(const struct sluice_hs *hs);

/** sluice_hs_sock() - the connection, with a reference for the caller; NULL after the end */
struct sock *sluice_hs_sock(struct sluice_hs *hs);

/**
 * sluice_hs_lock() - own the connection without ever waiting for it
 * @hs:	accepted
 *
 * Return: the locked socket, for sluice_hs_unlock(); ERR_PTR: -ESHUTDOWN, or -EAGAIN
 * (somebody owns it: the release wakes @hs->wait).
 */
struct sock *sluice_hs_lock(struct sluice_hs *hs);
void sluice_hs_unlock(struct sock *sk);

/* --- agents come and go (netlink.c) --- */

/** sluice_hs_agent_left() - some agent left a group: where none is left, the grace time
 * of agent_grace_ms starts, in which requests wait for the next one.
 */
void sluice_hs_agent_left(void);

/** sluice_hs_agent_seen() - @net has an agent */
void sluice_hs_agent_seen(struct net *net);

/** sluice_hs_served() - is that known? */
bool sluice_hs_served(struct net *net);

/** sluice_hs_pending() - requests under way in @net */
u32 sluice_hs_pending(struct net *net);

int sluice_hs_init(void);		/* pernet: drains at namespace exit */
void sluice_hs_exit(void);

#endif
