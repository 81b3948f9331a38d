/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Sluice: TLS as a property of a TCP socket.
 *
 * Two ways in. Raw mode is the kernel's TLS UAPI, <linux/tls.h>, unchanged:
 * attach the ULP, then set TLS_TX and TLS_RX. Managed mode is this header: a
 * program sets SLUICE_HANDSHAKE, an agent (sluiced) does the handshake over
 * generic netlink and a channel file, and the socket opens as TLS.
 *
 * Raw mode is that of Linux 7.2 on every kernel: TLS_TX_MAX_PAYLOAD_LEN is 5, a
 * __u16, whether <linux/tls.h> has it or not. One thing differs: getsockopt of
 * TLS_TX and TLS_RX gives version, cipher, rec_seq and, in TLS 1.2 with GCM or CCM,
 * iv (the explicit nonce) as they are for the next record; key and salt, and iv
 * where it is a secret (TLS 1.3, ChaCha20-Poly1305), are zero. The module parameter
 * reveal_keys=1 gives them back too, as the in-tree module does; it is fixed when
 * the module is loaded.
 *
 * Unless said otherwise, integers are in host byte order, strings are UTF-8,
 * zero-terminated within their array, and reserved fields and unused bytes
 * must be zero. Structures may grow at the end: an older, shorter one is taken
 * as if padded with zeroes; of a newer, longer one the extra bytes must be
 * zero (else E2BIG).
 */
#ifndef _UAPI_LINUX_SLUICE_H
#define _UAPI_LINUX_SLUICE_H

#include <linux/types.h>

/* setsockopt(fd, IPPROTO_TCP, TCP_ULP, SLUICE_ULP_NAME, ...).
 * ENOTSUPP/EOPNOTSUPP: not a TCP socket; EEXIST: a ULP is attached already.
 */
#define SLUICE_ULP_NAME		"sluice"

/* Raised by one whenever module and agent stop understanding each other. */
#define SLUICE_ABI_VERSION	1

/* Socket options at level SOL_TLS, beside those of <linux/tls.h>. */
#define SLUICE_HANDSHAKE	64	/* set: struct sluice_request */
#define SLUICE_INFO		65	/* get: struct sluice_info */
#define SLUICE_REKEY		66	/* set: __u32 of SLUICE_REKEY_* */
#define SLUICE_PEER_CERT	67	/* get: the peer's certificate, DER */
#define SLUICE_PEER_NAMES	68	/* get: the names in it */

/* Sizes of the strings below, terminating zero included. */
#define SLUICE_NAME_MAX		256	/* host name (RFC 1035: 253) or IP text */
#define SLUICE_LABEL_MAX	64	/* identity or trust store of the agent */
#define SLUICE_TEXT_MAX		192	/* reason of a failure, for humans */
#define SLUICE_ALPN_MAX		256	/* protocol list, no terminating zero */
#define SLUICE_SUBJECT_MAX	256	/* subject of a certificate (RFC 4514), cut to fit */

#define SLUICE_CERT_MAX		16384	/* bytes of a peer's certificate, DER */
#define SLUICE_NAMES_MAX	4096	/* bytes of the names in it */
#define SLUICE_FINGERPRINT_LEN	32	/* SHA-256 over the certificate */

#define SLUICE_TICKETS_MAX	8
#define SLUICE_TICKET_MAX	16384	/* bytes of a NewSessionTicket message */

enum sluice_role {
	SLUICE_ROLE_NONE	= 0,	/* raw mode */
	SLUICE_ROLE_CLIENT	= 1,
	SLUICE_ROLE_SERVER	= 2,
};

/* Flags of a request. Unknown ones: EINVAL. */

/* Client: check the chain and its dates, not the name. Only with this flag may
 * server_name be empty. Never set by default.
 */
#define SLUICE_F_NO_NAME_CHECK		(1U << 0)
/* A FIN without close_notify reads as EOF, not as ECONNABORTED (RFC 8446 6.1). */
#define SLUICE_F_ALLOW_TRUNCATION	(1U << 1)

/**
 * struct sluice_request - what a program asks of SLUICE_HANDSHAKE
 * @role:	enum sluice_role, client or server; a listener only as server
 * @min_version: lowest TLS version, 0x0303 or 0x0304; 0: the agent's choice
 * @max_version: highest TLS version, likewise
 * @alpn_len:	bytes used in @alpn
 * @flags:	SLUICE_F_*
 * @timeout_ms:	limit for the handshake from when it starts, in ms; 0: the
 *		module's default (30 s)
 * @padding:	pad records in TLS 1.3 so that content and padding are a multiple of so many
 *		bytes (RFC 8446 5.4), 0: no padding; up to 16384. A record that is as long
 *		as may be is not padded further. TLS 1.2 has no padding
 * @reserved0:	zero
 * @reserved:	zero
 * @server_name: client: host name or IP address to check the certificate
 *		against; sent as SNI when a host name (RFC 6066 3). Server: empty
 * @identity:	certificate and key by the agent's name for them; empty: server:
 *		chosen by SNI, client: none
 * @trust:	trust store by the agent's name for it; empty: its default
 * @alpn:	ProtocolNameList without its outer length, in order of preference
 *		(RFC 7301 3.1)
 *
 * The socket: TCP, ULP attached, no keys, no request yet. A request may be set
 * before connect() or on a listener (armed: the handshake starts with the
 * connection), or when connected (it starts at once). setsockopt itself does
 * not wait: read, write, connect and accept's child do, as for connect: they
 * block, or fail with EAGAIN (connect: EINPROGRESS), and poll() reports
 * POLLOUT when the socket has opened, POLLERR when the handshake failed.
 *
 * Of one listener's connections, up to 1024 (module parameter listener_pending) shake
 * hands at a time, of a user's up to 2048 (max_pending_per_user), of a network namespace's
 * up to 4096 (max_pending). One that accept() takes beyond the first or second number ends
 * the listener's oldest whose peer keeps the agent waiting (ETIMEDOUT); where no peer does,
 * it fails itself with ENOBUFS or EDQUOT, and beyond the third number with ENOBUFS. What
 * accept() has not taken waits in the backlog, as with plain TCP.
 *
 * errno of setsockopt: EINVAL (role, flags, version, padding, length, reserved), E2BIG,
 * EFAULT, EBUSY (a request or keys are there already), ENOTCONN (the socket is
 * neither new, connected nor listening), ENOMEM, ENOBUFS (too many pending
 * handshakes), EDQUOT (of this user).
 *
 * errno of a handshake that failed (connect, read, write, SO_ERROR):
 * ESRCH		no agent serves this network namespace
 * ETIMEDOUT		timeout_ms went by, or a full listener needed the room
 * ENOBUFS		too many handshakes are under way
 * EKEYREJECTED		the peer's certificate was not accepted; see SLUICE_INFO
 * ENOENT		the agent has no such identity or trust store
 * EACCES		this user may not use the identity
 * EDQUOT		this user has too many handshakes under way, at the agent or
 *			(max_pending_per_user) in this network namespace
 * ECONNABORTED		the agent gave up or died
 * EPROTO		a protocol error; see @alert_sent, @alert_received
 * ECONNRESET, EPIPE	the connection ended first
 *
 * errno of a read when an open connection breaks; SLUICE_INFO has the alert that was sent
 * or received (RFC 8446 6.2). Writes fail with EPIPE:
 * EBADMSG		a record was tampered with
 * EMSGSIZE		a record is longer than was agreed
 * EPROTO		the peer broke the protocol, or says that we did
 * EKEYREJECTED		the peer refused our certificate, or that there was none
 * EACCES		it let us in, but not there (access_denied)
 * ECONNABORTED		cut off: no close_notify came before TCP's end
 * ECONNRESET		reset, or ended by another alert
 */
struct sluice_request {
	__u16	role;
	__u16	min_version;
	__u16	max_version;
	__u16	alpn_len;
	__u32	flags;
	__u32	timeout_ms;
	__u16	padding;
	__u16	reserved0;
	__u32	reserved[3];
	char	server_name[SLUICE_NAME_MAX];
	char	identity[SLUICE_LABEL_MAX];
	char	trust[SLUICE_LABEL_MAX];
	__u8	alpn[SLUICE_ALPN_MAX];
};

enum sluice_state {
	SLUICE_STATE_RAW	= 0,	/* raw mode: keys by TLS_TX and TLS_RX */
	SLUICE_STATE_ARMED	= 1,	/* waits for the connection */
	SLUICE_STATE_PENDING	= 2,	/* waits for an agent */
	SLUICE_STATE_ACCEPTED	= 3,	/* an agent is at it */
	SLUICE_STATE_OPEN	= 4,	/* TLS both ways */
	SLUICE_STATE_FAILED	= 5,	/* see @error */
};

/* Flags of struct sluice_info. */
#define SLUICE_INFO_RESUMED	(1U << 0) /* the session was resumed */
#define SLUICE_INFO_PEER_CERT	(1U << 1) /* the peer's certificate was verified */
#define SLUICE_INFO_EOF		(1U << 2) /* the peer's close_notify has come */

/* No alert: 0 is close_notify (RFC 8446 6), so absence needs a value of its own. */
#define SLUICE_ALERT_NONE	0xffff

/**
 * struct sluice_info - what a socket is and has done; raw mode too
 * @state:	enum sluice_state
 * @role:	enum sluice_role
 * @version:	TLS version, 0x0303 or 0x0304; 0: none yet
 * @cipher:	TLS_CIPHER_* of <linux/tls.h>; 0: none yet
 * @suite:	IANA cipher suite; 0 in raw mode
 * @alpn_len:	bytes used in @alpn
 * @alert_sent:	last alert description sent, or SLUICE_ALERT_NONE
 * @alert_received: last alert description received, or SLUICE_ALERT_NONE
 * @flags:	SLUICE_INFO_*
 * @error:	errno (positive) that ended the handshake or the connection; 0
 * @verify_error: X509_V_ERR_* of OpenSSL's <openssl/x509_vfy.h>; 0: none
 * @tx_keyupdates: KeyUpdates sent (TX key generations after the first)
 * @rx_keyupdates: KeyUpdates received
 * @reserved:	zero
 * @tx_records:	records sealed since the keys were installed, all types
 * @tx_bytes:	bytes of application data in them
 * @rx_records:	records opened, all types
 * @rx_bytes:	bytes of application data in them
 * @text:	reason of the failure, in English
 * @server_name: client: the name asked for; server: the SNI received
 * @alpn:	the protocol chosen, no terminating zero (RFC 7301)
 * @peer_subject: subject of the peer's certificate (RFC 4514); empty: it has shown none
 * @peer_fingerprint: SHA-256 over that certificate's DER
 *
 * getsockopt copies min(optlen, sizeof) bytes and stores that in optlen.
 */
struct sluice_info {
	__u16	state;
	__u16	role;
	__u16	version;
	__u16	cipher;
	__u16	suite;
	__u16	alpn_len;
	__u16	alert_sent;
	__u16	alert_received;
	__u32	flags;
	__u32	error;
	__u32	verify_error;
	__u32	tx_keyupdates;
	__u32	rx_keyupdates;
	__u32	reserved;
	__u64	tx_records;
	__u64	tx_bytes;
	__u64	rx_records;
	__u64	rx_bytes;
	char	text[SLUICE_TEXT_MAX];
	char	server_name[SLUICE_NAME_MAX];
	__u8	alpn[SLUICE_ALPN_MAX];
	char	peer_subject[SLUICE_SUBJECT_MAX];
	__u8	peer_fingerprint[SLUICE_FINGERPRINT_LEN];
};

/*
 * SLUICE_PEER_CERT and SLUICE_PEER_NAMES: what the peer has shown of itself, verified
 * (SLUICE_INFO_PEER_CERT is set). The names are the certificate's subjectAltName (RFC 5280
 * 4.2.1.6) as strings, a zero byte after each: "DNS:www.example.org", "IP:192.0.2.1",
 * "URI:...", "email:...". getsockopt stores the length in optlen, also with ERANGE.
 *
 * errno: ENODATA (none, or not open yet), ERANGE (optlen is too short), EFAULT.
 */

/*
 * SLUICE_REKEY: fresh keys for what this socket sends (RFC 8446 4.6.3), by a KeyUpdate
 * that goes out now, or before the next data if the send buffer is full. The module does
 * this by itself before a key comes to its limit (RFC 8446 5.5, RFC 9846); in TLS 1.2,
 * which cannot, the write that would go past it fails with EKEYEXPIRED after close_notify.
 *
 * errno: EINVAL (flags, length), EFAULT, EOPNOTSUPP (TLS 1.2, raw mode), ENOTCONN (not
 * open), EPIPE (shut down), EALREADY (the peer was asked and has not answered), ENOMEM.
 */
/* Ask the peer for fresh keys of its own, too. */
#define SLUICE_REKEY_PEER	(1U << 0)

/*
 * Generic netlink: the agent's side.
 *
 * READY is a multicast wake-up: it names no request, and a lost one loses
 * nothing, for an agent ACCEPTs until EAGAIN, or until it is told that no more
 * wait. Joining the group (which needs
 * CAP_NET_ADMIN in the network namespace's user namespace) is what makes a
 * process an agent; a namespace without a member of the group has none.
 */
#define SLUICE_GENL_NAME	"sluice"
#define SLUICE_GENL_VERSION	SLUICE_ABI_VERSION
#define SLUICE_GENL_MCGRP_AGENTS "agents"

/**
 * enum sluice_cmd - commands
 * @SLUICE_CMD_READY:	to agents, multicast: a request waits. No attributes
 * @SLUICE_CMD_ACCEPT:	take the oldest request: the reply holds SLUICE_A_FD (the
 *			channel, O_CLOEXEC and O_NONBLOCK, the caller's to close)
 *			and the request. EAGAIN: none waits; EPERM: no
 *			CAP_NET_ADMIN there; EMFILE
 * @SLUICE_CMD_INSTALL:	keys for the connection of channel SLUICE_A_FD: both
 *			SLUICE_A_TX and SLUICE_A_RX, once. Nothing is used before
 *			DONE. EBADF/EINVAL: no such channel; EALREADY: keys are
 *			there; ESHUTDOWN: the request has ended; ENOENT: no such
 *			algorithm in this kernel
 * @SLUICE_CMD_DONE:	ends the request of channel SLUICE_A_FD: success (keys
 *			installed, no SLUICE_A_ERROR) or failure (SLUICE_A_ERROR).
 *			ESHUTDOWN: it has ended already; EAGAIN: the socket is
 *			busy, poll the channel for POLLOUT and repeat; ENOKEY:
 *			success without keys
 * @SLUICE_CMD_GET:	anyone: the module's state: SLUICE_A_ABI, _CIPHERS,
 *			_AGENTS, _PENDING, _STATS of the caller's namespace
 *
 * ACCEPT, INSTALL and DONE need CAP_NET_ADMIN both in the network namespace's
 * user namespace and in that of the program that armed the socket. They fail with
 * EPROTONOSUPPORT where the version in the message's genlmsghdr is not the module's.
 */
enum sluice_cmd {
	SLUICE_CMD_UNSPEC,
	SLUICE_CMD_READY,
	SLUICE_CMD_ACCEPT,
	SLUICE_CMD_INSTALL,
	SLUICE_CMD_DONE,
	SLUICE_CMD_GET,

	__SLUICE_CMD_MAX,
	SLUICE_CMD_MAX = __SLUICE_CMD_MAX - 1
};

/**
 * enum sluice_attr - attributes
 * @SLUICE_A_PAD:	padding for 64-bit attributes
 * @SLUICE_A_FD:	s32, the channel. Its read, write and poll move raw bytes
 *			of the TCP connection while the request is the agent's;
 *			afterwards they fail with ESHUTDOWN. Never blocks.
 *			With SLUICE_A_TICKETS, after success: each read gives one
 *			whole NewSessionTicket message with its header (RFC 8446
 *			4.6.1), or EAGAIN, or EMSGSIZE and the ticket stays (give it
 *			SLUICE_TICKET_MAX bytes); poll says POLLIN. ESHUTDOWN and
 *			POLLHUP when none will come: all are read, or the socket is
 *			closed. Close the channel when you have seen enough
 * @SLUICE_A_ROLE:	u16, enum sluice_role
 * @SLUICE_A_FLAGS:	u32, SLUICE_F_* (ACCEPT) or SLUICE_INFO_* (DONE)
 * @SLUICE_A_MIN_VERSION: u16, absent: the agent's choice
 * @SLUICE_A_MAX_VERSION: u16, likewise
 * @SLUICE_A_SERVER_NAME: string (ACCEPT: client's; DONE: the SNI received)
 * @SLUICE_A_IDENTITY:	string
 * @SLUICE_A_TRUST:	string
 * @SLUICE_A_ALPN:	binary: the list (ACCEPT) or the one chosen (DONE)
 * @SLUICE_A_TIMEOUT:	u32, ms left for the handshake
 * @SLUICE_A_UID:	u32, who armed the socket, as the agent's user namespace
 *			sees it (65534: not mapped there)
 * @SLUICE_A_GID:	u32, likewise
 * @SLUICE_A_PID:	u32, for information only
 * @SLUICE_A_PEER:	binary, struct sockaddr_in or sockaddr_in6
 * @SLUICE_A_LOCAL:	binary, likewise
 * @SLUICE_A_TX:	nest of SLUICE_K_*: the direction this host sends on
 * @SLUICE_A_RX:	nest of SLUICE_K_*: the direction this host receives on
 * @SLUICE_A_ERROR:	u32, errno (positive, below 4096) of the failed handshake
 * @SLUICE_A_VERIFY_ERROR: u32, X509_V_ERR_*
 * @SLUICE_A_ALERT_SENT: u16, alert description
 * @SLUICE_A_ALERT_RECEIVED: u16, alert description
 * @SLUICE_A_TEXT:	string, the reason in English
 * @SLUICE_A_SUITE:	u16, IANA cipher suite (DONE)
 * @SLUICE_A_ABI:	u32, SLUICE_ABI_VERSION of the module (ACCEPT, GET)
 * @SLUICE_A_CIPHERS:	u64, bit (TLS_CIPHER_* - 51) set for each cipher that this
 *			kernel can key (ACCEPT, GET)
 * @SLUICE_A_AGENTS:	u32, 1 when an agent serves the namespace, else 0 (GET)
 * @SLUICE_A_PENDING:	u32, requests that wait or are at an agent (GET)
 * @SLUICE_A_STATS:	nest: u64 of type enum sluice_stat + 1 each (GET)
 * @SLUICE_A_GROUPS:	binary, array of u32: supplementary groups that are mapped
 * @SLUICE_A_PEER_CERT:	binary, DER, up to SLUICE_CERT_MAX: the peer's verified
 *			certificate (DONE)
 * @SLUICE_A_PEER_NAMES: binary, up to SLUICE_NAMES_MAX: as SLUICE_PEER_NAMES (DONE)
 * @SLUICE_A_PEER_SUBJECT: string, as in struct sluice_info (DONE)
 * @SLUICE_A_PEER_FINGERPRINT: binary, likewise (DONE)
 * @SLUICE_A_TX_LIMIT:	u16, 64 to 16384: content bytes of a record to send, as the
 *			peer's max_fragment_length (RFC 6066 4) or record_size_limit
 *			(RFC 8449; less the type byte in TLS 1.3) wants it (INSTALL)
 * @SLUICE_A_RX_LIMIT:	u16, likewise: what the peer was told; more than that is a
 *			record_overflow (INSTALL)
 * @SLUICE_A_TICKETS:	u32, up to SLUICE_TICKETS_MAX: how many of the peer's
 *			NewSessionTicket messages the agent wants to see (INSTALL; a
 *			client in TLS 1.3). They come by the channel: see SLUICE_A_FD
 * @SLUICE_A_WAITING:	u32, 0 when no other request waited (ACCEPT). One that comes later
 *			has a READY of its own
 */
enum sluice_attr {
	SLUICE_A_UNSPEC,
	SLUICE_A_PAD,
	SLUICE_A_FD,
	SLUICE_A_ROLE,
	SLUICE_A_FLAGS,
	SLUICE_A_MIN_VERSION,
	SLUICE_A_MAX_VERSION,
	SLUICE_A_SERVER_NAME,
	SLUICE_A_IDENTITY,
	SLUICE_A_TRUST,
	SLUICE_A_ALPN,
	SLUICE_A_TIMEOUT,
	SLUICE_A_UID,
	SLUICE_A_GID,
	SLUICE_A_PID,
	SLUICE_A_PEER,
	SLUICE_A_LOCAL,
	SLUICE_A_TX,
	SLUICE_A_RX,
	SLUICE_A_ERROR,
	SLUICE_A_VERIFY_ERROR,
	SLUICE_A_ALERT_SENT,
	SLUICE_A_ALERT_RECEIVED,
	SLUICE_A_TEXT,
	SLUICE_A_SUITE,
	SLUICE_A_ABI,
	SLUICE_A_CIPHERS,
	SLUICE_A_AGENTS,
	SLUICE_A_PENDING,
	SLUICE_A_STATS,
	SLUICE_A_GROUPS,
	SLUICE_A_PEER_CERT,
	SLUICE_A_PEER_NAMES,
	SLUICE_A_PEER_SUBJECT,
	SLUICE_A_PEER_FINGERPRINT,
	SLUICE_A_TX_LIMIT,
	SLUICE_A_RX_LIMIT,
	SLUICE_A_TICKETS,
	SLUICE_A_WAITING,

	__SLUICE_A_MAX,
	SLUICE_A_MAX = __SLUICE_A_MAX - 1
};

/**
 * enum sluice_key_attr - one direction's keys, all mandatory for its version
 * @SLUICE_K_VERSION:	u16, 0x0303 or 0x0304
 * @SLUICE_K_CIPHER:	u16, TLS_CIPHER_* of <linux/tls.h>
 * @SLUICE_K_SECRET:	TLS 1.3: the application traffic secret, as long as the
 *			hash of the suite (RFC 8446 7.1): 32 bytes, 48 for AES-256
 * @SLUICE_K_KEY:	TLS 1.2: the write key (RFC 5246 6.3)
 * @SLUICE_K_IV:	TLS 1.2: the fixed IV: 4 bytes for GCM and CCM (RFC 5288 3,
 *			RFC 6655 3), 12 for ChaCha20-Poly1305 (RFC 7905 2)
 * @SLUICE_K_EXPLICIT:	u64, TLS 1.2 GCM and CCM, TX: the explicit nonce of the
 *			next record; it counts up from there and must not repeat
 *			one used by the Finished record
 * @SLUICE_K_SEQ:	u64, sequence number of the next record
 * @SLUICE_K_PAD:	padding for 64-bit attributes
 */
enum sluice_key_attr {
	SLUICE_K_UNSPEC,
	SLUICE_K_VERSION,
	SLUICE_K_CIPHER,
	SLUICE_K_SECRET,
	SLUICE_K_KEY,
	SLUICE_K_IV,
	SLUICE_K_EXPLICIT,
	SLUICE_K_SEQ,
	SLUICE_K_PAD,

	__SLUICE_K_MAX,
	SLUICE_K_MAX = __SLUICE_K_MAX - 1
};

/**
 * enum sluice_stat - counters of a network namespace; never reset
 *
 * Bytes are application data: payload without header, padding and tag.
 */
enum sluice_stat {
	SLUICE_STAT_SOCKETS,		/* sockets attached, now */
	SLUICE_STAT_TX_RECORDS,		/* records sealed, all types */
	SLUICE_STAT_TX_BYTES,
	SLUICE_STAT_RX_RECORDS,		/* records opened, all types */
	SLUICE_STAT_RX_BYTES,
	SLUICE_STAT_RX_DIRECT,		/* of them, opened into the reader's pages */
	SLUICE_STAT_TX_CONTROL,		/* of them, not application data */
	SLUICE_STAT_RX_CONTROL,
	SLUICE_STAT_TX_KEYUPDATES,
	SLUICE_STAT_RX_KEYUPDATES,
	SLUICE_STAT_TX_ALERTS,
	SLUICE_STAT_RX_ALERTS,
	SLUICE_STAT_RX_TICKETS,		/* NewSessionTicket */
	SLUICE_STAT_RX_BAD_TAG,		/* EBADMSG */
	SLUICE_STAT_RX_BAD_RECORD,	/* header, length, type or inner type */
	SLUICE_STAT_RX_TRUNCATED,	/* FIN without close_notify, managed mode */
	SLUICE_STAT_NO_CIPHER,		/* keys for a cipher this kernel lacks */
	SLUICE_STAT_HS_STARTED,
	SLUICE_STAT_HS_DONE,
	SLUICE_STAT_HS_FAILED,		/* by the agent's word */
	SLUICE_STAT_HS_NO_AGENT,
	SLUICE_STAT_HS_TIMEOUT,
	SLUICE_STAT_HS_ABANDONED,	/* the agent closed its channel */
	SLUICE_STAT_HS_CANCELLED,	/* the program closed its socket */
	SLUICE_STAT_HS_OVERFLOW,	/* the queue, the listener or the user's share was full */
	SLUICE_STAT_TX_SESSIONS,	/* sockets that were given TX keys */
	SLUICE_STAT_RX_SESSIONS,	/* sockets that were given RX keys */
	SLUICE_STAT_TX_CURRENT,		/* of them, there now */
	SLUICE_STAT_RX_CURRENT,
	SLUICE_STAT_RX_RETRIES,		/* records opened twice: padded, or not data */
	SLUICE_STAT_RX_NO_PAD_VIOLATIONS, /* of them, in spite of TLS_RX_EXPECT_NO_PAD */
	SLUICE_STAT_TX_REKEYS,		/* keys replaced by TLS_TX */
	SLUICE_STAT_TX_REKEY_ERRORS,	/* TLS_TX refused where keys are in use */
	SLUICE_STAT_RX_REKEYS,		/* keys replaced by TLS_RX */
	SLUICE_STAT_RX_REKEY_ERRORS,	/* TLS_RX refused where keys are in use */
	SLUICE_STAT_RX_REKEYS_DUE,	/* KeyUpdates that paused reading in raw mode */
	SLUICE_STAT_TX_KEY_LIMITS,	/* TX keys that came to their limit (RFC 8446 5.5) */
	SLUICE_STAT_HS_GAVE_WAY,	/* a full listener's slowest, timed out early */

	__SLUICE_STAT_MAX,
};

#endif /* _UAPI_LINUX_SLUICE_H */
