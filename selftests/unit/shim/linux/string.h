/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libc's string functions, and the kernel's memory wipe. */
#ifndef SHIM_LINUX_STRING_H
#define SHIM_LINUX_STRING_H

#include <stdio.h>
#include <string.h>

#define memzero_explicit(s, n)	explicit_bzero(s, n)

#endif
