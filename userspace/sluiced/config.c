// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration file: tables of keys over libconfig's tree. What is not in
 * a table is an error, and so is all that would only fail later.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "log.h"
#include "name.h"
#include "tls.h"

#define CONFIG_LABEL_MAX	63	/* SLUICE_LABEL_MAX with its zero */

/**
 * struct config_key - a key of a group
 * @name:	as in the file
 * @take:	checks the setting and stores it at @offset of the group's object
 * @offset:	where
 * @required:	the group makes no sense without it
 */
struct config_key {
	const char *name;
	bool (*take)(config_setting_t *setting, void *to);
	size_t offset;
	bool required;
};

static const char *config_path;	/* of the one being read, for messages */

static bool complain(config_setting_t *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool complain(config_setting_t *at, const char *fmt, ...)
{
	const char *file = config_setting_source_file(at);
	const char *key = config_setting_name(at);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("%s:%u: %s%s%s", file ? file : config_path,
		config_setting_source_line(at), key ? key : "", key ? ": " : "",
		text);
	return false;
}

/* Groups and lists */

static const struct config_key *find_key(const struct config_key *keys,
					 const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

/* All of the group is looked at, so that one run shows all mistakes. */
static bool take_group(config_setting_t *group, const struct config_key *keys,
		       void *object)
{
	const struct config_key *key;
	bool ok = true;

	if (!config_setting_is_group(group))
		return complain(group, "must be a group: { ... }");
	for (int i = 0; i < config_setting_length(group); i++) {
		config_setting_t *child =
			config_setting_get_elem(group, (unsigned int)i);

		key = find_key(keys, config_setting_name(child));
		if (!key)
			ok = complain(child, "unknown key");
		else if (!key->take(child, (char *)object + key->offset))
			ok = false;
	}
	for (key = keys; key->name; key++)
		if (key->required && !config_setting_get_member(group, key->name))
			ok = complain(group, "lacks \"%s\"", key->name);
	return ok;
}

/* A list of groups into a new array of @size bytes each. */
static bool take_list(config_setting_t *list, const struct config_key *keys,
		      size_t size, void **array, size_t *count)
{
	size_t n = (size_t)config_setting_length(list);
	bool ok = true;

	if (!config_setting_is_list(list))
		return complain(list, "must be a list of groups: ( { ... }, ... )");
	*array = calloc(n + 1, size);
	if (!*array)
		return complain(list, "out of memory");
	*count = n;
	for (size_t i = 0; i < n; i++)
		if (!take_group(config_setting_get_elem(list, (unsigned int)i),
				keys, (char *)*array + i * size))
			ok = false;
	return ok;
}

/* Single values */

static const char *get_string(config_setting_t *at)
{
	const char *text = config_setting_get_string(at);

	if (!text || !*text)
		complain(at, "must be a string that is not empty");
	return text && *text ? text : NULL;
}

static bool take_string(config_setting_t *at, void *to)
{
	const char *text = get_string(at);
	char **copy = to;

	if (!text)
		return false;
	*copy = strdup(text);
	return *copy || complain(at, "out of memory");
}

static bool take_label(config_setting_t *at, void *to)
{
	const char *text = get_string(at);

	if (!text)
		return false;
	if (strlen(text) > CONFIG_LABEL_MAX)
		return complain(at, "longer than %d bytes", CONFIG_LABEL_MAX);
	return take_string(at, to);
}

static bool take_bool(config_setting_t *at, void *to)
{
	if (config_setting_type(at) != CONFIG_TYPE_BOOL)
		return complain(at, "must be true or false");
	*(bool *)to = config_setting_get_bool(at);
	return true;
}

static bool take_number(config_setting_t *at, int min, int max, void *to)
{
	int n = config_setting_get_int(at);

	if (config_setting_type(at) != CONFIG_TYPE_INT || n < min || n > max)
		return complain(at, "must be a number from %d to %d", min, max);
	*(unsigned int *)to = (unsigned int)n;
	return true;
}

static bool take_workers(config_setting_t *at, void *to)
{
	return take_number(at, 1, CONFIG_WORKERS_MAX, to);
}

static bool take_drain(config_setting_t *at, void *to)
{
	return take_number(at, 0, CONFIG_DRAIN_MAX, to);
}

static bool take_handshakes(config_setting_t *at, void *to)
{
	return take_number(at, 1, CONFIG_HANDSHAKES_MAX, to);
}

static bool take_lifetime(config_setting_t *at, void *to)
{
	return take_number(at, 1, CONFIG_LIFETIME_MAX, to);
}

static bool take_sessions(config_setting_t *at, void *to)
{
	return take_number(at, 0, CONFIG_SESSIONS_MAX, to);
}

static bool take_tickets(config_setting_t *at, void *to)
{
	return take_number(at, 0, IDENTITY_TICKETS_MAX, to);
}

static bool take_version(config_setting_t *at, void *to)
{
	const char *text = config_setting_get_string(at);

	if (text && !strcmp(text, "1.2"))
		*(uint16_t *)to = KEYS_TLS12;
	else if (text && !strcmp(text, "1.3"))
		*(uint16_t *)to = KEYS_TLS13;
	else
		return complain(at, "must be \"1.2\" or \"1.3\"");
	return true;
}

static bool take_client_certificates(config_setting_t *at, void *to)
{
	static const char *const words[] = {
		[CLIENT_CERTIFICATES_NONE] = "none",
		[CLIENT_CERTIFICATES_REQUEST] = "request",
		[CLIENT_CERTIFICATES_REQUIRE] = "require",
	};
	const char *text = config_setting_get_string(at);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text && !strcmp(text, words[i])) {
			*(enum client_certificates *)to = i;
			return true;
		}
	return complain(at, "must be \"none\", \"request\" or \"require\"");
}

/* Arrays of strings */

typedef bool (*take_item_fn)(config_setting_t *at, const char *text, void *to);

static bool take_array(config_setting_t *at, take_item_fn take, void *to)
{
	bool ok = true;

	if (!config_setting_is_array(at) || !config_setting_length(at))
		return complain(at, "must be an array of strings: [ \"...\", ... ]");
	for (int i = 0; i < config_setting_length(at); i++) {
		const char *text = config_setting_get_string_elem(at, i);

		if (!text)
			return complain(at, "must be an array of strings");
		if (!take(at, text, to))
			ok = false;
	}
	return ok;
}

static bool take_suite(config_setting_t *at, const char *text, void *to)
{
	const struct suite *suite = suite_by_name(text);

	if (!suite)
		return complain(at, "\"%s\" is not a supported cipher suite", text);
	if (!policy_add(to, suite))
		return complain(at, "\"%s\" is there twice", text);
	return true;
}

static bool take_suites(config_setting_t *at, void *to)
{
	return take_array(at, take_suite, to);
}

static bool take_protocol(config_setting_t *at, const char *text, void *to)
{
	struct alpn *alpn = to;
	size_t len = strlen(text);

	if (!len || len > 255)
		return complain(at, "a protocol has 1 to 255 bytes");
	if (alpn->len + 1 + len > sizeof(alpn->list))
		return complain(at, "too many protocols");
	alpn->list[alpn->len++] = (uint8_t)len;
	memcpy(alpn->list + alpn->len, text, len);
	alpn->len += len;
	return true;
}

static bool take_alpn(config_setting_t *at, void *to)
{
	return take_array(at, take_protocol, to);
}

static bool take_host(config_setting_t *at, const char *text, void *to)
{
	struct identity *id = to;
	const char *host = strncmp(text, "*.", 2) ? text : text + 2;

	if (!name_is_host(host))
		return complain(at, "\"%s\" is not a host name (\"example.com\", \"*.example.com\")",
				text);
	id->names[id->name_count] = strdup(text);
	return id->names[id->name_count++] || complain(at, "out of memory");
}

static bool take_hosts(config_setting_t *at, void *to)
{
	struct identity *id = to;

	id->names = calloc((size_t)config_setting_length(at) + 1,
			   sizeof(*id->names));
	if (!id->names)
		return complain(at, "out of memory");
	return take_array(at, take_host, id);
}

/* Whether it is there is seen when it is entered, at start: it may be gone at a reload. */
static bool take_namespace(config_setting_t *at, const char *text, void *to)
{
	struct config *config = to;

	if (*text != '/')
		return complain(at, "\"%s\" is not a path (\"/run/netns/one\")", text);
	if (config->namespace_count == CONFIG_NAMESPACES_MAX)
		return complain(at, "more than %d", CONFIG_NAMESPACES_MAX);
	config->namespaces[config->namespace_count] = strdup(text);
	return config->namespaces[config->namespace_count++] ||
	       complain(at, "out of memory");
}

static bool take_namespaces(config_setting_t *at, void *to)
{
	struct config *config = to;

	config->namespaces = calloc(CONFIG_NAMESPACES_MAX,
				    sizeof(*config->namespaces));
	if (!config->namespaces)
		return complain(at, "out of memory");
	return take_array(at, take_namespace, config);
}

/* Without the empty errno of "no such name", the database or memory failed. */
static bool take_user(config_setting_t *at, const char *text, void *to)
{
	return access_add_user(to, text) ||
	       complain(at, "\"%s\": %s", text,
			errno ? strerror(errno) : "no such user");
}

static bool take_users(config_setting_t *at, void *to)
{
	return take_array(at, take_user, to);
}

static bool take_user_group(config_setting_t *at, const char *text, void *to)
{
	return access_add_group(to, text) ||
	       complain(at, "\"%s\": %s", text,
			errno ? strerror(errno) : "no such group");
}

static bool take_user_groups(config_setting_t *at, void *to)
{
	return take_array(at, take_user_group, to);
}

/* The groups */

static const struct config_key client_keys[] = {
	{ "trust", take_label, offsetof(struct config_client, trust), false },
	{ "min_version", take_version,
	  offsetof(struct config_client, policy.min_version), false },
	{ "max_version", take_version,
	  offsetof(struct config_client, policy.max_version), false },
	{ "ciphers", take_suites, offsetof(struct config_client, policy), false },
	{ "sessions", take_sessions, offsetof(struct config_client, sessions),
	  false },
	{ 0 }
};

static const struct config_key trust_keys[] = {
	{ "name", take_label, offsetof(struct trust, name), true },
	{ "file", take_string, offsetof(struct trust, file), false },
	{ "dir", take_string, offsetof(struct trust, dir), false },
	{ "crl", take_string, offsetof(struct trust, crl), false },
	{ "require_ocsp", take_bool, offsetof(struct trust, require_ocsp), false },
	{ 0 }
};

static const struct config_key identity_keys[] = {
	{ "name", take_label, offsetof(struct identity, name), true },
	{ "names", take_hosts, 0, false },
	{ "certificate", take_string, offsetof(struct identity, certificate), true },
	{ "key", take_string, offsetof(struct identity, key), true },
	{ "ocsp_response", take_string,
	  offsetof(struct identity, ocsp_response), false },
	{ "default", take_bool, offsetof(struct identity, is_default), false },
	{ "static_rsa", take_bool, offsetof(struct identity, static_rsa), false },
	{ "min_version", take_version,
	  offsetof(struct identity, policy.min_version), false },
	{ "max_version", take_version,
	  offsetof(struct identity, policy.max_version), false },
	{ "ciphers", take_suites, offsetof(struct identity, policy), false },
	{ "alpn", take_alpn, offsetof(struct identity, alpn), false },
	{ "client_certificates", take_client_certificates,
	  offsetof(struct identity, client_certificates), false },
	{ "client_trust", take_label,
	  offsetof(struct identity, client_trust), false },
	{ "tickets", take_tickets, offsetof(struct identity, tickets), false },
	{ "allow_users", take_users, offsetof(struct identity, access), false },
	{ "allow_groups", take_user_groups,
	  offsetof(struct identity, access), false },
	{ 0 }
};

/* A policy as read has zeroes where the file is silent. */
static bool settle_policy(config_setting_t *at, struct policy *policy,
			  bool static_rsa)
{
	struct policy all, read = *policy;

	policy_default(&all);
	if (!read.min_version)
		policy->min_version = all.min_version;
	if (!read.max_version)
		policy->max_version = all.max_version;
	if (policy->min_version > policy->max_version)
		return complain(at, "min_version is above max_version");
	for (size_t i = 0; i < read.count; i++)
		if (read.suites[i]->static_rsa && !static_rsa)
			return complain(at, "\"%s\" needs static_rsa = true",
					read.suites[i]->iana);
	if (read.count)
		return true;
	for (size_t i = 0; i < all.count; i++)
		policy_add(policy, all.suites[i]);
	if (static_rsa)
		policy_add_static_rsa(policy);
	return true;
}

static bool take_client(config_setting_t *at, void *to)
{
	struct config_client *client = to;

	return take_group(at, client_keys, client) &&
	       settle_policy(at, &client->policy, false);
}

static bool settle_trust(config_setting_t *at, struct trust *trust)
{
	char why[512];

	if (!strcmp(trust->name, TRUST_SYSTEM))
		return complain(at, "\"%s\" is the name of the system's store",
				trust->name);
	if (!trust->file && !trust->dir)
		return complain(at, "needs \"file\" or \"dir\"");
	return trust_load(trust, why, sizeof(why)) || complain(at, "%s", why);
}

static bool take_trusts(config_setting_t *at, void *to)
{
	struct config *config = to;
	bool ok;

	ok = take_list(at, trust_keys, sizeof(struct trust),
		       (void **)&config->trusts, &config->trust_count);
	for (size_t i = 0; ok && i < config->trust_count; i++) {
		config_setting_t *elem =
			config_setting_get_elem(at, (unsigned int)i);
		struct trust *trust = &config->trusts[i];

		if (config_trust(config, trust->name) != trust)
			ok = complain(elem, "\"%s\" is there twice", trust->name);
		else
			ok = settle_trust(elem, trust);
	}
	return ok;
}

static bool settle_identity(config_setting_t *at, struct config *config,
			    struct identity *id)
{
	char why[512];

	if (config_identity(config, id->name) != id)
		return complain(at, "\"%s\" is there twice", id->name);
	if (id->is_default && config->fallback)
		return complain(at, "\"%s\" is the default already",
				config->fallback->name);
	if (id->is_default)
		config->fallback = id;
	if (!config_setting_get_member(at, "tickets"))
		id->tickets = IDENTITY_TICKETS;
	if (!settle_policy(at, &id->policy, id->static_rsa))
		return false;
	return identity_load(id, config->server_ctx, why, sizeof(why)) ||
	       complain(at, "%s", why);
}

static bool take_identities(config_setting_t *at, void *to)
{
	struct config *config = to;
	bool ok;

	ok = take_list(at, identity_keys, sizeof(struct identity),
		       (void **)&config->identities, &config->identity_count);
	for (size_t i = 0; ok && i < config->identity_count; i++)
		ok = settle_identity(config_setting_get_elem(at, (unsigned int)i),
				     config, &config->identities[i]);
	return ok;
}

static const struct config_key top_keys[] = {
	{ "workers", take_workers, offsetof(struct config, workers), false },
	{ "user", take_string, offsetof(struct config, user), false },
	{ "namespaces", take_namespaces, 0, false },
	{ "drain", take_drain, offsetof(struct config, drain), false },
	{ "max_handshakes_per_user", take_handshakes,
	  offsetof(struct config, max_handshakes), false },
	{ "ticket_keys", take_string, offsetof(struct config, ticket_keys), false },
	{ "ticket_lifetime", take_lifetime,
	  offsetof(struct config, ticket_lifetime), false },
	{ "client", take_client, offsetof(struct config, client), false },
	{ "trust", take_trusts, 0, false },
	{ "identities", take_identities, 0, false },
	{ 0 }
};

/* The whole */

/* Adds the system's store, and lets the client's role point at a store. */
static bool settle_stores(config_setting_t *root, struct config *config)
{
	config_setting_t *at = config_setting_get_member(root, "client");
	struct trust *all, *system;
	char why[512];

	all = realloc(config->trusts,
		      (config->trust_count + 1) * sizeof(*config->trusts));
	if (!all)
		return complain(root, "out of memory");
	config->trusts = all;
	system = &all[config->trust_count++];
	memset(system, 0, sizeof(*system));
	system->name = strdup(TRUST_SYSTEM);
	if (!system->name || !trust_load(system, why, sizeof(why)))
		return complain(root, "the system's trust store does not load");
	if (!config->client.trust)
		config->client.trust = strdup(TRUST_SYSTEM);
	if (!config->client.trust)
		return complain(root, "out of memory");
	if (!config_trust(config, config->client.trust))
		return complain(config_setting_get_member(at, "trust"),
				"there is no trust store \"%s\"",
				config->client.trust);
	return true;
}

/* Identities point into the list of stores, which is complete now. There is no
 * default: "system" is a long list of people who vouch for servers.
 */
static bool settle_client_trust(config_setting_t *at, struct config *config,
				struct identity *id)
{
	bool asks = id->client_certificates != CLIENT_CERTIFICATES_NONE;

	if (!id->client_trust)
		return !asks || complain(at, "client_certificates needs \"client_trust\"");
	at = config_setting_get_member(at, "client_trust");
	if (!asks)
		return complain(at, "is of no use without client_certificates");
	id->trust = config_trust(config, id->client_trust);
	if (!id->trust)
		return complain(at, "there is no trust store \"%s\"",
				id->client_trust);
	return !id->trust->require_ocsp ||
	       complain(at, "\"%s\" has require_ocsp, and clients cannot show a response",
			id->client_trust);
}

static bool settle_identities(config_setting_t *root, struct config *config)
{
	config_setting_t *list = config_setting_get_member(root, "identities");
	bool ok = true;

	for (size_t i = 0; i < config->identity_count; i++)
		if (!settle_client_trust(config_setting_get_elem(list, (unsigned int)i),
					 config, &config->identities[i]))
			ok = false;
	return ok;
}

static bool settle_tickets(config_setting_t *root, struct config *config)
{
	config_setting_t *at = config_setting_get_member(root, "ticket_keys");
	char why[512];

	SSL_CTX_set_timeout(config->server_ctx, (long)config->ticket_lifetime);
	return tickets_load(&config->tickets, config->ticket_keys,
			    config->ticket_lifetime, why, sizeof(why)) ||
	       complain(at ? at : root, "%s", why);
}

static bool config_take(config_setting_t *root, struct config *config)
{
	config->client_ctx = tls_ctx_new(false);
	config->server_ctx = tls_ctx_new(true);
	if (!config->client_ctx || !config->server_ctx)
		return complain(root, "OpenSSL: no context");
	if (!take_group(root, top_keys, config))
		return false;
	if (!config_setting_get_member(root, "client"))
		policy_default(&config->client.policy);
	config->cache.max = config->client.sessions;
	return settle_stores(root, config) && settle_identities(root, config) &&
	       settle_tickets(root, config);
}

static bool config_parse(const char *path, config_t *file)
{
	if (config_read_file(file, path))
		return true;
	if (config_error_type(file) == CONFIG_ERR_FILE_IO)
		log_err("%s: cannot be read: %m", path);
	else
		log_err("%s:%d: %s",
			config_error_file(file) ? config_error_file(file) : path,
			config_error_line(file), config_error_text(file));
	return false;
}

struct config *config_load(const char *path)
{
	struct config *config = calloc(1, sizeof(*config));
	config_t file;
	bool ok;

	if (!config) {
		log_err("%s: out of memory", path);
		return NULL;
	}
	atomic_init(&config->refs, 1);
	tickets_init(&config->tickets);
	config->drain = CONFIG_DRAIN;
	config->max_handshakes = CONFIG_HANDSHAKES;
	config->ticket_lifetime = CONFIG_LIFETIME;
	config->client.sessions = CONFIG_SESSIONS;
	cache_init(&config->cache, 0);
	config_path = path;
	config_init(&file);
	ok = config_parse(path, &file) &&
	     config_take(config_root_setting(&file), config);
	config_destroy(&file);
	if (!ok) {
		config_put(config);
		config = NULL;
	}
	return config;
}

struct config *config_get(struct config *config)
{
	atomic_fetch_add(&config->refs, 1);
	return config;
}

void config_put(struct config *config)
{
	if (!config || atomic_fetch_sub(&config->refs, 1) != 1)
		return;
	for (size_t i = 0; i < config->identity_count; i++)
		identity_fini(&config->identities[i]);
	for (size_t i = 0; i < config->trust_count; i++)
		trust_fini(&config->trusts[i]);
	for (size_t i = 0; i < config->namespace_count; i++)
		free(config->namespaces[i]);
	free(config->namespaces);
	SSL_CTX_free(config->client_ctx);
	SSL_CTX_free(config->server_ctx);
	free(config->identities);
	free(config->trusts);
	tickets_fini(&config->tickets);
	cache_fini(&config->cache);
	free(config->ticket_keys);
	free(config->client.trust);
	free(config->user);
	free(config);
}

const struct trust *config_trust(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->trust_count; i++)
		if (!strcmp(config->trusts[i].name, name))
			return &config->trusts[i];
	return NULL;
}

const struct identity *config_identity(const struct config *config,
				       const char *name)
{
	for (size_t i = 0; i < config->identity_count; i++)
		if (!strcmp(config->identities[i].name, name))
			return &config->identities[i];
	return NULL;
}

const struct identity *config_identity_for(const struct config *config,
					   const char *host, bool *named)
{
	const struct identity *found = NULL;
	size_t best = 0, len;

	for (size_t i = 0; host && i < config->identity_count; i++) {
		len = identity_matches(&config->identities[i], host);
		if (len > best) {
			best = len;
			found = &config->identities[i];
		}
	}
	*named = found;
	return found ? found : config->fallback;
}
