"""What the shipper makes of a file, before anything is sent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from lakelet.search.shipper import LogShipper, _Batch
from lakelet.workspace.paths import Workspace

BODY = [f"MIIE{number:060d}" for number in range(20)]
KEY = ["-----BEGIN PRIVATE KEY-----", *BODY, "-----END PRIVATE KEY-----"]


def test_a_key_written_in_two_goes_is_redacted(tmp_path: Path) -> None:
    """A buffered stdout is cut anywhere, and its second half may come much later."""
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    workspace.logs.mkdir(exist_ok=True)
    log = workspace.logs / "part.log"
    shipper = LogShipper(workspace)
    sent: list[str] = []
    for lines in (["before", *KEY[:9]], KEY[9:14], [*KEY[14:], "after"]):
        with open(log, "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.utime(log, (time.time() - 60,) * 2)
        batch = _Batch()
        for one in shipper._sources.files():
            if one.path == log:
                shipper._collect(one, batch)
        sent += [json.loads(line)["message"] for line in batch.lines[1::2]]
        shipper._cursors |= batch.cursors
        shipper._save()
        shipper._cursors = shipper._load()
    assert sent == ["before", "-----BEGIN PRIVATE KEY-----[redacted]", "after"]
