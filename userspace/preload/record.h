/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How libsluice-names.so tells the supervisor of sluice run which name has led a
 * program to which address: by connect() with a descriptor that cannot be one,
 * and this record in the place of a socket address.
 *
 * connect() is what the supervisor sees anyway. So there is nothing that the
 * program could close, no one outside can say anything, and the supervisor knows
 * the name before the program can use the address.
 */
#ifndef SLUICE_PRELOAD_RECORD_H
#define SLUICE_PRELOAD_RECORD_H

#include <stdint.h>
#include <linux/sluice.h>

#define NAMES_FD	(-1)
#define NAMES_MAGIC	"sluice-names-1"

/**
 * struct names_record - the argument of that connect()
 * @magic:	NAMES_MAGIC and zeroes
 * @address:	IPv6; IPv4 mapped into it (RFC 4291 2.5.5.2)
 * @name:	what was looked up, terminated; empty: the address itself, in digits
 */
struct names_record {
	char magic[16];
	uint8_t address[16];
	char name[SLUICE_NAME_MAX];
};

#endif /* SLUICE_PRELOAD_RECORD_H */
