"""Sessions of these tests talk to a script."""

from collections.abc import Iterator

import pytest

from load_generator import session
from tests.support.scripted_broker import ScriptedBroker


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedBroker]:
    """The broker that every session of a test reaches, whatever its endpoint."""
    scripted = ScriptedBroker()
    monkeypatch.setattr(session, "connect", scripted.connect)
    # Nobody is there to say goodbye.
    monkeypatch.setattr(session, "GOODBYE_TIMEOUT_S", 0.001)
    yield scripted
    scripted.end()
