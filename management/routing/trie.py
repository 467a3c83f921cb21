"""Finds the rows of a path: a trie over its segments, which are decoded one by one.

A path is split before anything is decoded, so that ``%2F`` in a name parts no segments. A last
empty segment is ignored. A dot segment that is not encoded goes back, as in every URL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from management.http.request import decoded
from management.routing.route import Route

DEFAULT_EXCHANGE_SEGMENT: Final = "amq.default"
_EXCHANGES: Final = frozenset({"exchange", "source", "destination"})

SEGMENTS_MAX: Final = 32
"""Segments of a path; the longest route has ten."""


class Match(NamedTuple):
    """What a path stands for.

    Attributes:
        routes: its rows by method.
        names: decoded segments, by the names in braces.
    """

    routes: Mapping[str, Route]
    names: Mapping[str, str]

    @property
    def allowed(self) -> str:
        """The methods, as in the header Allow."""
        methods = [name for name in ("GET", "PUT", "POST", "DELETE") if name in self.routes]
        is_readable = "GET" in self.routes
        return ", ".join([*(("HEAD",) if is_readable else ()), *methods, "OPTIONS"])


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    named: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Trie:
    """The routes by their paths.

    A fixed segment is tried before a named one, and where it leads nowhere the named one is tried.

    Args:
        routes: the rows; two with the same path and method are a bug.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, path: str, method: str = "") -> Match | None:
        """Return what a path below ``/api/`` stands for; None is nothing.

        A path that RabbitMQ does not have hides none of RabbitMQ's: with another method than its
        own, it stands for what RabbitMQ understands.

        Args:
            path: still percent-encoded.
            method: of the request; HEAD is GET. Empty and OPTIONS are any.

        Raises:
            HttpError: 400 without a body, as a percent sign is followed by no octet.
        """
        segments = _segments(path)
        if len(segments) > SEGMENTS_MAX:
            return None
        texts = [decoded(segment) for segment in segments]
        wanted = {"HEAD": "GET", "OPTIONS": ""}.get(method, method)
        found = _walk(self._root, texts, 0, (), wanted) or _walk(self._root, texts, 0, (), "")
        if found is None:
            return None
        node, values = found
        names: dict[str, str] = {}
        routes: dict[str, Route] = {}
        for name, (route, keys) in node.routes.items():
            routes[name] = route
            names |= dict(zip(keys, values, strict=True))
        for key in _EXCHANGES & names.keys():
            if names[key] == DEFAULT_EXCHANGE_SEGMENT:
                names[key] = ""
        return Match(routes, names)

    def _add(self, route: Route) -> None:
        node = self._root
        keys: list[str] = []
        for segment in route.path.split("/"):
            if segment.startswith("{"):
                keys.append(segment[1:-1])
                node.named = node.named or _Node()
                node = node.named
            else:
                node = node.fixed.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.path} is there twice")
        node.routes[route.method] = (route, tuple(keys))


def _walk(
    node: _Node, texts: list[str], index: int, values: tuple[str, ...], method: str
) -> tuple[_Node, tuple[str, ...]] | None:
    if index == len(texts):
        return (node, values) if _answers(node, method) else None
    fixed = node.fixed.get(texts[index])
    if fixed is not None:
        found = _walk(fixed, texts, index + 1, values, method)
        if found is not None:
            return found
    if node.named is None:
        return None
    return _walk(node.named, texts, index + 1, (*values, texts[index]), method)


def _answers(node: _Node, method: str) -> bool:
    """Whether a path ends here: all methods of a path of RabbitMQ are answered here."""
    if not method or method in node.routes:
        return bool(node.routes)
    return any([not route.extension for route, _ in node.routes.values()])


def _segments(path: str) -> list[str]:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if kept and not kept[-1]:
        kept.pop()
    return kept
