/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP requests answered from a directory.
 */
#ifndef SLUICE_CLI_ANSWER_H
#define SLUICE_CLI_ANSWER_H

#include <stdatomic.h>
#include <microhttpd.h>

/**
 * struct site - what is served, and what has been
 * @root:	the directory
 * @verbose:	log requests and connections to stderr
 * @plain:	plain TCP, no TLS
 * @requests:	requests taken
 * @active:	of them, not yet answered to the end
 * @broken:	of them, broken off
 * @connections: TCP connections accepted
 * @failed:	of them, those whose TLS failed, in the handshake or later
 * @tx_records:	records sealed, of closed connections; as the kernel counted them
 * @tx_bytes, @rx_records, @rx_bytes: likewise
 */
struct site {
	int root;
	int verbose;
	int plain;
	atomic_ulong requests;
	atomic_ulong active;
	atomic_ulong broken;
	atomic_ulong connections;
	atomic_ulong failed;
	atomic_ullong tx_records;
	atomic_ullong tx_bytes;
	atomic_ullong rx_records;
	atomic_ullong rx_bytes;
};

/* Callbacks for libmicrohttpd; the first argument is a struct site. */
enum MHD_Result answer_request(void *site, struct MHD_Connection *connection,
			       const char *url, const char *method,
			       const char *version, const char *upload,
			       size_t *upload_size, void **request);
void answer_completed(void *site, struct MHD_Connection *connection,
		      void **request, enum MHD_RequestTerminationCode code);
void answer_connection(void *site, struct MHD_Connection *connection,
		       void **context, enum MHD_ConnectionNotificationCode code);

#endif /* SLUICE_CLI_ANSWER_H */
