/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An end whose records this program makes itself.
 */
#ifndef SLUICE_BENCH_END_H
#define SLUICE_BENCH_END_H

#include "bench.h"

struct end_ops {
	void (*send)(struct end *end, struct lane *lane, const unsigned char *data, size_t len);
	size_t (*recv)(struct end *end, struct lane *lane, unsigned char *buf, size_t len);
	void (*close)(struct end *end);
};

/* First member of each kind's own state. */
struct end {
	const struct end_ops *ops;
};

/** write_all() - and count the calls */
void write_all(struct lane *lane, const void *data, size_t len);
/** read_some() - likewise; ends the program on an error and at the end of the stream */
size_t read_some(struct lane *lane, void *buf, size_t len);

#endif
