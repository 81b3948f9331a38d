/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a transfer's bytes go: a file or stdout.
 */
#ifndef SLUICE_CLI_OUTPUT_H
#define SLUICE_CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct output - one transfer's
 * @path:	the file; NULL: stdout. The caller's, stays until output_end()
 * @resume:	go on at the file's end
 * @offset:	bytes that are there already; output_init() sets it
 * @fd:		-1: not opened yet
 * @error:	errno of the failure; 0: none
 */
struct output {
	const char *path;
	int resume;
	int64_t offset;
	int fd;
	int error;
};

/**
 * output_init() - look at the file, touch nothing
 *
 * Return: 0, or -1 with errno: with @resume, @path is not a regular file.
 */
int output_init(struct output *o, const char *path, int resume);

/**
 * output_write() - all of @size bytes
 *
 * The file is opened, and without @resume emptied, by the first call only: a
 * transfer that fails before its first byte costs nobody a file.
 *
 * Return: 0, or -1 with @o->error set.
 */
int output_write(struct output *o, const void *data, size_t size);

/**
 * output_end() - close the file
 * @complete:	the transfer succeeded: an empty one makes an empty file
 *
 * Return: 0, or -1 with @o->error set; a failed close is a failed write.
 */
int output_end(struct output *o, int complete);

#endif /* SLUICE_CLI_OUTPUT_H */
