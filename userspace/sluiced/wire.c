// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL's end of a connection's raw bytes: a BIO over a non-blocking file,
 * with a queue for what the file does not take at once, and an eye on the
 * records that go out.
 */
#include "wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIRE_TYPE_HANDSHAKE	22
/* More than any flight: a chain is at most 100 certificates' worth of it. */
#define WIRE_QUEUE_MAX		(1U << 20)

static BIO_METHOD *wire_method;
static pthread_once_t wire_once = PTHREAD_ONCE_INIT;

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool wire_would_block(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

/* Follows the records that come in. */
static void wire_count(struct wire *wire, const uint8_t *from, size_t len)
{
	size_t n;

	while (len) {
		if (!wire->in_rest && wire->in_head_len == WIRE_HEADER)
			wire->in_head_len = 0;
		if (wire->in_head_len < WIRE_HEADER) {
			wire->in_head[wire->in_head_len++] = *from;
			n = 1;
			if (wire->in_head_len == WIRE_HEADER)
				wire->in_rest = (size_t)wire->in_head[3] << 8 | wire->in_head[4];
		} else {
			n = min_size(wire->in_rest, len);
			wire->in_rest -= n;
		}
		from += n;
		len -= n;
	}
}

static bool wire_at_record(const struct wire *wire)
{
	return !wire->in_head_len || (wire->in_head_len == WIRE_HEADER && !wire->in_rest);
}

/* Return: as read(). */
static ssize_t wire_fetch(struct wire *wire, char *to, size_t size)
{
	ssize_t n;

	if (wire->in_at == wire->in_len && wire_at_record(wire) && wire->ahead > size) {
		n = read(wire->fd, wire->in, wire->ahead);
		if (n <= 0)
			return n;
		wire->in_at = 0;
		wire->in_len = (size_t)n;
	}
	if (wire->in_at == wire->in_len)
		return read(wire->fd, to, size);
	size = min_size(size, wire->in_len - wire->in_at);
	memcpy(to, wire->in + wire->in_at, size);
	wire->in_at += size;
	return (ssize_t)size;
}

static int wire_read(BIO *bio, char *to, size_t size, size_t *got)
{
	struct wire *wire = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	*got = 0;
	/* Not to be answered, a question stays for those who poll. A failure is in
	 * wire->error and shows when the queue must be empty; a peer that has gone may have
	 * left an alert to read.
	 */
	if (wire->sent < wire->len)
		wire_flush(wire);
	if (wire->asked) {
		wire->asked = false;
		BIO_set_retry_read(bio);
		return -1;
	}
	n = wire_fetch(wire, to, size);
	if (n > 0) {
		wire_count(wire, (const uint8_t *)to, (size_t)n);
		*got = (size_t)n;
		return 1;
	}
	if (!n) {
		wire->eof = true;
		return 0;
	}
	if (wire_would_block(errno))
		BIO_set_retry_read(bio);
	else if (!wire->error)
		wire->error = errno;
	return -1;
}

/* Keeps the beginning of the record that @from is a part of. Its explicit
 * nonce cannot be had from OpenSSL, which draws the first at random.
 */
static size_t wire_watch(struct wire *wire, const uint8_t *from, size_t len)
{
	size_t want = WIRE_HEADER, n;

	if (wire->head_len >= WIRE_HEADER && !wire->rest)
		wire->head_len = 0;
	if (wire->head_len < WIRE_HEADER) {
		n = min_size(want - wire->head_len, len);
		memcpy(wire->head + wire->head_len, from, n);
		wire->head_len += n;
		if (wire->head_len == WIRE_HEADER)
			wire->rest = (size_t)wire->head[3] << 8 | wire->head[4];
		return n;
	}
	n = min_size(wire->rest, len);
	wire->rest -= n;
	want = min_size(sizeof(wire->head) - wire->head_len, n);
	memcpy(wire->head + wire->head_len, from, want);
	wire->head_len += want;
	return n;
}

static bool wire_reserve(struct wire *wire, size_t more)
{
	size_t size = wire->size ? wire->size : 4096;
	uint8_t *buf;

	if (wire->len + more > WIRE_QUEUE_MAX)
		return false;
	while (size < wire->len + more)
		size *= 2;
	if (size == wire->size)
		return true;
	buf = realloc(wire->buf, size);
	if (!buf)
		return false;
	wire->buf = buf;
	wire->size = size;
	return true;
}

static int wire_write(BIO *bio, const char *from, size_t len, size_t *put)
{
	struct wire *wire = BIO_get_data(bio);
	size_t at = 0;

	BIO_clear_retry_flags(bio);
	*put = 0;
	if (!wire_reserve(wire, len)) {
		wire->error = wire->error ? wire->error : ENOBUFS;
		return -1;
	}
	memcpy(wire->buf + wire->len, from, len);
	wire->len += len;
	while (at < len)
		at += wire_watch(wire, (const uint8_t *)from + at, len - at);
	*put = len;
	return 1;
}

static long wire_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct wire *wire = BIO_get_data(bio);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		/* Not yet: there may be more to go along, as one ticket behind another. */
		return 1;
	case BIO_CTRL_WPENDING:
		return (long)(wire->len - wire->sent);
	case BIO_CTRL_EOF:
		return wire->eof;
	default:
		return 0;
	}
}

static void wire_make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() |
					  BIO_TYPE_SOURCE_SINK, "sluice wire");

	if (!method)
		return;
	BIO_meth_set_read_ex(method, wire_read);
	BIO_meth_set_write_ex(method, wire_write);
	BIO_meth_set_ctrl(method, wire_ctrl);
	wire_method = method;
}

BIO *wire_bio(struct wire *wire)
{
	BIO *bio;

	pthread_once(&wire_once, wire_make_method);
	bio = wire_method ? BIO_new(wire_method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	return bio;
}

int wire_flush(struct wire *wire)
{
	ssize_t n;

	while (wire->sent < wire->len) {
		n = write(wire->fd, wire->buf + wire->sent,
			  wire->len - wire->sent);
		if (n < 0 && wire_would_block(errno))
			return -EAGAIN;
		if (n < 0) {
			wire->error = wire->error ? wire->error : errno;
			return -errno;
		}
		wire->sent += (size_t)n;
		/* Whoever polls is told at once of what has come in spite of that. */
		wire->asked = wire->in_at == wire->in_len;
	}
	wire->sent = 0;
	wire->len = 0;
	return 0;
}

bool wire_overshot(const struct wire *wire)
{
	return wire->in_at < wire->in_len;
}

bool wire_last_nonce(const struct wire *wire, uint64_t *nonce)
{
	if (wire->head_len != sizeof(wire->head) || wire->rest ||
	    wire->head[0] != WIRE_TYPE_HANDSHAKE)
		return false;
	*nonce = 0;
	for (size_t i = WIRE_HEADER; i < sizeof(wire->head); i++)
		*nonce = *nonce << 8 | wire->head[i];
	return true;
}

void wire_fini(struct wire *wire)
{
	free(wire->buf);
	wire->buf = NULL;
	wire->size = 0;
	wire->sent = 0;
	wire->len = 0;
}
