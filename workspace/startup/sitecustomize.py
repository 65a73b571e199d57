"""What a Python that runs a user's code does first, before it reads the script.

Python imports a module of this name by itself when it starts, and this folder stands on the ``PYTHONPATH`` of scripts,
of Spark's Python workers and of notebooks (:func:`lakelet.jobs.spark.python_path`). From then on in such a process:

- ``lakelet``, ``awsglue`` and ``awsgluedq`` are ours, also when the script's folder has a module of that name;
- ``pyspark`` is the one beside us, not the same again out of an archive; ``from pyspark.sql.functions import *`` brings
  what it did in Spark 3, which AWS Glue has.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).absolute().parent
OURS = ("lakelet", "awsglue", "awsgluedq")
BESIDE_US = str(HERE.parents[2])  # the folder that holds OURS: this one is lakelet/workspace/startup

FUNCTIONS = "pyspark.sql.functions"
OF_SPARK_3 = (  # names that are there, and that a star does not bring any more
    "approxCountDistinct", "bitwiseNOT", "countDistinct", "shiftLeft", "shiftRight", "shiftRightUnsigned",
    "sumDistinct", "toDegrees", "toRadians",
)  # fmt: skip


class _FunctionsLoader(SourceFileLoader):
    """Runs pyspark's functions, and has a star bring :data:`OF_SPARK_3` too."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__all__ = [*module.__all__, *OF_SPARK_3]  # type: ignore[attr-defined]


class _Finder:
    """Decides where a name is found, before the path is asked."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in OURS:
            return PathFinder.find_spec(name, [BESIDE_US])
        if name != FUNCTIONS:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.origin is not None:
            spec.loader = _FunctionsLoader(name, spec.origin)
        return spec


def _next_sitecustomize() -> None:
    """Python imports one module of this name, the first on the path: whoever has one beside ours still gets it run."""
    path = [folder for folder in sys.path if Path(folder).absolute() != HERE]
    spec = PathFinder.find_spec(__name__, path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


def _leave_archives_out() -> None:
    """Take off the path those archives of Spark whose packages it has unpacked as well.

    Spark puts them onto the path of each of its Pythons. What comes from an archive is compiled at every start, and the
    directory of every archive is read again for every task of a Python worker (``importlib.invalidate_caches``).
    """
    unpacked = tuple(f"{folder}/pyspark/" for folder in sys.path if Path(folder, "pyspark").is_dir())
    archives = [path for path in sys.path if path.startswith(unpacked) and path.endswith((".zip", ".jar"))]
    for archive in archives:
        sys.path.remove(archive)
        sys.path_importer_cache.pop(archive, None)


_leave_archives_out()
sys.meta_path.insert(0, _Finder)
_next_sitecustomize()
