"""A concern in words, and the order of several."""

from management.attention.concern import BAD, QUEUE, WARN, Concern, per_second, worst_first


def concern(severity: str = BAD, weight: float = 1.0, name: str = "q", vhost: str = "/") -> Concern:
    assert severity in {BAD, WARN}
    word = BAD if severity == BAD else WARN
    return Concern(word, QUEUE, vhost, name, "grows", "grows", "1 ready", weight, 5)


def test_the_worst_come_first() -> None:
    light, heavy, warning = concern(), concern(weight=9.0), concern(WARN, weight=99.0)
    assert sorted([warning, light, heavy], key=worst_first) == [heavy, light, warning]


def test_it_is_shown_in_the_time_of_day() -> None:
    assert concern().body(1_000) == {
        "severity": "bad",
        "kind": "queue",
        "vhost": "/",
        "name": "q",
        "rule": "grows",
        "text": "grows",
        "amount": "1 ready",
        "since": 1_005,
    }
    assert "vhost" not in concern(vhost="").body(0)


def test_a_slow_rate_has_a_digit_more() -> None:
    assert [per_second(1234.4), per_second(0.42)] == ["1,234/s", "0.4/s"]
