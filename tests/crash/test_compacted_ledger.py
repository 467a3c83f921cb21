"""The checker of compacted streams notices what it says."""

from tests.crash.compacted_ledger import KEYS, CompactedLedger
from tests.crash.history import Value
from tests.crash.stream_ledger import body_of


def ledger_with(count: int) -> tuple[CompactedLedger, list[Value]]:
    ledger = CompactedLedger("s")
    publisher = ledger.new_publisher()
    values = [ledger.publish(publisher) for _ in range(count)]
    for value in values:
        ledger.confirm(value)
    return ledger, values


def read(ledger: CompactedLedger, values: list[Value], offsets: range) -> None:
    ledger.begin_judging()
    for offset in offsets:
        ledger.read(offset, body_of(values[offset], 10))
    ledger.judge(offsets)


def test_older_messages_of_a_key_may_be_gone_and_come_back() -> None:
    ledger, values = ledger_with(3 * KEYS)
    for start in (0, 2 * KEYS, KEYS):
        read(ledger, values, range(start, 3 * KEYS))
    assert ledger.wrong == []


def test_the_last_message_of_a_key_is_missed() -> None:
    ledger, values = ledger_with(3 * KEYS)
    read(ledger, values, range(3 * KEYS))
    read(ledger, values, range(2 * KEYS + 1, 3 * KEYS))
    assert "the last of key 1, is gone" in ledger.wrong[0]


def test_a_confirmed_message_is_missed() -> None:
    ledger, values = ledger_with(3 * KEYS)
    read(ledger, values, range(2 * KEYS))
    assert "is lost" in ledger.wrong[0]


def test_another_content_is_noticed() -> None:
    ledger, values = ledger_with(KEYS)
    read(ledger, values, range(KEYS))
    ledger.read(0, body_of(values[1], 10))
    assert "was" in ledger.wrong[0]
