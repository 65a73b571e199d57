"""What importing the control process brings in: nothing that only jobs and people need, and no service's model yet."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, sys
from botocore import loaders
opened = []
load = loaders.JSONFileLoader.load_file
loaders.JSONFileLoader.load_file = lambda self, path: opened.append(path) or load(self, path)
import lakelet.control
from lakelet.aws.app import create_app
from lakelet.aws.directory import Directory
create_app(Directory.served())
print(json.dumps([sorted({name.split(".")[0] for name in sys.modules}), opened]))
"""
HEAVY = {
    "pandas",
    "pyarrow",
    "pyspark",
    "streamlit",
    "duckdb",
    "great_expectations",
    "jgo",
    "altair",
    "typer",
    "rich",
    "pytest",
}


def test_the_endpoint_imports_little() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    imported, opened = json.loads(done.stdout)
    assert set(imported) & HEAVY == set()
    assert opened == []  # a service's model is read with its first request
