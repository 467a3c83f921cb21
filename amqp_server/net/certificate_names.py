r"""Names out of a client's certificate, printed as RabbitMQ prints them.

A user that logs in with mechanism EXTERNAL is found by this text, so each escape matters:
``CN=client,O=x\, y,C=DE`` comes from a certificate whose subject begins with C=DE.

Source: RabbitMQ, rabbit_cert_info and rabbit_ssl (peer_cert_auth_name), asked in 3.10; RFC 4514,
from which it differs: ``~`` and all characters other than printable ASCII are escaped.
"""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast

from amqp_server.connections.peer import PeerCertificate
from amqp_server.net.settings import LoginFrom

Certificate: TypeAlias = Mapping[str, object]
"""The result of ``SSLObject.getpeercert()`` for a verified certificate; empty for none."""

_Name: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]

_SHORT_NAMES: Final = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "emailAddress": "EMAILADDRESS",
    "generationQualifier": "GENERATIONQUALIFIER",
    "givenName": "GIVENNAME",
    "initials": "INITIALS",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "pseudonym": "PSEUDONYM",
    "serialNumber": "SERIALNUMBER",
    "stateOrProvinceName": "ST",
    "surname": "SN",
    "title": "TITLE",
    "userId": "UID",
}
"""OpenSSL's long names of the attributes that RabbitMQ has a name for."""

_OBJECT_IDENTIFIERS: Final = {
    "businessCategory": "2.5.4.15",
    "description": "2.5.4.13",
    "dnQualifier": "2.5.4.46",
    "jurisdictionCountryName": "1.3.6.1.4.1.311.60.2.1.3",
    "jurisdictionLocalityName": "1.3.6.1.4.1.311.60.2.1.1",
    "jurisdictionStateOrProvinceName": "1.3.6.1.4.1.311.60.2.1.2",
    "name": "2.5.4.41",
    "organizationIdentifier": "2.5.4.97",
    "postalAddress": "2.5.4.16",
    "postalCode": "2.5.4.17",
    "streetAddress": "2.5.4.9",
    "telephoneNumber": "2.5.4.20",
    "unstructuredName": "1.2.840.113549.1.9.2",
}
"""Attributes that OpenSSL names and RabbitMQ prints as numbers, as it prints unnamed ones."""

_ESCAPED: Final = frozenset(b'",+;<>\\')
_PRINTABLE_FROM: Final = 0x20
_PRINTABLE_BELOW: Final = 0x7E


def name_for_login(certificate: Certificate, login_from: LoginFrom) -> str | None:
    """Return the user that EXTERNAL logs in.

    Args:
        certificate: of the peer, verified by the TLS handshake; empty if it presented none.
        login_from: which name (RabbitMQ, ``ssl_cert_login_from``). Several common names are
            joined by commas; of the subject alternative names the first DNS name is taken.

    Returns:
        The name; None if there is no certificate, or no such name in it.
    """
    if not certificate:
        return None
    if login_from == "distinguished_name":
        return distinguished_name(_name_of(certificate, "subject"))
    if login_from == "common_name":
        parts = [part for rdn in _name_of(certificate, "subject") for part in rdn]
        common_names = [value for attribute, value in parts if attribute == "commonName"]
        return ",".join(common_names) if common_names else None
    alternatives = cast("tuple[tuple[str, str], ...]", certificate.get("subjectAltName", ()))
    return next((value for kind, value in alternatives if kind == "DNS"), None)


def describe(certificate: Certificate) -> PeerCertificate | None:
    """Return the certificate as connection objects show it; None if there is none."""
    if not certificate:
        return None
    not_before = _time(cast("str", certificate["notBefore"]))
    not_after = _time(cast("str", certificate["notAfter"]))
    return PeerCertificate(
        subject=distinguished_name(_name_of(certificate, "subject")),
        issuer=distinguished_name(_name_of(certificate, "issuer")),
        validity=f"{not_before} - {not_after}",
    )


def distinguished_name(name: _Name) -> str:
    """Return a name in one line, the last part first; parts of one level are joined by ``+``."""
    return ",".join("+".join(_part(*part) for part in rdn) for rdn in reversed(name))


def _name_of(certificate: Certificate, field: str) -> _Name:
    return cast("_Name", certificate.get(field, ()))


def _part(attribute: str, value: str) -> str:
    short_name = _SHORT_NAMES.get(attribute) or _OBJECT_IDENTIFIERS.get(attribute, attribute)
    return f"{short_name}={_escape(value)}"


def _escape(value: str) -> str:
    """Escape octet by octet; a blank or # only where it could have another meaning."""
    octets = value.encode()
    last = len(octets) - 1
    escaped = []
    for index, octet in enumerate(octets):
        is_at_edge = (index == 0 and octet in b" #") or (index == last and octet == ord(" "))
        if is_at_edge or octet in _ESCAPED:
            escaped.append("\\" + chr(octet))
        elif _PRINTABLE_FROM <= octet < _PRINTABLE_BELOW:
            escaped.append(chr(octet))
        else:
            escaped.append(f"\\{octet:02X}")
    return "".join(escaped)


def _time(openssl_time: str) -> str:
    instant = datetime.fromtimestamp(ssl.cert_time_to_seconds(openssl_time), UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
