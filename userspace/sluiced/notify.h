/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling whoever started us how we are: systemd's protocol, or a descriptor.
 */
#ifndef SLUICED_NOTIFY_H
#define SLUICED_NOTIFY_H

/* Sends @state ("READY=1") to $NOTIFY_SOCKET, if there is one. */
void notify_systemd(const char *state);

/* Writes a newline to @fd and closes it; negative: none was asked for. */
void notify_fd(int fd);

#endif /* SLUICED_NOTIFY_H */
