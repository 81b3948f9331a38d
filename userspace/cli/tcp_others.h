/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that carry TCP under another name, where Debian 12's headers do not
 * know them.
 */
#ifndef SLUICE_CLI_TCP_OTHERS_H
#define SLUICE_CLI_TCP_OTHERS_H

#include <netinet/in.h>
#include <sys/socket.h>

#ifndef AF_SMC
#define AF_SMC		43
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC	256
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

#endif /* SLUICE_CLI_TCP_OTHERS_H */
