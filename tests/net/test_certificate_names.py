"""Names as RabbitMQ prints them; the expected texts are the answers of RabbitMQ 3.10's own code.

Each certificate goes through a handshake, as it is OpenSSL's reading of it that is printed.
"""

from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from amqp_server.net.certificate_names import Certificate, describe, name_for_login
from amqp_server.net.settings import LoginFrom, TlsSettings
from amqp_server.net.tls import make_context
from tests.support.certificates import Authority, Subject
from tests.support.tls_handshake import client_context, shake_hands


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("root, of tests")


def certificate_of(
    authority: Authority,
    folder: Path,
    subject: Subject | str,
    alternatives: list[x509.GeneralName] | None = None,
) -> Certificate:
    ca_file = authority.write(folder / "ca.pem")
    server = authority.issue(folder, name="server")
    client = authority.issue(folder, subject, alternatives or [], name="client")
    context = make_context(
        TlsSettings(
            certificate_file=server.certificate_file,
            key_file=server.key_file,
            ca_file=ca_file,
            verify_peer=True,
        )
    )
    chain = (str(client.certificate_file), str(client.key_file))
    server_end, _ = shake_hands(context, client_context(str(ca_file), *chain))
    return server_end.getpeercert() or {}


DISTINGUISHED_NAMES: dict[str, tuple[Subject, str]] = {
    "the last level comes first": (
        [
            [(NameOID.COUNTRY_NAME, "DE")],
            [(NameOID.STATE_OR_PROVINCE_NAME, "Bayern")],
            [(NameOID.LOCALITY_NAME, "München")],
            [(NameOID.ORGANIZATION_NAME, "x, y+z")],
            [(NameOID.COMMON_NAME, "client")],
        ],
        r"CN=client,O=x\, y\+z,L=M\C3\BCnchen,ST=Bayern,C=DE",
    ),
    "what could be taken for something else": (
        [
            [(NameOID.COMMON_NAME, ' #a"b\\c<d>e;f=g ')],
            [(NameOID.COMMON_NAME, "#h")],
            [(NameOID.COMMON_NAME, "two"), (NameOID.USER_ID, "u1")],
        ],
        r"CN=two+UID=u1,CN=\#h,CN=\ #a\"b\\c\<d\>e\;f=g\ ",
    ),
    "blanks and what is not printable": (
        [
            [(NameOID.COMMON_NAME, "a~b\x7f\tc}")],
            [(NameOID.ORGANIZATION_NAME, " ")],
            [(NameOID.ORGANIZATIONAL_UNIT_NAME, "  x  ")],
            [(NameOID.ORGANIZATIONAL_UNIT_NAME, "a#b")],
            [(NameOID.LOCALITY_NAME, "/=*")],
        ],
        r"L=/=*,OU=a#b,OU=\  x \ ,O=\ ,CN=a\7Eb\7F\09c}",
    ),
    "attributes with a short name": (
        [
            [(NameOID.EMAIL_ADDRESS, "a@b.c")],
            [(NameOID.DOMAIN_COMPONENT, "example")],
            [(NameOID.STREET_ADDRESS, "S 1")],
            [(NameOID.SERIAL_NUMBER, "99")],
            [(NameOID.SURNAME, "sn")],
            [(NameOID.GIVEN_NAME, "gn")],
            [(NameOID.TITLE, "t")],
            [(NameOID.PSEUDONYM, "ps")],
            [(NameOID.GENERATION_QUALIFIER, "gq")],
            [(NameOID.INITIALS, "in")],
            [(NameOID.ORGANIZATIONAL_UNIT_NAME, "ou")],
        ],
        (
            "OU=ou,INITIALS=in,GENERATIONQUALIFIER=gq,PSEUDONYM=ps,TITLE=t,GIVENNAME=gn,SN=sn,"
            "SERIALNUMBER=99,2.5.4.9=S 1,DC=example,EMAILADDRESS=a@b.c"
        ),
    ),
    "attributes without one": (
        [
            [(NameOID.DN_QUALIFIER, "dq")],
            [(NameOID.POSTAL_CODE, "80331")],
            [(NameOID.BUSINESS_CATEGORY, "bc")],
            [(NameOID.ORGANIZATION_IDENTIFIER, "oi")],
            [(ObjectIdentifier("1.2.3.4"), "oid")],
            [(NameOID.JURISDICTION_COUNTRY_NAME, "DE")],
            [(NameOID.UNSTRUCTURED_NAME, "un")],
            [(NameOID.POSTAL_ADDRESS, "pa")],
            [(ObjectIdentifier("2.5.4.13"), "desc")],
            [(ObjectIdentifier("2.5.4.41"), "nm")],
        ],
        (
            "2.5.4.41=nm,2.5.4.13=desc,2.5.4.16=pa,1.2.840.113549.1.9.2=un,"
            "1.3.6.1.4.1.311.60.2.1.3=DE,1.2.3.4=oid,2.5.4.97=oi,2.5.4.15=bc,2.5.4.17=80331,"
            "2.5.4.46=dq"
        ),
    ),
    "nothing at all": ([], ""),
}


@pytest.mark.parametrize(
    ("subject", "expected"), DISTINGUISHED_NAMES.values(), ids=DISTINGUISHED_NAMES
)
def test_distinguished_names(
    authority: Authority, tmp_path: Path, subject: Subject, expected: str
) -> None:
    certificate = certificate_of(authority, tmp_path, subject)
    assert name_for_login(certificate, "distinguished_name") == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ([[(NameOID.COMMON_NAME, "éa")]], "éa"),
        (
            [
                [(NameOID.COMMON_NAME, "one")],
                [(NameOID.ORGANIZATION_NAME, "o")],
                [(NameOID.COMMON_NAME, "two, too"), (NameOID.USER_ID, "u")],
            ],
            "one,two, too",
        ),
        ([[(NameOID.ORGANIZATION_NAME, "o")]], None),
    ],
)
def test_common_names_are_not_escaped_and_several_are_joined(
    authority: Authority, tmp_path: Path, subject: Subject, expected: str | None
) -> None:
    certificate = certificate_of(authority, tmp_path, subject)
    assert name_for_login(certificate, "common_name") == expected


def test_of_the_alternative_names_the_first_dns_name_counts(
    authority: Authority, tmp_path: Path
) -> None:
    alternatives = [
        x509.IPAddress(ip_address("10.0.0.1")),
        x509.RFC822Name("m@x.y"),
        x509.DNSName("a.example"),
        x509.DNSName("b.example"),
    ]
    certificate = certificate_of(authority, tmp_path, "cn", alternatives)
    assert name_for_login(certificate, "subject_alternative_name") == "a.example"


def test_without_a_dns_name_there_is_no_alternative_name(
    authority: Authority, tmp_path: Path
) -> None:
    alternatives: list[x509.GeneralName] = [x509.IPAddress(ip_address("10.0.0.1"))]
    for has in (alternatives, []):
        certificate = certificate_of(authority, tmp_path, "cn", has)
        assert name_for_login(certificate, "subject_alternative_name") is None


def test_what_connection_objects_show(authority: Authority, tmp_path: Path) -> None:
    shown = describe(certificate_of(authority, tmp_path, "client"))
    assert shown is not None
    assert shown.subject == "CN=client"
    assert shown.issuer == r"CN=root\, of tests"
    assert shown.validity == "2025-01-01T00:00:00Z - 2045-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "login_from", ["distinguished_name", "common_name", "subject_alternative_name"]
)
def test_no_certificate_has_no_name(login_from: LoginFrom) -> None:
    assert name_for_login({}, login_from) is None
    assert describe({}) is None
