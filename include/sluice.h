/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsluice: TLS as a property of a TCP socket, for programs in C and C++.
 *
 *	struct sluice_options o = SLUICE_OPTIONS_INIT;
 *
 *	o.role = SLUICE_ROLE_CLIENT;
 *	o.server_name = "www.example.org";
 *	fd = socket(AF_INET, SOCK_STREAM, 0);
 *	if (sluice_arm(fd, &o) || connect(fd, address, length))
 *		...
 *	write(fd, ...); read(fd, ...); sendfile(fd, ...);
 *
 * That is all: the handshake starts by itself with the connection, and what
 * the socket carries from then on is TLS. A server arms its listening socket
 * in the same way, and every connection accepted from it is TLS.
 *
 * Functions that return int give 0, or -1 with errno, as the system calls they
 * stand for. The library holds no state, allocates no memory and starts no
 * thread; every function may be called from any thread, and all but
 * sluice_strerror() and the name functions are a few system calls on @fd,
 * which stays the caller's. Handshakes are done by sluiced, which must run.
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <stddef.h>
#include <stdint.h>
#include <linux/sluice.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library itself is compiled with everything hidden that is not here. */
#pragma GCC visibility push(default)

#define SLUICE_VERSION		"0.1.0"

/**
 * struct sluice_options - what the handshake shall be
 * @size:	sizeof(struct sluice_options) as the program was compiled; set by
 *		SLUICE_OPTIONS_INIT. The structure grows at its end only
 * @role:	SLUICE_ROLE_CLIENT or SLUICE_ROLE_SERVER
 * @padding:	pad records of TLS 1.3 to a multiple of so many bytes, up to 16384, to
 *		hide how long messages are (RFC 8446 5.4); 0: no padding
 * @flags:	SLUICE_F_*, see <linux/sluice.h>
 * @min_version: lowest TLS version: 0x0303 (1.2), 0x0304 (1.3), 0: any
 * @max_version: highest TLS version, likewise
 * @timeout_ms:	limit for the handshake from when it starts, in milliseconds;
 *		0: the module's default (30 s)
 * @server_name: client: host name or IP address (no brackets, no port) that the
 *		server's certificate must be for; NULL only with
 *		SLUICE_F_NO_NAME_CHECK. Server: NULL
 * @identity:	certificate and key by the name sluiced.conf gives them; NULL:
 *		a server's is chosen by SNI, a client has none
 * @trust:	trust store by the name sluiced.conf gives it; NULL: its default
 * @alpn:	protocols in order of preference (RFC 7301), 1 to 255 bytes each, the
 *		last pointer NULL; NULL: no ALPN
 *
 * Strings are UTF-8 and are copied: nothing needs to outlive the call.
 */
struct sluice_options {
	size_t		size;
	uint16_t	role;
	uint16_t	padding;
	uint32_t	flags;
	uint16_t	min_version;
	uint16_t	max_version;
	uint32_t	timeout_ms;
	const char	*server_name;
	const char	*identity;
	const char	*trust;
	const char	*const *alpn;
};

#ifdef __cplusplus
#define SLUICE_OPTIONS_INIT	{ sizeof(struct sluice_options), 0, 0, 0, 0, 0, 0, \
				  NULL, NULL, NULL, NULL }
#else
#define SLUICE_OPTIONS_INIT	{ .size = sizeof(struct sluice_options) }
#endif

/**
 * sluice_arm() - make a socket a TLS socket
 * @fd:		TCP socket: new, listening (server only) or connected
 * @options:	what the handshake shall be
 *
 * Does not wait. On a new socket the handshake starts with connect(), on a
 * listening one with each accepted connection, on a connected one at once.
 * Until it is over, blocking calls on the socket wait, non-blocking ones fail
 * with EAGAIN, and poll() reports nothing.
 *
 * After a failure close @fd: it is not a TLS socket, and what is written to it
 * may go out as plain text.
 *
 * errno:
 * ENOENT	the module is not loaded
 * EEXIST	another ULP is attached to the socket
 * EBUSY	the socket has been armed, or has keys, already
 * ENAMETOOLONG	a string does not fit; see SLUICE_*_MAX in <linux/sluice.h>
 * EINVAL	role, version, flags, padding, server_name or an ALPN entry
 * E2BIG	the structure has members that this library does not know
 * ENOTCONN	the socket is neither new, listening nor connected
 * ENOBUFS	too many handshakes wait already
 * EDQUOT	too many of this user
 * EBADF, ENOTSOCK, EOPNOTSUPP, ENOMEM, EPERM	as for setsockopt()
 */
int sluice_arm(int fd, const struct sluice_options *options);

/**
 * sluice_wait() - wait until an armed socket has opened
 * @fd:		armed socket, connecting or connected; not a listening one
 * @timeout_ms:	limit in milliseconds; 0: do not wait; negative: no limit of its
 *		own (the handshake has one, see sluice_options)
 *
 * Only non-blocking sockets need it; read() and write() of blocking ones wait
 * by themselves. Does not take the socket's pending error (SO_ERROR) when that
 * is the handshake's.
 *
 * errno:
 * ETIMEDOUT	@timeout_ms went by (the handshake goes on), or the handshake's
 *		own limit: then sluice_get_info() shows SLUICE_STATE_FAILED
 * EINVAL	the socket is not armed
 * ENOTCONN	the socket is not connecting
 * EINTR	a signal came
 * others	why the handshake or the connection failed: see
 *		struct sluice_request in <linux/sluice.h>, and connect()
 */
int sluice_wait(int fd, int timeout_ms);

/**
 * sluice_get_info() - what a socket is and has done
 * @fd:		socket with the ULP attached, open or failed
 * @info:	filled in; members that the running module does not know are zero
 *
 * errno: ENOPROTOOPT or EOPNOTSUPP (no such ULP on @fd), EBADF, ENOTSOCK, EFAULT
 */
int sluice_get_info(int fd, struct sluice_info *info);

/*
 * Who the peer is: its certificate was verified if SLUICE_INFO_PEER_CERT is in the flags
 * of struct sluice_info, whose peer_subject (RFC 4514) and peer_fingerprint (SHA-256 over
 * the DER, 32 bytes) then tell its subject. The rest does not fit in there.
 */

/**
 * sluice_get_peer_certificate() - the peer's certificate
 * @fd:		open socket
 * @der:	where it goes, in DER (RFC 5280 4.1): d2i_X509() reads it
 * @size:	bytes there, SLUICE_CERT_MAX are always enough; set to its length,
 *		with ERANGE too
 *
 * errno:
 * ENODATA	the peer has shown none, or the handshake is not over
 * ERANGE	*@size is too small
 * EFAULT, EBADF, ENOTSOCK, ENOPROTOOPT, EOPNOTSUPP	as for sluice_get_info()
 */
int sluice_get_peer_certificate(int fd, void *der, size_t *size);

/**
 * sluice_get_peer_names() - the names in the peer's certificate
 * @fd:		open socket
 * @names:	where they go: its subjectAltName (RFC 5280 4.2.1.6) as
 *		"DNS:www.example.org", "IP:192.0.2.1", "URI:...", "email:...", with a
 *		zero byte after each; for sluice_next_name()
 * @size:	bytes there, SLUICE_NAMES_MAX are always enough; set to their length,
 *		with ERANGE too
 *
 * errno: as for sluice_get_peer_certificate(); ENODATA also if there are no names in it
 */
int sluice_get_peer_names(int fd, char *names, size_t *size);

/**
 * sluice_next_name() - one name after the other
 * @names:	from sluice_get_peer_names()
 * @size:	their length
 * @name:	the one before, from this function; NULL: begin
 *
 * Return: the next one, within @names, or NULL when there is none.
 */
const char *sluice_next_name(const char *names, size_t size, const char *name);

/**
 * sluice_rekey() - fresh keys for what the socket sends (RFC 8446 4.6.3)
 * @fd:		open TLS 1.3 socket
 * @flags:	SLUICE_REKEY_PEER: ask the peer for fresh keys of its own, too
 *
 * Nobody has to call it: the module replaces a key before it comes to its limit.
 *
 * errno: see SLUICE_REKEY in <linux/sluice.h>
 */
int sluice_rekey(int fd, uint32_t flags);

/**
 * sluice_strerror() - a sentence for an error, in English
 * @error:	errno of sluice_arm(), sluice_wait(), connect(), read() or write()
 * @info:	from sluice_get_info() on the same socket, or NULL; adds the reason:
 *		the X.509 error, the alert, sluiced's own words
 * @buffer:	where it goes; cut to fit, terminated
 * @size:	bytes there; 256 are enough for most, 512 for all
 *
 * Control characters that the peer could have put in are replaced.
 *
 * Return: @buffer.
 */
char *sluice_strerror(int error, const struct sluice_info *info, char *buffer,
		      size_t size);

/*
 * Names of the numbers in struct sluice_info. They return static strings, and
 * "unknown" for a number that has no name.
 *
 * sluice_version_name(0x0304) is "TLSv1.3"; sluice_cipher_name() takes
 * TLS_CIPHER_* of <linux/tls.h>: "AES-256-GCM"; sluice_alert_name() takes an
 * AlertDescription (RFC 8446 6): "bad_record_mac".
 */
const char *sluice_version_name(unsigned int version);
const char *sluice_cipher_name(unsigned int cipher);
const char *sluice_alert_name(unsigned int description);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* SLUICE_H */
