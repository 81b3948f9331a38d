/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping keys in, and doing without power: memory, core files, capabilities.
 */
#ifndef SLUICED_PRIVILEGE_H
#define SLUICED_PRIVILEGE_H

#include <stdbool.h>

/* Before any key is read: no core file, no ptrace, nothing swapped out where
 * the system allows that.
 */
void privilege_guard_memory(void);

/* Becomes @user (NULL: stays) and keeps no capability but CAP_NET_ADMIN. Before
 * threads: capabilities are each thread's own. False with a reason on the log.
 */
bool privilege_drop(const char *user);

#endif /* SLUICED_PRIVILEGE_H */
