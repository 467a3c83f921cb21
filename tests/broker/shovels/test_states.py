"""The states of shovels."""

from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.broker.shovels.states import RUNNING, STARTING, ShovelState, ShovelStates

VALUE = {"src-uri": "amqp://a", "src-queue": "q", "dest-uri": "amqp://b"}


def state_of(name: str, vhost: str = "/") -> ShovelState:
    return ShovelState(read_shovel(vhost, name, VALUE), STARTING, 1)


def test_states_come_in_order_and_without_credentials() -> None:
    states = ShovelStates()
    for name in ("b", "a"):
        states.begin(state_of(name))
    states.begin(state_of("c", "v"))
    first = states.get("/", "a")
    assert first is not None
    states.update(first._replace(state=RUNNING, source_uri="amqp://u:p@a"))
    assert [(held.shovel.name, held.state) for held in states.all()] == [
        ("a", RUNNING),
        ("b", STARTING),
        ("c", STARTING),
    ]
    assert [held.source_uri for held in states.all("/")] == ["amqp://a", ""]


def test_a_shovel_that_is_gone_or_replaced_says_nothing_any_more() -> None:
    states = ShovelStates()
    old = state_of("s")
    states.begin(old)
    states.drop("/", "s")
    states.update(old)
    assert list(states.all()) == []
    states.begin(state_of("s"))
    states.update(old._replace(state=RUNNING))
    assert [held.state for held in states.all()] == [STARTING]


def test_nothing_is_restarted_where_nothing_runs() -> None:
    assert ShovelStates().restart("/", "s") is False
