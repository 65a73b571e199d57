"""What the main job costs: seconds of every step, cold (empty cache) and warm, and the peak of resident memory.

    python -m bench.demo [--months 12] [--cold] [--output json]

Every run has a fresh state folder on free ports. Warm uses the user's cache of installed parts; ``--cold`` measures a
run with an empty cache first (it downloads and builds everything). Memory is the sum of the proportional set sizes of
all processes of the workspace, looked at every second. Aims on two quiet cores: warm under 120 s, cold under 480 s.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil

from lakelet.workspace.paths import REPOSITORY, STATE_VARIABLE

AIMS = {"cold": 480, "warm": 120}


class Memory:
    """The peak of what all processes of a workspace hold, in MiB, while the block runs."""

    def __init__(self, state: Path) -> None:
        self.peak_mb = 0
        self._state = str(state)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            self.peak_mb = max(self.peak_mb, sum(map(self._held, psutil.process_iter())) >> 20)

    def _held(self, process: psutil.Process) -> int:
        try:
            ours = process.environ().get(STATE_VARIABLE) == self._state
            return int(process.memory_full_info().pss) if ours else 0
        except psutil.Error:
            return 0


def measure(months: int, cache: Path | None) -> dict[str, Any]:
    """Run the demo as a person would, from an empty state folder; returns its own record, with the memory's peak."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / ".lakelet"
        environment = os.environ | {STATE_VARIABLE: str(state)} | ({"LAKELET_CACHE": str(cache)} if cache else {})
        lakelet = [str(Path(sys.executable).with_name("lakelet"))]
        try:
            with Memory(state) as memory:
                argv = [*lakelet, "demo", "--months", str(months), "--output", "json"]
                done = subprocess.run(argv, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True)
        finally:
            subprocess.run([*lakelet, "down"], env=environment, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
        record: dict[str, Any] = json.loads(done.stdout)
        return record | {"peak_mb": memory.peak_mb}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    measured = {}
    if options.cold:
        with tempfile.TemporaryDirectory() as cache:
            measured["cold"] = measure(options.months, Path(cache))
    measured["warm"] = measure(options.months, None)
    if options.output == "json":
        print(json.dumps(measured, indent=1))
        return
    names = ["install and up", *(step["name"] for step in measured["warm"]["steps"]), "in all", "peak memory"]
    print("| step | " + " | ".join(f"{kind} (aim {AIMS[kind]} s)" for kind in measured) + " |")
    print("|---|" + "---:|" * len(measured))
    columns = []
    for run in measured.values():
        seconds = [run["stack_seconds"], *(step["seconds"] for step in run["steps"]), run["seconds"]]
        columns.append([*(f"{value} s" for value in seconds), f"{run['peak_mb']} MiB"])
    for row in zip(names, *columns, strict=True):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
