// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io_uring: what send and recv do, done by the kernel on a program's behalf:
 * without waiting first, then from a poll or from a worker.
 */
#include "kselftest_harness.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>

#include "tls_socket.h"

#define ENTRIES 8

/* The rings as the kernel lays them out, with one submission under way at a time or a few. */
struct ring {
	int fd;
	void *map[2];
	size_t size[2];
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static void *ring_map(struct ring *ring, size_t size, off_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
		       offset);

	return p == MAP_FAILED ? NULL : p;
}

static long ring_open(struct ring *ring)
{
	const struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &ring->params);
	if (ring->fd < 0)
		return -errno;
	ring->size[0] = p->sq_off.array + p->sq_entries * sizeof(__u32);
	ring->size[1] = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	ring->map[0] = ring_map(ring, ring->size[0], IORING_OFF_SQ_RING);
	ring->map[1] = ring_map(ring, ring->size[1], IORING_OFF_CQ_RING);
	ring->sqes = ring_map(ring, p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	return ring->map[0] && ring->map[1] && ring->sqes ? 0 : -ENOMEM;
}

static void ring_close(struct ring *ring)
{
	for (int i = 0; i < 2; i++)
		munmap(ring->map[i], ring->size[i]);
	munmap(ring->sqes, ring->params.sq_entries * sizeof(struct io_uring_sqe));
	close(ring->fd);
}

static __u32 *ring_word(struct ring *ring, int queue, __u32 offset)
{
	return (__u32 *)((char *)ring->map[queue] + offset);
}

static long ring_submit(struct ring *ring, __u8 opcode, int fd, void *buf, size_t len, int flags)
{
	const struct io_sqring_offsets *off = &ring->params.sq_off;
	__u32 *tail = ring_word(ring, 0, off->tail);
	__u32 at = *tail & *ring_word(ring, 0, off->ring_mask);
	struct io_uring_sqe *sqe = &ring->sqes[at];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = opcode;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)buf;
	sqe->len = (__u32)len;
	sqe->msg_flags = (__u32)flags;
	sqe->user_data = opcode;
	ring_word(ring, 0, off->array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return sys(syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0));
}

/* Waits for a completion; what it says. @opcode: of what, or NULL. */
static long ring_wait(struct ring *ring, int *opcode)
{
	const struct io_cqring_offsets *off = &ring->params.cq_off;
	__u32 *head = ring_word(ring, 1, off->head);
	struct io_uring_cqe *cqe;
	long result;

	result = sys(syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	if (result < 0)
		return result;
	cqe = (struct io_uring_cqe *)ring_word(ring, 1, off->cqes) +
	      (*head & *ring_word(ring, 1, off->ring_mask));
	result = cqe->res;
	if (opcode)
		*opcode = (int)cqe->user_data;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static long ring_do(struct ring *ring, __u8 opcode, int fd, void *buf, size_t len, int flags)
{
	long n = ring_submit(ring, opcode, fd, buf, len, flags);

	return n == 1 ? ring_wait(ring, NULL) : n < 0 ? n : -EIO;
}

FIXTURE(uring)
{
	struct tls_pair pair;
	struct ring ring;
};

FIXTURE_VARIANT(uring)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(uring);

FIXTURE_SETUP(uring)
{
	const struct tcp_options opt = { .family = variant->family };

	ASSERT_EQ(0, ring_open(&self->ring));
	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
}

FIXTURE_TEARDOWN(uring)
{
	EXPECT_ACCOUNT(&self->pair);
	pair_close(&self->pair);
	ring_close(&self->ring);
}

static long uring_send(struct ring *ring, struct tls_pair *pair, int side, size_t len, int flags)
{
	unsigned char *buf = malloc(len);
	long n;

	pattern_fill(buf, len, pair->sent[side]);
	n = ring_do(ring, IORING_OP_SEND, pair->fd[side], buf, len, flags);
	if (n > 0)
		pair->sent[side] += (uint64_t)n;
	free(buf);
	return n;
}

static long uring_recv(struct ring *ring, struct tls_pair *pair, int side, size_t len, int flags)
{
	unsigned char *buf = malloc(len);
	long n = ring_do(ring, IORING_OP_RECV, pair->fd[side], buf, len, flags);

	if (n > 0 && !pattern_fits(buf, (size_t)n, pair->got[side]))
		n = -EILSEQ;
	else if (n > 0)
		pair->got[side] += (uint64_t)n;
	free(buf);
	return n;
}

TEST_F(uring, what_is_there)
{
	static const size_t sizes[] = { 1, 100, RECORD_MAX, RECORD_MAX + 1, 50000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(sizes[i], uring_send(&self->ring, &self->pair, 0, sizes[i], 0));
		ASSERT_EQ(sizes[i], uring_recv(&self->ring, &self->pair, 1, sizes[i],
					       MSG_WAITALL));
	}
}

/* Asked before anything is there: by way of poll. */
TEST_F(uring, recv_comes_first)
{
	unsigned char buf[100];

	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(1, ring_submit(&self->ring, IORING_OP_RECV, self->pair.fd[1], buf,
					 sizeof(buf), 0));
		ASSERT_EQ(33, pair_send(&self->pair, 0, 33, 0));
		ASSERT_EQ(33, ring_wait(&self->ring, NULL));
		EXPECT_TRUE(pattern_fits(buf, 33, self->pair.got[1]));
		self->pair.got[1] += 33;
	}
}

/* Without it io_uring's send ends where the buffers do. */
#define SKIP_WAITALL()								\
	do {									\
		if (!test_sluice())						\
			SKIP(return, "the in-tree module refuses MSG_WAITALL");	\
	} while (0)

/* More than the buffers hold: the kernel goes on when there is room. */
TEST_F(uring, more_than_the_buffers)
{
	const size_t total = 3 << 20;
	unsigned char *buf;

	SKIP_WAITALL();
	buf = malloc(total);
	pair_narrow(&self->pair);
	pattern_fill(buf, total, 0);
	ASSERT_EQ(1, ring_submit(&self->ring, IORING_OP_SEND, self->pair.fd[0], buf, total,
				 MSG_WAITALL));
	ASSERT_EQ(total, pair_recv_all(&self->pair, 1, total));
	ASSERT_EQ(total, ring_wait(&self->ring, NULL));
	self->pair.sent[0] += total;
	free(buf);
}

TEST_F(uring, both_at_once)
{
	const size_t total = 1 << 20;
	unsigned char *in, *out;
	int first, second;

	SKIP_WAITALL();
	in = calloc(1, total);
	out = malloc(total);
	pattern_fill(out, total, 0);
	ASSERT_EQ(1, ring_submit(&self->ring, IORING_OP_RECV, self->pair.fd[1], in, total,
				 MSG_WAITALL));
	ASSERT_EQ(1, ring_submit(&self->ring, IORING_OP_SEND, self->pair.fd[0], out, total,
				 MSG_WAITALL));
	ASSERT_EQ(total, ring_wait(&self->ring, &first));
	ASSERT_EQ(total, ring_wait(&self->ring, &second));
	EXPECT_NE(first, second);
	EXPECT_EQ(0, memcmp(in, out, total));
	self->pair.sent[0] += total;
	self->pair.got[1] += total;
	free(in);
	free(out);
}

TEST_F(uring, types)
{
	char control[CMSG_SPACE(1)], buf[100];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	ASSERT_EQ(1, ring_submit(&self->ring, IORING_OP_RECVMSG, self->pair.fd[1], &msg, 1, 0));
	ASSERT_EQ(2, send_type(self->pair.fd[0], CONTENT_ALERT, "al", 2, 0));
	ASSERT_EQ(2, ring_wait(&self->ring, NULL));
	cmsg = CMSG_FIRSTHDR(&msg);
	ASSERT_NE(NULL, cmsg);
	EXPECT_EQ(TLS_GET_RECORD_TYPE, cmsg->cmsg_type);
	EXPECT_EQ(CONTENT_ALERT, *CMSG_DATA(cmsg));
}

TEST_F(uring, end)
{
	char buf[10];

	ASSERT_EQ(1, ring_submit(&self->ring, IORING_OP_RECV, self->pair.fd[1], buf, sizeof(buf),
				 0));
	ASSERT_EQ(0, shutdown(self->pair.fd[0], SHUT_WR));
	EXPECT_EQ(0, ring_wait(&self->ring, NULL));
}

TEST_HARNESS_MAIN
