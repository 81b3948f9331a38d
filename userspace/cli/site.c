// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The served directory. The kernel itself refuses paths that lead out of it:
 * by "..", by an absolute or a symbolic link, at any moment of the walk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <curl/curl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "site.h"

static int open_beneath(int root, const char *path)
{
	struct open_how how = {
		/* O_NONBLOCK: a FIFO must not hold the thread up. */
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	/* EAGAIN: a rename raced with the walk, and ".." was in it. */
	for (int tries = 0; tries < 8; tries++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

int site_open(int root, const char *path, struct stat *st)
{
	int fd;

	path += strspn(path, "/");
	fd = open_beneath(root, *path ? path : ".");
	if (fd < 0) {
		if (errno == EXDEV || errno == ELOOP || errno == ENXIO)
			errno = EACCES;
		else if (errno == ENOTDIR || errno == ENAMETOOLONG)
			errno = ENOENT;
		return -1;
	}
	if (!fstat(fd, st) && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
		return fd;
	close(fd);
	errno = EACCES;
	return -1;
}

static void put_html(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			fputc(*text, f);
		}
	}
}

static void put_entry(FILE *f, int directory, const char *name)
{
	char *escaped = curl_easy_escape(NULL, name, 0);
	struct stat st;
	const char *slash;

	/* Of a symbolic link, itself: it may lead out of what is served. */
	if (escaped && !fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW)) {
		slash = S_ISDIR(st.st_mode) ? "/" : "";
		fprintf(f, "<tr><td><a href=\"%s%s\">", escaped, slash);
		put_html(f, name);
		fprintf(f, "%s</a><td>", slash);
		if (S_ISREG(st.st_mode))
			fprintf(f, "%lld", (long long)st.st_size);
		fputs("</tr>\n", f);
	}
	curl_free(escaped);
}

static int is_listed(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

char *site_listing(int directory, const char *path, size_t *length)
{
	struct dirent **entries;
	char *page = NULL;
	int n = scandirat(directory, ".", &entries, is_listed, alphasort);
	FILE *f;

	if (n < 0)
		return NULL;
	f = open_memstream(&page, length);
	if (f) {
		fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>", f);
		put_html(f, path);
		fputs("</title>\n<table>\n", f);
		if (strcmp(path, "/"))
			fputs("<tr><td><a href=\"../\">../</a><td></tr>\n", f);
		for (int i = 0; i < n; i++)
			put_entry(f, directory, entries[i]->d_name);
		fputs("</table>\n", f);
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	if (f && fclose(f)) {
		free(page);
		page = NULL;
	}
	return page;
}

const char *site_type(const char *path)
{
	static const struct {
		const char *ending;
		const char *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".htm", "text/html; charset=utf-8" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".md", "text/plain; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".xml", "application/xml" },
		{ ".pdf", "application/pdf" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" },
		{ ".gif", "image/gif" },
		{ ".webp", "image/webp" },
		{ ".mp4", "video/mp4" },
		{ ".webm", "video/webm" },
		{ ".wasm", "application/wasm" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(dot, types[i].ending))
			return types[i].type;
	return "application/octet-stream";
}
