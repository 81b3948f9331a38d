/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The module's state, as status and stats show it.
 */
#ifndef SLUICE_CLI_STATE_H
#define SLUICE_CLI_STATE_H

#include "../common/nl.h"

/**
 * struct state_counter - a counter's name, the same in every output
 * @name:	as enum sluice_stat spells it, in small letters
 * @help:	what it counts
 * @gauge:	a level, not a count: it also falls
 */
struct state_counter {
	const char *name;
	const char *help;
	int gauge;
};

/* By enum sluice_stat. */
extern const struct state_counter state_counters[__SLUICE_STAT_MAX];

/**
 * state_get() - ask the module
 *
 * What goes wrong is printed.
 *
 * Return: an exit status, see enum cli_exit.
 */
int state_get(struct sluice_nl_state *state);

#endif /* SLUICE_CLI_STATE_H */
