/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long the records of a managed socket are: short while the peer may be waiting for
 * the first bytes, full in bulk, padded where the program asks for it. Raw mode has full
 * records without padding, as the in-tree module.
 */
#ifndef SLUICE_SIZING_H
#define SLUICE_SIZING_H

#include <linux/types.h>

struct sluice_ctx;

/**
 * struct sluice_sizing - what the length of the next record depends on
 * @ramp:	bytes of application data since the connection was idle, or more
 * @sealed:	when the last of them were sealed, in jiffies
 */
struct sluice_sizing {
	u32 ramp;
	unsigned long sealed;
};

/**
 * sluice_sizing_payload() - bytes of application data in the next record at most
 * @ctx:	locked, with TX keys
 *
 * A record can be opened when its last byte has come. After a second of idleness the
 * first ones fit into a segment each, and they grow with what has been sent, up to
 * ctx->tx.max_payload.
 */
unsigned int sluice_sizing_payload(struct sluice_ctx *ctx);

/** sluice_sizing_sealed() - @len bytes of application data went into a record. Locked. */
void sluice_sizing_sealed(struct sluice_ctx *ctx, unsigned int len);

/** sluice_sizing_pads() - are records padded? Locked, with TX keys. */
bool sluice_sizing_pads(const struct sluice_ctx *ctx);

/** sluice_sizing_pad() - bytes of padding behind @len bytes of content (RFC 8446 5.4).
 * Both together are not more than ctx->tx.max_payload, if @len is not.
 */
unsigned int sluice_sizing_pad(const struct sluice_ctx *ctx, unsigned int len);

#endif
