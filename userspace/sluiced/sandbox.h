/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sluiced cannot do any more, whoever may have taken it over: run programs, look
 * into other processes, talk to a network, change the system.
 */
#ifndef SLUICED_SANDBOX_H
#define SLUICED_SANDBOX_H

#include <stdbool.h>

/* For this thread and all that it starts. After privileges are dropped, since it needs
 * no_new_privs; sets that otherwise. False with a reason on the log.
 */
bool sandbox_enter(void);

#endif /* SLUICED_SANDBOX_H */
