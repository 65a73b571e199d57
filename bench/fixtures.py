"""What a fixture of a job takes in `lakelet jobs test`, from emptying the stack to the rows that came out.

    python -m bench.fixtures [--cases 8] [--output json]

A new project (`lakelet init`), whose job orders_silver has the same fixture so many times. The stack is one of its
own, which the command starts and throws away. Aim: each case in less than a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

AIM_SECONDS = 1.0
FIXTURES = Path("jobs", "library", "orders_silver", "fixtures")


def measure(cases: int) -> list[dict[str, Any]]:
    """What `lakelet jobs test --output json` says of each case."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LAKELET_", "AWS_"))}
    env |= {name: os.environ[name] for name in ("LAKELET_CACHE",) if name in os.environ}
    lakelet = str(Path(sys.executable).parent / "lakelet")
    with tempfile.TemporaryDirectory() as name:
        project = Path(name) / "shop"
        subprocess.run([lakelet, "init", str(project)], env=env, check=True, capture_output=True)
        first = next(one for one in (project / FIXTURES).iterdir() if one.is_dir())
        for number in range(1, cases):
            shutil.copytree(first, first.with_name(f"{first.name}_{number:02}"))
        argv = [lakelet, "--project", str(project), "jobs", "test", "--output", "json"]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`lakelet jobs test` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    found = measure(options.cases)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    for one in found:
        print(f"{one['case']:50} {one['result']} {one['seconds']:6.2f} s")
    seconds = [one["seconds"] for one in found]
    print(f"median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s (aim: {AIM_SECONDS:.0f} s each)")


if __name__ == "__main__":
    main()
