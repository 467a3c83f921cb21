"""Accounts and rights as values: a new account, and whose name a message may bear."""

import pytest

from amqp_server.broker.access.passwords import DEFAULT_ALGORITHM, verify
from amqp_server.broker.access.rights import User, check_user_id, new_user
from amqp_server.broker.errors import PreconditionFailedError


def test_a_new_account_holds_a_salted_hash_of_its_password() -> None:
    user = new_user("u", "secret", lambda size_bytes: b"salt"[:size_bytes], ["monitoring"])
    assert user.tags == ("monitoring",)
    assert verify("secret", user.password_hash, DEFAULT_ALGORITHM)
    assert not verify("other", user.password_hash, DEFAULT_ALGORITHM)


def test_without_a_password_there_is_no_hash() -> None:
    assert new_user("u", "", bytes).password_hash == ""


def test_a_user_id_is_ones_own_unless_one_may_impersonate() -> None:
    check_user_id(User("u", ""), "u")
    check_user_id(User("u", "", tags=("impersonator",)), "boss")
    with pytest.raises(
        PreconditionFailedError,
        match=r"^user_id property set to 'boss' but authenticated user was 'u'$",
    ):
        check_user_id(User("u", ""), "boss")
