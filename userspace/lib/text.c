// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words for people: errors of armed sockets as sentences, and the names of
 * versions, ciphers and alerts.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/tls.h>

#include <sluice.h>

struct name {
	unsigned int number;
	const char *text;
};

static const struct name versions[] = {
	{ 0x0303, "TLSv1.2" },
	{ 0x0304, "TLSv1.3" },
	{ 0, NULL }
};

static const struct name ciphers[] = {
	{ TLS_CIPHER_AES_GCM_128, "AES-128-GCM" },
	{ TLS_CIPHER_AES_GCM_256, "AES-256-GCM" },
	{ TLS_CIPHER_AES_CCM_128, "AES-128-CCM" },
	{ TLS_CIPHER_CHACHA20_POLY1305, "CHACHA20-POLY1305" },
	{ TLS_CIPHER_SM4_GCM, "SM4-GCM" },
	{ TLS_CIPHER_SM4_CCM, "SM4-CCM" },
	{ TLS_CIPHER_ARIA_GCM_128, "ARIA-128-GCM" },
	{ TLS_CIPHER_ARIA_GCM_256, "ARIA-256-GCM" },
	{ 0, NULL }
};

/* RFC 8446 6, RFC 5246 7.2, and those that extensions added. */
static const struct name alerts[] = {
	{ 0, "close_notify" },
	{ 10, "unexpected_message" },
	{ 20, "bad_record_mac" },
	{ 22, "record_overflow" },
	{ 40, "handshake_failure" },
	{ 42, "bad_certificate" },
	{ 43, "unsupported_certificate" },
	{ 44, "certificate_revoked" },
	{ 45, "certificate_expired" },
	{ 46, "certificate_unknown" },
	{ 47, "illegal_parameter" },
	{ 48, "unknown_ca" },
	{ 49, "access_denied" },
	{ 50, "decode_error" },
	{ 51, "decrypt_error" },
	{ 70, "protocol_version" },
	{ 71, "insufficient_security" },
	{ 80, "internal_error" },
	{ 86, "inappropriate_fallback" },
	{ 90, "user_canceled" },
	{ 100, "no_renegotiation" },
	{ 109, "missing_extension" },
	{ 110, "unsupported_extension" },
	{ 112, "unrecognized_name" },
	{ 113, "bad_certificate_status_response" },
	{ 115, "unknown_psk_identity" },
	{ 116, "certificate_required" },
	{ 120, "no_application_protocol" },
	{ 0, NULL }
};

static const char *name_of(const struct name *row, unsigned int number)
{
	for (; row->text; row++)
		if (row->number == number)
			return row->text;
	return "unknown";
}

const char *sluice_version_name(unsigned int version)
{
	return name_of(versions, version);
}

const char *sluice_cipher_name(unsigned int cipher)
{
	return name_of(ciphers, cipher);
}

const char *sluice_alert_name(unsigned int description)
{
	return name_of(alerts, description);
}

/* The same errno means one thing in arming, another in the handshake, and a third
 * on open TLS.
 */
static const char *sentence(int error, const struct sluice_info *info)
{
	int open = info && info->cipher;

	if (error == ENOENT && info)
		return "the handshake was refused";
	switch (error) {
	case ESRCH:
		return "sluiced is not running (no agent serves this network namespace)";
	case ENOENT:
		return "the sluice module is not loaded";
	case ENOPROTOOPT:
		return "not a sluice socket";
	case EEXIST:
		return "the socket has another upper layer protocol already";
	case EBUSY:
		return "the socket is armed already";
	case ENOBUFS:
		return "too many handshakes wait already";
	case EDQUOT:
		return "over quota";
	case EKEYREJECTED:
		return "certificate refused";
	case EKEYEXPIRED:
		return "the key has sealed as much as it may; connect anew";
	case EBADMSG:
		return "a record failed authentication: it was tampered with or damaged";
	case EPROTO:
		return open ? "TLS protocol error" : "TLS handshake failed";
	case ECONNABORTED:
		return open ? "truncated: the connection ended without close_notify" :
			      "the handshake was given up";
	case ETIMEDOUT:
		return open ? "connection timed out" : "the handshake timed out";
	default:
		return NULL;
	}
}

/* A string that grows at the end of a buffer of fixed size. */
struct line {
	char *at;
	size_t left;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(l->at, l->left, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	if ((size_t)n >= l->left)
		n = l->left ? l->left - 1 : 0;
	l->at += n;
	l->left -= n;
}

static void add_alert(struct line *l, const struct sluice_info *info)
{
	/* sluiced may have told already. */
	if (strstr(info->text, "alert"))
		return;
	/* close_notify is how things end, not why. */
	if (info->alert_received && info->alert_received != SLUICE_ALERT_NONE)
		add(l, "; the peer sent alert %u (%s)", info->alert_received,
		    sluice_alert_name(info->alert_received));
	else if (info->alert_sent && info->alert_sent != SLUICE_ALERT_NONE)
		add(l, "; alert %u (%s) sent", info->alert_sent,
		    sluice_alert_name(info->alert_sent));
}

static void add_reason(struct line *l, const struct sluice_info *info)
{
	if (info->text[0])
		add(l, ": %.*s", (int)sizeof(info->text), info->text);
	add_alert(l, info);
	if (info->verify_error)
		add(l, " (X.509 error %u)", info->verify_error);
}

/* SNI, certificate fields and the like are the peer's words. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

char *sluice_strerror(int error, const struct sluice_info *info, char *buffer,
		      size_t size)
{
	struct line l = { buffer, size };
	const char *text = sentence(error, info);

	if (!size)
		return buffer;
	*buffer = 0;
	if (text)
		add(&l, "%s", text);
	else
		add(&l, "%s", strerrordesc_np(error) ? strerrordesc_np(error) :
						       "unknown error");
	/* That there is no agent is all there is to say. */
	if (info && (int)info->error == error && error != ESRCH)
		add_reason(&l, info);
	clean(buffer);
	return buffer;
}
