// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an armed socket is at: SLUICE_INFO, and waiting until it has opened.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>

#include <sluice.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

int sluice_get_info(int fd, struct sluice_info *info)
{
	socklen_t length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return getsockopt(fd, SOL_TLS, SLUICE_INFO, info, &length);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* 1: open; 0: not yet; -1: never, with errno */
static int settled(int fd)
{
	struct sluice_info info;

	if (sluice_get_info(fd, &info))
		return -1;
	switch (info.state) {
	case SLUICE_STATE_OPEN:
		return 1;
	case SLUICE_STATE_FAILED:
		errno = info.error ? (int)info.error : ECONNABORTED;
		return -1;
	case SLUICE_STATE_RAW:
		errno = EINVAL;
		return -1;
	default:
		return 0;
	}
}

/* poll() woke without a verdict of the handshake: TCP itself has ended, or was
 * never started.
 */
static int tcp_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		return -1;
	errno = error ? error : ENOTCONN;
	return -1;
}

int sluice_wait(int fd, int timeout_ms)
{
	long long end = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int left = timeout_ms;
	int state = settled(fd);

	while (!state) {
		int n = poll(&p, 1, left);

		if (n < 0)
			return -1;
		state = settled(fd);
		if (state)
			break;
		if (n && (p.revents & (POLLERR | POLLHUP | POLLNVAL)))
			return tcp_error(fd);
		if (timeout_ms < 0)
			continue;
		left = end > now_ms() ? (int)(end - now_ms()) : 0;
		if (!left) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return state > 0 ? 0 : -1;
}
