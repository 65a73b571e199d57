"""What a script has done already: each kind of effect is told, and what only reads is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workspace.paths import REPOSITORY

WATCH = """
import sys
sys.path.insert(0, {repository!r})
from workspace import effects
effects.watch()
{code}
said = effects.happened()
print("SAID", said, end="")
"""


def done_by(code: str, tmp_path: Path) -> str:
    """What is said of a script, which a Python of its own runs."""
    script = tmp_path / "script.py"
    script.write_text(WATCH.format(repository=str(REPOSITORY), code=code))
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, check=True, capture_output=True, text=True)
    return ended.stdout.rpartition("SAID ")[2]


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
    ],
)
def test_an_effect_is_told(code: str, said: str, tmp_path: Path) -> None:
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
    ],
)
def test_what_only_reads_is_no_effect(code: str, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def f(): return 1\n")
    assert done_by(code, tmp_path) == ""


def test_what_a_module_of_the_script_does_when_it_is_imported_counts(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import os\nos.mkdir('made')\n")
    assert done_by("import helper", tmp_path) == "made made"
