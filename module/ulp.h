/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ULP: attach, children, detach. Nothing else swaps a socket's proto,
 * proto_ops or callbacks.
 */
#ifndef SLUICE_ULP_H
#define SLUICE_ULP_H

#include <linux/types.h>

struct sock;
struct sluice_arm;
struct sluice_ctx;

/**
 * sluice_ulp_owns() - is the socket's proto ours?
 * @sk:	any TCP socket
 *
 * Any context. True: sluice_ctx() is of our making (and may be NULL while a
 * child is being cloned).
 */
bool sluice_ulp_owns(const struct sock *sk);

/**
 * sluice_ulp_is_tls() - was the socket attached by the name "tls"?
 * @sk:	a socket of ours
 *
 * Any context. Such a socket is what the kernel's own module would have made of it:
 * connected, in raw mode, with nothing to ask of it but what <linux/tls.h> has.
 */
bool sluice_ulp_is_tls(const struct sock *sk);

/**
 * sluice_ulp_adopt() - a program holds this socket now
 * @ctx:	locked; its socket has a struct socket
 *
 * Readies a child that was accepted, wherever that happened: a listener that is not
 * ours may have inherited it (tcp_migrate_req), and then lacks our proto_ops.
 *
 * Process context. Return: 0, also when done before; -ENOMEM.
 */
int sluice_ulp_adopt(struct sluice_ctx *ctx);

/**
 * sluice_ulp_arm() - give a socket its request; cannot fail
 * @ctx:	in raw mode, without keys, locked, adopted
 * @arm:	the request; its reference is taken over
 *
 * State goes RAW -> ARMED; sluice_ulp_start() or TCP's connection does the rest.
 */
void sluice_ulp_arm(struct sluice_ctx *ctx, struct sluice_arm *arm);

/**
 * sluice_ulp_start() - start the handshake if it is due
 * @ctx:	locked
 *
 * Due: armed, connected, none begun. Process context. Return: 0 or -ENOMEM; a
 * handshake that could not begin is in state FAILED then.
 */
int sluice_ulp_start(struct sluice_ctx *ctx);

/**
 * sluice_ulp_accept() - make ready what an accept on one of our listeners gave
 * @listener:	context of the listening socket, which the caller has in hand
 * @child:	its new socket, locked, with a struct socket
 *
 * A child that has no context (older than the attach, or no memory in softirq) gets
 * one; one that is older than the request is armed; an armed one starts.
 *
 * Return: 0, -ENOMEM, -EOPNOTSUPP (another's ULP or proto is on it).
 */
int sluice_ulp_accept(struct sluice_ctx *listener, struct sock *child);

/**
 * sluice_ulp_guard() - from here on TCP's bytes are not the program's bytes
 * @ctx:	being armed or keyed, locked
 *
 * Takes SO_RCVLOWAT away from TCP.
 */
void sluice_ulp_guard(struct sluice_ctx *ctx);

/* All from main.c, in this order. */

/** sluice_ulp_init() - learn TCP's operations; -ENOMEM and the like */
int sluice_ulp_init(void);

/**
 * sluice_ulp_register() - take the names
 * @takeover:	"tls" too
 *
 * An attach gives -ENOENT until sluice_ulp_open(), as if the module were not there.
 *
 * Return: 0; -EBUSY, with a word in the kernel's log: "tls" is the in-tree module's.
 * After an error no name is taken.
 */
int sluice_ulp_register(bool takeover);

/** sluice_ulp_open() - let sockets in; the module's start cannot fail after it */
void sluice_ulp_open(void);

/** sluice_ulp_unregister() - give the names back; @takeover as registered; sleeps */
void sluice_ulp_unregister(bool takeover);

#endif
