// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * selftest-timeout: 1200
 * selftest-kernel: debug
 *
 * Every allocation and every copy from and to user memory in a call fails, one
 * after the other: the call says so by the right errno or does its work without,
 * nothing is lost, the call works when it is repeated. What goes over the wire is
 * judged by libcrypto: whole records, each sequence number once, no plain byte.
 *
 * /proc/thread-self/fail-nth is the kernel's fault injection: N written there
 * lets the Nth such thing in the task fail. Needs a kernel that has it.
 */
#include "kselftest_harness.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include <linux/sockios.h>
#include <netlink/netlink.h>

#include "fake_agent.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAIL_DIR	"/sys/kernel/debug/"

#define LARGE		60000	/* some records, less than socket buffers take */
#define FAULTS_MAX	2000	/* in one call; more means that it never ends */

/*
 * Faults
 */

static unsigned long *faults_total;	/* those that happened; of all processes */
static int fault_file;
static int fault_nth;
static bool fault_fired;

static const struct {
	const char *path;
	const char *value;
} fault_settings[] = {
	/* All of them, also where the allocator could wait for memory. */
	{ FAIL_DIR "failslab/ignore-gfp-wait", "N" },
	{ FAIL_DIR "fail_page_alloc/ignore-gfp-wait", "N" },
	{ FAIL_DIR "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ FAIL_DIR "fail_page_alloc/min-order", "0" },
	/* A fault that was asked for is nothing to complain of. */
	{ FAIL_DIR "failslab/verbose", "0" },
	{ FAIL_DIR "fail_page_alloc/verbose", "0" },
	{ FAIL_DIR "fail_usercopy/verbose", "0" },
	/* As they are unless starve() says else. */
	{ FAIL_DIR "failslab/cache-filter", "N" },
	{ FAIL_DIR "failslab/probability", "0" },
	{ FAIL_DIR "failslab/task-filter", "Y" },
};

static long write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long n = fd < 0 ? -errno : sys(write(fd, text, strlen(text)));

	close(fd);
	return n;
}

/* 0, or -errno of what this kernel lacks. */
static long faults_open(void)
{
	long err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fault_settings) && err >= 0; i++)
		err = write_text(fault_settings[i].path, fault_settings[i].value);
	if (err < 0)
		return err;
	fault_nth = 0;
	fault_fired = true;
	fault_file = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	return fault_file < 0 ? -errno : 0;
}

static void fault_arm(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	fault_nth = nth;
	if (pwrite(fault_file, text, (size_t)len, 0) != len)
		abort();
}

/* Zero is what is left of N when it has happened. The reading and the writing are
 * copies too, one of which fails if it is the Nth: then none is left after it.
 */
static void fault_disarm(void)
{
	char left[16] = { 0 };

	fault_fired = pread(fault_file, left, sizeof(left) - 1, 0) > 0 && atoi(left) == 0;
	if (pwrite(fault_file, "0", 1, 0) != 1 && pwrite(fault_file, "0", 1, 0) != 1)
		abort();
	if (fault_fired)
		__atomic_add_fetch(faults_total, 1, __ATOMIC_RELAXED);
}

/* The call's result with its Nth fault. */
#define WITH_FAULT(nth, call) ({						\
	long _result;								\
										\
	fault_arm(nth);								\
	_result = sys(call);							\
	fault_disarm();								\
	_result;								\
})

/* From now on this task finds no memory for what TCP sends in. */
static long starve(void)
{
	static const struct {
		const char *path;
		const char *value;
	} settings[] = {
		{ "/sys/kernel/slab/skbuff_fclone_cache/failslab", "1" },
		{ FAIL_DIR "failslab/cache-filter", "Y" },
		{ FAIL_DIR "failslab/times", "1000" },
		{ FAIL_DIR "failslab/probability", "100" },
		{ "/proc/thread-self/make-it-fail", "1" },
	};
	long err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && err >= 0; i++)
		err = write_text(settings[i].path, settings[i].value);
	return err < 0 ? err : 0;
}

/* How often it has found none, or -errno. */
static long feast(void)
{
	char left[16] = { 0 };
	int fd = open(FAIL_DIR "failslab/times", O_RDONLY | O_CLOEXEC);
	long n = fd < 0 ? -errno : sys(read(fd, left, sizeof(left) - 1));
	long err = write_text("/proc/thread-self/make-it-fail", "0");

	close(fd);
	if (err >= 0)
		err = write_text(FAIL_DIR "failslab/probability", "0");
	if (err >= 0)
		err = write_text(FAIL_DIR "failslab/cache-filter", "N");
	return n < 0 || err < 0 ? -EIO : 1000 - strtol(left, NULL, 0);
}

/* Until the call has come through without meeting its Nth fault. */
#define FOR_EACH_FAULT(nth)							\
	for (int nth = 1; (nth == 1 || fault_fired) && nth < FAULTS_MAX; nth++)

static bool is_one_of(long err, const int *errnos)
{
	while (*errnos && err != -*errnos)
		errnos++;
	return *errnos;
}

/* What a call may say when memory lacks, or a copy failed. */
#define EXPECT_FAULT(err, ...) do {						\
	EXPECT_TRUE(fault_fired);						\
	EXPECT_TRUE(is_one_of(err, (const int[]){ __VA_ARGS__, 0 })) {		\
		TH_LOG("it said %ld", (long)(err));				\
	}									\
} while (0)

__attribute__((constructor)) static void faults_share(void)
{
	faults_total = mmap(NULL, sizeof(*faults_total), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (faults_total == MAP_FAILED)
		abort();
}

/*
 * One connection after the other, each for one fault
 */

FIXTURE(faults)
{
	struct wire wire;
	struct tls_pair pair;	/* the same socket, for its counts */
	int file;		/* of the stream's first bytes */
	int pipe[2];
	unsigned char *buf;
};

FIXTURE_VARIANT(faults)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(faults);

static int stream_file(size_t len)
{
	int file = memfd_create("stream", MFD_CLOEXEC);
	unsigned char *bytes = malloc(len);

	pattern_fill(bytes, len, 0);
	if (write(file, bytes, len) != (ssize_t)len)
		abort();
	free(bytes);
	return file;
}

FIXTURE_SETUP(faults)
{
	long err = faults_open();

	if (err)
		SKIP(return, "no fault injection in this kernel: %s", strerror((int)-err));
	if (!test_sluice())
		SKIP(return, "what only Sluice promises");
	self->wire.fd[0] = self->wire.fd[1] = -1;
	self->buf = malloc(WIRE_MAX * 8);
	memset(self->buf, 1, WIRE_MAX * 8);
	self->file = stream_file(LARGE);
	ASSERT_EQ(0, pipe(self->pipe));
	ASSERT_LT(LARGE, fcntl(self->pipe[1], F_SETPIPE_SZ, 1 << 20));
	/* What the first one of its kind allocates once and for all, is there. */
	ASSERT_EQ(0, wire_open(&self->wire, variant->family, variant->version,
			       variant->cipher, 0));
	wire_close(&self->wire);
}

FIXTURE_TEARDOWN(faults)
{
	if (!__test_passed(_metadata))
		TH_LOG("at fault %d", fault_nth);
}

static void both_timeouts(int fd)
{
	set_timeout(fd, SO_RCVTIMEO, SOON);
	set_timeout(fd, SO_SNDTIMEO, SOON);
}

/* A new connection with keys both ways. */
#define FRESH() do {								\
	ASSERT_EQ(0, wire_open(&self->wire, variant->family, variant->version,	\
			       variant->cipher, 7));				\
	for (int _i = 0; _i < 2; _i++)						\
		both_timeouts(self->wire.fd[_i]);				\
	memset(&self->pair, 0, sizeof(self->pair));				\
	self->pair.fd[0] = self->wire.fd[0];					\
	self->pair.fd[1] = -1;							\
} while (0)

/* Nothing more is on its way. */
#define EXPECT_SILENCE(w) EXPECT_EQ(0, poll_one((w)->fd[1], POLLIN, 0))

/* The module's account is that of the peer: each sequence number once. */
#define EXPECT_SEQ() do {							\
	struct sluice_info _i;							\
										\
	EXPECT_EQ(0, info_get(self->wire.fd[0], &_i));				\
	EXPECT_EQ(self->wire.open.keys.seq, 7 + _i.tx_records);			\
} while (0)

/*
 * Attach and keys
 */

TEST_F_TIMEOUT(faults, attach, 600)
{
	const struct tcp_options opt = { .family = variant->family };
	struct test_keys keys;

	keys_make(&keys, variant->version, variant->cipher, 3, 0);
	FOR_EACH_FAULT(n) {
		struct wire *w = &self->wire;
		long err;

		ASSERT_EQ(0, tcp_pair(&opt, w->fd));
		err = WITH_FAULT(n, setsockopt(w->fd[0], IPPROTO_TCP, TCP_ULP, SLUICE_ULP_NAME,
					       sizeof(SLUICE_ULP_NAME) - 1));
		if (err) {
			EXPECT_FAULT(err, ENOMEM, EFAULT);
			/* As if nothing had been asked: TCP. */
			EXPECT_EQ(5, send(w->fd[0], "plain", 5, 0));
			EXPECT_EQ(5, recv(w->fd[1], self->buf, 5, MSG_WAITALL));
			EXPECT_EQ(0, ulp_attach(w->fd[0]));
		}
		EXPECT_EQ(-EEXIST, ulp_attach(w->fd[0]));
		peer_init(&w->open, &keys);
		EXPECT_EQ(0, keys_set(w->fd[0], TLS_TX, &keys));
		EXPECT_EQ(100, send(w->fd[0], pattern(0), 100, 0));
		EXPECT_EQ(1, read_stream(w, 0, 100));
		wire_close(w);
	}
}

static long bare_open(struct wire *wire, int family, __u16 version, __u16 cipher)
{
	const struct tcp_options opt = { .family = family };
	struct test_keys keys[2];
	long err = tcp_pair(&opt, wire->fd);

	keys_make(&keys[0], version, cipher, 3, 9);
	keys_make(&keys[1], version, cipher, 4, 9);
	peer_init(&wire->open, &keys[0]);
	peer_init(&wire->seal, &keys[1]);
	return err ? err : ulp_attach(wire->fd[0]);
}

/* Installed, or not at all; then it can be repeated. */
#define EXPECT_KEYS(direction, keys) do {					\
	FOR_EACH_FAULT(n) {							\
		unsigned char _in[KEYS_MAX], _out[KEYS_MAX];			\
		struct wire *_w = &self->wire;					\
		socklen_t _len, _got;						\
		long _err;							\
										\
		ASSERT_EQ(0, bare_open(_w, variant->family, variant->version,	\
				       variant->cipher));			\
		_got = _len = keys_pack(keys, _in);				\
		_err = WITH_FAULT(n, setsockopt(_w->fd[0], SOL_TLS, direction,	\
						_in, _len));			\
		if (_err) {							\
			EXPECT_FAULT(_err, ENOMEM, EFAULT);			\
			EXPECT_EQ(-EBUSY, sys(getsockopt(_w->fd[0], SOL_TLS,	\
							 direction, _out, &_got))); \
			EXPECT_EQ(0, keys_set(_w->fd[0], direction, keys));	\
		}								\
		EXPECT_EQ(0, sys(getsockopt(_w->fd[0], SOL_TLS, direction, _out, &_got))); \
		EXPECT_EQ(_len, _got);						\
		KEYS_USED(_w);							\
		wire_close(_w);							\
	}									\
} while (0)

TEST_F_TIMEOUT(faults, keys_tx, 600)
{
#define KEYS_USED(w) do {							\
	EXPECT_EQ(5000, send((w)->fd[0], pattern(0), 5000, 0));			\
	EXPECT_EQ(1, read_stream(w, 0, 5000));					\
} while (0)
	EXPECT_KEYS(TLS_TX, &self->wire.open.keys);
#undef KEYS_USED
}

TEST_F_TIMEOUT(faults, keys_rx, 600)
{
	unsigned char record[WIRE_MAX];

#define KEYS_USED(w) do {							\
	size_t _n = peer_seal(&(w)->seal, CONTENT_DATA, pattern(0), 5000, 0, record); \
										\
	EXPECT_EQ(_n, write_all((w)->fd[1], record, _n));			\
	EXPECT_EQ(5000, recv((w)->fd[0], self->buf, 5000, MSG_WAITALL));	\
	EXPECT_TRUE(pattern_fits(self->buf, 5000, 0));				\
} while (0)
	EXPECT_KEYS(TLS_RX, &self->wire.seal.keys);
#undef KEYS_USED
}

TEST_F_TIMEOUT(faults, options, 600)
{
	static const int gets[] = { TLS_TX, TLS_RX, TLS_TX_ZEROCOPY_RO, TLS_RX_EXPECT_NO_PAD,
				    SLUICE_INFO };
	int fd;

	FRESH();
	fd = self->wire.fd[0];
	for (size_t i = 0; i < ARRAY_SIZE(gets); i++) {
		socklen_t size = gets[i] == SLUICE_INFO ? sizeof(struct sluice_info) : 4;

		/* TLS 1.2 has no padding to expect. */
		if (gets[i] == TLS_RX_EXPECT_NO_PAD && variant->version == TLS_1_2_VERSION)
			continue;
		FOR_EACH_FAULT(n) {
			socklen_t len = size;
			long err = WITH_FAULT(n, getsockopt(fd, SOL_TLS, gets[i], self->buf, &len));

			if (err) {
				EXPECT_FAULT(err, ENOMEM, EFAULT);
			}
			len = size;
			EXPECT_EQ(0, getsockopt(fd, SOL_TLS, gets[i], self->buf, &len));
			EXPECT_EQ(size, len);
		}
		fault_fired = true;
	}
	FOR_EACH_FAULT(n) {
		unsigned int before = n % 2, now = !before;
		socklen_t len = sizeof(now);
		long err;

		EXPECT_EQ(0, setsockopt(fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, &before, len));
		err = WITH_FAULT(n, setsockopt(fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, &now, len));
		if (err) {
			EXPECT_FAULT(err, EFAULT);
		}
		EXPECT_EQ(0, getsockopt(fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, self->buf, &len));
		EXPECT_EQ(err ? before : !before, *(unsigned int *)self->buf);
	}
	wire_close(&self->wire);
}

/*
 * Sending. What a call has taken goes out though nothing more is called; what it
 * has not taken goes with the next.
 */

/* @call: sends up to @len bytes from @at. */
#define EXPECT_SENDS(at, len, total, call) do {					\
	FOR_EACH_FAULT(n) {							\
		size_t at = 0, len = total;					\
		long _n;							\
										\
		FRESH();							\
		_n = WITH_FAULT(n, call);					\
		if (_n < 0)							\
			EXPECT_FAULT(_n, ENOMEM, ENOBUFS, EFAULT, EAGAIN);	\
		else								\
			at = (size_t)_n;					\
		ASSERT_LE(0, read_stream(&self->wire, 0, at));			\
		while (at < total) {						\
			size_t _from = at;					\
										\
			len = total - at;					\
			_n = sys(call);						\
			ASSERT_LT(0, _n);					\
			at += (size_t)_n;					\
			ASSERT_LE(0, read_stream(&self->wire, _from, at - _from)); \
		}								\
		EXPECT_SILENCE(&self->wire);					\
		EXPECT_SEQ();							\
		wire_close(&self->wire);					\
	}									\
} while (0)

static long send_bytes(int fd, size_t at, size_t len)
{
	return send(fd, pattern(at), len, MSG_NOSIGNAL);
}

static long send_file(int fd, int file, size_t at, size_t len)
{
	off_t off = (off_t)at;

	return sendfile(fd, file, &off, len);
}

TEST_F_TIMEOUT(faults, send_small, 600)
{
	EXPECT_SENDS(at, len, 100, send_bytes(self->wire.fd[0], at, len));
}

TEST_F_TIMEOUT(faults, send_large, 600)
{
	EXPECT_SENDS(at, len, LARGE, send_bytes(self->wire.fd[0], at, len));
}

TEST_F_TIMEOUT(faults, send_nonblocking, 600)
{
	EXPECT_SENDS(at, len, LARGE, (set_nonblocking(self->wire.fd[0]),
				      poll_one(self->wire.fd[0], POLLOUT, SOON),
				      send_bytes(self->wire.fd[0], at, len)));
}

TEST_F_TIMEOUT(faults, sendfile, 600)
{
	EXPECT_SENDS(at, len, LARGE, send_file(self->wire.fd[0], self->file, at, len));
}

/* From a pipe, which keeps what is not taken. */
TEST_F_TIMEOUT(faults, splice, 600)
{
	const size_t total = 20000;

	FOR_EACH_FAULT(n) {
		size_t at = 0;
		long got;

		FRESH();
		ASSERT_EQ(total, write(self->pipe[1], pattern(0), total));
		got = WITH_FAULT(n, splice(self->pipe[0], NULL, self->wire.fd[0], NULL, total, 0));
		if (got < 0) {
			EXPECT_FAULT(got, ENOMEM, ENOBUFS, EFAULT, EAGAIN);
		} else {
			at = (size_t)got;
		}
		ASSERT_LE(0, read_stream(&self->wire, 0, at));
		while (at < total) {
			got = splice(self->pipe[0], NULL, self->wire.fd[0], NULL, total - at, 0);
			ASSERT_LT(0, got);
			ASSERT_LE(0, read_stream(&self->wire, at, (size_t)got));
			at += (size_t)got;
		}
		EXPECT_SILENCE(&self->wire);
		EXPECT_SEQ();
		wire_close(&self->wire);
	}
}

/* A record in three parts, the fault in the second or the third. */
TEST_F_TIMEOUT(faults, send_more, 600)
{
	for (int part = 0; part < 3; part++) {
		fault_fired = true;
		FOR_EACH_FAULT(n) {
			size_t at = 0;

			FRESH();
			for (int i = 0; i < 3; i++) {
				const size_t end = (size_t)(i + 1) * 3000;

				while (at < end) {
					const int flags = (i < 2 ? MSG_MORE : 0) | MSG_NOSIGNAL;
					const bool faulty = i == part && at == end - 3000;
					long got;

					if (faulty)
						fault_arm(n);
					got = sys(send(self->wire.fd[0], pattern(at), end - at,
						       flags));
					if (faulty)
						fault_disarm();
					if (faulty && got < 0) {
						EXPECT_FAULT(got, ENOMEM, ENOBUFS, EFAULT, EAGAIN);
						got = sys(send(self->wire.fd[0], pattern(at),
							       end - at, flags));
					}
					ASSERT_LT(0, got);
					at += (size_t)got;
				}
			}
			ASSERT_EQ(1, read_stream(&self->wire, 0, at));
			EXPECT_SILENCE(&self->wire);
			EXPECT_SEQ();
			wire_close(&self->wire);
		}
	}
}

/* With nothing in flight, no acknowledgment makes TCP ask for more. */
TEST_F(faults, send_starved)
{
	FRESH();
	ASSERT_EQ(0, starve());
	EXPECT_EQ(300, sys(send(self->wire.fd[0], pattern(0), 300, 0)));
	ASSERT_LT(0, feast());
	EXPECT_EQ(1, read_stream(&self->wire, 0, 300));
	EXPECT_SILENCE(&self->wire);
	EXPECT_SEQ();
	wire_close(&self->wire);
}

TEST_F_TIMEOUT(faults, send_control, 600)
{
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];

	FOR_EACH_FAULT(n) {
		long got;
		int type;

		FRESH();
		got = WITH_FAULT(n, send_type(self->wire.fd[0], CONTENT_HANDSHAKE, pattern(0), 50, 0));
		if (got < 0) {
			EXPECT_FAULT(got, ENOMEM, ENOBUFS, EFAULT, EAGAIN);
			got = send_type(self->wire.fd[0], CONTENT_HANDSHAKE, pattern(0), 50, 0);
		}
		EXPECT_EQ(50, got);
		ASSERT_LT(0, read_record(self->wire.fd[1], record));
		EXPECT_EQ(50, peer_open(&self->wire.open, record, &type, plain));
		EXPECT_EQ(CONTENT_HANDSHAKE, type);
		EXPECT_TRUE(pattern_fits(plain, 50, 0));
		EXPECT_SILENCE(&self->wire);
		EXPECT_SEQ();
		wire_close(&self->wire);
	}
}

/* Where it says that it is not done, the peer sees no end, and once more is enough. True:
 * FIN is sent. With the fault in TCP's part it may not be: TCP says nothing then.
 */
#define EXPECT_SHUTDOWN(nth, w) ({						\
	long _err = WITH_FAULT(nth, shutdown((w)->fd[0], SHUT_WR));		\
										\
	if (_err) {								\
		EXPECT_FAULT(_err, ENOMEM, ENOBUFS);				\
		EXPECT_EQ(0, poll_one((w)->fd[1], POLLRDHUP, 0));		\
		EXPECT_EQ(0, sys(shutdown((w)->fd[0], SHUT_WR)));		\
	}									\
	_err || !fault_fired;							\
})

/* What was taken arrives whole, or the stream ends without it: to TLS, cut short. */
TEST_F_TIMEOUT(faults, close, 600)
{
	FOR_EACH_FAULT(n) {
		unsigned char byte;
		long got;

		FRESH();
		ASSERT_EQ(500, send(self->wire.fd[0], pattern(0), 500, MSG_MORE));
		EXPECT_EQ(0, WITH_FAULT(n, close(self->wire.fd[0])));
		got = read_stream(&self->wire, 0, 500);
		if (got < 0) {
			/* Never the end that a stream has which is whole. */
			EXPECT_FAULT(got, ECONNRESET);
		} else {
			EXPECT_EQ(1, got);
			EXPECT_GE(0, recv(self->wire.fd[1], &byte, 1, 0));
		}
		close(self->wire.fd[1]);
	}
}

/* FIN follows what was taken, or the call says that it does not, and can be repeated. */
TEST_F_TIMEOUT(faults, shutdown, 600)
{
	FOR_EACH_FAULT(n) {
		bool fin;

		FRESH();
		ASSERT_EQ(500, send(self->wire.fd[0], pattern(0), 500, MSG_MORE));
		fin = EXPECT_SHUTDOWN(n, &self->wire);
		EXPECT_EQ(1, read_stream(&self->wire, 0, 500));
		if (fin || poll_one(self->wire.fd[1], POLLIN, NEVER))
			EXPECT_EQ(0, recv(self->wire.fd[1], self->buf, 1, 0));
		wire_close(&self->wire);
	}
}

/* What TCP had no memory for goes by itself, and then FIN can. */
TEST_F(faults, shutdown_starved)
{
	FRESH();
	ASSERT_EQ(300, send(self->wire.fd[0], pattern(0), 300, MSG_MORE));
	ASSERT_EQ(0, starve());
	EXPECT_EQ(-ENOBUFS, sys(shutdown(self->wire.fd[0], SHUT_WR)));
	ASSERT_LT(0, feast());
	EXPECT_EQ(1, read_stream(&self->wire, 0, 300));
	EXPECT_SILENCE(&self->wire);
	EXPECT_EQ(100, send(self->wire.fd[0], pattern(300), 100, 0));
	EXPECT_EQ(0, shutdown(self->wire.fd[0], SHUT_WR));
	EXPECT_EQ(1, read_stream(&self->wire, 300, 100));
	EXPECT_EQ(0, recv(self->wire.fd[1], self->buf, 1, 0));
	wire_close(&self->wire);
}

/*
 * Receiving. What a call has given is the stream's next part, and the rest comes
 * with the calls that follow.
 */

/* @total bytes of the stream, sealed in records of up to @chunk, in segments of up to
 * @segment, and all of them there.
 */
static long feed(struct wire *wire, size_t total, size_t chunk, size_t segment)
{
	static unsigned char record[WIRE_MAX];
	size_t sent = 0;
	int queued;

	for (size_t at = 0, len; at < total; at += len) {
		size_t n, done, part;

		len = total - at < chunk ? total - at : chunk;
		n = peer_seal(&wire->seal, CONTENT_DATA, pattern(at), len, 0, record);
		for (done = 0; done < n; done += part) {
			part = n - done < segment ? n - done : segment;
			if (write_all(wire->fd[1], record + done, part) < 0)
				return -errno;
		}
		sent += n;
	}
	for (int i = 0; i < SOON; i++) {
		if (ioctl(wire->fd[1], SIOCOUTQ, &queued))
			return -errno;
		if (!queued)
			return (long)sent;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

/* Reads on where the faulty call has stopped. */
#define EXPECT_REST(at, total) do {						\
	size_t _at = at;							\
										\
	while (_at < (total)) {							\
		long _n = sys(recv(self->wire.fd[0], self->buf, (total) - _at, 0)); \
										\
		ASSERT_LT(0, _n);						\
		ASSERT_TRUE(pattern_fits(self->buf, (size_t)_n, _at));		\
		_at += (size_t)_n;						\
	}									\
} while (0)

#define EXPECT_RECEIVES(total, chunk, segment, len, flags) do {			\
	FOR_EACH_FAULT(n) {							\
		size_t _got = 0;						\
		long _n;							\
										\
		FRESH();							\
		ASSERT_LT(0, feed(&self->wire, total, chunk, segment));		\
		_n = WITH_FAULT(n, recv(self->wire.fd[0], self->buf, len, flags)); \
		if (_n < 0) {							\
			EXPECT_FAULT(_n, ENOMEM, EFAULT);			\
		} else if (!((flags) & MSG_PEEK))					\
			_got = (size_t)_n;					\
		if (_n > 0)							\
			ASSERT_TRUE(pattern_fits(self->buf, (size_t)_n, 0));	\
		EXPECT_REST(_got, total);					\
		EXPECT_EQ(-EAGAIN, sys(recv(self->wire.fd[0], self->buf, 1, MSG_DONTWAIT))); \
		wire_close(&self->wire);					\
	}									\
} while (0)

TEST_F_TIMEOUT(faults, recv_small, 600)
{
	EXPECT_RECEIVES(300, 100, WIRE_MAX, 200, 0);
}

/* Longer than one record: pages of the reader's, or a buffer of the module's. */
TEST_F_TIMEOUT(faults, recv_direct, 600)
{
	EXPECT_RECEIVES(LARGE, RECORD_MAX, WIRE_MAX, LARGE, 0);
}

TEST_F_TIMEOUT(faults, recv_part, 600)
{
	EXPECT_RECEIVES(LARGE, RECORD_MAX, WIRE_MAX, 20000, MSG_WAITALL);
}

/* A record in many segments. */
TEST_F_TIMEOUT(faults, recv_pieces, 600)
{
	EXPECT_RECEIVES(RECORD_MAX, RECORD_MAX, 500, RECORD_MAX, 0);
}

TEST_F_TIMEOUT(faults, recv_peek, 600)
{
	EXPECT_RECEIVES(20000, 5000, WIRE_MAX, 20000, MSG_PEEK);
}

TEST_F_TIMEOUT(faults, recv_splice, 600)
{
	const size_t total = 20000;

	FOR_EACH_FAULT(n) {
		size_t at = 0;
		long got;

		FRESH();
		ASSERT_LT(0, feed(&self->wire, total, 5000, WIRE_MAX));
		got = WITH_FAULT(n, splice(self->wire.fd[0], NULL, self->pipe[1], NULL, total, 0));
		if (got < 0) {
			EXPECT_FAULT(got, ENOMEM, EFAULT);
		} else {
			ASSERT_EQ(got, read(self->pipe[0], self->buf, total));
			ASSERT_TRUE(pattern_fits(self->buf, (size_t)got, 0));
			at = (size_t)got;
		}
		EXPECT_REST(at, total);
		wire_close(&self->wire);
	}
}

/* poll and FIONREAD open what is there; neither can say that memory lacks. */
TEST_F_TIMEOUT(faults, poll, 600)
{
	FOR_EACH_FAULT(n) {
		struct pollfd p;

		FRESH();
		p.fd = self->wire.fd[0];
		p.events = POLLIN;
		ASSERT_LT(0, feed(&self->wire, 3000, 1000, WIRE_MAX));
		if (WITH_FAULT(n, poll(&p, 1, SOON)) == 1) {
			EXPECT_EQ(POLLIN, p.revents);
		} else {
			EXPECT_TRUE(fault_fired);
		}
		EXPECT_REST(0, 3000);
		wire_close(&self->wire);
	}
	fault_fired = true;
	FOR_EACH_FAULT(n) {
		int ready = 0;

		FRESH();
		ASSERT_LT(0, feed(&self->wire, 3000, 1000, WIRE_MAX));
		if (WITH_FAULT(n, ioctl(self->wire.fd[0], FIONREAD, &ready)) == 0) {
			EXPECT_TRUE(ready == 1000 || fault_fired);
		}
		EXPECT_REST(0, 3000);
		wire_close(&self->wire);
	}
}

/*
 * Managed mode: the request, its agent, and what the kernel does by itself
 */

FIXTURE(managed)
{
	struct fake_agent agent;
	struct agent_keys keys[2];	/* ours, the peer's */
	struct wire wire;
	unsigned char *buf;
};

FIXTURE_VARIANT(managed)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS_FEW(managed);

/* The number of a kernel's generic netlink family, and all else that is found once. */
FIXTURE_SETUP(managed)
{
	long err = faults_open();

	if (err)
		SKIP(return, "no fault injection in this kernel: %s", strerror((int)-err));
	self->buf = malloc(WIRE_MAX);
	memset(self->buf, 1, WIRE_MAX);
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	set_timeout(sluice_nl_fd(&self->agent.cmd), SO_RCVTIMEO, SOON);
	for (int i = 0; i < 2; i++)
		agent_keys_make(&self->keys[i], variant->version, variant->cipher,
				(unsigned int)i + 5, 3);
	ASSERT_EQ(0, wire_managed(&self->wire, &self->agent, SLUICE_ROLE_CLIENT, 0,
				  &self->keys[0], &self->keys[1]));
	wire_close(&self->wire);
}

FIXTURE_TEARDOWN(managed)
{
	agent_close(&self->agent);
	if (!__test_passed(_metadata))
		TH_LOG("at fault %d", fault_nth);
}

/* A TCP connection with the ULP, nothing asked of it yet. */
#define FRESH_BARE() do {							\
	ASSERT_EQ(0, tcp_pair(&(struct tcp_options){ .family = variant->family }, \
			      self->wire.fd));					\
	for (int _i = 0; _i < 2; _i++)						\
		both_timeouts(self->wire.fd[_i]);				\
	peer_init(&self->wire.open, &self->keys[0].keys);			\
	peer_init(&self->wire.seal, &self->keys[1].keys);			\
	ASSERT_EQ(0, ulp_attach(self->wire.fd[0]));				\
} while (0)

#define FRESH_MANAGED() do {							\
	ASSERT_EQ(0, wire_managed(&self->wire, &self->agent, SLUICE_ROLE_CLIENT, 0, \
				  &self->keys[0], &self->keys[1]));		\
	for (int _i = 0; _i < 2; _i++)						\
		both_timeouts(self->wire.fd[_i]);				\
} while (0)

/* It is open: data goes both ways, sealed. */
#define EXPECT_OPEN(w) do {							\
	unsigned char _record[WIRE_MAX];					\
	size_t _n = peer_seal(&(w)->seal, CONTENT_DATA, pattern(0), 400, 0, _record); \
										\
	EXPECT_EQ(400, sys(send((w)->fd[0], pattern(0), 400, MSG_NOSIGNAL)));	\
	EXPECT_EQ(1, read_stream(w, 0, 400));					\
	EXPECT_EQ(_n, write_all((w)->fd[1], _record, _n));			\
	EXPECT_EQ(400, sys(recv((w)->fd[0], self->buf, 400, MSG_WAITALL)));	\
	EXPECT_TRUE(pattern_fits(self->buf, 400, 0));				\
} while (0)

/* It has failed: so says each call, and no byte of the program's reaches the wire. */
#define EXPECT_CLOSED(w) do {							\
	EXPECT_GT(0, sys(send((w)->fd[0], "secret", 6, MSG_NOSIGNAL)));		\
	EXPECT_GT(0, sys(recv((w)->fd[0], self->buf, 1, MSG_DONTWAIT)));	\
	EXPECT_GE(0, sys(recv((w)->fd[1], self->buf, 1, MSG_DONTWAIT)));	\
} while (0)

static int state_of(int fd)
{
	struct sluice_info info;

	return info_get(fd, &info) ? -1 : info.state;
}

static struct sluice_request client_request(void)
{
	return (struct sluice_request){
		.role = SLUICE_ROLE_CLIENT,
		.server_name = "test.example",
	};
}

static long arm_raw(int fd)
{
	const struct sluice_request req = client_request();

	return setsockopt(fd, SOL_TLS, SLUICE_HANDSHAKE, &req, sizeof(req));
}

TEST_F_TIMEOUT(managed, arm, 600)
{
	FOR_EACH_FAULT(n) {
		struct wire *w = &self->wire;
		long err;

		FRESH_BARE();
		err = WITH_FAULT(n, arm_raw(w->fd[0]));
		if (err) {
			EXPECT_FAULT(err, ENOMEM, ENOBUFS, EFAULT);
		}
		if (err && state_of(w->fd[0]) == SLUICE_STATE_RAW)
			err = sys(arm_raw(w->fd[0]));
		if (err) {
			EXPECT_EQ(SLUICE_STATE_FAILED, state_of(w->fd[0]));
			EXPECT_CLOSED(w);
		} else {
			EXPECT_EQ(0, agent_serve(&self->agent, &self->keys[0], &self->keys[1]));
			EXPECT_OPEN(w);
		}
		wire_close(w);
	}
}

/* The next request is no worse off. */
#define SERVE(w) do {								\
	EXPECT_EQ(0, agent_serve(&self->agent, &self->keys[0], &self->keys[1])); \
	EXPECT_OPEN(w);								\
} while (0)

TEST_F_TIMEOUT(managed, accept_child, 600)
{
	const struct tcp_options opt = { .family = variant->family };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr);
	struct wire *w = &self->wire;

	ASSERT_LE(0, listener);
	ASSERT_EQ(0, arm(listener, SLUICE_ROLE_SERVER, 0, 0));
	set_nonblocking(listener);
	FOR_EACH_FAULT(n) {
		long child;

		w->fd[1] = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(0, connect(w->fd[1], (struct sockaddr *)&addr, addr_len(&addr)));
		both_timeouts(w->fd[1]);
		peer_init(&w->open, &self->keys[0].keys);
		peer_init(&w->seal, &self->keys[1].keys);
		child = WITH_FAULT(n, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
		if (child < 0) {
			EXPECT_FAULT(child, ENOMEM, ENOBUFS, ENFILE, ECONNABORTED);
			/* It waits still, or the peer knows that it is gone. */
			child = sys(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
		}
		if (child < 0) {
			EXPECT_EQ(-EAGAIN, child);
			EXPECT_GE(0, recv(w->fd[1], self->buf, 1, 0));
			close(w->fd[1]);
			continue;
		}
		w->fd[0] = (int)child;
		both_timeouts(w->fd[0]);
		EXPECT_NE(SLUICE_STATE_RAW, state_of(w->fd[0]));
		if (state_of(w->fd[0]) == SLUICE_STATE_FAILED) {
			EXPECT_CLOSED(w);
		} else {
			SERVE(w);
		}
		wire_close(w);
	}
	close(listener);
}

static int send_with_fault(struct nl_sock *sk, struct nl_msg *msg)
{
	struct iovec iov = { .iov_base = nlmsg_hdr(msg), .iov_len = nlmsg_hdr(msg)->nlmsg_len };
	int err;

	fault_arm(fault_nth);
	err = nl_send_iovec(sk, msg, &iov, 1);
	fault_disarm();
	return err;
}

/* sluice_nl_call() with the Nth fault in the kernel's part of it, which runs in the
 * sendmsg(). libnl has no word for EFAULT there: EIO.
 */
static long call_with_fault(struct sluice_nl *nl, struct nl_msg *msg, sluice_nl_reply_fn reply,
			    void *arg, int nth)
{
	struct nl_cb *cb = nl_socket_get_cb(nl->sk);
	long err;

	fault_nth = nth;
	nl_cb_overwrite_send(cb, send_with_fault);
	err = sluice_nl_call(nl, msg, reply, arg);
	nl_cb_overwrite_send(cb, NULL);
	nl_cb_put(cb);
	return err;
}

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST_F_TIMEOUT(managed, agent_accepts, 600)
{
	FOR_EACH_FAULT(n) {
		struct sluice_nl *nl = &self->agent.cmd;
		struct fake_request request = { .fd = -1 };
		int files;
		long err;

		FRESH_BARE();
		ASSERT_EQ(0, arm_raw(self->wire.fd[0]));
		files = open_files();
		err = call_with_fault(nl, sluice_nl_msg(nl, SLUICE_CMD_ACCEPT), agent_on_accept,
				      &request, n);
		if (err && request.fd < 0) {
			EXPECT_FAULT(err, ENOMEM, EIO);
			/* Nothing was handed over: it waits for the next ACCEPT. */
			EXPECT_EQ(files, open_files());
			EXPECT_EQ(0, agent_take(&self->agent, &request));
		}
		EXPECT_EQ(files + 1, open_files());
		EXPECT_EQ(0, agent_install(&self->agent, request.fd, &self->keys[0],
					   &self->keys[1]));
		EXPECT_EQ(0, agent_done(&self->agent, request.fd, 0, NULL));
		close(request.fd);
		EXPECT_OPEN(&self->wire);
		wire_close(&self->wire);
	}
}

TEST_F_TIMEOUT(managed, agent_installs, 600)
{
	FOR_EACH_FAULT(n) {
		struct fake_request request;
		struct nl_msg *msg;
		long err;

		FRESH_BARE();
		ASSERT_EQ(0, arm_raw(self->wire.fd[0]));
		ASSERT_EQ(0, agent_take(&self->agent, &request));
		msg = agent_msg(&self->agent, SLUICE_CMD_INSTALL, request.fd);
		put_keys(msg, SLUICE_A_TX, &self->keys[0]);
		put_keys(msg, SLUICE_A_RX, &self->keys[1]);
		err = call_with_fault(&self->agent.cmd, msg, NULL, NULL, n);
		if (err) {
			EXPECT_FAULT(err, ENOMEM, EIO);
			err = agent_install(&self->agent, request.fd, &self->keys[0],
					    &self->keys[1]);
			/* It had been done where only the answer was lost. */
			EXPECT_TRUE(!err || err == -EALREADY);
		}
		EXPECT_EQ(0, agent_done(&self->agent, request.fd, 0, NULL));
		close(request.fd);
		EXPECT_OPEN(&self->wire);
		wire_close(&self->wire);
	}
}

TEST_F_TIMEOUT(managed, agent_is_done, 600)
{
	FOR_EACH_FAULT(n) {
		struct fake_request request;
		long err;

		FRESH_BARE();
		ASSERT_EQ(0, arm_raw(self->wire.fd[0]));
		ASSERT_EQ(0, agent_take(&self->agent, &request));
		ASSERT_EQ(0, agent_install(&self->agent, request.fd, &self->keys[0],
					   &self->keys[1]));
		err = call_with_fault(&self->agent.cmd,
				      agent_msg(&self->agent, SLUICE_CMD_DONE, request.fd),
				      NULL, NULL, n);
		if (err) {
			EXPECT_FAULT(err, ENOMEM, EIO);
			err = agent_done(&self->agent, request.fd, 0, NULL);
			EXPECT_TRUE(!err || err == -ESHUTDOWN);
		}
		close(request.fd);
		EXPECT_OPEN(&self->wire);
		wire_close(&self->wire);
	}
}

/* The peer changes its keys in front of data. Where memory lacks for the new ones, the
 * read says so and can be repeated, or the connection is at its end.
 */
TEST_F_TIMEOUT(managed, keyupdate, 600)
{
	static const unsigned char update[] = { 24, 0, 0, 1, 0 };
	unsigned char record[WIRE_MAX];

	if (variant->version == TLS_1_2_VERSION)
		SKIP(return, "TLS 1.2 has no KeyUpdate");
	FOR_EACH_FAULT(n) {
		struct wire *w = &self->wire;
		struct agent_keys next = self->keys[1];
		long got;
		size_t len;

		FRESH_MANAGED();
		len = peer_seal(&w->seal, CONTENT_HANDSHAKE, update, sizeof(update), 0, record);
		EXPECT_EQ(len, write_all(w->fd[1], record, len));
		agent_keys_next(&next);
		peer_init(&w->seal, &next.keys);
		len = peer_seal(&w->seal, CONTENT_DATA, pattern(0), 400, 0, record);
		EXPECT_EQ(len, write_all(w->fd[1], record, len));
		got = WITH_FAULT(n, recv(w->fd[0], self->buf, 400, 0));
		if (got < 0) {
			EXPECT_FAULT(got, ENOMEM, EFAULT);
			got = sys(recv(w->fd[0], self->buf, 400, 0));
		}
		if (got < 0) {
			EXPECT_EQ(-ENOMEM, got);
			EXPECT_GT(0, sys(send(w->fd[0], "secret", 6, MSG_NOSIGNAL)));
		} else {
			EXPECT_EQ(400, got);
			EXPECT_TRUE(pattern_fits(self->buf, 400, 0));
			EXPECT_EQ(400, send(w->fd[0], pattern(0), 400, 0));
			EXPECT_EQ(1, read_stream(w, 0, 400));
		}
		wire_close(w);
	}
}

/* Nor FIN without close_notify, where the program can still be told. */
TEST_F_TIMEOUT(managed, shutdown, 600)
{
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];

	FOR_EACH_FAULT(n) {
		struct wire *w = &self->wire;
		bool fin;
		int type;

		FRESH_MANAGED();
		ASSERT_EQ(500, send(w->fd[0], pattern(0), 500, MSG_MORE));
		fin = EXPECT_SHUTDOWN(n, w);
		ASSERT_EQ(1, read_stream(w, 0, 500));
		ASSERT_LT(0, read_record(w->fd[1], record));
		EXPECT_EQ(2, peer_open(&w->open, record, &type, plain));
		EXPECT_EQ(CONTENT_ALERT, type);
		EXPECT_EQ(0, plain[1]);
		if (fin || poll_one(w->fd[1], POLLIN, NEVER))
			EXPECT_EQ(0, recv(w->fd[1], self->buf, 1, 0));
		wire_close(w);
	}
}

/* close_notify says that all went out: never without the data before it. */
TEST_F_TIMEOUT(managed, close, 600)
{
	unsigned char record[WIRE_MAX], plain[WIRE_MAX];

	FOR_EACH_FAULT(n) {
		struct wire *w = &self->wire;
		long got;
		int type;

		FRESH_MANAGED();
		ASSERT_EQ(500, send(w->fd[0], pattern(0), 500, MSG_MORE));
		EXPECT_EQ(0, WITH_FAULT(n, close(w->fd[0])));
		got = read_stream(w, 0, 500);
		if (got < 0) {
			EXPECT_FAULT(got, ECONNRESET);
			close(w->fd[1]);
			continue;
		}
		EXPECT_EQ(1, got);
		got = read_record(w->fd[1], record);
		if (!got) {
			/* All data, and no close_notify: to TLS, cut short. */
			EXPECT_TRUE(fault_fired);
		} else {
			ASSERT_LT(0, got);
			EXPECT_EQ(2, peer_open(&w->open, record, &type, plain));
			EXPECT_EQ(CONTENT_ALERT, type);
			EXPECT_EQ(0, plain[1]);
		}
		close(w->fd[1]);
	}
}

/*
 * The sum
 */

FIXTURE(sum)
{
};

FIXTURE_SETUP(sum)
{
}

FIXTURE_TEARDOWN(sum)
{
}

TEST_F(sum, is_enough)
{
	const unsigned long total = __atomic_load_n(faults_total, __ATOMIC_RELAXED);

	if (faults_open())
		SKIP(return, "no fault injection in this kernel");
	TH_LOG("%lu distinct faults", total);
	EXPECT_LE(500, total);
}

TEST_HARNESS_MAIN
