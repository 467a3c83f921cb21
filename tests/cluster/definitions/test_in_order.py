"""What a client asks for in a row is answered, and done, as if it were asked one by one."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.definitions.creating import Copy, Created, Exists, Missing, creating
from cluster.definitions.in_order import Make, in_order
from cluster.definitions.inquiry import Inquiry
from cluster.definitions.joining import CHANGES_MAX
from cluster.definitions.references import References
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Delete, Item, Put, Transaction, end_of_prefix
from tests.support.inquiries import Run, answer_of, put, run

KEYS = KeySpace("c")
REFERENCES = References(KEYS)
VHOST = KEYS.key("vhost", "/")


class MissingError(Exception):
    """It needs what is not there."""


class UnlikeError(Exception):
    """It is there, and is another one."""


def declaring(copy: Copy, key: bytes, value: bytes) -> Inquiry[int]:
    """Create a definition, or check that the one there is equivalent."""
    creation = yield from creating(REFERENCES, Put(key, value), copy)
    match creation:
        case Created(revision=revision):
            return revision
        case Exists(item=item):
            if item.value != value:
                raise UnlikeError(key)
            return item.mod_revision
        case Missing(key=missing):
            raise MissingError(missing)
        case _:
            raise AssertionError(creation)


def queue(name: str) -> bytes:
    return KEYS.queue_definition("/", name)


def exchange(name: str) -> bytes:
    return KEYS.key("x", "/", name)


def binding(of: str, to: str) -> bytes:
    return KEYS.key("b", "/", of, "q", to, "k")


def there(contents: Contents) -> Copy:
    """Return a copy that is as fresh as can be."""
    return contents.now


def store() -> Contents:
    contents = Contents()
    put(contents, VHOST)
    return contents


def makes_of(copy: Copy, wanted: Sequence[tuple[bytes, bytes]]) -> list[Make]:
    return [partial(declaring, copy, key, value) for key, value in wanted]


def test_many_that_are_new_are_made_by_one_transaction() -> None:
    contents = store()
    asked = Run(
        in_order(makes_of(there(contents), [(queue(f"q{n}"), b"") for n in range(CHANGES_MAX)]))
    )
    asked.step(contents)
    assert asked.is_over
    assert asked.result == ([contents.revision] * CHANGES_MAX, None)


def test_many_that_are_there_are_looked_up_at_once() -> None:
    contents = store()
    wanted = [(queue(f"q{number}"), b"") for number in range(50)]
    for key, _ in wanted:
        put(contents, key)
    asked = Run(in_order(makes_of(there(contents), wanted)))
    asked.step(contents)
    assert asked.is_over
    assert asked.result is not None
    assert len(asked.result[0]) == 50


def test_nothing_is_made_behind_one_that_fails() -> None:
    contents = store()
    put(contents, queue("b"), b"other")
    stale: dict[bytes, Item] = {VHOST: contents.now(VHOST)}  # type: ignore[dict-item]
    for copy in (stale.get, there(contents)):
        wanted = [(queue("a"), b""), (queue("b"), b""), (queue("c"), b"")]
        revisions, error = run(contents, in_order(makes_of(copy, wanted)))
        assert len(revisions) == 1
        assert isinstance(error, UnlikeError)
        assert contents.now(queue("a")) is not None
        assert contents.now(queue("c")) is None


def test_a_binding_waits_for_the_queue_before_it() -> None:
    contents = store()
    wanted = [
        (exchange("x"), b""),
        (queue("a"), b""),
        (binding("x", "a"), b""),
        (binding("x", "b"), b""),
    ]
    revisions, error = run(contents, in_order(makes_of(there(contents), wanted)))
    assert (len(revisions), type(error)) == (3, MissingError)
    assert contents.now(binding("x", "a")) is not None
    assert run(contents, in_order(makes_of(there(contents), wanted[:3])))[1] is None


@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_fails_before_it_asks_is_raised_in_its_turn(at: int) -> None:
    def failing() -> Inquiry[int]:
        if at >= 0:
            raise UnlikeError
        yield Transaction()
        return 0

    contents = store()
    makes = makes_of(there(contents), [(queue("a"), b""), (queue("b"), b""), (queue("c"), b"")])
    makes[at] = failing
    revisions, error = run(contents, in_order(makes))
    assert (len(revisions), type(error)) == (at, UnlikeError)
    made = [contents.now(queue(name)) is not None for name in "abc"]
    assert made == [number < at for number in range(3)]


NAMES = st.sampled_from(["a", "b", "c"])
WANTED = st.tuples(
    st.one_of(
        st.builds(queue, NAMES),
        st.builds(exchange, NAMES),
        st.builds(binding, NAMES, NAMES),
    ),
    st.sampled_from([b"", b"", b"", b"other"]),
)
Meanwhile = Callable[[Contents], None]


@st.composite
def others(draw: st.DrawFn) -> tuple[bytes, bool]:
    return draw(WANTED)[0], draw(st.booleans())


@given(
    st.lists(WANTED, max_size=6),
    st.lists(others(), max_size=3),
    st.lists(WANTED, min_size=1, max_size=8),
)
def test_it_is_as_one_by_one(
    first: list[tuple[bytes, bytes]],
    changed: list[tuple[bytes, bool]],
    wanted: list[tuple[bytes, bytes]],
) -> None:
    """Answers, the error and what is left are the same, also where the copy is old."""
    found = []
    for together in (True, False):
        contents = store()
        for key, value in first:
            run(contents, _without_error(declaring(there(contents), key, value)))
        copy = {each.key: each for each in contents.items()}
        for key, is_put in changed:
            if is_put:
                run(contents, _without_error(declaring(there(contents), key, b"")))
            else:
                answer_of(contents, Transaction(then=(Delete(key),)))
        answered: list[object] = []
        if together:
            revisions, error = run(contents, in_order(makes_of(copy.get, wanted)))
            answered = [*[None] * len(revisions), *([repr(error)] if error else [])]
        else:
            for key, value in wanted:
                try:
                    run(contents, declaring(copy.get, key, value))
                except (UnlikeError, MissingError) as raised:
                    answered.append(repr(raised))
                    break
                answered.append(None)
        page = contents.read_range(KEYS.prefix, end_of_prefix(KEYS.prefix), 256)
        found.append((answered, [(each.key, each.value) for each in page.items]))
    assert found[0] == found[1]


def _without_error(inquiry: Inquiry[int]) -> Inquiry[int]:
    try:
        return (yield from inquiry)
    except (UnlikeError, MissingError):
        return 0
