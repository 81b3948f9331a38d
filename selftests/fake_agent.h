/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent without a handshake: it takes requests, installs keys that the test
 * has made up, and says how it ended. What the module does with an agent can so
 * be seen without a TLS library on either side.
 */
#ifndef SELFTESTS_FAKE_AGENT_H
#define SELFTESTS_FAKE_AGENT_H

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <sluice.h>

#include "netns.h"
#include "nl.h"
#include "tls_record.h"

/*
 * Keys
 */

/* One direction as an agent has it: a traffic secret in TLS 1.3, and what
 * follows from it.
 */
struct agent_keys {
	struct test_keys keys;
	unsigned char secret[48];
	size_t secret_len;
};

static inline const char *secret_hash(size_t len)
{
	return len == 48 ? "SHA384" : "SHA256";
}

/* HKDF-Expand-Label with an empty context, RFC 8446 7.1, by libcrypto. */
static inline void expand_label(const unsigned char *secret, size_t secret_len, const char *label,
				unsigned char *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST,
				       (char *)(uintptr_t)secret_hash(secret_len), 0),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, secret_len),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PREFIX, (void *)(uintptr_t)"tls13 ", 6),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_LABEL, (void *)(uintptr_t)label,
					strlen(label)),
		OSSL_PARAM_END
	};

	if (!ctx || EVP_KDF_derive(ctx, out, len, params) <= 0)
		abort();
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* RFC 8446 7.3 */
static inline void agent_keys_derive(struct agent_keys *k)
{
	expand_label(k->secret, k->secret_len, "key", k->keys.key, k->keys.cipher->key_len);
	expand_label(k->secret, k->secret_len, "iv", k->keys.iv, sizeof(k->keys.iv));
}

/* The next generation, RFC 8446 7.2. */
static inline void agent_keys_next(struct agent_keys *k)
{
	unsigned char next[48];

	expand_label(k->secret, k->secret_len, "traffic upd", next, k->secret_len);
	memcpy(k->secret, next, k->secret_len);
	agent_keys_derive(k);
	k->keys.seq = 0;
}

static inline void agent_keys_make(struct agent_keys *k, __u16 version, __u16 cipher,
				   unsigned int seed, uint64_t seq)
{
	memset(k, 0, sizeof(*k));
	keys_make(&k->keys, version, cipher, seed, seq);
	if (version != TLS_1_3_VERSION)
		return;
	k->secret_len = cipher == TLS_CIPHER_AES_GCM_256 ? 48 : 32;
	for (size_t i = 0; i < k->secret_len; i++)
		k->secret[i] = (unsigned char)(seed * 77 + i * 11 + 5);
	agent_keys_derive(k);
}

/*
 * The agent
 */

struct fake_agent {
	struct sluice_nl cmd;	/* its text: the kernel's words about the last failure */
	struct sluice_nl wake;	/* in the group */
};

static inline long agent_open(struct fake_agent *agent)
{
	long err = sluice_nl_open(&agent->cmd);

	if (!err)
		err = sluice_nl_open(&agent->wake);
	return err ? err : sluice_nl_join_agents(&agent->wake);
}

static inline void agent_close(struct fake_agent *agent)
{
	sluice_nl_close(&agent->cmd);
	sluice_nl_close(&agent->wake);
}

/* Has a wake-up come within @ms? Takes all there are. */
static inline bool agent_woken(struct fake_agent *agent, int ms)
{
	bool woken = poll_one(sluice_nl_fd(&agent->wake), POLLIN, ms) == POLLIN;
	char buf[256];

	while (recv(sluice_nl_fd(&agent->wake), buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	return woken;
}

/* What ACCEPT told; absent numbers are -1, absent strings NULL. */
struct fake_request {
	int fd;
	int role;
	long flags;
	int min_version;
	int max_version;
	char server_name[SLUICE_NAME_MAX];
	char identity[SLUICE_LABEL_MAX];
	char trust[SLUICE_LABEL_MAX];
	unsigned char alpn[SLUICE_ALPN_MAX];
	int alpn_len;
	long timeout;
	long uid;
	long gid;
	long pid;
	uint32_t groups[64];
	int n_groups;
	struct sockaddr_storage peer;
	struct sockaddr_storage local;
	long abi;
	uint64_t ciphers;
	long waiting;
};

static inline long attr_u32(struct nlattr *attr)
{
	return attr ? (long)nla_get_u32(attr) : -1;
}

static inline int attr_u16(struct nlattr *attr)
{
	return attr ? nla_get_u16(attr) : -1;
}

static inline int attr_copy(void *to, size_t size, struct nlattr *attr)
{
	if (!attr || (size_t)nla_len(attr) > size)
		return -1;
	memcpy(to, nla_data(attr), (size_t)nla_len(attr));
	return nla_len(attr);
}

static inline int agent_on_accept(struct nlattr **a, void *arg)
{
	struct fake_request *r = arg;

	if (!a[SLUICE_A_FD] || !a[SLUICE_A_CIPHERS])
		return -EPROTO;
	r->fd = nla_get_s32(a[SLUICE_A_FD]);
	r->role = attr_u16(a[SLUICE_A_ROLE]);
	r->flags = attr_u32(a[SLUICE_A_FLAGS]);
	r->min_version = attr_u16(a[SLUICE_A_MIN_VERSION]);
	r->max_version = attr_u16(a[SLUICE_A_MAX_VERSION]);
	attr_copy(r->server_name, sizeof(r->server_name), a[SLUICE_A_SERVER_NAME]);
	attr_copy(r->identity, sizeof(r->identity), a[SLUICE_A_IDENTITY]);
	attr_copy(r->trust, sizeof(r->trust), a[SLUICE_A_TRUST]);
	r->alpn_len = attr_copy(r->alpn, sizeof(r->alpn), a[SLUICE_A_ALPN]);
	r->timeout = attr_u32(a[SLUICE_A_TIMEOUT]);
	r->uid = attr_u32(a[SLUICE_A_UID]);
	r->gid = attr_u32(a[SLUICE_A_GID]);
	r->pid = attr_u32(a[SLUICE_A_PID]);
	r->n_groups = attr_copy(r->groups, sizeof(r->groups), a[SLUICE_A_GROUPS]) / 4;
	attr_copy(&r->peer, sizeof(r->peer), a[SLUICE_A_PEER]);
	attr_copy(&r->local, sizeof(r->local), a[SLUICE_A_LOCAL]);
	r->abi = attr_u32(a[SLUICE_A_ABI]);
	r->ciphers = nla_get_u64(a[SLUICE_A_CIPHERS]);
	r->waiting = attr_u32(a[SLUICE_A_WAITING]);
	return 0;
}

/* 0 with a channel in @request->fd, or -errno: -EAGAIN when nothing waits. */
static inline long agent_accept(struct fake_agent *agent, struct fake_request *request)
{
	memset(request, 0, sizeof(*request));
	request->fd = -1;
	return sluice_nl_call(&agent->cmd, sluice_nl_msg(&agent->cmd, SLUICE_CMD_ACCEPT),
			      agent_on_accept, request);
}

/* Waits for a request, then takes it. */
static inline long agent_take(struct fake_agent *agent, struct fake_request *request)
{
	long err = agent_accept(agent, request);

	for (int i = 0; err == -EAGAIN && i < 20; i++) {
		agent_woken(agent, SOON / 20);
		err = agent_accept(agent, request);
	}
	return err;
}

static inline int put_keys12(struct nl_msg *msg, const struct test_keys *k, bool tx)
{
	size_t iv_len = k->cipher->salt_len ? k->cipher->salt_len : sizeof(k->iv);
	uint64_t nonce;
	int err;

	memcpy(&nonce, k->iv + 4, sizeof(nonce));
	err = nla_put(msg, SLUICE_K_KEY, (int)k->cipher->key_len, k->key);
	err |= nla_put(msg, SLUICE_K_IV, (int)iv_len, k->iv);
	if (tx && keys_explicit(k))
		err |= nla_put_u64(msg, SLUICE_K_EXPLICIT, be64toh(nonce));
	return err;
}

static inline void put_keys(struct nl_msg *msg, int type, const struct agent_keys *k)
{
	struct nlattr *nest = nla_nest_start(msg, type);
	int err;

	err = nla_put_u16(msg, SLUICE_K_VERSION, k->keys.version);
	err |= nla_put_u16(msg, SLUICE_K_CIPHER, k->keys.cipher->type);
	err |= nla_put_u64(msg, SLUICE_K_SEQ, k->keys.seq);
	if (k->keys.version == TLS_1_3_VERSION)
		err |= nla_put(msg, SLUICE_K_SECRET, (int)k->secret_len, k->secret);
	else
		err |= put_keys12(msg, &k->keys, type == SLUICE_A_TX);
	if (!nest || err)
		abort();
	nla_nest_end(msg, nest);
}

/* A message that names the channel @fd. */
static inline struct nl_msg *agent_msg(struct fake_agent *agent, int cmd, int fd)
{
	struct nl_msg *msg = sluice_nl_msg(&agent->cmd, (uint8_t)cmd);

	if (!msg || nla_put_s32(msg, SLUICE_A_FD, fd))
		abort();
	return msg;
}

static inline long agent_send(struct fake_agent *agent, struct nl_msg *msg)
{
	return sluice_nl_call(&agent->cmd, msg, NULL, NULL);
}

static inline struct nl_msg *agent_install_msg(struct fake_agent *agent, int fd,
					       const struct agent_keys *tx,
					       const struct agent_keys *rx)
{
	struct nl_msg *msg = agent_msg(agent, SLUICE_CMD_INSTALL, fd);

	put_keys(msg, SLUICE_A_TX, tx);
	put_keys(msg, SLUICE_A_RX, rx);
	return msg;
}

static inline long agent_install(struct fake_agent *agent, int fd, const struct agent_keys *tx,
				 const struct agent_keys *rx)
{
	return agent_send(agent, agent_install_msg(agent, fd, tx, rx));
}

/* @error: 0 or positive. */
static inline long agent_done(struct fake_agent *agent, int fd, int error, const char *text)
{
	struct nl_msg *msg = agent_msg(agent, SLUICE_CMD_DONE, fd);

	if ((error && nla_put_u32(msg, SLUICE_A_ERROR, (uint32_t)error)) ||
	    (text && nla_put_string(msg, SLUICE_A_TEXT, text)))
		abort();
	return agent_send(agent, msg);
}

/* The whole of an agent's work on one request: success with these keys. */
static inline long agent_serve(struct fake_agent *agent, const struct agent_keys *tx,
			       const struct agent_keys *rx)
{
	struct fake_request request;
	long err = agent_take(agent, &request);

	if (!err)
		err = agent_install(agent, request.fd, tx, rx);
	if (!err)
		err = agent_done(agent, request.fd, 0, NULL);
	close(request.fd);
	return err;
}

/*
 * Programs
 */

/* Makes @fd a TLS socket of this role; 0 or -errno. */
static inline long arm(int fd, int role, __u32 flags, __u32 timeout_ms)
{
	struct sluice_options o = SLUICE_OPTIONS_INIT;

	o.role = (uint16_t)role;
	o.flags = flags;
	o.timeout_ms = timeout_ms;
	o.server_name = role == SLUICE_ROLE_CLIENT ? "test.example" : NULL;
	return sys(sluice_arm(fd, &o));
}

static inline long arm_client(int fd)
{
	return arm(fd, SLUICE_ROLE_CLIENT, 0, 0);
}

/* A connection, nothing on it yet. @own, @peers: by which they will send. */
static inline long wire_connect(struct wire *wire, const struct agent_keys *own,
				const struct agent_keys *peers)
{
	const struct tcp_options opt = { 0 };

	peer_init(&wire->open, &own->keys);
	peer_init(&wire->seal, &peers->keys);
	return tcp_pair(&opt, wire->fd);
}

/* One managed connection against libcrypto: wire->fd[0] is the module's, open;
 * wire->fd[1] plain TCP.
 */
static inline long wire_managed(struct wire *wire, struct fake_agent *agent, int role, __u32 flags,
				const struct agent_keys *own, const struct agent_keys *peers)
{
	long err = wire_connect(wire, own, peers);

	if (!err)
		err = arm(wire->fd[0], role, flags, 0);
	return err ? err : agent_serve(agent, own, peers);
}

/* A counter of this namespace; its own when it cannot be had. */
static inline uint64_t stat_get(int stat)
{
	struct sluice_nl_state state;

	return netns_state(&state) ? UINT64_MAX : state.stats[stat];
}

/* A module parameter; the old value, for putting it back, or -errno. */
static inline long parameter(const char *name, long value)
{
	char path[128], old[32] = { 0 }, new[32];
	int fd, len = snprintf(new, sizeof(new), "%ld", value);
	long err;

	snprintf(path, sizeof(path), "/sys/module/sluice/parameters/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = sys(read(fd, old, sizeof(old) - 1));
	if (err > 0)
		err = sys(pwrite(fd, new, (size_t)len, 0));
	close(fd);
	return err < 0 ? err : strtol(old, NULL, 10);
}

/* The handshake failed: so says every call, and SLUICE_INFO says why. */
#define EXPECT_FAILED(fd, errnum, stat, words) do {				\
	struct sluice_info _why;						\
	char _byte;								\
										\
	EXPECT_EQ(-(errnum), sys(recv(fd, &_byte, 1, 0)));			\
	EXPECT_EQ(-(errnum), sys(send(fd, "x", 1, MSG_NOSIGNAL)));		\
	EXPECT_EQ(-(errnum), sys(recv(fd, &_byte, 1, MSG_DONTWAIT)));		\
	EXPECT_TRUE(poll_one(fd, POLLIN | POLLOUT, 0) & POLLERR);		\
	EXPECT_EQ(0, info_get(fd, &_why));					\
	EXPECT_EQ(SLUICE_STATE_FAILED, _why.state);				\
	EXPECT_EQ(errnum, _why.error);						\
	EXPECT_TRUE(strstr(_why.text, words)) {					\
		TH_LOG("text: %s", _why.text);					\
	}									\
	EXPECT_EQ(1, stat_get(stat));						\
} while (0)

#endif
