/* SPDX-License-Identifier: GPL-2.0-only */
/* 7.2 wants to be told what was the default before. */
#ifndef SLUICE_COMPAT_LINUX_WORKQUEUE_H
#define SLUICE_COMPAT_LINUX_WORKQUEUE_H

#include <linux/version.h>
#include_next <linux/workqueue.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
#define WQ_PERCPU 0
#endif

#endif
