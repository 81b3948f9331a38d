// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that knows nothing of TLS, linked statically: what it is without TLS
 * it has to be with it. Sockets are non-blocking, waited for by edge-triggered
 * epoll; the client calls connect() a second time, the server sizes its reads
 * by FIONREAD.
 *
 * usage: plain ADDRESS PORT	standard input to the server, its answer to
 *				standard output
 *	  plain -l PORT		sends back what one client sends
 *	  plain -u		sets up an io_uring
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* One connection, and what is still to be sent on it. */
struct talk {
	int fd;
	int events;
	int echo;		/* what comes is to be sent; else printed */
	char *out;
	size_t size;
	size_t sent;
	int all;		/* there will be no more to send */
	int ended;		/* the peer has */
};

static int fail(const char *what)
{
	fprintf(stderr, "plain: %s: %s\n", what, strerror(errno));
	return 1;
}

static void keep(struct talk *t, const char *data, size_t size)
{
	t->out = realloc(t->out, t->size + size);
	if (!t->out)
		exit(fail("memory"));
	memcpy(t->out + t->size, data, size);
	t->size += size;
}

/* Until it would block. -1: an error. */
static int push(struct talk *t)
{
	while (t->sent < t->size) {
		ssize_t n = send(t->fd, t->out + t->sent, t->size - t->sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		t->sent += n;
	}
	if (t->all != 1)
		return 0;
	t->all = 2;
	return shutdown(t->fd, SHUT_WR);
}

/* No more than FIONREAD promises, but for the end, which it cannot tell. */
static ssize_t pull_some(struct talk *t, char *data, size_t size)
{
	int there = 0;

	if (ioctl(t->fd, FIONREAD, &there))
		return -1;
	if (there > 0 && (size_t)there < size)
		size = there;
	return recv(t->fd, data, size, 0);
}

static int pull(struct talk *t)
{
	char data[50000];
	ssize_t n;

	while ((n = pull_some(t, data, sizeof(data))) > 0) {
		if (t->echo)
			keep(t, data, n);
		else
			fwrite(data, 1, n, stdout);
	}
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	t->ended = 1;
	if (t->echo)
		t->all = 1;
	return 0;
}

static int wait_for_event(struct talk *t)
{
	struct epoll_event e;

	return epoll_wait(t->events, &e, 1, -1) == 1 ? 0 : -1;
}

static int watch(struct talk *t)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	t->events = epoll_create1(0);
	return epoll_ctl(t->events, EPOLL_CTL_ADD, t->fd, &e);
}

static int talk(struct talk *t)
{
	while (!t->ended || t->all < 2) {
		if (pull(t))
			return fail("recv");
		if (push(t))
			return fail("send");
		if ((!t->ended || t->all < 2) && wait_for_event(t))
			return fail("epoll");
	}
	return 0;
}

static int connected(struct talk *t, const struct sockaddr_in *a)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (!connect(t->fd, (const struct sockaddr *)a, sizeof(*a)))
		return 0;
	if (errno != EINPROGRESS || watch(t) || wait_for_event(t))
		return -1;
	/* As some do, to learn how the first call went. */
	if (connect(t->fd, (const struct sockaddr *)a, sizeof(*a)) && errno != EISCONN)
		return -1;
	getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	errno = error;
	return error ? -1 : 0;
}

static int be_client(const char *address, const char *port)
{
	struct talk t = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .all = 1 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	char data[65536];
	ssize_t n;

	inet_aton(address, &a.sin_addr);
	while ((n = read(STDIN_FILENO, data, sizeof(data))) > 0)
		keep(&t, data, n);
	if (connected(&t, &a))
		return fail("connect");
	return talk(&t);
}

static int be_server(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct talk t = { .echo = 1 };

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return fail("bind");
	if (listen(fd, 8))
		return fail("listen");
	t.fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (t.fd < 0 || watch(&t))
		return fail("accept");
	return talk(&t);
}

static int be_modern(void)
{
	struct io_uring_params p = { 0 };

	return syscall(SYS_io_uring_setup, 4, &p) < 0 ? fail("io_uring") : 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-u"))
		return be_modern();
	if (argc == 3 && !strcmp(argv[1], "-l"))
		return be_server(argv[2]);
	if (argc == 3)
		return be_client(argv[1], argv[2]);
	fprintf(stderr, "usage: plain ADDRESS PORT | -l PORT | -u\n");
	return 2;
}
