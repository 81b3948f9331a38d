// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handshakes on their way, from submit to the one end. A request waits in its
 * namespace's queue, is taken by an agent, and ends in hs_end(), whoever ends
 * it: the agent's word, the deadline, a closed channel, a closed socket, a
 * namespace that goes away, no agent, no room. The bit that is tested and set
 * there picks the one winner; it also drops the connection's reference.
 *
 * An end needs no socket lock, only hs->lock, so a timer or a dying agent can
 * fail a handshake while the program sleeps with the lock held. Only success
 * needs it, because keys are published: sluice_hs_done() takes it without
 * waiting. hs->ctx may be used under hs->lock before the end: whoever frees the
 * context has called sluice_hs_cancel() first, which passes through that lock.
 *
 * Locks, outer first: the socket's slock, hs->lock, the namespace's lock.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "ctx.h"
#include "dir.h"
#include "handshake.h"
#include "netlink.h"
#include "quota.h"
#include "ticket.h"

enum sluice_hs_flag {
	HS_ENDED,
	HS_ACCEPTED,
};

/**
 * struct hs_net - the handshakes of a network namespace
 * @lock:	protects all below, and of each request's arm what is pending; taken in softirq
 * @all:	those under way
 * @waiting:	of them, those that wait for an agent, oldest first
 * @pending:	length of @all
 * @served:	there was an agent when last looked
 * @grace:	the last agent left lately, @graced is queued
 * @graced:	ends the grace time
 * @net:	the namespace
 */
struct hs_net {
	spinlock_t lock;	/* all below */
	struct list_head all;
	struct list_head waiting;
	unsigned int pending;
	bool served;
	bool grace;
	struct delayed_work graced;
	struct net *net;
};

/**
 * struct hs_reason - a way to end
 * @stat:	its counter
 * @error:	errno, unless the one who ends it says more
 * @text:	likewise
 * @quiet:	the socket's own end: it needs no sk_err
 */
struct hs_reason {
	enum sluice_stat stat;
	u32 error;
	const char *text;
	bool quiet;
};

static const struct hs_reason hs_opened = { .stat = SLUICE_STAT_HS_DONE };

static const struct hs_reason hs_failed = {
	.stat = SLUICE_STAT_HS_FAILED,
	.error = ECONNABORTED,
	.text = "the agent gave no reason",
};

static const struct hs_reason hs_no_agent = {
	.stat = SLUICE_STAT_HS_NO_AGENT,
	.error = ESRCH,
	.text = "no agent: sluiced is not running in this network namespace",
};

static const struct hs_reason hs_not_taken = {
	.stat = SLUICE_STAT_HS_TIMEOUT,
	.error = ETIMEDOUT,
	.text = "timed out: no agent took the request",
};

static const struct hs_reason hs_timed_out = {
	.stat = SLUICE_STAT_HS_TIMEOUT,
	.error = ETIMEDOUT,
	.text = "timed out: the peer or the agent did not finish the handshake",
};

static const struct hs_reason hs_abandoned = {
	.stat = SLUICE_STAT_HS_ABANDONED,
	.error = ECONNABORTED,
	.text = "the agent gave up or died in mid-handshake",
};

static const struct hs_reason hs_cancelled = {
	.stat = SLUICE_STAT_HS_CANCELLED,
	.error = ECONNRESET,
	.text = "the connection ended before the handshake did",
	.quiet = true,
};

static const struct hs_reason hs_orphaned = {
	.stat = SLUICE_STAT_HS_CANCELLED,
	.error = ECONNABORTED,
	.text = "the network namespace went away",
};

static const struct hs_reason hs_overflow = {
	.stat = SLUICE_STAT_HS_OVERFLOW,
	.error = ENOBUFS,
	.text = "too many handshakes are under way in this network namespace",
};

static const struct hs_reason hs_crowded = {
	.stat = SLUICE_STAT_HS_OVERFLOW,
	.error = ENOBUFS,
	.text = "too many handshakes of this listener are under way",
};

static const struct hs_reason hs_gave_way = {
	.stat = SLUICE_STAT_HS_GAVE_WAY,
	.error = ETIMEDOUT,
	.text = "timed out early: the peer was slow, and others needed the room",
};

static const struct hs_reason hs_over_quota = {
	.stat = SLUICE_STAT_HS_OVERFLOW,
	.error = EDQUOT,
	.text = "this user has too many handshakes under way in this network namespace",
};

static unsigned int max_pending = 4096;
module_param(max_pending, uint, 0644);
MODULE_PARM_DESC(max_pending, "handshakes under way in a network namespace, at most");

static unsigned int listener_pending = 1024;
module_param(listener_pending, uint, 0644);
MODULE_PARM_DESC(listener_pending, "of them, those of one listener's connections, at most");

static unsigned int handshake_timeout_ms = 30000;
module_param(handshake_timeout_ms, uint, 0644);
MODULE_PARM_DESC(handshake_timeout_ms, "limit of a handshake that names none");

static unsigned int agent_grace_ms = 5000;
module_param(agent_grace_ms, uint, 0644);
MODULE_PARM_DESC(agent_grace_ms, "how long requests wait for a new agent when the last one left");

static unsigned int hs_net_id;
static struct workqueue_struct *hs_workqueue;

static struct hs_net *hs_pernet(const struct net *net)
{
	return net_generic(net, hs_net_id);
}

/* --- life of the object --- */

void sluice_outcome_free(struct sluice_outcome *out)
{
	if (!out)
		return;
	kfree(out->peer);
	kfree(out);
}

static void hs_free(struct sluice_hs *hs)
{
	sluice_key_free(hs->tx);
	sluice_key_free(hs->rx);
	sluice_outcome_free(hs->outcome);
	sluice_arm_put(hs->arm);
	kfree_rcu(hs, rcu);
}

/* Keys are there only with a channel, whose file outlives the end or causes it: the last
 * put of a handshake with keys is in process context.
 */
void sluice_hs_put(struct sluice_hs *hs)
{
	if (hs && refcount_dec_and_test(&hs->refs))
		hs_free(hs);
}

static void hs_expire(struct work_struct *work);

static unsigned long hs_timeout(const struct sluice_request *req)
{
	return msecs_to_jiffies(req->timeout_ms ?: READ_ONCE(handshake_timeout_ms));
}

static struct sluice_outcome *hs_outcome_create(const struct sluice_request *req, gfp_t gfp)
{
	struct sluice_outcome *out = kzalloc(sizeof(*out), gfp);

	if (!out)
		return NULL;
	out->alert_sent = SLUICE_ALERT_NONE;
	out->alert_received = SLUICE_ALERT_NONE;
	strscpy(out->server_name, req->server_name);
	return out;
}

/* Everything an end needs is allocated here, so that no end can fail. One reference, the
 * caller's.
 */
static struct sluice_hs *hs_create(struct sluice_ctx *ctx, gfp_t gfp)
{
	const struct sluice_request *req = &ctx->arm->req;
	struct sluice_hs *hs = kzalloc(sizeof(*hs), gfp);

	if (!hs)
		return NULL;
	hs->outcome = hs_outcome_create(req, gfp);
	if (!hs->outcome) {
		kfree(hs);
		return NULL;
	}
	refcount_set(&hs->refs, 1);
	spin_lock_init(&hs->lock);
	init_waitqueue_head(&hs->wait);
	INIT_LIST_HEAD(&hs->node);
	INIT_LIST_HEAD(&hs->waiting);
	INIT_LIST_HEAD(&hs->sibling);
	INIT_LIST_HEAD(&hs->tickets);
	INIT_DELAYED_WORK(&hs->timer, hs_expire);
	hs->arm = sluice_arm_get(ctx->arm);
	hs->net = sock_net(ctx->sk);
	return hs;
}

/* --- the queue --- */

/* An agent is at it and has read all there was: it is the peer's turn. Without any lock of
 * the connection's; it is there as long as @hs is on the list.
 */
static bool hs_waits_for_peer(const struct sluice_hs *hs)
{
	const struct sock *sk = READ_ONCE(hs->sk);

	return sk && test_bit(HS_ACCEPTED, &hs->flags) &&
	       READ_ONCE(tcp_sk(sk)->copied_seq) == READ_ONCE(tcp_sk(sk)->rcv_nxt);
}

/* One of @arm's to make room, off its list, with a reference: it has had the most time. */
static struct sluice_hs *hs_take_slowest(struct sluice_arm *arm)
{
	struct sluice_hs *hs;

	list_for_each_entry(hs, &arm->pending, sibling) {
		if (!hs_waits_for_peer(hs))
			continue;
		list_del_init(&hs->sibling);
		arm->n_pending--;
		refcount_inc(&hs->refs);
		return hs;
	}
	return NULL;
}

/* @slowest: who is to make room for it, or NULL. Return: NULL, or why it has no place. */
static const struct hs_reason *hs_enqueue(struct sluice_hs *hs, struct sluice_hs **slowest)
{
	struct hs_net *hn = hs_pernet(hs->net);
	struct sluice_arm *arm = hs->arm;
	const struct hs_reason *why = NULL;
	bool in_quota = sluice_quota_charge(arm->quota);

	spin_lock(&hn->lock);
	if (!in_quota || arm->n_pending >= READ_ONCE(listener_pending)) {
		*slowest = hs_take_slowest(arm);
		if (!*slowest)
			why = in_quota ? &hs_crowded : &hs_over_quota;
	} else if (hn->pending >= READ_ONCE(max_pending)) {
		why = &hs_overflow;
	}
	list_add_tail(&hs->node, &hn->all);
	list_add_tail(&hs->sibling, &arm->pending);
	hn->pending++;
	arm->n_pending++;
	if (!why)
		list_add_tail(&hs->waiting, &hn->waiting);
	spin_unlock(&hn->lock);
	return why;
}

static void hs_dequeue(struct sluice_hs *hs)
{
	struct hs_net *hn = hs_pernet(hs->net);

	spin_lock(&hn->lock);
	list_del_init(&hs->waiting);
	if (!list_empty(&hs->sibling)) {
		list_del_init(&hs->sibling);
		hs->arm->n_pending--;
	}
	list_del(&hs->node);
	hn->pending--;
	spin_unlock(&hn->lock);
	sluice_quota_uncharge(hs->arm->quota);
}

/* Take it out of the queue, unless an agent has. */
static bool hs_take_back(struct sluice_hs *hs)
{
	struct hs_net *hn = hs_pernet(hs->net);
	bool waits;

	spin_lock_bh(&hn->lock);
	waits = !list_empty(&hs->waiting);
	list_del_init(&hs->waiting);
	spin_unlock_bh(&hn->lock);
	return waits;
}

static struct sluice_hs *hs_take_first(struct hs_net *hn)
{
	struct sluice_hs *hs;

	spin_lock_bh(&hn->lock);
	hs = list_first_entry_or_null(&hn->waiting, struct sluice_hs, waiting);
	if (hs) {
		list_del_init(&hs->waiting);
		refcount_inc(&hs->refs);
	}
	spin_unlock_bh(&hn->lock);
	return hs;
}

/* --- the end --- */

static void hs_fill(struct sluice_hs *hs, const struct hs_reason *why, u32 error,
		    struct sluice_outcome *said)
{
	struct sluice_outcome *out = hs->outcome;

	if (said) {
		*out = *said;
		said->peer = NULL;
	}
	out->error = error;
	if (error && !out->text[0])
		strscpy(out->text, why->text);
	if (!out->server_name[0])
		strscpy(out->server_name, hs->arm->req.server_name);
}

static void hs_open(struct sluice_hs *hs)
{
	struct sluice_ctx *ctx = hs->ctx;

	sock_owned_by_me(ctx->sk);
	hs->outcome->version = hs->tx->version;
	sluice_ctx_key(ctx, &ctx->tx.dir, hs->tx, hs->tx_seq, hs->tx_explicit);
	sluice_ctx_key(ctx, &ctx->rx.dir, hs->rx, hs->rx_seq, 0);
	hs->tx = NULL;
	hs->rx = NULL;
	/* The program may have asked for less. */
	if (hs->tx_limit)
		ctx->tx.max_payload = min(ctx->tx.max_payload, hs->tx_limit);
	if (hs->rx_limit)
		ctx->rx.max_payload = hs->rx_limit;
	sluice_ticket_offer(ctx, hs);
}

/* The last touch of the context: with @hs gone from it, nobody looks for us. */
static void hs_publish(struct sluice_hs *hs)
{
	struct sluice_outcome *out = hs->outcome;
	struct sluice_ctx *ctx = hs->ctx;

	if (out->alert_sent != SLUICE_ALERT_NONE)
		ctx->alert_sent = out->alert_sent;
	if (out->alert_received != SLUICE_ALERT_NONE)
		ctx->alert_received = out->alert_received;
	hs->outcome = NULL;
	hs->ctx = NULL;
	/* Complete, for whoever finds it: a failure is published without the socket lock. */
	smp_store_release(&ctx->info, out);
	/* Whoever reads the state sees the keys and the outcome too. */
	smp_store_release(&ctx->state, out->error ? SLUICE_STATE_FAILED : SLUICE_STATE_OPEN);
	/* Pairs with hs_of(): who finds no handshake finds a context that is left alone. */
	smp_store_release(&ctx->hs, NULL);
}

static void hs_tell_program(struct sock *sk, bool error)
{
	struct socket_wq *wq;

	if (error) {
		sk_error_report(sk);
		return;
	}
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLIN | EPOLLRDNORM |
					   EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	sk_wake_async_rcu(sk, SOCK_WAKE_IO, POLL_OUT);
	rcu_read_unlock();
}

void sluice_hs_wake_channel(struct sluice_hs *hs)
{
	if (wq_has_sleeper(&hs->wait))
		wake_up_interruptible_poll(&hs->wait, EPOLLIN | EPOLLRDNORM | EPOLLOUT |
					   EPOLLWRNORM | EPOLLERR | EPOLLHUP);
}

/**
 * hs_end() - end a handshake: the only place
 * @hs:		the caller holds a reference
 * @why:	the reason; &hs_opened: keys are there and the socket is locked
 * @error:	errno, positive, 0 for success
 * @said:	the agent's outcome, or NULL
 *
 * Return: false when it had ended before.
 */
static bool hs_end(struct sluice_hs *hs, const struct hs_reason *why, u32 error,
		   struct sluice_outcome *said)
{
	struct sock *sk;

	spin_lock_bh(&hs->lock);
	if (test_and_set_bit(HS_ENDED, &hs->flags)) {
		spin_unlock_bh(&hs->lock);
		return false;
	}
	sk = hs->sk;
	hs->sk = NULL;
	hs_dequeue(hs);
	hs_fill(hs, why, error, said);
	if (!error)
		hs_open(hs);
	else
		hs->tickets_due = 0;
	/* Whoever sees the state finds the error: connect takes both at once. */
	if (error && !why->quiet)
		WRITE_ONCE(sk->sk_err, error);
	hs_publish(hs);
	spin_unlock_bh(&hs->lock);

	sluice_stat_inc(sock_net(sk), why->stat);
	hs_tell_program(sk, error && !why->quiet);
	sluice_hs_wake_channel(hs);
	if (cancel_delayed_work(&hs->timer))
		sluice_hs_put(hs);	/* the timer's */
	sock_put(sk);
	sluice_hs_put(hs);		/* for being under way */
	return true;
}

static bool hs_fail(struct sluice_hs *hs, const struct hs_reason *why)
{
	return hs_end(hs, why, why->error, NULL);
}

static void hs_expire(struct work_struct *work)
{
	struct sluice_hs *hs = container_of(to_delayed_work(work), struct sluice_hs, timer);

	hs_fail(hs, test_bit(HS_ACCEPTED, &hs->flags) ? &hs_timed_out : &hs_not_taken);
	sluice_hs_put(hs);
}

/* --- the program's side --- */

/* Under one hold of the lock, so that no end comes between: it would miss a queue or a
 * timer that is only then entered. As hs_enqueue().
 */
static const struct hs_reason *hs_start(struct sluice_hs *hs, struct sluice_ctx *ctx,
					struct sluice_hs **slowest)
{
	unsigned long timeout = hs_timeout(&hs->arm->req);
	const struct hs_reason *why;

	spin_lock_bh(&hs->lock);
	sock_hold(ctx->sk);
	hs->sk = ctx->sk;
	hs->ctx = ctx;
	hs->expires = jiffies + timeout;
	refcount_inc(&hs->refs);	/* for being under way */
	WRITE_ONCE(ctx->state, SLUICE_STATE_PENDING);
	/* Pairs with hs_of(): a complete one. */
	smp_store_release(&ctx->hs, hs);
	why = hs_enqueue(hs, slowest);
	if (!why) {
		refcount_inc(&hs->refs);	/* the timer's */
		queue_delayed_work(hs_workqueue, &hs->timer, timeout);
	}
	spin_unlock_bh(&hs->lock);
	return why;
}

static bool hs_in_grace(struct hs_net *hn)
{
	bool grace;

	spin_lock_bh(&hn->lock);
	grace = hn->grace;
	spin_unlock_bh(&hn->lock);
	return grace;
}

/* Queued first, then agents are woken: one that joins meanwhile finds it. */
static void hs_call_agents(struct sluice_hs *hs, gfp_t gfp)
{
	struct hs_net *hn = hs_pernet(hs->net);

	if (sluice_netlink_ready(hs->net, gfp))
		sluice_hs_agent_seen(hs->net);
	else if (!hs_in_grace(hn) && hs_take_back(hs))
		hs_fail(hs, &hs_no_agent);
}

static void hs_no_memory(struct sluice_ctx *ctx)
{
	WRITE_ONCE(ctx->sk->sk_err, ENOMEM);
	WRITE_ONCE(ctx->state, SLUICE_STATE_FAILED);
	sk_error_report(ctx->sk);
}

void sluice_hs_submit(struct sluice_ctx *ctx, gfp_t gfp)
{
	struct sluice_hs *hs, *slowest = NULL;
	const struct hs_reason *why;

	lockdep_assert(lockdep_sock_is_held(ctx->sk));
	hs = hs_create(ctx, gfp);
	if (!hs) {
		hs_no_memory(ctx);
		return;
	}
	sluice_stat_inc(hs->net, SLUICE_STAT_HS_STARTED);
	why = hs_start(hs, ctx, &slowest);
	if (slowest) {
		hs_fail(slowest, &hs_gave_way);
		sluice_hs_put(slowest);
	}
	if (why)
		hs_fail(hs, why);
	else
		hs_call_agents(hs, gfp);
	sluice_hs_put(hs);
}

/* The handshake of a context, with a reference. Whoever finds none, or one that has ended,
 * knows that its end is through with the context, or will be when hs->lock is free.
 */
static struct sluice_hs *hs_of(struct sluice_ctx *ctx)
{
	struct sluice_hs *hs;

	rcu_read_lock();
	hs = smp_load_acquire(&ctx->hs);	/* see hs_publish() */
	if (hs && !refcount_inc_not_zero(&hs->refs))
		hs = NULL;
	rcu_read_unlock();
	return hs;
}

void sluice_hs_cancel(struct sluice_ctx *ctx, int error)
{
	struct sluice_hs *hs = hs_of(ctx);

	lockdep_assert(lockdep_sock_is_held(ctx->sk));
	if (!hs)
		return;
	hs_end(hs, &hs_cancelled, error ?: hs_cancelled.error, NULL);
	sluice_hs_put(hs);
}

void sluice_hs_wake(struct sluice_ctx *ctx)
{
	struct sluice_hs *hs;

	rcu_read_lock();
	hs = READ_ONCE(ctx->hs);
	if (hs)
		sluice_hs_wake_channel(hs);
	rcu_read_unlock();
}

/* --- the agent's side --- */

/* False when it has ended since it was taken out of the queue. */
static bool hs_give(struct sluice_hs *hs)
{
	bool live;

	spin_lock_bh(&hs->lock);
	live = !sluice_hs_ended(hs);
	if (live) {
		set_bit(HS_ACCEPTED, &hs->flags);
		WRITE_ONCE(hs->ctx->state, SLUICE_STATE_ACCEPTED);
	}
	spin_unlock_bh(&hs->lock);
	return live;
}

static struct sluice_hs *hs_take_oldest(struct hs_net *hn,
					bool (*may)(const struct cred *cred, void *arg), void *arg)
{
	struct sluice_hs *hs, *found = NULL;

	spin_lock_bh(&hn->lock);
	list_for_each_entry(hs, &hn->waiting, waiting) {
		if (!may(hs->arm->cred, arg))
			continue;
		list_del_init(&hs->waiting);
		refcount_inc(&hs->refs);
		found = hs;
		break;
	}
	spin_unlock_bh(&hn->lock);
	return found;
}

struct sluice_hs *sluice_hs_accept(struct net *net,
				   bool (*may)(const struct cred *cred, void *arg), void *arg)
{
	struct sluice_hs *hs;

	while ((hs = hs_take_oldest(hs_pernet(net), may, arg))) {
		if (hs_give(hs))
			return hs;
		sluice_hs_put(hs);
	}
	return ERR_PTR(-EAGAIN);
}

/* Without the lock: one that is queued later is told of later. */
bool sluice_hs_waiting(struct net *net)
{
	return !list_empty(&hs_pernet(net)->waiting);
}

void sluice_hs_requeue(struct sluice_hs *hs)
{
	struct hs_net *hn;
	bool live;

	spin_lock_bh(&hs->lock);
	live = !sluice_hs_ended(hs);
	if (live) {
		hn = hs_pernet(hs->net);
		clear_bit(HS_ACCEPTED, &hs->flags);
		WRITE_ONCE(hs->ctx->state, SLUICE_STATE_PENDING);
		spin_lock(&hn->lock);
		list_add(&hs->waiting, &hn->waiting);
		spin_unlock(&hn->lock);
	}
	spin_unlock_bh(&hs->lock);
	if (live)
		hs_call_agents(hs, GFP_KERNEL);
}

int sluice_hs_install(struct sluice_hs *hs, const struct sluice_install *in)
{
	int err = 0;

	spin_lock_bh(&hs->lock);
	if (sluice_hs_ended(hs)) {
		err = -ESHUTDOWN;
	} else if (hs->tx) {
		err = -EALREADY;
	} else {
		hs->tx = in->key[0];
		hs->tx_seq = in->config[0].seq;
		hs->tx_explicit = in->config[0].explicit_nonce;
		hs->tx_limit = in->limit[0];
		hs->rx = in->key[1];
		hs->rx_seq = in->config[1].seq;
		hs->rx_limit = in->limit[1];
		hs->tickets_due = in->tickets;
	}
	spin_unlock_bh(&hs->lock);
	return err;
}

static bool hs_keyed(struct sluice_hs *hs)
{
	bool keyed;

	spin_lock_bh(&hs->lock);
	keyed = hs->tx;
	spin_unlock_bh(&hs->lock);
	return keyed;
}

int sluice_hs_done(struct sluice_hs *hs, struct sluice_outcome *said)
{
	struct sock *sk;
	bool won;

	if (said->error)
		return hs_end(hs, &hs_failed, said->error, said) ? 0 : -ESHUTDOWN;
	if (!sluice_hs_ended(hs) && !hs_keyed(hs))
		return -ENOKEY;
	sk = sluice_hs_lock(hs);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	won = hs_end(hs, &hs_opened, 0, said);
	sluice_hs_unlock(sk);
	return won ? 0 : -ESHUTDOWN;
}

void sluice_hs_abandon(struct sluice_hs *hs)
{
	hs_fail(hs, &hs_abandoned);
}

bool sluice_hs_ended(const struct sluice_hs *hs)
{
	return test_bit(HS_ENDED, &hs->flags);
}

u32 sluice_hs_left(const struct sluice_hs *hs)
{
	long left = hs->expires - jiffies;

	return jiffies_to_msecs(max(left, 1L));
}

struct sock *sluice_hs_sock(struct sluice_hs *hs)
{
	struct sock *sk;

	spin_lock_bh(&hs->lock);
	sk = hs->sk;
	if (sk)
		sock_hold(sk);
	spin_unlock_bh(&hs->lock);
	return sk;
}

/* As lock_sock(), or not at all. A program that owns the socket may sleep on a page of its
 * own making; no agent waits for that.
 */
static bool hs_trylock_sock(struct sock *sk)
{
	bool taken;

	spin_lock_bh(&sk->sk_lock.slock);
	taken = !sock_owned_by_user_nocheck(sk);
	if (taken)
		sk->sk_lock.owned = 1;
	spin_unlock_bh(&sk->sk_lock.slock);
	if (taken)
		mutex_acquire(&sk->sk_lock.dep_map, 0, 1, _RET_IP_);
	return taken;
}

struct sock *sluice_hs_lock(struct sluice_hs *hs)
{
	struct sock *sk = sluice_hs_sock(hs);

	if (!sk)
		return ERR_PTR(-ESHUTDOWN);
	if (!hs_trylock_sock(sk)) {
		sock_put(sk);
		return ERR_PTR(-EAGAIN);
	}
	/* A close that came before has cancelled; one that comes now waits for us. */
	if (sluice_hs_ended(hs)) {
		sluice_hs_unlock(sk);
		return ERR_PTR(-ESHUTDOWN);
	}
	return sk;
}

void sluice_hs_unlock(struct sock *sk)
{
	release_sock(sk);
	sock_put(sk);
}

/* --- agents come and go --- */

void sluice_hs_agent_seen(struct net *net)
{
	struct hs_net *hn = hs_pernet(net);

	spin_lock_bh(&hn->lock);
	WRITE_ONCE(hn->served, true);
	spin_unlock_bh(&hn->lock);
}

bool sluice_hs_served(struct net *net)
{
	return READ_ONCE(hs_pernet(net)->served);
}

/* Requests that wait although no agent was ever seen were queued while one was leaving. A
 * grace time that runs goes on: it may be another namespace's agent that left.
 */
static void hs_begin_grace(struct hs_net *hn)
{
	spin_lock_bh(&hn->lock);
	if (hn->served || (!hn->grace && !list_empty(&hn->waiting))) {
		WRITE_ONCE(hn->served, false);
		hn->grace = true;
		mod_delayed_work(hs_workqueue, &hn->graced,
				 msecs_to_jiffies(READ_ONCE(agent_grace_ms)));
	}
	spin_unlock_bh(&hn->lock);
}

/* The kernel does not say whose agent it was: look at every namespace. */
void sluice_hs_agent_left(void)
{
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net)
		if (!sluice_netlink_served(net, GFP_ATOMIC))
			hs_begin_grace(hs_pernet(net));
	rcu_read_unlock();
}

static void hs_grace_over(struct work_struct *work)
{
	struct hs_net *hn = container_of(to_delayed_work(work), struct hs_net, graced);
	struct sluice_hs *hs;

	spin_lock_bh(&hn->lock);
	hn->grace = false;
	spin_unlock_bh(&hn->lock);
	if (sluice_netlink_served(hn->net, GFP_KERNEL))
		return;
	while ((hs = hs_take_first(hn))) {
		hs_fail(hs, &hs_no_agent);
		sluice_hs_put(hs);
	}
}

u32 sluice_hs_pending(struct net *net)
{
	return READ_ONCE(hs_pernet(net)->pending);
}

/* --- namespaces --- */

static int __net_init hs_net_init(struct net *net)
{
	struct hs_net *hn = hs_pernet(net);

	spin_lock_init(&hn->lock);
	INIT_LIST_HEAD(&hn->all);
	INIT_LIST_HEAD(&hn->waiting);
	INIT_DELAYED_WORK(&hn->graced, hs_grace_over);
	hn->net = net;
	return 0;
}

static struct sluice_hs *hs_any(struct hs_net *hn)
{
	struct sluice_hs *hs;

	spin_lock_bh(&hn->lock);
	hs = list_first_entry_or_null(&hn->all, struct sluice_hs, node);
	if (hs)
		refcount_inc(&hs->refs);
	spin_unlock_bh(&hn->lock);
	return hs;
}

/* A program's socket keeps its namespace alive, so what is still here belongs to a socket
 * of the kernel. Nobody submits any more: the namespace is off the list and its sockets
 * are going.
 */
static void __net_exit hs_net_exit(struct net *net)
{
	struct hs_net *hn = hs_pernet(net);
	struct sluice_hs *hs;

	cancel_delayed_work_sync(&hn->graced);
	while ((hs = hs_any(hn))) {
		hs_fail(hs, &hs_orphaned);
		sluice_hs_put(hs);
	}
}

static struct pernet_operations hs_net_ops = {
	.init = hs_net_init,
	.exit = hs_net_exit,
	.id = &hs_net_id,
	.size = sizeof(struct hs_net),
};

int sluice_hs_init(void)
{
	int err;

	hs_workqueue = alloc_workqueue("sluice", WQ_PERCPU, 0);
	if (!hs_workqueue)
		return -ENOMEM;
	err = register_pernet_subsys(&hs_net_ops);
	if (err)
		destroy_workqueue(hs_workqueue);
	return err;
}

/* No socket and no channel is left, for each holds the module; so no handshake is under way.
 * A worker that lost against an end may still be on its last lines: the workqueue waits.
 */
void sluice_hs_exit(void)
{
	unregister_pernet_subsys(&hs_net_ops);
	destroy_workqueue(hs_workqueue);
}
