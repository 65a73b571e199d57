"""Notebooks: the analyst's own runs from top to bottom, and a kernel explains itself when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import psutil
import pytest

from lakelet.notebook import EXAMPLES, environment, free_port, install_kernel, server_argv
from lakelet.workspace.secrets import known_secrets, secret
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack
CELL_SECONDS = 240


def execute(stack: Stack, notebook: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    for name, value in environment(stack.workspace).items():
        monkeypatch.setenv(name, value)
    client = nbclient.NotebookClient(notebook, kernel_name="lakelet", timeout=CELL_SECONDS, **options)
    return client.execute()


def shown(cell: Any) -> str:
    return "\n".join(
        out.get("text") or out.get("evalue") or out.get("data", {}).get("text/plain", "") for out in cell["outputs"]
    )


def test_a_kernel_starts_without_spark_and_answers_sql(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [
        "%sql SELECT 6 * 7 AS answer",
        "%%sql --into frame\nSELECT unnest([1, 2]) AS a",
        "print(frame['a'].sum(), 'spark' in globals())",
        "print(opensearch.info()['version']['number'])",
        "%sql COPY x TO 'y'",
        "%%sql --no-such\nSELECT 1",
        'wanted = "it\'s"\n%sql SELECT :wanted AS bound',
        "frame.plot().figure.canvas.draw()",
        "import os; print(os.environ['AWS_ENDPOINT_URL'])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    cells = execute(stack, notebook, monkeypatch, allow_errors=True).cells
    assert "42" in shown(cells[0])
    assert shown(cells[2]) == "3 False\n"
    assert shown(cells[3])[0].isdigit()
    assert "COPY is refused" in shown(cells[4]) and "Traceback" not in shown(cells[4])
    assert "--no-such" in shown(cells[5])
    assert "it's" in shown(cells[6])
    assert not [out for out in cells[7]["outputs"] if out["output_type"] == "error"]
    assert stack.workspace.endpoint("control") in shown(cells[8])


def test_the_analysts_notebook_runs(flights: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    path = EXAMPLES / "flights.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "notebooks are kept without outputs"
    cells = execute(flights, notebook, monkeypatch).cells
    assert any("application/vnd.vegalite" in kind for cell in cells for kind in _kinds(cell))
    assert "p95" in shown(next(cell for cell in cells if "percentile_approx" in cell.source))
    assert "SFO" in shown(cells[-1])
    said = json.dumps(cells)
    assert not [value for value in known_secrets(flights.workspace) if value in said]


def _kinds(cell: Any) -> list[str]:
    return [kind for out in cell.get("outputs", []) for kind in out.get("data", {})]


def test_jupyterlab_lets_in_who_has_the_token(stack: Stack, tmp_path: Path) -> None:
    port = free_port(18888, chosen=False)
    argv = server_argv(port, tmp_path, browser=False)
    token = secret(stack.workspace, "jupyter_token")
    assert token not in " ".join(argv)
    assert token not in (install_kernel(stack.workspace) / "kernels" / "lakelet" / "kernel.json").read_text()
    with open(tmp_path / "lab.log", "wb") as log:
        server = subprocess.Popen(argv, env=environment(stack.workspace), stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}/api/kernelspecs"
        request = urllib.request.Request(address, headers={"Authorization": f"token {token}"})
        specs = eventually(lambda: json.loads(urllib.request.urlopen(request, timeout=10).read()))
        assert specs["default"] == "lakelet" and "lakelet" in specs["kernelspecs"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=10)
        assert refused.value.code == 403
        settings = "lab/api/settings/@jupyterlab/apputils-extension:notification"
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/{settings}", headers=request.headers)
        told = json.loads(urllib.request.urlopen(asked, timeout=60).read())["schema"]["properties"]
        assert (told["fetchNews"]["default"], told["checkForUpdates"]["default"]) == ("false", False)
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert token not in (tmp_path / "lab.log").read_text()


def test_ctrl_c_ends_a_jupyterlab_that_is_still_starting(stack: Stack, tmp_path: Path) -> None:
    argv = server_argv(free_port(18888, chosen=False), tmp_path, browser=False)
    with open(tmp_path / "lab.log", "wb") as log:
        server = subprocess.Popen(argv, env=environment(stack.workspace), stdout=log, stderr=log)
    try:
        eventually(lambda: psutil.Process(server.pid).memory_info().rss > 20 << 20)  # it imports
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == -signal.SIGINT
    finally:
        server.kill()
        server.wait(timeout=60)
    assert (tmp_path / "lab.log").read_text() == ""


def test_mistakes_are_sentences(stack: Stack) -> None:
    script = [sys.executable, "-c", "from lakelet.cli.main import main; main()", "notebook", "nothing.ipynb"]
    done = subprocess.run(script, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and done.stderr.startswith("lakelet: There is no notebook 'nothing.ipynb'")
