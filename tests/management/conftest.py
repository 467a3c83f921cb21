"""The HTTP API of a broker in memory."""

from collections.abc import Iterator

import pytest

from tests.support.management_api import Api


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as made:
        yield made
