/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secrets of connections in a file, for Wireshark and its like to read along: only
 * where whoever starts the daemon asks for it in so many words.
 */
#ifndef SLUICED_KEYLOG_H
#define SLUICED_KEYLOG_H

#include <stdbool.h>

/* Appends to @path from now on, created for its owner only. Once, before threads.
 * False, with the reason on the log.
 */
bool keylog_open(const char *path);

/* One line of the SSLKEYLOGFILE format, without its end; nothing when not open. Any
 * thread.
 */
void keylog_line(const char *line);

#endif /* SLUICED_KEYLOG_H */
