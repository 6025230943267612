"""Certificate authorities, and the certificates for servers and clients that they issue."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clocks differ.
_SKEW = timedelta(hours=1)
# RFC 5280, Appendix A.1: ub-common-name.
MAX_COMMON_NAME = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedCertificate:
    """Certificate of a server or client.

    Attributes:
        certificate: Certificate, in PEM. There are no intermediate certificates.
        private_key: Private key, in PEM (PKCS #8).
        expires: Time at which it expires.
    """

    certificate: str
    private_key: str = field(repr=False)
    expires: datetime

    def encrypted_key(self, passphrase: bytes) -> str:
        """Return the private key in PEM (PKCS #8), encrypted with a passphrase."""
        return _key_text(_load_key(self.private_key), serialization.BestAvailableEncryption(passphrase))


class Authority:
    """Certificate authority.

    Args:
        certificate: Its own certificate, in PEM.
        private_key: Its private key, in PEM.

    Attributes:
        certificate: Its own certificate, in PEM.
        private_key: Its private key, in PEM.

    Raises:
        ValueError: If they are not the certificate and the private key of an authority.
    """

    def __init__(self, certificate: str, private_key: str) -> None:
        self.certificate = certificate
        self.private_key = private_key
        try:
            self._own = x509.load_pem_x509_certificate(certificate.encode())
            self._key = _load_key(private_key)
            fits = self._key.public_key() == self._own.public_key()
        except (TypeError, UnsupportedAlgorithm) as error:  # An encrypted key is a TypeError.
            raise ValueError(str(error)) from None
        if not fits:
            raise ValueError("the private key is not that of the certificate")
        if not any(isinstance(each.value, x509.BasicConstraints) and each.value.ca for each in self._own.extensions):
            raise ValueError("the certificate is not that of an authority")

    @property
    def name(self) -> str:
        """Common name; empty if it has none."""
        return next((str(each.value) for each in self._own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)), "")

    @property
    def expires(self) -> datetime:
        """Time at which it expires."""
        return self._own.not_valid_after_utc

    def issue(self, *names: str, valid: timedelta) -> IssuedCertificate:
        """Issue a certificate for servers and clients.

        Args:
            names: DNS names, which may begin with ``*.``, and IP addresses.
            valid: Time until it expires; not positive for an expired certificate.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        expires = _now() + valid
        builder = (
            # A certificate has its names as alternative names; the subject is for people.
            _builder(_subject(names[0]), self._own.subject, key.public_key(), min(expires, _now()), expires)
            .add_extension(x509.SubjectAlternativeName([_alternative_name(each) for each in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        return IssuedCertificate(
            certificate=_text(builder.sign(self._key, hashes.SHA256())),
            private_key=_key_text(key, serialization.NoEncryption()),
            expires=expires,
        )


def create_authority(name: str, valid: timedelta) -> Authority:
    """Create a root authority.

    Args:
        name: Common name.
        valid: Time until it expires.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = (
        _builder(subject, subject, key.public_key(), _now(), _now() + valid)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return Authority(_text(certificate), _key_text(key, serialization.NoEncryption()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, expires: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - _SKEW)
        .not_valid_after(expires)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:MAX_COMMON_NAME])])


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(**uses: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: uses.get(name, False) for name in (*names, *others)})


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _load_key(text: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(text.encode(), None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise ValueError("the private key is not that of an elliptic curve")


def _key_text(key: ec.EllipticCurvePrivateKey, encryption: serialization.KeySerializationEncryption) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
