/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark: what is compared with what, over which workloads, and how a figure is
 * taken. Both ends of every connection are in one thread, in lockstep, so that a round
 * has no scheduling in it and its CPU time is that of its bytes.
 */
#ifndef SLUICE_BENCH_H
#define SLUICE_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_RECORD	16384	/* payload of a full record, RFC 8446 5.1 */
#define BENCH_FILE	(1UL << 20)	/* bytes that are sent over and over: the cache has them */
#define BENCH_LANES	64	/* connections of a workload at most */
#define BENCH_ROUNDS	64

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { TX, RX };

/* Who does the records at one end. */
enum engine {
	PLAIN,		/* nobody: plain TCP */
	EVP,		/* this program, framing by hand around OpenSSL's ciphers, large batches */
	SSL16K,		/* this program, by SSL_write() and SSL_read() of 16 KiB */
	INTREE,		/* the kernel's own module */
	NOPAD,		/* the same, TLS_RX_EXPECT_NO_PAD set */
	SLUICE,
};

struct peer {
	const char *id;
	const char *name;
	enum engine engine[2];	/* of TX and RX */
};

enum method { WRITE, SENDFILE, SPLICE };

struct cipher {
	const char *name;
	const char *evp;	/* OpenSSL's name */
	const char *suite;	/* TLS 1.2's, OpenSSL's name */
	const char *suite13;
	uint16_t type;		/* <linux/tls.h> */
	unsigned int key_len;
	unsigned int salt_len;	/* of the 12 bytes of IV; TLS 1.2 sends the others */
	bool native;		/* UML has a driver that uses the processor's instructions */
};

extern const struct cipher bench_ciphers[];
extern const unsigned int n_bench_ciphers;

/**
 * struct workload - one row of figures, the same for all peers
 * @method:	how bytes get in; they get out by read(), with SPLICE by splice()
 * @chunk:	bytes of each call
 * @lanes:	connections, served in turn
 * @cores:	processors that share them; 0 is 1
 * @meet:	where these wait for each other before a turn; NULL: there is one
 * @version:	TLS_1_2_VERSION or TLS_1_3_VERSION
 * @cipher:	which
 * @netns:	the receiver's network namespace, NULL: the same, over loopback
 * @address:	and the receiver's address
 */
struct workload {
	enum method method;
	size_t chunk;
	unsigned int lanes;
	unsigned int cores;
	pthread_barrier_t *meet;
	uint16_t version;
	const struct cipher *cipher;
	const char *netns;
	const char *address;
};

/**
 * struct cpu - CPU time that has been used, in ns
 * @total:	by this process; in UML by the kernel and this process
 * @native:	less what UML pays for being no machine: the part that ran as native code
 */
struct cpu {
	double total;
	double native;
};

void cpu_init(void);
/** cpu_now() - ends the program when the clock cannot be read */
struct cpu cpu_now(void);
/** cpu_clock() - what the clock is, for the report */
const char *cpu_clock(void);
/** ticks() - time for comparing parts of a round, in a unit of its own */
uint64_t ticks(void);
/** wall_now() - ns */
double wall_now(void);
/** ns_per_tick() */
double ns_per_tick(void);

struct end;

/**
 * struct lane - one connection
 * @fd:		of the two ends
 * @end:	state of ends whose records are made here; NULL else
 * @pipe:	for splice
 * @calls:	system calls made by each end
 * @at:		where the next byte is in the source
 */
struct lane {
	const struct workload *load;
	const struct peer *peer;
	int fd[2];
	struct end *end[2];
	int pipe[2][2];
	uint64_t calls[2];
	size_t at;
};

/**
 * lane_open() - connect, and have both ends ready for data
 *
 * Return: 0, or -errno: -ENOENT and the like when the peer is not to be had here.
 */
int lane_open(struct lane *lane, const struct workload *load, const struct peer *peer);
void lane_close(struct lane *lane);

/* All of @len bytes from the source's @at on; ends the program on error. */
void lane_send(struct lane *lane, size_t len);
/* Some bytes, @len at most; likewise. */
size_t lane_recv(struct lane *lane, unsigned char *buf, size_t len);

/** lane_reversed() - the same connection seen from its other end; not for EVP */
struct lane lane_reversed(const struct lane *lane);
/** lane_exchange() - @len bytes there and @len bytes back, a record's at most */
void lane_exchange(struct lane *lane, struct lane *back, size_t len);

/* What is sent: BENCH_FILE bytes, in memory and in a file of the page cache. */
extern unsigned char *bench_source;
extern int bench_file;
void source_init(void);

/* Keys: each end's, from a seed. */
struct keys {
	const struct cipher *cipher;
	uint16_t version;
	unsigned char key[32];
	unsigned char iv[12];
};

void keys_make(struct keys *keys, const struct workload *load, unsigned int seed);

/** tcp_pair() - two ends of a connection: the first has connected */
void tcp_pair(int fd[2], const struct workload *load);

/** evp_open() - an end that seals or opens by OpenSSL's ciphers */
struct end *evp_open(const struct keys *keys, bool seals);
/** ssl_open() - both ends of @lane, by a handshake */
void ssl_open(struct lane *lane);

#endif
