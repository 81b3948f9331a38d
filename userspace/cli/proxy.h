/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proxies of the environment: not spoken to, and not walked past in silence.
 */
#ifndef SLUICE_CLI_PROXY_H
#define SLUICE_CLI_PROXY_H

/**
 * proxy_in_the_way() - the variable that sends https:// to @host by a proxy
 * @host:	name or address, no brackets
 *
 * Return: its name, or NULL when there is none, or no_proxy excepts @host:
 * "*", or a list of names, each good for itself and the names below it.
 */
const char *proxy_in_the_way(const char *host);

#endif /* SLUICE_CLI_PROXY_H */
