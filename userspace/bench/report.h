/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures for people, as tables on stdout, and for programs, as JSON.
 */
#ifndef SLUICE_BENCH_REPORT_H
#define SLUICE_BENCH_REPORT_H

#include <jansson.h>

#include "latency.h"
#include "memory.h"
#include "transfer.h"

extern const char *const method_names[];

/** report_begin() - says where all that follows was measured */
json_t *report_begin(void);
void report_transfer(json_t *report, const struct workload *load, const struct result *results,
		     unsigned int n);
void report_latency(json_t *report, const struct workload *load, const struct latency *results,
		    unsigned int n);
void report_memory(json_t *report, const struct memory *results, unsigned int n);
void report_growth(json_t *report, const struct growth *results, unsigned int n);
void report_churn(json_t *report, const struct churn *results, unsigned int n);
/* ns per byte; 0: not to be had. In place, and to elsewhere, so far behind a page's start. */
struct aead_rates {
	double encrypt;
	double decrypt;
	double apart_64;
	double apart_256;
};

void report_aead(json_t *report, const struct cipher *ciphers, const struct aead_rates *rates,
		 unsigned int n);
/**
 * report_framing() - transfers without a cipher, and with it what is held against the last of
 * these
 * @aead:	what a cipher adds at least, ns per byte
 */
void report_framing(json_t *report, const struct result *results, unsigned int n, double aead);
/** report_end() - write @report, which goes, to @path if there is one. 0 or -1. */
int report_end(json_t *report, const char *path);

#endif
