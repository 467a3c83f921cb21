import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.definitions.moving import (
    BYTES_AT_ONCE_MAX,
    KEYS_AT_ONCE_MAX,
    MARK,
    Moved,
    NotAlikeError,
    NotEmptyError,
    Pair,
    moving,
)
from cluster.definitions.references import References
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change
from tests.support.inquiries import Run, put, run

KEYS = KeySpace("c")
REFERENCES = References(KEYS)
VHOST = KEYS.key("vhost", "/")
PAIRS = [
    Pair(VHOST, b"v"),
    *[Pair(KEYS.queue_definition("/", f"q{number}"), b"%d" % number) for number in range(70)],
    *[Pair(KEYS.key("b", "/", "amq.topic", "q", f"q{number}", "~"), b"") for number in range(70)],
]


def held(contents: Contents) -> dict[bytes, bytes]:
    items = [each for each in contents.items() if REFERENCES.holds(each, contents.now)]
    return {each.key: each.value for each in items if each.key != KEYS.key("meta", MARK)}


def test_all_is_moved_once() -> None:
    contents = Contents()
    moved = run(contents, moving(REFERENCES, PAIRS, "n"))
    assert moved == Moved(len(PAIRS), len(PAIRS))
    assert held(contents) == dict(PAIRS)
    contents.apply((Change(PAIRS[-1].key, None),))
    again = run(contents, moving(REFERENCES, PAIRS, "n"))
    assert again == Moved(len(PAIRS), 0, was_done=True)
    assert PAIRS[-1].key not in held(contents), "what was deleted since came back"


@given(st.lists(st.integers(0, 15), max_size=6))
def test_one_that_was_killed_at_any_point_is_begun_anew(kills: list[int]) -> None:
    contents = Contents()
    for steps in kills:
        killed = Run(moving(REFERENCES, PAIRS, "n"))
        for _ in range(steps):
            if not killed.is_over:
                killed.step(contents)
    run(contents, moving(REFERENCES, PAIRS, "n"))
    assert held(contents) == dict(PAIRS)


def test_a_cluster_that_has_definitions_is_refused_unless_asked_for() -> None:
    contents = Contents()
    put(contents, KEYS.key("user", "u"), b"u")
    before = contents.revision
    with pytest.raises(NotEmptyError):
        run(contents, moving(REFERENCES, PAIRS, "n"))
    assert contents.revision == before
    run(contents, moving(REFERENCES, PAIRS, "n", into_existing=True))
    assert held(contents) == {**dict(PAIRS), KEYS.key("user", "u"): b"u"}
    with pytest.raises(NotEmptyError):
        run(contents, moving(REFERENCES, PAIRS, "another"))


@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[-1]])
def test_nothing_is_overwritten_and_nothing_is_put_where_something_differs(pair: Pair) -> None:
    contents = Contents()
    put(contents, pair.key, b"another")
    with pytest.raises(NotAlikeError) as raised:
        run(contents, moving(REFERENCES, PAIRS, "n", into_existing=True))
    assert raised.value.key == pair.key
    keys = {each.key for each in contents.items()}
    assert keys == {pair.key, KEYS.key("meta", MARK)}


def test_what_was_there_before_what_it_needs_is_seen() -> None:
    contents = Contents()
    put(contents, PAIRS[1].key, PAIRS[1].value)
    with pytest.raises(NotAlikeError):
        run(contents, moving(REFERENCES, PAIRS, "n", into_existing=True))


def test_large_values_have_transactions_of_their_own() -> None:
    contents = Contents()
    large = [Pair(KEYS.key("global-param", str(each)), bytes(200_000)) for each in range(4)]
    before = contents.revision
    run(contents, moving(REFERENCES, large, "n"))
    assert contents.revision == before + 2 + len(large)
    assert BYTES_AT_ONCE_MAX < 2 * 200_000
    assert len(PAIRS) > KEYS_AT_ONCE_MAX
