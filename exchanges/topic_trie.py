"""Topic patterns in a trie of words, matched without backtracking.

A pattern is words between dots: ``*`` stands for exactly one word, ``#`` for zero or more, any
other word for itself. Empty words count (``a.`` has two), but the empty key has no word at all.

The trie is compressed: an edge carries as many words as its patterns share, so patterns of 128
words that share nothing cost one node each, not 128.

    patterns             trie (an edge's label stands before its node)
    a.b.c                (root) ── a.b ── ( ) ── c ── (a.b.c)
    a.b.#                                  └──── # ── (a.b.#)

**Matching.** For each node the *reach* is the set of all n such that the first n words of the
routing key match the path from the root to the node. It is kept as an integer with bit n set:

    along a word w    (reach AND the places where w stands in the key) moved up by one
    along *           reach moved up by one
    along #           every bit from the lowest one of reach upwards

An empty reach ends the branch. A pattern matches when the bit of the key's full length is set. The
one integer holds all the ways in which several ``#`` may share out the words. So a node is visited
once per message, however many ``#`` lie above it. A match costs at most one step per word stored in
the trie, whatever the routing key. Keys are shortstrs, so a reach has at most 257 bits. Only a key
from CC can be longer.

**In pieces.** A key may reach every node, and clients decide how many nodes there are. So a walk
can stop after any node and go on later (``Walk``), while patterns come and go. This is right
because a node stands for the same words all its life. An edge is split above a node. Where two
edges become one, a new node replaces both, and the old nodes stay unchanged for walks that still
hold them. A pattern that exists from a walk's beginning to its end is found.

Nodes and the walk (``Node``, ``walk_of``, ``matching``) are the interpreted twin, and the
specification, of ``exchanges._topic_trie``; adding and removing patterns is the same in both
builds.

Source: AMQP 0-9-1 §3.1.3.3; RabbitMQ, rabbit_exchange_type_topic, for the empty key.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from exchanges.bindings import Destination, DestinationCounts
from persistence.kernels import COMPILED

ONE_WORD: Final = "*"
ANY_WORDS: Final = "#"

LOOKS_PER_PIECE: Final = 8192
"""The size of one piece, in words compared: some 0.2 ms with kernels."""

LOOKS_PER_NODE: Final = 8
"""The cost of reaching a node, in addition to its words."""


class Node:
    """Where the patterns that share a path part, or where one of them ends.

    Attributes:
        label: the words from the parent to here.
        children: by the first word of their label.
        destinations: of the patterns that end here; None if no pattern does.

    Invariant: ``label`` is empty at the root only; a child stands under the first word of its
        label; any node but the root has a destination or at least two children.
    Invariant: the words from the root to here are always the same.
    """

    __slots__ = ("children", "destinations", "label")

    def __init__(self, label: tuple[str, ...]) -> None:
        self.label = label
        self.children: dict[str, Node] = {}
        self.destinations: DestinationCounts | None = None


class TopicTrie:
    """Destinations by topic pattern.

    Attributes:
        match: ``matching`` from the root.
    """

    __slots__ = ("_root", "match")

    def __init__(self) -> None:
        self._root = Node(())
        # The exchange calls the kernel without a Python function between: once for each new key.
        self.match: Callable[[str], list[Destination] | None] = partial(matching, self._root)

    def pieces(self, routing_key: str) -> Iterator[list[Destination]]:
        """Return the same as ``match``, of any length, piece by piece."""
        walk = walk_of(self._root, routing_key)
        while not walk.is_done:
            yield walk.step(LOOKS_PER_PIECE)

    def add(self, pattern: str, destination: Destination) -> None:
        """Note a binding; the same pattern and destination may be added several times."""
        node = self._root
        words = split_words(pattern)
        while words:
            child = node.children.get(words[0])
            if child is None:
                child = node.children[words[0]] = Node(words)
            elif child.label != words[: len(child.label)]:
                child = _split(node, child, _shared_count(child.label, words))
            words = words[len(child.label) :]
            node = child
        if node.destinations is None:
            node.destinations = DestinationCounts()
        node.destinations.count_up(destination)

    def remove(self, pattern: str, destination: Destination) -> None:
        """Undo one ``add``.

        Raises:
            KeyError: it was not added.
        """
        path = [self._root]
        words = split_words(pattern)
        while words:
            child = path[-1].children[words[0]]
            if child.label != words[: len(child.label)]:
                raise KeyError(pattern)
            words = words[len(child.label) :]
            path.append(child)
        node = path[-1]
        if node.destinations is None:
            raise KeyError(pattern)
        node.destinations.count_down(destination)
        if not node.destinations:
            node.destinations = None
            _prune(path)

    def check_invariants(self) -> None:
        """Assert the invariants of the nodes; costs a walk over the whole trie."""
        unvisited = [self._root]
        while unvisited:
            node = unvisited.pop()
            assert bool(node.label) == (node is not self._root), "only the root has no label"
            assert node.destinations is None or node.destinations, "no empty destinations"
            assert node is self._root or node.destinations or len(node.children) > 1, "no idle node"
            for word, child in node.children.items():
                assert child.label[:1] == (word,), "a child stands under its first word"
                unvisited.append(child)


class Walk:
    """The walk of a routing key through the trie; see the module's text."""

    __slots__ = ("_end", "_places", "_unvisited")

    def __init__(self, root: Node, routing_key: str) -> None:
        words = split_words(routing_key)
        self._end = 1 << len(words)
        self._places = _places(words)
        self._unvisited = [(root, 1)]

    @property
    def is_done(self) -> bool:
        """Whether all nodes were looked at."""
        return not self._unvisited

    def step(self, looks_max: int) -> list[Destination]:
        """Go on for about this many steps; return the destinations of the patterns found."""
        matched: list[Destination] = []
        unvisited, places, end = self._unvisited, self._places, self._end
        looks_left = looks_max
        while unvisited and looks_left > 0:
            node, reach = unvisited.pop()
            looks_left -= LOOKS_PER_NODE
            if node.destinations is not None and reach & end:
                matched += node.destinations
            for child in _candidates(node.children, places):
                child_reach, looks_count = _along(child.label, reach, places, end)
                looks_left -= looks_count
                if child_reach:
                    unvisited.append((child, child_reach))
        return matched


walk_by_integers: Final = Walk
"""For the kernel: walks with a key of more words than its rows of bits have room for."""

walk_of: Callable[[Node, str], Walk] = Walk
"""Begins a walk from a root."""


def matching(root: Node, routing_key: str) -> list[Destination] | None:
    """Return the destinations of all patterns below a root that match.

    A destination comes once for each pattern that leads there. The order has no meaning.

    Returns:
        None where the walk takes more than one piece; then use a ``Walk``.
    """
    walk = Walk(root, routing_key)
    matched = walk.step(LOOKS_PER_PIECE)
    return matched if walk.is_done else None


matching_by_integers: Final = matching
"""For the kernel, as ``walk_by_integers``."""


def split_words(key: str) -> tuple[str, ...]:
    """Return the words of a pattern or routing key; none for the empty key."""
    return tuple(key.split(".")) if key else ()


def _places(words: tuple[str, ...]) -> dict[str, int]:
    """Map each distinct word to the integer whose bit i says that it is the word of index i.

    Only wildcards match a ``*`` or ``#`` in a routing key, so such a word is left out.
    """
    places: dict[str, int] = {}
    bit = 1
    for word in words:
        places[word] = places.get(word, 0) | bit
        bit <<= 1
    places.pop(ONE_WORD, None)
    places.pop(ANY_WORDS, None)
    return places


def _candidates(children: dict[str, Node], places: Mapping[str, int]) -> Iterable[Node]:
    """Return all children that the key could lead to, and perhaps some more.

    Looks at the children or at the words of the key, whichever are fewer.
    """
    if len(children) <= len(places) + 2:
        return children.values()
    found = [children[word] for word in places if word in children]
    if ONE_WORD in children:
        found.append(children[ONE_WORD])
    if ANY_WORDS in children:
        found.append(children[ANY_WORDS])
    return found


def _along(
    label: tuple[str, ...], reach: int, places: Mapping[str, int], end: int
) -> tuple[int, int]:
    """Return the reach at the end of a label, see the module's text, and how many words it took.

    Args:
        label: of a child.
        reach: the parent's.
        places: where each word stands in the key.
        end: the bit that stands for the whole key.
    """
    for count, word in enumerate(label, start=1):
        if word == ANY_WORDS:
            reach = -(reach & -reach) & ((end << 1) - 1)
        elif word == ONE_WORD:
            reach = (reach & (end - 1)) << 1
        else:
            reach = (reach & places.get(word, 0)) << 1
        if not reach:
            return 0, count
    return reach, len(label)


def _shared_count(label: tuple[str, ...], words: tuple[str, ...]) -> int:
    count = 0
    for ours, theirs in zip(label, words, strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def _split(parent: Node, child: Node, word_count: int) -> Node:
    """Put a node after the first ``word_count`` words of the edge to ``child``; return it."""
    assert 0 < word_count < len(child.label), "an edge is split between two of its words"
    middle = Node(child.label[:word_count])
    parent.children[middle.label[0]] = middle
    child.label = child.label[word_count:]
    middle.children[child.label[0]] = child
    return middle


def _prune(path: list[Node]) -> None:
    """Restore the invariants after the last node of a path has lost its destinations."""
    node = path.pop()
    if path and not node.children:
        del path[-1].children[node.label[0]]
        node = path.pop()
    if path and node.destinations is None and len(node.children) == 1:
        (only,) = node.children.values()
        joined = Node(node.label + only.label)
        joined.children = only.children
        joined.destinations = only.destinations
        path[-1].children[node.label[0]] = joined


if COMPILED:
    from exchanges import _topic_trie  # type: ignore[attr-defined]

    Node = _topic_trie.Node  # type: ignore[misc]
    walk_of = _topic_trie.walk_of
    matching = _topic_trie.matching
