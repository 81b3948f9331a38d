// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own part in an open connection: what the peer may still say
 * besides application data, and what is answered.
 */
#include <linux/err.h>
#include <linux/moduleparam.h>
#include <linux/unaligned.h>
#include <net/sock.h>
#include <net/tls_prot.h>
#include <uapi/linux/tls.h>

#include "ctx.h"
#include "handshake.h"
#include "key.h"
#include "ticket.h"

/* OpenSSL's limits are of this size. */
static uint idle_records = 32;
module_param(idle_records, uint, 0644);
MODULE_PARM_DESC(idle_records,
		 "records without application data (KeyUpdates, tickets, warnings, empty ones) that a peer may send in a row (default 32)");

#define ALERT_NO_RENEGOTIATION	100	/* RFC 5246 7.2; TLS 1.3 has none */

#define HS_HEADER_LEN	4	/* RFC 8446 4: type, 24 bits of length */

/* Message types (RFC 8446 4, RFC 5246 7.4). */
enum {
	HELLO_REQUEST		= 0,
	CLIENT_HELLO		= 1,
	NEW_SESSION_TICKET	= 4,
	KEY_UPDATE		= SLUICE_KEY_UPDATE,
};

/* RFC 8446 4.6.3 */
enum {
	UPDATE_NOT_REQUESTED	= 0,
	UPDATE_REQUESTED	= 1,
};

/* --- alerts out --- */

/* Return: 0, also where none is to be sent; or as sluice_tx_control(). */
static int alert_send(struct sluice_ctx *ctx, u8 level, u8 desc)
{
	u8 msg[2] = { level, desc };
	int ret;

	if (!ctx->tx.dir.key || ctx->tx.closed)
		return 0;
	/* Sending may flush the backlog, which may rewrite the receive queue. */
	sluice_cursor_forget(&ctx->rx.cursor);
	ret = sluice_tx_control(ctx, SLUICE_ALERT, msg, sizeof(msg));
	if (ret)
		return ret;
	ctx->alert_sent = desc;
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_TX_ALERTS);
	return 0;
}

/* No read goes past this. The program is told now; who reads first is told why. */
static void rx_kill(struct sluice_ctx *ctx, int error)
{
	struct sock *sk = ctx->sk;

	if (ctx->rx.error)
		return;
	WRITE_ONCE(ctx->rx.error, error);
	WRITE_ONCE(sk->sk_err, -error);
	/* Paired with smp_rmb() in tcp_poll(). */
	smp_wmb();
	sk_error_report(sk);
}

void sluice_managed_fail(struct sluice_ctx *ctx, int error, u8 alert)
{
	sock_owned_by_me(ctx->sk);
	/* Before sk_err is set: TCP sends nothing after that. */
	if (sluice_ctx_managed(ctx)) {
		alert_send(ctx, TLS_ALERT_LEVEL_FATAL, alert);
		ctx->tx.closed = true;
	}
	rx_kill(ctx, error);
}

static int refuse(struct sluice_ctx *ctx, u8 alert)
{
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_BAD_RECORD);
	sluice_managed_fail(ctx, -EPROTO, alert);
	return ctx->rx.error;
}

/* The peer keeps us busy without sending anything. */
static int idle(struct sluice_ctx *ctx)
{
	if (++ctx->hsmsg.idle > READ_ONCE(idle_records))
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
	return 0;
}

/* --- alerts in --- */

/*
 * What a fatal alert is to a program. EKEYREJECTED: our certificate, or the lack
 * of one; a TLS 1.3 client learns that only with its first read. EPROTO: we did
 * not understand each other. Anything else just ended the connection.
 */
static const struct {
	u8 desc;
	int error;
} alert_errors[] = {
	{ TLS_ALERT_DESC_UNEXPECTED_MESSAGE,		-EPROTO },
	{ TLS_ALERT_DESC_BAD_RECORD_MAC,		-EPROTO },
	{ TLS_ALERT_DESC_RECORD_OVERFLOW,		-EPROTO },
	{ TLS_ALERT_DESC_HANDSHAKE_FAILURE,		-EPROTO },
	{ TLS_ALERT_DESC_BAD_CERTIFICATE,		-EKEYREJECTED },
	{ TLS_ALERT_DESC_UNSUPPORTED_CERTIFICATE,	-EKEYREJECTED },
	{ TLS_ALERT_DESC_CERTIFICATE_REVOKED,		-EKEYREJECTED },
	{ TLS_ALERT_DESC_CERTIFICATE_EXPIRED,		-EKEYREJECTED },
	{ TLS_ALERT_DESC_CERTIFICATE_UNKNOWN,		-EKEYREJECTED },
	{ TLS_ALERT_DESC_ILLEGAL_PARAMETER,		-EPROTO },
	{ TLS_ALERT_DESC_UNKNOWN_CA,			-EKEYREJECTED },
	{ TLS_ALERT_DESC_ACCESS_DENIED,			-EACCES },
	{ TLS_ALERT_DESC_DECODE_ERROR,			-EPROTO },
	{ TLS_ALERT_DESC_DECRYPT_ERROR,			-EPROTO },
	{ TLS_ALERT_DESC_PROTOCOL_VERSION,		-EPROTO },
	{ TLS_ALERT_DESC_INSUFFICIENT_SECURITY,		-EPROTO },
	{ TLS_ALERT_DESC_INAPPROPRIATE_FALLBACK,	-EPROTO },
	{ TLS_ALERT_DESC_MISSING_EXTENSION,		-EPROTO },
	{ TLS_ALERT_DESC_UNSUPPORTED_EXTENSION,		-EPROTO },
	{ TLS_ALERT_DESC_UNRECOGNIZED_NAME,		-EPROTO },
	{ TLS_ALERT_DESC_BAD_CERTIFICATE_STATUS_RESPONSE, -EKEYREJECTED },
	{ TLS_ALERT_DESC_UNKNOWN_PSK_IDENTITY,		-EPROTO },
	{ TLS_ALERT_DESC_CERTIFICATE_REQUIRED,		-EKEYREJECTED },
	{ TLS_ALERT_DESC_NO_APPLICATION_PROTOCOL,	-EPROTO },
};

static int alert_error(u8 desc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alert_errors); i++) {
		if (alert_errors[i].desc == desc)
			return alert_errors[i].error;
	}
	return -ECONNRESET;
}

/* RFC 8446 6: in TLS 1.3 the level says nothing. RFC 5246 7.2.2: warnings may pass. */
static bool alert_passes(const struct sluice_ctx *ctx, u8 level, u8 desc)
{
	if (ctx->rx.dir.key->version == TLS_1_3_VERSION)
		return desc == TLS_ALERT_DESC_USER_CANCELED;
	return level == TLS_ALERT_LEVEL_WARNING;
}

/* A fatal alert: both sides close at once and send nothing (RFC 8446 6.2). */
static int alert_fatal(struct sluice_ctx *ctx, u8 desc)
{
	ctx->tx.closed = true;
	rx_kill(ctx, alert_error(desc));
	return ctx->rx.error;
}

static int alert_in(struct sluice_ctx *ctx, const u8 *data, size_t len, size_t rest)
{
	u8 level, desc;

	/* One alert, whole (RFC 8446 5.1); empty ones are not allowed (5.4). */
	if (!len)
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
	if (len != 2 || rest)
		return refuse(ctx, TLS_ALERT_DESC_DECODE_ERROR);
	level = data[0];
	desc = data[1];
	if (level != TLS_ALERT_LEVEL_WARNING && level != TLS_ALERT_LEVEL_FATAL)
		return refuse(ctx, TLS_ALERT_DESC_ILLEGAL_PARAMETER);

	ctx->alert_received = desc;
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_ALERTS);
	if (desc != TLS_ALERT_DESC_CLOSE_NOTIFY && !alert_passes(ctx, level, desc))
		return alert_fatal(ctx, desc);
	/* Between the parts of a message is no place for others (RFC 8446 5.1). */
	if (sluice_managed_midway(ctx))
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
	if (desc != TLS_ALERT_DESC_CLOSE_NOTIFY)
		return idle(ctx);
	WRITE_ONCE(ctx->rx.eof, true);
	return 0;
}

/* --- handshake messages --- */

/*
 * RFC 5246 7.4.1.1: a renegotiation may be declined with a warning, and the
 * connection goes on. One answer to a row of requests is enough.
 */
static int refuse_renegotiation(struct sluice_ctx *ctx, bool ends_record)
{
	/* None to who does not read: such answers would fill memory. */
	if (!ctx->hsmsg.refused && sluice_tx_writable(ctx)) {
		alert_send(ctx, TLS_ALERT_LEVEL_WARNING, ALERT_NO_RENEGOTIATION);
		ctx->hsmsg.refused = true;
	}
	return idle(ctx);
}

static int take_ticket(struct sluice_ctx *ctx, bool ends_record)
{
	sluice_ticket_give(ctx, ctx->hsmsg.ticket);
	ctx->hsmsg.ticket = NULL;
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_TICKETS);
	return idle(ctx);
}

/*
 * RFC 8446 4.6.3. The message must end its record: what follows is under the
 * next key (5.1). Our answer, if asked for, waits for our next data; however
 * often the peer asks until then, it is one.
 */
static int take_keyupdate(struct sluice_ctx *ctx, bool ends_record)
{
	u8 request = ctx->hsmsg.head[HS_HEADER_LEN];
	struct sluice_key *next;

	if (request != UPDATE_NOT_REQUESTED && request != UPDATE_REQUESTED)
		return refuse(ctx, TLS_ALERT_DESC_ILLEGAL_PARAMETER);
	if (!ends_record)
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);

	next = sluice_key_next(ctx->rx.dir.key);
	if (IS_ERR(next)) {
		sluice_managed_fail(ctx, PTR_ERR(next), TLS_ALERT_DESC_INTERNAL_ERROR);
		return ctx->rx.error;
	}
	sluice_dir_install(&ctx->rx.dir, next, 0, 0);
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_KEYUPDATES);
	ctx->hsmsg.asked = false;
	if (request == UPDATE_REQUESTED)
		ctx->tx.keyupdate_due = true;
	return idle(ctx);
}

/**
 * struct message - a handshake message that may come
 * @version:	in which TLS
 * @role:	ours; SLUICE_ROLE_NONE: either
 * @type:	of the message
 * @min:	least length of its body
 * @max:	most
 * @take:	it is here
 */
struct message {
	u16 version;
	u8 role;
	u8 type;
	u32 min;
	u32 max;
	int (*take)(struct sluice_ctx *ctx, bool ends_record);
};

static const struct message messages[] = {
	{ TLS_1_3_VERSION, SLUICE_ROLE_NONE, KEY_UPDATE, 1, 1, take_keyupdate },
	/* 4.6.1: lifetime, age_add; nonce, ticket and extensions with their lengths */
	{ TLS_1_3_VERSION, SLUICE_ROLE_CLIENT, NEW_SESSION_TICKET,
	  8 + 1 + 2 + 1 + 2, 8 + 1 + 255 + 2 + 65535 + 2 + 65534, take_ticket },
	{ TLS_1_2_VERSION, SLUICE_ROLE_CLIENT, HELLO_REQUEST, 0, 0,
	  refuse_renegotiation },
	/* 7.4.1.2: version, random; session id, suites, compression; extensions */
	{ TLS_1_2_VERSION, SLUICE_ROLE_SERVER, CLIENT_HELLO,
	  2 + 32 + 1 + 2 + 2 + 1 + 1, 2 + 32 + 33 + 65536 + 256 + 65537,
	  refuse_renegotiation },
};

static const struct message *message_find(const struct sluice_ctx *ctx)
{
	const struct message *m;

	for (m = messages; m < messages + ARRAY_SIZE(messages); m++) {
		if (m->version == ctx->rx.dir.key->version && m->type == ctx->hsmsg.head[0] &&
		    (m->role == SLUICE_ROLE_NONE || m->role == ctx->role))
			return m;
	}
	return NULL;
}

/* The header is here: 0 when the message may come and how far it goes is known. */
static int message_begin(struct sluice_ctx *ctx)
{
	struct sluice_hsmsg *h = &ctx->hsmsg;
	const struct message *m = message_find(ctx);
	u32 len = get_unaligned_be24(h->head + 1);

	if (!m)
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
	if (len < m->min || len > m->max)
		return refuse(ctx, TLS_ALERT_DESC_DECODE_ERROR);
	h->skip = len;
	if (m->take == take_ticket)
		h->ticket = sluice_ticket_begin(ctx, h->head, len);
	return 0;
}

/* All of the message is here. */
static int message_end(struct sluice_ctx *ctx, bool ends_record)
{
	const struct message *m = message_find(ctx);

	ctx->hsmsg.have = 0;
	return m->take(ctx, ends_record);
}

/* Take what may be taken of @len bytes. Return: how many. */
static size_t message_bytes(struct sluice_hsmsg *h, const u8 *data, size_t len)
{
	size_t n;

	if (h->have < HS_HEADER_LEN) {
		n = min_t(size_t, len, HS_HEADER_LEN - h->have);
		memcpy(h->head + h->have, data, n);
		h->have += n;
		return n;
	}
	n = min_t(size_t, len, h->skip);
	if (n && h->have < sizeof(h->head))
		h->head[h->have++] = data[0];
	h->skip -= n;
	return n;
}

bool sluice_hsmsg_keyupdate(struct sluice_hsmsg *h, const u8 *data, size_t len)
{
	bool ended = false;

	while (len) {
		bool body = h->have >= HS_HEADER_LEN;
		size_t n = message_bytes(h, data, len);

		data += n;
		len -= n;
		if (!body && h->have == HS_HEADER_LEN)
			h->skip = get_unaligned_be24(h->head + 1);
		if (h->have >= HS_HEADER_LEN && !h->skip) {
			ended |= h->head[0] == KEY_UPDATE;
			h->have = 0;
		}
	}
	return ended;
}

static int handshake_in(struct sluice_ctx *ctx, const u8 *data, size_t len, size_t rest)
{
	struct sluice_hsmsg *h = &ctx->hsmsg;
	int ret = 0;

	if (!len && !rest)
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);

	while (len && !ret) {
		bool body = h->have >= HS_HEADER_LEN;
		size_t n = message_bytes(h, data, len);

		if (body)
			sluice_ticket_add(h->ticket, data, n);
		data += n;
		len -= n;
		if (!body && h->have == HS_HEADER_LEN)
			ret = message_begin(ctx);
		if (!ret && h->have >= HS_HEADER_LEN && !h->skip)
			ret = message_end(ctx, !len && !rest);
	}
	return ret;
}

/* --- from rx.c --- */

bool sluice_managed_midway(const struct sluice_ctx *ctx)
{
	return ctx->hsmsg.have;
}

int sluice_managed_record(struct sluice_ctx *ctx, u8 type, const u8 *data, size_t len, size_t rest)
{
	sock_owned_by_me(ctx->sk);
	switch (type) {
	case SLUICE_ALERT:
		return alert_in(ctx, data, len, rest);
	case SLUICE_HANDSHAKE_MSG:
		return handshake_in(ctx, data, len, rest);
	}
	/* change_cipher_spec too: its time is over (RFC 8446 5). */
	return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
}

int sluice_managed_data(struct sluice_ctx *ctx, u32 len)
{
	if (sluice_managed_midway(ctx))
		return refuse(ctx, TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
	if (!len)
		return idle(ctx);
	ctx->hsmsg.idle = 0;
	ctx->hsmsg.refused = false;
	return 0;
}

static bool truncation_allowed(const struct sluice_ctx *ctx)
{
	return ctx->arm && ctx->arm->req.flags & SLUICE_F_ALLOW_TRUNCATION &&
	       !sluice_managed_midway(ctx) && !sluice_cursor_avail(ctx->sk, &ctx->rx.cursor);
}

void sluice_managed_fin(struct sluice_ctx *ctx)
{
	sock_owned_by_me(ctx->sk);
	if (!sluice_ctx_managed(ctx) || ctx->rx.eof || ctx->rx.error)
		return;
	if (truncation_allowed(ctx)) {
		WRITE_ONCE(ctx->rx.eof, true);
		return;
	}
	/* Reads fail; sk_err stays, for our own direction is none of the peer's. */
	WRITE_ONCE(ctx->rx.error, -ECONNABORTED);
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_TRUNCATED);
}

/* --- from ulp.c and tx.c --- */

int sluice_managed_close_notify(struct sluice_ctx *ctx)
{
	int ret;

	sock_owned_by_me(ctx->sk);
	if (READ_ONCE(ctx->state) != SLUICE_STATE_OPEN || ctx->tx.closed)
		return 0;
	ret = alert_send(ctx, TLS_ALERT_LEVEL_WARNING, TLS_ALERT_DESC_CLOSE_NOTIFY);
	if (!ret)
		ctx->tx.closed = true;
	return ret;
}

/* Send our KeyUpdate and go on with the next key. -errno: nothing has changed. */
static int keyupdate_send(struct sluice_ctx *ctx, bool ask)
{
	struct sluice_tx *tx = &ctx->tx;
	bool due = tx->keyupdate_due;
	u8 msg[] = { KEY_UPDATE, 0, 0, 1, ask ? UPDATE_REQUESTED : UPDATE_NOT_REQUESTED };
	struct sluice_key *next;
	int ret;

	next = sluice_key_next(tx->dir.key);
	if (IS_ERR(next))
		return PTR_ERR(next);

	/* Sealing what waits before it must not ask for a KeyUpdate again. */
	tx->keyupdate_due = false;
	ret = sluice_tx_control(ctx, SLUICE_HANDSHAKE_MSG, msg, sizeof(msg));
	if (ret) {
		tx->keyupdate_due = due;
		sluice_key_free(next);
		return ret;
	}
	/* Sealed under the old key; from here on nothing can fail. */
	sluice_dir_install(&tx->dir, next, 0, 0);
	tx->keyupdate_ask = false;
	if (ask)
		ctx->hsmsg.asked = true;
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_TX_KEYUPDATES);
	return 0;
}

int sluice_managed_rekey(struct sluice_ctx *ctx, bool peer)
{
	struct sluice_tx *tx = &ctx->tx;

	sock_owned_by_me(ctx->sk);
	if (!sluice_ctx_managed(ctx))
		return -EOPNOTSUPP;
	if (READ_ONCE(ctx->state) != SLUICE_STATE_OPEN)
		return -ENOTCONN;
	if (tx->dir.key->version != TLS_1_3_VERSION)
		return -EOPNOTSUPP;
	if (tx->closed)
		return -EPIPE;
	if (peer && (ctx->hsmsg.asked || tx->keyupdate_ask))
		return -EALREADY;

	peer |= tx->keyupdate_ask;
	if (sluice_tx_writable(ctx))
		return keyupdate_send(ctx, peer);
	tx->keyupdate_due = true;
	tx->keyupdate_ask = peer;
	return 0;
}

static bool at_limit(const struct sluice_ctx *ctx)
{
	return sluice_dir_exhausted(&ctx->tx.dir, ctx->tx.max_payload);
}

bool sluice_managed_key_due(const struct sluice_ctx *ctx)
{
	return sluice_ctx_managed(ctx) && (ctx->tx.keyupdate_due || at_limit(ctx));
}

/* One key for all of a TLS 1.2 connection, and it is used up: say goodbye under it. */
static int expire(struct sluice_ctx *ctx)
{
	/* The farewell seals what the program was told is sent, and asks here first. */
	ctx->tx.expired = true;
	sluice_managed_close_notify(ctx);
	ctx->tx.closed = true;
	return -EKEYEXPIRED;
}

int sluice_managed_before_data(struct sluice_ctx *ctx)
{
	struct sluice_dir *dir = &ctx->tx.dir;
	bool limit = at_limit(ctx);

	sock_owned_by_me(ctx->sk);
	if (likely(!limit && !ctx->tx.keyupdate_due) || ctx->tx.expired)
		return 0;
	if (limit && !dir->limit_told) {
		dir->limit_told = true;
		sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_TX_KEY_LIMITS);
	}
	if (!sluice_ctx_managed(ctx))
		return 0;
	return dir->key->version == TLS_1_3_VERSION ?
	       keyupdate_send(ctx, ctx->tx.keyupdate_ask) : expire(ctx);
}
