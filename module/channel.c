// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel: an anonymous file through which the agent moves raw bytes of the
 * connection. It holds the handshake, not the program's socket file, so that a
 * close is seen at once; after the end it says ESHUTDOWN to everything, but for
 * tickets that the agent has asked for.
 *
 * Nothing here waits for the socket lock, which the program may hold for as long
 * as it likes: EAGAIN then, and sluice_hs_wake() from release_cb. Errors of the
 * connection are looked at and left in place: sk_err is the program's to read.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "channel.h"
#include "handshake.h"
#include "ticket.h"

/* What a read finds when the queue is empty. */
static int channel_read_end(const struct sock *sk)
{
	if (sk->sk_err)
		return -sk->sk_err;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	return sk->sk_state == TCP_CLOSE ? -ENOTCONN : -EAGAIN;
}

/* skb_copy_datagram_iter() copies all it is asked to or nothing, and only what was copied
 * is given back to TCP: a bad address loses no byte.
 */
static ssize_t channel_take(struct sock *sk, struct iov_iter *to)
{
	size_t want, done = 0;
	struct sk_buff *skb;
	u32 offset;

	while (iov_iter_count(to)) {
		skb = tcp_recv_skb(sk, tcp_sk(sk)->copied_seq, &offset);
		if (!skb || skb->len <= offset)
			break;
		want = min_t(size_t, skb->len - offset, iov_iter_count(to));
		if (skb_copy_datagram_iter(skb, offset, to, want))
			return done ?: -EFAULT;
		tcp_read_done(sk, want);
		done += want;
	}
	return done ?: channel_read_end(sk);
}

/* An end that comes meanwhile, from another side, leaves its own error in sk_err: to the
 * channel it is an end as any other.
 */
static ssize_t channel_result(const struct sluice_hs *hs, ssize_t n)
{
	if (n >= 0 || n == -EAGAIN || n == -EFAULT)
		return n;
	smp_rmb();	/* hs_end() sets its bit before sk_err */
	return sluice_hs_ended(hs) ? -ESHUTDOWN : n;
}

static ssize_t channel_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct sluice_hs *hs = iocb->ki_filp->private_data;
	struct sock *sk = sluice_hs_lock(hs);
	ssize_t n;

	if (sk == ERR_PTR(-ESHUTDOWN))
		return sluice_ticket_read(hs, to);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	n = iov_iter_count(to) ? channel_result(hs, channel_take(sk, to)) : 0;
	sluice_hs_unlock(sk);
	return n;
}

/* tcp_sendmsg_locked() would take sk_err away with it. When the buffer is full it sets
 * SOCK_NOSPACE, so that write_space comes.
 */
static ssize_t channel_put(struct sock *sk, struct iov_iter *from)
{
	struct msghdr msg = {
		.msg_iter = *from,
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
	};
	ssize_t n;

	if (sk->sk_err)
		return -sk->sk_err;
	if (sk->sk_shutdown & SEND_SHUTDOWN || !sk->sk_socket)
		return -EPIPE;
	n = tcp_sendmsg_locked(sk, &msg, iov_iter_count(from));
	*from = msg.msg_iter;
	return n;
}

static ssize_t channel_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct sluice_hs *hs = iocb->ki_filp->private_data;
	struct sock *sk = sluice_hs_lock(hs);
	ssize_t n;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	n = iov_iter_count(from) ? channel_result(hs, channel_put(sk, from)) : 0;
	sluice_hs_unlock(sk);
	return n;
}

/* As in tcp_poll(): ask for write_space, then look again, for it may have come between. */
static bool channel_writable(struct sock *sk)
{
	if (sk->sk_shutdown & SEND_SHUTDOWN || sk_stream_is_writeable(sk))
		return true;
	if (!sk->sk_socket)
		return true;
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	smp_mb__after_atomic();	/* the bit is out before we look: tcp_check_space() */
	return sk_stream_is_writeable(sk);
}

/* A connection that broke is readable and writable: read() and write() tell why. EPOLLERR
 * means that the handshake has ended.
 */
static __poll_t channel_events(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	__poll_t mask = 0;

	if (sk->sk_err || sk->sk_state == TCP_CLOSE)
		return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (tp->rcv_nxt != tp->copied_seq)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (channel_writable(sk))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* Under slock, that a release in progress is either seen as done or wakes us afterwards. */
static __poll_t channel_poll(struct file *file, poll_table *table)
{
	struct sluice_hs *hs = file->private_data;
	__poll_t mask = 0;
	struct sock *sk;

	poll_wait(file, &hs->wait, table);
	sk = sluice_hs_sock(hs);
	if (!sk)
		return sluice_ticket_poll(hs);
	spin_lock_bh(&sk->sk_lock.slock);
	if (!sock_owned_by_user_nocheck(sk))
		mask = channel_events(sk);
	spin_unlock_bh(&sk->sk_lock.slock);
	sock_put(sk);
	return mask;
}

static int channel_release(struct inode *inode, struct file *file)
{
	struct sluice_hs *hs = file->private_data;

	if (hs) {
		sluice_hs_abandon(hs);
		sluice_ticket_refuse(hs);
	}
	sluice_hs_put(hs);
	return 0;
}

static const struct file_operations channel_fops = {
	.owner = THIS_MODULE,
	.read_iter = channel_read_iter,
	.write_iter = channel_write_iter,
	.poll = channel_poll,
	.release = channel_release,
};

struct file *sluice_channel_create(void)
{
	struct file *file;

	file = anon_inode_getfile("[sluice]", &channel_fops, NULL, O_RDWR | O_NONBLOCK);
	if (!IS_ERR(file)) {
		stream_open(file_inode(file), file);
		file->f_mode |= FMODE_NOWAIT;	/* it never waits */
	}
	return file;
}

void sluice_channel_attach(struct file *file, struct sluice_hs *hs)
{
	file->private_data = hs;
}

struct sluice_hs *sluice_channel_hs(struct file *file)
{
	return file->f_op == &channel_fops ? file->private_data : NULL;
}
