// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slow clients before an armed listener: some say nothing, the others send their
 * ClientHello a byte a second. How long does a normal client's handshake take beside
 * them, and how long without?
 *
 * usage: loris NAME TRUST SLOW FACTOR
 *
 * SLOW clients are slow. Prints the medians of both, and fails where a normal one takes
 * more than FACTOR times its time alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <sluice.h>

#include "nl.h"

#define TRIES	41

static struct sluice_options client_options = SLUICE_OPTIONS_INIT;
static struct sluice_options server_options = SLUICE_OPTIONS_INIT;
static struct sockaddr_in address;
static int *slow, n_slow;
static atomic_bool over;

static void die(const char *what)
{
	fprintf(stderr, "loris: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The program that serves: a byte for each connection that has opened. */

static void add(int epoll, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
		die("epoll");
}

static void *serve(void *arg)
{
	int listener = (int)(long)arg, epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	struct epoll_event e;

	add(epoll, listener, EPOLLIN);
	while (!over) {
		if (epoll_wait(epoll, &e, 1, 100) < 1)
			continue;
		if (e.data.fd == listener) {
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (fd < 0)
				die("accept");
			add(epoll, fd, EPOLLOUT);
			continue;
		}
		if (!(e.events & EPOLLERR) && send(e.data.fd, "!", 1, MSG_NOSIGNAL) != 1)
			die("send");
		close(e.data.fd);
	}
	close(epoll);
	return NULL;
}

static int listen_armed(void)
{
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&address, len) || listen(fd, 1024) ||
	    getsockname(fd, (void *)&address, &len) || sluice_arm(fd, &server_options))
		die("listener");
	return fd;
}

/* A normal client, from connect to the server's first byte. */
static double visit(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double began = now_ms();
	char byte;

	if (fd < 0 || sluice_arm(fd, &client_options) ||
	    connect(fd, (void *)&address, sizeof(address)) || read(fd, &byte, 1) != 1)
		die("a normal client");
	began = now_ms() - began;
	close(fd);
	return began;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(void)
{
	double ms[TRIES];

	for (int i = 0; i < TRIES; i++)
		ms[i] = visit();
	qsort(ms, TRIES, sizeof(ms[0]), compare);
	return ms[TRIES / 2];
}

/* The slow ones: every second one trickles. */

static void slow_open(void)
{
	for (int i = 0; i < n_slow; i++) {
		slow[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (slow[i] < 0 || connect(slow[i], (void *)&address, sizeof(address)))
			die("a slow client");
	}
}

static void *trickle(void *arg)
{
	/* A record of 512 bytes, and in it a ClientHello of 508. */
	unsigned char hello[512] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };

	(void)arg;
	for (int at = 0; !over && at < (int)sizeof(hello); at++) {
		for (int i = 0; i < n_slow; i += 2)
			send(slow[i], hello + at, 1, MSG_NOSIGNAL);
		for (int i = 0; i < 10 && !over; i++)
			usleep(100000);
	}
	return NULL;
}

static unsigned int pending(void)
{
	struct sluice_nl_state state = { 0 };
	struct sluice_nl nl;

	if (sluice_nl_open(&nl) || sluice_nl_get(&nl, &state))
		die("no counters");
	sluice_nl_close(&nl);
	return state.pending;
}

/* Until @n handshakes are under way, at most a minute. */
static void wait_pending(unsigned int n)
{
	for (int i = 0; pending() != n; i++) {
		if (i == 600) {
			fprintf(stderr, "loris: %u handshakes under way, not %u\n", pending(), n);
			exit(1);
		}
		usleep(100000);
	}
}

static void more_files(void)
{
	struct rlimit limit = { 8192, 8192 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("files");
}

int main(int argc, char **argv)
{
	pthread_t server, trickler;
	double alone, beside;
	int listener;

	if (argc != 5) {
		fprintf(stderr, "usage: loris NAME TRUST SLOW FACTOR\n");
		return 2;
	}
	more_files();
	client_options.role = SLUICE_ROLE_CLIENT;
	client_options.server_name = argv[1];
	client_options.trust = argv[2];
	server_options.role = SLUICE_ROLE_SERVER;
	client_options.timeout_ms = server_options.timeout_ms = 240000;
	n_slow = atoi(argv[3]);
	slow = calloc((size_t)n_slow, sizeof(*slow));
	listener = listen_armed();
	if (!slow || pthread_create(&server, NULL, serve, (void *)(long)listener))
		die("start");

	visit();
	alone = median();
	slow_open();
	if (pthread_create(&trickler, NULL, trickle, NULL))
		die("start");
	wait_pending((unsigned int)n_slow);
	beside = median();
	printf("loris: median of a handshake: %.2f ms alone, %.2f ms beside %u slow clients\n",
	       alone, beside, pending());

	over = true;
	pthread_join(trickler, NULL);
	pthread_join(server, NULL);
	for (int i = 0; i < n_slow; i++)
		close(slow[i]);
	close(listener);
	return beside > alone * atof(argv[4]);
}
