/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sealed records on their way to TCP: the pages they lie in, and what TCP has
 * not taken yet. Knows nothing of TLS.
 */
#ifndef SLUICE_BATCH_H
#define SLUICE_BATCH_H

#include <linux/bvec.h>
#include <linux/mm_types_task.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#define SLUICE_BATCH_RECORDS	16
/* A full record in single pages, its start at least 2 KiB long or its payload apart; see
 * batch.c
 */
#define SLUICE_BATCH_PIECES	8
/* Sixteen records in order-3 pages, or some seven in single ones. */
#define SLUICE_BATCH_BVECS	60
/* Kept free by bulk sending: a pending record and control records behind a tail. */
#define SLUICE_BATCH_SPARE	(SLUICE_BATCH_PIECES + 4)
/* A payload is congruent with its source: the crypto API goes on from page to page of both,
 * and the ciphers like each stretch to be a multiple of what they take at a time.
 */
#define SLUICE_BATCH_ALIGN	256
/* Page fragments that one record is encrypted from: a whole pipe's. */
#define SLUICE_BATCH_SOURCES	16

/**
 * struct sluice_batch - what one call of sendmsg() needs, and what TCP has not taken of it
 * @bvec:	sealed bytes, one page reference each
 * @first:	of them, the first that TCP has not taken whole
 * @count:	of them, from @first on
 * @bytes:	sealed bytes that are not TCP's yet
 * @records:	records added since it was empty
 * @piece:	where the record at work lies, one page reference each
 * @pieces:	of them
 * @frame:	where prefixes and tails of records go whose payload lies apart; a page reference
 *		while it has room
 * @type:	TLS 1.3's inner type as an entry of @src
 * @src:	additional data, sources, type
 * @dst:	additional data, destinations
 *
 * All under the socket lock. Bytes handed to TCP are never written again, and a
 * reference to their pages is kept until tcp_sendmsg_locked() has returned.
 */
struct sluice_batch {
	struct bio_vec bvec[SLUICE_BATCH_BVECS];
	unsigned int first;
	unsigned int count;
	unsigned int bytes;
	unsigned int records;
	struct bio_vec piece[SLUICE_BATCH_PIECES];
	unsigned int pieces;
	struct page_frag frame;
	u8 type;
	struct scatterlist src[1 + SLUICE_BATCH_SOURCES + 1];
	struct scatterlist dst[1 + SLUICE_BATCH_PIECES];
};

/** sluice_batch_dead() - has @sk's connection ended for senders? Lock or slock held. */
static inline bool sluice_batch_dead(const struct sock *sk)
{
	return sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) ||
	       !((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT));
}

/** sluice_batch_create() - an empty one, or NULL */
struct sluice_batch *sluice_batch_create(gfp_t gfp);

/** sluice_batch_free() - drop it with all it holds; NULL is fine. Any context. */
void sluice_batch_free(struct sluice_batch *b);

/** sluice_batch_full() - should bulk sending stop adding records? */
bool sluice_batch_full(const struct sluice_batch *b);

/**
 * sluice_batch_reserve() - room for one record, in @piece
 * @b:		no record at work
 * @sk:		locked; its page fragments (of the task) are used
 * @len:	bytes of the record
 * @prefix:	bytes before the payload; all within the first piece
 * @align:	payload's address modulo SLUICE_BATCH_ALIGN, or negative: anywhere
 *
 * May sleep. sluice_batch_commit() or sluice_batch_cancel() follows.
 * Return: 0; -ENOMEM; -ENOBUFS: a tail stands in the way.
 */
int sluice_batch_reserve(struct sluice_batch *b, struct sock *sk, unsigned int len,
			 unsigned int prefix, int align);

/**
 * sluice_batch_reserve_apart() - the same, the payload apart from what is around it
 * @prefix:	bytes before the payload, a piece of their own
 * @payload:	bytes of it
 * @tail:	bytes behind it, likewise
 * @align:	the payload's offset in a page
 *
 * Payloads of such records lie back to back where their sources do, so that each page of a
 * source goes to one page. What is around them comes from a small area, which costs the rest
 * of a page once for many records.
 */
int sluice_batch_reserve_apart(struct sluice_batch *b, struct sock *sk, unsigned int prefix,
			       unsigned int payload, unsigned int tail, unsigned int align);

void sluice_batch_commit(struct sluice_batch *b);
void sluice_batch_cancel(struct sluice_batch *b);

/**
 * sluice_batch_push() - hand sealed bytes to TCP
 * @b:		what is there
 * @sk:		locked, or slock held (softirq) with a GFP_ATOMIC sk_allocation
 * @flags:	MSG_MORE, MSG_EOR
 * @chunk:	bytes for one call of TCP at most
 *
 * Never waits. Room is made in the send buffer for all of @b: who seals looks
 * at the limits first, what is sealed must go.
 * Return: 0: all is TCP's; -EAGAIN: the rest stays here; else the connection is
 * dead, and its error is still in sk_err.
 */
int sluice_batch_push(struct sluice_batch *b, struct sock *sk, int flags, size_t chunk);

#endif
