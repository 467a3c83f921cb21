"""The table of limits in docs/OPERATIONS.md: each figure is a constant's, each name a setting's."""

import re
from pathlib import Path

from amqp_server.broker import congestion, plan_memory, reply_consumers, wide_routes
from amqp_server.broker.access import login_delays
from amqp_server.broker.access.patterns import compile_pattern, was_found
from amqp_server.broker.limits import USER_LIMITS, VHOST_LIMITS
from amqp_server.broker.moves import confirmed
from amqp_server.broker.policies.rules import OPERATOR_KEYS
from amqp_server.net import log_flood
from amqp_server.net.descriptors import Descriptors
from amqp_server.protocol import overlapping, publishing
from amqp_server.settings.schema import all_keys
from exchanges import route_cache, route_changes
from tests.style.tree import text_of

MIB = 1 << 20
TABLE = re.compile(r"^\| what a peer fills \|.*\n\|---.*\n((?:\|.*\n)+)", re.MULTILINE)
FIGURE = re.compile(r"\b(\d[\d,]*)( MiB)?\b")
NAME = re.compile(r"`([^`]+)`")

CONSTANTS = {
    "dead letters on their way, at least once": (confirmed.OPEN_MAX,),
    "dead letters that publishes push out of full queues": (congestion.BROUGHT_ABOUT_MAX,),
    "direct replies that are not read": (
        reply_consumers.UNREAD_BYTES_MAX,
        reply_consumers.UNREAD_NODE_BYTES_MAX,
    ),
    "kinds of publish remembered": (publishing.PLANS_MAX, plan_memory.PLANS_OF_NODE_MAX),
    "routes remembered": (
        route_cache.CAPACITY,
        route_changes.CHANGES_MAX,
        wide_routes.WIDE_NAMES_MAX,
    ),
    "patterns compiled, and their answers": (
        compile_pattern.cache_info().maxsize,
        was_found.cache_info().maxsize,
    ),
    "failed logins remembered, refusals that wait": (
        login_delays.HELD_PER_ADDRESS_MAX,
        login_delays.REMEMBERED_MAX,
    ),
    "requests and messages that wait for another node or the store, and what follows them on their"
    " channels": (overlapping.ALL_GATHERED_BYTES_MAX, overlapping.SMALL_BYTES),
    "kinds of log lines counted apart": (log_flood.KINDS_MAX,),
}
"""Of each row with figures the constants that they are, in their order."""


def rows_of(text: str) -> dict[str, str]:
    """Return the limits of each row, by what is limited."""
    (body,) = TABLE.findall(text)
    rows = (line.strip("| ").split(" | ", 1) for line in body.splitlines())
    return {what.strip(): limits for what, limits in rows}


def figures_in(limits: str) -> tuple[int, ...]:
    """Return the numbers of a row, octets where it says MiB."""
    return tuple(
        int(number.replace(",", "")) * (MIB if unit else 1)
        for number, unit in FIGURE.findall(NAME.sub("", limits))
    )


ROWS = rows_of(text_of(Path("docs/OPERATIONS.md")))


def test_each_figure_is_the_constant_that_holds() -> None:
    assert {what: found for what, limits in ROWS.items() if (found := figures_in(limits))} == (
        CONSTANTS
    )


def test_each_name_is_a_setting_a_policy_key_or_a_share_of_the_descriptors() -> None:
    known = {key.path for key in all_keys()} | set(Descriptors._fields)
    known |= {*OPERATOR_KEYS, *USER_LIMITS, *VHOST_LIMITS}
    named = {name for limits in ROWS.values() for name in NAME.findall(limits)}
    assert len(named) > 10
    assert sorted(named - known) == []


def test_each_row_says_what_limits_it() -> None:
    assert [what for what, limits in ROWS.items() if not re.search(r"\w", limits)] == []


def test_what_the_table_gets_wrong_is_seen() -> None:
    text = "| what a peer fills | one | node |\n|---|---|---|\n| a | 16 MiB `b.c` | 1,024 |\n"
    rows = rows_of(text)
    assert rows == {"a": "16 MiB `b.c` | 1,024"}
    assert figures_in(rows["a"]) == (16 * MIB, 1024)
