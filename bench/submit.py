"""What `lakelet jobs submit --wait` costs beside spark-submit: an empty Spark job, side by side, in one run.

    python -m bench.submit [--repeat 5] [--output json]

Needs a running stack with a warm driver (`warm_drivers`). The ways, in turn, on the same cluster with the same
configuration files and JVM flags: `lakelet jobs submit --wait` when a driver waits; the same when none may take the
run; Spark's own `bin/spark-submit`; and SparkSubmit's JVM started directly, which is the least that anyone could do
who starts one. Aim: submit without a warm driver ÷ spark-submit ≤ 1.1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lakelet.jobs import engines
from lakelet.jobs.spark import LIGHT_FLAGS, MODULE_FLAGS, archive_flags, spark_environment, spark_home, submit_argv
from lakelet.jobs.warm_driver import READY
from lakelet.workspace.environment import client_environment
from lakelet.workspace.paths import Workspace

AIM = 1.1
WARM, COLD = "jobs submit --wait, warm", "jobs submit --wait, cold"
EMPTY = "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().stop()\n"


def ways(workspace: Workspace, script: Path) -> dict[str, list[str]]:
    """The argv of each way to run the empty job."""
    heap = f"{workspace.settings.number('driver_memory_mb')}m"
    submit = submit_and_wait(script)
    return {
        WARM: submit,
        # A driver's memory is for a JVM that is still to start.
        COLD: [*submit, "--arg", f"--conf=spark.driver.memory={heap}"],
        "spark-submit": spark_submit(workspace, script),
        "SparkSubmit's JVM": submit_argv(workspace, script),
    }


def spark_submit(workspace: Workspace, script: Path) -> list[str]:
    """Spark's own launcher with our configuration, and with the flags that our drivers have."""
    flags = " ".join([*LIGHT_FLAGS, *archive_flags(workspace), *MODULE_FLAGS])
    return [*launcher(workspace), "--driver-java-options", flags, str(script)]


def launcher(workspace: Workspace) -> list[str]:
    """Spark's own launcher, told the memory that our drivers have."""
    memory = f"{workspace.settings.number('driver_memory_mb')}m"
    return [str(spark_home() / "bin" / "spark-submit"), "--driver-memory", memory]


def submit_and_wait(script: Path) -> list[str]:
    """The argv of `lakelet jobs submit --wait` on Spark."""
    lakelet = str(Path(sys.executable).parent / "lakelet")
    return [lakelet, "jobs", "submit", str(script), "--wait", "--engine", engines.SPARK]


def eventually_ready(workspace: Workspace) -> None:
    """Wait until a Spark driver waits, and is ready."""
    eventually(lambda: any((workspace.state / "warm").glob(f"*/{READY}")), "no warm driver: is warm_drivers 0?")


def eventually(condition: Callable[[], bool], complaint: str) -> None:
    """Wait until that is so. Raises SystemExit with the complaint after two minutes."""
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(complaint)
        time.sleep(0.1)


def measure(workspace: Workspace, repeat: int) -> dict[str, list[float]]:
    """Seconds of each way, ``repeat`` times in turn."""
    env = {**os.environ, **workspace.environment, **client_environment(workspace), **spark_environment(workspace)}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bench_empty.py"
        script.write_text(EMPTY)
        commands = ways(workspace, script)
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for round_ in range(repeat + 1):  # the first round warms the page cache and does not count
            turn = list(commands.items())
            for name, argv in turn[round_ % len(turn) :] + turn[: round_ % len(turn)]:  # nobody always follows the same
                # Nobody is measured while the next driver gets ready beside him.
                eventually_ready(workspace)
                began = time.perf_counter()
                done = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr[-4000:]}")
                if round_:
                    seconds[name].append(time.perf_counter() - began)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    seconds = measure(Workspace.find(), options.repeat)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ours = medians[COLD]
    if options.output == "json":
        print(json.dumps({"seconds": seconds, "ratio": ours / medians["spark-submit"], "aim": AIM}, indent=1))
        return
    print(f"{'an empty Spark job':28} {'median s':>9} {'min s':>7} {'max s':>7} {'÷ spark-submit':>15}")
    for name, times in seconds.items():
        ratio = medians[name] / medians["spark-submit"]
        print(f"{name:28} {medians[name]:9.2f} {min(times):7.2f} {max(times):7.2f} {ratio:15.2f}")
    print(f"aim: cold ÷ spark-submit ≤ {AIM}")


if __name__ == "__main__":
    main()
