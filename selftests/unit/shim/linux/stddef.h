/* SPDX-License-Identifier: GPL-2.0-or-later */
/* offsetof() and NULL. */
#ifndef SHIM_LINUX_STDDEF_H
#define SHIM_LINUX_STDDEF_H

#include_next <linux/stddef.h>

#include <stddef.h>

#endif
