"""``python -m command_line``: the reference of the commands, as the page docs/cli-commands.md."""

import sys

from command_line.reference import reference

sys.stdout.write(reference())
