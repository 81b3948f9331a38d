/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of TCP ports.
 */
#ifndef SLUICE_CLI_PORTS_H
#define SLUICE_CLI_PORTS_H

#include <stdint.h>

struct ports {
	uint8_t bit[65536 / 8];
};

/** ports_fill() - all ports, or none */
void ports_fill(struct ports *p, int all);

/**
 * ports_set() - put ports in, or take them out
 * @list:	"443,8000-8010": numbers from 1 to 65535 and ranges of them
 * @in:		in, or out
 *
 * Return: 0, or -1: @list is something else; @p is then good for nothing.
 */
int ports_set(struct ports *p, const char *list, int in);

int ports_has(const struct ports *p, uint16_t port);

#endif /* SLUICE_CLI_PORTS_H */
