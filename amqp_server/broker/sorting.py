"""Many things are put in order piece by piece: runs are sorted as they come, and merged as needed.

    runs: list[deque[T]] = []
    add_sorted(some, key, runs)     for each piece
    for thing in merged(runs, key)  looks at no more than it returns

What comes in order, as it mostly does, is one run, and is not looked at again.
"""

from collections import deque
from collections.abc import Callable, Iterator
from heapq import merge
from typing import TypeVar

T = TypeVar("T")


def add_sorted(some: list[T], key: Callable[[T], int], runs: list[deque[T]]) -> None:
    """Add things, at least one, to the last run if they come behind it, or as one of their own."""
    some.sort(key=key)
    if runs and key(runs[-1][-1]) < key(some[0]):
        runs[-1].extend(some)
    else:
        runs.append(deque(some))


def merged(runs: list[deque[T]], key: Callable[[T], int]) -> Iterator[T]:
    """Return all things in order; what was returned has left its run."""
    return merge(*map(_popped, runs), key=key)


def _popped(run: deque[T]) -> Iterator[T]:
    while run:
        yield run.popleft()
