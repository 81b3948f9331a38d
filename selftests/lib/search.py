#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which secrets are in the memory of a process?

usage: search.py KEY_LOG KEY_FILE PID...

The secrets: all that the key log names, and the private key in the file. Prints for each
process "PID REGIONS KEY SECRETS": regions read, whether the private key was found, and how
many of the others; as bytes in either order or as hexadecimal digits. PID 0 is this process itself, which
knows them all.
"""
import re
import subprocess
import sys


def private_key(path):
    text = subprocess.run(["openssl", "ec", "-in", path, "-noout", "-text"],
                          capture_output=True, text=True, check=True).stdout
    digits = re.search(r"priv:\n([\s0-9a-f:]+)pub:", text).group(1)
    return bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]


def logged(path):
    with open(path) as log:
        return {bytes.fromhex(line.split()[2]) for line in log if line[0] != "#"}


def regions(pid):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            span, rights = line.split()[:2]
            if rights[0] == "r" and "[v" not in line:
                yield [int(end, 16) for end in span.split("-")]


# OpenSSL keeps numbers with their least byte first.
def shapes(secret):
    return secret, secret[::-1], secret.hex().encode()


def search(pid, secrets):
    found, read = set(), 0
    with open(f"/proc/{pid or 'self'}/mem", "rb", 0) as mem:
        for start, end in list(regions(pid or "self")):
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except OSError:
                continue
            read += 1
            found |= {s for s in secrets - found
                      if any(shape in data for shape in shapes(s))}
    return read, found


key = private_key(sys.argv[2])
others = logged(sys.argv[1])
print("secrets", len(others))
for pid in map(int, sys.argv[3:]):
    read, found = search(pid, others | {key})
    print(pid, read, int(key in found), len(found & others))
