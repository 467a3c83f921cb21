"""Topic patterns: kernel and twin find the same destinations (ADR 3, ADR 13)."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchanges import topic_trie
from tests.support.routing import found_in, queue
from tests.support.twins import needs_kernels, twin_of

pytestmark = needs_kernels

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
