"""A stand-in for AWS that answers at once, in a process of its own: the product's calls are what is
measured. It keeps S3's objects, tells one secret, and takes Lambda's asynchronous invokes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bench.performance.processes import ROOT

_REGION = "eu-central-1"


@dataclass(frozen=True, slots=True)
class Aws:
    """Where it answers."""

    url: str

    def environment(self) -> dict[str, str]:
        """What leads boto3 there, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": _REGION,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def aws(secret: Mapping[str, str], delay_seconds: float = 0.0) -> Iterator[Aws]:
    """Up until the end of the context; every answer to an invoke takes `delay_seconds`."""
    command = [
        sys.executable,
        "-m",
        "bench.performance.aws",
        json.dumps(secret),
        str(delay_seconds),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            yield Aws(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


class _Server:
    def __init__(self, secret: str, delay_seconds: float) -> None:
        self._secret = secret
        self._delay_seconds = delay_seconds
        self._objects: dict[str, bytes] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                method, path, headers = head
                if headers.get("expect"):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await _body(reader, headers)
                status, answer = await self._answer(method, path, headers, body)
                length = f"Content-Length: {len(answer)}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status} x\r\n{length}".encode() + answer)
        except ConnectionError:
            pass  # whoever asked is gone
        finally:
            writer.close()

    async def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        if "GetSecretValue" in headers.get("x-amz-target", ""):
            return 200, json.dumps({"SecretString": self._secret}).encode()
        if path.endswith("/invocations"):
            await asyncio.sleep(self._delay_seconds)
            return 202, b""
        if method == "PUT":
            self._objects[path] = body
            return 200, b""
        return 200, self._objects.get(path, b"{}")


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = text.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return method, path, headers


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


async def _serve(secret: str, delay_seconds: float) -> None:
    server = await asyncio.start_server(_Server(secret, delay_seconds).talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], float(sys.argv[2])))
