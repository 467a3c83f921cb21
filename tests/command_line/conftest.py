"""A node in memory, and a user who types commands."""

from collections.abc import Iterator

import pytest

from tests.support.typed_commands import Typed


@pytest.fixture
def typed() -> Iterator[Typed]:
    with Typed() as typed:
        yield typed
