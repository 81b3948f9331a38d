/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TLS handshake over a file, done by OpenSSL, up to the keys of both
 * directions. Knows no netlink and no event loop: the owner calls tls_step()
 * whenever the file is ready for tls_events().
 */
#ifndef SLUICED_TLS_H
#define SLUICED_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/sluice.h>
#include <openssl/ssl.h>

#include "access.h"
#include "config.h"
#include "keys.h"
#include "peer.h"

/**
 * struct tls_ask - what a handshake shall be; see struct sluice_request
 * @server:	role
 * @flags:	SLUICE_F_*
 * @min_version: or 0
 * @max_version: or 0
 * @ciphers:	SLUICE_A_CIPHERS: what the kernel can key
 * @server_name: client: host name or address
 * @identity:	name of an identity, or empty
 * @trust:	name of a trust store, or empty
 * @alpn:	protocols in order of preference, or empty
 * @who:	asks
 * @port:	of the peer
 * @netns:	number of the network namespace, as struct seat has it
 */
struct tls_ask {
	bool server;
	uint32_t flags;
	uint16_t min_version;
	uint16_t max_version;
	uint64_t ciphers;
	char server_name[SLUICE_NAME_MAX];
	char identity[SLUICE_LABEL_MAX];
	char trust[SLUICE_LABEL_MAX];
	struct alpn alpn;
	struct access_who who;
	uint16_t port;
	unsigned int netns;
};

/**
 * struct tls_result - how a handshake ended
 * @error:	errno; 0: it succeeded
 * @suite:	what was negotiated, NULL before that; tells the version too
 * @flags:	SLUICE_INFO_*
 * @verify_error: X509_V_ERR_*, or 0
 * @alert_sent:	description of a fatal alert, or SLUICE_ALERT_NONE
 * @alert_received: likewise
 * @text:	reason of the failure, in English
 * @server_name: client: the name asked for; server: SNI received, or empty
 * @alpn:	the protocol chosen, @alpn_len bytes
 * @alpn_len:	0: none
 * @peer:	whose certificate was verified, where @flags has
 *		SLUICE_INFO_PEER_CERT
 */
struct tls_result {
	int error;
	const struct suite *suite;
	uint32_t flags;
	uint32_t verify_error;
	uint16_t alert_sent;
	uint16_t alert_received;
	char text[SLUICE_TEXT_MAX];
	char server_name[SLUICE_NAME_MAX];
	uint8_t alpn[SLUICE_ALPN_MAX];
	uint16_t alpn_len;
	struct peer peer;
};

enum tls_state {
	TLS_RUNNING,	/* wait for tls_events(), then step again */
	TLS_OPEN,	/* done; all we wrote is with the peer's kernel or ours */
	TLS_FAILED,	/* done; a fatal alert has been written */
};

struct tls;

/* A context with all that holds for every connection of a role; NULL without
 * memory.
 */
SSL_CTX *tls_ctx_new(bool server);

/**
 * tls_new - begin a handshake
 * @config:	a reference is taken
 * @ask:	copied
 * @fd:		connected, non-blocking; not owned; must outlive the handshake
 *
 * A request that cannot be met makes a handshake that is TLS_FAILED already.
 *
 * Return: to be given to tls_free(); NULL without memory.
 */
struct tls *tls_new(struct config *config, const struct tls_ask *ask, int fd);

/* Goes on as far as the file allows. */
enum tls_state tls_step(struct tls *tls);

/* POLLIN and POLLOUT, as a step needs them. */
short tls_events(const struct tls *tls);

/* Ends a running handshake with @error and @text, if it has not failed yet. */
void tls_abort(struct tls *tls, int error, const char *text);

/* Valid until tls_free(); final once the state is not TLS_RUNNING. */
const struct tls_result *tls_result(const struct tls *tls);

/* Keys of an open connection: what this host sends and what it receives with.
 * Valid until tls_wipe() or tls_free().
 */
const struct keys *tls_tx(const struct tls *tls);
const struct keys *tls_rx(const struct tls *tls);

/* Content bytes that a record to send, or received, may have at most on an open
 * connection; 0: none but the protocol's limit.
 */
uint16_t tls_tx_limit(const struct tls *tls);
uint16_t tls_rx_limit(const struct tls *tls);

/* How many of the server's NewSessionTicket messages an open connection still wants
 * to be given, by tls_ticket(). Their sessions are resumed by later handshakes.
 */
unsigned int tls_tickets(const struct tls *tls);

/* @message: with its header (RFC 8446 4), in the order of their arrival. */
void tls_ticket(struct tls *tls, const uint8_t *message, size_t len);

/* Wipes the keys, which the kernel now has. */
void tls_wipe(struct tls *tls);

/* Wipes and frees; NULL is fine. */
void tls_free(struct tls *tls);

#endif /* SLUICED_TLS_H */
