#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that break the protocol in the middle of a handshake with sluiced.

usage: hostile.py PKI_DIRECTORY

Both ends are here: sockets that the module makes TLS, and on the other end plain
TCP that says whatever it likes. After each such handshake the program has its
errno, SLUICE_INFO tells the same, the peer was told the alert, and a connection
that was open before it still carries data. Prints "ok NAME" and "not ok NAME:
REASON", a line for each.
"""

import errno
import select
import socket
import ssl
import struct
import sys
import threading
import time

TCP_ULP, SOL_TLS = 31, 282
SLUICE_HANDSHAKE, SLUICE_INFO = 64, 65
CLIENT, SERVER = 1, 2
STATE_OPEN, STATE_FAILED = 4, 5
NO_ALERT = 0xFFFF
PATIENCE = 60  # seconds that an emulated machine may take

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
UNEXPECTED_MESSAGE, BAD_RECORD_MAC, RECORD_OVERFLOW = 10, 20, 22
ILLEGAL_PARAMETER, DECODE_ERROR, PROTOCOL_VERSION, HANDSHAKE_FAILURE = 47, 50, 70, 40
UNKNOWN_CA, BAD_CERTIFICATE = 48, 42

pki = sys.argv[1]


# The program's side -----------------------------------------------------------


def arm(sock, role, name=b"", timeout_ms=PATIENCE * 1000):
    trust = b"test" if role == CLIENT else b""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"sluice")
    sock.setsockopt(SOL_TLS, SLUICE_HANDSHAKE, struct.pack(
        "=4H2I16x256s64s64s256s", role, 0, 0, 0, 0, timeout_ms, name, b"", trust, b""))


class Info:
    def __init__(self, sock):
        raw = sock.getsockopt(SOL_TLS, SLUICE_INFO, 1024)
        (self.state, _, self.version, _, _, _, self.alert_sent, self.alert_received, _,
         self.error, self.verify_error) = struct.unpack_from("=8H3I", raw)
        self.text, self.name = (
            s.split(b"\0")[0].decode() for s in struct.unpack_from("=192s256s", raw, 72))


def outcome(sock):
    """0 when the socket has opened, or the errno it failed with."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    if not poll.poll(PATIENCE * 1000):
        return errno.EAGAIN
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class Listener:
    def __init__(self, timeout_ms=PATIENCE * 1000):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        arm(self.sock, SERVER, timeout_ms=timeout_ms)

    def connect(self):
        """A peer that has said nothing, and the program's end."""
        peer = socket.create_connection(self.sock.getsockname())
        peer.settimeout(PATIENCE)
        return peer, self.sock.accept()[0]


class Beside:
    """A connection that nobody attacks."""

    def __init__(self, listener):
        self.peer, self.program = listener.connect()
        context = ssl.create_default_context(cafile=f"{pki}/ca.pem")
        self.peer = context.wrap_socket(self.peer, server_hostname="good.test")

    def talks(self):
        self.peer.sendall(b"question")
        if self.program.recv(100) != b"question":
            return False
        self.program.sendall(b"answer")
        return self.peer.recv(100) == b"answer"


# The wire ----------------------------------------------------------------------


def record(kind, body, version=0x0303):
    return struct.pack("!BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def client_hello(version=None, name="good.test"):
    """The first flight of OpenSSL's client, and that client, to go on with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(f"{pki}/ca.pem")
    if version:
        context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read(), (tls, incoming, outgoing)


def with_name(hello, entry):
    """The ClientHello record @hello with another server_name extension."""
    body = hello[9:]
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at]
    extensions, out, i = body[at + 2:], b"", 0
    while i < len(extensions):
        kind, n = struct.unpack_from("!HH", extensions, i)
        value = entry if kind == 0 else extensions[i + 4:i + 4 + n]
        out += struct.pack("!HH", kind, len(value)) + value
        i += 4 + n
    return record(HANDSHAKE, message(1, body[:at] + struct.pack("!H", len(out)) + out), 0x0301)


def server_name(*names):
    entries = b"".join(struct.pack("!BH", 0, len(n)) + n for n in names)
    return struct.pack("!H", len(entries)) + entries


def pieces(hello, size):
    """The same in records of @size bytes."""
    body = hello[5:]
    return b"".join(record(HANDSHAKE, body[i:i + size], 0x0301)
                    for i in range(0, len(body), size))


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            return None
        data += part
    return data


def read_record(sock):
    head = read_exactly(sock, 5)
    return head and (head[0], read_exactly(sock, int.from_bytes(head[3:5], "big")))


def flight_of_12(sock):
    """Up to ServerHelloDone."""
    while True:
        kind, body = read_record(sock)
        if kind == HANDSHAKE and body[-4:] == b"\x0e\0\0\0":
            return


def flight_of_13(sock):
    """Up to the first record under handshake keys."""
    while read_record(sock)[0] != DATA:
        pass


def alert_heard(sock):
    """The description of the last plain alert up to the end of the wire."""
    heard = None
    try:
        while (got := read_record(sock)) is not None:
            if got[0] == ALERT and len(got[1]) == 2:
                heard = got[1][1]
    except ConnectionError:
        pass
    return heard


# Cases -------------------------------------------------------------------------


class Failed(Exception):
    pass


def expect(what, wanted, seen):
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if seen not in wanted:
        raise Failed(f"{what}: wanted {' or '.join(map(str, wanted))}, got {seen}")


def number(name):
    return getattr(errno, name) if name else 0


def judged(program, peer, error, alert, sealed=False):
    """Did the handshake of @program fail so? @alert: None: none was due."""
    got = outcome(program)
    info = Info(program)
    print(f"# {errno.errorcode.get(got, got)} alert {info.alert_sent} \"{info.text}\"")
    expect("errno", tuple(map(number, error.split())), got)
    expect("SLUICE_INFO: state", STATE_FAILED, info.state)
    expect("SLUICE_INFO: error", got, info.error)
    expect("SLUICE_INFO: text", True, bool(info.text))
    expect("SLUICE_INFO: alert", NO_ALERT if alert is None else alert, info.alert_sent)
    try:
        program.send(b"x")
        raise Failed("a write went through")
    except OSError:
        pass
    program.close()
    if not sealed:
        expect("alert on the wire", alert, alert_heard(peer))


def attack_server(name, say, error="EPROTO", alert=UNEXPECTED_MESSAGE, sealed=False):
    """@say: what the client sends, or a function that does."""
    def run():
        peer, program = listener.connect()
        with peer, program:
            try:
                if callable(say):
                    say(peer)
                else:
                    peer.sendall(say)
            except ConnectionError:
                pass  # the other side has had enough
            judged(program, peer, error, alert, sealed)
    check(name, run)


def attack_client(name, say, error="EPROTO", alert=UNEXPECTED_MESSAGE, sealed=False,
                  host=b"good.test", timeout_ms=PATIENCE * 1000):
    """@say: what the server answers a ClientHello with, or a function of its socket."""
    def run():
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as program:
            arm(program, CLIENT, host, timeout_ms)
            program.setblocking(False)
            program.connect_ex(server.getsockname())
            peer = server.accept()[0]
            peer.settimeout(PATIENCE)
            with peer:
                if callable(say):
                    say(peer)
                else:
                    read_record(peer)
                    peer.sendall(say)
                judged(program, peer, error, alert, sealed)
    check(name, run)


def check(name, run):
    try:
        run()
        expect("the connection beside it", True, beside.talks())
        print(f"ok {name}", flush=True)
    except (Failed, OSError, ssl.SSLError) as e:
        print(f"not ok {name}: {type(e).__name__}: {e}", flush=True)


# A client's first words -----------------------------------------------------------


def first_words():
    hello, _ = client_hello()
    half = len(hello) // 2
    cut = record(HANDSHAKE, hello[5:half], 0x0301)

    for kind in (CCS, DATA, 24, 255, 0):
        attack_server(f"a first record of type {kind}", record(kind, b"\x01" * 20),
                      alert=WRONG_TYPE)
    for kind in (0, 2, 4, 5, 8, 11, 13, 14, 15, 16, 20, 24, 255):
        attack_server(f"a first message of type {kind}",
                      record(HANDSHAKE, message(kind, b"\0" * 64)))
    attack_server("an empty alert", record(ALERT, b""))
    attack_server("half an alert", record(ALERT, b"\x02"), alert=WRONG_ALERT)
    attack_server("an alert and a half", record(ALERT, b"\x02\x28\x02"), alert=WRONG_ALERT)
    attack_server("a fatal alert", record(ALERT, b"\x02\x28"))
    attack_server("an alert of level 7", record(ALERT, b"\x07\x28"))
    attack_server("HTTP", b"GET / HTTP/1.0\r\n\r\n", alert=None)
    attack_server("a hundred empty handshake records", record(HANDSHAKE, b"") * 100)
    attack_server("a record of 64 KiB", b"\x16\x03\x01\xff\xff" + b"\0" * 100,
                  alert=RECORD_OVERFLOW)
    attack_server("a ClientHello of 16 MiB", record(HANDSHAKE, b"\x01\xff\xff\xff" + b"\3" * 100),
                  alert=ILLEGAL_PARAMETER)
    attack_server("a ClientHello with bytes behind it",
                  record(HANDSHAKE, message(1, hello[9:] + b"more")), alert=DECODE_ERROR)
    attack_server("a ClientHello that is cut short",
                  record(HANDSHAKE, message(1, hello[9:half])), alert=DECODE_ERROR)
    for kind, body in ((DATA, b"data"), (CCS, b"\x01"), (24, b"\x01\0\0")):
        attack_server(f"type {kind} in the middle of a ClientHello", cut + record(kind, body))
    attack_server("a fatal alert in the middle of a ClientHello",
                  cut + record(ALERT, b"\x02\x28"))
    attack_server("a ClientHello and another", hello + hello, sealed=True,
                  alert=(UNEXPECTED_MESSAGE, BAD_RECORD_MAC))


def names():
    hello, _ = client_hello()

    def named(*entries):
        return with_name(hello, server_name(*entries))

    for what, entry in (
            ("a NUL in the server name", named(b"good.test\0.evil.test")),
            ("a server name of NULs", named(b"\0\0\0\0")),
            ("a server name that ends in a NUL", named(b"good.test\0")),
            ("an empty server name", named(b"")),
            ("a server name of 300 bytes", named(b"a" * 300)),
            ("a server name with a line's end", named(b"good.test\n")),
            ("two server names", named(b"good.test", b"rsa.test")),
            ("no list of server names", with_name(hello, b"")),
            ("a list of server names that is cut short", with_name(hello, b"\0\x20\0\0\x09good"))):
        attack_server(what, entry, alert=ILLEGAL_PARAMETER)


# In the middle ----------------------------------------------------------------------


def behind(version, flight, what):
    """Says @what after a ClientHello of @version and the server's flight."""
    def say(peer):
        peer.sendall(client_hello(version)[0])
        flight(peer)
        peer.sendall(what)
    return say


def middle_of_12():
    for name, what, alert in (
            ("data", record(DATA, b"data"), UNEXPECTED_MESSAGE),
            ("change_cipher_spec", record(CCS, b"\x01"), UNEXPECTED_MESSAGE),
            ("a change_cipher_spec of two bytes", record(CCS, b"\x01\x01"),
             (ILLEGAL_PARAMETER, DECODE_ERROR, UNEXPECTED_MESSAGE)),
            ("Finished", record(HANDSHAKE, message(20, b"\0" * 12)), UNEXPECTED_MESSAGE),
            ("another ClientHello", client_hello()[0], (UNEXPECTED_MESSAGE, PROTOCOL_VERSION)),
            ("KeyUpdate", record(HANDSHAKE, message(24, b"\0")), UNEXPECTED_MESSAGE),
            ("half an alert", record(ALERT, b"\x02"), WRONG_ALERT),
            ("a ClientKeyExchange of 16 MiB", record(HANDSHAKE, b"\x10\xff\xff\xff" + b"\0" * 64),
             ILLEGAL_PARAMETER),
            ("an empty ClientKeyExchange", record(HANDSHAKE, message(16, b"")),
             (DECODE_ERROR, HANDSHAKE_FAILURE)),
            ("heartbeat", record(24, b"\x01\0\0"), UNEXPECTED_MESSAGE)):
        attack_server(f"TLS 1.2, in place of ClientKeyExchange: {name}",
                      behind(ssl.TLSVersion.TLSv1_2, flight_of_12, what), alert=alert)


def middle_of_13():
    for name, what, alert in (
            ("what no key opens", record(DATA, b"\0" * 64), BAD_RECORD_MAC),
            ("a record without room for a tag", record(DATA, b"\0" * 8), (BAD_RECORD_MAC, 50)),
            ("Finished in plain text", record(HANDSHAKE, message(20, b"\0" * 32)),
             UNEXPECTED_MESSAGE),
            ("KeyUpdate in plain text", record(HANDSHAKE, message(24, b"\0")),
             UNEXPECTED_MESSAGE),
            ("a change_cipher_spec of another value", record(CCS, b"\x02"),
             (UNEXPECTED_MESSAGE, ILLEGAL_PARAMETER)),
            ("a thousand change_cipher_specs", record(CCS, b"\x01") * 1000, UNEXPECTED_MESSAGE),
            ("a sealed record of 64 KiB", b"\x17\x03\x03\xff\xff" + b"\0" * 100,
             RECORD_OVERFLOW),
            ("heartbeat", record(24, b"\x01\0\0"), UNEXPECTED_MESSAGE)):
        attack_server(f"TLS 1.3, in place of Finished: {name}",
                      behind(ssl.TLSVersion.TLSv1_3, flight_of_13, what), alert=alert,
                      sealed=True)


def cut_off():
    hello = client_hello()[0]

    def bye(what, reset=False):
        def say(peer):
            peer.sendall(what)
            if reset:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            else:
                peer.shutdown(socket.SHUT_WR)
        return say

    attack_server("FIN before a word", bye(b""), "ECONNRESET", DECODE_ERROR)
    attack_server("FIN in the middle of a ClientHello", bye(hello[:100]), "ECONNRESET",
                  DECODE_ERROR)
    attack_server("a reset in the middle of a ClientHello", bye(hello[:100], True),
                  "ECONNRESET EPIPE", None, sealed=True)
    attack_client("a server that ends", bye(b""), "ECONNRESET", DECODE_ERROR)


def in_pieces():
    """What is only unusual gets through."""
    for size in (1, 7):
        def run():
            hello, (tls, incoming, outgoing) = client_hello()
            peer, program = listener.connect()
            with peer, program:
                peer.sendall(pieces(hello, size))
                while True:
                    incoming.write(peer.recv(65536))
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        peer.sendall(outgoing.read())
                peer.sendall(outgoing.read())
                expect("outcome", 0, outcome(program))
                tls.write(b"hello")
                peer.sendall(outgoing.read())
                expect("data", b"hello", program.recv(100))
        check(f"a ClientHello in records of {size} bytes is none the worse", run)


def slow():
    """One that is silent, one that trickles, a byte a second: the deadline is for all."""
    def run():
        patient = Listener(timeout_ms=2500)
        hello = client_hello()[0]
        pairs = [patient.connect() for _ in range(3)]
        end = time.monotonic() + 2.2
        at = 0
        while time.monotonic() < end:
            pairs[1][0].send(hello[at:at + 1])
            pairs[2][0].send(record(HANDSHAKE, hello[5 + at:6 + at], 0x0301))
            at += 1
            time.sleep(1)
            expect("the connection beside it", True, beside.talks())
        for peer, program in pairs:
            with peer, program:
                judged(program, peer, "ETIMEDOUT", None)
        patient.sock.close()
    check("silent and slow clients meet their deadline", run)


# Servers ---------------------------------------------------------------------------


def answers():
    for kind in (CCS, DATA, 24, 255, 0):
        attack_client(f"a server's first record of type {kind}", record(kind, b"\x01" * 20),
                      alert=WRONG_TYPE)
    for kind in (0, 1, 4, 8, 11, 12, 13, 14, 15, 20, 24, 255):
        attack_client(f"a server's first message of type {kind}",
                      record(HANDSHAKE, message(kind, b"\0" * 64)))
    attack_client("a ServerHello of 16 MiB", record(HANDSHAKE, b"\x02\xff\xff\xff" + b"\3" * 100),
                  alert=ILLEGAL_PARAMETER)
    attack_client("an empty ServerHello", record(HANDSHAKE, message(2, b"")), alert=DECODE_ERROR)
    attack_client("a ServerHello of TLS 1.0", record(HANDSHAKE, message(
        2, b"\3\1" + b"\0" * 32 + b"\0\0\x2f\0")), alert=PROTOCOL_VERSION)
    attack_client("data in the middle of a ServerHello",
                  record(HANDSHAKE, message(2, b"\0" * 64)[:20]) + record(DATA, b"data"))
    attack_client("SMTP", b"220 mail.test ESMTP\r\n", alert=None)
    attack_client("a server's half alert", record(ALERT, b"\x02"), alert=WRONG_ALERT)
    attack_client("a server that is silent", lambda peer: read_record(peer), "ETIMEDOUT", None,
                  timeout_ms=1500)


def certificates():
    """Servers that do all right, but for their certificate."""
    def serve(chain, key, version):
        def say(peer):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain, f"{pki}/{key}.key")
            context.minimum_version = context.maximum_version = version

            def run():
                try:
                    tls = context.wrap_socket(peer, server_side=True)
                    tls.recv(1)
                except (OSError, ssl.SSLError):
                    pass
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
        return say

    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        attack_client(f"{version.name}: a NUL in the certificate's name",
                      serve(f"{pki}/nul.pem", "nul", version), "EKEYREJECTED", BAD_CERTIFICATE,
                      sealed=True)
        attack_client(f"{version.name}: 100 certificates, none of which is an authority's",
                      serve(f"{pki}/crowd.pem", "unknown", version), "EKEYREJECTED", UNKNOWN_CA,
                      sealed=True, host=b"unknown.test")
        attack_client(f"{version.name}: certificates of more than 100 KiB",
                      serve(f"{pki}/throng.pem", "good", version), "EPROTO", ILLEGAL_PARAMETER,
                      sealed=True)


# Where the RFCs leave a choice, or OpenSSL takes one.
WRONG_TYPE = (UNEXPECTED_MESSAGE, DECODE_ERROR, PROTOCOL_VERSION)
WRONG_ALERT = (DECODE_ERROR, UNEXPECTED_MESSAGE)

listener = Listener()
beside = Beside(listener)
first_words()
names()
middle_of_12()
middle_of_13()
cut_off()
in_pieces()
slow()
answers()
certificates()
