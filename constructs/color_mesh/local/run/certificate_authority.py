"""The certificate authority of a run, which stands in for those that containers trust on AWS.

Its private key is in the memory of the supervisor, and ends with the run.
"""

import os
import ssl
from dataclasses import dataclass, field
from datetime import timedelta

from color_mesh.authority import create_authority

# Longer than any run.
_VALID = timedelta(days=3650)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerCertificate:
    """Certificate of a server.

    Attributes:
        chain: Certificate chain, in PEM.
        private_key: Private key, in PEM.
    """

    chain: str
    private_key: str = field(repr=False)

    def context(self) -> ssl.SSLContext:
        """Return the TLS configuration of a server with this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # The ssl module reads certificates from files only; this one is in memory.
        with os.fdopen(os.memfd_create("certificate"), "w+b") as file:
            file.write(f"{self.private_key}{self.chain}".encode())
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        return context


class CertificateAuthority:
    """Certificate authority of a run.

    Attributes:
        root: The authority.
    """

    def __init__(self) -> None:
        self.root = create_authority("color-mesh", _VALID)

    @property
    def certificate(self) -> str:
        """Its certificate, in PEM."""
        return self.root.certificate

    def issue(self, *names: str) -> ServerCertificate:
        """Issue a certificate for DNS names, which may begin with ``*.``, and IP addresses."""
        issued = self.root.issue(*names, valid=_VALID)
        return ServerCertificate(chain=issued.certificate, private_key=issued.private_key)
