// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket options. Setting checks all input, builds aside, and publishes last, in
 * steps that cannot fail; key bytes are wiped on every way out.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "ctx.h"
#include "handshake.h"
#include "sockopt.h"
#include "ulp.h"

#define RECORD_LIMIT_MIN	64	/* RFC 8449 4 */

static bool reveal_keys;
module_param(reveal_keys, bool, 0444);
MODULE_PARM_DESC(reveal_keys,
		 "TLS_TX and TLS_RX give keys back, as the in-tree module does (default: zeroes)");

/* What TLS_TX and TLS_RX carry; cipher.h says how the bytes after @info lie. */
union sluice_raw {
	struct tls_crypto_info info;
	u8 bytes[SLUICE_RAW_MAX];
};

/* --- keys of raw mode --- */

static u8 *sluice_raw_iv(u8 *raw)
{
	return raw + sizeof(struct tls_crypto_info);
}

static u8 *sluice_raw_seq(u8 *raw, const struct sluice_cipher *c)
{
	return sluice_raw_iv(raw) + c->iv_len + c->key_len + c->salt_len;
}

/* @config->cipher is set. */
static void sluice_raw_config(union sluice_raw *raw, struct sluice_key_config *config)
{
	const struct sluice_cipher *c = config->cipher;
	const u8 *iv = sluice_raw_iv(raw->bytes);
	const u8 *key = iv + c->iv_len;
	const u8 *salt = key + c->key_len;

	config->version = raw->info.version;
	config->has_secret = false;
	memcpy(config->key, key, c->key_len);
	memcpy(config->iv, salt, c->salt_len);
	memcpy(config->iv + c->salt_len, iv, c->iv_len);
	config->seq = get_unaligned_be64(sluice_raw_seq(raw->bytes, c));
	if (c->explicit_len)
		config->explicit_nonce = get_unaligned_be64(iv);
}

/* Both directions speak the same version and cipher, as in the in-tree module; so does a
 * direction before and after a rekey.
 */
static bool sluice_raw_agrees(const struct tls_crypto_info *info, const struct sluice_dir *other)
{
	return !other->key || (other->key->version == info->version &&
			       other->key->cipher->type == info->cipher_type);
}

/* In the in-tree module's order, so that two faults at once give the same errno. */
static int sluice_raw_read(union sluice_raw *raw, const struct sluice_dir *other, sockptr_t optval,
			   unsigned int optlen, const struct sluice_cipher **cipher)
{
	const struct sluice_cipher *c;

	if (copy_from_sockptr(&raw->info, optval, sizeof(raw->info)))
		return -EFAULT;
	c = sluice_cipher_find(raw->info.cipher_type);
	if (!c || !sluice_cipher_speaks(c, raw->info.version) ||
	    !sluice_raw_agrees(&raw->info, other) || optlen != c->info_len)
		return -EINVAL;
	if (copy_from_sockptr_offset(&raw->info + 1, optval, sizeof(raw->info),
				     optlen - sizeof(raw->info)))
		return -EFAULT;
	*cipher = c;
	return 0;
}

/* Whoever can reach a socket must not get at its keys: they are kept to be read back only
 * where the administrator wants that, and are else nowhere but in the transform.
 */
static void sluice_raw_keep(u8 *kept, const union sluice_raw *raw, const struct sluice_cipher *c)
{
	if (reveal_keys)
		memcpy(kept, raw->bytes, c->info_len);
}

/* The key in use once more, from a sequence number that it may have been used with? No nonce
 * twice, whatever the program says.
 */
static bool sluice_raw_repeats(const struct sluice_dir *dir, const struct sluice_key_config *config)
{
	return dir->key && config->seq < dir->seq && sluice_key_same(dir->key, config);
}

static struct sluice_key *sluice_raw_key(struct sluice_ctx *ctx, const struct sluice_dir *dir,
					 const struct sluice_key_config *config)
{
	struct sluice_key *key;

	if (dir == &ctx->tx.dir && sluice_raw_repeats(dir, config))
		return ERR_PTR(-EINVAL);
	key = sluice_key_create(config);
	if (key == ERR_PTR(-ENOENT))
		sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_NO_CIPHER);
	return key;
}

/* @other: whose version and cipher the new keys must have, if it has keys. */
static int sluice_raw_install(struct sluice_ctx *ctx, struct sluice_dir *dir,
			      const struct sluice_dir *other, u8 *kept, sockptr_t optval,
			      unsigned int optlen)
{
	struct sluice_key_config config = { };
	struct sluice_key *key;
	union sluice_raw raw;
	int err;

	err = sluice_raw_read(&raw, other, optval, optlen, &config.cipher);
	if (err)
		goto out;
	sluice_raw_config(&raw, &config);
	key = sluice_raw_key(ctx, dir, &config);
	err = PTR_ERR_OR_ZERO(key);
	if (err)
		goto out;

	/* Nothing below can fail. */
	sluice_raw_keep(kept, &raw, config.cipher);
	sluice_ctx_key(ctx, dir, key, config.seq, config.explicit_nonce);
	sluice_ulp_guard(ctx);
out:
	memzero_explicit(&config, sizeof(config));
	memzero_explicit(&raw, sizeof(raw));
	return err;
}

static int sluice_raw_first(struct sluice_ctx *ctx, bool tx, sockptr_t optval,
			    unsigned int optlen)
{
	int err;

	if (!sluice_ctx_connected(ctx))
		return -ENOTCONN;
	err = sluice_ulp_adopt(ctx);
	if (err)
		return err;
	if (tx)
		return sluice_raw_install(ctx, &ctx->tx.dir, &ctx->rx.dir, ctx->raw_tx, optval,
					  optlen);
	return sluice_raw_install(ctx, &ctx->rx.dir, &ctx->tx.dir, ctx->raw_rx, optval, optlen);
}

/* New keys for a direction that has some (RFC 8446 4.6.3; TLS 1.2 has no such thing). A
 * failure leaves the old ones.
 */
static int sluice_raw_rekey(struct sluice_ctx *ctx, bool tx, sockptr_t optval,
			    unsigned int optlen)
{
	struct sluice_dir *dir = tx ? &ctx->tx.dir : &ctx->rx.dir;
	int err = -EBUSY;

	if (dir->key->version == TLS_1_3_VERSION)
		err = sluice_raw_install(ctx, dir, dir, tx ? ctx->raw_tx : ctx->raw_rx, optval,
					 optlen);
	if (tx)
		sluice_stat_inc(sluice_net(ctx), err ? SLUICE_STAT_TX_REKEY_ERRORS :
						       SLUICE_STAT_TX_REKEYS);
	else
		sluice_stat_inc(sluice_net(ctx), err ? SLUICE_STAT_RX_REKEY_ERRORS :
						       SLUICE_STAT_RX_REKEYS);
	return err;
}

/* @optname: TLS_TX or TLS_RX. */
static int sluice_set_raw(struct sluice_ctx *ctx, int optname, sockptr_t optval,
			  unsigned int optlen)
{
	bool tx = optname == TLS_TX;
	struct sluice_dir *dir = tx ? &ctx->tx.dir : &ctx->rx.dir;
	int err;

	if (sockptr_is_null(optval) || optlen < sizeof(struct tls_crypto_info))
		return -EINVAL;
	if (ctx->arm)
		return -EBUSY;
	err = dir->key ? sluice_raw_rekey(ctx, tx, optval, optlen) :
			 sluice_raw_first(ctx, tx, optval, optlen);
	if (!err && !tx)
		sluice_rx_rekeyed(ctx);
	return err;
}

/*
 * Version, cipher, the next record's sequence number and explicit nonce: what shows on the
 * wire, or could be counted there. Key and salt, and the IV where it masks the sequence
 * number, are secret: zero, unless they were kept. A managed socket's program never had any.
 */
static void sluice_raw_answer(const struct sluice_ctx *ctx, const struct sluice_dir *dir,
			      const u8 *kept, union sluice_raw *raw)
{
	const struct sluice_cipher *c = dir->key->cipher;

	memset(raw, 0, sizeof(*raw));
	if (!sluice_ctx_managed(ctx)) {
		memcpy(raw->bytes, kept, c->info_len);
		if (dir->key->version == TLS_1_2_VERSION && c->explicit_len)
			put_unaligned_be64(dir->explicit_nonce, sluice_raw_iv(raw->bytes));
	}
	raw->info.version = dir->key->version;
	raw->info.cipher_type = c->type;
	put_unaligned_be64(dir->seq, sluice_raw_seq(raw->bytes, c));
}

static int sluice_get_raw(struct sluice_ctx *ctx, int optname, char __user *optval,
			  int __user *optlen)
{
	const struct sluice_dir *dir = optname == TLS_TX ? &ctx->tx.dir : &ctx->rx.dir;
	const u8 *kept = optname == TLS_TX ? ctx->raw_tx : ctx->raw_rx;
	union sluice_raw raw;
	int len, err = 0;

	if (get_user(len, optlen))
		return -EFAULT;
	if (!optval || len < (int)sizeof(raw.info))
		return -EINVAL;
	if (!dir->key)
		return -EBUSY;
	if (len != sizeof(raw.info) && len != dir->key->cipher->info_len)
		return -EINVAL;
	sluice_raw_answer(ctx, dir, kept, &raw);
	if (copy_to_user(optval, &raw, len))
		err = -EFAULT;
	memzero_explicit(&raw, sizeof(raw));
	return err;
}

/* --- what a program says of its data and records; the in-tree module's checks in its order --- */

static int sluice_set_zerocopy_ro(struct sluice_ctx *ctx, sockptr_t optval, unsigned int optlen)
{
	unsigned int value;

	if (sockptr_is_null(optval) || optlen != sizeof(value))
		return -EINVAL;
	if (copy_from_sockptr(&value, optval, sizeof(value)))
		return -EFAULT;
	if (value > 1)
		return -EINVAL;
	ctx->zerocopy_ro = value;
	return 0;
}

static int sluice_get_zerocopy_ro(const struct sluice_ctx *ctx, char __user *optval,
				  int __user *optlen)
{
	unsigned int value = ctx->zerocopy_ro;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len != sizeof(value))
		return -EINVAL;
	return copy_to_user(optval, &value, sizeof(value)) ? -EFAULT : 0;
}

static bool sluice_pads(const struct sluice_ctx *ctx)
{
	return ctx->rx.dir.key && ctx->rx.dir.key->version == TLS_1_3_VERSION;
}

static int sluice_set_no_pad(struct sluice_ctx *ctx, sockptr_t optval, unsigned int optlen)
{
	u32 value;
	int rc;

	if (ctx->version != TLS_1_3_VERSION || sockptr_is_null(optval) || optlen < sizeof(value))
		return -EINVAL;
	if (copy_from_sockptr(&value, optval, sizeof(value)))
		return -EFAULT;
	if (value > 1)
		return -EINVAL;
	rc = check_zeroed_sockptr(optval, sizeof(value), optlen - sizeof(value));
	if (rc < 1)
		return rc ?: -EINVAL;
	if (!sluice_pads(ctx))
		return -EINVAL;
	WRITE_ONCE(ctx->expect_no_pad, value);
	ctx->rx.padded = 0;
	return 0;
}

static int sluice_get_no_pad(const struct sluice_ctx *ctx, char __user *optval,
			     int __user *optlen)
{
	int value = ctx->expect_no_pad;
	int len;

	if (ctx->version != TLS_1_3_VERSION)
		return -EINVAL;
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(value) || !sluice_pads(ctx))
		return -EINVAL;
	if (put_user(sizeof(value), optlen) || copy_to_user(optval, &value, sizeof(value)))
		return -EFAULT;
	return 0;
}

/* The option counts content; the least limit of RFC 8449 4 counts TLS 1.3's type byte too. */
static int sluice_set_max_payload(struct sluice_ctx *ctx, sockptr_t optval, unsigned int optlen)
{
	u16 least = RECORD_LIMIT_MIN - (ctx->version == TLS_1_3_VERSION ? 1 : 0);
	u16 value;

	/* It may be longer already. */
	if (ctx->tx.open_len)
		return -EBUSY;
	if (sockptr_is_null(optval) || optlen != sizeof(value))
		return -EINVAL;
	if (copy_from_sockptr(&value, optval, sizeof(value)))
		return -EFAULT;
	if (value < least || value > SLUICE_PLAINTEXT_MAX)
		return -EINVAL;
	/* In managed mode the limit there is may be the peer's. */
	if (sluice_ctx_managed(ctx) && value > ctx->tx.max_payload)
		return -EINVAL;
	WRITE_ONCE(ctx->tx.max_payload, value);
	return 0;
}

static int sluice_get_max_payload(const struct sluice_ctx *ctx, char __user *optval,
				  int __user *optlen)
{
	u16 value = ctx->tx.max_payload;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(value))
		return -EINVAL;
	if (put_user(sizeof(value), optlen) || copy_to_user(optval, &value, sizeof(value)))
		return -EFAULT;
	return 0;
}

/* --- managed mode --- */

static struct sluice_arm *sluice_read_request(const struct net *net, sockptr_t optval,
					      unsigned int optlen)
{
	struct sluice_request *req;
	struct sluice_arm *arm;
	int err;

	if (sockptr_is_null(optval) || optlen < sizeof(*req))
		return ERR_PTR(-EINVAL);
	/* As other structures that grow: a page of zeroes is enough to look through. */
	if (optlen > PAGE_SIZE)
		return ERR_PTR(-E2BIG);
	/* Not copy_struct_from_sockptr(): on 6.12 it does not look at the extra bytes. */
	err = check_zeroed_sockptr(optval, sizeof(*req), optlen - sizeof(*req));
	if (err < 1)
		return ERR_PTR(err ?: -E2BIG);
	req = memdup_sockptr(optval, sizeof(*req));
	if (IS_ERR(req))
		return ERR_CAST(req);
	err = sluice_request_check(req);
	arm = err ? ERR_PTR(err) : sluice_arm_create(net, req);
	kfree(req);
	return arm ?: ERR_PTR(-ENOMEM);
}

static int sluice_may_arm(const struct sluice_ctx *ctx, const struct sluice_request *req)
{
	const struct sock *sk = ctx->sk;

	if (ctx->arm || ctx->tx.dir.key || ctx->rx.dir.key)
		return -EBUSY;
	switch (sk->sk_state) {
	case TCP_LISTEN:
		return req->role == SLUICE_ROLE_SERVER ? 0 : -EINVAL;
	case TCP_CLOSE:
		return sk->sk_socket->state == SS_UNCONNECTED ? 0 : -ENOTCONN;
	case TCP_SYN_SENT:
	case TCP_ESTABLISHED:
		return 0;
	default:
		return -ENOTCONN;
	}
}

/* Too many handshakes is an answer for now; every other end of one comes by SO_ERROR. */
static int sluice_begin(struct sluice_ctx *ctx)
{
	int err = sluice_ulp_start(ctx);

	if (err || READ_ONCE(ctx->state) != SLUICE_STATE_FAILED)
		return err;
	err = sluice_ctx_error(ctx);
	if (err != -ENOBUFS && err != -EDQUOT && err != -ENOMEM)
		return 0;
	sock_error(ctx->sk);
	return err;
}

static int sluice_set_handshake(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);
	struct sluice_arm *arm = sluice_read_request(sock_net(sk), optval, optlen);
	int err;

	if (IS_ERR(arm))
		return PTR_ERR(arm);
	lock_sock(sk);
	err = sluice_may_arm(ctx, &arm->req) ?: sluice_ulp_adopt(ctx);
	if (!err) {
		sluice_ulp_arm(ctx, arm);
		err = sluice_begin(ctx);
	} else {
		sluice_arm_put(arm);
	}
	release_sock(sk);
	return err;
}

static int sluice_set_rekey(struct sluice_ctx *ctx, sockptr_t optval, unsigned int optlen)
{
	u32 flags;

	if (sockptr_is_null(optval) || optlen != sizeof(flags))
		return -EINVAL;
	if (copy_from_sockptr(&flags, optval, sizeof(flags)))
		return -EFAULT;
	if (flags & ~SLUICE_REKEY_PEER)
		return -EINVAL;
	return sluice_managed_rekey(ctx, flags & SLUICE_REKEY_PEER);
}

static void sluice_info_outcome(struct sluice_info *info, const struct sluice_outcome *o)
{
	info->suite = o->suite;
	info->alpn_len = o->alpn_len;
	info->flags |= o->flags;
	info->error = o->error;
	info->verify_error = o->verify_error;
	memcpy(info->text, o->text, sizeof(info->text));
	memcpy(info->server_name, o->server_name, sizeof(info->server_name));
	memcpy(info->alpn, o->alpn, sizeof(info->alpn));
	memcpy(info->peer_subject, o->subject, sizeof(info->peer_subject));
	memcpy(info->peer_fingerprint, o->fingerprint, sizeof(info->peer_fingerprint));
}

/* The client's name is what it asked for, known before any outcome. */
static void sluice_info_name(struct sluice_info *info, const struct sluice_arm *arm)
{
	if (arm && arm->req.role == SLUICE_ROLE_CLIENT)
		memcpy(info->server_name, arm->req.server_name, sizeof(info->server_name));
}

static void sluice_info_fill(const struct sluice_ctx *ctx, struct sluice_info *info)
{
	/* A handshake can fail without the socket lock: pairs with hs_publish(), so that who
	 * is told of the end is told the reason too.
	 */
	info->state = smp_load_acquire(&ctx->state);
	if (info->state >= SLUICE_STATE_OPEN && ctx->info)
		sluice_info_outcome(info, ctx->info);
	sluice_info_name(info, ctx->arm);
	info->role = ctx->role;
	info->version = ctx->version;
	info->cipher = ctx->cipher;
	info->alert_sent = ctx->alert_sent;
	info->alert_received = ctx->alert_received;
	if (ctx->rx.eof)
		info->flags |= SLUICE_INFO_EOF;
	if (!info->error && ctx->rx.error)
		info->error = -ctx->rx.error;
	info->tx_keyupdates = ctx->tx.dir.generation;
	info->rx_keyupdates = ctx->rx.dir.generation;
	info->tx_records = ctx->tx.dir.records;
	info->tx_bytes = ctx->tx.dir.bytes;
	info->rx_records = ctx->rx.dir.records;
	info->rx_bytes = ctx->rx.dir.bytes;
}

static int sluice_get_info(const struct sluice_ctx *ctx, char __user *optval,
			   int __user *optlen)
{
	struct sluice_info *info;
	int len, err = 0;

	if (get_user(len, optlen))
		return -EFAULT;
	if (!optval || len < 0)
		return -EINVAL;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	sluice_info_fill(ctx, info);
	len = min_t(int, len, sizeof(*info));
	if (put_user(len, optlen) || copy_to_user(optval, info, len))
		err = -EFAULT;
	kfree(info);
	return err;
}

static int sluice_get_bytes(const void *bytes, int size, char __user *optval, int __user *optlen)
{
	int len;

	if (!size)
		return -ENODATA;
	if (get_user(len, optlen))
		return -EFAULT;
	if (put_user(size, optlen))
		return -EFAULT;
	if (len < size)
		return -ERANGE;
	return copy_to_user(optval, bytes, size) ? -EFAULT : 0;
}

/* @optname: SLUICE_PEER_CERT or SLUICE_PEER_NAMES. */
static int sluice_get_peer(const struct sluice_ctx *ctx, int optname, char __user *optval,
			   int __user *optlen)
{
	const struct sluice_peer *peer;

	/* Pairs with hs_publish(). */
	if (smp_load_acquire(&ctx->state) != SLUICE_STATE_OPEN || !ctx->info->peer)
		return -ENODATA;
	peer = ctx->info->peer;
	if (optname == SLUICE_PEER_CERT)
		return sluice_get_bytes(peer->bytes, peer->cert_len, optval, optlen);
	return sluice_get_bytes(peer->bytes + peer->cert_len, peer->names_len, optval, optlen);
}

/* --- dispatch --- */

static int sluice_set_tls_locked(struct sluice_ctx *ctx, int optname, sockptr_t optval,
				 unsigned int optlen)
{
	switch (optname) {
	case TLS_TX:
	case TLS_RX:
		return sluice_set_raw(ctx, optname, optval, optlen);
	case TLS_TX_ZEROCOPY_RO:
		return sluice_set_zerocopy_ro(ctx, optval, optlen);
	case TLS_RX_EXPECT_NO_PAD:
		return sluice_set_no_pad(ctx, optval, optlen);
	case TLS_TX_MAX_PAYLOAD_LEN:
		return sluice_set_max_payload(ctx, optval, optlen);
	case SLUICE_REKEY:
		return sluice_set_rekey(ctx, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

static int sluice_set_tls(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen)
{
	int err;

	if (optname == SLUICE_HANDSHAKE && !sluice_ulp_is_tls(sk))
		return sluice_set_handshake(sk, optval, optlen);
	lock_sock(sk);
	err = sluice_set_tls_locked(sluice_ctx(sk), optname, optval, optlen);
	release_sock(sk);
	return err;
}

/* Options of TCP whose bytes would pass the records by. */
static bool sluice_shuts_set(int optname)
{
	switch (optname) {
	case TCP_REPAIR:
	case TCP_FASTOPEN_CONNECT:
	case TCP_INQ:
		return true;
	default:
		return false;
	}
}

int sluice_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		      unsigned int optlen)
{
	if (level == SOL_TLS)
		return sluice_set_tls(sk, optname, optval, optlen);
	if (level == SOL_TCP && sluice_shuts_set(optname))
		return -EOPNOTSUPP;
	return sluice_ctx(sk)->base_prot->setsockopt(sk, level, optname, optval, optlen);
}

static int sluice_get_tls(struct sock *sk, int optname, char __user *optval, int __user *optlen)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);

	switch (optname) {
	case TLS_TX:
	case TLS_RX:
		return sluice_get_raw(ctx, optname, optval, optlen);
	case TLS_TX_ZEROCOPY_RO:
		return sluice_get_zerocopy_ro(ctx, optval, optlen);
	case TLS_RX_EXPECT_NO_PAD:
		return sluice_get_no_pad(ctx, optval, optlen);
	case TLS_TX_MAX_PAYLOAD_LEN:
		return sluice_get_max_payload(ctx, optval, optlen);
	case SLUICE_INFO:
		return sluice_get_info(ctx, optval, optlen);
	case SLUICE_PEER_CERT:
	case SLUICE_PEER_NAMES:
		return sluice_get_peer(ctx, optname, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

int sluice_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		      int __user *optlen)
{
	int err;

	if (level == SOL_TCP && optname == TCP_ZEROCOPY_RECEIVE)
		return -EOPNOTSUPP;
	if (level != SOL_TLS)
		return sluice_ctx(sk)->base_prot->getsockopt(sk, level, optname, optval, optlen);
	lock_sock(sk);
	err = sluice_get_tls(sk, optname, optval, optlen);
	release_sock(sk);
	return err;
}
