"""Responses of the authentication mechanisms, read and refused as RabbitMQ 3.10 does."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.access.mechanisms import Credentials, login, mechanism_names
from amqp_server.broker.errors import MalformedCredentialsError, MechanismError
from amqp_server.wire.tables import Field, Table, encode_table, longstr

GUEST = Credentials("guest", "guest")


def amqplain(table: Table) -> bytes:
    return encode_table(table)[4:]


def test_external_is_offered_to_whom_a_certificate_names() -> None:
    assert mechanism_names(None) == "PLAIN AMQPLAIN"
    assert mechanism_names("CN=client") == "PLAIN AMQPLAIN EXTERNAL"


# ── PLAIN ──


@pytest.mark.parametrize(
    ("response", "credentials"),
    [
        (b"\0guest\0guest", GUEST),
        (b"\0guest\0", Credentials("guest", "")),
        (b"\0\0", Credentials("", "")),
        (b"\0\xff\0\xc3\xa9", Credentials("\udcff", "é")),
    ],
)
def test_plain_is_user_and_password(response: bytes, credentials: Credentials) -> None:
    assert login("PLAIN", response, None) == credentials


@pytest.mark.parametrize(
    "response",
    [b"", b"guest", b"\0guest", b"guest\0guest", b"x\0guest\0guest", b"\0guest\0guest\0"],
)
def test_plain_takes_exactly_two_nuls_the_first_in_front(response: bytes) -> None:
    with pytest.raises(MalformedCredentialsError):
        login("PLAIN", response, None)


# ── AMQPLAIN ──


def test_amqplain_is_a_table_without_its_length() -> None:
    table = {"PASSWORD": longstr("guest"), "X": Field("V", None), "LOGIN": longstr("guest")}
    assert login("AMQPLAIN", amqplain(table), None) == GUEST


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (b"", "is missing LOGIN or PASSWORD field"),
        (amqplain({"LOGIN": longstr("guest")}), "is missing LOGIN or PASSWORD field"),
        (amqplain({"PASSWORD": longstr("guest")}), "is missing LOGIN or PASSWORD field"),
        (
            amqplain({"LOGIN": Field("I", 5), "PASSWORD": longstr("guest")}),
            "uses unsupported type for LOGIN or PASSWORD field",
        ),
        (
            amqplain({"LOGIN": longstr("guest"), "PASSWORD": Field("x", b"guest")}),
            "uses unsupported type for LOGIN or PASSWORD field",
        ),
        (b"\x05LOGIN", "is no table"),
        (b"\x05LOGINS\xff\xff\xff\xff", "is no table"),
    ],
)
def test_amqplain_needs_both_as_text(response: bytes, told: str) -> None:
    with pytest.raises(MalformedCredentialsError, match=told):
        login("AMQPLAIN", response, None)


# ── EXTERNAL, and what there is not ──


def test_external_takes_the_certificates_word() -> None:
    assert login("EXTERNAL", b"whatever", "CN=client") == Credentials("CN=client", None)


@pytest.mark.parametrize(
    ("mechanism", "told"),
    [
        ("EXTERNAL", "invalid authentication mechanism 'EXTERNAL'"),
        ("ANONYMOUS", "unknown authentication mechanism 'ANONYMOUS'"),
        ("plain", "unknown authentication mechanism 'plain'"),
        ("", "unknown authentication mechanism ''"),
        ("RABBIT-CR-DEMO", "unknown authentication mechanism 'RABBIT-CR-DEMO'"),
    ],
)
def test_what_was_not_offered_is_refused(mechanism: str, told: str) -> None:
    with pytest.raises(MechanismError) as caught:
        login(mechanism, b"\0guest\0guest", None)
    assert str(caught.value) == told


@given(mechanism=st.sampled_from(["PLAIN", "AMQPLAIN"]), response=st.binary(max_size=64))
def test_any_response_is_read_or_malformed(mechanism: str, response: bytes) -> None:
    with contextlib.suppress(MalformedCredentialsError):
        assert login(mechanism, response, None).password is not None


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("PLAIN", b"\0guest\0s3cr3t\0"),
        ("AMQPLAIN", amqplain({"LOGIN": Field("I", 5), "PASSWORD": longstr("s3cr3t")})),
        ("AMQPLAIN", amqplain({"PASSWORD": longstr("s3cr3t")})),
        ("AMQPLAIN", amqplain({"PASSWORD": longstr("s3cr3t")}) + b"\0"),
    ],
)
def test_what_is_malformed_is_not_repeated_as_it_holds_a_password(
    mechanism: str, response: bytes
) -> None:
    with pytest.raises(MalformedCredentialsError) as caught:
        login(mechanism, response, None)
    assert "s3cr3t" not in str(caught.value)
