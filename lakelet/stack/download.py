"""Fetch one pinned file: resumed where a killed download stopped, and whole and checked or not there at all."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lakelet.stack.pins import Artifact
from lakelet.workspace.errors import InstallError

AGAIN = "run `lakelet install` again, and it goes on where it stopped"
CHUNK = 1 << 18
TIMEOUT_SECONDS = 60


class Cancelled(Exception):
    """The installation was told to stop (Ctrl-C, or another part failed)."""


class _BrokenError(Exception):
    """The network failed us, not the disk; both raise ``OSError``. The cause says how."""


def fetch(
    artifact: Artifact,
    folder: Path,
    advance: Callable[[int], None],
    cancelled: threading.Event,
    remotes: Sequence[str] | None = None,
) -> Path:
    """The artifact as a file in ``folder``, downloaded unless it is there; its sha256 is right.

    ``advance`` is told the bytes as they come. ``remotes`` are the base URLs of Maven repositories, by default the one
    that jgo knows. Raises :class:`~lakelet.workspace.errors.InstallError` (no network, wrong checksum, full disk) and
    :class:`Cancelled`.
    """
    target = folder / artifact.filename
    if target.exists():
        advance(artifact.size)
        return target
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{artifact.filename}.part"
    with disk_errors(folder):
        resumed = draft.exists()
        _download(artifact, draft, advance, cancelled, remotes)
        if resumed and sha256(draft) != artifact.sha256:  # what an earlier attempt left was already damaged
            advance(-draft.stat().st_size)
            draft.unlink()
            _download(artifact, draft, advance, cancelled, remotes)
        if (found := sha256(draft)) != artifact.sha256:
            draft.unlink()
            raise InstallError(
                f"{artifact.filename} arrived with the wrong checksum (sha256 {found[:12]}…, expected "
                f"{artifact.sha256[:12]}…) and was thrown away: check your network, and {AGAIN}."
            )
        os.replace(draft, target)
    return target


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Say in one sentence that the disk is full, or that the folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(folder).free // 1_000_000
            raise InstallError(
                f"The disk of {folder} is full ({free} MB free): free some space and {AGAIN}."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise InstallError(
                f"{folder} cannot be written ({error.strerror}): set LAKELET_CACHE to a folder of yours, and {AGAIN}."
            ) from error
        raise


def _download(
    artifact: Artifact,
    draft: Path,
    advance: Callable[[int], None],
    cancelled: threading.Event,
    remotes: Sequence[str] | None,
) -> None:
    done = draft.stat().st_size if draft.exists() else 0
    if done > artifact.size:
        draft.unlink()
        done = 0
    advance(done)
    problem: BaseException | None = None
    for remote in remotes if remotes is not None else _remotes():
        if done == artifact.size:
            return
        request = urllib.request.Request(f"{remote}/{_path(artifact)}", headers={"Range": f"bytes={done}-"})  # noqa: S310
        try:
            with _network():
                opened = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
            with opened as response, open(draft, "ab") as file:
                if response.status != http.client.PARTIAL_CONTENT:  # a server without ranges sends it all again
                    file.truncate(0)
                    advance(-done)
                    done = 0
                while done < artifact.size and (chunk := _read(response)):
                    if cancelled.is_set():
                        raise Cancelled
                    file.write(chunk)
                    done += len(chunk)
                    advance(len(chunk))
        except _BrokenError as error:
            problem = error.__cause__
    if done != artifact.size:
        reason = getattr(problem, "reason", None) or problem or "the connection closed early"
        raise InstallError(f"{artifact.filename} could not be downloaded ({reason}): check the network and {AGAIN}.")


@contextmanager
def _network() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:  # URLError, TimeoutError and TLS's errors are OSErrors
        raise _BrokenError from error


def _read(response: http.client.HTTPResponse) -> bytes:
    with _network():
        return response.read(CHUNK)


def _remotes() -> list[str]:
    from jgo.maven import MavenContext

    return [str(url) for url in MavenContext().remote_repos.values()]


def _path(artifact: Artifact) -> str:
    """Where a Maven repository keeps it: ``group/with/slashes/artifact/version/file``."""
    group, name, version = artifact.coordinates.split(":")
    return "/".join((group.replace(".", "/"), name, version, artifact.filename))
