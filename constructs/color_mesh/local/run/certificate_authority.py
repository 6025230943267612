"""The certificate authority of a run, which stands in for those that containers trust on AWS.

Its private key is in the memory of the supervisor, and ends with the run.
"""

import os
import ssl
from dataclasses import dataclass, field

import trustme


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
    """Certificate authority of a run."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="color-mesh")

    @property
    def certificate(self) -> str:
        """Its certificate, in PEM."""
        return self._authority.cert_pem.bytes().decode()

    def issue(self, *names: str) -> ServerCertificate:
        """Issue a certificate for DNS names, which may begin with ``*.``."""
        issued = self._authority.issue_cert(*names)
        return ServerCertificate(
            chain="".join(each.bytes().decode() for each in issued.cert_chain_pems),
            private_key=issued.private_key_pem.bytes().decode(),
        )
