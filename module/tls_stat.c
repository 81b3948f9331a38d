// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our counters by the names that people's tools know: those of Linux 7.2, on every
 * kernel. While this file exists the in-tree module cannot be loaded.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <net/net_namespace.h>

#include "stats.h"
#include "tls_stat.h"

/* What a network card would do, and nobody does here. */
#define NONE	__SLUICE_STAT_MAX

struct sluice_tls_row {
	const char *name;
	enum sluice_stat stat;
};

static const struct sluice_tls_row sluice_tls_rows[] = {
	{ "TlsCurrTxSw",		SLUICE_STAT_TX_CURRENT },
	{ "TlsCurrRxSw",		SLUICE_STAT_RX_CURRENT },
	{ "TlsCurrTxDevice",		NONE },
	{ "TlsCurrRxDevice",		NONE },
	{ "TlsTxSw",			SLUICE_STAT_TX_SESSIONS },
	{ "TlsRxSw",			SLUICE_STAT_RX_SESSIONS },
	{ "TlsTxDevice",		NONE },
	{ "TlsRxDevice",		NONE },
	{ "TlsDecryptError",		SLUICE_STAT_RX_BAD_TAG },
	{ "TlsRxDeviceResync",		NONE },
	{ "TlsDecryptRetry",		SLUICE_STAT_RX_RETRIES },
	{ "TlsRxNoPadViolation",	SLUICE_STAT_RX_NO_PAD_VIOLATIONS },
	{ "TlsRxRekeyOk",		SLUICE_STAT_RX_REKEYS },
	{ "TlsRxRekeyError",		SLUICE_STAT_RX_REKEY_ERRORS },
	{ "TlsTxRekeyOk",		SLUICE_STAT_TX_REKEYS },
	{ "TlsTxRekeyError",		SLUICE_STAT_TX_REKEY_ERRORS },
	{ "TlsRxRekeyReceived",		SLUICE_STAT_RX_REKEYS_DUE },
};

static int sluice_tls_stat_show(struct seq_file *seq, void *v)
{
	u64 stats[__SLUICE_STAT_MAX + 1];
	size_t i;

	sluice_stats_read(seq_file_single_net(seq), stats);
	stats[NONE] = 0;
	for (i = 0; i < ARRAY_SIZE(sluice_tls_rows); i++)
		seq_printf(seq, "%-32s\t%llu\n", sluice_tls_rows[i].name,
			   stats[sluice_tls_rows[i].stat]);
	return 0;
}

static int __net_init sluice_tls_stat_net_init(struct net *net)
{
	/* A kernel without /proc has nobody who could look. */
	if (!IS_ENABLED(CONFIG_PROC_FS))
		return 0;
	return proc_create_net_single("tls_stat", 0444, net->proc_net,
				      sluice_tls_stat_show, NULL) ? 0 : -ENOMEM;
}

static void __net_exit sluice_tls_stat_net_exit(struct net *net)
{
	remove_proc_entry("tls_stat", net->proc_net);
}

static struct pernet_operations sluice_tls_stat_net_ops = {
	.init	= sluice_tls_stat_net_init,
	.exit	= sluice_tls_stat_net_exit,
};

int sluice_tls_stat_init(void)
{
	return register_pernet_subsys(&sluice_tls_stat_net_ops);
}

void sluice_tls_stat_exit(void)
{
	unregister_pernet_subsys(&sluice_tls_stat_net_ops);
}
