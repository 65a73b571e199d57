"""`lakelet install`: bring the parts into the cache, in parallel, each one whole or not there.

A part is made in a working folder, renamed into place, and then marked with a digest of what it is. So an installation
may be killed at any point and run twice at once (a file lock per part), and a complete one costs a few `stat` calls.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lakelet.stack.class_archive import make_archive
from lakelet.stack.download import Cancelled, disk_errors, fetch, sha256
from lakelet.stack.go_build import build_minio
from lakelet.stack.java import copy_jdk
from lakelet.stack.markers import installed, marker_path, read_marker, write_marker
from lakelet.stack.parts import Part, parts
from lakelet.stack.progress import Progress, shown
from lakelet.stack.scala_build import build_plugin, compile_scala
from lakelet.workspace.errors import InstallError
from lakelet.workspace.paths import Workspace

POLL_SECONDS = 0.2


class Job:
    """One part being installed: its working folder, its progress, and whether to give up."""

    def __init__(self, part: Part, workspace: Workspace, progress: Progress, cancelled: threading.Event) -> None:
        self.part = part
        self.workspace = workspace
        self.known = parts(workspace)
        # Kept between tries: what was downloaded or compiled stays.
        self.work = workspace.cache.root / "work" / part.name
        self.draft = self.work / "draft"  # becomes the part
        self.cancelled = cancelled
        self.progress = progress
        self.remotes: Sequence[str] | None = None

    def advance(self, steps: int) -> None:
        """Tell the progress bar, and stop here when told to."""
        if self.cancelled.is_set():
            raise Cancelled
        self.progress.advance(self.part, steps)

    def fetched(self) -> Iterator[Path]:
        """The part's artifacts, downloaded one after the other."""
        for artifact in self.part.artifacts:
            yield fetch(artifact, self.work / "downloads", self.advance, self.cancelled, self.remotes)


class Installation:
    """The ``parts`` that are being installed, each in a thread of its own."""

    def __init__(self, installing: Mapping[Part, Future[None]]) -> None:
        self.parts = list(installing)
        self._installing = installing

    def wait(self, but: Collection[str] = ()) -> None:
        """Wait until every part is there, but for those of these names.

        Raises what went wrong with any part, an :class:`~lakelet.workspace.errors.InstallError`.
        """
        pending = {future for part, future in self._installing.items() if part.name not in but}
        while pending:
            self.check()
            pending = wait(pending, POLL_SECONDS).not_done
        self.check()

    def check(self) -> None:
        """Raise what went wrong with a part, if anything did."""
        for future in self._installing.values():
            if future.done():
                future.result()


@contextmanager
def installing(workspace: Workspace, remotes: Sequence[str] | None = None) -> Iterator[Installation]:
    """Install what is missing while the block runs; what is not complete at its end is given up.

    ``remotes`` replaces the Maven repositories, for tests. When nothing is missing, no network is used.
    """
    root = workspace.cache.root
    missing = [part for part in parts(workspace) if not installed(root, part)]
    if not missing:
        yield Installation({})
        return
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    _check_space(root, missing)
    cancelled = threading.Event()
    with shown(missing, root) as progress, ThreadPoolExecutor(len(missing)) as pool:
        jobs = [Job(part, workspace, progress, cancelled) for part in missing]
        for job in jobs:
            job.remotes = remotes
        try:
            yield Installation({job.part: pool.submit(_install, job, root) for job in jobs})
        finally:
            cancelled.set()  # after an error, or Ctrl-C, the others stop; when all are done it says nothing


def install(workspace: Workspace, remotes: Sequence[str] | None = None) -> list[Part]:
    """Install what is missing, and return it; when nothing is, no network is used.

    ``remotes`` replaces the Maven repositories, for tests. Raises :class:`~lakelet.workspace.errors.InstallError`.
    """
    with installing(workspace, remotes) as installation:
        installation.wait()
    return installation.parts


def check(workspace: Workspace) -> Mapping[str, str]:
    """The state of each part by name: ``installed``, ``missing``, or ``damaged`` (another checksum than recorded)."""
    root, found = workspace.cache.root, {}
    for part in parts(workspace):
        found[part.name] = "installed" if installed(root, part) else "missing"
        marker = read_marker(root, part.name)
        if part.target.is_file() and marker and marker.get("sha256") != sha256(part.target):
            found[part.name] = "damaged"
    return found


def repair(workspace: Workspace) -> list[str]:
    """Forget the damaged parts, so that the next install makes them again; returns their names."""
    damaged = [name for name, state in check(workspace).items() if state == "damaged"]
    # What a damaged part was used to make is made again, too.
    again = [part.name for part in parts(workspace) if set(part.after) & set(damaged)]
    for name in (*damaged, *again):
        marker_path(workspace.cache.root, name).unlink(missing_ok=True)
    return damaged


def _install(job: Job, root: Path) -> None:
    part = job.part
    job.progress.begin(part)
    with disk_errors(root), _locked(root / "locks" / part.name, job):
        if installed(root, part):  # another install was faster
            job.progress.done(part)
            return
        marker_path(root, part.name).unlink(missing_ok=True)
        _remove(job.draft)
        job.work.mkdir(parents=True, exist_ok=True)
        _await(job, root)
        MAKERS[part.name.split("-")[0] if part.name.startswith("classes-") else part.name](job)
        _remove(part.target)
        part.target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(job.draft, part.target)
        write_marker(root, part)
        job.progress.done(part)
        _remove(job.work)


def _await(job: Job, root: Path) -> None:
    """Wait for the parts that this one is made with; another thread, or another install, brings them."""
    needed = [part for part in job.known if part.name in job.part.after]
    while not all(installed(root, part) for part in needed):
        if job.cancelled.wait(POLL_SECONDS):
            raise Cancelled


def _make_java(job: Job) -> None:
    copy_jdk(job.draft, job.advance)


def _make_jars(job: Job) -> None:
    job.draft.mkdir()
    for path in job.fetched():
        shutil.copyfile(path, job.draft / path.name)
    if job.part.sources:
        phase = partial(job.progress.phase, job.part)
        compile_scala(job.workspace, job.part.sources, job.work, job.draft, phase, job.cancelled)


def _make_opensearch(job: Job) -> None:
    (path,) = job.fetched()
    job.progress.phase(job.part, "unpacking")
    unpacked = job.work / "unpacked"
    _remove(unpacked)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            job.advance(0)
            archive.extract(member, unpacked)
    (home,) = unpacked.iterdir()
    os.replace(home, job.draft)


def _make_opensearch_plugins(job: Job) -> None:
    phase = partial(job.progress.phase, job.part)
    build_plugin(job.workspace, job.part.version, job.work, job.draft, phase, job.cancelled)


def _make_minio(job: Job) -> None:
    build_minio(job.work, job.draft, job.advance, partial(job.progress.phase, job.part), job.cancelled)


def _make_class_archive(job: Job) -> None:
    make_archive(job.workspace, job.work, job.draft, partial(job.progress.phase, job.part), job.cancelled)


MAKERS: Mapping[str, Callable[[Job], None]] = {
    "java": _make_java,
    "s3a-jars": _make_jars,
    "spark-jars": _make_jars,
    "committer-jars": _make_jars,
    "iceberg-jars": _make_jars,
    "delta-jars": _make_jars,
    "opensearch": _make_opensearch,
    "opensearch-jars": _make_jars,
    "opensearch-plugins": _make_opensearch_plugins,
    "minio": _make_minio,
    "classes": _make_class_archive,
}


@contextmanager
def _locked(path: Path, job: Job) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    job.progress.phase(job.part, "another install is at it; waiting")
                    told = True
                if job.cancelled.wait(POLL_SECONDS):
                    raise Cancelled from None
        yield  # closing the file lets the lock go


def _check_space(root: Path, missing: Sequence[Part]) -> None:
    needed = sum(part.disk + part.download for part in missing)
    free = shutil.disk_usage(root).free
    if free < needed:
        raise InstallError(
            f"Installing needs about {needed // 1_000_000} MB in {root}, and {free // 1_000_000} MB are free: "
            "free some space, or set LAKELET_CACHE to a folder on another disk."
        )


def _remove(path: Path) -> None:
    """Remove a file or a folder, also one that holds read-only folders (Go's module cache does)."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
