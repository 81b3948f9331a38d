/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_COMPAT_UAPI_TLS_H
#define SLUICE_COMPAT_UAPI_TLS_H

#include_next <uapi/linux/tls.h>

/* What 6.12 lacks. The numbers are user API: they mean the same on every kernel. */
#ifndef TLS_TX_MAX_PAYLOAD_LEN
#define TLS_TX_MAX_PAYLOAD_LEN		5
#define TLS_INFO_TX_MAX_PAYLOAD_LEN	(TLS_INFO_RX_NO_PAD + 1)
#endif

#endif
