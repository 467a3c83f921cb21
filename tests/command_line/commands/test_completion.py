"""``haremq completion``."""

import os
import shutil
import subprocess
import sys

import pytest

from command_line.commands.completion import SHELLS, VARIABLE
from tests.support.typed_commands import Typed


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_gets_its_script(typed: Typed, shell: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("no bash")
    said = typed("completion", shell)
    assert (said.status, VARIABLE in said.err) == (0, True)


def test_commands_are_completed() -> None:
    environ = {
        **os.environ,
        VARIABLE: "bash_complete",
        "COMP_WORDS": "haremq que",
        "COMP_CWORD": "1",
    }
    program = "from amqp_server.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "plain,queues\n"
