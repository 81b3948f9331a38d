/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparisons. */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#define min_not_zero(a, b)	(!(a) ? (b) : !(b) || (a) < (b) ? (a) : (b))

#endif
