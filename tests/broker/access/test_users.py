"""Logging in, entering a vhost, and the three rights on a name."""

import pytest

from amqp_server.broker.access.passwords import MD5, hash_password
from amqp_server.broker.access.rights import Permission, ResourceKind, User, new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.errors import (
    AccessRefusedError,
    LoginRefusedError,
    NotFoundError,
    PreconditionFailedError,
)

SALT = b"salt"


def salt(size_bytes: int) -> bytes:
    return SALT[:size_bytes]


@pytest.fixture
def users() -> Users:
    users = Users()
    users.put(new_user("guest", "guest", salt, ["administrator"]))
    users.put(new_user("u", "secret", salt))
    return users


# ── logging in ──


def test_the_right_password_logs_in(users: Users) -> None:
    user = users.authenticate("guest", "guest")
    assert user.tags == ("administrator",)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("u", "wrong"),
        ("u", ""),
        ("nobody", "secret"),
        ("nobody", "nobody"),
        ("", ""),
        ("U", "secret"),
    ],
)
def test_anything_else_does_not(users: Users, username: str, password: str) -> None:
    with pytest.raises(LoginRefusedError, match=f"user '{username}' - invalid credentials"):
        users.authenticate(username, password)


@pytest.mark.parametrize("password", ["", "x", "nobody"])
def test_a_user_without_a_hash_cannot_log_in_by_password(users: Users, password: str) -> None:
    users.put(new_user("u", "", salt))
    with pytest.raises(LoginRefusedError):
        users.authenticate("u", password)


@pytest.mark.parametrize("username", ["u", "nobody", "certificate-only"])
def test_as_much_is_hashed_whether_or_not_the_user_exists(
    users: Users, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.put(new_user("certificate-only", "", salt))
    verified: list[int] = []

    def counting(password: str, stored_hash: str, algorithm: str) -> bool:
        verified.append(len(stored_hash))
        return False

    monkeypatch.setattr("amqp_server.broker.access.users.verify", counting)
    with pytest.raises(LoginRefusedError):
        users.authenticate(username, "x")
    assert verified == [len(hash_password("x", SALT))]


def test_an_imported_md5_hash_still_logs_in(users: Users) -> None:
    users.put(User("old", hash_password("p", SALT, MD5), MD5))
    assert users.authenticate("old", "p").name == "old"


def test_a_certificate_logs_in_only_whom_we_know(users: Users) -> None:
    assert users.authenticate_by_certificate("u").name == "u"
    with pytest.raises(LoginRefusedError):
        users.authenticate_by_certificate("CN=stranger")


def test_guest_is_only_for_this_host(users: Users) -> None:
    guest, other = users.authenticate("guest", "guest"), users.authenticate("u", "secret")
    users.check_loopback(guest, is_loopback=True)
    users.check_loopback(other, is_loopback=False)
    with pytest.raises(LoginRefusedError, match=r"^user 'guest' can only connect via localhost$"):
        users.check_loopback(guest, is_loopback=False)


def test_loopback_users_can_be_nobody() -> None:
    users = Users(loopback_users=())
    users.put(new_user("guest", "guest", salt))
    users.check_loopback(users.authenticate("guest", "guest"), is_loopback=False)


def test_a_vhost_is_entered_by_whoever_has_permissions_there_even_empty_ones(users: Users) -> None:
    assert not users.may_enter_vhost("u", "/")
    users.set_permissions("u", "/", "", "", "")
    assert users.may_enter_vhost("u", "/")
    assert not users.may_enter_vhost("u", "other")
    assert not users.may_enter_vhost("nobody", "/")


# ── permissions ──


@pytest.mark.parametrize(
    ("permission", "kind", "name", "text"),
    [
        (Permission.CONFIGURE, "queue", "q", "configure access to queue 'q'"),
        (Permission.WRITE, "exchange", "", "write access to exchange 'amq.default'"),
        (Permission.READ, "exchange", "x", "read access to exchange 'x'"),
    ],
)
def test_a_refusal_names_the_right_and_the_resource(
    users: Users, permission: Permission, kind: ResourceKind, name: str, text: str
) -> None:
    users.set_permissions("u", "/", "^mine", "^mine", "^mine")
    with pytest.raises(AccessRefusedError) as caught:
        users.require("u", "/", permission, kind, name)
    assert str(caught.value) == f"{text} in vhost '/' refused for user 'u'"


def test_the_pattern_is_searched_not_matched_whole(users: Users) -> None:
    users.set_permissions("u", "/", "b", "^a", "")
    users.require("u", "/", Permission.CONFIGURE, "queue", "abc")
    users.require("u", "/", Permission.WRITE, "queue", "abc")
    assert not users.allows("u", "/", Permission.READ, "abc")


def test_an_empty_pattern_grants_nothing_not_even_the_default_exchange(users: Users) -> None:
    users.set_permissions("u", "/", "", "", "")
    assert not any(users.allows("u", "/", permission, "") for permission in Permission)


def test_the_default_exchange_goes_by_its_other_name(users: Users) -> None:
    users.set_permissions("u", "/", "", "^amq\\.default$", "")
    users.require("u", "/", Permission.WRITE, "exchange", "")


def test_rights_in_one_vhost_are_none_in_another(users: Users) -> None:
    users.set_permissions("u", "/", ".*", ".*", ".*")
    assert not users.allows("u", "other", Permission.READ, "q")


def test_permissions_of_nobody_and_patterns_that_are_none_are_refused(users: Users) -> None:
    with pytest.raises(NotFoundError, match="no such user 'nobody'"):
        users.set_permissions("nobody", "/", ".*", ".*", ".*")
    with pytest.raises(
        PreconditionFailedError, match=r"'\(\(' is not a regular expression: missing"
    ):
        users.set_permissions("u", "/", ".*", "((", ".*")
    assert not users.may_enter_vhost("u", "/")
    with pytest.raises(PreconditionFailedError):
        users.set_topic_permissions("u", "/", "amq.topic", ".*", "((")
    with pytest.raises(NotFoundError):
        users.set_topic_permissions("nobody", "/", "amq.topic", ".*", ".*")


# ── topic permissions ──


def test_no_topic_permission_is_no_restriction(users: Users) -> None:
    users.require_topic("u", "/", Permission.WRITE, "amq.topic", "any.key")


def test_a_topic_permission_is_for_one_exchange_and_one_right(users: Users) -> None:
    users.set_topic_permissions("u", "/", "amq.topic", r"^w\.", r"^r\.")
    users.require_topic("u", "/", Permission.WRITE, "amq.topic", "w.x")
    users.require_topic("u", "/", Permission.READ, "amq.topic", "r.x")
    users.require_topic("u", "/", Permission.WRITE, "another", "x")
    with pytest.raises(AccessRefusedError) as caught:
        users.require_topic("u", "/", Permission.WRITE, "amq.topic", "r.x")
    assert str(caught.value) == (
        "write access to topic 'r.x' in exchange 'amq.topic' in vhost '/' refused for user 'u'"
    )


def test_variables_stand_for_their_exact_text(users: Users) -> None:
    users.put(new_user(".*", "p", salt))
    users.set_topic_permissions(".*", "/", "amq.topic", r"^{username}\.{vhost}\.{client_id}$", "")
    users.require_topic(".*", "/", Permission.WRITE, "amq.topic", ".*./.c+", {"client_id": "c+"})
    with pytest.raises(AccessRefusedError):
        users.require_topic(".*", "/", Permission.WRITE, "amq.topic", "u./.cc", {"client_id": "c+"})


def test_a_client_cannot_choose_its_own_username_variable(users: Users) -> None:
    users.set_topic_permissions("u", "/", "amq.topic", "^{username}$", "")
    with pytest.raises(AccessRefusedError):
        users.require_topic("u", "/", Permission.WRITE, "amq.topic", "boss", {"username": "boss"})


def test_an_empty_topic_pattern_grants_the_empty_key_only(users: Users) -> None:
    users.set_topic_permissions("u", "/", "amq.topic", "", "")
    users.require_topic("u", "/", Permission.WRITE, "amq.topic", "")
    with pytest.raises(AccessRefusedError):
        users.require_topic("u", "/", Permission.WRITE, "amq.topic", "k")


def test_topic_permissions_are_cleared_one_by_one_or_all(users: Users) -> None:
    for exchange in ("a", "b", "c"):
        users.set_topic_permissions("u", "/", exchange, "", "")
    assert users.clear_topic_permissions("u", "/", "a")
    assert not users.clear_topic_permissions("u", "/", "a")
    assert [held.exchange for held in users.topic_permissions("u")] == ["b", "c"]
    assert users.clear_topic_permissions("u", "/")
    assert users.topic_permissions() == []


# ── the book-keeping ──


def test_every_change_moves_the_generation(users: Users) -> None:
    seen = [users.generation]

    def moved() -> bool:
        seen.append(users.generation)
        return seen[-1] > seen[-2]

    users.put(new_user("x", "p", salt))
    assert moved()
    users.set_permissions("x", "/", ".*", ".*", ".*")
    assert moved()
    users.set_topic_permissions("x", "/", "t", "", "")
    assert moved()
    users.clear_topic_permissions("x", "/")
    assert moved()
    users.clear_permissions("x", "/")
    assert moved()
    users.delete("x")
    assert moved()
    assert not users.delete("x")
    assert not users.clear_permissions("x", "/")
    assert not moved()


def test_what_a_deleted_user_could_do_its_successor_cannot(users: Users) -> None:
    users.set_permissions("u", "/", ".*", ".*", ".*")
    users.set_topic_permissions("u", "/", "t", "", "")
    users.delete("u")
    users.put(new_user("u", "other", salt))
    assert not users.may_enter_vhost("u", "/")
    assert not users.allows("u", "/", Permission.READ, "q")
    assert users.topic_permissions() == []


def test_a_deleted_vhost_takes_its_permissions_along(users: Users) -> None:
    users.set_permissions("u", "/", ".*", ".*", ".*")
    users.set_permissions("u", "other", ".*", ".*", ".*")
    users.set_topic_permissions("u", "/", "t", "", "")
    users.forget_vhost("/")
    assert [held.vhost for held in users.permissions()] == ["other"]
    assert users.topic_permissions() == []


def test_users_and_permissions_are_listed_in_order(users: Users) -> None:
    assert [user.name for user in users.list()] == ["guest", "u"]
    users.set_permissions("u", "b", "", "", "")
    users.set_permissions("u", "a", "", "", "")
    users.set_permissions("guest", "a", "", "", "")
    assert [(held.user, held.vhost) for held in users.permissions()] == [
        ("guest", "a"),
        ("u", "a"),
        ("u", "b"),
    ]
    assert [held.vhost for held in users.permissions("guest")] == ["a"]


def test_replacing_a_user_keeps_its_permissions(users: Users) -> None:
    users.set_permissions("u", "/", ".*", ".*", ".*")
    users.put(new_user("u", "changed", salt))
    assert users.allows("u", "/", Permission.READ, "q")


def test_the_node_itself_may_do_everything_and_is_in_no_list(users: Users) -> None:
    before = list(users.list())
    ourselves = new_user("rmq-internal-1", "secret", bytes)
    users.admit_ourselves(ourselves)
    assert users.authenticate("rmq-internal-1", "secret") is ourselves
    with pytest.raises(LoginRefusedError):
        users.authenticate("rmq-internal-1", "guessed")
    assert users.may_enter_vhost("rmq-internal-1", "/")
    assert users.allows("rmq-internal-1", "/", Permission.WRITE, "anything")
    assert not users.allows("rmq-internal-2", "/", Permission.WRITE, "anything")
    assert not users.may_enter_vhost("rmq-internal-2", "/")
    assert list(users.list()) == before
