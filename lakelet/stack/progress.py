"""How an installation is shown: a bar per part on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakelet.stack.parts import Part


class Progress:
    """Plain lines on stderr: what is installed, what it is doing, how long it took. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}

    def begin(self, part: Part) -> None:
        """The part's installation starts."""
        self._began[part.name] = time.monotonic()
        self._say(f"{part.title} {part.version}: started")

    def advance(self, part: Part, steps: int) -> None:
        """Some bytes (or compiled packages) more; negative when work has to be done again."""

    def phase(self, part: Part, text: str) -> None:
        """What the part is doing now: ``waiting for another install``, ``building``, …"""
        self._say(f"{part.title}: {text} ({time.monotonic() - self._began[part.name]:.0f} s)")

    def done(self, part: Part) -> None:
        """The part is complete."""
        self._say(f"{part.title}: installed in {time.monotonic() - self._began[part.name]:.0f} s")

    def _say(self, text: str) -> None:
        with self._lock:
            print(text, file=sys.stderr, flush=True)


class Bars(Progress):
    """A bar per part, with rich."""

    def __init__(self, bars: Any, parts: Sequence[Part]) -> None:
        super().__init__()
        self._bars = bars
        self._tasks = {part.name: bars.add_task(part.title, total=part.steps, phase="waiting") for part in parts}

    def begin(self, part: Part) -> None:
        self._bars.update(self._tasks[part.name], phase=part.version[:12])

    def advance(self, part: Part, steps: int) -> None:
        self._bars.advance(self._tasks[part.name], steps)

    def phase(self, part: Part, text: str) -> None:
        self._bars.update(self._tasks[part.name], phase=text)

    def done(self, part: Part) -> None:
        self._bars.update(self._tasks[part.name], phase="installed", completed=part.steps)


@contextmanager
def shown(parts: Sequence[Part], root: Path) -> Iterator[Progress]:
    """Say what these parts will take, then show their installation into ``root`` while the block runs."""
    print(f"Installing into {root}, once for all clones:", file=sys.stderr)
    for part in parts:
        sizes = f"{part.download / 1e6:4.0f} MB to download, {part.disk / 1e6:4.0f} MB on disk"
        print(f"  {part.title:22} {sizes}", file=sys.stderr, flush=True)
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description:22}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[phase]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bars:
        yield Bars(bars, parts)
