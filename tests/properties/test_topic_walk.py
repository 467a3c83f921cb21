"""A walk through the trie in pieces, while patterns come and go between them, on both builds."""

from collections import Counter
from typing import Protocol

from hypothesis import given
from hypothesis import strategies as st

from exchanges import topic_trie
from exchanges.bindings import Destination
from tests.properties.test_topic_match import KEYS, PATTERNS, is_match
from tests.support.routing import found_in, queue
from tests.support.twins import twin_of

twin_topic_trie = twin_of("exchanges.topic_trie")

PATTERNS_AT_FIRST = st.lists(PATTERNS, max_size=20)
CHANGES = st.lists(st.tuples(st.sampled_from(["step", "step", "add", "remove"]), PATTERNS))


class Module(Protocol):
    """What both builds have."""

    TopicTrie: type[topic_trie.TopicTrie]


def walked(
    module: Module, patterns: list[str], routing_key: str, changes: list[tuple[str, str]]
) -> None:
    """Go node by node; hold the answer against what was bound all the while, or ever."""
    trie = module.TopicTrie()
    bound = Counter(patterns)
    for pattern in patterns:
        trie.add(pattern, queue(pattern))
    always, ever = set(bound), set(bound)
    walk = module.walk_of(trie._root, routing_key)  # type: ignore[attr-defined]
    found: list[Destination] = []
    for what, pattern in changes:
        if what == "step":
            found += walk.step(1)
        elif what == "add":
            trie.add(pattern, queue(pattern))
            bound[pattern] += 1
            ever.add(pattern)
        elif bound[pattern]:
            trie.remove(pattern, queue(pattern))
            bound[pattern] -= 1
            if not bound[pattern]:
                always.discard(pattern)
        trie.check_invariants()
    while not walk.is_done:
        found += walk.step(1)
    names = {name for _, name in found}
    words = tuple(routing_key.split(".")) if routing_key else ()
    matching = {
        pattern for pattern in ever if is_match(tuple(pattern.split(".")) if pattern else (), words)
    }
    assert matching & always <= names <= matching


@given(patterns=PATTERNS_AT_FIRST, routing_key=KEYS, changes=CHANGES)
def test_what_is_bound_all_the_while_is_found(
    patterns: list[str], routing_key: str, changes: list[tuple[str, str]]
) -> None:
    walked(topic_trie, patterns, routing_key, changes)
    walked(twin_topic_trie, patterns, routing_key, changes)


def test_a_long_walk_is_refused_at_once_and_gone_in_pieces() -> None:
    for module in (topic_trie, twin_topic_trie):
        trie = module.TopicTrie()
        for number in range(3000):
            trie.add(f"#.{number}", queue("q"))
            trie.add(f"#.a.#.{number}.*", queue(f"q{number}"))
        for routing_key in (f"{'a.' * 20}7.7", f"{'a.' * 300}7.7"):
            assert {name for _, name in found_in(trie, routing_key)} == {"q", "q7"}
        for number in range(3000):
            trie.add(f"*.#.{number}.#", queue(f"q{number}"))
        everywhere = ".".join(map(str, range(3000)))
        assert trie.match(everywhere) is None
        pieces = list(trie.pieces(everywhere))
        assert len(pieces) > 3
        assert len({name for piece in pieces for _, name in piece}) == 3000


def test_patterns_of_many_words_are_more_than_few_even_where_they_do_not_match() -> None:
    for module in (topic_trie, twin_topic_trie):
        trie = module.TopicTrie()
        for number in range(120):
            trie.add(f"#.{number}." + "#." * 100 + "end", queue("q"))
            trie.add(f"*.#.{number}." + "#." * 100 + "end", queue("q"))
        routing_key = ".".join(map(str, range(120)))
        assert trie.match(routing_key) is None
        assert len(list(trie.pieces(routing_key))) > 1
