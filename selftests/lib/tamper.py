#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A man in the middle that flips one bit of one TLS record.

usage: tamper.py LISTEN_PORT TARGET_PORT RECORD

Connections to 127.0.0.1:LISTEN_PORT go on to 127.0.0.1:TARGET_PORT. Of what the
target sends, the RECORD-th record of type application_data (from 1) has the
lowest bit of its last byte, which belongs to the tag, inverted. Prints "ready"
when it listens, and a line for each record it has changed.
"""

import asyncio
import sys

APPLICATION_DATA = 23


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def copy_records(reader, writer, victim):
    seen = 0
    try:
        while True:
            head = await reader.readexactly(5)
            body = bytearray(await reader.readexactly(int.from_bytes(head[3:5], "big")))
            if head[0] == APPLICATION_DATA:
                seen += 1
                if seen == victim:
                    body[-1] ^= 1
                    print(f"record {seen} of {len(body)} bytes changed", flush=True)
            writer.write(head + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    listen, target, victim = map(int, sys.argv[1:4])

    async def serve(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(copy(reader, up_writer), copy_records(up_reader, writer, victim))

    server = await asyncio.start_server(serve, "127.0.0.1", listen)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
