"""Certificates for DNS names and URIs, signed by authorities that a test creates."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Certificate authority that writes the certificates that it signs to one folder."""

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    def issue(self, file: str, *names: str, days: int = 1) -> None:
        """Write a certificate for DNS names or URIs to ``file.pem``, and its key to ``file.key``."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(file), self.name, key.public_key(), days)
        alternative_names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(name) if "://" in name else x509.DNSName(name) for name in names
        ]
        certificate = builder.add_extension(x509.SubjectAlternativeName(alternative_names), critical=False)
        _write(self.folder / f"{file}.pem", certificate.sign(self.key, hashes.SHA256()))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{file}.key").write_bytes(private)

    def subordinate(self, file: str) -> "Authority":
        """Create a subordinate authority, and write its own certificate to ``file.pem``."""
        return _authority(self.folder, file, self)


def authority(folder: Path, file: str) -> Authority:
    """Create an authority, and write its own certificate to ``file.pem``."""
    return _authority(folder, file, None)


def _authority(folder: Path, file: str, issuer: Authority | None) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(file)
    builder = _builder(name, issuer.name if issuer else name, key.public_key(), 1)
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    _write(folder / f"{file}.pem", certificate.sign(issuer.key if issuer else key, hashes.SHA256()))
    return Authority(folder=folder, name=name, key=key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    """Return a certificate to be signed, valid from yesterday for ``days`` after now; expired if ``days`` is 0."""
    start = datetime.now(timezone.utc) - DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + DAY + days * DAY if days else start + timedelta(seconds=1))
    )


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
