// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections of every kind: TCP between two sockets of this process, keys for whoever makes
 * the records, and bytes in and out by each method.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sluice.h>
#include <linux/tls.h>

#include "bench.h"
#include "end.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif

/* What lockstep needs: a whole burst fits. */
#define BUFFERS	(8 << 20)

const struct cipher bench_ciphers[] = {
	{ "AES-128-GCM", "AES-128-GCM", "ECDHE-ECDSA-AES128-GCM-SHA256",
	  "TLS_AES_128_GCM_SHA256", TLS_CIPHER_AES_GCM_128, 16, 4, true },
	{ "AES-256-GCM", "AES-256-GCM", "ECDHE-ECDSA-AES256-GCM-SHA384",
	  "TLS_AES_256_GCM_SHA384", TLS_CIPHER_AES_GCM_256, 32, 4, true },
	{ "ChaCha20-Poly1305", "ChaCha20-Poly1305", "ECDHE-ECDSA-CHACHA20-POLY1305",
	  "TLS_CHACHA20_POLY1305_SHA256", TLS_CIPHER_CHACHA20_POLY1305, 32, 0, false },
};

const unsigned int n_bench_ciphers = ARRAY_SIZE(bench_ciphers);

unsigned char *bench_source;
int bench_file = -1;

void source_init(void)
{
	bench_file = memfd_create("bench", MFD_CLOEXEC);
	if (bench_file < 0 || ftruncate(bench_file, BENCH_FILE))
		err(1, "memfd");
	bench_source = aligned_alloc(4096, BENCH_FILE);
	if (!bench_source)
		err(1, "memory");
	srandom(1);
	for (size_t i = 0; i < BENCH_FILE; i += 4)
		memcpy(bench_source + i, &(int){ (int)random() }, 4);
	if (pwrite(bench_file, bench_source, BENCH_FILE, 0) != (ssize_t)BENCH_FILE)
		err(1, "memfd");
}

/* --- TCP --- */

static int in_netns(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", name);
	close(fd);
	return 0;
}

static int listener(const struct workload *load, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	const int size = BUFFERS;
	int fd;

	if (load->netns)
		in_netns(load->netns);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (load->netns)
		in_netns("/proc/1/ns/net");
	*addr = (struct sockaddr_in){ .sin_family = AF_INET };
	inet_pton(AF_INET, load->address, &addr->sin_addr);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)addr, len) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)addr, &len))
		err(1, "listener on %s", load->address);
	return fd;
}

/* Two ends of a connection: the first has connected. */
void tcp_pair(int fd[2], const struct workload *load)
{
	const int size = BUFFERS, one = 1;
	struct sockaddr_in addr;
	int from = listener(load, &addr);

	fd[TX] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd[TX] < 0 || setsockopt(fd[TX], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd[TX], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    connect(fd[TX], (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "connect");
	fd[RX] = accept4(from, NULL, NULL, SOCK_CLOEXEC);
	if (fd[RX] < 0)
		err(1, "accept");
	close(from);
	for (int i = 0; i < 2; i++)
		setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* --- keys --- */

void keys_make(struct keys *keys, const struct workload *load, unsigned int seed)
{
	keys->cipher = load->cipher;
	keys->version = load->version;
	for (size_t i = 0; i < sizeof(keys->key); i++)
		keys->key[i] = (unsigned char)(seed * 131 + i * 7 + 1);
	for (size_t i = 0; i < sizeof(keys->iv); i++)
		keys->iv[i] = (unsigned char)(seed * 29 + i * 13 + 3);
	/* A nonce that is sent begins as the sequence does. */
	if (keys->version == TLS_1_2_VERSION && keys->cipher->salt_len)
		memset(keys->iv + 4, 0, 8);
}

/* As <linux/tls.h> has them: iv, key, salt, rec_seq. 0 or -errno. */
static int keys_set(int fd, int direction, const struct keys *keys)
{
	const struct tls_crypto_info info = {
		.version = keys->version,
		.cipher_type = keys->cipher->type,
	};
	unsigned int salt = keys->cipher->salt_len;
	unsigned char buf[sizeof(info) + 12 + 32 + 8], *p = buf;

	p = mempcpy(p, &info, sizeof(info));
	p = mempcpy(p, keys->iv + salt, 12 - salt);
	p = mempcpy(p, keys->key, keys->cipher->key_len);
	p = mempcpy(p, keys->iv, salt);
	memset(p, 0, 8);
	p += 8;
	return setsockopt(fd, SOL_TLS, direction, buf, (socklen_t)(p - buf)) ? -errno : 0;
}

static int ulp_set(int fd, enum engine engine)
{
	const char *name = engine == SLUICE ? SLUICE_ULP_NAME : "tls";

	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, (socklen_t)strlen(name)) ? -errno : 0;
}

/* Both directions of a kernel end, as a program would have them. */
static int kernel_open(struct lane *lane, int side)
{
	enum engine engine = lane->peer->engine[side];
	const int one = 1;
	struct keys keys[2];
	int ret;

	keys_make(&keys[TX], lane->load, 1 + (unsigned int)side);
	keys_make(&keys[RX], lane->load, 2 - (unsigned int)side);
	ret = ulp_set(lane->fd[side], engine);
	if (!ret)
		ret = keys_set(lane->fd[side], TLS_TX, &keys[TX]);
	if (!ret)
		ret = keys_set(lane->fd[side], TLS_RX, &keys[RX]);
	if (!ret && engine == NOPAD && lane->load->version == TLS_1_3_VERSION &&
	    setsockopt(lane->fd[side], SOL_TLS, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one)))
		ret = -errno;
	return ret;
}

static int end_open(struct lane *lane, int side)
{
	struct keys keys;

	switch (lane->peer->engine[side]) {
	case EVP:
		keys_make(&keys, lane->load, 1);
		lane->end[side] = evp_open(&keys, side == TX);
		return 0;
	case INTREE:
	case NOPAD:
	case SLUICE:
		return kernel_open(lane, side);
	default:
		return 0;
	}
}

int lane_open(struct lane *lane, const struct workload *load, const struct peer *peer)
{
	int ret = 0;

	memset(lane, 0, sizeof(*lane));
	lane->load = load;
	lane->peer = peer;
	tcp_pair(lane->fd, load);
	if (peer->engine[TX] == SSL16K)
		ssl_open(lane);
	for (int i = 0; i < 2; i++) {
		if (!ret)
			ret = end_open(lane, i);
		if (load->method == SPLICE && pipe2(lane->pipe[i], O_CLOEXEC))
			err(1, "pipe");
	}
	if (ret)
		lane_close(lane);
	return ret;
}

void lane_close(struct lane *lane)
{
	for (int i = 0; i < 2; i++) {
		if (lane->end[i])
			lane->end[i]->ops->close(lane->end[i]);
		close(lane->fd[i]);
		if (lane->load->method == SPLICE) {
			close(lane->pipe[i][0]);
			close(lane->pipe[i][1]);
		}
	}
}

/* --- bytes in --- */

void write_all(struct lane *lane, const void *data, size_t len)
{
	while (len) {
		ssize_t n = write(lane->fd[TX], data, len);

		if (n < 0)
			err(1, "%s: write", lane->peer->name);
		lane->calls[TX]++;
		data = (const char *)data + n;
		len -= (size_t)n;
	}
}

static void sendfile_all(struct lane *lane, size_t len)
{
	off_t at = (off_t)lane->at;

	while (len) {
		ssize_t n = sendfile(lane->fd[TX], bench_file, &at, len);

		if (n <= 0)
			err(1, "%s: sendfile", lane->peer->name);
		lane->calls[TX]++;
		len -= (size_t)n;
	}
}

/* A pipe takes 64 KiB. */
static void splice_all(struct lane *lane, size_t len)
{
	off_t at = (off_t)lane->at;

	while (len) {
		ssize_t in = splice(bench_file, &at, lane->pipe[TX][1], NULL, len, 0);

		if (in <= 0)
			err(1, "%s: splice", lane->peer->name);
		lane->calls[TX]++;
		len -= (size_t)in;
		while (in) {
			ssize_t n = splice(lane->pipe[TX][0], NULL, lane->fd[TX], NULL,
					   (size_t)in, len ? SPLICE_F_MORE : 0);

			if (n <= 0)
				err(1, "%s: splice", lane->peer->name);
			lane->calls[TX]++;
			in -= n;
		}
	}
}

/* A file must be read by who seals it itself. */
static void end_send(struct lane *lane, size_t len)
{
	static unsigned char *copy;
	const unsigned char *data = bench_source + lane->at;
	struct end *end = lane->end[TX];

	if (lane->load->method != WRITE) {
		if (!copy)
			copy = aligned_alloc(4096, BENCH_FILE);
		if (!copy || pread(bench_file, copy, len, (off_t)lane->at) != (ssize_t)len)
			err(1, "memfd");
		lane->calls[TX]++;
		data = copy;
	}
	end->ops->send(end, lane, data, len);
}

void lane_send(struct lane *lane, size_t len)
{
	if (lane->end[TX])
		end_send(lane, len);
	else if (lane->load->method == WRITE)
		write_all(lane, bench_source + lane->at, len);
	else if (lane->load->method == SENDFILE)
		sendfile_all(lane, len);
	else
		splice_all(lane, len);
	lane->at = (lane->at + len) % BENCH_FILE;
}

/* --- bytes out --- */

size_t read_some(struct lane *lane, void *buf, size_t len)
{
	ssize_t n = read(lane->fd[RX], buf, len);

	if (n <= 0)
		err(1, "%s: read", lane->peer->name);
	lane->calls[RX]++;
	return (size_t)n;
}

/* To a file that swallows it. */
static size_t splice_some(struct lane *lane, size_t len)
{
	static int null = -1;
	ssize_t in, n, left;

	if (null < 0)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	in = splice(lane->fd[RX], NULL, lane->pipe[RX][1], NULL, len, 0);
	if (in <= 0)
		err(1, "%s: splice", lane->peer->name);
	lane->calls[RX]++;
	for (left = in; left; left -= n) {
		n = splice(lane->pipe[RX][0], NULL, null, NULL, (size_t)left, 0);
		if (n <= 0)
			err(1, "%s: splice", lane->peer->name);
		lane->calls[RX]++;
	}
	return (size_t)in;
}

size_t lane_recv(struct lane *lane, unsigned char *buf, size_t len)
{
	struct end *end = lane->end[RX];

	if (end)
		return end->ops->recv(end, lane, buf, len);
	if (lane->load->method == SPLICE)
		return splice_some(lane, len);
	return read_some(lane, buf, len);
}

struct lane lane_reversed(const struct lane *lane)
{
	struct lane back = *lane;

	back.fd[TX] = lane->fd[RX];
	back.fd[RX] = lane->fd[TX];
	back.end[TX] = lane->end[RX];
	back.end[RX] = lane->end[TX];
	return back;
}

void lane_exchange(struct lane *lane, struct lane *back, size_t len)
{
	static unsigned char buf[BENCH_RECORD];
	struct lane *way[2] = { lane, back };

	for (int i = 0; i < 2; i++) {
		size_t got = 0;

		lane_send(way[i], len);
		while (got < len)
			got += lane_recv(way[i], buf, len - got);
	}
}
