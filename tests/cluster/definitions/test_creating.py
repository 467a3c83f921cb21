import pytest

from cluster.definitions.creating import Created, Exists, Missing, Rejected, creating
from cluster.definitions.inquiry import ATTEMPTS_MAX, ContendedError, Found
from cluster.definitions.references import References
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change, Item, Put
from tests.support.inquiries import Run, put, run

KEYS = KeySpace("c")
REFERENCES = References(KEYS)
VHOST = KEYS.key("vhost", "/")
QUEUE = KEYS.queue_definition("/", "q")
STATE = KEYS.queue_state("/", "q")


def nothing(_key: bytes) -> Item | None:
    return None


def delete(contents: Contents, key: bytes) -> None:
    contents.apply((Change(key, None),))


def test_a_copy_that_is_up_to_date_takes_one_question() -> None:
    contents = Contents()
    put(contents, VHOST)
    inquiry = Run(creating(REFERENCES, Put(QUEUE, b"1"), contents.now, along=(Put(STATE, b"s"),)))
    inquiry.step(contents)
    assert inquiry.result == Created(contents.revision)
    held = [contents.now(key) for key in (QUEUE, STATE)]
    assert [item and item.value for item in held] == [b"1", b"s"]


def test_of_two_nodes_one_creates_and_the_other_is_told_what() -> None:
    contents = Contents()
    put(contents, VHOST)
    runs = [Run(creating(REFERENCES, Put(QUEUE, value), contents.now)) for value in (b"1", b"2")]
    for each in runs:
        each.step(contents)
    item = contents.now(QUEUE)
    assert item is not None
    assert [each.result for each in runs] == [Created(item.create_revision), Exists(item)]
    assert item.value == b"1"


def test_what_is_needed_decides_as_the_store_has_it() -> None:
    contents = Contents()
    put(contents, VHOST)
    put(contents, QUEUE)
    binding = Put(KEYS.key("b", "/", "amq.direct", "q", "q", "~"), b"")
    old = {key: contents.now(key) for key in (VHOST, QUEUE)}
    delete(contents, QUEUE)
    assert run(contents, creating(REFERENCES, binding, old.get)) == Missing(QUEUE)
    put(contents, QUEUE)
    assert isinstance(run(contents, creating(REFERENCES, binding, old.get)), Created)
    delete(contents, VHOST)
    assert run(contents, creating(REFERENCES, binding, old.get)) == Missing(VHOST)
    assert run(contents, creating(REFERENCES, binding, nothing)) == Missing(VHOST)


def test_what_ended_is_swept_and_created_anew() -> None:
    contents = Contents()
    put(contents, VHOST)
    put(contents, QUEUE)
    key = KEYS.key("b", "/", "amq.direct", "q", "q", "~")
    put(contents, key, b"old")
    delete(contents, QUEUE)
    put(contents, QUEUE)
    created = run(contents, creating(REFERENCES, Put(key, b"new"), nothing))
    item = contents.now(key)
    assert item is not None
    assert created == Created(item.create_revision)
    assert REFERENCES.holds(item, contents.now)


def test_a_rejection_is_of_what_the_store_has() -> None:
    contents = Contents()
    put(contents, VHOST, b"old")
    old = contents.now(VHOST)
    wrong = ValueError("the vhost is old")

    def check(found: Found) -> Exception | None:
        item = found[VHOST]
        return wrong if item is not None and item.value == b"old" else None

    copy = {VHOST: old}.get
    assert run(contents, creating(REFERENCES, Put(QUEUE, b""), copy, check=check)) == Rejected(
        wrong
    )
    put(contents, VHOST, b"new")
    created = run(contents, creating(REFERENCES, Put(QUEUE, b""), copy, check=check))
    assert isinstance(created, Created)


def test_one_that_is_always_slower_gives_up() -> None:
    contents = Contents()
    put(contents, VHOST)
    inquiry = Run(creating(REFERENCES, Put(QUEUE, b""), contents.now))
    while not inquiry.is_over:
        delete(contents, VHOST)
        put(contents, VHOST)
        inquiry.step(contents)
    assert isinstance(inquiry.error, ContendedError)
    assert inquiry.asked_count == ATTEMPTS_MAX
    with pytest.raises(ContendedError, match="all the time"):
        raise inquiry.error
