// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start and stop, nothing else. What others call starts first; the ULP, which lets
 * sockets in, last.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <net/tcp.h>

#include "handshake.h"
#include "netlink.h"
#include "stats.h"
#include "tls_stat.h"
#include "ulp.h"

static bool takeover;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover, "be the kernel's TLS (ULP name \"tls\") in place of its own module");

static int __init sluice_init(void)
{
	int err;

	err = sluice_stats_init();
	if (err)
		return err;
	err = sluice_ulp_init();
	if (err)
		goto stop_stats;
	err = sluice_hs_init();
	if (err)
		goto stop_stats;
	err = sluice_netlink_init();
	if (err)
		goto stop_handshakes;
	err = sluice_ulp_register(takeover);
	if (err)
		goto stop_netlink;
	if (takeover) {
		err = sluice_tls_stat_init();
		if (err)
			goto give_names_back;
	}
	sluice_ulp_open();
	return 0;

give_names_back:
	sluice_ulp_unregister(takeover);
stop_netlink:
	sluice_netlink_exit();
stop_handshakes:
	sluice_hs_exit();
stop_stats:
	sluice_stats_exit();
	return err;
}

/*
 * Every socket and every channel holds the module, so that none is left here; what
 * was freed a moment ago may still wait for its grace period.
 */
static void __exit sluice_exit(void)
{
	if (takeover)
		sluice_tls_stat_exit();
	sluice_ulp_unregister(takeover);
	sluice_netlink_exit();
	sluice_hs_exit();
	sluice_stats_exit();
	rcu_barrier();
}

module_init(sluice_init);
module_exit(sluice_exit);

MODULE_AUTHOR("The Sluice project");
MODULE_DESCRIPTION("TLS as a property of a TCP socket");
MODULE_LICENSE("GPL");
MODULE_ALIAS_TCP_ULP("sluice");
MODULE_SOFTDEP("pre: gcm ccm chacha20poly1305");
