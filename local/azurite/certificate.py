"""A certificate for an Azurite that speaks HTTPS: Entra ID tokens are taken over nothing else."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.azurite.command import Certificate

LIFE = dt.timedelta(days=30)
CLOCK_SKEW = dt.timedelta(minutes=5)
ADDRESSES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def write_certificate(folder: Path) -> Certificate:
    """Write a self-signed certificate of 30 days for localhost and 127.0.0.1, with its key, to `folder` as PEM.

    It is its own authority: clients take it as their CA file (`connection_verify` of the Storage SDKs).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    files = Certificate(folder / "certificate.pem", folder / "key.pem")
    files.certificate.write_bytes(_self_signed(key).public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local Azurite")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(ADDRESSES), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    return builder.sign(key, hashes.SHA256())
