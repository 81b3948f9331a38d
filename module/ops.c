// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket calls of a program that are neither data nor options: connect, listen,
 * accept, poll, shutdown; and the doors to TCP's bytes that must stay shut.
 */
#include <linux/net.h>
#include <linux/poll.h>
#include <net/inet_common.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "ctx.h"
#include "handshake.h"
#include "ops.h"
#include "ulp.h"

#define SLUICE_POLL_IN	(EPOLLIN | EPOLLRDNORM)
#define SLUICE_POLL_OUT	(EPOLLOUT | EPOLLWRNORM)

/*
 * TCP is up: wait for TLS as connect waits. The failure is reported by this call, so
 * SO_ERROR and poll shall not report it a second time.
 */
static int sluice_connect_wait(struct sluice_ctx *ctx, int flags, int pending)
{
	struct sock *sk = ctx->sk;
	long timeo;
	int err;

	lock_sock(sk);
	timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	err = sluice_ctx_wait_open(ctx, &timeo);
	if (READ_ONCE(ctx->state) == SLUICE_STATE_FAILED)
		sock_error(sk);
	release_sock(sk);
	return err == -EAGAIN ? pending : err;
}

static int sluice_connect_managed(struct sluice_ctx *ctx, struct socket *sock,
				  struct sockaddr_unsized *addr, int len, int flags)
{
	bool fresh = sock->state == SS_UNCONNECTED;
	bool waited = sluice_ctx_shaking(ctx);
	int err;

	/* A handshake is under way or over: TCP's state is not the answer. */
	if (waited || READ_ONCE(ctx->state) == SLUICE_STATE_FAILED) {
		err = sluice_connect_wait(ctx, flags, -EALREADY);
		if (err)
			return err;
	}
	err = ctx->base_ops->connect(sock, addr, len, flags);
	if (waited && err == -EISCONN)	/* a signal had ended the first call */
		return 0;
	if (err)
		return err;
	return sluice_connect_wait(ctx, flags, fresh ? -EINPROGRESS : -EALREADY);
}

static int sluice_connect(struct socket *sock, struct sockaddr_unsized *addr, int len, int flags)
{
	struct sluice_ctx *ctx = sluice_ctx(sock->sk);

	if (!sluice_ctx_managed(ctx) ||
	    (len >= (int)sizeof(addr->sa_family) && addr->sa_family == AF_UNSPEC))
		return ctx->base_ops->connect(sock, addr, len, flags);
	return sluice_connect_managed(ctx, sock, addr, len, flags);
}

static int sluice_listen(struct socket *sock, int backlog)
{
	struct sluice_ctx *ctx = sluice_ctx(sock->sk);

	if (sluice_ctx_managed(ctx) && ctx->role != SLUICE_ROLE_SERVER)
		return -EINVAL;
	return ctx->base_ops->listen(sock, backlog);
}

/*
 * The handshake of a child starts here at the latest, and only once it has a struct
 * socket: TCP's send path needs one. accept does not wait for it.
 */
static int sluice_accept(struct socket *sock, struct socket *newsock,
			 struct proto_accept_arg *arg)
{
	struct sluice_ctx *ctx = sluice_ctx(sock->sk);
	struct sock *child;
	int err;

	err = ctx->base_ops->accept(sock, newsock, arg);
	if (err)
		return err;
	child = newsock->sk;
	lock_sock(child);
	err = sluice_ulp_accept(ctx, child);
	release_sock(child);
	if (!err)
		return 0;
	/* Never plain text from a TLS listener. Closes @child: not every caller would. */
	ctx->base_ops->release(newsock);
	return -ECONNABORTED;
}

static __poll_t sluice_poll_in(struct sluice_ctx *ctx, __poll_t mask)
{
	/* After TCP's FIN a read ends at once, with data, EOF or an errno. */
	if (!(READ_ONCE(ctx->sk->sk_shutdown) & RCV_SHUTDOWN)) {
		mask &= ~SLUICE_POLL_IN;
		if (sluice_rx_readable(ctx))
			mask |= SLUICE_POLL_IN;
		/* What looking has found, TCP's poll did not know yet. */
		if (!sluice_ctx_managed(ctx) && READ_ONCE(ctx->sk->sk_err))
			mask |= EPOLLERR;
	}
	if (READ_ONCE(ctx->rx.eof))
		mask |= SLUICE_POLL_IN | EPOLLRDHUP;
	return mask;
}

static __poll_t sluice_poll_out(struct sluice_ctx *ctx, __poll_t mask)
{
	struct sock *sk = ctx->sk;

	if (!(mask & EPOLLOUT) || READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN ||
	    sluice_tx_writable(ctx))
		return mask;
	/* Ask to be woken, then look again: the room may have come in between. */
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	smp_mb__after_atomic();	/* as in tcp_poll(): flag before the second look */
	return sluice_tx_writable(ctx) ? mask : mask & ~SLUICE_POLL_OUT;
}

static __poll_t sluice_poll(struct file *file, struct socket *sock,
			    struct poll_table_struct *wait)
{
	struct sluice_ctx *ctx = sluice_ctx(sock->sk);
	__poll_t mask = ctx->base_ops->poll(file, sock, wait);

	if ((1 << inet_sk_state_load(sock->sk)) & TCPF_LISTEN)
		return mask;
	switch (READ_ONCE(ctx->state)) {
	case SLUICE_STATE_ARMED:
		/* Not connected, or no longer: as TCP. Else: until the handshake ends. */
		if (inet_sk_state_load(sock->sk) == TCP_CLOSE)
			return mask;
		fallthrough;
	case SLUICE_STATE_PENDING:
	case SLUICE_STATE_ACCEPTED:
		return mask & (EPOLLERR | EPOLLHUP);
	case SLUICE_STATE_FAILED:
		return mask | EPOLLERR | EPOLLHUP | EPOLLRDHUP | SLUICE_POLL_IN | SLUICE_POLL_OUT;
	}
	if (READ_ONCE(ctx->rx.dir.key))
		mask = sluice_poll_in(ctx, mask);
	if (READ_ONCE(ctx->tx.dir.key))
		mask = sluice_poll_out(ctx, mask);
	return mask;
}

/*
 * The program sends no more: all it has sent must be TCP's, and close_notify in managed mode,
 * before FIN may follow.
 *
 * Return: 0; -ENOBUFS, -ENOMEM: memory lacks, and it can be repeated; what else stopped sealing.
 */
static int sluice_last_words(struct sluice_ctx *ctx)
{
	struct sock *sk = ctx->sk;
	int err;

	/* Nothing can go out: TCP has the word. */
	if (sk->sk_shutdown & SEND_SHUTDOWN ||
	    !((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
		return 0;
	err = sluice_tx_flush(ctx);
	if (!sluice_tx_left(ctx))
		err = sluice_managed_close_notify(ctx);
	/* A fatal alert has ended it: the rest will never go. */
	if (err == -EPIPE && ctx->tx.closed)
		return 0;
	if (err == -EAGAIN || (!err && sluice_tx_left(ctx)))
		return -ENOBUFS;
	return err;
}

/* close_notify goes before inet_shutdown(), which forbids TCP to send. */
static int sluice_shutdown(struct socket *sock, int how)
{
	struct sluice_ctx *ctx = sluice_ctx(sock->sk);
	int err;

	if (how == SHUT_WR || how == SHUT_RDWR) {
		lock_sock(sock->sk);
		err = sluice_last_words(ctx);
		release_sock(sock->sk);
		if (err)
			return err;
	}
	return ctx->base_ops->shutdown(sock, how);
}

/* Once TCP's bytes are not the program's, TCP must not count them for it. */
static int sluice_set_rcvlowat(struct sock *sk, int val)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);

	if (!sluice_ctx_managed(ctx) && !ctx->version)
		return ctx->base_ops->set_rcvlowat(sk, val);
	WRITE_ONCE(ctx->rcvlowat, val ?: 1);
	return 0;
}

static int sluice_no_read_skb(struct sock *sk, skb_read_actor_t recv_actor)
{
	return -EOPNOTSUPP;
}

static int sluice_no_peek_len(struct socket *sock)
{
	return -EOPNOTSUPP;
}

void __init sluice_ops_override(struct proto_ops *ops)
{
	ops->connect = sluice_connect;
	ops->listen = sluice_listen;
	ops->accept = sluice_accept;
	ops->poll = sluice_poll;
	ops->shutdown = sluice_shutdown;
	ops->splice_read = sluice_rx_splice_read;
	ops->read_sock = sluice_rx_read_sock;
	ops->set_rcvlowat = sluice_set_rcvlowat;
	/* Doors to TCP's bytes, past the records. */
	ops->mmap = sock_no_mmap;
	ops->set_peek_off = NULL;
	ops->sendmsg_locked = sock_no_sendmsg_locked;
	ops->read_skb = sluice_no_read_skb;
	ops->peek_len = sluice_no_peek_len;
}
