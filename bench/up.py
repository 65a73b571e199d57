"""What `lakelet up` costs beside what it must: the slowest component alone, or all their CPU seconds on all cores.

    python -m bench.up [--repeat 3] [--output json]

Every start is in a fresh state folder, on free ports, beside whatever else this machine does. Aim:
up to all-ready ÷ max(slowest component alone, CPU seconds ÷ cores) ≤ 1.3.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from lakelet.stack import operate
from lakelet.stack.component import Plan
from lakelet.stack.components import components, endpoints
from lakelet.stack.install import install
from lakelet.stack.leftovers import component_processes
from lakelet.stack.ports import default_ports
from lakelet.stack.record import read_record
from lakelet.workspace.paths import REPOSITORY, STATE_VARIABLE, Workspace

AIM = 1.3


@contextmanager
def fresh() -> Iterator[Workspace]:
    """A workspace in a folder of its own, whose stack is ended with the block."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STATE_VARIABLE] = str(Path(folder) / ".lakelet")
        workspace = Workspace(REPOSITORY, Path(os.environ[STATE_VARIABLE])).prepare()
        try:
            yield workspace
        finally:
            operate.stop(workspace)


def needed() -> dict[str, list[str]]:
    """Every component, with what must run before it."""
    with fresh() as workspace:
        ports = default_ports(workspace)
        workspace.write_endpoints(endpoints(workspace, ports))
        return {component.name: list(component.after) for component in components(Plan(workspace, ports))}


def start(only: Sequence[str] = ()) -> tuple[float, dict[str, float], float]:
    """Start a stack: seconds until all was ready, seconds of each component, and the CPU seconds it took."""
    with fresh() as workspace:
        began = time.monotonic()
        operate.start(workspace, only)
        seconds = time.monotonic() - began
        spent = 0.0
        for identity in component_processes(workspace):
            times = psutil.Process(identity.pid).cpu_times()
            spent += times.user + times.system
        record = read_record(workspace)
        each = {c.name: c.ready_seconds or 0.0 for c in record.components} if record else {}
        return seconds, each, spent


def measure(repeat: int) -> dict[str, object]:
    """The median of ``repeat`` starts of the whole stack, and of each component alone."""
    install(Workspace.find())
    start()  # the first one warms the page cache, and does not count
    alone: dict[str, list[float]] = {}
    whole, spent = [], []
    for _ in range(repeat):
        seconds, _, cpu = start()
        whole.append(seconds)
        spent.append(cpu)
        for name, before in needed().items():
            alone.setdefault(name, []).append(start([*before, name])[1][name])
    slowest = {name: round(statistics.median(values), 2) for name, values in alone.items()}
    cores = len(os.sched_getaffinity(0))
    up, cpu_seconds = statistics.median(whole), statistics.median(spent)
    floor = max(*slowest.values(), cpu_seconds / cores)
    return {
        "up_seconds": round(up, 2),
        "alone_seconds": slowest,
        "cpu_seconds": round(cpu_seconds, 2),
        "cores": cores,
        "floor_seconds": round(floor, 2),
        "ratio": round(up / floor, 2),
        "aim": AIM,
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Measure and print; the exit code is 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    result = measure(options.repeat)
    if options.output == "json":
        print(json.dumps(result, indent=1))
    else:
        for name, value in result.items():
            print(f"{name:16} {value}")
    return 0 if float(str(result["ratio"])) <= AIM else 1


if __name__ == "__main__":
    raise SystemExit(main())
