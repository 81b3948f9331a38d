/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on stderr, one write each, safe from any thread. Under systemd they
 * carry a priority. Bytes that could forge a line or steer a terminal come out
 * as '?'. Secrets never come here.
 */
#ifndef SLUICED_LOG_H
#define SLUICED_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* @level: lines above this syslog level are dropped. Once, before threads. */
void log_init(int level);

/* Would a line of @level be written? */
bool log_has(int level);

void log_line(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* As log_line(), for what others can cause at will: of many lines in a short time
 * most are left out, and the next one says how many.
 */
void log_often(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)	log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_DEBUG, __VA_ARGS__)

#endif /* SLUICED_LOG_H */
