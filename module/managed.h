/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel answers by itself once a managed socket is open: alerts,
 * close_notify, KeyUpdate, tickets; everything else is refused with the right
 * alert (RFC 8446 4.6, 6; RFC 5246 7.2, 7.4.1.1).
 */
#ifndef SLUICE_MANAGED_H
#define SLUICE_MANAGED_H

#include <linux/types.h>

struct sluice_ctx;
struct sluice_ticket;

/**
 * struct sluice_hsmsg - where RX stands in the stream of handshake messages
 * @head:	bytes of a message's 4-byte header and, for KeyUpdate, its body
 * @have:	of them, here; 0: between messages
 * @refused:	a renegotiation was refused since the last application data
 * @asked:	the peer owes us a KeyUpdate: do not ask again (RFC 9846 4.7.3)
 * @idle:	records since then that carried none
 * @skip:	bytes of a message's body still to pass over
 * @ticket:	the message, where it is one that the agent wants to see
 */
struct sluice_hsmsg {
	u8 head[5];
	u8 have;
	bool refused;
	bool asked;
	u32 idle;
	u32 skip;
	struct sluice_ticket *ticket;
};

/**
 * sluice_hsmsg_keyupdate() - raw mode, TLS 1.3: pass over the next bytes of the stream of
 * handshake messages, which the program judges
 * @h:		where it stands
 * @data:	the next bytes
 * @len:	how many
 *
 * Return: did a KeyUpdate end in them?
 */
bool sluice_hsmsg_keyupdate(struct sluice_hsmsg *h, const u8 *data, size_t len);

/**
 * sluice_managed_record() - deal with one opened record that is not data
 * @ctx:	open managed socket, locked
 * @type:	content type, not SLUICE_DATA
 * @data:	content, or a piece of it; pieces in order, the first at least 2 bytes
 *		long or all there is
 * @len:	its length
 * @rest:	bytes of this record's content that follow with the next calls
 *
 * KeyUpdate installs the next RX key here (the record's own sequence number has
 * been advanced already by the caller) and sets tx.keyupdate_due when asked for.
 * close_notify sets rx.eof. A fatal alert sets rx.error.
 * Return: 0, go on with the next record; negative errno: the direction is dead,
 * rx.error is set, and the alert (if one is due) was sent.
 */
int sluice_managed_record(struct sluice_ctx *ctx, u8 type, const u8 *data, size_t len,
			  size_t rest);

/** sluice_managed_data() - an application record of @len bytes came; -errno as above
 * when a handshake message is half through (RFC 8446 5.1: no interleaving), or when
 * too many empty ones came.
 */
int sluice_managed_data(struct sluice_ctx *ctx, u32 len);

/** sluice_managed_midway() - is a handshake message half through? */
bool sluice_managed_midway(const struct sluice_ctx *ctx);

/**
 * sluice_managed_fail() - a local failure of RX ends the connection
 * @ctx:	locked
 * @error:	negative errno for reads (EBADMSG, EMSGSIZE, EINVAL, EPROTO...)
 * @alert:	description of the alert that belongs to it
 *
 * Sets rx.error and reports it (sk_error_report). In managed mode also sends @alert
 * as fatal and closes TX; raw mode sends nothing. May flush the socket's backlog.
 */
void sluice_managed_fail(struct sluice_ctx *ctx, int error, u8 alert);

/** sluice_managed_fin() - TCP's FIN or its reset came. Managed and no close_notify: a
 * truncation, rx.error = -ECONNABORTED unless the request allows it, which it never
 * does within a record; else rx.eof. Raw mode: nothing. Lock held.
 */
void sluice_managed_fin(struct sluice_ctx *ctx);

/** sluice_managed_close_notify() - say goodbye once, managed mode only. Lock held.
 * Return: 0: said, or never to be; else as sluice_tx_control(), and it can be repeated.
 */
int sluice_managed_close_notify(struct sluice_ctx *ctx);

/**
 * sluice_managed_rekey() - the program asks for fresh keys, SLUICE_REKEY
 * @ctx:	locked
 * @peer:	of the peer's direction, too
 *
 * Our KeyUpdate goes out at once, or, where the send buffer is full, before the next
 * application data: programs cannot fill memory with them.
 * Return: 0; -EOPNOTSUPP (raw mode, TLS 1.2), -ENOTCONN (not open), -EPIPE, -EALREADY
 * (@peer: it has not answered yet), -ENOMEM with nothing changed.
 */
int sluice_managed_rekey(struct sluice_ctx *ctx, bool peer);

/** sluice_managed_key_due() - must something be done before more data is sealed? */
bool sluice_managed_key_due(const struct sluice_ctx *ctx);

/**
 * sluice_managed_before_data() - see that the TX key may seal two records of data
 * @ctx:	locked, with TX keys
 *
 * Managed mode: sends the KeyUpdate that is due (RFC 8446 4.6.3, 5.5); in TLS 1.2, where
 * there is none, a key at its limit ends the direction with close_notify. Raw mode: the
 * keys are the program's business, their limit is only counted.
 * Return: 0; -EKEYEXPIRED; -ENOMEM and the like with nothing changed.
 */
int sluice_managed_before_data(struct sluice_ctx *ctx);

#endif
