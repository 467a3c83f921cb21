"""Checks on a node of a cluster: what may fail there has a row, and what has one does fail."""

import pytest

from conformance import rules
from conformance.check import REGISTRY
from conformance.cluster import _PIDS, judged
from conformance.deviations import Rule, load_rules
from conformance.runner import Outcome

RULE = Rule("cluster-it", "§6", "It is so.", "deviates", (), "it is not", ("a.b",), "540")

OUTPUT = """\
folder: /srv/dev
node                pid    amqp                    streams
haremq-1@localhost  16948  amqp://127.0.0.1:23100  127.0.0.1:22980
haremq-2@localhost  949    amqp://127.0.0.1:23101  127.0.0.1:22981
etcd: http://127.0.0.1:49371, pid 16940
To end one of them: kill 16950 (in order) or kill -9 16950 (as a crash). Ctrl-C here ends all.
"""


def outcome(check_id: str, status: str, seen: str = "") -> dict[str, Outcome]:
    return {check_id: Outcome(check_id, status, seen, 0.1)}


@pytest.mark.parametrize(
    ("before", "status"),
    [
        (outcome("a.b", "failed", "closed: 540 NOT_IMPLEMENTED"), "deviates"),
        (outcome("a.b", "failed", "closed: 541 INTERNAL_ERROR"), "failed"),
        (outcome("a.b", "ok"), "failed"),
        (outcome("a.b", "skipped"), "skipped"),
        (outcome("a.c", "ok"), "ok"),
        (outcome("a.c", "failed", "540"), "failed"),
    ],
    ids=["as its row says", "otherwise", "holds", "skipped", "no row", "no row, and fails"],
)
def test_a_row_says_what_fails_and_how(before: dict[str, Outcome], status: str) -> None:
    (after,) = judged(before, [RULE]).values()
    assert after.status == status


def test_a_check_that_holds_names_the_row_to_change() -> None:
    after = judged(outcome("a.b", "ok"), [RULE])["a.b"]
    assert after.seen == "it holds: take it out of cluster-it in rules.yaml"


def test_rows_name_checks_and_what_they_see() -> None:
    rules.load()
    for rule in load_rules():
        assert set(rule.fails_in_cluster) <= set(REGISTRY), rule.rule_id
        assert bool(rule.fails_in_cluster) is bool(rule.seen_in_cluster), rule.rule_id
        assert not rule.fails_in_cluster or rule.status == "deviates", rule.rule_id


def test_what_is_left_of_a_cluster_is_ended_by_its_pids() -> None:
    assert [one or other for one, other in _PIDS.findall(OUTPUT)] == ["16948", "949", "16940"]
