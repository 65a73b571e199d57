"""From Sail to Spark in the middle of a run: what Sail cannot do, Spark does, if the script has done nothing yet.

A run that ``auto`` sent to Sail finds in its folder how it would be started on Spark. When its script ends with an
error of Sail's, and nothing was written, sent or printed before (:mod:`lakelet.workspace.effects`), the driver becomes
that program: same process, same logs, same run. It waits for cores as every application of the cluster does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakelet.etl import refusals
from lakelet.etl.dqdl import history
from lakelet.jobs import engines
from lakelet.workspace import effects
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RUN_VARIABLE
from lakelet.workspace.secrets import known_secrets, redact

_FILE = "on-spark.json"
_OF_SAIL = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "AWS_ENDPOINT", "AWS_ALLOW_HTTP", "RUST_LOG")


def offer(folder: Path, argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Leave in a run's folder how it would be started on Spark. Nothing secret is in it."""
    write_atomic(folder / _FILE, json.dumps({"argv": list(argv), "env": dict(env)}).encode())


def prepare() -> None:
    """Watch what the script does, if there is an offer."""
    if _offered() is not None:
        effects.watch()


def take(error: BaseException) -> None:
    """Go on as the program on Spark, if it was offered and the script has done nothing; else return."""
    folder = _offered()
    if folder is None:
        return
    if done := effects.happened():
        print(f"Not run again on Spark: the script has {done} already.", file=sys.stderr)
        return
    start = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    said = redact(str(error).partition("\n")[0].rstrip("."), known_secrets(Workspace.find()))
    reason = f"Sail could not: {said}; the script had done nothing yet"
    refusals.forget(folder)
    history.forget()
    engines.note(folder, engines.Choice(engines.SPARK, reason))
    print(f"Started again on Spark: {reason}.", file=sys.stderr, flush=True)
    env = {name: value for name, value in os.environ.items() if name not in _OF_SAIL}
    os.chdir(folder / "work")
    os.execve(start["argv"][0], start["argv"], {**env, **start["env"]})  # noqa: S606 - no shell is wanted


def _offered() -> Path | None:
    """The folder of a run that may go to Spark."""
    run_id = os.environ.get(RUN_VARIABLE)
    folder = Workspace.find().runs / run_id if run_id else None
    return folder if folder is not None and (folder / _FILE).exists() else None
