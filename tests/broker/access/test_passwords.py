"""Stored hashes: RabbitMQ's layout, and what never matches."""

import base64

import pytest

from amqp_server.broker.access.passwords import MD5, SHA256, SHA512, hash_password, verify

SALT = bytes.fromhex("908DC60A")
DOCUMENTED = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_the_vector_of_rabbitmqs_documentation_is_met() -> None:
    assert hash_password("test12", SALT, SHA256) == DOCUMENTED


@pytest.mark.parametrize(("algorithm", "octets"), [(SHA256, 36), (SHA512, 68), (MD5, 20)])
def test_every_algorithm_verifies_what_it_hashed(algorithm: str, octets: int) -> None:
    stored = hash_password("pässword", SALT, algorithm)
    assert len(base64.b64decode(stored)) == octets
    assert verify("pässword", stored, algorithm)
    assert not verify("password", stored, algorithm)


@pytest.mark.parametrize("stored", ["", "!!", "a", base64.b64encode(SALT).decode(), "\udc80"])
def test_a_hash_that_cannot_be_read_is_matched_by_nothing(stored: str) -> None:
    assert not verify("x", stored, SHA256)
    assert not verify("", stored, SHA256)


def test_an_empty_password_matches_not_even_its_own_hash() -> None:
    assert not verify("", hash_password("", SALT), SHA256)


def test_an_unknown_algorithm_matches_nothing_and_hashes_nothing() -> None:
    assert not verify("test12", DOCUMENTED, "rot13")
    with pytest.raises(ValueError, match="rot13"):
        hash_password("a", SALT, "rot13")


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="4 octets"):
        hash_password("a", b"123")


def test_octets_that_are_not_text_can_still_be_a_password() -> None:
    password = b"\xff\xfe".decode("utf-8", "surrogateescape")
    assert verify(password, hash_password(password, SALT), SHA256)
