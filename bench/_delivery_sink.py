"""A mail server on loopback that takes every mail LATENCY_MS after its last line. Knows nothing of the product.

python -P bench/_delivery_sink.py      prints its port; each line on stdin is answered by the moments of all mails
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

LATENCY = 0.02  # seconds, as the fake SendGrid's


class Sink:
    def __init__(self) -> None:
        self.times: list[float] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    await asyncio.sleep(LATENCY)
                    self.times.append(time.time())
                    writer.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it went away
        finally:
            writer.close()

    async def serve(self) -> None:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, limit=1 << 22)
        print(server.sockets[0].getsockname()[1], flush=True)
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            print(json.dumps(self.times), flush=True)
        server.close()


if __name__ == "__main__":
    asyncio.run(Sink().serve())
