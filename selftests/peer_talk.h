/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One managed connection whose peer is libcrypto behind a plain TCP socket: the
 * peer says any record it likes, and hears what the module sends.
 */
#ifndef SELFTESTS_PEER_TALK_H
#define SELFTESTS_PEER_TALK_H

#include "fake_agent.h"

/* Alerts, RFC 8446 B.2. */
#define WARNING			1
#define FATAL			2
#define CLOSE_NOTIFY		0
#define UNEXPECTED_MESSAGE	10
#define BAD_RECORD_MAC		20
#define RECORD_OVERFLOW		22
#define CERTIFICATE_EXPIRED	45
#define ILLEGAL_PARAMETER	47
#define DECODE_ERROR		50
#define INTERNAL_ERROR		80
#define USER_CANCELED		90
#define NO_RENEGOTIATION	100

/* Handshake messages, RFC 8446 4; the last byte of a KeyUpdate: answer, please. */
static const unsigned char key_update[] = { 24, 0, 0, 1, 0 };
static const unsigned char key_update_requested[] = { 24, 0, 0, 1, 1 };

struct control {
	struct fake_agent agent;
	struct agent_keys own;
	struct agent_keys peers;
	struct wire wire;
};

static inline long control_prepare(struct control *c, __u16 version, __u16 cipher)
{
	long err = netns_enter();

	agent_keys_make(&c->own, version, cipher, 5, 1);
	agent_keys_make(&c->peers, version, cipher, 6, 1);
	return err ? err : agent_open(&c->agent);
}

static inline long control_open(struct control *c, __u16 version, __u16 cipher, int role,
				__u32 flags)
{
	long err = control_prepare(c, version, cipher);

	return err ? err : wire_managed(&c->wire, &c->agent, role, flags, &c->own, &c->peers);
}

/* Connected, and all else is still to be done. */
static inline long control_connect(struct control *c, __u16 version, __u16 cipher)
{
	long err = control_prepare(c, version, cipher);

	return err ? err : wire_connect(&c->wire, &c->own, &c->peers);
}

static inline void control_close(struct control *c)
{
	for (int i = 0; i < 2; i++)
		if (c->wire.fd[i] >= 0)
			close(c->wire.fd[i]);
	agent_close(&c->agent);
}

/* The peer sends one record. */
static inline long say(struct control *c, unsigned char type, const void *data, size_t len)
{
	unsigned char record[WIRE_MAX];
	size_t n = peer_seal(&c->wire.seal, type, data, len, 0, record);

	return write_all(c->wire.fd[1], record, n) == (long)n ? (long)len : -EPIPE;
}

static inline long say_alert(struct control *c, unsigned char level, unsigned char desc)
{
	const unsigned char alert[2] = { level, desc };

	return say(c, CONTENT_ALERT, alert, sizeof(alert));
}

/* What the peer hears: one record; its type in @type. */
static inline long hear(struct control *c, int *type, unsigned char *out)
{
	unsigned char record[WIRE_MAX];
	long n;

	*type = -1;
	if (!(poll_one(c->wire.fd[1], POLLIN, SOON) & POLLIN))
		return -ETIMEDOUT;
	n = read_record(c->wire.fd[1], record);
	return n <= 0 ? n : peer_open(&c->wire.open, record, type, out);
}

/* The alert the peer hears as level << 8 | description, or an error. */
static inline long hear_alert(struct control *c)
{
	unsigned char out[WIRE_MAX];
	int type;
	long n = hear(c, &type, out);

	if (n < 0)
		return n;
	return n == 2 && type == CONTENT_ALERT ? out[0] << 8 | out[1] : -EPROTO;
}

#define ALERT(level, desc) ((level) << 8 | (desc))

/* The peer moves on to its next keys. */
static inline long say_key_update(struct control *c, const unsigned char *message)
{
	long n = say(c, CONTENT_HANDSHAKE, message, sizeof(key_update));

	agent_keys_next(&c->peers);
	peer_init(&c->wire.seal, &c->peers.keys);
	return n;
}

static inline void expect_own_next(struct control *c)
{
	agent_keys_next(&c->own);
	peer_init(&c->wire.open, &c->own.keys);
}

#endif
