// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a transfer's bytes go.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "output.h"

int output_init(struct output *o, const char *path, int resume)
{
	struct stat st;

	*o = (struct output){ .path = path, .resume = resume, .fd = -1 };
	if (!path) {
		o->fd = STDOUT_FILENO;
		return 0;
	}
	if (!resume)
		return 0;
	if (stat(path, &st))
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	o->offset = st.st_size;
	return 0;
}

static int failed(struct output *o)
{
	o->error = errno;
	return -1;
}

static int ready(struct output *o)
{
	if (o->fd >= 0)
		return 0;
	o->fd = open(o->path, O_WRONLY | O_CREAT | O_CLOEXEC |
		     (o->offset ? O_APPEND : O_TRUNC), 0666);
	return o->fd < 0 ? failed(o) : 0;
}

int output_write(struct output *o, const void *data, size_t size)
{
	const char *at = data;

	if (ready(o))
		return -1;
	while (size) {
		ssize_t n = write(o->fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(o);
		at += n;
		size -= n;
	}
	return 0;
}

int output_end(struct output *o, int complete)
{
	int fd;

	if (complete && !o->error && ready(o))
		return -1;
	fd = o->fd;
	o->fd = -1;
	if (!o->path || fd < 0)
		return 0;
	if (close(fd) && !o->error)
		return failed(o);
	return o->error ? -1 : 0;
}
