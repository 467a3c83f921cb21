"""The names in the certificate of the other side."""

import asyncio
from typing import Any


def names_of_peer(transport: asyncio.BaseTransport) -> frozenset[str] | None:
    """Return the DNS names of a verified certificate, or its common name where it has none.

    None where there is no TLS, no certificate, or one that was not verified.
    """
    tls = transport.get_extra_info("ssl_object")
    certificate: dict[str, Any] | None = tls.getpeercert() if tls is not None else None
    if not certificate:
        return None
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    if not names:
        parts = [part for level in certificate.get("subject", ()) for part in level]
        names = {value for kind, value in parts if kind == "commonName"}
    return frozenset(names)
