#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Serves the working directory by HTTPS: serve.py PORT"""
import http.server, socket, struct, sys

TCP_ULP, SOL_TLS = 31, 282			# <linux/tcp.h>, <linux/socket.h>
SLUICE_HANDSHAKE, SLUICE_ROLE_SERVER = 64, 2	# <linux/sluice.h>

# struct sluice_request: role, versions, length of alpn; flags, timeout; name of
# the server (a client's to fill in), identity, trust, alpn.
request = struct.pack("=4H2I16x256s64s64s256s", SLUICE_ROLE_SERVER, 0, 0, 0,
                      0, 0, b"", b"", b"", b"")

server = http.server.ThreadingHTTPServer(
    ("", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
server.socket.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"sluice")
server.socket.setsockopt(SOL_TLS, SLUICE_HANDSHAKE, request)
server.serve_forever()
