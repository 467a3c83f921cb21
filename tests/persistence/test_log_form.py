"""Forms of log: their numbers are on disk."""

from persistence.log_form import LogForm


def test_the_numbers_stay() -> None:
    assert {form.name: form.value for form in LogForm} == {
        "QUEUE": 0,
        "STREAM": 1,
        "MIRRORED": 2,
    }
