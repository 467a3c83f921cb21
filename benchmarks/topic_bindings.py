"""The cost of topic routing with many bindings: ``python -m benchmarks.topic_bindings``.

It uses only the router, in this process: no broker, no socket. It prints figures, and judges none.

    declare     one more binding, in each tenth of 100,000 on one exchange: the cost stays level
    route       one message among those 100,000
    delete      one queue among those 100,000, with its bindings
    hostile     10,000 patterns full of ``#`` and keys of 128 words
"""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.kinds import make_kind
from exchanges.routing import Exchange, Router

BINDING_COUNT: Final = 100_000
HOSTILE_COUNT: Final = 10_000
PARTS: Final = 10
ROUNDS: Final = 200
"""Messages routed per figure; the median is printed."""

HOSTILE_SECONDS_MAX: Final = 2.0
"""Longest time for a figure, even if a single route is slow."""

EXCHANGE: Final = "bench"
ALL_ALIKE: Final = ".".join("a" * 128)
ALL_EMPTY: Final = "." * 127


def main() -> None:
    """Measure and print all figures."""
    print(f"{BINDING_COUNT:,} bindings on one topic exchange, one queue each")
    router = new_router()
    declare(router)
    for name, key in {
        "one pattern of three words": "site.4711.temperature",
        "and the five that wildcards add": "site.4712.alarm",
        "nothing": "nowhere.4711.temperature",
        "nothing, 128 words": ALL_ALIKE,
    }.items():
        print_route(router, name, key)
    delete(router)

    print(f"\n{HOSTILE_COUNT:,} hostile patterns, keys of 128 words")
    seeded = random.Random(1)
    print_hostile("#.N.#.x.#", [f"#.{n}.#.x.#" for n in range(HOSTILE_COUNT)])
    print_hostile("a.#.a.#.[...].N", [f"{'a.#.' * (n % 40)}{n}" for n in range(HOSTILE_COUNT)])
    print_hostile("#.a.#.a.[...].N", [f"{'#.a.' * (n % 60)}{n}" for n in range(HOSTILE_COUNT)])
    print_hostile("#.*.#.*.[...].N", [f"{'#.*.' * (n % 60)}{n}" for n in range(HOSTILE_COUNT)])
    print_hostile(
        "random words of a * #, up to 20, nearly all match",
        [".".join(seeded.choices("a*#", k=3 + n % 18)) for n in range(HOSTILE_COUNT)],
    )


def new_router() -> Router:
    """Return a router with one topic exchange."""
    router = Router(lambda _name: False)
    router.add_exchange(
        Exchange(
            name=EXCHANGE,
            type="topic",
            durable=False,
            auto_delete=False,
            internal=False,
            arguments={},
            alternate_exchange=None,
            kind=make_kind("topic"),
        )
    )
    return router


def binding(pattern: str, queue_name: str) -> Binding:
    """Return a binding of the benchmark's exchange, without arguments."""
    destination = Destination(DestinationKind.QUEUE, queue_name)
    return Binding(EXCHANGE, destination, pattern, {}, b"")


def pattern_of(number: int) -> str:
    """Return the pattern of one queue; a few have wildcards, as in real use."""
    match number % 20_000:
        case 0:
            return "*.4712.alarm"
        case _:
            return f"site.{number}.temperature"


def declare(router: Router) -> None:
    """Add all bindings; print the cost of one in the first, second... tenth of them."""
    per_part = BINDING_COUNT // PARTS
    costs_us: list[float] = []
    for part in range(PARTS):
        numbers = range(part * per_part, (part + 1) * per_part)
        bindings = [binding(pattern_of(number), f"q{number}") for number in numbers]
        seconds = seconds_of(partial(bind_all, router, bindings))
        costs_us.append(seconds / per_part * 1e6)
    print("  declare, us each, by tenths   ", " ".join(f"{cost:.1f}" for cost in costs_us))


def bind_all(router: Router, bindings: Sequence[Binding]) -> None:
    """Add bindings one by one."""
    for each in bindings:
        router.bind(each)


def forget_queue(router: Router, name: str) -> None:
    """Remove all bindings to a queue."""
    for each in router.bindings.of_destination(Destination(DestinationKind.QUEUE, name)):
        router.forget(each)


def delete(router: Router) -> None:
    """Delete every thousandth queue; print the cost of one."""
    names = [f"q{number}" for number in range(1, BINDING_COUNT, 1000)]
    costs = sorted(seconds_of(partial(forget_queue, router, name)) for name in names)
    print(f"  delete one queue               {costs[len(costs) // 2] * 1e6:.1f} us")


def print_hostile(name: str, patterns: Sequence[str]) -> None:
    """Bind the patterns to 100 queues; print the cost of keys that are hard to match."""
    router = new_router()
    bind_all(router, [binding(each, f"q{n % 100}") for n, each in enumerate(patterns)])
    print(f"  {name}")
    print_route(router, "  all words alike", ALL_ALIKE)
    print_route(router, "  all words empty", ALL_EMPTY)


def print_route(router: Router, name: str, key: str) -> None:
    """Print the median cost of routing one message, uncached."""
    costs: list[float] = []
    while len(costs) < ROUNDS and sum(costs) < HOSTILE_SECONDS_MAX:
        costs.append(seconds_of(partial(router.route, EXCHANGE, [key], None)))
    queue_count = len(router.route(EXCHANGE, [key], None).queue_names)
    median_us = sorted(costs)[len(costs) // 2] * 1e6
    print(f"  route: {name:40s} {median_us:10.1f} us   {queue_count} queues")


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds that a call took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
