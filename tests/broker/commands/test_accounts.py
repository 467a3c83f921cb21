"""Commands on users and their rights; texts and behaviour of RabbitMQ 3.10's HTTP API."""

import pytest

from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from tests.support.desk import Desk

HERE = {"address": "127.0.0.1", "is_loopback": True}


def test_a_user_comes_changes_and_goes() -> None:
    desk = Desk()
    users = desk.node.broker.users
    assert desk.do("put_user", name="ann", account={"password": "one", "tags": "a, b"}) is True
    desk.do("set_user_limit", name="ann", limit="max-connections", value=3)
    desk.do("set_permissions", user="ann", vhost="/", configure="", write=".*", read="")
    assert desk.do("put_user", name="ann", account={"password": "two", "tags": ["c"]}) is False
    ann = users.get("ann")
    assert ann is not None
    assert (ann.tags, ann.limits) == (("c",), {"max-connections": 3})
    assert users.may_enter_vhost("ann", "/")
    assert desk.do("log_in", username="ann", password="two", **HERE).user == ann
    hashed = {"password_hash": ann.password_hash, "tags": []}
    desk.do("put_user", name="bob", account=hashed)
    assert desk.do("log_in", username="bob", password="two", **HERE).user is not None
    desk.do("put_user", name="bob", account={"tags": []})
    assert desk.do("log_in", username="bob", password="", **HERE).user is None
    assert desk.do("delete_user", name="ann") is True
    assert desk.do("delete_user", name="ann") is False
    with pytest.raises(DefinitionsError):
        desk.do("put_user", name="ann", account={"password_hash": "no base64"})


def test_a_refused_login_waits_as_in_amqp() -> None:
    desk = Desk()
    wrong = {"username": "guest", "password": "wrong", "address": "10.0.0.1", "is_loopback": True}
    waits = [desk.do("log_in", **wrong).delay_ms for _ in range(5)]
    assert waits == [0, 0, 0, 250, 500]
    desk.do("refusal_told", address="10.0.0.1")
    desk.do("refusal_told", address="10.0.0.1")
    right = {**wrong, "password": "guest"}
    assert desk.do("log_in", **right).user is not None
    assert desk.do("log_in", **{**right, "is_loopback": False}).user is None


def test_limits_of_a_user_are_set_one_by_one_and_hold_at_once() -> None:
    desk = Desk()
    client = desk.node.open()
    limits = {"name": "guest", "limit": "max-channels"}
    desk.do("set_user_limit", **limits, value=1)
    desk.do("set_user_limit", name="guest", limit="max-connections", value=-1)
    client.send_bytes(b"\1\0\2\0\0\0\5\0\x14\0\x0a\0\xce")
    close = client.closed()
    assert close.code == 530
    assert close.text == (
        "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum"
        " allowed user limit of (1)"
    )
    assert desk.do("clear_user_limit", **limits) is True
    assert desk.do("clear_user_limit", **limits) is False
    assert desk.node.open().works()
    with pytest.raises(NotFoundError):
        desk.do("set_user_limit", name="nobody", limit="max-channels", value=1)
    for limit, value, text in (
        ("max-queues", 10, 'Unrecognised terms [{<<"max-queues">>,10}] in user-limits'),
        ("max-channels", "10", 'max-channels should be a number, actually was <<"10">>'),
        ("max-channels", True, "max-channels should be a number, actually was true"),
    ):
        with pytest.raises(PreconditionFailedError) as caught:
            desk.do("set_user_limit", name="guest", limit=limit, value=value)
        assert str(caught.value) == text


def test_rights_are_given_and_taken() -> None:
    desk = Desk()
    given = {"user": "guest", "vhost": "/", "configure": "", "write": "a", "read": ""}
    assert desk.do("set_permissions", **given) is False
    assert desk.do("clear_permissions", user="guest", vhost="/") is True
    assert desk.do("clear_permissions", user="guest", vhost="/") is False
    assert desk.do("set_permissions", **given) is True
    for wrong in ({"user": "nobody"}, {"vhost": "none"}):
        with pytest.raises(NotFoundError):
            desk.do("set_permissions", **{**given, **wrong})
    with pytest.raises(PreconditionFailedError):
        desk.do("set_permissions", **{**given, "read": "("})


def test_topic_permissions_are_given_and_taken() -> None:
    desk = Desk()
    given = {"user": "guest", "vhost": "/", "exchange": "amq.topic", "write": "^a", "read": "^b"}
    assert desk.do("set_topic_permissions", **given) is True
    assert desk.do("set_topic_permissions", **given) is False
    assert desk.do("set_topic_permissions", **{**given, "exchange": "other"}) is True
    cleared = {"user": "guest", "vhost": "/"}
    assert desk.do("clear_topic_permissions", **cleared, exchange="amq.topic") is True
    assert desk.do("clear_topic_permissions", **cleared, exchange="amq.topic") is False
    assert desk.do("clear_topic_permissions", **cleared, exchange=None) is True
    for wrong in ({"user": "nobody"}, {"vhost": "none"}):
        with pytest.raises(NotFoundError):
            desk.do("set_topic_permissions", **{**given, **wrong})
