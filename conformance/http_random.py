"""Random scripts of HTTP calls, made to both brokers in lock-step: what a list of calls forgets.

    python -m conformance.http_random --rabbitmq 15699 --haremq 15700 --seed 1 --seeds 300

A seed makes a script: declares, declares again, binds, sets policies and parameters, deletes and
reads, with odd names, values of wrong types, missing and extra fields, bad pages. It ends at the
first difference without a reason, which is printed with as few calls as still show it. It also ends
at a write that only one broker takes, with a reason: from there on they hold different things.
"""

import argparse
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from conformance.http_broker import Broker
from conformance.http_calls.call import VHOST, Call, q
from conformance.http_compare import differences
from conformance.http_differential import Found, Row, explained, load_rows

STEP_COUNT: Final = 40
_NAMES: Final = ("a", "b", "c", "a b", "a/b", "a%2Fb", "é☃", "~", "+", "%", "amq.x", "x.y.z", "#")
_BOOLS: Final = (True, True, False, "true", "false", "yes", 1, None)
_NUMBERS: Final[tuple[Any, ...]] = (
    0,
    1,
    5,
    100,
    -1,
    "5",
    1.5,
    2.0,
    None,
    True,
    2**31,
    2**32,
    2**63 - 1,
    [],
    {},
)
_AGES: Final[tuple[Any, ...]] = (0, 100_000, -1, "5", 1.5, None, True, 2**32, [])
"""Of queues: none of them ends while a script runs."""
_TEXTS: Final = ("", "a", "b", "é☃", "a b", 5, None)
_ARGUMENTS: Final = {
    "x-message-ttl": _NUMBERS,
    "x-expires": _AGES,
    "x-max-length": _NUMBERS,
    "x-max-length-bytes": _NUMBERS,
    "x-max-priority": (0, 1, 5, 255, 256, -1, "5", 1.5, None, True),
    "x-overflow": ("drop-head", "reject-publish", "reject-publish-dlx", "x", 5),
    "x-dead-letter-exchange": _TEXTS,
    "x-dead-letter-routing-key": _TEXTS,
    "x-queue-type": ("classic", "x", 5),
    "x-queue-mode": ("lazy", "default", "x", 5),
    "x-single-active-consumer": _BOOLS,
    "alternate-exchange": _TEXTS,
    "own": (
        1,
        -1,
        1.5,
        2.0,
        "text",
        True,
        [],
        {},
        [1, "a", {"b": [None]}],
        {"a": {"b": 1}},
        2**63 - 1,
    ),
}
_SETTINGS: Final = {
    "message-ttl": _NUMBERS,
    "expires": _AGES,
    "max-length": _NUMBERS,
    "max-length-bytes": _NUMBERS,
    "overflow": ("drop-head", "reject-publish", "x", 5),
    "dead-letter-exchange": _TEXTS,
    "dead-letter-routing-key": _TEXTS,
    "alternate-exchange": _TEXTS,
    "delivery-limit": _NUMBERS,
    "queue-mode": ("lazy", "default", "x"),
    "bogus": (1, "x"),
}
_BROKEN: Final = (None, "", "null", "{", "[]", "5", '"x"', "true")
_PAGES: Final = ("1", "2", "0", "-1", "x", "", "1.5", "1000", "99999999999999999999")
_SIZES: Final = ("1", "2", "100", "500", "501", "0", "-1", "x", "")
_COLUMNS: Final = ("name", "name,vhost", "name,type", "vhost", "x", "", "name.x", "arguments", ",")


class _Writer:
    """Writes the calls of one script.

    Args:
        seed: of the choices.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._kinds = (
            (self._queue, 5),
            (self._exchange, 4),
            (self._binding, 6),
            (self._policy, 4),
            (self._limit, 1),
            (self._global, 1),
            (self._read, 9),
            (self._page, 4),
        )

    def call(self) -> Call:
        """Return another call."""
        makers, weights = zip(*self._kinds, strict=True)
        made: Call = self._random.choices(makers, weights)[0]()
        return made

    def _one(self, values: Sequence[Any]) -> Any:  # noqa: ANN401 -- any JSON
        return self._random.choice(values)

    def _often(self, chance: float) -> bool:
        return self._random.random() < chance

    def _name(self) -> str:
        return q(self._one(_NAMES[:3] if self._often(0.6) else _NAMES))

    def _vhost(self) -> str:
        return VHOST if self._often(0.97) else "nope"

    def _some(self, known: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        count = self._random.choice((0, 1, 1, 2))
        return {key: self._one(known[key]) for key in self._random.sample(sorted(known), count)}

    def _body(self, fields: dict[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
        """Return a body: often as it should be, or without a field, with one more, or broken."""
        if self._often(0.04):
            return self._one(_BROKEN)
        kept = {key: value for key, value in fields.items() if not self._often(0.1)}
        return {**kept, "extra": [1]} if self._often(0.05) else kept

    def _flag(self) -> Any:  # noqa: ANN401 -- any JSON
        return self._one((True, False)) if self._often(0.85) else self._one(_BOOLS)

    def _queue(self) -> Call:
        path = f"queues/{self._vhost()}/{self._name()}"
        match self._random.randrange(8):
            case 0 | 1:
                return Call(
                    "DELETE", f"{path}{self._one(('', '?if-empty=true', '?if-unused=true'))}"
                )
            case 2:
                return Call("DELETE", f"{path}/contents")
            case _:
                pass
        fields = {
            "durable": self._flag(),
            "auto_delete": self._flag(),
            "arguments": self._some(_ARGUMENTS) if self._often(0.9) else self._one(([], None, "x")),
        }
        return Call("PUT", path, body=self._body(fields))

    def _exchange(self) -> Call:
        path = f"exchanges/{self._vhost()}/{self._name()}"
        if self._often(0.25):
            return Call("DELETE", f"{path}{self._one(('', '?if-unused=true', '?if-unused=x'))}")
        fields = {
            "type": self._one(("direct", "fanout", "topic", "headers")),
            "durable": self._flag(),
            "auto_delete": self._flag(),
            "internal": self._flag(),
            "arguments": self._some(_ARGUMENTS),
        }
        return Call("PUT", path, body=self._body(fields))

    def _binding(self) -> Call:
        kind = self._one(("q", "q", "e"))
        path = f"bindings/{self._vhost()}/e/{self._name()}/{kind}/{self._name()}"
        match self._random.randrange(6):
            case 0:
                return Call("GET", path)
            case 1:
                return Call("GET", f"{path}/{q(self._name()) if self._often(0.7) else '~'}")
            case 2:
                return Call("DELETE", f"{path}/{q(self._name()) if self._often(0.7) else '~'}")
            case _:
                pass
        fields = {
            "routing_key": self._one((*_NAMES, "", 7)),
            "arguments": self._some(_ARGUMENTS),
        }
        return Call("POST", path, body=self._body(fields))

    def _policy(self) -> Call:
        path = f"{self._one(('policies', 'operator-policies'))}/{self._vhost()}/{self._name()}"
        if self._often(0.2):
            return Call("DELETE", path)
        fields = {
            "pattern": self._one(("^a", "b$", ".*", "", 5, None, "[a-z]+")),
            "definition": self._some(_SETTINGS) if self._often(0.9) else self._one(([], None, "x")),
            "priority": self._one((0, 1, -1, 5)),
            "apply-to": self._one(("all", "queues", "exchanges", "all")),
        }
        return Call("PUT", path, body=self._body(fields))

    def _limit(self) -> Call:
        limit = self._one(("max-queues", "max-connections", "bogus"))
        path = f"vhost-limits/{self._vhost()}/{limit}"
        if self._often(0.4):
            return Call("DELETE", path)
        return Call(
            "PUT", path, body=self._body({"value": self._one((100, 1000, -1, "5", None, 1.5))})
        )

    def _global(self) -> Call:
        path = f"global-parameters/d-{self._name()}"
        if self._often(0.4):
            return Call(self._one(("GET", "DELETE")), path)
        return Call(
            "PUT", path, body=self._body({"value": self._one((1, "x", None, [1], {"a": 1}))})
        )

    def _read(self) -> Call:
        one = f"{self._vhost()}/{self._name()}"
        return Call(
            "GET",
            self._one(
                (
                    f"queues/{one}?disable_stats=true",
                    f"exchanges/{one}",
                    f"queues/{one}/bindings",
                    f"exchanges/{one}/bindings/source",
                    f"exchanges/{one}/bindings/destination",
                    f"bindings/{VHOST}",
                    f"queues/{VHOST}?disable_stats=true",
                    f"exchanges/{VHOST}",
                    f"policies/{VHOST}",
                    f"policies/{one}",
                    f"operator-policies/{VHOST}",
                    f"parameters/operator_policy/{VHOST}",
                    f"parameters/vhost-limits/{VHOST}",
                    f"vhost-limits/{VHOST}",
                    f"definitions/{VHOST}",
                )
            ),
        )

    def _page(self) -> Call:
        wanted = {
            "page": _PAGES,
            "page_size": _SIZES,
            "name": ("a", "A", "é", "", "(", "[", "a.b", "^a"),
            "use_regex": ("true", "false", "x"),
            "columns": _COLUMNS,
            "sort": ("name", "type", "vhost", "arguments", "x", "name.x"),
            "sort_reverse": ("true", "false", "x"),
            "pagination": ("true", "x"),
        }
        names = self._random.sample(sorted(wanted), self._random.randrange(1, 5))
        query = "&".join([f"{name}={q(self._one(wanted[name]))}" for name in names])
        return Call(
            "GET", f"{self._one(('queues', 'exchanges'))}/{VHOST}?disable_stats=true&{query}"
        )


def script_of(seed: int, step_count: int = STEP_COUNT) -> list[Call]:
    """Return the calls of a seed."""
    writer = _Writer(seed)
    return [writer.call() for _ in range(step_count)]


class Outcome(NamedTuple):
    """How a script ended: at which call, and what differed there; None is alike to its end."""

    place: int
    found: Found | None


class Pair:
    """The two brokers, and the reasons that are known.

    Args:
        rabbitmq, haremq: the APIs.
        rows: reasons for differences.
    """

    def __init__(self, rabbitmq: Broker, haremq: Broker, rows: Sequence[Row]) -> None:
        self._both = (rabbitmq, haremq)
        self._rows = rows

    def play(self, script: Sequence[Call]) -> Outcome:
        """Make the calls on a fresh vhost, up to the first that tells."""
        fresh = (Call("DELETE", f"vhosts/{VHOST}"), Call("PUT", f"vhosts/{VHOST}"))
        globals_ = [Call("DELETE", f"global-parameters/d-{q(name)}") for name in _NAMES]
        for call in (*fresh, *globals_):
            for broker in self._both:
                broker.ask(call)
        for place, call in enumerate(script):
            theirs, ours = (broker.ask(call) for broker in self._both)
            found = list(explained([(call, differences(theirs, ours))], self._rows))
            for each in found:
                if each.reason is None:
                    return Outcome(place, each)
            is_write, limit = call.method != "GET", 300
            if found and is_write and (theirs.status < limit) != (ours.status < limit):
                return Outcome(place, found[0])
        return Outcome(len(script), None)

    def smallest(self, script: Sequence[Call], outcome: Outcome) -> list[Call]:
        """Return as few calls of a script as still end in the same difference."""
        assert outcome.found is not None, "it ends in a difference"
        kept = list(script[: outcome.place + 1])
        for index in reversed(range(len(kept) - 1)):
            fewer = kept[:index] + kept[index + 1 :]
            again = self.play(fewer).found
            if again is not None and again.difference == outcome.found.difference:
                kept = fewer
        return kept


def run(pair: Pair, seeds: Iterable[int], step_count: int = STEP_COUNT) -> list[str]:
    """Play the scripts of some seeds; return a text for each that differs without a reason."""
    texts, seen = [], set()
    for seed in seeds:
        script = script_of(seed, step_count)
        outcome = pair.play(script)
        if outcome.found is None or outcome.found.reason is not None:
            continue
        kind = (outcome.found.call.method, outcome.found.difference[:60])
        calls = [outcome.found.call] if kind in seen else pair.smallest(script, outcome)
        seen.add(kind)
        lines = [f"seed {seed}:", *(f"    {call}" for call in calls), outcome.found.difference]
        texts.append("\n  ".join(lines))
    return texts


def main() -> int:
    """Print what differs; 1 where something does without a reason."""
    parser = argparse.ArgumentParser(description="Compare two HTTP APIs by random scripts.")
    parser.add_argument("--rabbitmq", type=int, required=True, help="its HTTP port")
    parser.add_argument("--haremq", type=int, required=True, help="its HTTP port")
    parser.add_argument("--seed", type=int, default=1, help="the first one [%(default)s]")
    parser.add_argument("--seeds", type=int, default=100, help="how many [%(default)s]")
    parser.add_argument("--steps", type=int, default=STEP_COUNT, help="of each [%(default)s]")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    with Broker(arguments.rabbitmq) as rabbitmq, Broker(arguments.haremq) as haremq:
        texts = run(Pair(rabbitmq, haremq, load_rows()), seeds, arguments.steps)
    print("\n".join(texts))
    print(f"{arguments.seeds} scripts of {arguments.steps} calls, {len(texts)} differ")
    return 1 if texts else 0


if __name__ == "__main__":
    sys.exit(main())
