// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long records are: the time to the first byte against the cost of many records,
 * and what lengths may tell.
 */
#include <linux/jiffies.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <net/tcp.h>
#include <uapi/linux/tls.h>

#include "arm.h"
#include "ctx.h"
#include "record.h"
#include "sizing.h"

static uint ramp_bytes = 256 * 1024;
module_param(ramp_bytes, uint, 0644);
MODULE_PARM_DESC(ramp_bytes,
		 "application data after which a managed socket's records are full; 0: at once (default 262144)");

static uint ramp_idle_ms = 1000;
module_param(ramp_idle_ms, uint, 0644);
MODULE_PARM_DESC(ramp_idle_ms,
		 "idle time after which its records begin small again (default 1000)");

/* TCP has nothing left to send: who waits for the network is not idle. */
static bool went_idle(const struct sluice_ctx *ctx)
{
	const struct sluice_sizing *s = &ctx->tx.sizing;

	return time_after(jiffies, s->sealed + msecs_to_jiffies(READ_ONCE(ramp_idle_ms))) &&
	       tcp_rtx_and_write_queues_empty(ctx->sk);
}

/* Content of a record that fills a segment. */
static unsigned int segment(const struct sluice_ctx *ctx)
{
	const struct sluice_key *key = ctx->tx.dir.key;
	unsigned int extra = sluice_record_overhead(key->cipher, key->version);
	unsigned int mss = tcp_sk(ctx->sk)->mss_cache;

	return mss > 2 * extra ? mss - extra : extra;
}

static unsigned int padding(const struct sluice_ctx *ctx)
{
	return sluice_sizing_pads(ctx) ? ctx->arm->req.padding : 0;
}

/* Neither shorter than what it would be padded to, nor a bit longer. */
static unsigned int fit_padding(const struct sluice_ctx *ctx, unsigned int len)
{
	unsigned int unit = padding(ctx);

	if (!unit)
		return len;
	return len > unit ? rounddown(len, unit) : min_t(unsigned int, unit, ctx->tx.max_payload);
}

unsigned int sluice_sizing_payload(struct sluice_ctx *ctx)
{
	struct sluice_sizing *s = &ctx->tx.sizing;
	unsigned int full = ctx->tx.max_payload;
	u32 bytes = READ_ONCE(ramp_bytes);

	sock_owned_by_me(ctx->sk);
	if (!sluice_ctx_managed(ctx))
		return full;
	if (s->ramp && !ctx->tx.open_len && went_idle(ctx))
		s->ramp = 0;
	if (likely(s->ramp >= bytes))
		return fit_padding(ctx, full);
	return fit_padding(ctx, clamp_t(u64, div_u64((u64)full * s->ramp, bytes),
					min(segment(ctx), full), full));
}

void sluice_sizing_sealed(struct sluice_ctx *ctx, unsigned int len)
{
	struct sluice_sizing *s = &ctx->tx.sizing;

	s->sealed = jiffies;
	if (s->ramp < U32_MAX / 2)
		s->ramp += len;
}

bool sluice_sizing_pads(const struct sluice_ctx *ctx)
{
	return ctx->arm && ctx->arm->req.padding && ctx->tx.dir.key->version == TLS_1_3_VERSION;
}

unsigned int sluice_sizing_pad(const struct sluice_ctx *ctx, unsigned int len)
{
	unsigned int unit = padding(ctx);
	unsigned int padded = unit ? min_t(unsigned int, roundup(len, unit),
					   ctx->tx.max_payload) : 0;

	return padded > len ? padded - len : 0;
}
