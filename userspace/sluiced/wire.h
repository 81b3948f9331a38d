/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenSSL's end of a connection's raw bytes, as a BIO over a non-blocking file.
 *
 * Bytes behind the handshake belong to the kernel: reads ask the file for what OpenSSL
 * asks for, and where a record begins for as many more as the peer must still send for
 * the handshake, whatever it does. What is so read ahead saves system calls; that it has
 * all been used is checked in the end. Writes always succeed into a
 * queue, so that OpenSSL never stops in the middle of a flight or loses a fatal
 * alert to a full buffer; a handshake is over when the queue is empty.
 */
#ifndef SLUICED_WIRE_H
#define SLUICED_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>

#define WIRE_HEADER	5	/* type, version, length */
#define WIRE_NONCE	8	/* explicit nonce of TLS 1.2's GCM */
#define WIRE_AHEAD	2048	/* a ClientHello, as a rule */

/**
 * struct wire - a connection's raw bytes
 * @fd:		the file; not owned
 * @eof:	the peer has closed its direction
 * @error:	errno of the file's first failure, 0 if none
 * @ahead:	of a record's beginning, how much can be asked for at once; the user's to
 *		set, at most WIRE_AHEAD
 * @asked:	bytes were sent just now, so do not look for an answer yet; the user's to
 *		clear, when the file may have been waited for
 * @in:		what was read ahead; bytes from @in_at to @in_len wait
 * @in_head:	header of the record that is being read
 * @in_head_len: bytes in @in_head
 * @in_rest:	bytes of that record still to come
 * @buf:	queue; bytes from @sent to @len wait
 * @head:	header and first bytes of the last record written
 * @head_len:	bytes in @head
 * @rest:	bytes of that record still to come
 */
struct wire {
	int fd;
	bool eof;
	int error;
	size_t ahead;
	bool asked;
	uint8_t in[WIRE_AHEAD];
	size_t in_at;
	size_t in_len;
	uint8_t in_head[WIRE_HEADER];
	size_t in_head_len;
	size_t in_rest;
	uint8_t *buf;
	size_t sent;
	size_t len;
	size_t size;
	uint8_t head[WIRE_HEADER + WIRE_NONCE];
	size_t head_len;
	size_t rest;
};

/* A BIO over @wire, which must outlive it; NULL without memory. */
BIO *wire_bio(struct wire *wire);

/* Writes what the file takes. Return: 0 when the queue is empty, -EAGAIN, or
 * the file's -errno, which also is in @wire->error.
 */
int wire_flush(struct wire *wire);

/* Are there bytes that were read ahead, and that nobody has asked for? */
bool wire_overshot(const struct wire *wire);

/* Explicit nonce of the last record written; false if that has none. */
bool wire_last_nonce(const struct wire *wire, uint64_t *nonce);

/* Frees the queue. */
void wire_fini(struct wire *wire);

#endif /* SLUICED_WIRE_H */
