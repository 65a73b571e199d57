"""Data Docs are written to stand alone and served as they are, and nothing outside their folder is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from lakelet.dashboards.data_docs import data_docs
from lakelet.etl.data_docs import make_local
from lakelet.workspace.paths import STATE_VARIABLE, Workspace

PAGE = """<html><head><link rel="stylesheet" href="https://cdn.example/x.css">
<script src='https://cdn.example/x.js'></script><script>var own = 1</script></head>
<body><img src="http://logo.example/x.png"><a href="https://docs.example/">docs</a><p>30 hold</p></body></html>"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / ".lakelet"))
    site = Workspace.find().state / "data-docs"
    site.mkdir()
    (site / "index.html").write_text(PAGE)
    (site / "own.css").write_text("p {}")
    (site.parent / "secret").write_text("secret")
    (site / "link").symlink_to(site.parent / "secret")
    return site


def get(path: str) -> Response:
    return asyncio.run(data_docs(Request({"type": "http", "method": "GET", "path_params": {"path": path}})))


def test_a_page_is_written_to_stand_alone(site: Path) -> None:
    page = site / "validations" / "run" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    make_local(site, "silver.flights", rows=1000, expectations=30, failed=0)
    text = page.read_text()
    assert "cdn.example" not in text and "logo.example" not in text and "<script" not in text
    assert "30 hold" in text and text.count("<style>") == 1
    assert 'href="validations/run/page.html"' in (site / "index.html").read_text()


@pytest.mark.parametrize("path", ["", "index.html"])
def test_a_page_is_served_as_it_is_and_held_to_its_folder(path: str, site: Path) -> None:
    answer = get(path)
    assert isinstance(answer, FileResponse) and Path(answer.path) == site / "index.html"
    assert answer.media_type == "text/html"
    assert "default-src 'self'; script-src 'none'" in answer.headers["content-security-policy"]


def test_other_files_are_served_as_they_are() -> None:
    assert get("own.css").status_code == 200


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "missing.html", "..", "a/../../secret", "link"])
def test_nothing_else_is_served(path: str) -> None:
    assert get(path).status_code == 404
