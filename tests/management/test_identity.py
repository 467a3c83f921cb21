"""What the node says of itself."""

import platform

from management.identity import Identity


def test_the_language_takes_the_place_of_erlang() -> None:
    identity = Identity("rabbit@h", "c", "3.13.7", "HareMQ", "0.1")
    assert identity.runtime == platform.python_version()
    assert platform.python_version() in identity.runtime_text
