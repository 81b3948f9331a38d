/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: read once, checked whole, never changed. Handshakes hold
 * a reference, so that a reload touches none that is under way.
 */
#ifndef SLUICED_CONFIG_H
#define SLUICED_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "cache.h"
#include "identity.h"
#include "policy.h"
#include "tickets.h"
#include "trust.h"

#define CONFIG_PATH		"/etc/sluice/sluiced.conf"
#define CONFIG_WORKERS_MAX	256
#define CONFIG_NAMESPACES_MAX	256
#define CONFIG_DRAIN		5	/* seconds, by default */
#define CONFIG_DRAIN_MAX	3600
#define CONFIG_HANDSHAKES	4096	/* of one user at once, by default */
#define CONFIG_HANDSHAKES_MAX	1000000
#define CONFIG_SESSIONS		1024	/* of clients, by default */
#define CONFIG_SESSIONS_MAX	65536
#define CONFIG_LIFETIME		7200	/* seconds of a ticket */
#define CONFIG_LIFETIME_MAX	604800	/* RFC 8446 4.6.1 */

/**
 * struct config_client - the client's role
 * @policy:	versions and suites
 * @trust:	name of the trust store for requests that name none
 * @sessions:	kept to be resumed, at most
 */
struct config_client {
	struct policy policy;
	char *trust;
	unsigned int sessions;
};

/**
 * struct config - all that the file says, loaded
 * @refs:	config_get() and config_put()
 * @workers:	threads; 0: as many as processors
 * @user:	user to become, or NULL
 * @namespaces:	@namespace_count paths of network namespaces to serve beside our own
 * @drain:	seconds that handshakes under way get when we stop, at most
 * @max_handshakes: that a user may have under way
 * @ticket_keys: file, or NULL
 * @ticket_lifetime: in seconds
 * @tickets:	keys of session tickets
 * @client:	client's role
 * @cache:	its sessions
 * @trusts:	@trust_count stores; "system" is always among them
 * @identities:	@identity_count identities
 * @fallback:	the default one of them, or NULL
 * @client_ctx:	OpenSSL's context for clients
 * @server_ctx:	and for servers
 */
struct config {
	atomic_uint refs;
	unsigned int workers;
	char *user;
	char **namespaces;
	size_t namespace_count;
	unsigned int drain;
	unsigned int max_handshakes;
	char *ticket_keys;
	unsigned int ticket_lifetime;
	struct tickets tickets;
	struct config_client client;
	struct cache cache;
	struct trust *trusts;
	size_t trust_count;
	struct identity *identities;
	size_t identity_count;
	const struct identity *fallback;
	SSL_CTX *client_ctx;
	SSL_CTX *server_ctx;
};

/* Reads @path and all files that it names. NULL, and every reason on the log
 * as "file:line: key: reason", when anything is wrong. One reference.
 */
struct config *config_load(const char *path);

struct config *config_get(struct config *config);

/* The last one wipes and frees; NULL is fine. */
void config_put(struct config *config);

/* By name; NULL if there is none. */
const struct trust *config_trust(const struct config *config, const char *name);
const struct identity *config_identity(const struct config *config,
				       const char *name);

/* The identity that serves @host (lower case, no dot at its end; NULL: the
 * client sent none): exact name, longest wildcard, the default, or NULL.
 * *@named tells whether one serves it by name.
 */
const struct identity *config_identity_for(const struct config *config,
					   const char *host, bool *named);

#endif /* SLUICED_CONFIG_H */
