/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of an INSTALL, from attributes to checked key material.
 */
#ifndef SLUICE_KEYATTR_H
#define SLUICE_KEYATTR_H

#include "key.h"

struct genl_info;

/**
 * sluice_keyattr_parse() - read SLUICE_A_TX and SLUICE_A_RX
 * @info:	the message
 * @config:	zeroed; TX, then RX. The caller wipes it, also after an error
 *
 * Both directions get the same version and cipher.
 * Return: 0; -EINVAL with an extack text.
 */
int sluice_keyattr_parse(struct genl_info *info, struct sluice_key_config config[2]);

#endif
