"""`python -m benchmarks.blob_endpoint`: the endpoint in the foreground, until standard input closes."""

from __future__ import annotations

import asyncio
import gc
import sys

from benchmarks.blob_endpoint.server import Endpoint, serve


async def _main() -> None:
    server = await serve(Endpoint())
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    closed = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, closed.set)
    await closed.wait()
    server.close()


if __name__ == "__main__":
    # Every blob is an object that lives on: looking for garbage among them would cost more than the calls.
    gc.freeze()
    gc.disable()
    asyncio.run(_main())
