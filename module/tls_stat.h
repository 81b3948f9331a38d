/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/net/tls_stat of each network namespace, in the place of the in-tree module's.
 */
#ifndef SLUICE_TLS_STAT_H
#define SLUICE_TLS_STAT_H

/*
 * pernet_operations, with takeover=1 only and after the name "tls" is ours: the in-tree
 * module has the file while it is loaded. -ENOMEM, also where it has it all the same.
 */
int sluice_tls_stat_init(void);
void sluice_tls_stat_exit(void);

#endif
