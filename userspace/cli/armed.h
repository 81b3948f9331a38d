/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcurl's sockets, armed before they connect; and the reason when one fails.
 */
#ifndef SLUICE_CLI_ARMED_H
#define SLUICE_CLI_ARMED_H

#include <curl/curl.h>
#include <sluice.h>

/* Addresses of one host that are tried at once or one after the other. */
#define ARMED_MAX 32

/**
 * struct armed_socket - one of libcurl's sockets
 * @fd:		libcurl's descriptor; it may have closed it
 * @own:	ours of the same socket, by which it can be asked for its reasons
 */
struct armed_socket {
	int fd;
	int own;
};

/**
 * struct armed - the sockets of the transfers of one command
 * @options:	what to ask for; @options.server_name is set for each transfer.
 *		Strings are the caller's
 * @arm_error:	errno of arming the last socket; 0: it worked
 * @failed:	SLUICE_INFO of the last socket that failed; @failed.error 0: none
 * @closed:	SLUICE_INFO of the last socket that was closed
 * @socket:	those not known to be closed
 * @n:		how many
 *
 * Outlives every libcurl handle it was given to, whose pooled connections close
 * their sockets through it.
 */
struct armed {
	struct sluice_options options;
	int arm_error;
	struct sluice_info failed;
	struct sluice_info closed;
	struct armed_socket socket[ARMED_MAX];
	unsigned int n;
};

/**
 * armed_use() - make a transfer's sockets armed ones
 * @server_name: the name to check; must stay until the transfer's end
 *
 * Return: 0, or -1 when libcurl lacks what this needs.
 */
int armed_use(struct armed *a, CURL *curl, const char *server_name);

/**
 * armed_settle() - after a transfer: take notice of sockets that were closed
 *
 * libcurl does not tell of each: one that never got connected it just closes.
 */
void armed_settle(struct armed *a);

/**
 * armed_error() - the errno a failed transfer failed with, as Sluice knows it
 *
 * 0: none of its sockets failed as a TLS socket; look at libcurl's error.
 */
int armed_error(const struct armed *a);

/**
 * armed_exit() - the exit status for armed_error(), see enum cli_exit
 */
int armed_exit(const struct armed *a);

#endif /* SLUICE_CLI_ARMED_H */
