/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the socket tests share: connected TCP pairs over loopback, keys by
 * table, the ULP under test, the module's own account of what it has done.
 *
 * SLUICE_TEST_ULP=tls runs a test against the kernel's own module, to try the
 * test rather than the module: what only Sluice promises is left out then.
 */
#ifndef SELFTESTS_TLS_SOCKET_H
#define SELFTESTS_TLS_SOCKET_H

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include <linux/sluice.h>
#include <linux/tls.h>

/* What the harness's macros bring: they compare what they are given, jump, and
 * define functions.
 */
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wclobbered"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TLS_TX_MAX_PAYLOAD_LEN
#define TLS_TX_MAX_PAYLOAD_LEN 5
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#define RECORD_MAX	16384	/* payload of a full record, RFC 8446 5.1 */
#define HEADER_LEN	5
#define TAG_LEN		16

/* Content types, RFC 8446 B.1. */
#define CONTENT_ALERT		21
#define CONTENT_HANDSHAKE	22
#define CONTENT_DATA		23

#define SOON	8000	/* ms: long enough for what has to happen */
#define NEVER	50	/* ms: the wait for what must not happen */

static inline const char *test_ulp(void)
{
	const char *name = getenv("SLUICE_TEST_ULP");

	return name ? name : SLUICE_ULP_NAME;
}

/* Is it our module that answers? */
static inline bool test_sluice(void)
{
	return !strcmp(test_ulp(), SLUICE_ULP_NAME);
}

/* Does getsockopt give keys back? */
static inline bool test_reveals(void)
{
	FILE *f = fopen("/sys/module/sluice/parameters/reveal_keys", "re");
	bool yes = !test_sluice();

	if (f) {
		yes |= fgetc(f) == 'Y';
		fclose(f);
	}
	return yes;
}

/* The result of a system call as 0 or more, or -errno. */
static inline long sys(long result)
{
	return result < 0 ? -errno : result;
}

/*
 * Ciphers and keys
 */

struct test_cipher {
	__u16 type;		/* TLS_CIPHER_* */
	size_t key_len;
	size_t salt_len;	/* of the 12 bytes of IV, those in `salt` */
	size_t iv_len;		/* and those in `iv` */
	const char *evp;	/* OpenSSL's name */
	const char *lacking;	/* the algorithm without which a kernel lacks it; NULL:
				 * every kernel has to have it
				 */
};

static const struct test_cipher test_ciphers[] = {
	{ TLS_CIPHER_AES_GCM_128, 16, 4, 8, "AES-128-GCM", NULL },
	{ TLS_CIPHER_AES_GCM_256, 32, 4, 8, "AES-256-GCM", NULL },
	{ TLS_CIPHER_AES_CCM_128, 16, 4, 8, "AES-128-CCM", NULL },
	{ TLS_CIPHER_CHACHA20_POLY1305, 32, 0, 12, "ChaCha20-Poly1305", NULL },
	{ TLS_CIPHER_SM4_GCM, 16, 4, 8, "SM4-GCM", "sm4" },
	{ TLS_CIPHER_SM4_CCM, 16, 4, 8, "SM4-CCM", "sm4" },
	{ TLS_CIPHER_ARIA_GCM_128, 16, 4, 8, "ARIA-128-GCM", "aria" },
	{ TLS_CIPHER_ARIA_GCM_256, 32, 4, 8, "ARIA-256-GCM", "aria" },
};

/* One direction's keys, in the terms of the RFCs. */
struct test_keys {
	const struct test_cipher *cipher;
	__u16 version;
	unsigned char key[32];
	unsigned char iv[12];	/* TLS 1.2 GCM, CCM: 4 fixed, 8 the first explicit nonce */
	uint64_t seq;
};

#define KEYS_MAX (sizeof(struct tls_crypto_info) + 12 + 32 + 8)

static inline const struct test_cipher *test_cipher(__u16 type)
{
	for (size_t i = 0; i < sizeof(test_ciphers) / sizeof(test_ciphers[0]); i++)
		if (test_ciphers[i].type == type)
			return &test_ciphers[i];
	abort();
}

/* Does each record carry 8 bytes of its nonce? */
static inline bool keys_explicit(const struct test_keys *keys)
{
	return keys->version == TLS_1_2_VERSION && keys->cipher->salt_len;
}

/* Keys that follow from @seed; other seeds, other keys. */
static inline void keys_make(struct test_keys *keys, __u16 version, __u16 type,
			     unsigned int seed, uint64_t seq)
{
	keys->cipher = test_cipher(type);
	keys->version = version;
	keys->seq = seq;
	for (size_t i = 0; i < sizeof(keys->key); i++)
		keys->key[i] = (unsigned char)(seed * 131 + i * 7 + 1);
	for (size_t i = 0; i < sizeof(keys->iv); i++)
		keys->iv[i] = (unsigned char)(seed * 29 + i * 13 + 3);
}

/* Lays @keys out as <linux/tls.h> has them; returns the length. */
static inline socklen_t keys_pack(const struct test_keys *keys, unsigned char *out)
{
	const struct tls_crypto_info info = {
		.version = keys->version,
		.cipher_type = keys->cipher->type,
	};
	const uint64_t seq = htobe64(keys->seq);
	unsigned char *p = out;

	p = mempcpy(p, &info, sizeof(info));
	p = mempcpy(p, keys->iv + keys->cipher->salt_len, keys->cipher->iv_len);
	p = mempcpy(p, keys->key, keys->cipher->key_len);
	p = mempcpy(p, keys->iv, keys->cipher->salt_len);
	p = mempcpy(p, &seq, sizeof(seq));
	return (socklen_t)(p - out);
}

/* @direction: TLS_TX or TLS_RX. 0 or -errno. */
static inline long keys_set(int fd, int direction, const struct test_keys *keys)
{
	unsigned char buf[KEYS_MAX];
	socklen_t len = keys_pack(keys, buf);

	return sys(setsockopt(fd, SOL_TLS, direction, buf, len));
}

static inline long ulp_attach(int fd)
{
	const char *name = test_ulp();

	return sys(setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, (socklen_t)strlen(name)));
}

/*
 * Connections
 */

struct tcp_options {
	int family;	/* 0: AF_INET */
	int sndbuf;	/* 0: the system's choice; both ends get it */
	int rcvbuf;
	int maxseg;	/* bytes of payload in a segment at most; 0: as the link has it */
};

static inline socklen_t loopback(int family, struct sockaddr_storage *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		((struct sockaddr_in6 *)addr)->sin6_addr = in6addr_loopback;
		return sizeof(struct sockaddr_in6);
	}
	((struct sockaddr_in *)addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(struct sockaddr_in);
}

static inline long tcp_buffers(int fd, const struct tcp_options *opt)
{
	long err = 0;

	if (opt->sndbuf)
		err = sys(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &opt->sndbuf, sizeof(int)));
	if (!err && opt->rcvbuf)
		err = sys(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &opt->rcvbuf, sizeof(int)));
	if (!err && opt->maxseg)
		err = sys(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &opt->maxseg, sizeof(int)));
	return err;
}

/* A listener on loopback, its address in @addr. Descriptor or -errno. */
static inline int tcp_listen(const struct tcp_options *opt, struct sockaddr_storage *addr)
{
	socklen_t len = loopback(opt->family ? opt->family : AF_INET, addr);
	int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 || tcp_buffers(fd, opt) || bind(fd, (struct sockaddr *)addr, len) ||
	    listen(fd, 16) || getsockname(fd, (struct sockaddr *)addr, &len))
		return -errno;
	return fd;
}

static inline socklen_t addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

static inline void tcp_nodelay(int fd)
{
	const int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* Two ends of one connection: fd[0] has connected, fd[1] was accepted. */
static inline long tcp_pair(const struct tcp_options *opt, int fd[2])
{
	struct sockaddr_storage addr;
	int listener = tcp_listen(opt, &addr);
	long err;

	if (listener < 0)
		return listener;
	fd[0] = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	err = tcp_buffers(fd[0], opt);
	if (!err)
		err = sys(connect(fd[0], (struct sockaddr *)&addr, addr_len(&addr)));
	if (!err) {
		fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		err = fd[1] < 0 ? -errno : 0;
	}
	close(listener);
	if (!err) {
		tcp_nodelay(fd[0]);
		tcp_nodelay(fd[1]);
	}
	return err;
}

/* Events among @events (and errors) within @ms. */
static inline int poll_one(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) < 0 ? -errno : p.revents;
}

/*
 * A pair that speaks TLS, and what has gone through it
 */

struct tls_pair {
	int fd[2];
	struct test_keys keys[2];	/* [i]: those fd[i] sends with */
	uint64_t sent[2];		/* application data that fd[i] has taken */
	uint64_t got[2];		/* application data that fd[i] has given */
	bool unread;			/* the test leaves data behind */
};

static inline long pair_connect(struct tls_pair *pair, const struct tcp_options *opt,
				__u16 version, __u16 cipher)
{
	long err = tcp_pair(opt, pair->fd);

	keys_make(&pair->keys[0], version, cipher, 1, 0);
	keys_make(&pair->keys[1], version, cipher, 2, 0);
	for (int i = 0; i < 2 && !err; i++)
		err = ulp_attach(pair->fd[i]);
	return err;
}

static inline long pair_open(struct tls_pair *pair, const struct tcp_options *opt,
			     __u16 version, __u16 cipher)
{
	long err = pair_connect(pair, opt, version, cipher);

	for (int i = 0; i < 2 && !err; i++) {
		err = keys_set(pair->fd[i], TLS_TX, &pair->keys[i]);
		if (!err)
			err = keys_set(pair->fd[i], TLS_RX, &pair->keys[!i]);
	}
	return err;
}

/* Buffers of fixed, small size: soon full, and the same every time. */
static inline void pair_narrow(struct tls_pair *pair)
{
	const struct tcp_options opt = { .sndbuf = 32768, .rcvbuf = 32768 };

	for (int i = 0; i < 2; i++)
		tcp_buffers(pair->fd[i], &opt);
}

/*
 * Does this kernel lack the cipher? Only of those that kernels may lack, and not
 * by the module's word alone: the algorithm is not there after it was asked for.
 */
static inline bool kernel_has(const char *algorithm)
{
	FILE *f = fopen("/proc/crypto", "re");
	char line[200], name[100];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "name : %99s", name) == 1 && !strcmp(name, algorithm);
	if (f)
		fclose(f);
	return found;
}

static inline bool cipher_ask(const struct test_cipher *cipher)
{
	const struct tcp_options opt = { 0 };
	struct test_keys keys;
	int fd[2];
	long err;

	if (tcp_pair(&opt, fd))
		return false;
	keys_make(&keys, TLS_1_2_VERSION, cipher->type, 1, 0);
	err = ulp_attach(fd[0]) ?: keys_set(fd[0], TLS_TX, &keys);
	close(fd[0]);
	close(fd[1]);
	return err == -ENOENT && !kernel_has(cipher->lacking);
}

/* Asking makes the kernel look for modules, and each test is a process of its own: the
 * answers are shared by all of them. 0: not asked yet.
 */
static signed char *cipher_answers;

__attribute__((constructor)) static inline void cipher_answers_share(void)
{
	cipher_answers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	if (cipher_answers == MAP_FAILED)
		abort();
}

static inline bool cipher_absent(__u16 type)
{
	const struct test_cipher *cipher = test_cipher(type);
	signed char *answer = &cipher_answers[cipher - test_ciphers];

	if (cipher->lacking && !*answer)
		*answer = cipher_ask(cipher) ? 1 : -1;
	return *answer > 0;
}

#define SKIP_ABSENT(type)							\
	do {									\
		if (cipher_absent(type))					\
			SKIP(return, "this kernel has no %s",			\
			     test_cipher(type)->lacking);			\
	} while (0)

static inline void pair_close(struct tls_pair *pair)
{
	for (int i = 0; i < 2; i++)
		if (pair->fd[i] >= 0)
			close(pair->fd[i]);
}

/*
 * The stream that the tests send: byte n depends on n alone. The period is a
 * prime, so a record lost, repeated or out of order never fits.
 */

#define PATTERN_PERIOD 65521

static inline const unsigned char *pattern(uint64_t offset)
{
	static unsigned char table[2 * PATTERN_PERIOD];
	static bool filled;

	if (!__atomic_load_n(&filled, __ATOMIC_ACQUIRE)) {
		uint32_t x = 2463534242;

		for (size_t i = 0; i < PATTERN_PERIOD; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			/* Never zero: what reads as zero was not written. */
			table[i] = (unsigned char)((x >> 8) % 255 + 1);
			table[i + PATTERN_PERIOD] = table[i];
		}
		__atomic_store_n(&filled, true, __ATOMIC_RELEASE);
	}
	return table + offset % PATTERN_PERIOD;
}

static inline void pattern_fill(void *buf, size_t len, uint64_t offset)
{
	unsigned char *p = buf;

	while (len) {
		size_t n = len < PATTERN_PERIOD ? len : PATTERN_PERIOD;

		memcpy(p, pattern(offset), n);
		p += n;
		offset += n;
		len -= n;
	}
}

static inline bool pattern_fits(const void *buf, size_t len, uint64_t offset)
{
	const unsigned char *p = buf;

	while (len) {
		size_t n = len < PATTERN_PERIOD ? len : PATTERN_PERIOD;

		if (memcmp(p, pattern(offset), n))
			return false;
		p += n;
		offset += n;
		len -= n;
	}
	return true;
}

/* Sends the next @len bytes of the stream; what send() said, or -errno. */
static inline long pair_send(struct tls_pair *pair, int side, size_t len, int flags)
{
	unsigned char *buf = malloc(len + 1);
	long n;

	pattern_fill(buf, len, pair->sent[side]);
	n = sys(send(pair->fd[side], buf, len, flags | MSG_NOSIGNAL));
	if (n > 0)
		pair->sent[side] += (uint64_t)n;
	free(buf);
	return n;
}

/* Sends until nothing more is taken, wherever TCP moves its bytes meanwhile.
 * -EAGAIN is what is expected.
 */
static inline long pair_fill(struct tls_pair *pair, int side, size_t chunk, int flags)
{
	struct pollfd p = { .fd = pair->fd[side], .events = POLLOUT };
	long n;

	do {
		n = pair_send(pair, side, chunk, flags | MSG_DONTWAIT);
	} while (n > 0 || (n == -EAGAIN && poll(&p, 1, NEVER) == 1));
	return n;
}

/* Receives up to @len bytes; -EILSEQ: not the stream's next ones. */
static inline long pair_recv(struct tls_pair *pair, int side, size_t len, int flags)
{
	unsigned char *buf = malloc(len + 1);
	long n = sys(recv(pair->fd[side], buf, len, flags));

	if (n > 0 && !pattern_fits(buf, (size_t)n, pair->got[side]))
		n = -EILSEQ;
	else if (n > 0 && !(flags & MSG_PEEK))
		pair->got[side] += (uint64_t)n;
	free(buf);
	return n;
}

/* All of @len bytes, whatever number of calls it takes. */
static inline long pair_recv_all(struct tls_pair *pair, int side, size_t len)
{
	size_t left = len;

	while (left) {
		long n = pair_recv(pair, side, left < 65536 ? left : 65536, 0);

		if (n == -EAGAIN && poll_one(pair->fd[side], POLLIN, SOON) == POLLIN)
			continue;
		if (n <= 0)
			return n ? n : -EPIPE;
		left -= (size_t)n;
	}
	return (long)len;
}

/*
 * Data on its way while the test does something else
 */

/* A thread that sends @total bytes of the stream in writes of @chunk. */
struct sender {
	pthread_t thread;
	struct tls_pair *pair;
	int side;
	size_t total;
	size_t chunk;
	long result;
};

static inline void *sender_run(void *arg)
{
	struct sender *s = arg;
	size_t left = s->total;

	while (left) {
		long n = pair_send(s->pair, s->side, left < s->chunk ? left : s->chunk, 0);

		if (n <= 0) {
			s->result = n ? n : -EPIPE;
			return NULL;
		}
		left -= (size_t)n;
	}
	s->result = (long)s->total;
	return NULL;
}

static inline int sender_start(struct sender *s, struct tls_pair *pair, int side, size_t total,
			size_t chunk)
{
	s->pair = pair;
	s->side = side;
	s->total = total;
	s->chunk = chunk;
	s->result = -EINPROGRESS;
	return pthread_create(&s->thread, NULL, sender_run, s);
}

static inline long sender_end(struct sender *s)
{
	pthread_join(s->thread, NULL);
	return s->result;
}

/* @total bytes from @side to the other, in writes and reads of these sizes. */
static inline long transfer(struct tls_pair *pair, int side, size_t total, size_t wchunk, size_t rchunk)
{
	struct sender s;
	size_t left = total;
	long n = 1;

	if (sender_start(&s, pair, side, total, wchunk))
		return -EAGAIN;
	while (left && n > 0) {
		n = pair_recv(pair, !side, left < rchunk ? left : rchunk, 0);
		if (n > 0)
			left -= (size_t)n;
	}
	if (n <= 0)
		shutdown(pair->fd[!side], SHUT_RDWR);
	if (sender_end(&s) != (long)total)
		return s.result;
	return n < 0 ? n : (long)(total - left);
}

static inline long set_timeout(int fd, int option, int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	return sys(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)));
}

static inline void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/*
 * Record types by cmsg
 */

static inline long send_type(int fd, unsigned char type, const void *data, size_t len, int flags)
{
	char control[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = type;
	return sys(sendmsg(fd, &msg, flags | MSG_NOSIGNAL));
}

/* @type: -1 when the call gave none. */
static inline long recv_type(int fd, int *type, void *data, size_t len, int flags)
{
	char control[CMSG_SPACE(1)];
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	long n = sys(recvmsg(fd, &msg, flags));
	struct cmsghdr *cmsg = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	*type = -1;
	if (cmsg && cmsg->cmsg_level == SOL_TLS && cmsg->cmsg_type == TLS_GET_RECORD_TYPE)
		*type = *CMSG_DATA(cmsg);
	return n;
}

/*
 * The module's account
 */

static inline long info_get(int fd, struct sluice_info *info)
{
	socklen_t len = sizeof(*info);
	long err = sys(getsockopt(fd, SOL_TLS, SLUICE_INFO, info, &len));

	return err ? err : len == sizeof(*info) ? 0 : -EMSGSIZE;
}

static inline uint64_t records_at_least(uint64_t bytes)
{
	return (bytes + RECORD_MAX - 1) / RECORD_MAX;
}

/* The module sealed and opened just what the test sent and received. */
#define EXPECT_ACCOUNT(pair) do {						\
	struct sluice_info _info[2];						\
	bool _ask = test_sluice() && (pair)->fd[0] >= 0 && (pair)->fd[1] >= 0;	\
										\
	for (int _i = 0; _i < 2 && _ask; _i++) {				\
		EXPECT_EQ(0, info_get((pair)->fd[_i], &_info[_i]));		\
		EXPECT_EQ((pair)->sent[_i], _info[_i].tx_bytes);		\
		EXPECT_LE(records_at_least((pair)->sent[_i]),			\
			  _info[_i].tx_records);				\
	}									\
	for (int _i = 0; _i < 2 && _ask; _i++) {				\
		EXPECT_LE((pair)->got[_i], _info[_i].rx_bytes);			\
		if ((pair)->unread)						\
			continue;						\
		EXPECT_EQ((pair)->sent[!_i], (pair)->got[_i]);			\
		EXPECT_EQ((pair)->got[_i], _info[_i].rx_bytes);			\
		EXPECT_EQ(_info[!_i].tx_records, _info[_i].rx_records);		\
	}									\
} while (0)

/*
 * Fixtures times variants
 */

#define TLS_VARIANT_FIELDS							\
	__u16 version;								\
	__u16 cipher;								\
	int family

#define TLS_VARIANT(fixture, label, number, type, address_family)		\
	FIXTURE_VARIANT_ADD(fixture, label) {					\
		.version = number,						\
		.cipher = TLS_CIPHER_##type,					\
		.family = address_family,					\
	}

#define TLS_VARIANTS(fixture)							\
	TLS_VARIANT(fixture, tls12_aes128, TLS_1_2_VERSION, AES_GCM_128, AF_INET);	\
	TLS_VARIANT(fixture, tls12_aes256_v6, TLS_1_2_VERSION, AES_GCM_256, AF_INET6);	\
	TLS_VARIANT(fixture, tls12_chacha, TLS_1_2_VERSION, CHACHA20_POLY1305, AF_INET); \
	TLS_VARIANT(fixture, tls13_aes128, TLS_1_3_VERSION, AES_GCM_128, AF_INET);	\
	TLS_VARIANT(fixture, tls13_aes256, TLS_1_3_VERSION, AES_GCM_256, AF_INET);	\
	TLS_VARIANT(fixture, tls13_chacha_v6, TLS_1_3_VERSION, CHACHA20_POLY1305, AF_INET6)

/* The others, where records are made and opened; SKIP_ABSENT belongs to them. */
#define TLS_VARIANTS_RARE(fixture)						\
	TLS_VARIANT(fixture, tls12_ccm_v6, TLS_1_2_VERSION, AES_CCM_128, AF_INET6);	\
	TLS_VARIANT(fixture, tls13_ccm, TLS_1_3_VERSION, AES_CCM_128, AF_INET);		\
	TLS_VARIANT(fixture, tls12_sm4gcm, TLS_1_2_VERSION, SM4_GCM, AF_INET);		\
	TLS_VARIANT(fixture, tls13_sm4gcm, TLS_1_3_VERSION, SM4_GCM, AF_INET);		\
	TLS_VARIANT(fixture, tls13_sm4ccm, TLS_1_3_VERSION, SM4_CCM, AF_INET);		\
	TLS_VARIANT(fixture, tls12_aria128, TLS_1_2_VERSION, ARIA_GCM_128, AF_INET);	\
	TLS_VARIANT(fixture, tls12_aria256, TLS_1_2_VERSION, ARIA_GCM_256, AF_INET)

/* Where the cipher does not matter: one of each version. */
#define TLS_VARIANTS_FEW(fixture)						\
	TLS_VARIANT(fixture, tls12_aes128, TLS_1_2_VERSION, AES_GCM_128, AF_INET);	\
	TLS_VARIANT(fixture, tls13_aes128_v6, TLS_1_3_VERSION, AES_GCM_128, AF_INET6)

#endif
