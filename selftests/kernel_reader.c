// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reader inside the kernel, by read_sock, as NVMe over TCP is one. Here it is a
 * KCM socket (kernel connection multiplexor), which cuts the plaintext of a TCP
 * socket into messages: each begins with its length in two bytes.
 */
#include "kselftest_harness.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/bpf.h>
#include <linux/kcm.h>

#include "tls_socket.h"

/* Less than TCP's first window in all: what comes while nobody holds the socket comes
 * in softirq, where no record can be opened.
 */
static const size_t sizes[] = { 1, 100, RECORD_MAX - 2, 5000, 0, 12000, 7 };

FIXTURE(kernel_reader)
{
	struct tls_pair pair;
	int kcm;
	int bpf;
};

FIXTURE_VARIANT(kernel_reader)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS_FEW(kernel_reader);

/* Length of the message that begins here: two bytes more than they say. */
static int bpf_load(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1 },
		{ .code = BPF_LD | BPF_ABS | BPF_H, .imm = 0 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insn_cnt = ARRAY_SIZE(insns),
		.insns = (uintptr_t)insns,
		.license = (uintptr_t)"GPL",
	};

	return (int)sys(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

FIXTURE_SETUP(kernel_reader)
{
	const struct tcp_options opt = { .family = variant->family };

	if (!test_sluice())
		SKIP(return, "KCM does not get along with the kernel's own module");
	self->kcm = socket(AF_KCM, SOCK_DGRAM, KCMPROTO_CONNECTED);
	if (self->kcm < 0 && errno == EAFNOSUPPORT)
		SKIP(return, "a kernel without KCM");
	ASSERT_LE(0, self->kcm);
	self->bpf = bpf_load();
	ASSERT_LE(0, self->bpf);
	ASSERT_EQ(0, pair_open(&self->pair, &opt, variant->version, variant->cipher));
	ASSERT_EQ(0, set_timeout(self->kcm, SO_RCVTIMEO, SOON));
}

FIXTURE_TEARDOWN(kernel_reader)
{
	if (!test_sluice() || self->kcm < 0)
		return;
	close(self->kcm);
	close(self->bpf);
	self->pair.unread = true;
	pair_close(&self->pair);
}

static int attach(int kcm, int fd, int bpf)
{
	struct kcm_attach a = { .fd = fd, .bpf_fd = bpf };

	return (int)sys(ioctl(kcm, SIOCKCMATTACH, &a));
}

static int unattach(int kcm, int fd)
{
	struct kcm_unattach u = { .fd = fd };

	return (int)sys(ioctl(kcm, SIOCKCMUNATTACH, &u));
}

/* Message @i as sent: its length, and a piece of the pattern. Returns its size. */
static size_t message(size_t i, unsigned char *out)
{
	out[0] = (unsigned char)(sizes[i] >> 8);
	out[1] = (unsigned char)sizes[i];
	pattern_fill(out + 2, sizes[i], i * 1000);
	return sizes[i] + 2;
}

/* KCM looks for a length where a buffer begins: each message is a record. */
static long send_message(int fd, size_t i)
{
	unsigned char buf[RECORD_MAX];

	return sys(send(fd, buf, message(i, buf), 0));
}

TEST_F(kernel_reader, messages)
{
	unsigned char wanted[RECORD_MAX], seen[2 * RECORD_MAX];
	const int *fd = self->pair.fd;
	struct sluice_info info;
	size_t total = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ((long)sizes[i] + 2, send_message(fd[0], i));
		total += sizes[i] + 2;
	}
	ASSERT_EQ(0, attach(self->kcm, fd[1], self->bpf));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t len = message(i, wanted);

		ASSERT_EQ((ssize_t)len, recv(self->kcm, seen, sizeof(seen), 0));
		EXPECT_EQ(0, memcmp(wanted, seen, len));
	}
	ASSERT_EQ(0, info_get(fd[1], &info));
	EXPECT_EQ(total, info.rx_bytes);
}

/* What is not data stays where it is, for whoever reads the socket itself. */
TEST_F(kernel_reader, leaves_an_alert)
{
	unsigned char wanted[RECORD_MAX], seen[2 * RECORD_MAX];
	const int *fd = self->pair.fd;
	int type;

	ASSERT_EQ(102, send_message(fd[0], 1));
	ASSERT_EQ(2, send_type(fd[0], CONTENT_ALERT, "\1\0", 2, 0));
	ASSERT_EQ(9, send_message(fd[0], 6));
	ASSERT_EQ(0, attach(self->kcm, fd[1], self->bpf));
	ASSERT_EQ(message(1, wanted), recv(self->kcm, seen, sizeof(seen), 0));
	EXPECT_EQ(0, memcmp(wanted, seen, 102));
	EXPECT_EQ(-EAGAIN, sys(recv(self->kcm, seen, sizeof(seen), MSG_DONTWAIT)));
	ASSERT_EQ(0, unattach(self->kcm, fd[1]));
	ASSERT_EQ(2, recv_type(fd[1], &type, seen, sizeof(seen), 0));
	EXPECT_EQ(CONTENT_ALERT, type);
	ASSERT_EQ(9, recv(fd[1], seen, sizeof(seen), 0));
}

/* Keys make the bytes records; without them they are TCP's, and the reader gets those. */
TEST_F(kernel_reader, without_keys)
{
	const struct tcp_options opt = { .family = variant->family };
	unsigned char seen[200];
	struct tls_pair plain;

	ASSERT_EQ(0, pair_connect(&plain, &opt, variant->version, variant->cipher));
	ASSERT_EQ(102, send_message(plain.fd[0], 1));
	ASSERT_EQ(0, attach(self->kcm, plain.fd[1], self->bpf));
	EXPECT_EQ(102, recv(self->kcm, seen, sizeof(seen), 0));
	ASSERT_EQ(0, unattach(self->kcm, plain.fd[1]));
	plain.unread = true;
	pair_close(&plain);
}

TEST_HARNESS_MAIN
