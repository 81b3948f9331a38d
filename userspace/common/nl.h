/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talking to the sluice module over generic netlink: one connection, one call
 * at a time. Shared by sluiced (agent's commands) and sluice (GET).
 *
 * A connection belongs to one thread. The kernel runs a command inside the
 * sendmsg() that carries it, so a call waits for nothing but its own work.
 */
#ifndef SLUICE_COMMON_NL_H
#define SLUICE_COMMON_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sluice.h>

struct nl_sock;
struct nl_msg;
struct nlattr;

#define SLUICE_NL_TEXT	192

/**
 * sluice_nl_reply_fn - takes one reply
 * @attrs:	attributes by enum sluice_attr, NULL where absent; valid during
 *		the call only
 * @arg:	as given to sluice_nl_call()
 *
 * Return: 0, or -errno, which the call then returns.
 */
typedef int (*sluice_nl_reply_fn)(struct nlattr **attrs, void *arg);

/**
 * struct sluice_nl - a connection to the module
 * @sk:		the netlink socket
 * @family:	the family's number
 * @agents:	the number of the multicast group "agents"
 * @reply:	who takes the reply of the running call
 * @arg:	its argument
 * @sequence:	the running or last call's number, which its answers repeat; 0: none
 * @first:	that of a command sent along in front of it; 0: none
 * @refused:	which of the two the kernel has refused, the first one; 0: neither
 * @result:	outcome of the running call: 0 or -errno
 * @ended:	the running call has its reply, its acknowledgement or its error
 * @text:	English reason of the last failure; the kernel's own when it
 *		gave one
 */
struct sluice_nl {
	struct nl_sock *sk;
	int family;
	int agents;
	sluice_nl_reply_fn reply;
	void *arg;
	uint32_t sequence;
	uint32_t first;
	uint32_t refused;
	int result;
	int ended;
	char text[SLUICE_NL_TEXT];
};

/**
 * struct sluice_nl_state - what GET tells of the caller's network namespace
 * @abi:	SLUICE_ABI_VERSION of the module
 * @agents:	1 when an agent serves the namespace, else 0
 * @pending:	requests that wait or are at an agent
 * @ciphers:	bit (TLS_CIPHER_* - 51) for each cipher that can be keyed
 * @stats:	by enum sluice_stat; 0 for one that the module does not know
 */
struct sluice_nl_state {
	uint32_t abi;
	uint32_t agents;
	uint32_t pending;
	uint64_t ciphers;
	uint64_t stats[__SLUICE_STAT_MAX];
};

/**
 * sluice_nl_open - connect and find the family
 * @nl:		filled in; on failure it holds no resources, only @text
 *
 * Return: 0; -ENOENT when the module is not loaded; -errno otherwise.
 */
int sluice_nl_open(struct sluice_nl *nl);

/* Closes; harmless on a closed or zeroed one. */
void sluice_nl_close(struct sluice_nl *nl);

/* Joins the agents' group: from now on wake-ups come on sluice_nl_fd(), and
 * this process is an agent. Needs CAP_NET_ADMIN. Return: 0 or -errno.
 */
int sluice_nl_join_agents(struct sluice_nl *nl);

/* The socket's descriptor, for poll(); still owned by @nl. */
int sluice_nl_fd(const struct sluice_nl *nl);

/* A message for @cmd (enum sluice_cmd) with room for the header, a peer's
 * certificate with its names, and 4 KiB of other attributes; NULL without
 * memory. Give it to sluice_nl_call() or sluice_nl_msg_free().
 */
struct nl_msg *sluice_nl_msg(const struct sluice_nl *nl, uint8_t cmd);

/* Wipes (a message may carry keys) and frees; NULL is fine. */
void sluice_nl_msg_free(struct nl_msg *msg);

/**
 * sluice_nl_call - send a command and wait for its end
 * @nl:		connection
 * @msg:	consumed, whatever the outcome; wiped
 * @reply:	takes the reply; NULL when none is expected
 * @arg:	for @reply
 *
 * A call whose end got lost for want of memory, in the kernel or here, gives
 * -ENOMEM though it may have been done.
 *
 * Return: 0, or the kernel's -errno with its words in @nl->text.
 */
int sluice_nl_call(struct sluice_nl *nl, struct nl_msg *msg,
		   sluice_nl_reply_fn reply, void *arg);

/**
 * sluice_nl_call_both - send two commands at once and wait for the end of both
 * @nl:		connection
 * @first:	consumed, whatever the outcome; wiped
 * @last:	likewise. The kernel runs it even if it has refused the first
 * @first_done:	set to whether the first one is known to be done
 *
 * Return: 0 when both are done, or the -errno of the first that was refused, with the
 * kernel's words in @nl->text.
 */
int sluice_nl_call_both(struct sluice_nl *nl, struct nl_msg *first, struct nl_msg *last,
			bool *first_done);

/* GET. Return: 0 or -errno. */
int sluice_nl_get(struct sluice_nl *nl, struct sluice_nl_state *state);

/* Does the module speak the interface that this was compiled for? Return: 0,
 * -EPROTONOSUPPORT with both versions in @nl->text, or as sluice_nl_get().
 */
int sluice_nl_check(struct sluice_nl *nl, struct sluice_nl_state *state);

#endif /* SLUICE_COMMON_NL_H */
