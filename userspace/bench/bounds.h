/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no implementation can be faster than: the bare cipher, and the work around it.
 */
#ifndef SLUICE_BENCH_BOUNDS_H
#define SLUICE_BENCH_BOUNDS_H

#include "bench.h"

/**
 * bounds_aead() - the kernel's AEAD on full records that lie in one piece
 * @cipher:	which
 * @op:		"encrypt" or "decrypt"
 * @to:		0: in place; else to another place, @to bytes further behind a page's start
 *
 * Return: ns of CPU time per byte; 0: sluice_bench.ko is not loaded, or the kernel lacks it.
 */
double bounds_aead(const struct cipher *cipher, const char *op, unsigned int to);

/** bounds_null_cipher() - from here on new keys of AES-GCM come without a cipher, or again
 * with it. Return: false: cannot be.
 */
bool bounds_null_cipher(bool on);

#endif
