#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The foreign peer: Python's ssl, which leaves nothing to the kernel.

usage: foreign.py get VERSION CIPHER ADDRESS PORT CA
           sends standard input, then copies what comes to standard output
       foreign.py echo VERSION CIPHER ADDRESS PORT CERTIFICATE KEY BYTES
           of one connection, reads so many bytes, then sends them back

The cipher of TLS 1.3 is the other side's choice, or OPENSSL_CONF's.
"""
import socket
import ssl
import sys

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(side, version, cipher):
    c = ssl.SSLContext(side)
    c.minimum_version = c.maximum_version = VERSIONS[version]
    if version == "1.2":
        c.set_ciphers(cipher)
    return c


def get(version, cipher, address, port, ca):
    c = context(ssl.PROTOCOL_TLS_CLIENT, version, cipher)
    c.load_verify_locations(ca)
    with socket.create_connection((address, int(port))) as raw:
        with c.wrap_socket(raw, server_hostname="good.test") as s:
            s.sendall(sys.stdin.buffer.read())
            while chunk := s.recv(65536):
                sys.stdout.buffer.write(chunk)


def echo(version, cipher, address, port, certificate, key, size):
    c = context(ssl.PROTOCOL_TLS_SERVER, version, cipher)
    c.load_cert_chain(certificate, key)
    with socket.create_server((address, int(port))) as listener:
        with c.wrap_socket(listener.accept()[0], server_side=True) as s:
            chunks, left = [], int(size)
            while left and (chunk := s.recv(min(left, 65536))):
                chunks.append(chunk)
                left -= len(chunk)
            for chunk in chunks:
                s.sendall(chunk)
            s.recv(1)


{"get": get, "echo": echo}[sys.argv[1]](*sys.argv[2:])
