import pytest

from cluster.definitions.inquiry import ContendedError
from cluster.definitions.references import References
from cluster.definitions.removing import (
    InUse,
    NothingThere,
    Removed,
    deleting_ended,
    removing,
    removing_unused,
    unbinding,
)
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change, Delete, Item
from tests.support.inquiries import Run, put, run

KEYS = KeySpace("c")
REFERENCES = References(KEYS)
VHOST = KEYS.key("vhost", "/")
QUEUE = KEYS.queue_definition("/", "q")
OTHER = KEYS.queue_definition("/", "other")
STATE = KEYS.queue_state("/", "q")
EXCHANGE = KEYS.key("x", "/", "x")
USERS = REFERENCES.bindings_from("/", "x")


def binding(to: str, key: str = "") -> bytes:
    return KEYS.key("b", "/", "x", "q", to, key + "~")


def begun(*keys: bytes) -> Contents:
    contents = Contents()
    for key in (VHOST, EXCHANGE, QUEUE, OTHER, *keys):
        put(contents, key)
    return contents


def delete(contents: Contents, key: bytes) -> None:
    contents.apply((Change(key, None),))


def held(contents: Contents) -> set[bytes]:
    return {each.key for each in contents.items() if REFERENCES.holds(each, contents.now)}


def test_all_bindings_of_a_queue_end_with_it_however_many() -> None:
    many = [binding("q", str(number)) for number in range(1_000)]
    contents = begun(STATE, *many, binding("other"))
    item = contents.now(QUEUE)
    assert item is not None
    removal = run(contents, removing(REFERENCES, QUEUE, along=lambda _: (Delete(STATE),)))
    assert removal == Removed(item, contents.revision)
    assert held(contents) == {VHOST, EXCHANGE, OTHER, binding("other")}
    put(contents, QUEUE)
    assert held(contents) == {VHOST, EXCHANGE, OTHER, binding("other"), QUEUE}
    ended = [each for each in contents.items() if not REFERENCES.holds(each, contents.now)]
    before = contents.revision
    run(contents, deleting_ended(ended))
    assert contents.revision == before + 16
    assert {each.key for each in contents.items()} == held(contents)


def test_what_is_not_there_is_nothing_to_remove() -> None:
    contents = begun()
    assert run(contents, removing(REFERENCES, STATE)) == NothingThere()
    put(contents, binding("q"))
    delete(contents, QUEUE)
    assert run(contents, removing(REFERENCES, binding("q"))) == NothingThere()


def test_what_was_changed_meanwhile_is_removed_as_it_is_then() -> None:
    contents = begun()
    inquiry = Run(removing(REFERENCES, QUEUE))
    inquiry.step(contents)
    put(contents, QUEUE, b"paused")
    while not inquiry.is_over:
        inquiry.step(contents)
    assert isinstance(inquiry.result, Removed)
    assert inquiry.result.item.value == b"paused"


def test_an_exchange_in_use_stays_and_one_that_only_ended_bindings_use_goes() -> None:
    contents = begun(binding("q"), binding("other"))
    used = run(contents, removing_unused(REFERENCES, EXCHANGE, USERS))
    assert used == InUse(contents.now(binding("other")))  # type: ignore[arg-type]
    delete(contents, QUEUE)
    delete(contents, OTHER)
    removal = run(contents, removing_unused(REFERENCES, EXCHANGE, USERS))
    assert isinstance(removal, Removed)
    assert {each.key for each in contents.items()} == {VHOST}
    assert run(contents, removing_unused(REFERENCES, EXCHANGE, USERS)) == NothingThere()


@pytest.mark.parametrize("at", range(4))
def test_a_binding_made_meanwhile_keeps_the_exchange(at: int) -> None:
    contents = begun(binding("q"))
    delete(contents, QUEUE)
    inquiry = Run(removing_unused(REFERENCES, EXCHANGE, USERS))
    for _ in range(at):
        inquiry.step(contents)
    put(contents, binding("other"))
    while not inquiry.is_over:
        inquiry.step(contents)
    assert isinstance(inquiry.result, InUse)


def goes(_exchange: Item) -> bool:
    return True


def stays(_exchange: Item) -> bool:
    return False


def test_an_exchange_goes_with_its_last_binding_at_the_same_moment() -> None:
    contents = begun(binding("q", "1"), binding("q", "2"), binding("other", "1"))
    delete(contents, OTHER)
    first = run(contents, unbinding(REFERENCES, binding("q", "1"), goes))
    assert isinstance(first, Removed)
    assert first.others == ()
    last = run(contents, unbinding(REFERENCES, binding("q", "2"), goes))
    assert isinstance(last, Removed)
    assert last.others == (EXCHANGE,)
    assert {each.key for each in contents.items()} == {VHOST, QUEUE}
    assert run(contents, unbinding(REFERENCES, binding("q", "2"), goes)) == NothingThere()


def test_another_exchange_stays_with_its_last_binding() -> None:
    contents = begun(binding("q"))
    run(contents, unbinding(REFERENCES, binding("q"), stays))
    assert contents.now(EXCHANGE) is not None
    predeclared = KEYS.key("b", "/", "amq.fanout", "q", "q", "~")
    put(contents, predeclared)
    assert isinstance(run(contents, unbinding(REFERENCES, predeclared, goes)), Removed)


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("change", ["bind", "unbind the other"])
def test_whether_it_is_the_last_is_decided_in_one_moment(at: int, change: str) -> None:
    contents = begun(binding("q"), *([binding("other")] if change != "bind" else []))
    inquiry = Run(unbinding(REFERENCES, binding("q"), goes))
    for _ in range(at):
        if not inquiry.is_over:
            inquiry.step(contents)
    was_over = inquiry.is_over
    if change == "bind" and contents.now(EXCHANGE) is not None:
        put(contents, binding("other"))
    elif change != "bind":
        run(contents, unbinding(REFERENCES, binding("other"), goes))
    while not inquiry.is_over:
        inquiry.step(contents)
    assert isinstance(inquiry.result, Removed)
    bindings = [each for each in contents.items() if each.key.startswith(USERS)]
    assert (contents.now(EXCHANGE) is None) is (not bindings)
    assert bool(bindings) is (change == "bind" and not (was_over and inquiry.result.others))


def test_a_swept_binding_takes_its_exchange_along() -> None:
    contents = begun(binding("q"))
    holding = unbinding(REFERENCES, binding("q"), goes, is_ended=True)
    assert run(contents, holding) == NothingThere()
    delete(contents, QUEUE)
    swept = run(contents, unbinding(REFERENCES, binding("q"), goes, is_ended=True))
    assert isinstance(swept, Removed)
    assert swept.others == (EXCHANGE,)


def test_one_that_is_always_slower_gives_up() -> None:
    contents = begun()
    inquiry = Run(removing(REFERENCES, QUEUE))
    while not inquiry.is_over:
        inquiry.step(contents)
        put(contents, QUEUE)
    assert isinstance(inquiry.error, ContendedError)
