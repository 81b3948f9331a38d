/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor of sluice run: what becomes of a program's connect() and
 * listen().
 */
#ifndef SLUICE_CLI_SUPERVISE_H
#define SLUICE_CLI_SUPERVISE_H

#include <sluice.h>

#include "names.h"
#include "ports.h"

/**
 * struct supervise - what is wanted of the programs' sockets
 * @connect:	for sockets that connect; its server_name, if there is one, is for
 *		all of them
 * @listen:	for sockets that listen; role 0: they stay as they are
 * @ports:	of the server, where TLS is spoken; a listening socket without a port
 *		yet is taken as one of them
 * @names:	what has been looked up
 * @verbose:	print what is done to sockets, not only what is refused
 * @said:	the last line printed, so as not to repeat it
 */
struct supervise {
	struct sluice_options connect;
	struct sluice_options listen;
	struct ports ports;
	struct names names;
	int verbose;
	char said[512];
};

/**
 * supervise_inherited() - what was opened before the filter was there
 *
 * Looks at the calling process's descriptors. A listening socket becomes TLS if
 * @listen is wanted; a TCP connection has passed by connect() and accept(),
 * and would stay what it is.
 *
 * Return: 0, or -1: something that would be plain text; it has been printed.
 */
int supervise_inherited(struct supervise *s);

/**
 * supervise_call() - answer one call that waits
 * @notify:	filter_load()'s descriptor, readable
 *
 * A socket is armed before the kernel is told to go on with connect() or listen();
 * when that cannot be, the call fails with an errno:
 * EACCES	connect: no name is known for the address, or several are
 * EPROTONOSUPPORT TCP by another name (MPTCP, SMC)
 * others	of sluice_arm(), or of looking into the program
 *
 * Return: 0, or -1 with errno: the descriptor is of no more use.
 */
int supervise_call(struct supervise *s, int notify);

#endif /* SLUICE_CLI_SUPERVISE_H */
