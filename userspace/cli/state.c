// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's state: asked for over generic netlink, and the counters' names.
 */
#include <errno.h>
#include <error.h>

#include "cli.h"
#include "state.h"

const struct state_counter state_counters[__SLUICE_STAT_MAX] = {
	[SLUICE_STAT_SOCKETS] = { "sockets", "Sockets attached, now", 1 },
	[SLUICE_STAT_TX_RECORDS] = { "tx_records", "Records sealed, all types", 0 },
	[SLUICE_STAT_TX_BYTES] = { "tx_bytes", "Bytes of application data sealed", 0 },
	[SLUICE_STAT_RX_RECORDS] = { "rx_records", "Records opened, all types", 0 },
	[SLUICE_STAT_RX_BYTES] = { "rx_bytes", "Bytes of application data opened", 0 },
	[SLUICE_STAT_RX_DIRECT] = { "rx_direct", "Records opened into the reader's pages", 0 },
	[SLUICE_STAT_TX_CONTROL] = { "tx_control", "Records sealed, not application data", 0 },
	[SLUICE_STAT_RX_CONTROL] = { "rx_control", "Records opened, not application data", 0 },
	[SLUICE_STAT_TX_KEYUPDATES] = { "tx_keyupdates", "KeyUpdates sent", 0 },
	[SLUICE_STAT_RX_KEYUPDATES] = { "rx_keyupdates", "KeyUpdates received", 0 },
	[SLUICE_STAT_TX_ALERTS] = { "tx_alerts", "Alerts sent", 0 },
	[SLUICE_STAT_RX_ALERTS] = { "rx_alerts", "Alerts received", 0 },
	[SLUICE_STAT_RX_TICKETS] = { "rx_tickets", "NewSessionTickets received", 0 },
	[SLUICE_STAT_RX_BAD_TAG] = { "rx_bad_tag", "Records that failed authentication", 0 },
	[SLUICE_STAT_RX_BAD_RECORD] = { "rx_bad_record", "Records with a bad header, length or type", 0 },
	[SLUICE_STAT_RX_TRUNCATED] = { "rx_truncated", "Connections ended without close_notify", 0 },
	[SLUICE_STAT_NO_CIPHER] = { "no_cipher", "Keys for a cipher this kernel lacks", 0 },
	[SLUICE_STAT_HS_STARTED] = { "hs_started", "Handshakes started", 0 },
	[SLUICE_STAT_HS_DONE] = { "hs_done", "Handshakes done", 0 },
	[SLUICE_STAT_HS_FAILED] = { "hs_failed", "Handshakes failed by the agent's word", 0 },
	[SLUICE_STAT_HS_NO_AGENT] = { "hs_no_agent", "Handshakes without an agent", 0 },
	[SLUICE_STAT_HS_TIMEOUT] = { "hs_timeout", "Handshakes that timed out", 0 },
	[SLUICE_STAT_HS_ABANDONED] = { "hs_abandoned", "Handshakes whose channel the agent closed", 0 },
	[SLUICE_STAT_HS_CANCELLED] = { "hs_cancelled", "Handshakes whose socket the program closed", 0 },
	[SLUICE_STAT_HS_OVERFLOW] = { "hs_overflow", "Handshakes refused: queue, listener or user's share full", 0 },
	[SLUICE_STAT_TX_SESSIONS] = { "tx_sessions", "Sockets that were given TX keys", 0 },
	[SLUICE_STAT_RX_SESSIONS] = { "rx_sessions", "Sockets that were given RX keys", 0 },
	[SLUICE_STAT_TX_CURRENT] = { "tx_current", "Sockets with TX keys, now", 1 },
	[SLUICE_STAT_RX_CURRENT] = { "rx_current", "Sockets with RX keys, now", 1 },
	[SLUICE_STAT_RX_RETRIES] = { "rx_retries", "Records opened twice: padded, or not data", 0 },
	[SLUICE_STAT_RX_NO_PAD_VIOLATIONS] = { "rx_no_pad_violations", "Records opened twice on sockets that expect no padding", 0 },
	[SLUICE_STAT_TX_REKEYS] = { "tx_rekeys", "TX keys replaced by the program", 0 },
	[SLUICE_STAT_TX_REKEY_ERRORS] = { "tx_rekey_errors", "New TX keys of a program refused", 0 },
	[SLUICE_STAT_RX_REKEYS] = { "rx_rekeys", "RX keys replaced by the program", 0 },
	[SLUICE_STAT_RX_REKEY_ERRORS] = { "rx_rekey_errors", "New RX keys of a program refused", 0 },
	[SLUICE_STAT_TX_KEY_LIMITS] = { "tx_key_limits", "TX keys that came to their limit", 0 },
	[SLUICE_STAT_RX_REKEYS_DUE] = { "rx_rekeys_due", "KeyUpdates that paused reading in raw mode", 0 },
	[SLUICE_STAT_HS_GAVE_WAY] = { "hs_gave_way", "Handshakes of slow peers that a full listener ended", 0 },
};

int state_get(struct sluice_nl_state *state)
{
	struct sluice_nl nl;
	int e = sluice_nl_open(&nl);

	if (e == -ENOENT) {
		error(0, 0, "the sluice module is not loaded (modprobe sluice)");
		return CLI_NO_MODULE;
	}
	if (!e)
		e = sluice_nl_get(&nl, state);
	if (e)
		error(0, -e, "the module does not answer: %s", nl.text);
	sluice_nl_close(&nl);
	return e ? CLI_FAILED : CLI_OK;
}
