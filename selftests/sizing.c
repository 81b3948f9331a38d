// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long the records of a managed socket are, seen on the wire: small ones first and
 * full ones in bulk, padded where the program asks for it.
 */
#include "kselftest_harness.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

#include "peer_talk.h"

#define SEGMENT	1200
#define BULK	600000

/* A connection over segments of SEGMENT bytes; the module's end sends. */
static long connect_by_segments(struct control *c, __u16 version, __u16 cipher)
{
	const struct tcp_options opt = { .maxseg = SEGMENT };
	long err = control_prepare(c, version, cipher);

	peer_init(&c->wire.open, &c->own.keys);
	peer_init(&c->wire.seal, &c->peers.keys);
	return err ? err : tcp_pair(&opt, c->wire.fd);
}

static long open_padded(struct control *c, __u16 padding)
{
	struct sluice_options o = SLUICE_OPTIONS_INIT;
	long err;

	o.role = SLUICE_ROLE_CLIENT;
	o.server_name = "test.example";
	o.padding = padding;
	err = sys(sluice_arm(c->wire.fd[0], &o));
	return err ? err : agent_serve(&c->agent, &c->own, &c->peers);
}

/* One record as it is: content's length, and in @inner what is sealed, type aside. */
static long hear_whole(struct control *c, int *type, unsigned char *out, size_t *inner)
{
	unsigned char record[WIRE_MAX];
	long n;

	if (!(poll_one(c->wire.fd[1], POLLIN, SOON) & POLLIN))
		return -ETIMEDOUT;
	n = read_record(c->wire.fd[1], record);
	if (n <= 0)
		return n;
	*inner = (size_t)n - record_overhead(&c->wire.open.keys);
	return peer_open(&c->wire.open, record, type, out);
}

#define PROGRAM (self->c.wire.fd[0])

/*
 * The ramp
 */

FIXTURE(ramp)
{
	struct control c;
	long idle;
};

FIXTURE_VARIANT(ramp)
{
	__u16 version;
	__u16 cipher;
};

FIXTURE_VARIANT_ADD(ramp, tls12) { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 };
FIXTURE_VARIANT_ADD(ramp, tls13) { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256 };

FIXTURE_SETUP(ramp)
{
	ASSERT_EQ(0, connect_by_segments(&self->c, variant->version, variant->cipher));
	ASSERT_EQ(0, open_padded(&self->c, 0));
	/* Nothing is idle, however slow the machine is. */
	self->idle = parameter("ramp_idle_ms", 3600000);
	ASSERT_LE(0, self->idle);
}

FIXTURE_TEARDOWN(ramp)
{
	EXPECT_LE(0, parameter("ramp_idle_ms", self->idle));
	control_close(&self->c);
}

/* Content that fits into a segment with its record's overhead. */
static size_t least(const struct control *c)
{
	int mss = 0;
	socklen_t len = sizeof(mss);

	getsockopt(c->wire.fd[0], IPPROTO_TCP, TCP_MAXSEG, &mss, &len);
	return (size_t)mss - record_overhead(&c->wire.open.keys);
}

/* @total bytes of the pattern come. Where do they first come in a full record? */
static long hear_ramp(struct control *c, size_t total, size_t from, size_t *first)
{
	unsigned char out[WIRE_MAX];
	size_t done = 0, last = 0, inner;
	long full = -1;
	int type;

	for (*first = 0; done < total; done += last) {
		long n = hear_whole(c, &type, out, &inner);

		if (n <= 0 || type != CONTENT_DATA || !pattern_fits(out, (size_t)n, from + done))
			return n < 0 ? n : -EILSEQ;
		/* They grow, but for the last of a write. */
		if ((size_t)n < last && done + (size_t)n < total)
			return -ERANGE;
		last = (size_t)n;
		if (!*first)
			*first = last;
		if (last == RECORD_MAX && full < 0)
			full = (long)done;
	}
	return full;
}

static pid_t send_aside(int fd, size_t total, size_t from)
{
	pid_t child = fork();
	char *data;

	if (child)
		return child;
	alarm(60);
	data = malloc(total);
	pattern_fill(data, total, from);
	_exit(send(fd, data, total, 0) != (ssize_t)total);
}

static bool all_sent(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

TEST_F(ramp, small_then_full)
{
	size_t segment = least(&self->c), first;
	pid_t child = send_aside(PROGRAM, BULK, 0);
	long full = hear_ramp(&self->c, BULK, 0, &first);

	EXPECT_EQ(segment, first);
	EXPECT_GE(SEGMENT, first + record_overhead(&self->c.wire.open.keys));
	EXPECT_LT(200000, full);
	EXPECT_GT(400000, full);
	EXPECT_TRUE(all_sent(child));
	/* And on with full ones, for it was not idle. */
	child = send_aside(PROGRAM, 100000, BULK);
	EXPECT_EQ(0, hear_ramp(&self->c, 100000, BULK, &first));
	EXPECT_TRUE(all_sent(child));
}

TEST_F(ramp, small_again_after_idleness)
{
	size_t segment = least(&self->c), first;
	pid_t child = send_aside(PROGRAM, BULK, 0);

	ASSERT_LT(0, hear_ramp(&self->c, BULK, 0, &first));
	EXPECT_TRUE(all_sent(child));
	ASSERT_LE(0, parameter("ramp_idle_ms", 50));
	usleep(400000);
	ASSERT_LE(0, parameter("ramp_idle_ms", 3600000));
	/* Not looked at while it was idle: still the old one. */
	child = send_aside(PROGRAM, 20000, BULK);
	EXPECT_EQ(0, hear_ramp(&self->c, 20000, BULK, &first));
	EXPECT_TRUE(all_sent(child));
	ASSERT_LE(0, parameter("ramp_idle_ms", 50));
	usleep(400000);
	ASSERT_EQ(10000, send(PROGRAM, pattern(0), 10000, 0));
	ASSERT_LE(0, parameter("ramp_idle_ms", 3600000));
	EXPECT_EQ(-1, hear_ramp(&self->c, 10000, 0, &first));
	EXPECT_EQ(segment, first);
}

/* MSG_MORE collects no more than a record of the day. */
TEST_F(ramp, collected)
{
	size_t segment = least(&self->c), first;

	for (int i = 0; i < 50; i++)
		ASSERT_EQ(100, send(PROGRAM, pattern((uint64_t)i * 100), 100,
				    i < 49 ? MSG_MORE : 0));
	EXPECT_EQ(-1, hear_ramp(&self->c, 5000, 0, &first));
	EXPECT_EQ(segment, first);
}

static pid_t sendfile_aside(int fd, size_t total)
{
	int file = memfd_create("ramp", MFD_CLOEXEC);
	pid_t child = fork();
	char *data;

	if (child) {
		close(file);
		return child;
	}
	alarm(60);
	data = malloc(total);
	pattern_fill(data, total, 0);
	if (write(file, data, total) != (ssize_t)total || lseek(file, 0, SEEK_SET))
		_exit(1);
	for (size_t done = 0; done < total;) {
		ssize_t n = sendfile(fd, file, NULL, total - done);

		if (n <= 0)
			_exit(2);
		done += (size_t)n;
	}
	_exit(0);
}

TEST_F(ramp, from_a_file)
{
	unsigned char out[WIRE_MAX];
	pid_t child = sendfile_aside(PROGRAM, BULK);
	size_t done = 0, inner, longest = 0;
	int type;

	while (done < BULK) {
		long n = hear_whole(&self->c, &type, out, &inner);

		ASSERT_LT(0, n);
		ASSERT_TRUE(pattern_fits(out, (size_t)n, done));
		if (!done)
			EXPECT_EQ(least(&self->c), n);
		longest = (size_t)n > longest ? (size_t)n : longest;
		done += (size_t)n;
	}
	EXPECT_EQ(RECORD_MAX, longest);
	EXPECT_TRUE(all_sent(child));
}

TEST_F(ramp, none)
{
	long bytes = parameter("ramp_bytes", 0);
	size_t first;
	pid_t child;

	ASSERT_LT(0, bytes);
	child = send_aside(PROGRAM, 100000, 0);
	EXPECT_EQ(0, hear_ramp(&self->c, 100000, 0, &first));
	EXPECT_TRUE(all_sent(child));
	EXPECT_EQ(0, parameter("ramp_bytes", bytes));
}

/* Raw mode has the records of the in-tree module. */
TEST(raw_mode_has_no_ramp)
{
	const struct tcp_options opt = { .maxseg = SEGMENT };
	unsigned char record[WIRE_MAX];
	struct tls_pair pair = { 0 };

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, pair_connect(&pair, &opt, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128));
	ASSERT_EQ(0, keys_set(pair.fd[0], TLS_TX, &pair.keys[0]));
	ASSERT_EQ(RECORD_MAX, send(pair.fd[0], pattern(0), RECORD_MAX, 0));
	EXPECT_EQ(RECORD_MAX + 22, read_record(pair.fd[1], record));
	pair_close(&pair);
}

/*
 * Padding
 */

FIXTURE(padding)
{
	struct control c;
};

FIXTURE_VARIANT(padding)
{
	__u16 version;
	__u16 unit;
	int maxseg;
};

#define PADDING(name, ...) FIXTURE_VARIANT_ADD(padding, name) { __VA_ARGS__ }

PADDING(tls12, TLS_1_2_VERSION, 512, 0);
PADDING(of_1, TLS_1_3_VERSION, 1, 0);
PADDING(of_64, TLS_1_3_VERSION, 64, 0);
PADDING(of_100, TLS_1_3_VERSION, 100, 0);
PADDING(of_4096, TLS_1_3_VERSION, 4096, 0);
PADDING(of_10000, TLS_1_3_VERSION, 10000, 0);
PADDING(of_16384, TLS_1_3_VERSION, 16384, 0);
PADDING(of_64_in_segments, TLS_1_3_VERSION, 64, SEGMENT);
PADDING(of_4096_in_segments, TLS_1_3_VERSION, 4096, SEGMENT);

FIXTURE_SETUP(padding)
{
	ASSERT_EQ(0, variant->maxseg ?
		  connect_by_segments(&self->c, variant->version, TLS_CIPHER_AES_GCM_128) :
		  control_connect(&self->c, variant->version, TLS_CIPHER_AES_GCM_128));
	ASSERT_EQ(0, open_padded(&self->c, variant->unit));
}

FIXTURE_TEARDOWN(padding)
{
	control_close(&self->c);
}

/* @total bytes of the pattern in records of the right lengths. NULL or what is wrong. */
static const char *hear_padded(struct control *c, size_t unit, size_t total)
{
	unsigned char out[WIRE_MAX];
	size_t done = 0, inner;
	int type;

	while (done < total) {
		long n = hear_whole(c, &type, out, &inner);

		if (n <= 0)
			return "no record";
		if (type != CONTENT_DATA || !pattern_fits(out, (size_t)n, done))
			return "content";
		if (inner > RECORD_MAX || (unit && inner % unit && inner != RECORD_MAX))
			return "length of a padded record";
		if (inner != (unit ? inner : (size_t)n) || (unit && inner - (size_t)n >= unit))
			return "more padding than that";
		done += (size_t)n;
	}
	return done == total ? NULL : "too much";
}

TEST_F(padding, each_length)
{
	static const size_t sizes[] = {
		1, 2, 15, 16, 63, 64, 65, 99, 100, 101, 1000, 4095, 4096, 4097, 9999, 16383,
		16384, 16385, 40000,
	};
	size_t unit = variant->version == TLS_1_3_VERSION ? variant->unit : 0;
	struct sluice_info info;
	uint64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		static char data[40000];
		const char *why;

		pattern_fill(data, sizes[i], 0);
		ASSERT_EQ(sizes[i], send(PROGRAM, data, sizes[i], 0));
		why = hear_padded(&self->c, unit, sizes[i]);
		ASSERT_EQ(NULL, why) {
			TH_LOG("%zu bytes: %s", sizes[i], why);
		}
		bytes += sizes[i];
	}
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(bytes, info.tx_bytes);
}

TEST_F(padding, collected_and_from_a_file)
{
	size_t unit = variant->version == TLS_1_3_VERSION ? variant->unit : 0;
	pid_t child;

	for (int i = 0; i < 50; i++)
		ASSERT_EQ(100, send(PROGRAM, pattern((uint64_t)i * 100), 100,
				    i < 49 ? MSG_MORE : 0));
	EXPECT_EQ(NULL, hear_padded(&self->c, unit, 5000));
	child = sendfile_aside(PROGRAM, 50000);
	EXPECT_EQ(NULL, hear_padded(&self->c, unit, 50000));
	EXPECT_TRUE(all_sent(child));
}

/* What else is said looks the same: rekeys, and the end. */
TEST_F(padding, control_records_too)
{
	bool tls13 = variant->version == TLS_1_3_VERSION;
	unsigned char out[WIRE_MAX];
	size_t inner;
	int type;

	if (tls13) {
		ASSERT_EQ(0, sys(sluice_rekey(PROGRAM, 0)));
		EXPECT_EQ(5, hear_whole(&self->c, &type, out, &inner));
		EXPECT_EQ(CONTENT_HANDSHAKE, type);
		EXPECT_EQ((5 + variant->unit - 1) / variant->unit * variant->unit, inner);
		expect_own_next(&self->c);
	}
	ASSERT_EQ(0, shutdown(PROGRAM, SHUT_WR));
	EXPECT_EQ(2, hear_whole(&self->c, &type, out, &inner));
	EXPECT_EQ(CONTENT_ALERT, type);
	EXPECT_EQ(tls13 ? (2 + variant->unit - 1) / variant->unit * variant->unit : 2, inner);
}

/* Padding counts where the peer has limited its records (RFC 8449 4). */
TEST(padding_within_the_limit)
{
	struct sluice_options o = SLUICE_OPTIONS_INIT;
	struct fake_request request;
	unsigned char out[WIRE_MAX];
	struct nl_msg *msg;
	struct control c;
	size_t inner;
	int type;

	o.role = SLUICE_ROLE_CLIENT;
	o.server_name = "test.example";
	o.padding = 300;
	ASSERT_EQ(0, control_connect(&c, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128));
	ASSERT_EQ(0, sys(sluice_arm(c.wire.fd[0], &o)));
	ASSERT_EQ(0, agent_take(&c.agent, &request));
	msg = agent_install_msg(&c.agent, request.fd, &c.own, &c.peers);
	nla_put_u16(msg, SLUICE_A_TX_LIMIT, 1000);
	ASSERT_EQ(0, agent_send(&c.agent, msg));
	ASSERT_EQ(0, agent_done(&c.agent, request.fd, 0, NULL));
	close(request.fd);
	ASSERT_EQ(1000, send(c.wire.fd[0], pattern(0), 1000, 0));
	EXPECT_EQ(900, hear_whole(&c, &type, out, &inner));
	EXPECT_EQ(900, inner);
	EXPECT_EQ(100, hear_whole(&c, &type, out, &inner));
	EXPECT_EQ(300, inner);
	control_close(&c);
}

TEST_HARNESS_MAIN
