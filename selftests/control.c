// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel answers by itself on an open managed connection, and what a
 * program's plain read sees of it: alerts, close_notify, truncation, KeyUpdate,
 * tickets. The peer is libcrypto behind a plain TCP socket.
 */
#include "kselftest_harness.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "peer_talk.h"

static const unsigned char hello_request[] = { 0, 0, 0, 0 };

/* lifetime, age_add, nonce, ticket, extensions */
static const unsigned char ticket[] = {
	4, 0, 0, 20, 0, 0, 28, 32, 1, 2, 3, 4, 1, 0, 0, 6, 't', 'i', 'c', 'k', 'e', 't', 0, 0,
};

/* The connection broke with @errnum for the program; the peer was told @alert. */
#define EXPECT_BROKEN(c, errnum, alert) do {					\
	struct sluice_info _info;						\
	char _byte;								\
										\
	EXPECT_EQ(-(errnum), sys(recv((c)->wire.fd[0], &_byte, 1, 0)));		\
	EXPECT_EQ(-(errnum), sys(recv((c)->wire.fd[0], &_byte, 1, 0)));		\
	EXPECT_GT(0, sys(send((c)->wire.fd[0], "x", 1, MSG_NOSIGNAL)));		\
	EXPECT_EQ(0, info_get((c)->wire.fd[0], &_info));			\
	EXPECT_EQ(errnum, _info.error);						\
	if ((alert) >= 0) {							\
		EXPECT_EQ(ALERT(FATAL, alert), hear_alert(c));			\
		EXPECT_EQ(alert, _info.alert_sent);				\
	} else {								\
		EXPECT_EQ(SLUICE_ALERT_NONE, _info.alert_sent);			\
	}									\
} while (0)

FIXTURE(control)
{
	struct control c;
};

FIXTURE_VARIANT(control)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(control, tls12_aes128, TLS_1_2_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(control, tls12_chacha, TLS_1_2_VERSION, CHACHA20_POLY1305, AF_INET);
TLS_VARIANT(control, tls13_aes128, TLS_1_3_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(control, tls13_aes256, TLS_1_3_VERSION, AES_GCM_256, AF_INET);
TLS_VARIANT(control, tls13_chacha, TLS_1_3_VERSION, CHACHA20_POLY1305, AF_INET);

FIXTURE_SETUP(control)
{
	ASSERT_EQ(0, control_open(&self->c, variant->version, variant->cipher,
				  SLUICE_ROLE_CLIENT, 0));
}

FIXTURE_TEARDOWN(control)
{
	control_close(&self->c);
	EXPECT_EQ(0, netns_left());
}

#define PROGRAM (self->c.wire.fd[0])
#define PEER (self->c.wire.fd[1])

TEST_F(control, data_flows)
{
	unsigned char buf[WIRE_MAX];
	struct sluice_info info;
	int type;

	ASSERT_EQ(1000, say(&self->c, CONTENT_DATA, pattern(0), 1000));
	ASSERT_EQ(1000, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_TRUE(pattern_fits(buf, 1000, 0));
	ASSERT_EQ(700, send(PROGRAM, pattern(5), 700, 0));
	ASSERT_EQ(700, hear(&self->c, &type, buf));
	EXPECT_EQ(CONTENT_DATA, type);
	EXPECT_TRUE(pattern_fits(buf, 700, 5));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(1000, info.rx_bytes);
	EXPECT_EQ(700, info.tx_bytes);
	EXPECT_EQ(1, info.rx_records);
	EXPECT_EQ(1, info.tx_records);
}

/*
 * Ends
 */

TEST_F(control, close_notify_is_eof)
{
	struct sluice_info info;
	unsigned char buf[100];
	int type;

	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "last", 4));
	ASSERT_EQ(2, say_alert(&self->c, WARNING, CLOSE_NOTIFY));
	ASSERT_EQ(POLLIN, poll_one(PROGRAM, POLLIN, SOON) & POLLIN);
	EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_EQ(0, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_EQ(0, recv(PROGRAM, buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_EQ(POLLIN | POLLRDHUP, poll_one(PROGRAM, POLLIN | POLLRDHUP, 0));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_TRUE(info.flags & SLUICE_INFO_EOF);
	EXPECT_EQ(CLOSE_NOTIFY, info.alert_received);
	/* RFC 8446 6.1: the other way stays open. */
	ASSERT_EQ(5, send(PROGRAM, "still", 5, 0));
	ASSERT_EQ(5, hear(&self->c, &type, buf));
	/* TCP's end after it is none of a truncation. */
	ASSERT_EQ(0, shutdown(PEER, SHUT_WR));
	EXPECT_EQ(0, recv(PROGRAM, buf, sizeof(buf), 0));
}

TEST_F(control, fin_alone_is_an_error)
{
	unsigned char buf[100];

	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "last", 4));
	ASSERT_EQ(0, shutdown(PEER, SHUT_WR));
	EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_TRUE(poll_one(PROGRAM, POLLIN, SOON) & POLLIN);
	EXPECT_EQ(-ECONNABORTED, sys(recv(PROGRAM, buf, sizeof(buf), 0)));
	EXPECT_EQ(-ECONNABORTED, sys(recv(PROGRAM, buf, sizeof(buf), 0)));
	EXPECT_EQ(1, stat_get(SLUICE_STAT_RX_TRUNCATED));
}

TEST_F(control, fin_in_mid_record)
{
	unsigned char record[200], buf[100];
	size_t len = peer_seal(&self->c.wire.seal, CONTENT_DATA, "half", 4, 0, record);

	ASSERT_EQ(len - 1, write_all(PEER, record, len - 1));
	ASSERT_EQ(0, shutdown(PEER, SHUT_WR));
	EXPECT_EQ(-ECONNABORTED, sys(recv(PROGRAM, buf, sizeof(buf), 0)));
}

TEST_F(control, shutdown_says_close_notify)
{
	unsigned char buf[100];
	int type;

	ASSERT_EQ(3, send(PROGRAM, "one", 3, MSG_MORE));
	ASSERT_EQ(0, shutdown(PROGRAM, SHUT_WR));
	ASSERT_EQ(3, hear(&self->c, &type, buf));
	EXPECT_EQ(ALERT(WARNING, CLOSE_NOTIFY), hear_alert(&self->c));
	EXPECT_EQ(0, hear(&self->c, &type, buf));
	/* Once, and the other way is open. */
	ASSERT_EQ(0, shutdown(PROGRAM, SHUT_WR));
	ASSERT_EQ(3, say(&self->c, CONTENT_DATA, "two", 3));
	EXPECT_EQ(3, recv(PROGRAM, buf, sizeof(buf), 0));
}

TEST_F(control, close_says_close_notify)
{
	unsigned char buf[100];
	int type;

	ASSERT_EQ(3, send(PROGRAM, "one", 3, 0));
	close(PROGRAM);
	PROGRAM = -1;
	ASSERT_EQ(3, hear(&self->c, &type, buf));
	EXPECT_EQ(ALERT(WARNING, CLOSE_NOTIFY), hear_alert(&self->c));
	EXPECT_EQ(0, hear(&self->c, &type, buf));
}

/* Unread control records must not make TCP reset what is in flight. */
TEST_F(control, close_after_an_unread_close_notify)
{
	unsigned char buf[WIRE_MAX];
	int type;

	ASSERT_EQ(10000, send(PROGRAM, pattern(0), 10000, 0));
	ASSERT_EQ(2, say_alert(&self->c, WARNING, CLOSE_NOTIFY));
	ASSERT_TRUE(poll_one(PROGRAM, POLLRDHUP, NEVER) >= 0);
	close(PROGRAM);
	PROGRAM = -1;
	ASSERT_EQ(10000, hear(&self->c, &type, buf));
	EXPECT_EQ(ALERT(WARNING, CLOSE_NOTIFY), hear_alert(&self->c));
	EXPECT_EQ(0, hear(&self->c, &type, buf));
}

/* What follows it is nothing (RFC 8446 6.1), to close() as well. */
TEST_F(control, close_before_what_follows_close_notify)
{
	unsigned char record[200], buf[WIRE_MAX];
	size_t len;
	int type;

	ASSERT_EQ(4, send(PROGRAM, "last", 4, 0));
	ASSERT_EQ(2, say_alert(&self->c, WARNING, CLOSE_NOTIFY));
	EXPECT_EQ(0, recv(PROGRAM, buf, sizeof(buf), 0));
	len = peer_seal(&self->c.wire.seal, CONTENT_DATA, "data", 4, 0, record);
	record[len - 1] ^= 1;
	ASSERT_EQ(len, write_all(PEER, record, len));
	ASSERT_EQ(POLLIN, poll_one(PROGRAM, POLLIN, SOON) & POLLIN);
	close(PROGRAM);
	PROGRAM = -1;
	ASSERT_EQ(4, hear(&self->c, &type, buf));
	EXPECT_EQ(ALERT(WARNING, CLOSE_NOTIFY), hear_alert(&self->c));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_RX_BAD_TAG));
}

/*
 * Alerts
 */

TEST_F(control, fatal_alert_is_an_error)
{
	static const struct { unsigned char desc; int error; } alerts[] = {
		{ CERTIFICATE_EXPIRED, EKEYREJECTED },
		{ UNEXPECTED_MESSAGE, EPROTO },
		{ INTERNAL_ERROR, ECONNRESET },
	};
	struct sluice_info info;

	for (size_t i = 0; i < ARRAY_SIZE(alerts); i++) {
		unsigned char buf[100];

		if (i) {
			control_close(&self->c);
			ASSERT_EQ(0, control_open(&self->c, variant->version, variant->cipher,
						  SLUICE_ROLE_CLIENT, 0));
		}
		ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
		ASSERT_EQ(2, say_alert(&self->c, FATAL, alerts[i].desc));
		/* What came before it is still data. */
		EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
		EXPECT_BROKEN(&self->c, alerts[i].error, -1);
		ASSERT_EQ(0, info_get(PROGRAM, &info));
		EXPECT_EQ(alerts[i].desc, info.alert_received);
	}
}

TEST_F(control, harmless_alerts_pass)
{
	unsigned char buf[100];

	ASSERT_EQ(2, say_alert(&self->c, WARNING, USER_CANCELED));
	EXPECT_EQ(0, poll_one(PROGRAM, POLLIN, NEVER));
	EXPECT_EQ(-EAGAIN, sys(recv(PROGRAM, buf, sizeof(buf), MSG_DONTWAIT)));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
}

TEST_F(control, malformed_alerts)
{
	ASSERT_EQ(3, say(&self->c, CONTENT_ALERT, "\1\0\0", 3));
	EXPECT_BROKEN(&self->c, EPROTO, DECODE_ERROR);
}

TEST_F(control, tampered_record)
{
	unsigned char record[200];
	size_t len = peer_seal(&self->c.wire.seal, CONTENT_DATA, "data", 4, 0, record);
	struct sluice_info info;

	record[len - 1] ^= 1;
	ASSERT_EQ(len, write_all(PEER, record, len));
	EXPECT_BROKEN(&self->c, EBADMSG, BAD_RECORD_MAC);
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(0, info.rx_bytes);
	EXPECT_EQ(1, stat_get(SLUICE_STAT_RX_BAD_TAG));
}

TEST_F(control, unknown_type)
{
	ASSERT_EQ(4, say(&self->c, 99, "what", 4));
	EXPECT_BROKEN(&self->c, EPROTO, UNEXPECTED_MESSAGE);
}

TEST_F(control, unknown_message)
{
	ASSERT_EQ(4, say(&self->c, CONTENT_HANDSHAKE, "\143\0\0\0", 4));
	EXPECT_BROKEN(&self->c, EPROTO, UNEXPECTED_MESSAGE);
}

/*
 * TLS 1.3 after the handshake
 */

FIXTURE(tls13)
{
	struct control c;
};

FIXTURE_VARIANT(tls13)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANT(tls13, aes128, TLS_1_3_VERSION, AES_GCM_128, AF_INET);
TLS_VARIANT(tls13, aes256, TLS_1_3_VERSION, AES_GCM_256, AF_INET);
TLS_VARIANT(tls13, chacha, TLS_1_3_VERSION, CHACHA20_POLY1305, AF_INET);

FIXTURE_SETUP(tls13)
{
	ASSERT_EQ(0, control_open(&self->c, variant->version, variant->cipher,
				  SLUICE_ROLE_CLIENT, 0));
}

FIXTURE_TEARDOWN(tls13)
{
	control_close(&self->c);
	EXPECT_EQ(0, netns_left());
}

TEST_F(tls13, key_updates)
{
	struct sluice_info info;
	unsigned char buf[WIRE_MAX];
	int type;

	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(500, say(&self->c, CONTENT_DATA, pattern(i), 500));
		ASSERT_EQ(5, say_key_update(&self->c, key_update));
		ASSERT_EQ(500, say(&self->c, CONTENT_DATA, pattern(i + 500), 500));
		ASSERT_EQ(1000, recv(PROGRAM, buf, 1000, MSG_WAITALL));
		ASSERT_TRUE(pattern_fits(buf, 1000, i));
	}
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(20, info.rx_keyupdates);
	EXPECT_EQ(0, info.tx_keyupdates);
	EXPECT_EQ(20000, info.rx_bytes);
	EXPECT_EQ(60, info.rx_records);
	EXPECT_EQ(20, stat_get(SLUICE_STAT_RX_KEYUPDATES));
	/* No answer was asked for. */
	ASSERT_EQ(3, send(PROGRAM, "own", 3, 0));
	EXPECT_EQ(3, hear(&self->c, &type, buf));
	EXPECT_EQ(CONTENT_DATA, type);
}

/* RFC 8446 4.6.3: the answer precedes our next data, and however often it was
 * asked for, it is one.
 */
TEST_F(tls13, key_update_is_answered)
{
	unsigned char buf[WIRE_MAX];
	struct sluice_info info;
	int type;

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(5, say_key_update(&self->c, key_update_requested));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	ASSERT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
	ASSERT_EQ(6, send(PROGRAM, "answer", 6, 0));
	ASSERT_EQ(5, hear(&self->c, &type, buf));
	EXPECT_EQ(CONTENT_HANDSHAKE, type);
	EXPECT_EQ(0, memcmp(buf, key_update, 5));
	expect_own_next(&self->c);
	ASSERT_EQ(6, hear(&self->c, &type, buf));
	EXPECT_EQ(CONTENT_DATA, type);
	EXPECT_EQ(0, memcmp(buf, "answer", 6));
	ASSERT_EQ(4, send(PROGRAM, "more", 4, 0));
	ASSERT_EQ(4, hear(&self->c, &type, buf));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(3, info.rx_keyupdates);
	EXPECT_EQ(1, info.tx_keyupdates);
}

TEST_F(tls13, key_update_in_parts)
{
	unsigned char buf[100];

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(1, say(&self->c, CONTENT_HANDSHAKE, key_update + i, 1));
	ASSERT_EQ(1, say(&self->c, CONTENT_HANDSHAKE, key_update + 4, 1));
	agent_keys_next(&self->c.peers);
	peer_init(&self->c.wire.seal, &self->c.peers.keys);
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
}

/* Seen by a poll alone, it must not say that there is data. */
TEST_F(tls13, key_update_is_not_data)
{
	unsigned char buf[100];
	int n = -1;

	ASSERT_EQ(5, say_key_update(&self->c, key_update));
	EXPECT_EQ(0, poll_one(PROGRAM, POLLIN, NEVER));
	ASSERT_EQ(0, ioctl(PROGRAM, FIONREAD, &n));
	EXPECT_EQ(0, n);
	EXPECT_EQ(-EAGAIN, sys(recv(PROGRAM, buf, sizeof(buf), MSG_DONTWAIT)));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	EXPECT_EQ(POLLIN, poll_one(PROGRAM, POLLIN, SOON));
	EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), MSG_DONTWAIT));
}

TEST_F(tls13, key_update_not_last_in_its_record)
{
	unsigned char both[2 * sizeof(key_update)];

	memcpy(both, key_update, sizeof(key_update));
	memcpy(both + sizeof(key_update), key_update, sizeof(key_update));
	ASSERT_EQ(10, say(&self->c, CONTENT_HANDSHAKE, both, sizeof(both)));
	EXPECT_BROKEN(&self->c, EPROTO, UNEXPECTED_MESSAGE);
}

TEST_F(tls13, key_update_with_another_value)
{
	static const unsigned char odd[] = { 24, 0, 0, 1, 2 };

	ASSERT_EQ(5, say(&self->c, CONTENT_HANDSHAKE, odd, sizeof(odd)));
	EXPECT_BROKEN(&self->c, EPROTO, ILLEGAL_PARAMETER);
}

/* Data under the old keys after a KeyUpdate is not the peer's. */
TEST_F(tls13, old_keys_are_dead)
{
	ASSERT_EQ(5, say(&self->c, CONTENT_HANDSHAKE, key_update, sizeof(key_update)));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	EXPECT_BROKEN(&self->c, EBADMSG, BAD_RECORD_MAC);
}

/* RFC 8446 5.1: a handshake message is not interleaved with other records. */
TEST_F(tls13, data_inside_a_message)
{
	ASSERT_EQ(3, say(&self->c, CONTENT_HANDSHAKE, key_update, 3));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	EXPECT_BROKEN(&self->c, EPROTO, UNEXPECTED_MESSAGE);
}

TEST_F(tls13, tickets_are_not_data)
{
	unsigned char buf[100], two[2 * sizeof(ticket)];
	struct sluice_info info;

	memcpy(two, ticket, sizeof(ticket));
	memcpy(two + sizeof(ticket), ticket, sizeof(ticket));
	ASSERT_EQ(sizeof(two), say(&self->c, CONTENT_HANDSHAKE, two, sizeof(two)));
	EXPECT_EQ(0, poll_one(PROGRAM, POLLIN, NEVER));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	ASSERT_EQ(sizeof(ticket), say(&self->c, CONTENT_HANDSHAKE, ticket, sizeof(ticket)));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "more", 4));
	EXPECT_EQ(8, recv(PROGRAM, buf, 8, MSG_WAITALL));
	EXPECT_EQ(0, memcmp(buf, "datamore", 8));
	EXPECT_EQ(3, stat_get(SLUICE_STAT_RX_TICKETS));
	ASSERT_EQ(0, info_get(PROGRAM, &info));
	EXPECT_EQ(8, info.rx_bytes);
	EXPECT_EQ(4, info.rx_records);
}

/* A peer that never comes to data. */
TEST_F(tls13, endless_key_updates)
{
	char byte;
	int i;

	for (i = 0; i < 1000; i++) {
		if (say_key_update(&self->c, key_update) < 0)
			break;
		if (sys(recv(PROGRAM, &byte, 1, MSG_DONTWAIT)) != -EAGAIN)
			break;
	}
	EXPECT_GT(1000, i);
	EXPECT_EQ(-EPROTO, sys(recv(PROGRAM, &byte, 1, 0)));
}

/*
 * Roles and flags
 */

FIXTURE(roles)
{
	struct control c;
};

FIXTURE_SETUP(roles)
{
}

FIXTURE_TEARDOWN(roles)
{
	control_close(&self->c);
	EXPECT_EQ(0, netns_left());
}

TEST_F(roles, server_takes_no_ticket)
{
	ASSERT_EQ(0, control_open(&self->c, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_SERVER, 0));
	ASSERT_EQ(sizeof(ticket), say(&self->c, CONTENT_HANDSHAKE, ticket, sizeof(ticket)));
	EXPECT_BROKEN(&self->c, EPROTO, UNEXPECTED_MESSAGE);
}

TEST_F(roles, server_answers_key_updates)
{
	unsigned char buf[100];
	int type;

	ASSERT_EQ(0, control_open(&self->c, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_SERVER, 0));
	ASSERT_EQ(5, say_key_update(&self->c, key_update_requested));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	ASSERT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
	ASSERT_EQ(2, send(PROGRAM, "ok", 2, 0));
	ASSERT_EQ(5, hear(&self->c, &type, buf));
	expect_own_next(&self->c);
	ASSERT_EQ(2, hear(&self->c, &type, buf));
}

/* RFC 5246 7.4.1.1: declined with a warning, once, and the connection goes on. */
TEST_F(roles, client_does_not_renegotiate)
{
	unsigned char buf[100];
	int type;

	ASSERT_EQ(0, control_open(&self->c, TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_CLIENT, 0));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(4, say(&self->c, CONTENT_HANDSHAKE, hello_request, 4));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "data", 4));
	ASSERT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_EQ(ALERT(WARNING, NO_RENEGOTIATION), hear_alert(&self->c));
	ASSERT_EQ(2, send(PROGRAM, "ok", 2, 0));
	ASSERT_EQ(2, hear(&self->c, &type, buf));
	EXPECT_EQ(CONTENT_DATA, type);
}

/* One that asks again and again, lets the program have data in between, and never reads. */
TEST_F(roles, refusals_fill_no_memory)
{
	const struct tcp_options narrow = { .sndbuf = 4096, .rcvbuf = 4096 };
	struct control *c = &self->c;
	char byte;
	int left;

	ASSERT_EQ(0, control_prepare(c, TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128));
	peer_init(&c->wire.open, &c->own.keys);
	peer_init(&c->wire.seal, &c->peers.keys);
	ASSERT_EQ(0, tcp_pair(&narrow, c->wire.fd));
	ASSERT_EQ(0, arm_client(PROGRAM));
	ASSERT_EQ(0, agent_serve(&c->agent, &c->own, &c->peers));
	for (int i = 0; i < 3000; i++) {
		ASSERT_EQ(4, say(c, CONTENT_HANDSHAKE, hello_request, 4));
		ASSERT_EQ(1, say(c, CONTENT_DATA, "d", 1));
		ASSERT_EQ(1, recv(PROGRAM, &byte, 1, 0));
	}
	ASSERT_EQ(0, ioctl(PROGRAM, SIOCOUTQ, &left));
	EXPECT_GT(16384, left);
	EXPECT_EQ(ALERT(WARNING, NO_RENEGOTIATION), hear_alert(c));
}

TEST_F(roles, truncation_allowed)
{
	unsigned char buf[100];

	ASSERT_EQ(0, control_open(&self->c, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_CLIENT, SLUICE_F_ALLOW_TRUNCATION));
	ASSERT_EQ(4, say(&self->c, CONTENT_DATA, "last", 4));
	ASSERT_EQ(0, shutdown(PEER, SHUT_WR));
	EXPECT_EQ(4, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_EQ(0, recv(PROGRAM, buf, sizeof(buf), 0));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_RX_TRUNCATED));
}

/* Between records only: half a record is an attack or an accident. */
TEST_F(roles, truncation_in_mid_record)
{
	unsigned char record[200], buf[100];
	size_t len;

	ASSERT_EQ(0, control_open(&self->c, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_CLIENT, SLUICE_F_ALLOW_TRUNCATION));
	len = peer_seal(&self->c.wire.seal, CONTENT_DATA, "half", 4, 0, record);
	ASSERT_EQ(len - 1, write_all(PEER, record, len - 1));
	ASSERT_EQ(0, shutdown(PEER, SHUT_WR));
	EXPECT_EQ(-ECONNABORTED, sys(recv(PROGRAM, buf, sizeof(buf), 0)));
}

TEST_HARNESS_MAIN
