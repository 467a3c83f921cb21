"""Whether two addresses are of one broker."""

import pytest

from amqp_server.migrating import sameness
from amqp_server.migrating.sameness import LOOKS, are_one
from load_generator.session import Session
from load_generator.wire import LoadError
from tests.migrating.conftest import Ends


def test_one_broker_is_known_and_two_are_not(source: Ends, target: Ends) -> None:
    assert are_one(source.endpoint, source.endpoint._replace(host="localhost"))
    assert not are_one(source.endpoint, target.endpoint)
    with pytest.raises(LoadError):
        are_one(source.endpoint._replace(password="wrong"), target.endpoint)


def test_a_node_that_hears_of_a_declare_a_moment_later_is_no_other_broker(
    source: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sameness, "LOOK_S", 0.001)
    has, looks = sameness._has, list[str]()

    def has_late(session: Session, exchange: str) -> bool:
        looks.append(exchange)
        return has(session, exchange if len(looks) == LOOKS else f"{exchange}.not-yet")

    monkeypatch.setattr(sameness, "_has", has_late)
    assert are_one(source.endpoint, source.endpoint)
    assert len(looks) == LOOKS
