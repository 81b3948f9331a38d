// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded: to the program, the module seems to speak a newer interface than it does.
 */
#include <stdint.h>

#include <linux/sluice.h>
#include <netlink/attr.h>

uint32_t nla_get_u32(const struct nlattr *attr)
{
	uint32_t n = *(const uint32_t *)nla_data(attr);

	return nla_type(attr) == SLUICE_A_ABI ? n + 1 : n;
}
