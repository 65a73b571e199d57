"""What a Python that runs a user's code does first: the names of our packages belong to the user there.

Python imports a module of this name by itself when it starts, and this folder stands on the ``PYTHONPATH`` of scripts,
of Spark's Python workers and of notebooks (:func:`jobs.spark.python_path`). From then on in such a process:

- our packages are ``lakelet.data``, ``lakelet.etl`` and so on; what they import of each other is led there;
- ``import data`` is the user's own package when the path has one, and else another name of ``lakelet.data``;
- ``pyspark`` is the one beside us, not the same again out of an archive; ``from pyspark.sql.functions import *`` brings
  what it did in Spark 3, which AWS Glue has.

Both names can be loaded at once. docs/adr/0016-scripts-own-the-names.md says why it is done so.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
DISTRIBUTION = "lakelet"
PUBLIC = (DISTRIBUTION, "awsglue", "awsgluedq")  # names that are ours in every process
ROOMS = frozenset(
    ("workspace", "data", "identity", "catalog", "search", "query", "etl", "jobs", "dashboards", "aws")
)  # tests/unit/test_script_names.py compares them with the tree

FUNCTIONS = "pyspark.sql.functions"
OF_SPARK_3 = (  # names that are there, and that a star does not bring any more
    "approxCountDistinct", "bitwiseNOT", "countDistinct", "shiftLeft", "shiftRight", "shiftRightUnsigned",
    "sumDistinct", "toDegrees", "toRadians",
)  # fmt: skip

_python_import = builtins.__import__


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """The ``import`` statement of our own modules."""
    room = name.partition(".")[0]
    if level or room not in ROOMS:
        return _python_import(name, globals, locals, fromlist or (), level)
    module = _python_import(f"{DISTRIBUTION}.{name}", globals, locals, fromlist or ())
    return module if fromlist else getattr(module, room)  # `import data.objects` binds `data`


_BUILTINS = vars(builtins) | {"__import__": _import}


class _OurLoader(SourceFileLoader):
    """Runs one of our modules, as it is, with our ``import`` statement."""

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = _BUILTINS
        super().exec_module(module)


class _FunctionsLoader(SourceFileLoader):
    """Runs pyspark's functions, and has a star bring :data:`OF_SPARK_3` too."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__all__ = [*module.__all__, *OF_SPARK_3]  # type: ignore[attr-defined]


class _OtherName:
    """Gives a module of ours, which is loaded once, under the plain name that a script may use."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(f"{DISTRIBUTION}.{module.__name__}")


class _Finder:
    """Decides whose module a name means, before the path is asked."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        top, _, rest = name.partition(".")
        if top in PUBLIC:
            is_room = top == DISTRIBUTION and rest in ROOMS
            return _run_by(_OurLoader, name, [str(REPOSITORY)] if is_room or not rest else path)
        if name == FUNCTIONS:
            return _run_by(_FunctionsLoader, name, path)
        if top in ROOMS and _means_ours(name, top):
            return ModuleSpec(name, _OtherName())  # type: ignore[arg-type]  # which need not be a Loader by inheritance
        return None


def _run_by(loader: type[SourceFileLoader], name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    spec = PathFinder.find_spec(name, path)
    if spec is not None and spec.origin is not None and isinstance(spec.loader, SourceFileLoader):
        spec.loader = loader(name, spec.origin)
    return spec


def _means_ours(name: str, room: str) -> bool:
    if name != room:  # as its package does
        return sys.modules.get(room) is sys.modules.get(f"{DISTRIBUTION}.{room}")
    found = PathFinder.find_spec(name)
    return found is None or found.origin == str(REPOSITORY / room / "__init__.py")


def _next_sitecustomize() -> None:
    """Python imports one module of this name, the first on the path: whoever has one beside ours still gets it run."""
    path = [folder for folder in sys.path if Path(folder).resolve() != HERE]
    spec = PathFinder.find_spec(__name__, path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


def _leave_archives_out() -> None:
    """Take off the path those archives of Spark whose packages it has unpacked as well.

    Spark puts them onto the path of each of its Pythons. What comes from an archive is compiled at every start, and the
    directory of every archive is read again for every task of a Python worker (``importlib.invalidate_caches``).
    """
    unpacked = tuple(f"{folder}/pyspark/" for folder in sys.path if Path(folder, "pyspark").is_dir())
    for one in [one for one in sys.path if one.startswith(unpacked) and one.endswith((".zip", ".jar"))]:
        sys.path.remove(one)
        sys.path_importer_cache.pop(one, None)


def _of_our_installation(finder: object) -> bool:
    """Whether it is the finder of an editable installation, which would take our modules for parts of the user's."""
    return str(getattr(finder, "__module__", "")).startswith(f"__editable___{DISTRIBUTION}_")


_leave_archives_out()
sys.meta_path[:] = [_Finder, *(finder for finder in sys.meta_path if not _of_our_installation(finder))]
_next_sitecustomize()
