/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening socket of sluice serve.
 */
#ifndef SLUICE_CLI_LISTENER_H
#define SLUICE_CLI_LISTENER_H

#include <stddef.h>
#include <sys/socket.h>

/**
 * listener_open() - a listening TCP socket
 * @address:	name or address; NULL: all of this host, IPv6 and IPv4
 * @port:	0: any free one
 *
 * What goes wrong is printed.
 *
 * Return: the descriptor, close-on-exec, or -1.
 */
int listener_open(const char *address, unsigned int port);

/* "192.0.2.1:443", "[2001:db8::1]:443" */
void listener_name(const struct sockaddr *address, socklen_t length, char *text,
		   size_t size);

#endif /* SLUICE_CLI_LISTENER_H */
