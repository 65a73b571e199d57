"""What a script has done already: each kind of effect is told, and what only reads is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from lakelet.jobs.spark import python_path

WATCH = """
import sys
{before}
from lakelet.workspace import effects
effects.watch()
{code}
said = effects.happened()
print("SAID", said, end="")
"""


def done_by(code: str, tmp_path: Path) -> str:
    """What is said of a script, which a Python of its own runs."""
    script = tmp_path / "script.py"
    before = "import pandas" if "pandas" in code else ""  # as a driver has it
    script.write_text(WATCH.format(code=code, before=before))
    environment = {**os.environ, "PYTHONPATH": python_path()}  # by which our modules have their names of a run
    log = tmp_path / "stdout.log"  # a file, as a run's is
    with open(log, "wb") as stdout:
        subprocess.run([sys.executable, script], cwd=tmp_path, check=True, stdout=stdout, env=environment)
    return log.read_text().rpartition("SAID ")[2]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('x')", "printed"),
        ("import sys; sys.stderr.write('x')", "printed"),
        ("import logging; logging.warning('x')", "printed"),
        ("open('new', 'w')", "opened new to write"),
        ("from pathlib import Path; Path('new').touch()", "opened"),
        ("import os; os.mkdir('new')", "made new"),
        ("import subprocess; subprocess.run(['true'])", "started"),
        ("import os; os.system('true')", "started"),
        ("import os; os.fork() or os._exit(0)", "forked"),
        ("import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))", "sent to"),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "connected to"),
        ("import threading; t = threading.Thread(target=print, args=('x',)); t.start(); t.join()", "printed"),
        (
            "from urllib.request import urlopen\ntry: urlopen('http://127.0.0.1:9')\nexcept OSError: pass",
            "connected to",
        ),
        ("open('other.py', 'w').close(); import other", "opened other.py"),
        ("import os; os.write(1, b'x')", "printed"),
        ("sys.stdout.buffer.write(b'x')", "printed"),
        ("import pyarrow.csv as c; c.write_csv(c.read_csv('table.csv'), 'new')", "imported pyarrow.csv"),
        ("from pyarrow import parquet", "imported pyarrow"),
        ("import duckdb; duckdb.sql(\"copy (select 1) to 'new'\")", "imported _duckdb"),
        ("import helper; helper.write()", "imported pyarrow"),
        ("import pandas; pandas.DataFrame({'a': [1]}).to_parquet('new')", "called to_parquet"),
        ("import ctypes; ctypes.CDLL('libc.so.6')", "loaded"),
    ],
)
def test_an_effect_is_told(code: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    (tmp_path / "helper.py").write_text("def write():\n    import pyarrow.fs\n")
    assert done_by(code, tmp_path).startswith(said)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1 + 1",
        "open(__file__).read()",
        "import json, decimal, csv",
        "import helper",
        "import warnings; warnings.warn('x')",
        "import os; os.listdir('.'); os.environ['A'] = 'b'",
        "import pandas, numpy; pandas.read_csv('table.csv').convert_dtypes(dtype_backend='pyarrow')",
        "import pandas; pandas.read_parquet('table.parquet')",
        "import zlib, _ctypes, ctypes, unicodedata, _elementtree, _decimal",
    ],
)
def test_what_only_reads_is_no_effect(code: str, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def f(): return 1\n")
    (tmp_path / "table.csv").write_text("a\n1\n")
    parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "table.parquet")
    assert done_by(code, tmp_path) == ""


def test_what_a_module_of_the_script_does_when_it_is_imported_counts(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import os\nos.mkdir('made')\n")
    assert done_by("import helper", tmp_path) == "made made"
