"""What the upstream has to bind and unbind, and with which arguments."""

from amqp_server.broker.binding_arguments import made_binding
from amqp_server.federation.mirrored import MirroredBindings, Place
from amqp_server.wire.tables import Field, Table, longstr
from exchanges.bindings import Binding, Destination, DestinationKind
from tests.support.routing import declared, router_with

PLACE = Place("ours", "/", "x A", "theirs", "/", 2)


def bound(key: str, queue: str = "q", table: Table | None = None) -> Binding:
    return made_binding("x", Destination(DestinationKind.QUEUE, queue), key, table or {})


def changes(bindings: MirroredBindings) -> list[tuple[bool, str]]:
    return [(is_wanted, key) for is_wanted, key, _ in bindings.changes(PLACE, 100)]


def test_bindings_to_two_queues_are_one_there() -> None:
    bindings = MirroredBindings()
    for queue in ("q", "r"):
        bindings.add(bound("k", queue))
    assert changes(bindings) == [(True, "k")]
    bindings.remove(bound("k", "q"))
    assert changes(bindings) == []
    bindings.remove(bound("k", "r"))
    assert changes(bindings) == [(False, "k")]
    bindings.remove(bound("k", "r"))
    assert not bindings.is_changed


def test_what_comes_and_goes_before_it_was_told_is_nothing() -> None:
    bindings = MirroredBindings()
    for _ in range(1000):
        bindings.add(bound("k"))
        bindings.remove(bound("k"))
    assert changes(bindings) == []


def test_a_new_connection_gets_all() -> None:
    bindings = MirroredBindings()
    bindings.add(bound("k"))
    assert changes(bindings) == [(True, "k")]
    bindings.remove(bound("k"))
    bindings.begin_again()
    bindings.add(bound("other"))
    assert changes(bindings) == [(True, "other")]


def test_so_many_are_looked_at_at_most() -> None:
    bindings = MirroredBindings()
    for number in range(10):
        bindings.add(bound(str(number)))
    assert len(bindings.changes(PLACE, 4)) == 4
    assert len(bindings.changes(PLACE, 100)) == 6


def test_the_arguments_say_whose_binding_it_is() -> None:
    bindings = MirroredBindings()
    bindings.add(bound("k", table={"z": Field("I", 5)}))
    ((_, _, arguments),) = bindings.changes(PLACE, 1)
    note = {
        "cluster-name": longstr("ours"),
        "vhost": longstr("/"),
        "exchange": longstr("/:x A"),
        "hops": Field("s", 2),
    }
    assert arguments == {"z": Field("I", 5), "x-bound-from": Field("A", [Field("F", note)])}


def from_downstream(cluster: str, hops: int) -> Binding:
    told = {"cluster-name": longstr(cluster), "vhost": longstr("/"), "hops": Field("s", hops)}
    return bound("k", table={"x-bound-from": Field("A", [Field("F", told)])})


def test_a_binding_goes_on_as_often_as_it_may() -> None:
    for binding, hops in (
        (from_downstream("other", 3), 2),
        (from_downstream("other", 2), 1),
        (from_downstream("other", 1), None),
        (from_downstream("theirs", 5), None),
    ):
        bindings = MirroredBindings()
        bindings.add(binding)
        found = bindings.changes(PLACE, 1)
        if hops is None:
            assert found == []
            continue
        notes = found[0][2]["x-bound-from"].value
        assert isinstance(notes, list)
        assert isinstance(notes[0].value, dict)
        assert (len(notes), notes[0].value["hops"]) == (2, Field("s", hops))


def test_bindings_are_learned_in_pieces_and_one_that_goes_meanwhile_is_none() -> None:
    router = router_with(declared("x", "direct"))
    for number in range(1000):
        router.bind(bound(str(number)))
    bindings = MirroredBindings()
    steps = bindings.learning(router, "x")
    next(steps)
    router.unbind("x", bound("999").destination, "999", bound("999").arguments_key)
    assert sum(1 for _ in steps) == 2
    assert len(bindings.changes(PLACE, 2000)) == 999
