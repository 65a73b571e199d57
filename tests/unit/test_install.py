"""The installation, with small parts from a repository of our own: the code is the real one, the server is local."""

from __future__ import annotations

import errno
import hashlib
import http.client
import importlib.metadata
import io
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lakelet.stack import install, parts, pins
from lakelet.stack.download import Cancelled, disk_errors, fetch
from lakelet.stack.go_build import Packages, _explain
from lakelet.stack.java import check_java_home
from lakelet.stack.pins import Artifact
from lakelet.stack.steps import run_step
from lakelet.workspace.errors import InstallError, SettingError
from lakelet.workspace.paths import Workspace
from tests.conftest import eventually


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("opensearch-3.8.0/lib/one.txt", "1")
    return buffer.getvalue()


CONTENT = {
    "/org/a/jar-a/1/jar-a-1.jar": os.urandom(600_000),
    "/org/a/jar-b/1/jar-b-1.jar": b"b" * 1000,
    "/org/o/opensearch/3/opensearch-3.zip": zipped(),
}


def artifact(path: str) -> Artifact:
    _, org, group, name, version, file = path.split("/")
    content = CONTENT[path]
    kind = file.rsplit(".", 1)[1]
    return Artifact(f"{org}.{group}:{name}:{version}", len(content), hashlib.sha256(content).hexdigest(), kind)


A, B, ZIP = (artifact(path) for path in CONTENT)


@dataclass
class Repository:
    """A Maven repository on loopback that counts what it is asked, and may misbehave."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    damage: Callable[[bytes], bytes] = lambda content: content
    cut_after: int | None = None  # bytes after which the connection breaks
    ranges: bool = True
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def repository() -> Iterator[Repository]:
    state = Repository()
    state.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            range_ = self.headers["Range"] or "bytes=0-"
            state.asked.append(f"{self.path} {range_}")
            content = CONTENT[self.path]
            first = int(range_.removeprefix("bytes=").rstrip("-")) if state.ranges else 0
            body = state.damage(content[first:])
            self.send_response(206 if state.ranges else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            state.gate.wait(60)
            self.wfile.write(body if state.cut_after is None else body[: state.cut_after])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with an empty cache, whose parts are the small ones (no JDK, no MinIO)."""
    monkeypatch.setenv("LAKELET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAKELET_JAVA_HOME", "/somewhere")
    monkeypatch.setenv("LAKELET_MINIO_BINARY", "/somewhere/minio")
    monkeypatch.setattr(pins, "S3A_JARS", (A, B))
    monkeypatch.setattr(pins, "SPARK_JARS", (B,))
    monkeypatch.setattr(pins, "ICEBERG_JARS", (B,))
    monkeypatch.setattr(pins, "DELTA_JARS", (B,))
    monkeypatch.setattr(install, "compile_scala", lambda *_: None)  # there is no JDK, and nothing to compile with
    monkeypatch.setattr(install, "build_plugin", lambda _workspace, _version, _work, draft, *_: draft.mkdir())
    monkeypatch.setattr(pins, "OPENSEARCH_JARS", (B,))
    monkeypatch.setattr(pins, "OPENSEARCH", ZIP)
    return Workspace(tmp_path, tmp_path / "state").prepare()


def test_parts_arrive_whole_and_a_second_install_asks_nobody(workspace: Workspace, repository: Repository) -> None:
    done = install.install(workspace, [repository.url])
    jars = {"s3a-jars", "spark-jars", "committer-jars", "iceberg-jars", "delta-jars"}
    assert {part.name for part in done} == jars | {"opensearch", "opensearch-jars", "opensearch-plugins"}
    assert (workspace.cache.opensearch_home / "lib/one.txt").read_text() == "1"
    assert sorted(path.name for path in workspace.cache.s3a_jars.iterdir()) == ["jar-a-1.jar", "jar-b-1.jar"]
    assert not list((workspace.cache.root / "work").iterdir())  # nothing is kept twice
    assert set(install.check(workspace).values()) == {"installed"}
    asked = len(repository.asked)
    assert install.install(workspace, ["http://127.0.0.1:1"]) == []
    assert len(repository.asked) == asked


def test_a_broken_download_goes_on_where_it_stopped(workspace: Workspace, repository: Repository) -> None:
    repository.cut_after = 300_000
    with pytest.raises(InstallError, match=r"jar-a-1.jar could not be downloaded .* goes on where it stopped"):
        install.install(workspace, [repository.url])
    repository.cut_after = None
    repository.asked.clear()
    install.install(workspace, [repository.url])
    (again,) = [line for line in repository.asked if "jar-a" in line]
    assert int(re.findall(r"bytes=(\d+)-", again)[0]) >= 250_000
    assert (workspace.cache.s3a_jars / A.filename).read_bytes() == CONTENT["/org/a/jar-a/1/jar-a-1.jar"]


def test_a_download_that_breaks_in_tls_is_one_sentence_and_goes_on(
    workspace: Workspace, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reads = http.client.HTTPResponse.read, []

    def breaking(response: http.client.HTTPResponse, amount: int | None = None) -> bytes:
        reads.append(amount)
        if len(reads) > 1:
            raise ssl.SSLError(1, "record layer failure")
        return read(response, amount)

    monkeypatch.setattr(http.client.HTTPResponse, "read", breaking)
    target = workspace.cache.root
    with pytest.raises(InstallError, match=r"could not be downloaded .*record layer failure.*: check the network"):
        fetch(A, target, lambda size: None, threading.Event(), [repository.url])
    monkeypatch.undo()
    assert fetch(A, target, lambda size: None, threading.Event(), [repository.url]).stat().st_size == A.size
    assert int(re.findall(r"bytes=(\d+)-", repository.asked[-1])[0]) > 0


def test_a_disk_that_fails_under_a_download_is_not_the_networks(tmp_path: Path, repository: Repository) -> None:
    (tmp_path / f"{A.filename}.part").symlink_to("/dev/full")
    with pytest.raises(InstallError, match="is full"):
        fetch(A, tmp_path, lambda size: None, threading.Event(), [repository.url])


def test_a_server_without_ranges_sends_it_all_again(workspace: Workspace, repository: Repository) -> None:
    repository.cut_after = 300_000
    with pytest.raises(InstallError):
        install.install(workspace, [repository.url])
    repository.cut_after, repository.ranges = None, False
    install.install(workspace, [repository.url])
    assert (workspace.cache.s3a_jars / A.filename).read_bytes() == CONTENT["/org/a/jar-a/1/jar-a-1.jar"]


def test_a_wrong_checksum_is_one_sentence_and_leaves_nothing(workspace: Workspace, repository: Repository) -> None:
    repository.damage = lambda content: bytes(len(content))
    with pytest.raises(InstallError, match=r"arrived with the wrong checksum .* was thrown away"):
        install.install(workspace, [repository.url])
    assert not workspace.cache.s3a_jars.exists()
    assert not list(workspace.cache.root.rglob("*.jar"))
    repository.damage = lambda content: content
    assert install.install(workspace, [repository.url])


def test_a_damaged_leftover_is_fetched_anew(workspace: Workspace, repository: Repository) -> None:
    workspace.cache.root.mkdir()
    draft = workspace.cache.root / f"{A.filename}.part"
    draft.write_bytes(bytes(1000))
    sizes: list[int] = []
    whole = fetch(A, workspace.cache.root, sizes.append, threading.Event(), [repository.url])
    assert whole.read_bytes() == CONTENT["/org/a/jar-a/1/jar-a-1.jar"]
    assert [line.rsplit(" ", 1)[1] for line in repository.asked] == ["bytes=1000-", "bytes=0-"]
    assert sum(sizes) == A.size


def test_no_network_is_one_sentence(workspace: Workspace) -> None:
    with pytest.raises(InstallError, match=r"could not be downloaded \(.*refused\): check the network") as problem:
        install.install(workspace, ["http://127.0.0.1:1"])
    assert "\n" not in str(problem.value)


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(InstallError, match=r"is full .* MB free"),
        disk_errors(tmp_path),
        open("/dev/full", "wb") as full,
    ):
        full.write(b"x" * 100_000)
    with pytest.raises(OSError, match="interrupted"), disk_errors(tmp_path):
        raise OSError(errno.EINTR, "interrupted")


def test_too_little_space_is_said_before_anything_is_fetched(
    workspace: Workspace, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = Artifact(A.coordinates, 1 << 50, A.sha256)
    monkeypatch.setattr(pins, "S3A_JARS", (big,))
    with pytest.raises(InstallError, match=r"Installing needs about \d+ MB in .*, and \d+ MB are free"):
        install.install(workspace, [repository.url])
    assert repository.asked == []


def test_two_installs_at_once_fetch_each_file_once(workspace: Workspace, repository: Repository) -> None:
    repository.gate.clear()
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(install.install(workspace, [repository.url]))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: len(repository.asked) == 5)  # the Delta jars wait for others
    time.sleep(0.3)  # long enough for the second to be at the locks; it must ask for nothing
    repository.gate.set()
    for thread in threads:
        thread.join(60)
    assert len(results) == 2
    assert len([line for line in repository.asked if "jar-a" in line]) == 1


CHILD = """
import sys
from pathlib import Path
from lakelet.stack import install, pins
from tests.unit.test_install import Artifact
pins.S3A_JARS = pins.SPARK_JARS = pins.ICEBERG_JARS = pins.DELTA_JARS = (Artifact(*eval(sys.argv[3])),)
pins.OPENSEARCH_JARS = pins.S3A_JARS
from lakelet.workspace.paths import Workspace
install.install(Workspace(Path(sys.argv[1]), Path(sys.argv[1])), [sys.argv[2]])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_install_that_was_killed_goes_on(
    number: signal.Signals, workspace: Workspace, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKELET_OPENSEARCH_ENDPOINT", "http://127.0.0.1:1")
    repository.gate.clear()
    fields = repr((A.coordinates, A.size, A.sha256))
    argv = [sys.executable, "-c", CHILD, str(workspace.root), repository.url, fields]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    eventually(lambda: repository.asked)
    process.send_signal(number)
    repository.gate.set()
    assert process.wait(60) != 0
    assert install.install(workspace, [repository.url])
    assert (workspace.cache.s3a_jars / A.filename).stat().st_size == A.size


def test_another_version_is_installed_anew(
    workspace: Workspace, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(workspace, [repository.url])
    monkeypatch.setattr(pins, "S3A_JARS", (B,))
    assert [part.name for part in install.install(workspace, [repository.url])] == ["s3a-jars"]
    assert [path.name for path in workspace.cache.s3a_jars.iterdir()] == ["jar-b-1.jar"]


@pytest.mark.parametrize("content", ["[]", "[1]", "5", "null", '"x"', "{}", '{"version": "1"}', "{", "[" * 100_000])
def test_a_part_with_a_damaged_marker_is_not_installed(workspace: Workspace, content: str) -> None:
    part = parts.parts(workspace)[0]
    part.target.mkdir(parents=True)
    marker = workspace.cache.root / "markers" / f"{part.name}.json"
    marker.parent.mkdir(parents=True)
    marker.write_text(content)
    assert not install.installed(workspace.cache.root, part)
    assert install.check(workspace)[part.name] == "missing"


def test_what_exists_already_is_not_installed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELET_OPENSEARCH_ENDPOINT", "http://127.0.0.1:9")
    assert [part.name for part in parts.parts(workspace)] == [
        "s3a-jars",
        "spark-jars",
        "committer-jars",
        "iceberg-jars",
        "delta-jars",
    ]
    assert workspace.cache.java_home == Path("/somewhere")
    assert workspace.cache.minio == Path("/somewhere/minio")


def test_every_pin_is_pinned() -> None:
    everything = (
        *pins.S3A_JARS, *pins.SPARK_JARS, *pins.ICEBERG_JARS, *pins.DELTA_JARS, *pins.OPENSEARCH_JARS, pins.OPENSEARCH,
    )  # fmt: skip
    assert len(pins.S3A_JARS) == 36
    for pin in everything:
        assert re.fullmatch(r"[0-9a-f]{64}", pin.sha256)
        assert re.fullmatch(r"[\w.-]+:[\w.-]+:\d[\w.]*", pin.coordinates)
    required = (parts.MINIO_SOURCE / "go.mod").read_text()
    assert f"{parts.MINIO_PACKAGE} {parts.MINIO_VERSION}" in required


def test_a_java_home_that_is_no_jdk_21_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="holds no working bin/java: name a JDK 21, or unset it"):
        check_java_home(str(tmp_path))
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho '    java.specification.version = 17'\n")
    java.chmod(0o755)
    with pytest.raises(SettingError, match="is Java 17: name a JDK 21"):
        check_java_home(str(tmp_path))


def test_a_step_that_fails_is_one_sentence_about_its_cause(tmp_path: Path) -> None:
    said = {
        "write /x: no space left on device": "The disk filled up while MinIO was being built",
        "verifying m: checksum mismatch": "arrived with the wrong checksum",
        "dial tcp: lookup host: no such host": "could not be downloaded .* check the network",
        "undefined: main": "MinIO could not be built",
    }
    for line, sentence in said.items():
        with pytest.raises(InstallError, match=sentence):
            run_step(["sh", "-c", f"echo '{line}'; exit 1"], tmp_path, os.environ, threading.Event(), _explain)


def test_a_cancelled_step_ends_what_it_started(tmp_path: Path) -> None:
    cancelled = threading.Event()
    step = ["sh", "-c", "sleep 1000 & echo $!; wait"]
    pids: list[int] = []

    def started(line: str) -> None:
        pids.append(int(line))
        cancelled.set()

    with pytest.raises(Cancelled):
        run_step(step, tmp_path, os.environ, cancelled, _explain, started)
    stat = Path(f"/proc/{pids[0]}/stat")
    eventually(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


def test_the_packages_of_a_build_are_counted_and_shown_by_tenths() -> None:
    steps: list[int] = []
    phases: list[str] = []
    packages = Packages(steps.append, phases.append)
    packages.count_listed("go: downloading github.com/a/b v1.0.0\n")
    packages.count_listed("unsafe\n")  # compiled already
    for number in range(19):
        packages.count_listed(f"a/p{number} stale\n")
    assert (packages.text, sum(steps)) == ("1 of 20 packages compiled", 1)
    packages.count_compiled("./a.go:1:2: undefined: main\n")
    for number in range(19):
        packages.count_compiled(f"a/p{number}\n")
    assert sum(steps) == 20
    assert len(phases) == 10
    assert phases[0] == "2 of 20 packages compiled"
    assert phases[-1] == "20 of 20 packages compiled; linking"


def test_no_part_is_made_again_for_another_version_of_lakelet(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LAKELET_JAVA_HOME", "LAKELET_MINIO_BINARY"):
        monkeypatch.delenv(name)
    before = {part.name: (part.target, part.digest) for part in parts.parts(workspace)}
    assert "minio" in before
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0" if name == "lakelet" else version(name))
    monkeypatch.setattr("lakelet.__version__", "99.0", raising=False)
    assert {part.name: (part.target, part.digest) for part in parts.parts(workspace)} == before
