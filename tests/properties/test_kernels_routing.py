"""Topic patterns and hashes: kernel and twin find the same destinations (ADR 3, ADR 13)."""

from array import array
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchanges import hashing, topic_trie
from tests.support.routing import found_in, queue
from tests.support.twins import needs_kernels, twin_of

pytestmark = needs_kernels

twin_hashing = twin_of("exchanges.hashing")
twin_topic_trie = twin_of("exchanges.topic_trie")

# Words that are long, wide, wildcards in part, or not text at all, beside those that keys share.
WORDS = st.sampled_from(
    ["a", "a", "a", "b", "", "*", "#", "**", "#a", "a" * 30, "é", "\U0001f407", "\udcff"]
)
PATTERN_WORDS = WORDS | st.sampled_from(["*", "#", "#"])
PATTERNS = st.lists(st.lists(PATTERN_WORDS, max_size=9).map(".".join), max_size=30)
LENGTHS = st.sampled_from([63, 64, 65, 127, 128, 129, 191, 192, 255, 256, 257, 400])


@st.composite
def keys(draw: st.DrawFn) -> str:
    """Return a routing key; some are as long as a row of the kernel's bits, or longer."""
    words = draw(st.lists(WORDS, max_size=9))
    count = draw(st.just(len(words)) | LENGTHS)
    return ".".join((words * count)[:count])


@example(patterns=[".".join("#a" * 60), "#.*.#"], routing_key=".".join("a" * 128))
@example(patterns=[".".join("*" * 64), ".".join("*" * 63)], routing_key=".".join("b" * 64))
@example(patterns=["#", "*.#", "#.b"], routing_key=".".join(["a"] * 255 + ["b"]))
@given(patterns=PATTERNS, routing_key=keys())
def test_a_key_leads_to_the_same_destinations(patterns: Sequence[str], routing_key: str) -> None:
    ours, theirs = topic_trie.TopicTrie(), twin_topic_trie.TopicTrie()
    for number, pattern in enumerate(patterns):
        ours.add(pattern, queue(f"q{number % 3}"))
        theirs.add(pattern, queue(f"q{number % 3}"))
    ours.check_invariants()
    assert Counter(found_in(ours, routing_key)) == Counter(found_in(theirs, routing_key))


@pytest.mark.parametrize("key_word_count", [1, 64, 128, 256])
def test_many_children_are_found_by_the_words_of_the_key(key_word_count: int) -> None:
    ours, theirs = topic_trie.TopicTrie(), twin_topic_trie.TopicTrie()
    for trie in (ours, theirs):
        for number in range(1000):
            trie.add(f"#.{number}.#", queue(f"q{number}"))
            trie.add(f"{number}.*.#", queue(f"p{number}"))
    routing_key = ".".join(str(number % 200) for number in range(key_word_count))
    matched = found_in(ours, routing_key)
    assert Counter(matched) == Counter(found_in(theirs, routing_key))
    assert len(matched) == min(key_word_count, 200) + (key_word_count > 1)


def test_a_trie_that_was_filled_and_emptied_is_as_new() -> None:
    trie = topic_trie.TopicTrie()
    for number in range(2000):
        trie.add(f"a.{number}.#.*", queue("q"))
    for number in range(2000):
        trie.remove(f"a.{number}.#.*", queue("q"))
    trie.check_invariants()
    assert found_in(trie, "a.7.b") == []


@given(octets=st.binary(max_size=80), seed=st.integers(0, 2**32 - 1))
def test_octets_have_the_same_hash(octets: bytes, seed: int) -> None:
    assert hashing.murmur3_32(octets, seed) == twin_hashing.murmur3_32(octets, seed)


SALTS = st.integers(0, 2**64 - 1)
WEIGHTS = st.integers(1, 10_000).map(float)


@given(
    drawn=st.lists(st.tuples(SALTS, WEIGHTS), min_size=1, max_size=40),
    key_hash=st.integers(0, 2**32 - 1),
    is_weighted=st.booleans(),
    data=st.data(),
)
def test_a_key_has_the_same_winner(
    drawn: list[tuple[int, float]], key_hash: int, is_weighted: bool, data: st.DataObject
) -> None:
    salts = array("Q", [salt for salt, _ in drawn])
    weights = array("d", [weight for _, weight in drawn]) if is_weighted else None
    start = data.draw(st.integers(0, len(drawn) - 1))
    stop = data.draw(st.integers(start + 1, len(drawn)))
    found = hashing.winner(salts, weights, key_hash, start, stop)
    assert found == twin_hashing.winner(salts, weights, key_hash, start, stop)
    assert start <= found < stop
    for salt, weight in drawn:
        assert hashing.wait(salt, weight, key_hash) == twin_hashing.wait(salt, weight, key_hash)
