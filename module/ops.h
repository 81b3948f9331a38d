/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Socket calls of a program that are neither data nor options.
 */
#ifndef SLUICE_OPS_H
#define SLUICE_OPS_H

#include <linux/net.h>

/**
 * sluice_ops_override() - put our calls into a copy of TCP's proto_ops
 * @ops: inet_stream_ops or inet6_stream_ops, copied
 */
void sluice_ops_override(struct proto_ops *ops);

#endif
