"""What the command line does where its world ends: a reader that left, a dead part, a proxy, a port too far."""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import nbformat
import pytest
from botocore.exceptions import ClientError

from lakelet import demo, notebook
from lakelet.cli import catalog
from lakelet.cli.main import readable
from lakelet.data.objects import s3_client
from lakelet.query.credentials import Credentials
from lakelet.workspace.errors import LakeletError, StackError
from lakelet.workspace.paths import PROJECT_VARIABLE, REPOSITORY, STATE_VARIABLE, Workspace

LAKELET = str(Path(sys.executable).with_name("lakelet"))
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, tmp_path / ".lakelet").prepare()


@contextmanager
def answering(text: str) -> Iterator[str]:
    """An HTTP server that answers everything with a text; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def dead() -> str:
    """An address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_reader_that_leaves_is_no_error() -> None:
    lakelet = subprocess.Popen([LAKELET, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert lakelet.stdout is not None and lakelet.stderr is not None
    lakelet.stdout.close()
    assert lakelet.stderr.read() == b"" and lakelet.wait(timeout=120) == 141
    lakelet.stderr.close()


def test_the_version_is_told() -> None:
    done = subprocess.run([LAKELET, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lakelet {importlib.metadata.version('lakelet')}\n"


def test_an_error_cannot_move_the_cursor_or_fill_the_screen() -> None:
    assert readable("no \x1b[31m table\x00") == "no \\x1b[31m table\\x00"
    assert readable("a\nb ☃") == "a\nb ☃"
    assert len(readable(f"There is no {'x' * 5000}: look.")) < 200


def test_a_word_in_another_encoding_is_refused() -> None:
    done = subprocess.run([LAKELET, "jobs", "show", b"\xff"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "is not valid UTF-8" in done.stderr


def test_no_proxy_stands_before_our_own_parts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, dead())
    keys = "<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken>"
    namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    result = f"<AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
    with answering(f'<AssumeRoleResponse xmlns="{namespace}">{result}</AssumeRoleResponse>') as address:
        workspace.write_endpoints({"s3": address, "dashboards": address})
        assert s3_client(workspace).get_object(Bucket="b", Key="k")["ContentLength"] > 0
        assert Credentials(workspace).storage(["s3://b/k/"])["SESSION_TOKEN"] == "c"
        assert demo.boards(demo.Demo(workspace))["bytes"] > 0


def test_a_dead_part_fails_a_step_with_a_sentence(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.write_endpoints({name: dead() for name in ("s3", "dashboards", "opensearch", "control")})
    steps = [step for step in demo.STEPS if step.name in ("lake", "boards")]
    for step in steps:
        monkeypatch.setattr(demo, "STEPS", (step,))
        with pytest.raises(StackError, match=f"The step {step.name} failed .*`lakelet status`"):
            list(demo.run(demo.Demo(workspace, [1])))


def test_an_answer_that_breaks_off_fails_a_step_with_a_sentence(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: demo.Demo) -> demo.Counts:
        raise http.client.IncompleteRead(b"")

    monkeypatch.setattr(demo, "STEPS", (demo.Step("boards", "", broken),))
    with pytest.raises(StackError, match="The step boards failed"):
        list(demo.run(demo.Demo(workspace)))


def test_a_port_is_looked_for_up_to_the_last() -> None:
    with socket.socket() as last:
        with suppress(OSError):  # somebody else holds it: as good
            last.bind(("127.0.0.1", notebook.MAX_PORT))
        with pytest.raises(StackError, match="is in use"):
            notebook.free_port(notebook.MAX_PORT, chosen=False)


def test_a_notebook_lies_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for path in (folder / "a b.ipynb", tmp_path / "outside.ipynb"):
        path.touch()
    workspace = Workspace(tmp_path, tmp_path / ".lakelet")
    assert notebook.has_notebook(workspace, "a b.ipynb")
    for name in ("../outside.ipynb", str(tmp_path / "outside.ipynb"), "none.ipynb", "x" * 5000, "", "."):
        assert not notebook.has_notebook(workspace, name), name


@pytest.mark.parametrize(
    "words", [(), ("jobs",), ("jobs", "runs"), ("catalog",), ("catalog", "grants", "list"), ("up",)]
)
def test_help_has_a_short_name(words: tuple[str, ...]) -> None:
    short, long = (
        subprocess.run([LAKELET, *words, option], capture_output=True, text=True, check=True)
        for option in ("-h", "--help")
    )
    assert short.stdout == long.stdout and "Usage: lakelet" in short.stdout


def test_completion_is_offered_and_completes() -> None:
    help_text = subprocess.run([LAKELET, "-h"], capture_output=True, text=True, check=True).stdout
    assert "--install-completion" in help_text and "--show-completion" in help_text
    variables = {"_LAKELET_COMPLETE": "complete_bash", "COMP_WORDS": "lakelet not", "COMP_CWORD": "1"}
    done = subprocess.run([LAKELET], env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["notebook"]


def test_help_of_the_aws_cli_needs_no_stack(tmp_path: Path) -> None:
    variables = os.environ | {STATE_VARIABLE: str(tmp_path / ".lakelet")}
    asked = subprocess.run([LAKELET, "aws", "--help"], env=variables, capture_output=True, text=True, check=False)
    assert "usage: aws" in (asked.stdout + asked.stderr).lower() and "The stack is not running" not in asked.stderr
    used = subprocess.run([LAKELET, "aws", "s3", "ls"], env=variables, capture_output=True, text=True, check=False)
    assert used.returncode == 3 and "The stack is not running" in used.stderr


class Bucket:
    """An object store with one object, as far as a crawl asks it."""

    def list_objects_v2(self, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, object]:
        if Bucket != "lake":
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "ListObjectsV2")
        return {"Contents": [{"Key": key} for key in ("flights/a.csv",) if key.startswith(Prefix)]}


def test_a_crawl_of_nothing_fails(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "s3_client", lambda _: Bucket())
    for path in ("", "flights", "flights/a.csv"):
        catalog._check_holds_objects(workspace, "lake", path)
    for bucket, path in (("lake", "none"), ("lake", "fli"), ("other", "")):
        with pytest.raises(LakeletError) as caught:
            catalog._check_holds_objects(workspace, bucket, path)
        assert caught.value.exit_code == 1 and "There " in str(caught.value)


class OneCrawler:
    """The wire, with a crawler whose one crawl has ended."""

    def __init__(self, paths: list[str], summary: dict[str, dict[str, int]]) -> None:
        self.targets = {"S3Targets": [{"Path": path} for path in paths], "JdbcTargets": []}
        self.run = {"CrawlId": "c1", "State": "COMPLETED", "Summary": json.dumps(summary)}

    def call(self, operation: str, **members: object) -> dict[str, object]:
        answers: dict[str, dict[str, object]] = {
            "StartCrawler": {},
            "GetCrawler": {"Crawler": {"Name": "c", "Targets": self.targets}},
            "ListCrawls": {"Crawls": [self.run]},
        }
        return answers[operation]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(
    ("paths", "deleted", "fails"),
    [
        (["s3://lake/none/", "s3a://other/"], 0, True),
        (["s3://lake/none/", "s3://lake/flights/"], 0, False),
        (["s3://lake/none/"], 1, False),
    ],
)
def test_a_crawler_by_name_that_finds_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace, wait: bool, paths: list[str], deleted: int, fails: bool
) -> None:
    glue = OneCrawler(paths, {"TABLE": {"created": 0, "deleted": deleted}})
    monkeypatch.setattr(catalog, "Glue", lambda _: glue)
    monkeypatch.setattr(catalog, "s3_client", lambda _: Bucket())
    monkeypatch.setattr(catalog, "_follow", lambda *_: iter(()))
    monkeypatch.setenv(STATE_VARIABLE, str(workspace.state))
    if fails or (deleted and not wait):
        with pytest.raises(LakeletError, match=r"There are no objects under s3://lake/none") as caught:
            catalog.crawl("c", wait=wait)
        assert caught.value.exit_code == 1
    else:
        catalog.crawl("c", wait=wait)


def test_a_new_project_gets_a_folder_for_notebooks(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet")
    assert notebook.notebooks(workspace).is_dir() and not list((tmp_path / "notebooks").iterdir())


def test_a_shipped_notebook_runs_as_a_copy_that_git_ignores() -> None:
    before = subprocess.run(["git", "status", "--porcelain"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    copy = notebook.notebooks(Workspace(REPOSITORY, REPOSITORY / ".lakelet")) / "flights.ipynb"
    original = copy.read_bytes()
    try:
        copy.write_bytes(original + b" ")
        after = subprocess.run(["git", "status", "--porcelain"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    finally:
        copy.write_bytes(original)
    assert after == before


def test_the_installed_kernel_finds_the_project_of_the_notebook(tmp_path: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name not in (PROJECT_VARIABLE, STATE_VARIABLE)}
    variables |= {"JUPYTER_DATA_DIR": str(tmp_path / "jupyter")}
    command = [LAKELET, "notebook", "--install-kernel"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert str(tmp_path / "jupyter" / "kernels" / "lakelet") in done.stdout
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "project" / "lakelet.toml").touch()
    sources = ["from lakelet.workspace.paths import Workspace; print(Workspace.find().root)", "%sql SELECT 1"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "lakelet", "display_name": "Lakelet"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "mine.ipynb")
    words = ["--to", "notebook", "--execute", "--allow-errors", "--inplace", str(folder / "mine.ipynb")]
    subprocess.run([sys.executable, "-m", "nbconvert", *words], env=variables, capture_output=True, check=True)
    first, second = nbformat.read(folder / "mine.ipynb", as_version=4).cells
    assert str(tmp_path / "project") in json.dumps(first.outputs)
    assert "The stack is not running" in json.dumps(second.outputs)
