/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only named by the headers under test. */
#ifndef SHIM_LINUX_SCATTERLIST_H
#define SHIM_LINUX_SCATTERLIST_H

struct scatterlist;

#endif
