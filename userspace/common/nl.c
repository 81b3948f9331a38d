// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Talking to the sluice module over generic netlink: connect, send a command,
 * gather its reply, its errno and the kernel's own words about it.
 */
#include "nl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#define NL_MSG_SIZE	(NLMSG_HDRLEN + GENL_HDRLEN + 4096 + SLUICE_CERT_MAX + SLUICE_NAMES_MAX)
#define NL_TIMEOUT_S	5
/* The longest reply: an ACCEPT with a thousand groups takes half of it. */
#define NL_REPLY_SIZE	16384

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

static int nl_fail(struct sluice_nl *nl, int err, const char *what,
		   const char *why)
{
	snprintf(nl->text, sizeof(nl->text), "%s%s%s", what, *why ? ": " : "",
		 why);
	return -err;
}

/* libnl counts errors by its own numbers; those that callers tell apart. */
static int nl_errno(int nle)
{
	switch (-nle) {
	case NLE_OBJ_NOTFOUND:
		return ENOENT;
	case NLE_PERM:
		return EPERM;
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_AGAIN:
		return ETIMEDOUT;
	case NLE_AF_NOSUPPORT:
	case NLE_PROTO_MISMATCH:
		return EPROTONOSUPPORT;
	default:
		return EIO;
	}
}

/* The kernel's text stands behind the error number, after the header of the
 * request (NETLINK_CAP_ACK leaves its payload, thus our keys, out).
 */
static void nl_copy_extack(struct sluice_nl *nl, struct nlmsgerr *err)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	int at = NLMSG_HDRLEN + (int)sizeof(*err);
	struct nlattr *attr;

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS) || !(hdr->nlmsg_flags & NLM_F_CAPPED))
		return;
	if ((int)hdr->nlmsg_len <= at)
		return;
	attr = nla_find((struct nlattr *)((char *)hdr + at),
			(int)hdr->nlmsg_len - at, NLMSGERR_ATTR_MSG);
	if (attr && nla_len(attr) > 0)
		snprintf(nl->text, sizeof(nl->text), "%.*s", nla_len(attr),
			 (char *)nla_data(attr));
}

static int nl_on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct sluice_nl *nl = arg;

	(void)from;
	nl->ended = err->msg.nlmsg_seq == nl->sequence;
	/* Of two, the first one's is the reason of the second one's. */
	if (!nl->result) {
		nl->result = err->error ? err->error : -EIO;
		nl->refused = err->msg.nlmsg_seq;
		snprintf(nl->text, sizeof(nl->text), "%s", strerror(-nl->result));
		nl_copy_extack(nl, err);
	}
	/* To libnl that would be a failure of its own. */
	return NL_SKIP;
}

/* Not libnl's own check: that one waits forever for an answer that was lost, and
 * refuses all later ones. What is late from a call before is passed over. Before the
 * first call, whoever uses the connection by libnl knows its numbers itself.
 */
static int nl_on_sequence(struct nl_msg *msg, void *arg)
{
	const struct sluice_nl *nl = arg;
	uint32_t seq = nlmsg_hdr(msg)->nlmsg_seq;

	return !nl->sequence || seq == nl->sequence || seq == nl->first ? NL_OK : NL_SKIP;
}

static int nl_on_ack(struct nl_msg *msg, void *arg)
{
	struct sluice_nl *nl = arg;

	(void)msg;
	nl->ended = 1;
	return NL_STOP;
}

static int nl_on_reply(struct nl_msg *msg, void *arg)
{
	struct sluice_nl *nl = arg;
	struct nlattr *attrs[SLUICE_A_MAX + 1];
	int err;

	if (!nl->reply)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, SLUICE_A_MAX, NULL) < 0)
		err = nl_fail(nl, EPROTO, "malformed reply from the module", "");
	else
		err = nl->reply(attrs, nl->arg);
	if (err && !nl->result)
		nl->result = err;
	nl->ended = 1;
	return NL_OK;
}

/* Callbacks go in last: the resolver of libnl brings its own. */
static int nl_setup(struct sluice_nl *nl)
{
	int fd = nl_socket_get_fd(nl->sk), on = 1;
	struct timeval tv = { .tv_sec = NL_TIMEOUT_S };

	/* Without CAP_ACK an error would echo the request, keys included. */
	if (setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return nl_fail(nl, errno, "netlink socket options", strerror(errno));
	nl_socket_modify_cb(nl->sk, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, nl_on_sequence, nl);
	nl_socket_modify_cb(nl->sk, NL_CB_VALID, NL_CB_CUSTOM, nl_on_reply, nl);
	nl_socket_modify_cb(nl->sk, NL_CB_ACK, NL_CB_CUSTOM, nl_on_ack, nl);
	nl_socket_modify_err_cb(nl->sk, NL_CB_CUSTOM, nl_on_error, nl);
	nl_socket_disable_auto_ack(nl->sk);
	return 0;
}

static int nl_resolve(struct sluice_nl *nl)
{
	nl->family = genl_ctrl_resolve(nl->sk, SLUICE_GENL_NAME);
	if (nl->family == -NLE_OBJ_NOTFOUND)
		return nl_fail(nl, ENOENT, "the sluice module is not loaded",
			       "try `modprobe sluice`");
	if (nl->family < 0)
		return nl_fail(nl, nl_errno(nl->family), "generic netlink",
			       nl_geterror(nl->family));
	nl->agents = genl_ctrl_resolve_grp(nl->sk, SLUICE_GENL_NAME,
					   SLUICE_GENL_MCGRP_AGENTS);
	if (nl->agents < 0)
		return nl_fail(nl, EPROTO, "the module has no group \""
			       SLUICE_GENL_MCGRP_AGENTS "\"",
			       nl_geterror(nl->agents));
	return 0;
}

static int nl_connect_sk(struct sluice_nl *nl)
{
	/* Not the default set: $NLCB=debug would print messages with keys. */
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	nl->sk = cb ? nl_socket_alloc_cb(cb) : NULL;
	nl_cb_put(cb);
	if (!nl->sk)
		return nl_fail(nl, ENOMEM, "netlink socket", strerror(ENOMEM));
	/* libnl would ask for the length of each message before it reads it. */
	nl_socket_set_msg_buf_size(nl->sk, NL_REPLY_SIZE);
	nl_socket_disable_msg_peek(nl->sk);
	err = genl_connect(nl->sk);
	if (err)
		return nl_fail(nl, nl_errno(err), "netlink socket",
			       nl_geterror(err));
	return 0;
}

int sluice_nl_open(struct sluice_nl *nl)
{
	int err;

	memset(nl, 0, sizeof(*nl));
	err = nl_connect_sk(nl);
	if (!err)
		err = nl_resolve(nl);
	if (!err)
		err = nl_setup(nl);
	if (err)
		sluice_nl_close(nl);
	return err;
}

void sluice_nl_close(struct sluice_nl *nl)
{
	if (nl->sk)
		nl_socket_free(nl->sk);
	nl->sk = NULL;
}

int sluice_nl_join_agents(struct sluice_nl *nl)
{
	if (setsockopt(sluice_nl_fd(nl), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		       &nl->agents, sizeof(nl->agents)))
		return nl_fail(nl, errno, "cannot become an agent",
			       errno == EPERM ? "CAP_NET_ADMIN is needed" :
						strerror(errno));
	return 0;
}

int sluice_nl_fd(const struct sluice_nl *nl)
{
	return nl_socket_get_fd(nl->sk);
}

struct nl_msg *sluice_nl_msg(const struct sluice_nl *nl, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(NL_MSG_SIZE);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, 0,
				cmd, SLUICE_GENL_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

void sluice_nl_msg_free(struct nl_msg *msg)
{
	if (!msg)
		return;
	explicit_bzero(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

/* The kernel runs one after the other, whatever comes of the first. */
static int nl_send_both(struct sluice_nl *nl, struct nl_msg *first, struct nl_msg *last)
{
	struct nlmsghdr *hdr[2] = { nlmsg_hdr(first), nlmsg_hdr(last) };
	struct iovec iov[2] = {
		{ .iov_base = hdr[0], .iov_len = hdr[0]->nlmsg_len },
		{ .iov_base = hdr[1], .iov_len = hdr[1]->nlmsg_len },
	};

	return nl_send_iovec(nl->sk, first, iov, 2);
}

static int nl_send_calls(struct sluice_nl *nl, struct nl_msg *first, struct nl_msg *last)
{
	nl->first = 0;
	if (first) {
		nl_complete_msg(nl->sk, first);
		nl->first = nlmsg_hdr(first)->nlmsg_seq;
	}
	nl_complete_msg(nl->sk, last);
	nl->sequence = nlmsg_hdr(last)->nlmsg_seq;
	/* A reply says that it is done; so does the end of the last for the first. */
	if (!nl->reply)
		nlmsg_hdr(last)->nlmsg_flags |= NLM_F_ACK;
	return first ? nl_send_both(nl, first, last) : nl_send(nl->sk, last);
}

/* @first may be NULL. Both are consumed. */
static int nl_call(struct sluice_nl *nl, struct nl_msg *first, struct nl_msg *last,
		   sluice_nl_reply_fn reply, void *arg)
{
	int err;

	nl->reply = reply;
	nl->arg = arg;
	nl->result = 0;
	nl->refused = 0;
	nl->ended = 0;
	nl->text[0] = '\0';
	err = nl_send_calls(nl, first, last);
	sluice_nl_msg_free(first);
	sluice_nl_msg_free(last);
	while (err >= 0 && !nl->ended)
		err = nl_recvmsgs_default(nl->sk);
	if (!nl->ended)
		nl->result = nl_fail(nl, nl_errno(err), "netlink", nl_geterror(err));
	return nl->result;
}

int sluice_nl_call(struct sluice_nl *nl, struct nl_msg *msg,
		   sluice_nl_reply_fn reply, void *arg)
{
	return nl_call(nl, NULL, msg, reply, arg);
}

int sluice_nl_call_both(struct sluice_nl *nl, struct nl_msg *first, struct nl_msg *last,
			bool *first_done)
{
	int err = nl_call(nl, first, last, NULL, NULL);

	/* Without an answer it is not known; then neither counts as done. */
	*first_done = nl->ended && nl->refused != nl->first;
	return err;
}

static void nl_get_stats(struct sluice_nl_state *state, struct nlattr *nest)
{
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, nest, left) {
		int stat = nla_type(attr) - 1;

		if (stat >= 0 && stat < __SLUICE_STAT_MAX &&
		    nla_len(attr) >= (int)sizeof(uint64_t))
			state->stats[stat] = nla_get_u64(attr);
	}
}

static int nl_get_reply(struct nlattr **attrs, void *arg)
{
	struct sluice_nl_state *state = arg;

	if (!attrs[SLUICE_A_ABI] || !attrs[SLUICE_A_CIPHERS])
		return -EPROTO;
	state->abi = nla_get_u32(attrs[SLUICE_A_ABI]);
	state->ciphers = nla_get_u64(attrs[SLUICE_A_CIPHERS]);
	if (attrs[SLUICE_A_AGENTS])
		state->agents = nla_get_u32(attrs[SLUICE_A_AGENTS]);
	if (attrs[SLUICE_A_PENDING])
		state->pending = nla_get_u32(attrs[SLUICE_A_PENDING]);
	if (attrs[SLUICE_A_STATS])
		nl_get_stats(state, attrs[SLUICE_A_STATS]);
	return 0;
}

int sluice_nl_get(struct sluice_nl *nl, struct sluice_nl_state *state)
{
	struct nl_msg *msg = sluice_nl_msg(nl, SLUICE_CMD_GET);
	int err;

	memset(state, 0, sizeof(*state));
	if (!msg)
		return nl_fail(nl, ENOMEM, "netlink message", strerror(ENOMEM));
	err = sluice_nl_call(nl, msg, nl_get_reply, state);
	if (err == -EPROTO && !nl->text[0])
		nl_fail(nl, EPROTO, "the module's state lacks its version", "");
	return err;
}

int sluice_nl_check(struct sluice_nl *nl, struct sluice_nl_state *state)
{
	int err = sluice_nl_get(nl, state);

	if (err || state->abi == SLUICE_ABI_VERSION)
		return err;
	snprintf(nl->text, sizeof(nl->text),
		 "the module speaks version %u of the interface, this program %u",
		 state->abi, SLUICE_ABI_VERSION);
	return -EPROTONOSUPPORT;
}
