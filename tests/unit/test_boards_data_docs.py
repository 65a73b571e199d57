"""Data Docs are served as they are, without a byte from the internet, and nothing outside their folder is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from dashboards.data_docs import data_docs
from workspace.paths import STATE_VARIABLE, Workspace

PAGE = """<html><head><link rel="stylesheet" href="https://cdn.example/x.css">
<script src='https://cdn.example/x.js'></script><script>var own = 1</script></head>
<body><img src="http://logo.example/x.png"><a href="https://docs.example/">docs</a><p>all 30 hold</p></body></html>"""


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


@pytest.mark.parametrize("path", ["", "index.html"])
def test_a_page_stands_alone(path: str) -> None:
    answer = get(path)
    text = bytes(answer.body).decode()
    assert "cdn.example" not in text
    assert "logo.example" not in text
    assert "all 30 hold" in text
    assert "var own = 1" in text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_other_files_are_served_as_they_are() -> None:
    assert get("own.css").status_code == 200


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "missing.html", "..", "a/../../secret", "link"])
def test_nothing_else_is_served(path: str) -> None:
    assert get(path).status_code == 404
