// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers that break the protocol on an open connection: each thing they may say, in
 * each state of it, ends that connection with its errno and its alert, and nothing
 * else: the one beside it goes on, and nothing is left behind.
 */
#include "kselftest_harness.h"

#include "peer_talk.h"

enum {
	V12 = 1,
	V13 = 2,
	EACH_VERSION = V12 | V13,
};

/* The module's role. */
enum {
	CLIENT = 1,
	SERVER = 2,
	EACH_ROLE = CLIENT | SERVER,
};

/* Not sealed: bytes as they are. */
#define RAW	(-1)

/**
 * struct foul - a thing that no peer may say
 * @name:	for the log
 * @versions:	in which TLS
 * @roles:	to whom
 * @type:	content type of a record, or RAW
 * @bytes:	content; NULL: anything
 * @len:	its length
 * @error:	what it is for the program
 * @alert:	what the peer is told
 */
struct foul {
	const char *name;
	int versions;
	int roles;
	int type;
	const char *bytes;
	size_t len;
	int error;
	int alert;
};

#define BYTES(s)	s, sizeof(s) - 1

static const struct foul fouls[] = {
	/* RFC 8446 5: no such content, or not any more. */
	{ "content type 0", V12, EACH_ROLE, 0, BYTES("what"), EPROTO, UNEXPECTED_MESSAGE },
	{ "change_cipher_spec", EACH_VERSION, EACH_ROLE, 20, BYTES("\1"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "an empty change_cipher_spec", EACH_VERSION, EACH_ROLE, 20, "", 0,
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "heartbeat", EACH_VERSION, EACH_ROLE, 24, BYTES("\1\377\377"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "content type 26", EACH_VERSION, EACH_ROLE, 26, BYTES("ack"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "content type 255", EACH_VERSION, EACH_ROLE, 255, NULL, RECORD_MAX,
	  EPROTO, UNEXPECTED_MESSAGE },
	/* 5.4: nothing but padding. */
	{ "no content type at all", V13, EACH_ROLE, 0, "", 0, EPROTO, UNEXPECTED_MESSAGE },
	{ "padding to the end", V13, EACH_ROLE, 0, BYTES("\0\0\0\0\0\0\0\0"),
	  EPROTO, UNEXPECTED_MESSAGE },

	/* 5.1, 6: alerts of odd lengths and levels. */
	{ "an empty alert", EACH_VERSION, EACH_ROLE, 21, "", 0, EPROTO, UNEXPECTED_MESSAGE },
	{ "half an alert", EACH_VERSION, EACH_ROLE, 21, BYTES("\1"), EPROTO, DECODE_ERROR },
	{ "an alert and a half", EACH_VERSION, EACH_ROLE, 21, BYTES("\1\0\1"),
	  EPROTO, DECODE_ERROR },
	{ "two alerts in a record", EACH_VERSION, EACH_ROLE, 21, BYTES("\1\0\1\0"),
	  EPROTO, DECODE_ERROR },
	{ "an alert of 16 KiB", EACH_VERSION, EACH_ROLE, 21, NULL, RECORD_MAX,
	  EPROTO, DECODE_ERROR },
	{ "an alert of level 0", EACH_VERSION, EACH_ROLE, 21, BYTES("\0\0"),
	  EPROTO, ILLEGAL_PARAMETER },
	{ "an alert of level 3", EACH_VERSION, EACH_ROLE, 21, BYTES("\3\0"),
	  EPROTO, ILLEGAL_PARAMETER },

	/* 5.1, 4: messages that are none, or too long, or too short. */
	{ "an empty handshake record", EACH_VERSION, EACH_ROLE, 22, "", 0,
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a KeyUpdate without body", V13, EACH_ROLE, 22, BYTES("\30\0\0\0"),
	  EPROTO, DECODE_ERROR },
	{ "a KeyUpdate of two bytes", V13, EACH_ROLE, 22, BYTES("\30\0\0\2\0\0"),
	  EPROTO, DECODE_ERROR },
	{ "a KeyUpdate of 16 MiB", V13, EACH_ROLE, 22, BYTES("\30\377\377\377\0"),
	  EPROTO, DECODE_ERROR },
	{ "a KeyUpdate that asks for 2", V13, EACH_ROLE, 22, BYTES("\30\0\0\1\2"),
	  EPROTO, ILLEGAL_PARAMETER },
	{ "a KeyUpdate that asks for 255", V13, EACH_ROLE, 22, BYTES("\30\0\0\1\377"),
	  EPROTO, ILLEGAL_PARAMETER },
	{ "a KeyUpdate with half a message behind it", V13, EACH_ROLE, 22,
	  BYTES("\30\0\0\1\0\30"), EPROTO, UNEXPECTED_MESSAGE },
	{ "a KeyUpdate in TLS 1.2", V12, EACH_ROLE, 22, BYTES("\30\0\0\1\0"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a ticket too short for one", V13, CLIENT, 22, BYTES("\4\0\0\15"),
	  EPROTO, DECODE_ERROR },
	{ "a ticket of 16 MiB", V13, CLIENT, 22, BYTES("\4\377\377\377"),
	  EPROTO, DECODE_ERROR },
	{ "a ticket for a server", V13, SERVER, 22, BYTES("\4\0\0\24"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a ticket in TLS 1.2", V12, EACH_ROLE, 22, BYTES("\4\0\0\24"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a HelloRequest with a body", V12, CLIENT, 22, BYTES("\0\0\0\1\0"),
	  EPROTO, DECODE_ERROR },
	{ "a HelloRequest for a server", V12, SERVER, 22, BYTES("\0\0\0\0"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a ClientHello too short for one", V12, SERVER, 22, BYTES("\1\0\0\50"),
	  EPROTO, DECODE_ERROR },
	{ "a ClientHello of 16 MiB", V12, SERVER, 22, BYTES("\1\377\377\377"),
	  EPROTO, DECODE_ERROR },
	{ "a ClientHello for a client", V12, CLIENT, 22, BYTES("\1\0\0\100"),
	  EPROTO, UNEXPECTED_MESSAGE },

	/* 5.2: what is not sealed. */
	{ "a plain alert", V13, EACH_ROLE, RAW, BYTES("\25\3\3\0\2\2\50"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a plain alert in TLS 1.2", V12, EACH_ROLE, RAW, BYTES("\25\3\3\0\2\2\50"),
	  EBADMSG, BAD_RECORD_MAC },
	{ "a plain change_cipher_spec", V13, EACH_ROLE, RAW, BYTES("\24\3\3\0\1\1"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a plain handshake message", V13, EACH_ROLE, RAW, BYTES("\26\3\3\0\5\30\0\0\1\0"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "a record without room for a tag", EACH_VERSION, EACH_ROLE, RAW,
	  BYTES("\27\3\3\0\1\0"), EBADMSG, BAD_RECORD_MAC },
	{ "an empty record", EACH_VERSION, EACH_ROLE, RAW, BYTES("\27\3\3\0\0"),
	  EBADMSG, BAD_RECORD_MAC },
	{ "a record of another version", EACH_VERSION, EACH_ROLE, RAW,
	  BYTES("\27\3\5\0\50"), EPROTO, DECODE_ERROR },
	{ "HTTP", V13, EACH_ROLE, RAW, BYTES("GET / HTTP/1.0\r\n\r\n"),
	  EPROTO, UNEXPECTED_MESSAGE },
	{ "HTTP in TLS 1.2", V12, EACH_ROLE, RAW, BYTES("GET / HTTP/1.0\r\n\r\n"),
	  EPROTO, DECODE_ERROR },
	{ "a header of 64 KiB", EACH_VERSION, EACH_ROLE, RAW, BYTES("\27\3\3\377\377"),
	  EMSGSIZE, RECORD_OVERFLOW },
	{ "one byte too many", EACH_VERSION, EACH_ROLE, 23, NULL, RECORD_MAX + 1,
	  EMSGSIZE, RECORD_OVERFLOW },
};

/*
 * The rig
 */

FIXTURE(hostile)
{
	struct fake_agent agent;
	struct control c;
	struct control beside;
};

FIXTURE_VARIANT(hostile)
{
	__u16 version;
	__u16 cipher;
	int role;
};

#define VARIANT(name, v, c, r)							\
FIXTURE_VARIANT_ADD(hostile, name)						\
{										\
	.version = v, .cipher = TLS_CIPHER_##c, .role = SLUICE_ROLE_##r,	\
}

VARIANT(tls12_client, TLS_1_2_VERSION, AES_GCM_128, CLIENT);
VARIANT(tls12_server, TLS_1_2_VERSION, CHACHA20_POLY1305, SERVER);
VARIANT(tls13_client, TLS_1_3_VERSION, AES_GCM_256, CLIENT);
VARIANT(tls13_server, TLS_1_3_VERSION, AES_GCM_128, SERVER);

#define PROGRAM(c) ((c)->wire.fd[0])
#define PEER(c) ((c)->wire.fd[1])

/* A connection with keys of its own. */
static long begin(struct control *c, struct fake_agent *agent, __u16 version, __u16 cipher,
		  int role)
{
	agent_keys_make(&c->own, version, cipher, 5, 1);
	agent_keys_make(&c->peers, version, cipher, 6, 1);
	return wire_managed(&c->wire, agent, role, 0, &c->own, &c->peers);
}

static void end(struct control *c)
{
	for (int i = 0; i < 2; i++) {
		close(c->wire.fd[i]);
		c->wire.fd[i] = -1;
	}
}

/* Some bytes there and back. */
static bool talks(struct control *c)
{
	unsigned char buf[WIRE_MAX];
	int type;

	return say(c, CONTENT_DATA, pattern(3), 300) == 300 &&
	       recv(PROGRAM(c), buf, 300, MSG_WAITALL) == 300 && pattern_fits(buf, 300, 3) &&
	       send(PROGRAM(c), pattern(7), 200, MSG_NOSIGNAL) == 200 &&
	       hear(c, &type, buf) == 200 && type == CONTENT_DATA && pattern_fits(buf, 200, 7);
}

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, agent_open(&self->agent));
	ASSERT_EQ(0, begin(&self->beside, &self->agent, variant->version, variant->cipher,
			   variant->role));
}

FIXTURE_TEARDOWN(hostile)
{
	end(&self->beside);
	EXPECT_EQ(0, stat_get(SLUICE_STAT_SOCKETS));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_TX_CURRENT));
	EXPECT_EQ(0, stat_get(SLUICE_STAT_RX_CURRENT));
	agent_close(&self->agent);
}

static bool concerns(const struct foul *f, __u16 version, int role)
{
	return f->versions & (version == TLS_1_3_VERSION ? V13 : V12) &&
	       f->roles & (role == SLUICE_ROLE_CLIENT ? CLIENT : SERVER);
}

static bool commit(struct control *c, const struct foul *f)
{
	unsigned char record[WIRE_MAX];
	const void *bytes = f->bytes ? f->bytes : (const void *)pattern(0);
	size_t len = f->len;

	if (f->type != RAW) {
		len = peer_seal(&c->wire.seal, (unsigned char)f->type, bytes, len, 0, record);
		bytes = record;
	}
	return write_all(PEER(c), bytes, len) == (long)len;
}

/* Programs look in different ways. */
static long look(int fd, unsigned int way)
{
	static unsigned char buf[100000];

	if (way % 3 == 1 && !(poll_one(fd, POLLIN, SOON) & (POLLIN | POLLERR)))
		return -ETIMEDOUT;
	return sys(recv(fd, buf, way % 3 == 2 ? sizeof(buf) : 1, 0));
}

/* What has become of @c. @alert: the peer's to hear; -1: we had said goodbye before. */
static const char *fault(struct control *c, const struct foul *f, int alert, unsigned int way)
{
	struct sluice_info info;

	if (look(PROGRAM(c), way) != -f->error || look(PROGRAM(c), way + 1) != -f->error)
		return "errno of a read";
	if (sys(send(PROGRAM(c), "x", 1, MSG_NOSIGNAL)) != -EPIPE)
		return "errno of a write";
	if (!(poll_one(PROGRAM(c), POLLIN, 0) & POLLIN))
		return "poll";
	if (alert >= 0 && hear_alert(c) != ALERT(FATAL, alert))
		return "the alert on the wire";
	if (info_get(PROGRAM(c), &info) || info.error != (__u32)f->error)
		return "SLUICE_INFO: error";
	if (info.alert_sent != (alert >= 0 ? alert : CLOSE_NOTIFY))
		return "SLUICE_INFO: alert_sent";
	return NULL;
}

/* Each is one bad record or tag, and one alert; nobody else's. */
static const char *miscounted(const struct sluice_nl_state *before, int alerts)
{
	struct sluice_nl_state now;

	if (netns_state(&now))
		return "no counters";
	if (now.stats[SLUICE_STAT_RX_BAD_RECORD] + now.stats[SLUICE_STAT_RX_BAD_TAG] !=
	    before->stats[SLUICE_STAT_RX_BAD_RECORD] + before->stats[SLUICE_STAT_RX_BAD_TAG] + 1)
		return "bad records";
	if (now.stats[SLUICE_STAT_TX_ALERTS] !=
	    before->stats[SLUICE_STAT_TX_ALERTS] + (uint64_t)alerts)
		return "alerts";
	return now.stats[SLUICE_STAT_SOCKETS] == before->stats[SLUICE_STAT_SOCKETS] ? NULL :
										     "sockets";
}

/*
 * The states
 */

static bool fresh(struct control *c)
{
	return c;
}

static bool rekeyed(struct control *c)
{
	return talks(c) && say_key_update(c, key_update) == sizeof(key_update) && talks(c);
}

/* Half a message that may come is here: RFC 8446 5.1, nothing else may follow. */
static bool midway(struct control *c)
{
	static const unsigned char client[] = { 0, 0, 0 };
	static const unsigned char server[] = { 1, 0, 0, 60, 3, 3 };
	struct sluice_info info;

	if (info_get(PROGRAM(c), &info))
		return false;
	if (info.version == TLS_1_3_VERSION)
		return say(c, CONTENT_HANDSHAKE, key_update, 4) == 4;
	return info.role == SLUICE_ROLE_CLIENT ?
	       say(c, CONTENT_HANDSHAKE, client, sizeof(client)) > 0 :
	       say(c, CONTENT_HANDSHAKE, server, sizeof(server)) > 0;
}

static bool half_closed(struct control *c)
{
	return talks(c) && !shutdown(PROGRAM(c), SHUT_WR) &&
	       hear_alert(c) == ALERT(WARNING, CLOSE_NOTIFY);
}

static const struct state {
	const char *name;
	int versions;
	bool (*enter)(struct control *c);
	bool bye;	/* our side is closed: no alert can follow */
	bool inside;	/* a handshake message is half through: it would go on */
} states[] = {
	{ .name = "after the handshake", .versions = EACH_VERSION, .enter = fresh },
	{ .name = "after data", .versions = EACH_VERSION, .enter = talks },
	{ .name = "after a KeyUpdate", .versions = V13, .enter = rekeyed },
	{ .name = "in mid-message", .versions = EACH_VERSION, .enter = midway, .inside = true },
	{ .name = "half-closed", .versions = EACH_VERSION, .enter = half_closed, .bye = true },
};

static const char *try_foul(struct control *c, const struct foul *f, const struct state *s,
			    unsigned int way)
{
	struct sluice_nl_state before;
	const char *why;

	if (!s->enter(c) || netns_state(&before))
		return "the way there";
	if (!commit(c, f))
		return "the peer could not send";
	why = fault(c, f, s->bye ? -1 : f->alert, way);
	return why ? why : miscounted(&before, !s->bye);
}

TEST_F(hostile, each_foul_in_each_state)
{
	unsigned int tried = 0;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct state *s = &states[i];

		if (!(s->versions & (variant->version == TLS_1_3_VERSION ? V13 : V12)))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(fouls); j++) {
			const struct foul *f = &fouls[j];
			const char *why;

			if (!concerns(f, variant->version, variant->role) ||
			    (s->inside && f->type == CONTENT_HANDSHAKE && f->len))
				continue;
			ASSERT_EQ(0, begin(&self->c, &self->agent, variant->version,
					   variant->cipher, variant->role));
			why = try_foul(&self->c, f, s, tried++);
			EXPECT_EQ(NULL, why) {
				TH_LOG("%s, %s: %s", f->name, s->name, why);
			}
			end(&self->c);
			EXPECT_TRUE(talks(&self->beside));
		}
	}
	EXPECT_LT(80, tried);
}

/* RFC 8446 4, RFC 5246 7.4: of all messages, those that belong into the handshake. */
TEST_F(hostile, each_message_of_the_handshake)
{
	bool tls13 = variant->version == TLS_1_3_VERSION;
	bool server = variant->role == SLUICE_ROLE_SERVER;

	for (unsigned int type = 0; type < 256; type++) {
		unsigned char message[4 + 64] = { (unsigned char)type, 0, 0, 64 };
		struct foul f = {
			.type = CONTENT_HANDSHAKE, .bytes = (char *)message,
			.len = sizeof(message), .error = EPROTO, .alert = UNEXPECTED_MESSAGE,
		};
		const char *why;

		/* Those that may come. */
		if (tls13 ? type == 24 || (type == 4 && !server) : type == (server ? 1 : 0))
			continue;
		ASSERT_EQ(0, begin(&self->c, &self->agent, variant->version, variant->cipher,
				   variant->role));
		why = try_foul(&self->c, &f, &states[0], type);
		EXPECT_EQ(NULL, why) {
			TH_LOG("handshake message %u: %s", type, why);
		}
		end(&self->c);
	}
	EXPECT_TRUE(talks(&self->beside));
}

/* Records in the middle of a handshake message (RFC 8446 5.1), wherever it is cut. */
TEST_F(hostile, interleaved)
{
	static const struct foul between[] = {
		{ .type = CONTENT_DATA, BYTES("data"), EPROTO, UNEXPECTED_MESSAGE },
		{ .type = CONTENT_DATA, "", 0, EPROTO, UNEXPECTED_MESSAGE },
		{ .type = CONTENT_ALERT, BYTES("\1\0"), EPROTO, UNEXPECTED_MESSAGE },
		{ .type = CONTENT_ALERT, BYTES("\1\132"), EPROTO, UNEXPECTED_MESSAGE },
	};
	unsigned char hello[100] = { 1, 0, 0, 96, 3, 3 };
	bool tls13 = variant->version == TLS_1_3_VERSION;
	const unsigned char *message = tls13 ? key_update : hello;
	size_t len = tls13 ? sizeof(key_update) : sizeof(hello);

	if (!tls13 && variant->role == SLUICE_ROLE_CLIENT)
		len = 4, hello[0] = hello[3] = 0;
	for (size_t cut = 1; cut < len; cut += cut < 8 ? 1 : 29) {
		for (size_t i = 0; i < ARRAY_SIZE(between); i++) {
			const char *why;

			ASSERT_EQ(0, begin(&self->c, &self->agent, variant->version,
					   variant->cipher, variant->role));
			ASSERT_EQ(cut, say(&self->c, CONTENT_HANDSHAKE, message, cut));
			why = try_foul(&self->c, &between[i], &states[0], (unsigned int)i);
			EXPECT_EQ(NULL, why) {
				TH_LOG("record %zu behind %zu bytes: %s", i, cut, why);
			}
			end(&self->c);
		}
	}
	EXPECT_TRUE(talks(&self->beside));
}

/* What comes behind close_notify is none of ours (RFC 8446 6.1). */
TEST_F(hostile, behind_close_notify)
{
	struct sluice_info info;
	char byte;

	for (size_t i = 0; i < ARRAY_SIZE(fouls); i++) {
		if (!concerns(&fouls[i], variant->version, variant->role))
			continue;
		ASSERT_EQ(0, begin(&self->c, &self->agent, variant->version, variant->cipher,
				   variant->role));
		ASSERT_EQ(2, say_alert(&self->c, WARNING, CLOSE_NOTIFY));
		ASSERT_TRUE(commit(&self->c, &fouls[i]));
		EXPECT_EQ(0, recv(PROGRAM(&self->c), &byte, 1, 0)) {
			TH_LOG("%s: %s", fouls[i].name, strerror(errno));
		}
		ASSERT_EQ(0, info_get(PROGRAM(&self->c), &info));
		EXPECT_EQ(0, info.error);
		EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_sent);
		end(&self->c);
	}
	EXPECT_TRUE(talks(&self->beside));
}

/* Each alert there is, and those there are not: an errno for each, the description in
 * SLUICE_INFO, and nothing is answered.
 */
TEST_F(hostile, each_fatal_alert)
{
	bool tls13 = variant->version == TLS_1_3_VERSION;

	for (unsigned int desc = 1; desc < 256; desc++) {
		struct sluice_info info;
		unsigned char buf[WIRE_MAX];
		long error;

		if (tls13 && desc == USER_CANCELED)
			continue;
		ASSERT_EQ(0, begin(&self->c, &self->agent, variant->version, variant->cipher,
				   variant->role));
		ASSERT_EQ(2, say_alert(&self->c, FATAL, (unsigned char)desc));
		error = look(PROGRAM(&self->c), desc);
		EXPECT_TRUE(error == -EPROTO || error == -EKEYREJECTED || error == -EACCES ||
			    error == -ECONNRESET) {
			TH_LOG("alert %u: %ld", desc, error);
		}
		EXPECT_EQ(error, look(PROGRAM(&self->c), desc + 1));
		EXPECT_EQ(-EPIPE, sys(send(PROGRAM(&self->c), "x", 1, MSG_NOSIGNAL)));
		ASSERT_EQ(0, info_get(PROGRAM(&self->c), &info));
		EXPECT_EQ(-error, info.error);
		EXPECT_EQ(desc, info.alert_received);
		EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_sent);
		close(PROGRAM(&self->c));
		PROGRAM(&self->c) = -1;
		EXPECT_EQ(0, recv(PEER(&self->c), buf, sizeof(buf), 0));
		end(&self->c);
	}
	EXPECT_TRUE(talks(&self->beside));
}

/*
 * Floods
 */

FIXTURE(flood)
{
	struct control c;
};

FIXTURE_SETUP(flood)
{
	ASSERT_EQ(0, control_open(&self->c, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_CLIENT, 0));
}

FIXTURE_TEARDOWN(flood)
{
	control_close(&self->c);
}

#define TICKETS_MANY	2000

static const unsigned char ticket[] = {
	4, 0, 0, 20, 0, 0, 28, 32, 1, 2, 3, 4, 1, 0, 0, 6, 't', 'i', 'c', 'k', 'e', 't', 0, 0,
};

/* In a record as many as fit, no data: it ends at the limit, in the middle of a record. */
TEST_F(flood, tickets_alone)
{
	static unsigned char many[500 * sizeof(ticket)];
	struct sluice_info info;

	for (size_t i = 0; i < 500; i++)
		memcpy(many + i * sizeof(ticket), ticket, sizeof(ticket));
	ASSERT_EQ(sizeof(many), say(&self->c, CONTENT_HANDSHAKE, many, sizeof(many)));
	EXPECT_EQ(-EPROTO, look(PROGRAM(&self->c), 0));
	EXPECT_EQ(ALERT(FATAL, UNEXPECTED_MESSAGE), hear_alert(&self->c));
	ASSERT_EQ(0, info_get(PROGRAM(&self->c), &info));
	EXPECT_EQ(UNEXPECTED_MESSAGE, info.alert_sent);
	EXPECT_GE(100, stat_get(SLUICE_STAT_RX_TICKETS));
}

/* With data between them they are within their rights, and cost nothing that stays. */
TEST_F(flood, tickets_between_data)
{
	unsigned char byte;

	for (int i = 0; i < TICKETS_MANY; i++) {
		ASSERT_EQ(sizeof(ticket), say(&self->c, CONTENT_HANDSHAKE, ticket,
					      sizeof(ticket)));
		ASSERT_EQ(1, say(&self->c, CONTENT_DATA, "x", 1));
		ASSERT_EQ(1, recv(PROGRAM(&self->c), &byte, 1, 0));
	}
	EXPECT_EQ(TICKETS_MANY, stat_get(SLUICE_STAT_RX_TICKETS));
	EXPECT_TRUE(talks(&self->c));
}

/* The longest that the protocol knows, in the smallest pieces, never to its end. */
TEST_F(flood, a_ticket_without_end)
{
	static const unsigned char head[] = { 4, 2, 0, 0 };
	unsigned char byte;

	ASSERT_EQ(sizeof(head), say(&self->c, CONTENT_HANDSHAKE, head, sizeof(head)));
	for (int i = 0; i < TICKETS_MANY; i++) {
		ASSERT_EQ(1, say(&self->c, CONTENT_HANDSHAKE, "x", 1));
		ASSERT_EQ(-EAGAIN, sys(recv(PROGRAM(&self->c), &byte, 1, MSG_DONTWAIT)));
	}
	EXPECT_EQ(0, stat_get(SLUICE_STAT_RX_TICKETS));
	ASSERT_EQ(1, say(&self->c, CONTENT_DATA, "x", 1));
	EXPECT_EQ(-EPROTO, sys(recv(PROGRAM(&self->c), &byte, 1, 0)));
	EXPECT_EQ(ALERT(FATAL, UNEXPECTED_MESSAGE), hear_alert(&self->c));
}

static bool flooded(struct control *c, unsigned char type, const void *bytes, size_t len)
{
	char byte;

	for (int i = 0; i < 1000; i++) {
		if (say(c, type, bytes, len) < 0)
			break;
		if (sys(recv(PROGRAM(c), &byte, 1, MSG_DONTWAIT)) != -EAGAIN)
			break;
	}
	return look(PROGRAM(c), 0) == -EPROTO && hear_alert(c) == ALERT(FATAL, UNEXPECTED_MESSAGE);
}

TEST_F(flood, empty_records)
{
	EXPECT_TRUE(flooded(&self->c, CONTENT_DATA, "", 0));
}

TEST_F(flood, user_canceled)
{
	static const unsigned char alert[] = { WARNING, USER_CANCELED };

	EXPECT_TRUE(flooded(&self->c, CONTENT_ALERT, alert, sizeof(alert)));
}

/* A client that wants to renegotiate and nothing else. */
TEST(hellos_without_end)
{
	static const unsigned char hello[4 + 60] = { 1, 0, 0, 60, 3, 3 };
	struct control c;

	ASSERT_EQ(0, control_open(&c, TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128,
				  SLUICE_ROLE_SERVER, 0));
	for (int i = 0; i < 1000; i++) {
		char byte;

		if (say(&c, CONTENT_HANDSHAKE, hello, sizeof(hello)) < 0 ||
		    sys(recv(PROGRAM(&c), &byte, 1, MSG_DONTWAIT)) != -EAGAIN)
			break;
	}
	EXPECT_EQ(-EPROTO, look(PROGRAM(&c), 0));
	/* One answer, however many questions; then the end. */
	EXPECT_EQ(ALERT(WARNING, NO_RENEGOTIATION), hear_alert(&c));
	EXPECT_EQ(ALERT(FATAL, UNEXPECTED_MESSAGE), hear_alert(&c));
	control_close(&c);
}

TEST_HARNESS_MAIN
