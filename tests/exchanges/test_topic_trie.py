"""What each pattern matches was asked of RabbitMQ 3.10."""

import pytest

from exchanges.topic_trie import TopicTrie, split_words
from tests.support.routing import found_in, names, queue

LONGEST_KEY = ".".join("a" * 128)


def trie_of(*patterns: str) -> TopicTrie:
    trie = TopicTrie()
    for pattern in patterns:
        trie.add(pattern, queue(pattern))
    trie.check_invariants()
    return trie


@pytest.mark.parametrize(
    ("pattern", "routing_key"),
    [
        ("", ""),
        ("#", ""),
        ("#.#.#", ""),
        ("#.#", "a"),
        ("*.#", "a"),
        ("#.*", "a"),
        ("a.#", "a"),
        ("#.a", "a"),
        ("a.#.b", "a.b"),
        ("#.a.#", "b.a"),
        ("a.*", "a."),
        (".", "."),
        ("*.*", "."),
        ("*", "*"),
        ("#", "#"),
        ("a.*", "a.#"),
        ("#b", "#b"),
        ("*.#.*", "a.b.c.d"),
        ("#.a.b.#", "a.a.b.b"),
    ],
)
def test_a_pattern_matches(pattern: str, routing_key: str) -> None:
    assert names(found_in(trie_of(pattern), routing_key)) == [pattern]


@pytest.mark.parametrize(
    ("pattern", "routing_key"),
    [
        ("*", ""),
        ("", "a"),
        ("", "."),
        ("*", "."),
        ("*.#", ""),
        ("#.*", ""),
        ("#.", ""),
        ("a*", "ab"),
        ("#b", "ab"),
        ("a.b", "*.b"),
        ("a.b", "#"),
        ("a.*", "a"),
        ("a.*.*", "a.b"),
        ("#.a.b.#", "a.c.b"),
        ("*.#.*", "a"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, routing_key: str) -> None:
    assert found_in(trie_of(pattern), routing_key) == []


def test_the_empty_key_has_no_words_and_empty_words_count() -> None:
    assert split_words("") == ()
    assert split_words(".") == ("", "")
    assert split_words("a.") == ("a", "")


def test_a_pattern_that_ends_inside_another_keeps_its_own_matches() -> None:
    trie = trie_of("a.b.c", "a.b", "a.b.d", "a", "b")
    assert names(found_in(trie, "a.b")) == ["a.b"]
    assert names(found_in(trie, "a.b.c")) == ["a.b.c"]
    assert names(found_in(trie, "a")) == ["a"]
    assert names(found_in(trie, "a.b.c.d")) == []


def test_a_node_with_many_children_still_finds_its_wildcards() -> None:
    trie = trie_of(*(f"a.{number}" for number in range(100)), "a.*", "a.#", "*.7")
    assert names(found_in(trie, "a.7")) == ["*.7", "a.#", "a.*", "a.7"]
    assert names(found_in(trie, "a.x")) == ["a.#", "a.*"]
    for wildcard in ("a.*", "a.#"):
        assert sorted(found_in(trie, wildcard)) == [queue("a.#"), queue("a.*")], "each of them once"


def test_a_pattern_added_twice_goes_with_the_second_removal() -> None:
    trie = trie_of("a.#", "a.#")
    assert found_in(trie, "a") == [queue("a.#")]
    trie.remove("a.#", queue("a.#"))
    assert found_in(trie, "a") == [queue("a.#")]
    trie.remove("a.#", queue("a.#"))
    assert found_in(trie, "a") == []


@pytest.mark.parametrize("removed", ["a.b.c", "a.b", "a.b.d"])
def test_removing_a_pattern_leaves_those_around_it(removed: str) -> None:
    patterns = ["a.b", "a.b.c", "a.b.d"]
    trie = trie_of(*patterns)
    trie.remove(removed, queue(removed))
    trie.check_invariants()
    assert [each for each in patterns if found_in(trie, each)] == [
        each for each in patterns if each != removed
    ]


def test_removing_one_destination_leaves_the_others_of_the_pattern() -> None:
    trie = trie_of("a.*")
    trie.add("a.*", queue("other"))
    trie.remove("a.*", queue("a.*"))
    assert found_in(trie, "a.b") == [queue("other")]


@pytest.mark.parametrize("pattern", ["a", "a.b.c.d", "a.x", "b", "", "a.b.c.x"])
def test_removing_what_was_not_added_is_our_bug(pattern: str) -> None:
    trie = trie_of("a.b.c")
    with pytest.raises(KeyError):
        trie.remove(pattern, queue(pattern))
    trie.check_invariants()
    assert names(found_in(trie, "a.b.c")) == ["a.b.c"]


def test_an_empty_trie_matches_nothing() -> None:
    assert found_in(TopicTrie(), "a") == []
    assert found_in(TopicTrie(), "") == []


def test_hashes_without_number_cost_no_more_than_their_words() -> None:
    """Shared out one by one, 128 words among 60 hashes would never end."""
    near_miss = ".".join(["#", "a"] * 60 + ["never"])
    hit = ".".join(["#", "a"] * 60 + ["#"])
    assert names(found_in(trie_of(near_miss, hit), LONGEST_KEY)) == [hit]


def test_each_pattern_matches_the_longest_key_once() -> None:
    trie = trie_of("#", "#.#", LONGEST_KEY, ".".join("*" * 128), ".".join("*" * 127))
    matched = found_in(trie, LONGEST_KEY)
    assert len(matched) == len(set(matched)) == 4
