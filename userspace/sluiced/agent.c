// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The agent's commands to the module: ACCEPT, INSTALL, DONE as messages; and
 * the wake-ups that come the other way.
 */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#define AGENT_WAKES	8	/* messages read at once */
#define AGENT_WAKE_MAX	8192	/* a new family with all that it can do */

/* @text may be longer than what is kept. */
static int agent_fail(struct sluice_nl *nl, int err, const char *text)
{
	snprintf(nl->text, sizeof(nl->text), "%s", text);
	return -err;
}

/* ACCEPT */

static uint16_t agent_u16(const struct nlattr *attr)
{
	return attr ? nla_get_u16(attr) : 0;
}

static uint32_t agent_u32(const struct nlattr *attr, uint32_t absent)
{
	return attr ? nla_get_u32(attr) : absent;
}

static bool agent_string(char *to, size_t size, const struct nlattr *attr)
{
	size_t len = attr ? strnlen(nla_data(attr), (size_t)nla_len(attr)) : 0;

	if (len >= size)
		return false;
	memcpy(to, len ? nla_data(attr) : "", len);
	to[len] = '\0';
	return true;
}

static void agent_address(struct sockaddr_storage *to, const struct nlattr *attr)
{
	if (attr && nla_len(attr) <= (int)sizeof(*to))
		memcpy(to, nla_data(attr), (size_t)nla_len(attr));
}

static bool agent_alpn(struct alpn *alpn, const struct nlattr *attr)
{
	size_t len = attr ? (size_t)nla_len(attr) : 0;

	if (len > sizeof(alpn->list))
		return false;
	memcpy(alpn->list, len ? nla_data(attr) : "", len);
	alpn->len = len;
	return true;
}

/* Whoever is not told is nobody. */
static bool agent_who(struct access_who *who, struct nlattr **attrs)
{
	const struct nlattr *groups = attrs[SLUICE_A_GROUPS];
	size_t len = groups ? (size_t)nla_len(groups) : 0;

	who->uid = agent_u32(attrs[SLUICE_A_UID], UINT32_MAX);
	who->gid = agent_u32(attrs[SLUICE_A_GID], UINT32_MAX);
	if (len > sizeof(who->groups) || len % sizeof(who->groups[0]))
		return false;
	memcpy(who->groups, len ? nla_data(groups) : "", len);
	who->group_count = len / sizeof(who->groups[0]);
	return true;
}

static bool agent_ask(struct tls_ask *ask, struct nlattr **attrs)
{
	uint16_t role = agent_u16(attrs[SLUICE_A_ROLE]);

	if (role != SLUICE_ROLE_CLIENT && role != SLUICE_ROLE_SERVER)
		return false;
	if (!attrs[SLUICE_A_CIPHERS])
		return false;
	ask->server = role == SLUICE_ROLE_SERVER;
	ask->flags = agent_u32(attrs[SLUICE_A_FLAGS], 0);
	ask->min_version = agent_u16(attrs[SLUICE_A_MIN_VERSION]);
	ask->max_version = agent_u16(attrs[SLUICE_A_MAX_VERSION]);
	ask->ciphers = nla_get_u64(attrs[SLUICE_A_CIPHERS]);
	return agent_who(&ask->who, attrs) &&
	       agent_string(ask->server_name, sizeof(ask->server_name),
			    attrs[SLUICE_A_SERVER_NAME]) &&
	       agent_string(ask->identity, sizeof(ask->identity),
			    attrs[SLUICE_A_IDENTITY]) &&
	       agent_string(ask->trust, sizeof(ask->trust),
			    attrs[SLUICE_A_TRUST]) &&
	       agent_alpn(&ask->alpn, attrs[SLUICE_A_ALPN]);
}

static int agent_on_accept(struct nlattr **attrs, void *arg)
{
	struct agent_request *request = arg;

	if (!attrs[SLUICE_A_FD])
		return -EPROTO;
	request->fd = nla_get_s32(attrs[SLUICE_A_FD]);
	request->abi = agent_u32(attrs[SLUICE_A_ABI], 0);
	request->timeout_ms = agent_u32(attrs[SLUICE_A_TIMEOUT], 0);
	request->pid = agent_u32(attrs[SLUICE_A_PID], 0);
	request->more = agent_u32(attrs[SLUICE_A_WAITING], 1);
	agent_address(&request->peer, attrs[SLUICE_A_PEER]);
	agent_address(&request->local, attrs[SLUICE_A_LOCAL]);
	/* Both families have the port in the same place. */
	request->ask.port = ntohs(((struct sockaddr_in *)&request->peer)->sin_port);
	if (request->abi != SLUICE_ABI_VERSION)
		return -EPROTONOSUPPORT;
	return agent_ask(&request->ask, attrs) ? 0 : -EPROTO;
}

int agent_accept(struct sluice_nl *nl, struct agent_request *request)
{
	struct nl_msg *msg = sluice_nl_msg(nl, SLUICE_CMD_ACCEPT);
	int err;

	memset(request, 0, sizeof(*request));
	request->fd = -1;
	if (!msg)
		return agent_fail(nl, ENOMEM, strerror(ENOMEM));
	err = sluice_nl_call(nl, msg, agent_on_accept, request);
	if (!err && request->fd < 0)
		err = agent_fail(nl, EPROTO, "a reply without a channel");
	if (err && !nl->text[0])
		agent_fail(nl, -err, "the module's request is not understood");
	if (err && request->fd >= 0) {
		close(request->fd);
		request->fd = -1;
	}
	return err;
}

/* INSTALL */

static int agent_put_keys12(struct nl_msg *msg, const struct keys *keys, bool tx)
{
	const struct suite *suite = keys->suite;
	int err;

	err = nla_put(msg, SLUICE_K_KEY, suite->key_len, keys->key);
	err |= nla_put(msg, SLUICE_K_IV, suite->iv_len, keys->iv);
	if (tx && suite->explicit_len)
		err |= nla_put_u64(msg, SLUICE_K_EXPLICIT, keys->explicit_nonce);
	return err;
}

static bool agent_put_keys(struct nl_msg *msg, int type,
			   const struct keys *keys)
{
	const struct suite *suite = keys->suite;
	struct nlattr *nest = nla_nest_start(msg, type);
	int err;

	if (!nest)
		return false;
	err = nla_put_u16(msg, SLUICE_K_VERSION, suite->version);
	err |= nla_put_u16(msg, SLUICE_K_CIPHER, suite->cipher);
	err |= nla_put_u64(msg, SLUICE_K_SEQ, keys->seq);
	if (suite->version == KEYS_TLS13)
		err |= nla_put(msg, SLUICE_K_SECRET, suite->secret_len,
			       keys->secret);
	else
		err |= agent_put_keys12(msg, keys, type == SLUICE_A_TX);
	nla_nest_end(msg, nest);
	return !err;
}

static int agent_put_install(struct nl_msg *msg, const struct agent_keys *keys)
{
	int err = 0;

	if (keys->tx_limit)
		err |= nla_put_u16(msg, SLUICE_A_TX_LIMIT, keys->tx_limit);
	if (keys->rx_limit)
		err |= nla_put_u16(msg, SLUICE_A_RX_LIMIT, keys->rx_limit);
	if (keys->tickets)
		err |= nla_put_u32(msg, SLUICE_A_TICKETS, keys->tickets);
	return err;
}

static struct nl_msg *agent_install_msg(struct sluice_nl *nl, int fd,
					const struct agent_keys *keys)
{
	struct nl_msg *msg = sluice_nl_msg(nl, SLUICE_CMD_INSTALL);

	if (msg && !nla_put_s32(msg, SLUICE_A_FD, fd) &&
	    agent_put_keys(msg, SLUICE_A_TX, keys->tx) &&
	    agent_put_keys(msg, SLUICE_A_RX, keys->rx) &&
	    !agent_put_install(msg, keys))
		return msg;
	sluice_nl_msg_free(msg);
	return NULL;
}

/* DONE */

static int agent_put_failure(struct nl_msg *msg, const struct tls_result *result)
{
	int err = nla_put_u32(msg, SLUICE_A_ERROR, (uint32_t)result->error);

	if (result->verify_error)
		err |= nla_put_u32(msg, SLUICE_A_VERIFY_ERROR,
				   result->verify_error);
	return err | nla_put_string(msg, SLUICE_A_TEXT, result->text);
}

static int agent_put_peer(struct nl_msg *msg, const struct peer *peer)
{
	int err = nla_put_string(msg, SLUICE_A_PEER_SUBJECT, peer->subject);

	err |= nla_put(msg, SLUICE_A_PEER_FINGERPRINT, sizeof(peer->fingerprint),
		       peer->fingerprint);
	if (peer->der)
		err |= nla_put(msg, SLUICE_A_PEER_CERT, (int)peer->der_len,
			       peer->der);
	if (peer->names_len)
		err |= nla_put(msg, SLUICE_A_PEER_NAMES, (int)peer->names_len,
			       peer->names);
	return err;
}

static int agent_put_result(struct nl_msg *msg, const struct tls_result *result)
{
	int err = 0;

	if (result->flags)
		err |= nla_put_u32(msg, SLUICE_A_FLAGS, result->flags);
	if (result->suite)
		err |= nla_put_u16(msg, SLUICE_A_SUITE, result->suite->id);
	if (result->server_name[0])
		err |= nla_put_string(msg, SLUICE_A_SERVER_NAME,
				      result->server_name);
	if (result->alpn_len)
		err |= nla_put(msg, SLUICE_A_ALPN, result->alpn_len,
			       result->alpn);
	if (!result->error && (result->flags & SLUICE_INFO_PEER_CERT))
		err |= agent_put_peer(msg, &result->peer);
	if (result->alert_sent != SLUICE_ALERT_NONE)
		err |= nla_put_u16(msg, SLUICE_A_ALERT_SENT, result->alert_sent);
	if (result->alert_received != SLUICE_ALERT_NONE)
		err |= nla_put_u16(msg, SLUICE_A_ALERT_RECEIVED,
				   result->alert_received);
	return err;
}

static struct nl_msg *agent_done_msg(struct sluice_nl *nl, int fd,
				     const struct tls_result *result)
{
	struct nl_msg *msg = sluice_nl_msg(nl, SLUICE_CMD_DONE);

	if (msg && !nla_put_s32(msg, SLUICE_A_FD, fd) &&
	    !agent_put_result(msg, result) &&
	    !(result->error && agent_put_failure(msg, result)))
		return msg;
	sluice_nl_msg_free(msg);
	return NULL;
}

int agent_done(struct sluice_nl *nl, int fd, const struct tls_result *result)
{
	struct nl_msg *msg = agent_done_msg(nl, fd, result);

	if (!msg)
		return agent_fail(nl, ENOMEM, strerror(ENOMEM));
	return sluice_nl_call(nl, msg, NULL, NULL);
}

int agent_open(struct sluice_nl *nl, int fd, const struct agent_keys *keys,
	       const struct tls_result *result, bool *installed)
{
	struct nl_msg *install = agent_install_msg(nl, fd, keys);
	struct nl_msg *done = agent_done_msg(nl, fd, result);

	*installed = false;
	if (!install || !done) {
		sluice_nl_msg_free(install);
		sluice_nl_msg_free(done);
		return agent_fail(nl, ENOMEM, strerror(ENOMEM));
	}
	return sluice_nl_call_both(nl, install, done, installed);
}

/* Wake-ups */

int agent_join(struct sluice_nl *nl)
{
	struct sluice_nl other;
	int err = sluice_nl_join_agents(nl), group;

	if (err)
		return err;
	/* Through another connection: the resolver brings its own callbacks. */
	err = sluice_nl_open(&other);
	if (err)
		return agent_fail(nl, -err, other.text);
	group = genl_ctrl_resolve_grp(other.sk, "nlctrl", "notify");
	sluice_nl_close(&other);
	if (group < 0 || nl_socket_add_membership(nl->sk, group))
		return agent_fail(nl, EIO, "cannot hear of netlink families");
	return 0;
}

static bool agent_is_new_family(struct nlmsghdr *hdr, int len)
{
	struct nlattr *name;

	if (!nlmsg_ok(hdr, len) || hdr->nlmsg_type != GENL_ID_CTRL ||
	    !genlmsg_valid_hdr(hdr, 0) ||
	    genlmsg_hdr(hdr)->cmd != CTRL_CMD_NEWFAMILY)
		return false;
	name = nlmsg_find_attr(hdr, GENL_HDRLEN, CTRL_ATTR_FAMILY_NAME);
	return name && !nla_strcmp(name, SLUICE_GENL_NAME);
}

/* READY is not looked at: each one, and even a lost one, says the same. */
bool agent_woken(struct sluice_nl *nl, bool *renew)
{
	_Alignas(struct nlmsghdr) char buf[AGENT_WAKES][AGENT_WAKE_MAX];
	struct mmsghdr msgs[AGENT_WAKES];
	struct iovec iov[AGENT_WAKES];
	int n;

	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < AGENT_WAKES; i++) {
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(sluice_nl_fd(nl), msgs, AGENT_WAKES, MSG_DONTWAIT, NULL);
	*renew = false;
	for (int i = 0; i < n; i++)
		if (agent_is_new_family((void *)buf[i], (int)msgs[i].msg_len))
			*renew = true;
	return n > 0 || errno == ENOBUFS;
}

int agent_renew(struct sluice_nl *nl)
{
	struct sluice_nl_state state;
	struct sluice_nl now;
	int err = sluice_nl_open(&now);

	if (!err)
		err = sluice_nl_check(&now, &state);
	if (err) {
		sluice_nl_close(&now);
		return agent_fail(nl, -err, now.text);
	}
	nl->family = now.family;
	nl->agents = now.agents;
	sluice_nl_close(&now);
	return sluice_nl_join_agents(nl);
}
