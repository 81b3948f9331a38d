/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the module are plain variables; a test sets them by their setter. */
#ifndef SHIM_LINUX_MODULEPARAM_H
#define SHIM_LINUX_MODULEPARAM_H

#define module_param(name, type, mode)	\
	void set_##name(unsigned long value) { name = value; }
#define MODULE_PARM_DESC(name, text)
#define READ_ONCE(x)	(x)
#define U64_MAX		UINT64_MAX

typedef unsigned long ulong;

#endif
