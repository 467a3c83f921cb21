"""Numbers for as long as a day: exact for ten minutes, coarser before."""

from management.samples.spans import Spans

DAY_LOOKS = 86_400 // 5


def test_a_day_is_kept_in_little() -> None:
    spans = Spans(1)
    for look in range(DAY_LOOKS + 1):
        spans.note(look * 5_000, (look,))
    now_ms = DAY_LOOKS * 5_000
    assert spans.last == (DAY_LOOKS,)
    assert spans.at(0, now_ms - 600_000) == DAY_LOOKS - 120
    for age_s, step_s in ((3_600, 60), (28_800, 600), (86_400, 1_800)):
        exact = DAY_LOOKS - age_s // 5
        assert exact - step_s // 5 <= spans.at(0, now_ms - age_s * 1_000) <= exact
    assert sum(history.points_count for history in spans._histories) < 500
