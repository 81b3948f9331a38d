/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assertions of the compiler's. */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

#include <assert.h>

#endif
