"""What the node says of itself."""

import os
import platform

from management.identity import Identity


def test_the_language_takes_the_place_of_erlang() -> None:
    identity = Identity("rabbit@h", "c", "3.13.7", "HareMQ", "0.1")
    assert identity.runtime == platform.python_version()
    assert platform.python_version() in identity.runtime_text


def test_the_process_and_the_machine() -> None:
    identity = Identity("rabbit@h", "c", "3.13.7", "HareMQ", "0.1")
    assert identity.pid == os.getpid()
    assert identity.processors >= 1
    assert "SSL" in identity.crypto
