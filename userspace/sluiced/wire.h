/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenSSL's end of a connection's raw bytes, as a BIO over a non-blocking file.
 *
 * Reads ask the file for exactly what OpenSSL asks for, nothing ahead: bytes
 * behind the handshake belong to the kernel. Writes always succeed into a
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

/**
 * struct wire - a connection's raw bytes
 * @fd:		the file; not owned
 * @eof:	the peer has closed its direction
 * @error:	errno of the file's first failure, 0 if none
 * @buf:	queue; bytes from @sent to @len wait
 * @head:	header and first bytes of the last record written
 * @head_len:	bytes in @head
 * @rest:	bytes of that record still to come
 */
struct wire {
	int fd;
	bool eof;
	int error;
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

/* Explicit nonce of the last record written; false if that has none. */
bool wire_last_nonce(const struct wire *wire, uint64_t *nonce);

/* Frees the queue. */
void wire_fini(struct wire *wire);

#endif /* SLUICED_WIRE_H */
