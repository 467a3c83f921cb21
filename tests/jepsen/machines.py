"""What all clusters here have alike: namespaces by default, slow disks and shifted clocks."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from load_generator.verifying import machines
from load_generator.verifying.machines import PORT, STREAM_PORT, MakeNetwork
from tests.jepsen.namespaces import Network

DELAY_SOURCE: Final = Path(__file__).with_name("slow_disk.c")

__all__ = ["PORT", "STREAM_PORT", "Machines", "MakeNetwork", "build_delay"]


class Machines(machines.Machines):
    """Nodes and stores, each with an address and a folder of its own."""

    def __init__(
        self, folder: Path, node_count: int, store_count: int = 0, network: MakeNetwork = Network
    ) -> None:
        super().__init__(folder, node_count, store_count, network)

    def slow_disk(self, node: str, delay_ms: int) -> None:
        """The library that ``build_delay`` made reads the number at every sync."""
        (self.place(node) / "delay").write_text(f"{delay_ms}\n", encoding="utf-8")

    def shift_clock(self, node: str, shift_ms: int) -> None:
        (self.place(node) / "shift").write_text(f"{shift_ms}\n", encoding="utf-8")


def build_delay(folder: Path) -> Path | None:
    """Compile the library that delays syncs and shifts clocks; None: there is no compiler."""
    if shutil.which("gcc") is None:
        return None
    library = folder / "slow_disk.so"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library)]
    subprocess.run(["gcc", *options, str(DELAY_SOURCE), "-ldl"], check=True)
    return library
