"""What a script has done that cannot be taken back: the first write, message, print or program that it started.

A run that may still go to another engine watches for it. Python tells its audit hooks of files that are opened to be
written, connections, programs (https://docs.python.org/3/library/audit_events.html); what its standard streams take
is seen by standing before them, and by how long the log is that stdout goes to. What our own modules and pyspark do is
not the script's: they :func:`mark` what counts.

Native code tells nobody what it writes or whom it connects to: pyarrow has a client of S3 in C++, duckdb COPY. So a
script that imports pyarrow, or a module of native code that was not there before, has done something; so have the
methods by which pandas writes through pyarrow.
"""

from __future__ import annotations

import builtins
import functools
import os
import stat
import sys
import sysconfig
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
    "sqlite3.connect": "opened", "ctypes.dlopen": "loaded",
}  # fmt: skip
_NATIVE = "pyarrow"  # which writes by itself, and is there before a script imports it
_BY_PYARROW = ("to_parquet", "to_feather", "to_orc")  # of pandas' DataFrame
_SEEN = ("numpy.", "pandas.", "pyarrow.", "grpc.", "google.")  # what they import does nothing for the script
_IMPORTING = ("importlib", "sitecustomize")  # Python's and, of our modules, our own (workspace/startup)
_STANDARD = os.path.join(sysconfig.get_path("stdlib"), "lib-dynload", "")
_first = ""
_watching = False
_printed = 0  # bytes that stdout had when the watch began


def happened() -> str:
    """The first thing that was done since :func:`watch`, as what follows "the script has"; empty when there is none."""
    if _watching and _length_of_stdout() > _printed:  # by os.write, or by native code
        mark("printed")
    return _first


def mark(what: str) -> None:
    """Say that something was done that cannot be taken back."""
    global _first  # noqa: PLW0603 - a process has one past
    if _watching and not _first:
        _first = what


def watch() -> None:
    """Begin to watch; a process does so until it ends."""
    global _watching, _printed
    if _watching:
        return
    _watching, _printed = True, _length_of_stdout()
    for stream in (sys.stdout, sys.stderr):
        _stand_before(stream)
    _stand_before_pyarrow()
    sys.addaudithook(_hear)


def _length_of_stdout() -> int:
    """The bytes of the file that is this process's stdout; 0 when it is none."""
    try:
        sys.stdout.flush()
        about = os.fstat(1)
    except (OSError, ValueError):  # the script has closed it
        return 0
    return about.st_size if stat.S_ISREG(about.st_mode) else 0


def _stand_before(stream: TextIO) -> None:
    write = stream.write

    def marked(text: str) -> int:
        if text and _module(sys._getframe(1)) != "warnings":
            mark("printed")
        return write(text)

    stream.write = marked  # type: ignore[method-assign]


def _stand_before_pyarrow() -> None:
    """Mark an ``import pyarrow`` of the script's, and what pandas writes by it; a pandas that comes later is heard."""
    original = builtins.__import__

    def imported(name: str, *given: Any, **named: Any) -> Any:
        if name.partition(".")[0] == _NATIVE and _is_wanted_by_script(name, sys._getframe().f_back):
            mark(f"imported {name}, which writes unseen")
        return original(name, *given, **named)

    builtins.__import__ = imported
    if pandas := sys.modules.get("pandas"):
        for name in _BY_PYARROW:
            _stand_before_method(pandas.DataFrame, name)


def _stand_before_method(owner: type[Any], name: str) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def marked(*given: Any, **named: Any) -> Any:
        if _of_script(sys._getframe(1)):
            mark(f"called {name}")
        return method(*given, **named)

    setattr(owner, name, marked)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _first or not (event in ("open", "import") or event in _EVENTS):
        return
    caller = sys._getframe(1)
    if event == "import":
        name, path = arguments[:2]
        if path and not path.startswith(_STANDARD) and _is_wanted_by_script(name, caller):
            mark(f"imported {name}, which is native code,")
        return
    if _module(caller).startswith("importlib"):  # which writes what it compiles
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING and path != os.devnull and _of_script(caller):
            mark(f"opened {path} to write")
    elif (event != "ctypes.dlopen" or arguments[0]) and _of_script(caller):  # ctypes opens the process itself, None
        mark(f"{_EVENTS[event]} {arguments[event == 'socket.connect'] if arguments else ''!s:.200}".rstrip())


def _is_wanted_by_script(name: str, frame: FrameType | None) -> bool:
    """Whether an import is of the script's, or of a package's whose effects are not seen; Sail has its own."""
    between = {name.partition(".")[0], *_IMPORTING}
    while frame is not None and (_module(frame) == __name__ or _module(frame).partition(".")[0] in between):
        frame = frame.f_back
    if frame is None or f"{_module(frame)}.".startswith((*_OURS, *_SEEN)):
        return False
    while frame is not None and _module(frame) != "__main__":
        frame = frame.f_back
    return frame is not None


def _of_script(frame: FrameType | None) -> bool:
    """Whether the script asked for it: the innermost module that is ours or the script's own decides."""
    while frame is not None:
        name = _module(frame)
        if name == "__main__":
            return True
        if name.startswith(_OURS) and name != __name__:  # this module stands between an import and what it runs
            return False
        frame = frame.f_back
    return True


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
