"""What differs between two answers: status, error, the shape, and what was declared.

A shape is the fields of an answer and their JSON types; one broker may have more fields. Fields
that say what a client has declared or sent have the same values too. The hash of the arguments of a
binding is left out: clients send it back as they got it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from conformance.http_broker import Answer
from conformance.http_calls.call import VHOST

_NUMBERS: Final = frozenset({"int", "float"})

DECLARED: Final = frozenset(
    {
        "ack_required",
        "apply-to",
        "arguments",
        "auto_delete",
        "component",
        "configure",
        "consumer_tag",
        "definition",
        "destination",
        "destination_type",
        "durable",
        "exchange",
        "exclusive",
        "filtered_count",
        "internal",
        "item_count",
        "message_count",
        "name",
        "page",
        "page_size",
        "pattern",
        "payload",
        "payload_bytes",
        "payload_encoding",
        "prefetch_count",
        "priority",
        "properties",
        "properties_key",
        "read",
        "redelivered",
        "routed",
        "routing_key",
        "source",
        "tags",
        "type",
        "user",
        "user_provided_name",
        "value",
        "vhost",
        "write",
    }
)
"""Fields whose values come from clients."""

_HASH: Final = re.compile(r"~[\w-]{4,}$")
_HASHED: Final = frozenset({"location", "properties_key"})


def shape_of(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a value with their types; ``[]`` stands for each of an array."""
    if isinstance(value, dict):
        yield path, "object"
        for name, held in value.items():
            yield from shape_of(held, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield path, "array"
        for held in value:
            yield from shape_of(held, f"{path}[]")
    else:
        yield path, type(value).__name__


def differences(theirs: Answer, ours: Answer) -> list[str]:
    """Return what differs, a line each."""
    found = []
    if theirs.status != ours.status:
        found.append(f"status {theirs.status} → {ours.status}")
    is_error = theirs.status >= 400
    if is_error or ours.status >= 400:
        if theirs.status == ours.status and theirs.value != ours.value:
            found.append(f"{theirs.value!r} → {ours.value!r}")
        return found
    for header in ("allow", "location"):
        before = _plain(header, theirs.headers.get(header))
        after = _plain(header, ours.headers.get(header))
        found += [f"{header}: {before} → {after}"] if before != after else []
    return found + _of_shapes(theirs.value, ours.value) + _of_values(theirs.value, ours.value)


def _of_shapes(theirs: object, ours: object) -> list[str]:
    known, given = _types(theirs), _types(ours)
    found = []
    for path, types in sorted(known.items()):
        if path not in given:
            parent = path.rpartition(".")[0].removesuffix("[]")
            if parent in given or not parent:
                found.append(f"no {path}")
        elif not given[path] <= types | (_NUMBERS if types & _NUMBERS else set()):
            found.append(f"{path}: {'|'.join(sorted(types))} → {'|'.join(sorted(given[path]))}")
    return found


def _types(value: object) -> dict[str, set[str]]:
    types: dict[str, set[str]] = {}
    for path, kind in shape_of(value):
        types.setdefault(path, set()).add(kind)
    return types


def _of_values(theirs: object, ours: object) -> list[str]:
    """Return where objects of the scene differ in what was declared."""
    before, after = _scene_of(theirs), _scene_of(ours)
    if len(before) != len(after):
        names = [
            [each.get("name", each.get("source")) for each in side] for side in (before, after)
        ]
        return [f"{len(before)} → {len(after)} things: {names[0]} → {names[1]}"]
    found = []
    for place, (expected, got) in enumerate(zip(before, after, strict=True)):
        found += [
            f"value of [{place}].{key}: {expected[key]!r} → {got[key]!r}"
            for key in sorted(DECLARED & expected.keys() & got.keys())
            if _plain(key, expected[key]) != _plain(key, got[key])
        ]
    return found


def _plain(key: str, value: object) -> object:
    return _HASH.sub("~", str(value)) if key in _HASHED else value


def _scene_of(value: object) -> list[dict[str, Any]]:
    """Return the objects of an answer, in their order; in a list, those that are of the scene."""
    if isinstance(value, dict):
        items = value.get("items")
        return [value, *(_scene_of(items) if isinstance(items, list) else [])]
    if not isinstance(value, list):
        return []
    objects = [each for each in value if isinstance(each, dict)]
    ours = [each for each in objects if each.get("vhost", VHOST) == VHOST]
    if all("pattern" in each for each in ours):
        # RabbitMQ has policies in the order of a hash table.
        ours.sort(key=lambda each: str(each.get("name")))
    return ours
