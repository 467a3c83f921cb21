"""What tags mean."""

import pytest

from management.access.account import account_of


@pytest.mark.parametrize(
    ("tag", "means"),
    [
        ("administrator", "user policymaker monitor administrator"),
        ("monitoring", "user monitor"),
        ("policymaker", "user policymaker"),
        ("management", "user"),
        ("impersonator", ""),
        ("Administrator", ""),
    ],
)
def test_tags(tag: str, means: str) -> None:
    account = account_of("eve", {tag, "other"})
    kinds = ("user", "policymaker", "monitor", "administrator")
    assert [kind for kind in kinds if getattr(account, f"is_{kind}")] == means.split()
