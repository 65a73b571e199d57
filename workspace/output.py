"""What a run's driver may write to its logs: the beginning up to a cap, and the end; what lies between is dropped.

The driver appends to the files itself, so nothing here can block or fail it: what it has written beyond the cap is cut
off from time to time, and once it has ended a line says how much is missing, followed by the last that it said.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "LAKELET_RUN_OUTPUT_MB"  # the setting run_output_mb, in the environment of shims
LOGS = ("stdout.log", "stderr.log")
LAST_BYTES = 65_536  # of a log are kept beyond its cap: an exception stands at the end


class Output:
    """The logs in a run's folder. ``cap`` is in bytes, for each; 0 for none."""

    def __init__(self, folder: Path, cap: int) -> None:
        self._cap = cap
        self._dropped = dict.fromkeys((folder / name for name in LOGS), 0)
        self._last = dict.fromkeys(self._dropped, b"")

    @classmethod
    def of(cls, folder: Path) -> Output:
        """The logs of a run whose cap is in our environment."""
        return cls(folder, int(os.environ.get(VARIABLE, "0")) << 20)

    def trim(self) -> None:
        """Cut off what lies beyond the cap. A file that cannot be cut stays as it is."""
        for path in self._dropped:
            try:
                self._trim(path)
            except OSError:
                continue

    def _trim(self, path: Path) -> None:
        if not self._cap or path.stat().st_size <= self._cap:
            return
        with open(path, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            last = os.pread(file.fileno(), LAST_BYTES, max(self._cap, size - LAST_BYTES))
            size = os.fstat(file.fileno()).st_size  # what is written between this and the cut is not counted
            os.ftruncate(file.fileno(), self._cap)
        self._dropped[path] += size - self._cap
        self._last[path] = (self._last[path] + last)[-LAST_BYTES:]

    def close(self) -> None:
        """Cut for the last time, and say what is missing; for when nobody writes any more."""
        self.trim()
        for path, dropped in self._dropped.items():
            if not dropped:
                continue
            last = self._last[path]
            if dropped > len(last):
                last = last[last.find(b"\n") + 1 :]  # from the beginning of a line
            line = f"[Lakelet dropped at least {dropped - len(last):,} bytes here: run_output_mb is {self._cap >> 20}]"
            try:
                with open(path, "ab") as file:
                    file.write(f"\n{line}\n".encode() + last)
            except OSError:
                continue
