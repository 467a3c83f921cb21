import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.metadata.keys import NAMES_COUNT, KeySpace, Place
from cluster.metadata.port import KEY_BYTES_MAX, end_of_prefix

SPACE = KeySpace("here")

octets = st.binary(max_size=24).map(lambda each: each.decode("utf-8", "surrogateescape"))
names = st.one_of(octets, st.sampled_from(["", "/", "..", "%2F", "a/b", "%", "\0", "é", "def"]))
places = st.sampled_from(sorted(NAMES_COUNT)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.tuples(*[names] * NAMES_COUNT[kind]))
)


@given(places)
def test_every_place_has_a_key_and_comes_back(place: tuple[str, tuple[str, ...]]) -> None:
    kind, its_names = place
    key = SPACE.key(kind, *its_names)
    assert SPACE.place_of(key) == Place(kind, its_names)
    assert key.isascii()


@given(places, places)
def test_no_two_places_share_a_key(
    one: tuple[str, tuple[str, ...]], other: tuple[str, tuple[str, ...]]
) -> None:
    same = SPACE.key(one[0], *one[1]) == SPACE.key(other[0], *other[1])
    assert same == (one == other)


@given(places, st.lists(names, max_size=2))
def test_a_prefix_holds_its_keys_and_no_others(
    place: tuple[str, tuple[str, ...]], first: list[str]
) -> None:
    kind, its_names = place
    if len(first) >= NAMES_COUNT["q"]:
        return
    start = SPACE.prefix_of("q", *first)
    inside = start <= SPACE.key(kind, *its_names) < end_of_prefix(start)
    assert inside == (kind == "q" and its_names[: len(first)] == tuple(first))


def test_keys_as_they_are() -> None:
    assert SPACE.key("ctl") == b"/mq/here/ctl"
    assert SPACE.key("live", "rabbit@a") == b"/mq/here/live/rabbit%40a"
    assert SPACE.queue_definition("/", "jobs") == b"/mq/here/q/%2F/jobs/def"
    assert SPACE.queue_state("/", "jobs") == b"/mq/here/q/%2F/jobs/st"
    assert KeySpace("a/b").prefix == b"/mq/a%2Fb/"


def test_the_longest_names_of_queues_fit() -> None:
    assert len(SPACE.queue_definition("\u20ac" * 85, "\u20ac" * 85)) < KEY_BYTES_MAX
    assert len(SPACE.key("b", "v" * 255, "\0" * 255, "q", "\0" * 255, "~" * 255)) < KEY_BYTES_MAX


@pytest.mark.parametrize(
    "key",
    [
        b"/mq/other/ctl",
        b"/mq/here/",
        b"/mq/here/ctl/",
        b"/mq/here/q/a/b",
        b"/mq/here/q/a/b/st/x",
        b"/mq/here/new/a",
        b"/mq/here/live/%2f",
        b"/mq/here/live/a%",
        b"/mq/here/live/\xff",
        b"/mq/here/\xff/a",
    ],
)
def test_keys_that_this_version_would_not_write(key: bytes) -> None:
    assert SPACE.place_of(key) is None


@pytest.mark.parametrize("place", [("none", "a"), ("ctl", "a"), ("q", "a", "b")])
def test_no_such_place(place: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="kind"):
        SPACE.key(*place)


@pytest.mark.parametrize("place", [("none",), ("ctl",), ("live", "a")])
def test_no_such_prefix(place: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="kind"):
        SPACE.prefix_of(*place)
