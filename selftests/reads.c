// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads of every kind in random order against a model of the stream: records
 * of random types, lengths and padding, made by libcrypto and cut anywhere,
 * into windows that may not hold one. READS_SEED=N repeats one run.
 */
#include "kselftest_harness.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "tls_record.h"

#define RECORDS_MAX	4096
#define BUF_LEN		(1 << 18)
#define STUCK		20000	/* ms */

struct sent {
	unsigned char type;
	size_t start;		/* in the pattern */
	size_t len;
};

/* One run. The sender appends to @sent before a byte of a record is on its way. */
struct run {
	struct wire wire;
	unsigned int seed;	/* the reader's */
	unsigned int sender_seed;
	size_t cut;		/* most bytes in one write; 0: as many as there are */
	size_t total;		/* bytes of content to send */
	bool tls13;
	struct sent sent[RECORDS_MAX];
	_Atomic size_t count;
	_Atomic bool ended;
	size_t record;		/* the reader: in this one, */
	size_t offset;		/* so far */
	int pipe[2];
	unsigned char buf[BUF_LEN];
	char failure[200];
};

static unsigned int pick(unsigned int *seed, unsigned int n)
{
	return (unsigned int)rand_r(seed) % n;
}

__attribute__((format(printf, 2, 3)))
static bool fail(struct run *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->failure, sizeof(r->failure), format, args);
	va_end(args);
	return false;
}

/*
 * The sender
 */

static bool write_cut(struct run *r, const unsigned char *data, size_t len)
{
	while (len) {
		size_t n = r->cut ? 1 + pick(&r->sender_seed, (unsigned int)r->cut) : len;

		if (n > len)
			n = len;
		if (write_all(r->wire.fd[1], data, n) != (long)n)
			return false;
		data += n;
		len -= n;
		if (!pick(&r->sender_seed, 300))
			usleep(pick(&r->sender_seed, 2000));
	}
	return true;
}

static size_t pick_length(struct run *r)
{
	switch (pick(&r->sender_seed, 6)) {
	case 0:
		return 1 + pick(&r->sender_seed, 64);
	case 1:
		return pick(&r->sender_seed, 4) ? 1000 : 0;
	case 2:
		return pick(&r->sender_seed, 5000);
	case 3:
		return pick(&r->sender_seed, RECORD_MAX + 1);
	}
	return RECORD_MAX;
}

/* Seals one more record into @out; its length. */
static size_t seal_next(struct run *r, size_t start, unsigned char *out)
{
	struct sent *s = &r->sent[r->count];
	unsigned char data[RECORD_MAX];
	size_t pad = 0;

	s->type = pick(&r->sender_seed, 12) ? CONTENT_DATA :
		  (unsigned char)(100 + pick(&r->sender_seed, 3));
	s->start = start;
	s->len = pick_length(r);
	if (r->tls13 && !pick(&r->sender_seed, 8))
		pad = pick(&r->sender_seed, (unsigned int)(RECORD_MAX - s->len + 1));
	pattern_fill(data, s->len, start);
	r->count++;
	return peer_seal(&r->wire.seal, s->type, data, s->len, pad, out);
}

static void *send_run(void *arg)
{
	static unsigned char out[4 * WIRE_MAX];
	struct run *r = arg;
	size_t start = 0, have = 0;
	bool good = true;

	while (good && start < r->total && r->count < RECORDS_MAX) {
		have += seal_next(r, start, out + have);
		start += r->sent[r->count - 1].len;
		if (have > 3 * WIRE_MAX || !pick(&r->sender_seed, 3)) {
			good = write_cut(r, out, have);
			have = 0;
		}
	}
	if (good)
		write_cut(r, out, have);
	r->ended = true;
	shutdown(r->wire.fd[1], SHUT_WR);
	return NULL;
}

/*
 * The model: what a read may give
 */

/* The record whose bytes come next; NULL: none was sent. Empty data is no news. */
static const struct sent *upcoming(struct run *r)
{
	while (r->record < r->count) {
		const struct sent *s = &r->sent[r->record];

		if (r->offset < s->len || (s->type != CONTENT_DATA && !s->len))
			return s;
		r->record++;
		r->offset = 0;
	}
	return NULL;
}

/* @n bytes at @data, of @type, are what comes next; goes on unless @peek. */
static bool fits(struct run *r, const unsigned char *data, size_t n, int type, bool peek)
{
	const struct sent *s = upcoming(r);
	const size_t record = r->record, offset = r->offset;

	if (!s || s->type != type)
		return fail(r, "%zu bytes of type %d instead of %d", n, type, s ? s->type : -1);
	do {
		size_t part = s->len - r->offset;

		if (part > n)
			part = n;
		if (!pattern_fits(data, part, s->start + r->offset))
			return fail(r, "record %zu differs behind %zu", r->record, r->offset);
		r->offset += part;
		data += part;
		n -= part;
		/* An empty record that was given is over. */
		if (r->offset == s->len) {
			r->record++;
			r->offset = 0;
		}
		s = n ? upcoming(r) : NULL;
		if (n && (!s || type != CONTENT_DATA || s->type != type))
			return fail(r, "%zu bytes beyond type %d", n, type);
	} while (n);
	if (peek) {
		r->record = record;
		r->offset = offset;
	}
	return true;
}

static bool untouched(struct run *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (r->buf[i])
			return fail(r, "byte %zu behind the %zu returned", i - from, from);
	return true;
}

/* kTLS: a call that has passed over empty data gives no other type. */
static bool after_nothing(const struct run *r, const struct sent *s)
{
	const struct sent *before = &r->sent[r->record - 1];

	return s && s->type != CONTENT_DATA && r->record && !r->offset &&
	       before->type == CONTENT_DATA && !before->len;
}

/* A read returned @n: an error that the model knows is no failure. */
static bool excused(struct run *r, long n, long refusal)
{
	const struct sent *s = upcoming(r);

	if (n == refusal)
		return (s && s->type != CONTENT_DATA) || fail(r, "%ld for data", n);
	if (n == -EAGAIN)
		return true;
	if (!n)
		return (r->ended && !s) || after_nothing(r, s) ||
		       fail(r, "end at record %zu", r->record);
	return fail(r, "error %ld at record %zu", n, r->record);
}

/*
 * The reader. Each takes one step; false: failed.
 */

static bool read_typed(struct run *r, size_t len, int flags)
{
	int type;
	long n;

	memset(r->buf, 0, len);
	n = recv_type(r->wire.fd[0], &type, r->buf, len, flags);
	if (n < 0 || type < 0 || (!n && type == CONTENT_DATA))
		return excused(r, n, 1);
	return fits(r, r->buf, (size_t)n, type, flags & MSG_PEEK) && untouched(r, (size_t)n, len);
}

static bool read_plain(struct run *r, size_t len, int flags)
{
	long n = sys(recv(r->wire.fd[0], r->buf, len, flags));

	return n <= 0 ? excused(r, n, -EIO) : fits(r, r->buf, (size_t)n, CONTENT_DATA, false);
}

static bool read_vector(struct run *r, size_t len)
{
	const size_t first = pick(&r->seed, (unsigned int)len);
	const struct iovec iov[] = {
		{ .iov_base = r->buf, .iov_len = first },
		{ .iov_base = NULL, .iov_len = 0 },
		{ .iov_base = r->buf + first, .iov_len = len - first },
	};
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = ARRAY_SIZE(iov) };
	long n = sys(recvmsg(r->wire.fd[0], &msg, MSG_DONTWAIT));

	return n <= 0 ? excused(r, n, -EIO) : fits(r, r->buf, (size_t)n, CONTENT_DATA, false);
}

static bool read_splice(struct run *r, size_t len)
{
	long n = sys(splice(r->wire.fd[0], NULL, r->pipe[1], NULL, len, SPLICE_F_NONBLOCK));

	if (n <= 0)
		return excused(r, n, -EINVAL);
	for (long got = 0; got < n;) {
		long part = sys(read(r->pipe[0], r->buf + got, (size_t)(n - got)));

		if (part <= 0)
			return fail(r, "%ld of %ld in the pipe", got, n);
		got += part;
	}
	return fits(r, r->buf, (size_t)n, CONTENT_DATA, false);
}

/* FIONREAD's promise is kept by one read that does not wait. */
static bool read_promised(struct run *r)
{
	int n = -1, type;

	if (ioctl(r->wire.fd[0], FIONREAD, &n) || n < 0)
		return fail(r, "FIONREAD");
	if (!n)
		return true;
	if (n > BUF_LEN)
		n = BUF_LEN;
	if (recv_type(r->wire.fd[0], &type, r->buf, (size_t)n, MSG_DONTWAIT | MSG_WAITALL) != n)
		return fail(r, "FIONREAD %d", n);
	return fits(r, r->buf, (size_t)n, type, false);
}

/* So is POLLIN's; and that it comes at all. */
static bool read_polled(struct run *r, size_t len)
{
	int type;
	long n;

	if (!(poll_one(r->wire.fd[0], POLLIN, STUCK) & POLLIN))
		return fail(r, "stuck at record %zu of %zu", r->record, (size_t)r->count);
	n = recv_type(r->wire.fd[0], &type, r->buf, len, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return fail(r, "POLLIN, then EAGAIN");
	return n < 0 || type < 0 || (!n && type == CONTENT_DATA) ?
	       excused(r, n, 1) : fits(r, r->buf, (size_t)n, type, false);
}

static bool read_step(struct run *r)
{
	size_t len = 1 + pick(&r->seed, pick(&r->seed, 3) ? BUF_LEN : 300);

	switch (pick(&r->seed, 9)) {
	case 0:
		return read_typed(r, len, 0);
	case 1:
		return read_typed(r, len, MSG_DONTWAIT);
	case 2:
		return read_typed(r, len, MSG_WAITALL);
	case 3:
		return read_typed(r, len, MSG_PEEK | (pick(&r->seed, 2) ? MSG_WAITALL : 0));
	case 4:
		return read_plain(r, len, MSG_DONTWAIT);
	case 5:
		return read_vector(r, len);
	case 6:
		return read_splice(r, len);
	case 7:
		return read_promised(r);
	}
	return read_polled(r, len);
}

static bool read_all(struct run *r)
{
	while (!r->ended || upcoming(r))
		if (!read_step(r))
			return false;
	return read_typed(r, 1, 0);
}

FIXTURE(reads)
{
	struct run *run;
};

FIXTURE_VARIANT(reads)
{
	__u16 version;
	int rcvbuf;
	size_t cut;
	size_t total;
};

#define READS(label, number, window, cutting, bytes)				\
	FIXTURE_VARIANT_ADD(reads, label) {					\
		.version = number,						\
		.rcvbuf = window,						\
		.cut = cutting,							\
		.total = bytes,							\
	}

READS(tls12_whole, TLS_1_2_VERSION, 0, 0, 2000000);
READS(tls12_cut, TLS_1_2_VERSION, 0, 3000, 1000000);
READS(tls12_crumbs, TLS_1_2_VERSION, 0, 3, 30000);
READS(tls12_small_window, TLS_1_2_VERSION, 16384, 0, 1000000);
READS(tls12_tiny_window, TLS_1_2_VERSION, 2304, 200, 60000);
READS(tls13_whole, TLS_1_3_VERSION, 0, 0, 2000000);
READS(tls13_cut, TLS_1_3_VERSION, 0, 3000, 1000000);
READS(tls13_crumbs, TLS_1_3_VERSION, 0, 3, 30000);
READS(tls13_small_window, TLS_1_3_VERSION, 16384, 0, 1000000);
READS(tls13_tiny_window, TLS_1_3_VERSION, 2304, 200, 60000);

FIXTURE_SETUP(reads)
{
	const struct tcp_options opt = { .rcvbuf = variant->rcvbuf };
	struct run *r = calloc(1, sizeof(*r));

	ASSERT_NE(NULL, r);
	self->run = r;
	ASSERT_EQ(0, wire_open_with(&r->wire, &opt, variant->version, TLS_CIPHER_AES_GCM_128, 0));
	ASSERT_EQ(0, pipe2(r->pipe, O_NONBLOCK | O_CLOEXEC));
	r->tls13 = variant->version == TLS_1_3_VERSION;
	r->cut = variant->cut;
	r->total = variant->total;
}

FIXTURE_TEARDOWN(reads)
{
	wire_close(&self->run->wire);
	free(self->run);
}

TEST_F_TIMEOUT(reads, in_any_order, 120)
{
	const char *fixed = getenv("READS_SEED");
	struct run *r = self->run;
	struct sluice_info info;
	pthread_t sender;

	r->seed = fixed ? (unsigned int)strtoul(fixed, NULL, 0) : (unsigned int)getpid();
	r->sender_seed = r->seed + 1;
	TH_LOG("READS_SEED=%u", r->seed);
	/* The table is filled before two threads want it. */
	pattern(0);
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_run, r));
	EXPECT_TRUE(read_all(r)) TH_LOG("%s", r->failure);
	shutdown(r->wire.fd[0], SHUT_RDWR);
	pthread_join(sender, NULL);
	if (test_sluice() && !*r->failure) {
		ASSERT_EQ(0, info_get(r->wire.fd[0], &info));
		EXPECT_EQ(r->count, info.rx_records);
	}
}

/* A splice that has begun with data ends before the next type, and says it then. */
TEST_F(reads, splice_ends_before_another_type)
{
	struct run *r = self->run;
	unsigned char record[WIRE_MAX];
	size_t len;

	len = peer_seal(&r->wire.seal, CONTENT_DATA, "data", 4, 0, record);
	len += peer_seal(&r->wire.seal, 100, "other", 5, 0, record + len);
	ASSERT_EQ(len, write_all(r->wire.fd[1], record, len));
	ASSERT_EQ(4, splice(r->wire.fd[0], NULL, r->pipe[1], NULL, 100, SPLICE_F_NONBLOCK));
	EXPECT_EQ(-EINVAL, sys(splice(r->wire.fd[0], NULL, r->pipe[1], NULL, 100, 0)));
	ASSERT_EQ(4, read(r->pipe[0], r->buf, 100));
	EXPECT_EQ(0, memcmp(r->buf, "data", 4));
}

TEST_HARNESS_MAIN
