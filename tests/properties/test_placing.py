"""Where keys go among weighted destinations: evenly, everywhere alike, and with few moves."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.bindings import Binding
from exchanges.kinds import make_kind
from exchanges.ports import ExchangeKind
from tests.support.routing import binding, bound, queue

KEY_COUNT = 8_000
DEVIATIONS_MAX = 5.0
"""Standard deviations of a share; chance alone goes beyond that once in two million."""

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
WEIGHTS = st.dictionaries(NAMES, st.sampled_from([1, 1, 1, 2, 3, 10]), min_size=1, max_size=9)


def of(name: str, weight: int) -> Binding:
    return binding(queue(name), str(weight))


def made(weights: Mapping[str, int]) -> ExchangeKind:
    return bound("x-consistent-hash", *(of(*each) for each in weights.items()))


def placed(kind: ExchangeKind, key_count: int = KEY_COUNT) -> list[str]:
    found = []
    for number in range(key_count):
        at_once = kind.match(f"device-{number}", None)
        assert at_once is not None
        (one,) = at_once
        found.append(one.name)
    return found


@settings(deadline=None, max_examples=25)
@given(weights=WEIGHTS)
def test_each_destination_gets_its_share(weights: Mapping[str, int]) -> None:
    counts = Counter(placed(made(weights)))
    total = sum(weights.values())
    for name, weight in weights.items():
        share = weight / total
        deviation = (KEY_COUNT * share * (1 - share)) ** 0.5
        assert abs(counts[name] - KEY_COUNT * share) <= DEVIATIONS_MAX * deviation


def test_a_hundred_thousand_keys_are_even_within_two_percent() -> None:
    counts = Counter(placed(made(dict.fromkeys("abcd", 1)), 100_000))
    assert max(counts.values()) < 25_500
    assert min(counts.values()) > 24_500


@settings(deadline=None, max_examples=50)
@given(weights=WEIGHTS, name=NAMES, weight=st.sampled_from([1, 2, 10]))
def test_only_the_keys_of_who_comes_or_goes_move(
    weights: Mapping[str, int], name: str, weight: int
) -> None:
    without = {each: of_it for each, of_it in weights.items() if each != name}
    kind = made(without)
    before = placed(kind, 1000) if without else [""] * 1000
    kind.bind(of(name, weight))
    for was, now in zip(before, placed(kind, 1000), strict=True):
        assert now in {was, name}
    kind.unbind(of(name, weight))
    if without:
        assert placed(kind, 1000) == before


@settings(deadline=None, max_examples=50)
@given(weights=WEIGHTS, data=st.data())
def test_the_placing_depends_on_nothing_but_the_bindings(
    weights: Mapping[str, int], data: st.DataObject
) -> None:
    others = data.draw(st.lists(NAMES, max_size=5, unique=True))
    order = data.draw(st.permutations([*weights.items()]))
    kind = make_kind("x-consistent-hash")
    for name in others:
        kind.bind(of(name, 5000))
    for each in order:
        kind.bind(of(*each))
    for name in others:
        kind.unbind(of(name, 5000))
    assert placed(kind, 300) == placed(made(weights), 300)
