#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Types at `openssl s_client` or `s_server` what a person would: lines, and before each
line the command k (KeyUpdate) or K (with the peer's asked for).

usage: updates.py LINES MESSAGES COMMAND...

COMMAND is run with -msgfile MESSAGES, which tells when it has done what was typed; its
standard output is ours. Typed are LINES lines, which also go to MESSAGES.typed.
"""

import random
import subprocess
import sys
import time

lines, messages, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
PATIENCE = 60


def sent(what):
    """How often @command has sent that."""
    try:
        with open(messages) as f:
            return sum(1 for line in f if line.startswith(">>>") and what in line)
    except FileNotFoundError:
        return 0


def until(what, n):
    end = time.monotonic() + PATIENCE
    while sent(what) < n:
        if time.monotonic() > end or openssl.poll() is not None:
            sys.exit(f"updates: {sent(what)} of {n}: {what}")
        time.sleep(0.01)


with open(messages + ".typed", "wb") as typed:
    openssl = subprocess.Popen(command + ["-msg", "-msgfile", messages], stdin=subprocess.PIPE)
    until("Finished", 1)
    for i in range(lines):
        openssl.stdin.write(b"kK"[i % 2:i % 2 + 1] + b"\n")
        openssl.stdin.flush()
        # One command is read at a time: what comes with it would be dropped.
        until("KeyUpdate", i + 1)
        line = b"%d " % i + random.randbytes(500 + i).hex().encode() + b"\n"
        typed.write(line)
        before = sent("InnerContent")
        openssl.stdin.write(line)
        openssl.stdin.flush()
        until("InnerContent", before + 1)
    typed.close()
    print("typed", file=sys.stderr, flush=True)
    openssl.wait()
