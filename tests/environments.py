"""Virtual environments of the clients that cannot, or should not, share Lakelet's own pins.

Each is made once per machine, from ``requirements/clients/<client>.lock``, in the per-user cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from lakelet.workspace.paths import REPOSITORY, Workspace

LOCKS = REPOSITORY / "requirements" / "clients"
PIP = (
    "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
    "--only-binary=:all:", "--no-compile",
)  # fmt: skip
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE")


def client_python(name: str) -> Path:
    """The interpreter of the client's environment, which is made if this machine has none of this lock yet.

    Of test runs that start at once one makes it, and the others wait; one that was killed leaves a draft, which the
    next replaces. Environments of the client's earlier locks are dropped.
    """
    lock = LOCKS / f"{name}.lock"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(lock.read_bytes() + version.encode() + sys.base_prefix.encode()).hexdigest()[:16]
    root = Workspace.find().cache.root
    folder, ready = root / "clients" / f"{name}-{digest}", "ready"
    locks = root / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / f"client-{name}", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (folder / ready).exists():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True, symlinks=True)
            made = subprocess.run(
                [folder / "bin" / "python", *PIP, "-r", lock], capture_output=True, text=True, timeout=600, check=False
            )
            if made.returncode:
                pytest.fail(f"the environment of {name} could not be made: {made.stderr[-2000:]}")
            (folder / ready).touch()
            for old in folder.parent.glob(f"{name}-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    return folder / "bin" / "python"


def run_client(name: str, script: Path, variables: dict[str, str], folder: Path) -> str:
    """Run a script in the client's environment, in ``folder``, with nothing set but ``variables``; its output.

    The test fails with what the script said, when it fails.
    """
    python = client_python(name)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    for foreign in FOREIGN:
        environment.pop(foreign, None)
    environment |= {"HOME": str(folder), "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [python, script], env=environment | variables, cwd=folder, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script.name} failed:\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
    return done.stdout
