// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ULP: puts our proto, proto_ops and callbacks on a socket, on the children
 * of a listener, and takes them off again.
 *
 * Whoever reads sk->sk_prot holds no lock, so our protos are two static copies of
 * TCP's (IPv4, IPv6) that never change. Lifetime: the ULP holds one module
 * reference a socket (put by tcp_cleanup_ulp), our proto_ops another (put by
 * sock_release).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/sockios.h>
#include <net/netlink.h>
#include <net/tcp.h>
#include <asm/ioctls.h>

#include "ctx.h"
#include "handshake.h"
#include "ops.h"
#include "sockopt.h"
#include "ulp.h"

/* One address family: TCP's own, as a fresh socket has it, and ours. */
struct sluice_family {
	struct proto *base_prot;
	const struct proto_ops *base_ops;
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
	struct proto prot;
	struct proto_ops ops;
};

static struct sluice_family sluice_inet __ro_after_init;
static struct sluice_family sluice_inet6 __ro_after_init;
static struct tcp_ulp_ops sluice_ulp_ops;
static struct tcp_ulp_ops sluice_tls_ops;

/* Sockets may be attached: nothing in the module's start can fail any more. */
static bool sluice_ulp_is_open __ro_after_init;

/* IPv4-mapped connections keep AF_INET6 and its proto: only icsk_af_ops differ. */
static struct sluice_family *sluice_family(const struct sock *sk)
{
	return sk->sk_family == AF_INET6 ? &sluice_inet6 : &sluice_inet;
}

bool sluice_ulp_owns(const struct sock *sk)
{
	return READ_ONCE(sk->sk_prot) == &sluice_family(sk)->prot;
}

bool sluice_ulp_is_tls(const struct sock *sk)
{
	return READ_ONCE(inet_csk(sk)->icsk_ulp_ops) == &sluice_tls_ops;
}

/* --- callbacks --- */

/* rcu_read_lock() held. NULL: a listener (TCP's business) or a socket going away. */
static struct sluice_ctx *sluice_callback_ctx(const struct sock *sk)
{
	if (inet_sk_state_load(sk) == TCP_LISTEN)
		return NULL;
	return rcu_dereference(inet_csk(sk)->icsk_ulp_data);
}

static void sluice_data_ready(struct sock *sk)
{
	struct sluice_ctx *ctx;

	rcu_read_lock();
	ctx = sluice_callback_ctx(sk);
	if (!ctx)
		sluice_family(sk)->data_ready(sk);
	else if (sluice_ctx_shaking(ctx))
		sluice_hs_wake(ctx);
	else if (!READ_ONCE(ctx->rx.dir.key) || sluice_rx_maybe_readable(ctx))
		ctx->base_data_ready(sk);
	rcu_read_unlock();
}

/* True: wake whoever waits for room. */
static bool sluice_push(struct sluice_ctx *ctx)
{
	if (!READ_ONCE(ctx->tx.dir.key))
		return true;
	/* The owner is in the middle of something: sluice_release_cb() catches up. */
	if (sock_owned_by_user_nocheck(ctx->sk)) {
		WRITE_ONCE(ctx->write_space_due, true);
		return false;
	}
	return sluice_tx_write_space(ctx);
}

static void sluice_write_space(struct sock *sk)
{
	struct sluice_ctx *ctx;

	rcu_read_lock();
	ctx = sluice_callback_ctx(sk);
	if (!ctx)
		sluice_family(sk)->write_space(sk);
	else if (sluice_push(ctx))
		ctx->base_write_space(sk);
	if (ctx && sluice_ctx_shaking(ctx))
		sluice_hs_wake(ctx);
	rcu_read_unlock();
}

static void sluice_handshake_event(struct sluice_ctx *ctx)
{
	struct sock *sk = ctx->sk;

	if (sluice_ctx_shaking(ctx)) {
		if (sk->sk_state == TCP_CLOSE)
			sluice_hs_cancel(ctx, READ_ONCE(sk->sk_err) ?: ECONNRESET);
		else
			sluice_hs_wake(ctx);
	} else if (READ_ONCE(ctx->state) == SLUICE_STATE_ARMED && ctx->accepted &&
		   sk->sk_state == TCP_ESTABLISHED) {
		sluice_hs_submit(ctx, GFP_ATOMIC);
	}
}

static void sluice_state_change(struct sock *sk)
{
	struct sluice_ctx *ctx;

	rcu_read_lock();
	ctx = sluice_callback_ctx(sk);
	if (ctx) {
		sluice_handshake_event(ctx);
		ctx->base_state_change(sk);
	} else {
		sluice_family(sk)->state_change(sk);
	}
	rcu_read_unlock();
}

/* --- on and off --- */

static void sluice_take_ops(struct socket *sock)
{
	struct sluice_family *family = sluice_family(sock->sk);
	const struct proto_ops *old = READ_ONCE(sock->ops);

	/* kernel_accept() sets the listener's, with a reference, after accept. */
	if (!old || old == &family->ops)
		return;
	__module_get(family->ops.owner);
	WRITE_ONCE(sock->ops, &family->ops);
	module_put(old->owner);
}

/*
 * Lockless readers of sk_prot must find the context: it goes first. So does
 * icsk_ulp_ops, which tcp_set_ulp() would set too late: a child that is copied from a
 * listener in between would have our proto and never see sluice_ulp_clone().
 */
static void sluice_take_sock(struct sock *sk, struct sluice_ctx *ctx,
			     const struct tcp_ulp_ops *ops)
{
	struct sluice_family *family = sluice_family(sk);

	ctx->base_prot = family->base_prot;
	ctx->base_ops = family->base_ops;
	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(inet_csk(sk)->icsk_ulp_ops, ops);
	ctx->base_data_ready = sk->sk_data_ready;
	ctx->base_write_space = sk->sk_write_space;
	ctx->base_state_change = sk->sk_state_change;
	rcu_assign_pointer(inet_csk(sk)->icsk_ulp_data, ctx);
	WRITE_ONCE(sk->sk_data_ready, sluice_data_ready);
	WRITE_ONCE(sk->sk_write_space, sluice_write_space);
	sk->sk_state_change = sluice_state_change;
	/* Pairs with the lockless reads of sk_prot in af_inet.c and sk_clone_lock(). */
	smp_store_release(&sk->sk_prot, &family->prot);
	write_unlock_bh(&sk->sk_callback_lock);
}

/* Callbacks that someone put on top of ours stay, and reach ours without a context. */
static void sluice_restore_sock(struct sock *sk, const struct sluice_ctx *ctx)
{
	struct sluice_family *family = sluice_family(sk);

	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_prot, family->base_prot);
	if (sk->sk_data_ready == sluice_data_ready)
		WRITE_ONCE(sk->sk_data_ready, ctx ? ctx->base_data_ready : family->data_ready);
	if (sk->sk_write_space == sluice_write_space)
		WRITE_ONCE(sk->sk_write_space, ctx ? ctx->base_write_space : family->write_space);
	if (sk->sk_state_change == sluice_state_change)
		sk->sk_state_change = ctx ? ctx->base_state_change : family->state_change;
	RCU_INIT_POINTER(inet_csk(sk)->icsk_ulp_data, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
}

/* TCP as it came: no psock, no other module's proto, nobody's repair or Fast Open. */
static bool sluice_is_plain(const struct sock *sk)
{
	struct sluice_family *family = sluice_family(sk);

	return sk->sk_prot == family->base_prot && !tcp_sk(sk)->repair &&
	       !tcp_sk(sk)->fastopen_connect && !inet_test_bit(DEFER_CONNECT, sk);
}

static struct sluice_ctx *sluice_attach(struct sock *sk, const struct tcp_ulp_ops *ops)
{
	struct sluice_ctx *ctx = sluice_ctx_create(sk, GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return NULL;
	if (sluice_ctx_prepare(ctx)) {
		sluice_ctx_free(ctx);
		return NULL;
	}
	ctx->accepted = true;
	sluice_take_sock(sk, ctx, ops);
	sluice_take_ops(sk->sk_socket);
	return ctx;
}

/* @states: TCPF_* in which @ops takes a socket. */
static int sluice_attach_in(struct sock *sk, int states, const struct tcp_ulp_ops *ops)
{
	sock_owned_by_me(sk);
	if (!READ_ONCE(sluice_ulp_is_open))
		return -ENOENT;
	if (!((1 << sk->sk_state) & states))
		return -ENOTCONN;
	if (!sluice_is_plain(sk) || !sk->sk_socket ||
	    READ_ONCE(sk->sk_socket->ops) != sluice_family(sk)->base_ops)
		return -EOPNOTSUPP;
	return sluice_attach(sk, ops) ? 0 : -ENOMEM;
}

static int sluice_ulp_attach(struct sock *sk)
{
	return sluice_attach_in(sk, TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT | TCPF_ESTABLISHED,
				&sluice_ulp_ops);
}

static int sluice_tls_attach(struct sock *sk)
{
	return sluice_attach_in(sk, TCPF_ESTABLISHED, &sluice_tls_ops);
}

int sluice_ulp_adopt(struct sluice_ctx *ctx)
{
	int err;

	sock_owned_by_me(ctx->sk);
	if (likely(ctx->accepted))
		return 0;
	err = sluice_ctx_prepare(ctx);
	if (err)
		return err;
	sluice_take_ops(ctx->sk->sk_socket);
	if (ctx->arm)
		sluice_ulp_guard(ctx);
	ctx->accepted = true;
	return 0;
}

int sluice_ulp_start(struct sluice_ctx *ctx)
{
	int err;

	sock_owned_by_me(ctx->sk);
	if (likely(READ_ONCE(ctx->state) != SLUICE_STATE_ARMED) || !sluice_ctx_connected(ctx))
		return 0;
	err = sluice_ulp_adopt(ctx);
	if (!err)
		sluice_hs_submit(ctx, GFP_KERNEL);
	return err;
}

void sluice_ulp_guard(struct sluice_ctx *ctx)
{
	struct sock *sk = ctx->sk;

	sock_owned_by_me(sk);
	if (sk->sk_rcvlowat <= 1)
		return;
	WRITE_ONCE(ctx->rcvlowat, sk->sk_rcvlowat);
	WRITE_ONCE(sk->sk_rcvlowat, 1);
}

/* --- children --- */

/* Any context. @arm: one reference, taken over. */
static void sluice_inherit(struct sluice_ctx *ctx, struct sluice_arm *arm)
{
	ctx->role = arm->req.role;
	/* Pairs with sluice_parent_arm(). */
	smp_store_release(&ctx->arm, arm);
	WRITE_ONCE(ctx->state, SLUICE_STATE_ARMED);
}

/* Of a listener that is not locked and may be closing; its request outlives this. */
static struct sluice_arm *sluice_parent_arm(const struct sluice_ctx *parent)
{
	/* Pairs with sluice_inherit(). */
	struct sluice_arm *arm = smp_load_acquire(&parent->arm);

	return arm ? sluice_arm_get(arm) : NULL;
}

static struct sluice_ctx *sluice_clone_ctx(const struct sluice_ctx *parent, struct sock *child,
					   gfp_t gfp)
{
	struct sluice_ctx *ctx = sluice_ctx_create(child, gfp);
	struct sluice_arm *arm;

	if (!ctx)
		return NULL;
	ctx->base_prot = parent->base_prot;
	ctx->base_ops = parent->base_ops;
	ctx->base_data_ready = parent->base_data_ready;
	ctx->base_write_space = parent->base_write_space;
	ctx->base_state_change = parent->base_state_change;
	arm = sluice_parent_arm(parent);
	if (arm)
		sluice_inherit(ctx, arm);
	return ctx;
}

/*
 * sk_prot_creator, which outlives the ULP and goes into TIME-WAIT, shall be TCP's: the
 * module would be held for a minute by connections that are gone.
 *
 * Return: did the child hold the module for it? That reference is the caller's now.
 */
static bool sluice_renounce_creator(struct sock *child)
{
	struct sluice_family *family = sluice_family(child);

	if (child->sk_prot_creator != &family->prot)
		return false;
	__module_get(family->base_prot->owner);
	child->sk_prot_creator = family->base_prot;
	return true;
}

/*
 * A child is born, in softirq, as a byte copy of its listener, which nobody holds
 * locked and which may be closing: its context is read under RCU, its callbacks and
 * proto are whatever the copy caught. Without memory the child becomes plain TCP and
 * accept on our listener mends or refuses it. The reference that tcp_cleanup_ulp() will
 * put is the one taken when the child was allocated from our proto.
 */
static void sluice_ulp_clone(const struct request_sock *req, struct sock *child,
			     const gfp_t gfp)
{
	struct inet_connection_sock *icsk = inet_csk(child);
	struct sluice_ctx *parent, *ctx = NULL;
	bool held = sluice_renounce_creator(child);

	rcu_read_lock();
	parent = rcu_dereference(icsk->icsk_ulp_data);
	if (parent && held && sluice_ulp_owns(child))
		ctx = sluice_clone_ctx(parent, child, gfp);
	rcu_read_unlock();
	if (ctx) {
		rcu_assign_pointer(icsk->icsk_ulp_data, ctx);
		return;
	}
	icsk->icsk_ulp_ops = NULL;
	sluice_restore_sock(child, NULL);
	if (held)
		module_put(sluice_ulp_ops.owner);
}

void sluice_ulp_arm(struct sluice_ctx *ctx, struct sluice_arm *arm)
{
	sock_owned_by_me(ctx->sk);
	sluice_inherit(ctx, arm);
	sluice_ulp_guard(ctx);
}

static int sluice_ulp_attach_child(struct sock *child)
{
	if (inet_csk(child)->icsk_ulp_ops || !sluice_is_plain(child))
		return -EOPNOTSUPP;
	if (!sluice_attach(child, &sluice_ulp_ops))
		return -ENOMEM;
	__module_get(sluice_ulp_ops.owner);
	return 0;
}

int sluice_ulp_accept(struct sluice_ctx *listener, struct sock *child)
{
	struct sluice_arm *arm;
	struct sluice_ctx *ctx;
	int err;

	sock_owned_by_me(child);
	if (!sluice_ulp_owns(child)) {
		err = sluice_ulp_attach_child(child);
		if (err)
			return err;
	}
	ctx = sluice_ctx(child);
	if (!ctx)
		return -EOPNOTSUPP;
	err = sluice_ulp_adopt(ctx);
	if (err)
		return err;
	if (!ctx->arm) {
		arm = sluice_parent_arm(listener);
		if (arm)
			sluice_ulp_arm(ctx, arm);
	}
	return sluice_ulp_start(ctx);
}

/* The end of children nobody accepted, and of every socket after sluice_close(). */
static void sluice_ulp_release(struct sock *sk)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);

	if (!ctx)
		return;
	sluice_restore_sock(sk, ctx);
	sluice_ctx_free(ctx);
}

/* --- proto --- */

static bool sluice_aborts(const struct sock *sk)
{
	return sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime;
}

/* Nobody is left who could send it: the peer shall not take what it has for all there
 * was, so that TCP closes as with linger 0, by RST.
 */
static void sluice_abort(struct sock *sk)
{
	sock_set_flag(sk, SOCK_LINGER);
	sk->sk_lingertime = 0;
}

static void sluice_close(struct sock *sk, long timeout)
{
	struct proto *base = sluice_family(sk)->base_prot;
	struct sluice_ctx *ctx;

	lock_sock(sk);
	ctx = sluice_ctx(sk);
	if (ctx) {
		if (ctx->hs)
			sluice_hs_cancel(ctx, ECANCELED);
		if (!sluice_aborts(sk)) {
			if (READ_ONCE(ctx->state) == SLUICE_STATE_OPEN)
				sluice_rx_drain_control(ctx);
			sluice_tx_flush(ctx);
			if (sluice_tx_left(ctx))
				sluice_abort(sk);
			else
				sluice_managed_close_notify(ctx);
		}
		sluice_restore_sock(sk, ctx);
		/* Locked: what is freed gives its charge back to the socket. */
		sluice_ctx_free(ctx);
	}
	release_sock(sk);
	base->close(sk, timeout);
}

/*
 * Also how a listener drops a child nobody accepted: then @sk is that child, the
 * proto was the listener's, and the child may be plain or another's.
 */
static int sluice_disconnect(struct sock *sk, int flags)
{
	struct sluice_ctx *ctx = sluice_ulp_owns(sk) ? sluice_ctx(sk) : NULL;

	if (ctx) {
		if (ctx->tx.dir.key || ctx->rx.dir.key || sluice_ulp_is_tls(sk))
			return -EOPNOTSUPP;
		if (ctx->hs)
			sluice_hs_cancel(ctx, ECONNABORTED);
	}
	return sluice_family(sk)->base_prot->disconnect(sk, flags);
}

static int sluice_ioctl(struct sock *sk, int cmd, int *karg)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);

	if (cmd == SIOCINQ && sk->sk_state != TCP_LISTEN &&
	    (sluice_ctx_managed(ctx) || READ_ONCE(ctx->rx.dir.key))) {
		*karg = sluice_rx_inq(ctx);
		return 0;
	}
	return ctx->base_prot->ioctl(sk, cmd, karg);
}

static bool sluice_is_readable(struct sock *sk)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);

	return ctx && READ_ONCE(ctx->rx.dir.key) && sluice_rx_maybe_readable(ctx);
}

/* The owner lets go of the socket; slock held, softirq's part is caught up on. */
static void sluice_release_cb(struct sock *sk)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);

	sluice_family(sk)->base_prot->release_cb(sk);
	if (!ctx)
		return;
	if (unlikely(ctx->write_space_due)) {
		ctx->write_space_due = false;
		if (sluice_tx_write_space(ctx))
			ctx->base_write_space(sk);
	}
	if (sluice_ctx_shaking(ctx))
		sluice_hs_wake(ctx);
}

COMPAT_RECVMSG(sluice_rx_recvmsg)

static void __init sluice_prot_override(struct proto *prot)
{
	prot->owner = THIS_MODULE;
	prot->close = sluice_close;
	prot->disconnect = sluice_disconnect;
	prot->ioctl = sluice_ioctl;
	prot->setsockopt = sluice_setsockopt;
	prot->getsockopt = sluice_getsockopt;
	prot->sendmsg = sluice_tx_sendmsg;
	prot->splice_eof = sluice_tx_splice_eof;
	prot->recvmsg = sluice_rx_recvmsg_compat;
	prot->sock_is_readable = sluice_is_readable;
	prot->release_cb = sluice_release_cb;
#ifdef CONFIG_BPF_SYSCALL
	prot->psock_update_sk_prot = NULL;	/* no sockmap over our bytes */
#endif
}

/* --- diagnostics --- */

static int sluice_put_info(struct sk_buff *skb, const struct sluice_ctx *ctx)
{
	u16 version = READ_ONCE(ctx->version);
	u16 tx = READ_ONCE(ctx->tx.dir.key) ? TLS_CONF_SW : TLS_CONF_BASE;
	u16 rx = READ_ONCE(ctx->rx.dir.key) ? TLS_CONF_SW : TLS_CONF_BASE;

	if (version && (nla_put_u16(skb, TLS_INFO_VERSION, version) ||
			nla_put_u16(skb, TLS_INFO_CIPHER, READ_ONCE(ctx->cipher))))
		return -EMSGSIZE;
	if (nla_put_u16(skb, TLS_INFO_TXCONF, tx) || nla_put_u16(skb, TLS_INFO_RXCONF, rx))
		return -EMSGSIZE;
	if (READ_ONCE(ctx->expect_no_pad) && nla_put_flag(skb, TLS_INFO_RX_NO_PAD))
		return -EMSGSIZE;
	return nla_put_u16(skb, TLS_INFO_TX_MAX_PAYLOAD_LEN, READ_ONCE(ctx->tx.max_payload));
}

static int sluice_ulp_get_info(struct sock *sk, struct sk_buff *skb, bool net_admin)
{
	struct sluice_ctx *ctx;
	struct nlattr *nest;
	int err = 0;

	nest = nla_nest_start_noflag(skb, INET_ULP_INFO_TLS);
	if (!nest)
		return -EMSGSIZE;
	rcu_read_lock();
	ctx = rcu_dereference(inet_csk(sk)->icsk_ulp_data);
	if (ctx)
		err = sluice_put_info(skb, ctx);
	rcu_read_unlock();
	if (err || !ctx)
		nla_nest_cancel(skb, nest);
	else
		nla_nest_end(skb, nest);
	return err;
}

static size_t sluice_ulp_get_info_size(const struct sock *sk, bool net_admin)
{
	return 2 * nla_total_size(0) + 5 * nla_total_size(sizeof(u16));
}

COMPAT_ULP_GET_INFO(sluice_ulp_get_info)
COMPAT_ULP_GET_INFO_SIZE(sluice_ulp_get_info_size)

/* --- module --- */

static struct tcp_ulp_ops sluice_ulp_ops = {
	.name		= SLUICE_ULP_NAME,
	.owner		= THIS_MODULE,
	.init		= sluice_ulp_attach,
	.release	= sluice_ulp_release,
	.clone		= sluice_ulp_clone,
	.get_info	= sluice_ulp_get_info_compat,
	.get_info_size	= sluice_ulp_get_info_size_compat,
};

/*
 * In the place of the kernel's own module, and as it behaves: connected sockets only,
 * and without a clone TCP lets none of them listen.
 */
static struct tcp_ulp_ops sluice_tls_ops = {
	.name		= "tls",
	.owner		= THIS_MODULE,
	.init		= sluice_tls_attach,
	.release	= sluice_ulp_release,
	.get_info	= sluice_ulp_get_info_compat,
	.get_info_size	= sluice_ulp_get_info_size_compat,
};

/* Not all of TCP's tables are exported: a socket fresh from the kernel shows them. */
static int __init sluice_family_init(struct sluice_family *family, int af)
{
	struct socket *sock;
	int err;

	err = sock_create_kern(&init_net, af, SOCK_STREAM, IPPROTO_TCP, &sock);
	if (err)
		return err;
	family->base_prot = sock->sk->sk_prot;
	family->base_ops = sock->ops;
	family->data_ready = sock->sk->sk_data_ready;
	family->write_space = sock->sk->sk_write_space;
	family->state_change = sock->sk->sk_state_change;
	family->prot = *family->base_prot;
	family->ops = *family->base_ops;
	sluice_prot_override(&family->prot);
	family->ops.owner = THIS_MODULE;
	sluice_ops_override(&family->ops);
	sock_release(sock);
	return 0;
}

int __init sluice_ulp_init(void)
{
	int err = sluice_family_init(&sluice_inet6, AF_INET6);

	if (err && err != -EAFNOSUPPORT)
		return err;
	return sluice_family_init(&sluice_inet, AF_INET);
}

/*
 * A start that fails may find a program on its way into, or out of, an attach that is
 * not open yet; the kernel would free the code under it. One reference is the start's.
 */
static void sluice_unregister(struct tcp_ulp_ops *ops)
{
	tcp_unregister_ulp(ops);
	while (module_refcount(THIS_MODULE) > 1)
		msleep(20);
}

/* TCP says EEXIST, which for modprobe means that this module is there already. */
static int __init sluice_register_tls(void)
{
	if (!tcp_register_ulp(&sluice_tls_ops))
		return 0;
	if (IS_BUILTIN(CONFIG_TLS))
		pr_err("takeover=1: not with this kernel, which has its own TLS built in (CONFIG_TLS=y)\n");
	else
		pr_err("takeover=1: the kernel's own module tls is loaded: remove it (rmmod tls) and keep it out (sluice-takeover.conf in modprobe.d)\n");
	return -EBUSY;
}

int __init sluice_ulp_register(bool takeover)
{
	int err;

	if (takeover) {
		err = sluice_register_tls();
		if (err)
			return err;
	}
	err = tcp_register_ulp(&sluice_ulp_ops);
	if (err && takeover)
		sluice_unregister(&sluice_tls_ops);
	return err;
}

void __init sluice_ulp_open(void)
{
	WRITE_ONCE(sluice_ulp_is_open, true);
}

void sluice_ulp_unregister(bool takeover)
{
	sluice_unregister(&sluice_ulp_ops);
	if (takeover)
		sluice_unregister(&sluice_tls_ops);
}
