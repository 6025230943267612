"""Certificate authorities and the certificates that they issue."""

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from color_mesh.authority import Authority, create_authority

DAY = timedelta(days=1)


def loaded(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def test_certificate_has_dns_names_and_addresses() -> None:
    issued = create_authority("shop", DAY).issue("*.shop.local", "10.0.0.4", valid=DAY)
    names = loaded(issued.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["*.shop.local"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.4"]


@pytest.mark.parametrize("days", [-1, 0, 7])
def test_certificate_ends_when_it_is_said_to(days: int) -> None:
    issued = create_authority("shop", DAY).issue("shop.local", valid=timedelta(days=days))
    own = loaded(issued.certificate)
    assert own.not_valid_after_utc == issued.expires
    assert abs(issued.expires - datetime.now(timezone.utc) - timedelta(days=days)) < timedelta(minutes=1)
    assert own.not_valid_before_utc < own.not_valid_after_utc


def test_long_name_is_shortened_in_the_subject_only() -> None:
    name = f"{'a' * 60}.{'b' * 60}.local"
    own = loaded(create_authority("shop", DAY).issue(name, valid=DAY).certificate)
    assert own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    ) == [name]


def test_authority_that_is_read_again_issues_certificates_of_the_same_authority() -> None:
    authority = create_authority("shop", DAY)
    again = Authority(authority.certificate, authority.private_key)
    assert (again.name, again.expires) == ("shop", authority.expires)
    loaded(again.issue("a.local", valid=DAY).certificate).verify_directly_issued_by(loaded(authority.certificate))


def test_key_of_another_authority_is_refused() -> None:
    first, second = create_authority("a", DAY), create_authority("b", DAY)
    with pytest.raises(ValueError, match="the private key is not that of the certificate"):
        Authority(first.certificate, second.private_key)


def test_encrypted_key_takes_the_passphrase() -> None:
    issued = create_authority("shop", DAY).issue("a.local", valid=DAY)
    text = issued.encrypted_key(b"passphrase").encode()
    assert load_pem_private_key(text, b"passphrase").public_key() == loaded(issued.certificate).public_key()
    with pytest.raises(ValueError, match=r"[Ii]ncorrect password|decrypt"):
        load_pem_private_key(text, b"another")


def test_authority_is_no_other_certificate_and_has_a_readable_key() -> None:
    authority = create_authority("shop", DAY)
    issued = authority.issue("shop.local", valid=DAY)
    with pytest.raises(ValueError, match="not that of an authority"):
        Authority(issued.certificate, issued.private_key)
    key = load_pem_private_key(authority.private_key.encode(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    with pytest.raises(ValueError, match="encrypted"):
        Authority(authority.certificate, encrypted.decode())
