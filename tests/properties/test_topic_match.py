"""The topic trie against the definition of a topic pattern, through adds and removals."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exchanges.bindings import Destination
from exchanges.topic_trie import TopicTrie, split_words
from tests.support.routing import found_in, queue

# Few words, so that patterns share paths and keys hit them; with the empty word and wildcards.
WORDS = st.sampled_from(["a", "b", "", "*", "#"])
KEYS = st.lists(WORDS, max_size=6).map(".".join)
PATTERNS = st.lists(st.sampled_from(["a", "b", "", "*", "#", "#"]), max_size=6).map(".".join)
DESTINATIONS = st.sampled_from([queue("q"), queue("r"), queue("s")])


def is_match(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Say what the specification says, the slow way."""
    if not pattern:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(is_match(rest, words[count:]) for count in range(len(words) + 1))
    return bool(words) and first in {"*", words[0]} and is_match(rest, words[1:])


class TrieMachine(RuleBasedStateMachine):
    """Bindings come and go in any order; every key must find exactly those that match."""

    def __init__(self) -> None:
        super().__init__()
        self.trie = TopicTrie()
        self.bound: Counter[tuple[str, Destination]] = Counter()

    @rule(pattern=PATTERNS, destination=DESTINATIONS)
    def add(self, pattern: str, destination: Destination) -> None:
        self.trie.add(pattern, destination)
        self.bound[pattern, destination] += 1

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.bound:
            pattern, destination = data.draw(st.sampled_from(sorted(self.bound, key=repr)))
            self.trie.remove(pattern, destination)
            self.bound[pattern, destination] -= 1
            self.bound += Counter()

    @rule(routing_key=KEYS)
    def match(self, routing_key: str) -> None:
        words = split_words(routing_key)
        expected = [to for pattern, to in self.bound if is_match(split_words(pattern), words)]
        assert Counter(found_in(self.trie, routing_key)) == Counter(expected)

    @invariant()
    def the_trie_is_sound(self) -> None:
        self.trie.check_invariants()


TestTopicTrie = TrieMachine.TestCase


@given(pattern=PATTERNS, routing_key=KEYS)
def test_one_pattern_matches_as_defined(pattern: str, routing_key: str) -> None:
    trie = TopicTrie()
    trie.add(pattern, queue("q"))
    assert bool(found_in(trie, routing_key)) is is_match(
        split_words(pattern), split_words(routing_key)
    )


@given(patterns=st.sets(PATTERNS), routing_key=KEYS)
def test_what_was_added_and_removed_leaves_no_trace(patterns: set[str], routing_key: str) -> None:
    trie = TopicTrie()
    for pattern in patterns:
        trie.add(pattern, queue("q"))
    for pattern in patterns:
        trie.remove(pattern, queue("q"))
    trie.check_invariants()
    assert found_in(trie, routing_key) == []
    assert not trie._root.children
