"""The connection over TLS: a certificate that is trusted, and one that is not."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gammaray_recorder import connection
from gammaray_recorder.connection import Connection
from tests.unit.recorder.support import Server, Tunnel
from tests.unit.recorder.test_table import POST


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "recorder test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secure_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(connection, "_tls_contexts", [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(tls=context)
    yield server
    server.close()


def test_requests_go_over_one_verified_connection(
    secure_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    kept = Connection(secure_server.url)
    for _ in range(3):
        assert kept.exchange(POST) == (200, b"{}")
    assert secure_server.connections == 1


def test_a_connection_that_died_unseen_is_replaced(
    secure_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    kept = Connection(secure_server.url)
    kept.exchange(POST)
    assert kept._socket is not None
    kept._socket.shutdown(2)
    assert kept.exchange(POST) == (200, b"{}")
    assert secure_server.connections == 2


def test_a_stranger_is_not_trusted(secure_server: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Connection(secure_server.url).exchange(POST)
    assert secure_server.requests == []


def test_a_tunnel_of_a_proxy_is_verified_to_its_other_end(
    secure_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    tunnel = Tunnel(secure_server.port)
    through = Connection(secure_server.url, proxy=tunnel.url)
    for _ in range(2):
        assert through.exchange(POST) == (200, b"{}")
    assert secure_server.connections == len(tunnel.asked) == 1
    assert b"CONNECT 127.0.0.1:%d " % secure_server.port in tunnel.asked[0]
    through.close()
    tunnel.close()
