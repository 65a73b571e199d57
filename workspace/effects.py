"""What a script has done that cannot be taken back: the first write, message, print or program that it started.

A run that may still go to another engine watches for it. Python tells its audit hooks of files that are opened to be
written, connections, programs (https://docs.python.org/3/library/audit_events.html); what its standard streams take
is seen by standing before them. What our own modules and pyspark do is not the script's: they :func:`mark` what counts.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, TextIO

_OURS = ("lakelet.", "awsglue.", "awsgluedq.", "pyspark.", "pysail.")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_EVENTS = {
    "socket.connect": "connected to", "socket.sendto": "sent to", "socket.sendmsg": "sent to",
    "subprocess.Popen": "started", "os.system": "started", "os.exec": "started", "os.posix_spawn": "started",
    "os.spawn": "started", "os.fork": "forked", "os.forkpty": "forked", "os.kill": "signalled",
    "os.killpg": "signalled", "os.remove": "removed", "os.rename": "renamed", "os.mkdir": "made",
    "os.rmdir": "removed", "os.link": "linked", "os.symlink": "linked", "os.truncate": "cut", "os.chmod": "changed",
    "os.chown": "changed", "os.chdir": "gone to", "shutil.rmtree": "removed", "shutil.move": "moved",
    "sqlite3.connect": "opened",
}  # fmt: skip
_first = ""
_watching = False


def happened() -> str:
    """The first thing that was done since :func:`watch`, as what follows "the script has"; empty when there is none."""
    return _first


def mark(what: str) -> None:
    """Say that something was done that cannot be taken back."""
    global _first  # noqa: PLW0603 - a process has one past
    if _watching and not _first:
        _first = what


def watch() -> None:
    """Begin to watch; a process does so until it ends."""
    global _watching  # noqa: PLW0603
    if _watching:
        return
    _watching = True
    for stream in (sys.stdout, sys.stderr):
        _stand_before(stream)
    sys.addaudithook(_hear)


def _stand_before(stream: TextIO) -> None:
    write = stream.write

    def marked(text: str) -> int:
        if text and _module(sys._getframe(1)) != "warnings":
            mark("printed")
        return write(text)

    stream.write = marked  # type: ignore[method-assign]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _first or not (event == "open" or event in _EVENTS):
        return
    caller = sys._getframe(1)
    if _module(caller).startswith("importlib"):  # which writes what it compiles
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING and path != os.devnull and _of_script(caller):
            mark(f"opened {path} to write")
    elif _of_script(caller):
        mark(f"{_EVENTS[event]} {arguments[event == 'socket.connect'] if arguments else ''!s:.200}".rstrip())


def _of_script(frame: FrameType | None) -> bool:
    """Whether the script asked for it: the innermost module that is ours or the script's own decides."""
    while frame is not None:
        name = _module(frame)
        if name == "__main__":
            return True
        if name.startswith(_OURS):
            return False
        frame = frame.f_back
    return True


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
