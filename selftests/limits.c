// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one key may seal (RFC 8446 5.5, RFC 9846): the module moves on to fresh
 * keys before the limit, or when the program asks, and where TLS 1.2 cannot, it
 * stops. The limits are lowered, so that a test comes to them.
 */
#include "kselftest_harness.h"

#include "peer_talk.h"

#define LIMIT	20

FIXTURE(limits)
{
	struct control c;
	long records;
};

FIXTURE_VARIANT(limits)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(limits, tls13_aes128, TLS_1_3_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(limits, tls13_aes256, TLS_1_3_VERSION, AES_GCM_256, AF_INET);
TLS_VARIANT(limits, tls13_chacha, TLS_1_3_VERSION, CHACHA20_POLY1305, AF_INET);

FIXTURE_SETUP(limits)
{
	ASSERT_EQ(0, control_open(&self->c, variant->version, variant->cipher,
				  SLUICE_ROLE_CLIENT, 0));
	self->records = parameter("key_records", LIMIT);
	ASSERT_LE(0, self->records);
}

FIXTURE_TEARDOWN(limits)
{
	EXPECT_LE(0, parameter("key_records", self->records));
	control_close(&self->c);
}

#define PROGRAM (self->c.wire.fd[0])

/* The peer hears @len bytes of the pattern, and KeyUpdates in between. Return: how many of
 * these, or an error: among others when a key was used for more than LIMIT records.
 */
static long hear_pattern(struct control *c, size_t len)
{
	unsigned char out[WIRE_MAX];
	long updates = 0, records = 0, n;
	size_t done = 0;
	int type;

	while (done < len) {
		n = hear(c, &type, out);
		if (n <= 0)
			return n ? n : -ENODATA;
		if (++records > LIMIT)
			return -EOVERFLOW;
		if (type == CONTENT_DATA && pattern_fits(out, (size_t)n, done)) {
			done += (size_t)n;
		} else if (type == CONTENT_HANDSHAKE && n == sizeof(key_update) &&
			   !memcmp(out, key_update, sizeof(key_update))) {
			expect_own_next(c);
			records = 0;
			updates++;
		} else {
			return -EPROTO;
		}
	}
	return updates;
}

/* Reads and checks in a process of its own; its exit status: as many KeyUpdates, or 255. */
static pid_t hear_in_background(struct control *c, size_t len)
{
	pid_t child = fork();
	long n;

	if (child)
		return child;
	alarm(30);
	n = hear_pattern(c, len);
	if (n < 0)
		fprintf(stderr, "# the peer: %s\n", strerror((int)-n));
	_exit(n < 0 || n > 254 ? 255 : (int)n);
}

static int heard(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long send_pattern(int fd, size_t total, size_t chunk)
{
	size_t done = 0;
	long n = 0;
	char *data = malloc(total);

	if (!data)
		return -ENOMEM;
	pattern_fill(data, total, 0);
	while (done < total && n >= 0) {
		n = sys(send(fd, data + done, chunk < total - done ? chunk : total - done,
			     MSG_NOSIGNAL));
		done += n > 0 ? (size_t)n : 0;
	}
	free(data);
	return n < 0 ? n : (long)done;
}

TEST_F(limits, small_records)
{
	pid_t child = hear_in_background(&self->c, 20000);
	struct sluice_info info;
	int updates;

	ASSERT_EQ(20000, send_pattern(PROGRAM, 20000, 100));
	updates = heard(child);
	/* 200 records: a few of each key's are kept for its end. */
	EXPECT_LE(200 / LIMIT, updates);
	EXPECT_GE(200 / (LIMIT - 4), updates);
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(updates, info.tx_keyupdates);
	EXPECT_EQ(updates, stat_get(SLUICE_STAT_TX_KEYUPDATES));
	EXPECT_EQ(updates, stat_get(SLUICE_STAT_TX_KEY_LIMITS));
}

/* One call, batches of full records: the limit falls into the middle of them. */
TEST_F(limits, large_write)
{
	pid_t child = hear_in_background(&self->c, 64 * 16384);

	ASSERT_EQ(64 * 16384, send_pattern(PROGRAM, 64 * 16384, 64 * 16384));
	EXPECT_LE(64 / LIMIT, heard(child));
}

/* What MSG_MORE has collected goes out, under whichever key. */
TEST_F(limits, collected)
{
	pid_t child = hear_in_background(&self->c, 3000);

	for (int i = 0; i < 3000; i += 50)
		ASSERT_EQ(50, send(PROGRAM, pattern((uint64_t)i), 50, i % 100 ? 0 : MSG_MORE));
	EXPECT_LE(1, heard(child));
}

TEST_F(limits, each_record)
{
	pid_t child = hear_in_background(&self->c, 10);

	ASSERT_LE(0, parameter("key_records", 1));
	ASSERT_EQ(10, send_pattern(PROGRAM, 10, 1));
	EXPECT_EQ(10, heard(child));
}

/* The peer's answers and its own KeyUpdates cross ours. */
TEST_F(limits, peer_updates_too)
{
	unsigned char buf[100];

	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(5, say_key_update(&self->c, i % 2 ? key_update : key_update_requested));
		ASSERT_EQ(100, say(&self->c, CONTENT_DATA, pattern(0), 100));
		ASSERT_EQ(100, recv(PROGRAM, buf, 100, MSG_WAITALL));
		ASSERT_EQ(100, send(PROGRAM, pattern((uint64_t)i * 100), 100, 0));
	}
	EXPECT_LE(25, hear_pattern(&self->c, 5000));
}

static long rekey(int fd, uint32_t flags)
{
	return sys(sluice_rekey(fd, flags));
}

TEST_F(limits, by_request)
{
	unsigned char out[WIRE_MAX];
	struct sluice_info info;
	int type;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, rekey(PROGRAM, 0));
		ASSERT_EQ(5, hear(&self->c, &type, out));
		EXPECT_EQ(CONTENT_HANDSHAKE, type);
		EXPECT_EQ(0, memcmp(out, key_update, sizeof(key_update)));
		expect_own_next(&self->c);
	}
	ASSERT_EQ(4, send(PROGRAM, "data", 4, 0));
	EXPECT_EQ(4, hear(&self->c, &type, out));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(3, info.tx_keyupdates);
	EXPECT_EQ(0, stat_get(SLUICE_STAT_TX_KEY_LIMITS));
}

/* One question, until there is an answer. */
TEST_F(limits, asks_the_peer)
{
	unsigned char out[WIRE_MAX];
	int type;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, rekey(PROGRAM, SLUICE_REKEY_PEER));
		ASSERT_EQ(5, hear(&self->c, &type, out));
		EXPECT_EQ(0, memcmp(out, key_update_requested, sizeof(key_update)));
		expect_own_next(&self->c);
		EXPECT_EQ(-EALREADY, rekey(PROGRAM, SLUICE_REKEY_PEER));
		ASSERT_EQ(5, say_key_update(&self->c, key_update));
		ASSERT_EQ(1, say(&self->c, CONTENT_DATA, "x", 1));
		ASSERT_EQ(1, recv(PROGRAM, out, 1, 0));
	}
}

/* Where there is no room it waits for the data, and takes no memory. */
TEST_F(limits, asked_with_a_full_buffer)
{
	long sent = 0, n;
	pid_t child;

	while ((n = sys(send(PROGRAM, pattern((uint64_t)sent), 10000, MSG_DONTWAIT))) > 0)
		sent += n;
	ASSERT_EQ(-EAGAIN, n);
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, rekey(PROGRAM, 0));
	child = hear_in_background(&self->c, (size_t)sent + 100);
	ASSERT_EQ(100, send(PROGRAM, pattern((uint64_t)sent), 100, 0));
	EXPECT_LE(1, heard(child));
}

TEST_F(limits, requests_refused)
{
	uint32_t flags = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(-EINVAL, rekey(PROGRAM, 2));
	EXPECT_EQ(-EINVAL, sys(setsockopt(PROGRAM, SOL_TLS, SLUICE_REKEY, &flags, 3)));
	EXPECT_EQ(-EINVAL, sys(setsockopt(PROGRAM, SOL_TLS, SLUICE_REKEY, &flags, 5)));
	EXPECT_EQ(-EFAULT, sys(setsockopt(PROGRAM, SOL_TLS, SLUICE_REKEY, (void *)8, 4)));
	ASSERT_EQ(0, shutdown(PROGRAM, SHUT_WR));
	EXPECT_EQ(-EPIPE, rekey(PROGRAM, 0));
	ASSERT_EQ(0, ulp_attach(fd));
	EXPECT_EQ(-EOPNOTSUPP, rekey(fd, 0));
	ASSERT_EQ(0, arm_client(fd));
	EXPECT_EQ(-ENOTCONN, rekey(fd, 0));
	close(fd);
}

/* More than that in a row, without data, is a flood. */
TEST_F(limits, flood)
{
	long idle = parameter("idle_records", 5);
	unsigned char byte;
	struct sluice_info info;

	ASSERT_LE(0, idle);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(5, say_key_update(&self->c, key_update));
	ASSERT_EQ(1, say(&self->c, CONTENT_DATA, "x", 1));
	EXPECT_EQ(1, recv(PROGRAM, &byte, 1, 0));
	for (int i = 0; i < 6; i++)
		ASSERT_EQ(5, say_key_update(&self->c, key_update));
	EXPECT_EQ(-EPROTO, sys(recv(PROGRAM, &byte, 1, 0)));
	EXPECT_LE(0, parameter("idle_records", idle));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(UNEXPECTED_MESSAGE, info.alert_sent);
	EXPECT_EQ(ALERT(FATAL, UNEXPECTED_MESSAGE), hear_alert(&self->c));
}

/* TLS 1.2 has one key for all of a connection. */
FIXTURE(tls12)
{
	struct control c;
	long records;
};

FIXTURE_VARIANT(tls12)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(tls12, aes128, TLS_1_2_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(tls12, chacha, TLS_1_2_VERSION, CHACHA20_POLY1305, AF_INET);

FIXTURE_SETUP(tls12)
{
	ASSERT_EQ(0, control_open(&self->c, variant->version, variant->cipher,
				  SLUICE_ROLE_SERVER, 0));
	self->records = parameter("key_records", LIMIT);
	ASSERT_LE(0, self->records);
}

FIXTURE_TEARDOWN(tls12)
{
	EXPECT_LE(0, parameter("key_records", self->records));
	control_close(&self->c);
}

/* All that send() took arrives, then close_notify; reading goes on. */
TEST_F(tls12, stops_at_the_limit)
{
	unsigned char byte;
	long sent = 0, n;

	while ((n = sys(send(PROGRAM, pattern((uint64_t)sent), 100, MSG_NOSIGNAL))) > 0)
		sent += n;
	EXPECT_EQ(-EKEYEXPIRED, n);
	EXPECT_LE(100 * (LIMIT - 4), sent);
	EXPECT_EQ(-EKEYEXPIRED, sys(send(PROGRAM, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EOPNOTSUPP, rekey(PROGRAM, 0));
	EXPECT_EQ(0, hear_pattern(&self->c, (size_t)sent));
	EXPECT_EQ(ALERT(WARNING, CLOSE_NOTIFY), hear_alert(&self->c));
	ASSERT_EQ(1, say(&self->c, CONTENT_DATA, "x", 1));
	EXPECT_EQ(1, recv(PROGRAM, &byte, 1, 0));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_TX_KEY_LIMITS));
}

/* A large write is cut at the limit, and says so. */
TEST_F(tls12, large_write_is_cut)
{
	pid_t child = hear_in_background(&self->c, (LIMIT - 2) * 16384);
	char *data = malloc(64 * 16384);

	ASSERT_NE(NULL, data);
	pattern_fill(data, 64 * 16384, 0);
	EXPECT_EQ((LIMIT - 2) * 16384, sys(send(PROGRAM, data, 64 * 16384, MSG_NOSIGNAL)));
	EXPECT_EQ(-EKEYEXPIRED, sys(send(PROGRAM, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(0, heard(child));
	free(data);
}

/* What was collected before the limit still goes out. */
TEST_F(tls12, collected)
{
	long sent = 0, n = 0;

	while (n >= 0) {
		n = sys(send(PROGRAM, pattern((uint64_t)sent), 10, MSG_NOSIGNAL));
		if (n < 0)
			break;
		sent += n;
		n = sys(send(PROGRAM, pattern((uint64_t)sent), 10, MSG_NOSIGNAL | MSG_MORE));
		if (n > 0)
			sent += n;
	}
	EXPECT_EQ(-EKEYEXPIRED, n);
	EXPECT_EQ(0, hear_pattern(&self->c, (size_t)sent));
	EXPECT_EQ(ALERT(WARNING, CLOSE_NOTIFY), hear_alert(&self->c));
}

/* Record sizes as negotiated: RFC 8449, or RFC 6066 4. */
FIXTURE(sizes)
{
	struct control c;
};

FIXTURE_VARIANT(sizes)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(sizes, tls12, TLS_1_2_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(sizes, tls13, TLS_1_3_VERSION, AES_GCM_128, AF_INET);

#define TX_LIMIT	1000
#define RX_LIMIT	500

FIXTURE_SETUP(sizes)
{
	struct fake_request request;
	struct control *c = &self->c;
	struct nl_msg *msg;

	ASSERT_EQ(0, control_connect(c, variant->version, variant->cipher));
	ASSERT_EQ(0, arm_client(c->wire.fd[0]));
	ASSERT_EQ(0, agent_take(&c->agent, &request));
	msg = agent_install_msg(&c->agent, request.fd, &c->own, &c->peers);
	nla_put_u16(msg, SLUICE_A_TX_LIMIT, 63);
	EXPECT_EQ(-ERANGE, agent_send(&c->agent, msg));
	msg = agent_install_msg(&c->agent, request.fd, &c->own, &c->peers);
	nla_put_u16(msg, SLUICE_A_TX_LIMIT, TX_LIMIT);
	nla_put_u16(msg, SLUICE_A_RX_LIMIT, RX_LIMIT);
	ASSERT_EQ(0, agent_send(&c->agent, msg));
	ASSERT_EQ(0, agent_done(&c->agent, request.fd, 0, NULL));
	close(request.fd);
}

FIXTURE_TEARDOWN(sizes)
{
	control_close(&self->c);
}

TEST_F(sizes, of_what_is_sent)
{
	unsigned char out[WIRE_MAX];
	int type;

	ASSERT_EQ(2500, send(PROGRAM, pattern(0), 2500, MSG_MORE));
	ASSERT_EQ(1000, send(PROGRAM, pattern(2500), 1000, 0));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(TX_LIMIT, hear(&self->c, &type, out));
	EXPECT_EQ(500, hear(&self->c, &type, out));
	EXPECT_TRUE(pattern_fits(out, 500, 3000));
}

TEST_F(sizes, of_what_is_received)
{
	unsigned char buf[RX_LIMIT + 1];
	struct sluice_info info;

	ASSERT_EQ(RX_LIMIT, say(&self->c, CONTENT_DATA, pattern(0), RX_LIMIT));
	EXPECT_EQ(RX_LIMIT, recv(PROGRAM, buf, sizeof(buf), 0));
	ASSERT_EQ(RX_LIMIT + 1, say(&self->c, CONTENT_DATA, pattern(0), RX_LIMIT + 1));
	EXPECT_EQ(-EMSGSIZE, sys(recv(PROGRAM, buf, sizeof(buf), 0)));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(RECORD_OVERFLOW, info.alert_sent);
	EXPECT_EQ(ALERT(FATAL, RECORD_OVERFLOW), hear_alert(&self->c));
}

/* The peer's limit is no reason to go beyond the program's own. */
TEST(less_than_the_peer_takes)
{
	struct fake_request request;
	struct control c;
	unsigned char out[WIRE_MAX];
	const __u16 own = 100;
	struct nl_msg *msg;
	int type;

	ASSERT_EQ(0, control_connect(&c, TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128));
	ASSERT_EQ(0, arm_client(c.wire.fd[0]));
	ASSERT_EQ(0, sys(setsockopt(c.wire.fd[0], SOL_TLS, TLS_TX_MAX_PAYLOAD_LEN, &own,
				    sizeof(own))));
	ASSERT_EQ(0, agent_take(&c.agent, &request));
	msg = agent_install_msg(&c.agent, request.fd, &c.own, &c.peers);
	nla_put_u16(msg, SLUICE_A_TX_LIMIT, TX_LIMIT);
	ASSERT_EQ(0, agent_send(&c.agent, msg));
	ASSERT_EQ(0, agent_done(&c.agent, request.fd, 0, NULL));
	close(request.fd);
	ASSERT_EQ(250, send(c.wire.fd[0], pattern(0), 250, 0));
	EXPECT_EQ(100, hear(&c, &type, out));
	EXPECT_EQ(100, hear(&c, &type, out));
	EXPECT_EQ(50, hear(&c, &type, out));
	control_close(&c);
}

/* In raw mode the keys are the program's business: counted, no more. */
TEST(raw_mode_only_counts)
{
	const struct tcp_options opt = { 0 };
	long records;
	struct tls_pair pair = { 0 };

	ASSERT_EQ(0, netns_enter());
	records = parameter("key_records", LIMIT);
	ASSERT_LE(0, records);
	EXPECT_EQ(0, pair_open(&pair, &opt, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128));
	for (int i = 0; i < 3 * LIMIT; i++)
		EXPECT_EQ(10, pair_send(&pair, 0, 10, 0));
	EXPECT_EQ(30 * LIMIT, pair_recv_all(&pair, 1, 30 * LIMIT));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_TX_KEY_LIMITS));
	pair_close(&pair);
	EXPECT_LE(0, parameter("key_records", records));
}

TEST_HARNESS_MAIN
