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

/* Once each, from main.c: init learns TCP's operations, register opens for business. */
int sluice_ulp_init(void);
int sluice_ulp_register(void);
void sluice_ulp_unregister(void);

#endif
