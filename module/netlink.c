// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "sluice": takes messages apart, calls, answers;
 * holds no state. A command runs in the task that sends it, so a channel is named
 * by that task's file descriptor, and files are installed there.
 *
 * The keys of a message are checked here and not by the family's policy, which sees
 * nests without a look inside: whatever comes of them, their bytes are wiped.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <uapi/linux/sluice.h>

#include "channel.h"
#include "cipher.h"
#include "handshake.h"
#include "keyattr.h"
#include "netlink.h"
#include "stats.h"

/* Supplementary groups told to an agent, at most; further ones count as not there. */
#define NL_GROUPS_MAX	1024
/* The rest of a request: strings and lists by their arrays, and some numbers. */
#define NL_REQUEST_SIZE	(SLUICE_NAME_MAX + 2 * SLUICE_LABEL_MAX + SLUICE_ALPN_MAX + \
			 2 * sizeof(struct sockaddr_in6) + 512)

static struct genl_family nl_family;
static u64 nl_ciphers __ro_after_init;

static const struct genl_multicast_group nl_groups[] = {
	{ .name = SLUICE_GENL_MCGRP_AGENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

/* --- wake-ups --- */

/**
 * struct nl_listeners - a multicast, while it looks for its receivers
 * @net:	only those of this namespace count: the group's own bookkeeping is not per
 *		namespace
 * @deliver:	give it to them too
 * @found:	there was one
 */
struct nl_listeners {
	struct net *net;
	bool deliver;
	bool found;
};

/* Return: true to skip this listener. */
static int nl_filter(struct sock *listener, struct sk_buff *skb, void *data)
{
	struct nl_listeners *to = data;

	if (!net_eq(sock_net(listener), to->net))
		return true;
	to->found = true;
	return !to->deliver;
}

/* Without memory for the message, listeners get an ENOBUFS, which wakes as well; whether
 * there are any is then not known: assume so, a deadline is still there.
 */
static bool nl_multicast(struct net *net, bool deliver, gfp_t gfp)
{
	struct nl_listeners to = { .net = net, .deliver = deliver };
	struct sk_buff *msg = genlmsg_new(0, gfp);
	void *head = NULL;

	if (msg)
		head = genlmsg_put(msg, 0, 0, &nl_family, 0, SLUICE_CMD_READY);
	if (!head) {
		nlmsg_free(msg);
		if (deliver)
			genl_set_err(&nl_family, net, 0, 0, -ENOBUFS);
		return true;
	}
	genlmsg_end(msg, head);
	genlmsg_multicast_netns_filtered(&nl_family, net, msg, 0, 0, gfp, nl_filter, &to);
	return to.found;
}

bool sluice_netlink_ready(struct net *net, gfp_t gfp)
{
	return nl_multicast(net, true, gfp);
}

bool sluice_netlink_served(struct net *net, gfp_t gfp)
{
	return nl_multicast(net, false, gfp);
}

static void nl_unbind(int group)
{
	sluice_hs_agent_left();
}

/* --- versions --- */

/* Not for GET: whoever asks is told ours. */
static int nl_same_version(struct genl_info *info)
{
	if (info->genlhdr->version == SLUICE_ABI_VERSION)
		return 0;
	GENL_SET_ERR_MSG_FMT(info, "the agent speaks version %u of the interface, this module %u",
			     info->genlhdr->version, SLUICE_ABI_VERSION);
	return -EPROTONOSUPPORT;
}

/* --- channels by descriptor --- */

static bool nl_may_act_for(const struct cred *cred, void *skb)
{
	return netlink_ns_capable(skb, cred->user_ns, CAP_NET_ADMIN);
}

/* The channel that SLUICE_A_FD names. Return: its file, for fput(), or ERR_PTR. */
static struct file *nl_channel(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[SLUICE_A_FD];
	struct sluice_hs *hs;
	struct file *file;
	int err;

	err = nl_same_version(info);
	if (err)
		return ERR_PTR(err);
	err = -EINVAL;
	if (!attr) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, SLUICE_A_FD);
		GENL_SET_ERR_MSG(info, "the channel's file descriptor is missing");
		return ERR_PTR(err);
	}
	file = fget(nla_get_s32(attr));
	if (!file) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such file descriptor");
		return ERR_PTR(-EBADF);
	}
	hs = sluice_channel_hs(file);
	if (!hs) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "the file is not a channel");
	} else if (!net_eq(hs->net, genl_info_net(info))) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the channel is of another network namespace");
	} else if (!nl_may_act_for(hs->arm->cred, skb)) {
		NL_SET_ERR_MSG(info->extack,
			       "no CAP_NET_ADMIN in the program's user namespace");
		err = -EPERM;
	} else {
		return file;
	}
	fput(file);
	return ERR_PTR(err);
}

/* What the handshake answers to INSTALL and DONE. */
static void nl_explain(struct genl_info *info, int err)
{
	if (err == -ESHUTDOWN)
		GENL_SET_ERR_MSG(info, "the request has ended");
	else if (err == -EALREADY)
		GENL_SET_ERR_MSG(info, "the keys are installed already");
	else if (err == -ENOKEY)
		GENL_SET_ERR_MSG(info, "success needs keys: INSTALL comes first");
	else if (err == -EAGAIN)
		GENL_SET_ERR_MSG(info, "the socket is busy: poll the channel and repeat");
}

/* --- ACCEPT --- */

/* Whom the agent cannot name in its own user namespace, it cannot judge. */
static bool nl_may_accept(const struct cred *cred, void *skb)
{
	struct user_namespace *ns = current_user_ns();

	return kuid_has_mapping(ns, cred->euid) && kgid_has_mapping(ns, cred->egid) &&
	       nl_may_act_for(cred, skb);
}

static int nl_put_groups(struct sk_buff *msg, const struct cred *cred)
{
	const struct group_info *groups = cred->group_info;
	u32 *ids = NULL;
	int i, n = 0, err;

	if (groups->ngroups)
		ids = kmalloc_array(NL_GROUPS_MAX, sizeof(*ids), GFP_KERNEL);
	if (groups->ngroups && !ids)
		return -ENOMEM;
	for (i = 0; i < groups->ngroups && n < NL_GROUPS_MAX; i++)
		if (kgid_has_mapping(current_user_ns(), groups->gid[i]))
			ids[n++] = from_kgid(current_user_ns(), groups->gid[i]);
	err = nla_put(msg, SLUICE_A_GROUPS, n * sizeof(*ids), ids);
	kfree(ids);
	return err;
}

static int nl_put_program(struct sk_buff *msg, const struct sluice_arm *arm)
{
	const struct cred *cred = arm->cred;

	if (nla_put_u32(msg, SLUICE_A_UID, from_kuid_munged(current_user_ns(), cred->euid)) ||
	    nla_put_u32(msg, SLUICE_A_GID, from_kgid_munged(current_user_ns(), cred->egid)) ||
	    nla_put_u32(msg, SLUICE_A_PID, pid_vnr(arm->pid)))
		return -EMSGSIZE;
	return nl_put_groups(msg, cred);
}

static int nl_put_name(struct sk_buff *msg, int type, const char *name)
{
	return name[0] ? nla_put_string(msg, type, name) : 0;
}

static int nl_put_version(struct sk_buff *msg, int type, u16 version)
{
	return version ? nla_put_u16(msg, type, version) : 0;
}

static int nl_put_ask(struct sk_buff *msg, const struct sluice_request *req)
{
	if (nla_put_u16(msg, SLUICE_A_ROLE, req->role) ||
	    nla_put_u32(msg, SLUICE_A_FLAGS, req->flags) ||
	    nl_put_version(msg, SLUICE_A_MIN_VERSION, req->min_version) ||
	    nl_put_version(msg, SLUICE_A_MAX_VERSION, req->max_version) ||
	    nl_put_name(msg, SLUICE_A_SERVER_NAME, req->server_name) ||
	    nl_put_name(msg, SLUICE_A_IDENTITY, req->identity) ||
	    nl_put_name(msg, SLUICE_A_TRUST, req->trust))
		return -EMSGSIZE;
	return req->alpn_len ? nla_put(msg, SLUICE_A_ALPN, req->alpn_len, req->alpn) : 0;
}

static int nl_put_addr4(struct sk_buff *msg, int type, __be32 addr, __be16 port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = addr,
	};

	return nla_put(msg, type, sizeof(sin), &sin);
}

static int nl_put_addr6(struct sk_buff *msg, int type, const struct sock *sk,
			const struct in6_addr *addr, __be16 port)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_port = port,
		.sin6_addr = *addr,
		.sin6_scope_id = ipv6_iface_scope_id(addr, READ_ONCE(sk->sk_bound_dev_if)),
	};

	return nla_put(msg, type, sizeof(sin6), &sin6);
}

static int nl_put_addresses(struct sk_buff *msg, const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return nl_put_addr6(msg, SLUICE_A_PEER, sk, &sk->sk_v6_daddr, inet->inet_dport) ?:
		       nl_put_addr6(msg, SLUICE_A_LOCAL, sk, &inet6_sk(sk)->saddr,
				    inet->inet_sport);
#endif
	return nl_put_addr4(msg, SLUICE_A_PEER, inet->inet_daddr, inet->inet_dport) ?:
	       nl_put_addr4(msg, SLUICE_A_LOCAL, inet->inet_saddr, inet->inet_sport);
}

static int nl_put_request(struct sk_buff *msg, struct sluice_hs *hs)
{
	struct sock *sk = sluice_hs_sock(hs);
	int err;

	if (!sk)
		return -ESHUTDOWN;
	err = nl_put_addresses(msg, sk);
	sock_put(sk);
	return err ?: nl_put_ask(msg, &hs->arm->req) ?:
	       nl_put_program(msg, hs->arm) ?:
	       nla_put_u32(msg, SLUICE_A_TIMEOUT, sluice_hs_left(hs));
}

static int nl_put_module(struct sk_buff *msg)
{
	return nla_put_u32(msg, SLUICE_A_ABI, SLUICE_ABI_VERSION) ?:
	       nla_put_u64_64bit(msg, SLUICE_A_CIPHERS, nl_ciphers, SLUICE_A_PAD);
}

/* Answers with @hs. Nothing is consumed when this fails. */
static int nl_accept_reply(struct genl_info *info, struct sluice_hs *hs, int fd)
{
	struct sk_buff *msg;
	void *head;
	int err;

	msg = genlmsg_new(NL_REQUEST_SIZE + NL_GROUPS_MAX * sizeof(u32), GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	err = -EMSGSIZE;
	head = genlmsg_put_reply(msg, info, &nl_family, 0, SLUICE_CMD_ACCEPT);
	if (!head)
		goto free;
	err = nla_put_s32(msg, SLUICE_A_FD, fd) ?: nl_put_module(msg) ?:
	      nl_put_request(msg, hs) ?:
	      nla_put_u32(msg, SLUICE_A_WAITING, sluice_hs_waiting(hs->net));
	if (err)
		goto free;
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);

free:
	nlmsg_free(msg);
	return err;
}

/* A request that ends while it is handed over makes room for the next. */
static int nl_accept_one(struct sk_buff *skb, struct genl_info *info, struct file *file, int fd)
{
	struct sluice_hs *hs;
	int err;

	do {
		hs = sluice_hs_accept(genl_info_net(info), nl_may_accept, skb);
		if (IS_ERR(hs)) {
			GENL_SET_ERR_MSG(info, "no request waits");
			return PTR_ERR(hs);
		}
		err = nl_accept_reply(info, hs, fd);
		if (!err) {
			sluice_channel_attach(file, hs);
			return 0;
		}
		sluice_hs_requeue(hs);
		sluice_hs_put(hs);
	} while (err == -ESHUTDOWN);
	GENL_SET_ERR_MSG(info, "the request could not be handed over; it waits again");
	return err;
}

/* What may fail comes before the request is taken; the descriptor is filled last. */
static int nl_accept(struct sk_buff *skb, struct genl_info *info)
{
	struct file *file;
	int fd, err;

	err = nl_same_version(info);
	if (err)
		return err;
	if (!sluice_hs_served(genl_info_net(info)) &&
	    sluice_netlink_served(genl_info_net(info), GFP_KERNEL))
		sluice_hs_agent_seen(genl_info_net(info));
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		GENL_SET_ERR_MSG(info, "no file descriptor is free for the channel");
		return fd;
	}
	file = sluice_channel_create();
	if (IS_ERR(file)) {
		GENL_SET_ERR_MSG(info, "no file for the channel");
		err = PTR_ERR(file);
		goto put_fd;
	}
	err = nl_accept_one(skb, info, file, fd);
	if (err)
		goto put_file;
	fd_install(fd, file);
	return 0;

put_file:
	fput(file);
put_fd:
	put_unused_fd(fd);
	return err;
}

/* --- INSTALL --- */

static struct sluice_key *nl_key_build(struct genl_info *info,
				       const struct sluice_key_config *config)
{
	struct sluice_key *key = sluice_key_create(config);

	if (key == ERR_PTR(-ENOENT)) {
		sluice_stat_inc(genl_info_net(info), SLUICE_STAT_NO_CIPHER);
		GENL_SET_ERR_MSG_FMT(info, "this kernel has no %s", config->cipher->name);
	} else if (IS_ERR(key)) {
		GENL_SET_ERR_MSG_FMT(info, "keys for %s could not be made",
				     config->cipher->name);
	}
	return key;
}

static int nl_key_install(struct genl_info *info, struct sluice_hs *hs, struct sluice_install *in)
{
	int err;

	in->key[0] = nl_key_build(info, &in->config[0]);
	if (IS_ERR(in->key[0]))
		return PTR_ERR(in->key[0]);
	in->key[1] = nl_key_build(info, &in->config[1]);
	if (IS_ERR(in->key[1])) {
		err = PTR_ERR(in->key[1]);
		goto free_tx;
	}
	err = sluice_hs_install(hs, in);
	nl_explain(info, err);
	if (!err)
		return 0;
	sluice_key_free(in->key[1]);
free_tx:
	sluice_key_free(in->key[0]);
	return err;
}

static u32 nl_get_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static u16 nl_get_u16(const struct nlattr *attr, u16 absent)
{
	return attr ? nla_get_u16(attr) : absent;
}

static int nl_install_keys(struct sk_buff *skb, struct genl_info *info)
{
	struct sluice_install in = {
		.limit = { nl_get_u16(info->attrs[SLUICE_A_TX_LIMIT], 0),
			   nl_get_u16(info->attrs[SLUICE_A_RX_LIMIT], 0) },
		.tickets = nl_get_u32(info->attrs[SLUICE_A_TICKETS]),
	};
	struct file *file;
	int err;

	file = nl_channel(skb, info);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = sluice_keyattr_parse(info, in.config);
	if (!err)
		err = nl_key_install(info, sluice_channel_hs(file), &in);
	memzero_explicit(&in, sizeof(in));
	fput(file);
	return err;
}

/* The message is ours to wipe: the kernel made it of the sender's bytes. */
static int nl_install(struct sk_buff *skb, struct genl_info *info)
{
	int err = nl_install_keys(skb, info);

	memzero_explicit(genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr));
	return err;
}

/* --- DONE --- */

static void nl_get_numbers(struct nlattr **attrs, struct sluice_outcome *out)
{
	out->error = nl_get_u32(attrs[SLUICE_A_ERROR]);
	out->verify_error = nl_get_u32(attrs[SLUICE_A_VERIFY_ERROR]);
	out->flags = nl_get_u32(attrs[SLUICE_A_FLAGS]);
	out->suite = nl_get_u16(attrs[SLUICE_A_SUITE], 0);
	out->alert_sent = nl_get_u16(attrs[SLUICE_A_ALERT_SENT], SLUICE_ALERT_NONE);
	out->alert_received = nl_get_u16(attrs[SLUICE_A_ALERT_RECEIVED], SLUICE_ALERT_NONE);
}

static void nl_get_outcome(struct nlattr **attrs, struct sluice_outcome *out)
{
	nl_get_numbers(attrs, out);
	if (attrs[SLUICE_A_TEXT])
		nla_strscpy(out->text, attrs[SLUICE_A_TEXT], sizeof(out->text));
	if (attrs[SLUICE_A_SERVER_NAME])
		nla_strscpy(out->server_name, attrs[SLUICE_A_SERVER_NAME],
			    sizeof(out->server_name));
	if (attrs[SLUICE_A_ALPN])
		out->alpn_len = nla_memcpy(out->alpn, attrs[SLUICE_A_ALPN], sizeof(out->alpn));
	if (attrs[SLUICE_A_PEER_SUBJECT])
		nla_strscpy(out->subject, attrs[SLUICE_A_PEER_SUBJECT], sizeof(out->subject));
	if (attrs[SLUICE_A_PEER_FINGERPRINT])
		nla_memcpy(out->fingerprint, attrs[SLUICE_A_PEER_FINGERPRINT],
			   sizeof(out->fingerprint));
}

/* Certificate and names go side by side into memory of their own. */
static int nl_get_peer(struct genl_info *info, struct sluice_outcome *out)
{
	const struct nlattr *cert = info->attrs[SLUICE_A_PEER_CERT];
	const struct nlattr *names = info->attrs[SLUICE_A_PEER_NAMES];
	struct sluice_peer *peer;

	if (!cert && !names)
		return 0;
	if (!(out->flags & SLUICE_INFO_PEER_CERT)) {
		GENL_SET_ERR_MSG(info, "a certificate without SLUICE_INFO_PEER_CERT");
		return -EINVAL;
	}
	peer = kmalloc(struct_size(peer, bytes, (cert ? nla_len(cert) : 0) +
				   (names ? nla_len(names) : 0)), GFP_KERNEL_ACCOUNT);
	if (!peer)
		return -ENOMEM;
	peer->cert_len = cert ? nla_len(cert) : 0;
	peer->names_len = names ? nla_len(names) : 0;
	if (cert)
		memcpy(peer->bytes, nla_data(cert), peer->cert_len);
	if (names)
		memcpy(peer->bytes + peer->cert_len, nla_data(names), peer->names_len);
	out->peer = peer;
	return 0;
}

static int nl_done_said(struct genl_info *info, struct sluice_hs *hs)
{
	struct sluice_outcome *said = kzalloc(sizeof(*said), GFP_KERNEL);
	int err;

	if (!said)
		return -ENOMEM;
	nl_get_outcome(info->attrs, said);
	err = nl_get_peer(info, said);
	if (!err) {
		err = sluice_hs_done(hs, said);
		nl_explain(info, err);
	}
	sluice_outcome_free(said);
	return err;
}

static int nl_done(struct sk_buff *skb, struct genl_info *info)
{
	struct file *file = nl_channel(skb, info);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = nl_done_said(info, sluice_channel_hs(file));
	fput(file);
	return err;
}

/* --- GET --- */

static int nl_put_stats(struct sk_buff *msg, struct net *net)
{
	u64 stats[__SLUICE_STAT_MAX];
	struct nlattr *nest;
	int i;

	nest = nla_nest_start(msg, SLUICE_A_STATS);
	if (!nest)
		return -EMSGSIZE;
	sluice_stats_read(net, stats);
	for (i = 0; i < __SLUICE_STAT_MAX; i++)
		if (nla_put_u64_64bit(msg, i + 1, stats[i], 0))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int nl_put_state(struct sk_buff *msg, struct net *net)
{
	return nl_put_module(msg) ?:
	       nla_put_u32(msg, SLUICE_A_AGENTS, sluice_netlink_served(net, GFP_KERNEL)) ?:
	       nla_put_u32(msg, SLUICE_A_PENDING, sluice_hs_pending(net)) ?:
	       nl_put_stats(msg, net);
}

static int nl_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *head;

	if (!msg)
		return -ENOMEM;
	head = genlmsg_put_reply(msg, info, &nl_family, 0, SLUICE_CMD_GET);
	if (!head || nl_put_state(msg, genl_info_net(info))) {
		nlmsg_free(msg);
		GENL_SET_ERR_MSG(info, "the answer does not fit");
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);
}

/* --- the family --- */

static const struct nla_policy nl_install_policy[SLUICE_A_TICKETS + 1] = {
	[SLUICE_A_FD] = { .type = NLA_S32 },
	[SLUICE_A_TX] = { .type = NLA_NESTED },
	[SLUICE_A_RX] = { .type = NLA_NESTED },
	[SLUICE_A_TX_LIMIT] = NLA_POLICY_RANGE(NLA_U16, 64, 16384),
	[SLUICE_A_RX_LIMIT] = NLA_POLICY_RANGE(NLA_U16, 64, 16384),
	[SLUICE_A_TICKETS] = NLA_POLICY_RANGE(NLA_U32, 1, SLUICE_TICKETS_MAX),
};

static const struct nla_policy nl_done_policy[SLUICE_A_PEER_FINGERPRINT + 1] = {
	[SLUICE_A_FD] = { .type = NLA_S32 },
	[SLUICE_A_FLAGS] = NLA_POLICY_MASK(NLA_U32, SLUICE_INFO_RESUMED | SLUICE_INFO_PEER_CERT),
	[SLUICE_A_SERVER_NAME] = { .type = NLA_NUL_STRING, .len = SLUICE_NAME_MAX - 1 },
	[SLUICE_A_ALPN] = NLA_POLICY_RANGE(NLA_BINARY, 1, 255),
	[SLUICE_A_ERROR] = NLA_POLICY_RANGE(NLA_U32, 1, MAX_ERRNO),
	[SLUICE_A_VERIFY_ERROR] = { .type = NLA_U32 },
	[SLUICE_A_ALERT_SENT] = NLA_POLICY_MAX(NLA_U16, 255),
	[SLUICE_A_ALERT_RECEIVED] = NLA_POLICY_MAX(NLA_U16, 255),
	[SLUICE_A_TEXT] = { .type = NLA_NUL_STRING, .len = SLUICE_TEXT_MAX - 1 },
	[SLUICE_A_SUITE] = { .type = NLA_U16 },
	[SLUICE_A_PEER_CERT] = NLA_POLICY_RANGE(NLA_BINARY, 1, SLUICE_CERT_MAX),
	[SLUICE_A_PEER_NAMES] = NLA_POLICY_RANGE(NLA_BINARY, 1, SLUICE_NAMES_MAX),
	[SLUICE_A_PEER_SUBJECT] = { .type = NLA_NUL_STRING, .len = SLUICE_SUBJECT_MAX - 1 },
	[SLUICE_A_PEER_FINGERPRINT] = NLA_POLICY_EXACT_LEN(SLUICE_FINGERPRINT_LEN),
};

static const struct genl_ops nl_ops[] = {
	{
		.cmd = SLUICE_CMD_ACCEPT,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = nl_accept,
	},
	{
		.cmd = SLUICE_CMD_INSTALL,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = nl_install,
		.policy = nl_install_policy,
		.maxattr = ARRAY_SIZE(nl_install_policy) - 1,
	},
	{
		.cmd = SLUICE_CMD_DONE,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = nl_done,
		.policy = nl_done_policy,
		.maxattr = ARRAY_SIZE(nl_done_policy) - 1,
	},
	{
		.cmd = SLUICE_CMD_GET,
		.doit = nl_get,
	},
};

static struct genl_family nl_family __ro_after_init = {
	.name = SLUICE_GENL_NAME,
	.version = SLUICE_GENL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = nl_ops,
	.n_ops = ARRAY_SIZE(nl_ops),
	.mcgrps = nl_groups,
	.n_mcgrps = ARRAY_SIZE(nl_groups),
	.unbind = nl_unbind,
};

/* Which ciphers there are is asked once: asking may load modules. */
int sluice_netlink_init(void)
{
	nl_ciphers = sluice_cipher_mask();
	return genl_register_family(&nl_family);
}

void sluice_netlink_exit(void)
{
	genl_unregister_family(&nl_family);
}
