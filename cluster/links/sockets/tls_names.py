"""The names in the certificate of the other side."""

import asyncio
from collections.abc import Mapping
from typing import Any


def names_of_peer(transport: asyncio.BaseTransport) -> frozenset[str] | None:
    """Return the DNS names of a verified certificate, or its common name where it has none.

    None where there is no TLS, no certificate, or one that was not verified.
    """
    tls = transport.get_extra_info("ssl_object")
    certificate: dict[str, Any] | None = tls.getpeercert() if tls is not None else None
    return names_in(certificate) if certificate else None


def names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in a certificate, as ``SSLObject.getpeercert`` has it."""
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    if not names:
        parts = [part for level in certificate.get("subject", ()) for part in level]
        names = {value for kind, value in parts if kind == "commonName"}
    return frozenset(names)
