"""conformance/rules.yaml: a rule called kept has a check, and every check has its rule."""

from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from conformance import deviations, rules
from conformance.check import REGISTRY, Check
from conformance.deviations import Rule, load_rules
from tests.style.tree import ROOT, text_of

CHECKS_MIN = 300
NOTABLE_ROWS = frozenset(range(1, 31))


@pytest.fixture(scope="module")
def checks() -> dict[str, Check]:
    """Every check, by its id."""
    rules.load()
    return REGISTRY


def is_a_test(test_id: str, check_ids: Collection[str]) -> bool:
    """Return whether an id names a check, or a test of ours as ``tests/path.py::name``."""
    path, separator, name = test_id.partition("::")
    if not separator:
        return test_id in check_ids
    return (ROOT / path).is_file() and f"def {name}(" in text_of(Path(path))


def unproven(found: Iterable[Rule], check_ids: Collection[str]) -> list[str]:
    """Name the rules that are called kept without a test, or whose tests do not exist."""
    return [
        rule.rule_id
        for rule in found
        if (rule.status == "ok" and not rule.tests)
        or not all(is_a_test(test, check_ids) for test in rule.tests)
    ]


def unexplained(found: Iterable[Rule]) -> list[str]:
    """Name the rules that are not kept and do not say what happens instead."""
    return [rule.rule_id for rule in found if rule.status != "ok" and not rule.note]


def test_a_rule_that_is_kept_has_a_test_that_exists(checks: dict[str, Check]) -> None:
    assert unproven(load_rules(), checks) == []


def test_a_rule_that_is_not_kept_says_what_happens_instead() -> None:
    assert unexplained(load_rules()) == []


def test_rules_are_named_once() -> None:
    names = [rule.rule_id for rule in load_rules()]
    assert len(names) == len(set(names))


def test_a_check_refers_to_a_rule(checks: dict[str, Check]) -> None:
    names = {rule.rule_id for rule in load_rules()}
    assert {check.check_id: check.ref for check in checks.values() if check.ref not in names} == {}


def test_the_checks_are_many_and_the_thirty_notable_rows_among_them(
    checks: dict[str, Check],
) -> None:
    assert len(checks) >= CHECKS_MIN
    assert {check.ninth for check in checks.values()} >= NOTABLE_ROWS


def test_the_page_of_deviations_is_what_the_checks_say(checks: dict[str, Check]) -> None:
    page = deviations.page(checks.values(), load_rules())
    assert text_of(Path("docs/DEVIATIONS.md")) == page, "python -m conformance --deviations"


def test_a_rule_without_its_test_is_seen() -> None:
    here = "tests/style/test_conformance_rules.py"
    kept = Rule("kept", "1.1", "", "ok", ("queue.declare.passive",), "")
    found = [
        kept,
        kept._replace(rule_id="bare", tests=()),
        kept._replace(rule_id="gone", tests=("queue.declare.gone",)),
        kept._replace(rule_id="ours", tests=(f"{here}::test_a_rule_without_its_test_is_seen",)),
        kept._replace(rule_id="lost", tests=(f"{here}::test_of_nothing",)),
        kept._replace(rule_id="later", status="open", tests=()),
    ]
    assert unproven(found, {"queue.declare.passive"}) == ["bare", "gone", "lost"]
    assert unexplained(found) == ["later"]
