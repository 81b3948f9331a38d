/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SHIM_UAPI_LINUX_TLS_H
#define SHIM_UAPI_LINUX_TLS_H

#include <linux/tls.h>

#endif
