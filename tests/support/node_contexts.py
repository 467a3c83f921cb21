"""TLS contexts of nodes, with certificates that name them."""

import ssl
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from tests.support.certificates import Authority


def contexts(
    folder: Path, name: str, authority: Authority
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A listener's and a dialer's, with a certificate for a node and for the loopback address."""
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    files = authority.issue(folder, name, names, name=name)
    root = authority.write(folder / "root.pem")
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    for context in (server, client):
        context.load_cert_chain(files.certificate_file, files.key_file)
        context.load_verify_locations(root)
        context.verify_mode = ssl.CERT_REQUIRED
    client.check_hostname = False
    return server, client
