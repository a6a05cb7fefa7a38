"""Whose certificate a connection trusts, shown by a server that only ever does the TLS part."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from autoretrain.errors import BadSetting, DatabaseUnavailable
from autoretrain.storage.connection import connect

SSL_REQUEST = struct.pack("!II", 8, 80877103)


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate: its own authority."""

    certificate: str
    key: str


def identity(host: str) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(minutes=5))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(made.public_bytes(Encoding.PEM).decode(), private.decode())


@dataclass
class TlsServer:
    """Takes connections as Postgres does until they are encrypted, then hangs up."""

    listening: socket.socket
    context: ssl.SSLContext
    trusted_by: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"postgresql://me:hunter2@localhost:{self.listening.getsockname()[1]}/db"

    def serve(self) -> None:
        with suppress(OSError):  # the test is over
            while True:
                self._answer(self.listening.accept()[0])

    def _answer(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            if plain.recv(8) != SSL_REQUEST:
                return
            plain.sendall(b"S")
            with self.context.wrap_socket(plain, server_side=True) as encrypted:
                # Whoever does not trust the certificate says nothing any more.
                if start := encrypted.recv(1024):
                    self.trusted_by.append(start)


@pytest.fixture(scope="module")
def localhost() -> Identity:
    return identity("localhost")


@pytest.fixture
def server(localhost: Identity, tmp_path: Path) -> Iterator[TlsServer]:
    with _serving(localhost, tmp_path) as made:
        yield made


@contextmanager
def _serving(shown: Identity, folder: Path) -> Iterator[TlsServer]:
    file = folder / "server.pem"
    file.write_text(shown.certificate + shown.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = TlsServer(listening, context)
        thread = threading.Thread(target=made.serve)
        thread.start()
        try:
            yield made
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_server_that_the_certificate_vouches_for_is_trusted(
    server: TlsServer, localhost: Identity
) -> None:
    with pytest.raises(DatabaseUnavailable):  # it hangs up, once it has been trusted
        connect(server.url, localhost.certificate)

    (start,) = server.trusted_by
    assert b"auto-retrain" in start


def test_server_of_anybody_else_is_not(server: TlsServer) -> None:
    with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
        connect(server.url, identity("localhost").certificate)

    assert server.trusted_by == []


def test_server_of_another_name_is_not(tmp_path: Path) -> None:
    elsewhere = identity("db.example.com")
    with _serving(elsewhere, tmp_path) as server:
        with pytest.raises(DatabaseUnavailable, match="does not match host name"):
            connect(server.url, elsewhere.certificate)

        assert server.trusted_by == []


def test_url_cannot_ask_for_less_than_the_certificate(
    server: TlsServer, localhost: Identity
) -> None:
    with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
        connect(f"{server.url}?sslmode=disable", identity("localhost").certificate)


def test_certificate_leaves_no_file_behind(
    server: TlsServer,
    localhost: Identity,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    with pytest.raises(DatabaseUnavailable):
        connect(server.url, localhost.certificate)

    assert server.trusted_by
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("url", ["postgresql//me:hunter2@db", "me:hunter2@db", "hunter2"])
def test_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(BadSetting) as raised:
        connect(url)

    # A process that dies prints the whole chain of causes.
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))
