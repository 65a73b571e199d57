"""What an analyst finds in a notebook's kernel: ``%%sql`` over the lake, and ``spark``, ``sc``, ``glueContext`` and
``opensearch``, each made when a cell first names it, so that a notebook without Spark starts at once.

An IPython extension: the kernel that ``lakelet notebook`` installs loads it (``--ext=lakelet.kernel``).
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lakelet.workspace.environment import client_environment
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    import pandas as pd

APPLICATION = "lakelet notebook"

# An open notebook must not keep the cluster from jobs: it gives its executors back when it has been idle.
SPARK_CONF = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "0",
    "spark.dynamicAllocation.initialExecutors": "1",
    "spark.dynamicAllocation.executorIdleTimeout": "30s",
    "spark.dynamicAllocation.cachedExecutorIdleTimeout": "300s",
}


def load_ipython_extension(shell: Any) -> None:
    """Point the process at the workspace's stack, and register the magic and the names."""
    from lakelet.jobs.spark import spark_environment

    workspace = Workspace.find()
    os.environ.update(spark_environment(workspace))
    try:
        os.environ.update(client_environment(workspace))
    except LakeletError as error:
        print(error, file=sys.stderr)
    shell.register_magic_function(_Sql(shell, workspace), "line_cell", "sql")
    makers: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "spark": lambda names: _spark(),
        "sc": lambda names: _spark().sparkContext,
        "glueContext": lambda names: _glue_context(),
        "opensearch": lambda names: _opensearch(workspace),
    }
    shell.events.register("pre_run_cell", _Names(shell, makers))
    bundles = shell.display_formatter.mimebundle_formatter
    bundles.for_type_by_name("altair.vegalite.v6.api", "TopLevelMixin", _chart)  # without importing altair


class _Names:
    """Makes what a cell names and the notebook does not have yet."""

    def __init__(self, shell: Any, makers: Mapping[str, Callable[[Mapping[str, Any]], Any]]) -> None:
        self._shell = shell
        self._makers = makers

    def __call__(self, info: Any) -> None:
        names = names_in(self._shell.transform_cell(info.raw_cell or ""))
        for name, make in self._makers.items():
            if name in names and name not in self._shell.user_ns:
                try:
                    self._shell.user_ns[name] = make(self._shell.user_ns)
                except LakeletError as error:
                    print(f"{name} is not there: {error}", file=sys.stderr)


def names_in(code: str) -> set[str]:
    """The names that Python code mentions; none when it cannot be parsed, which its own run will tell."""
    try:
        return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError, RecursionError):
        return set()


class _Sql:
    """``%sql SELECT …`` and ``%%sql [--database D] [--into NAME]``: a DataFrame. ``:name`` is a variable's value."""

    __name__ = "sql"
    _ipython_magic_no_var_expand = True  # IPython would paste its own {name} and $name as text

    def __init__(self, shell: Any, workspace: Workspace) -> None:
        self._shell = shell
        self._workspace = workspace

    def __call__(self, line: str, cell: str | None = None) -> pd.DataFrame | None:
        from IPython.core.error import UsageError

        from lakelet.query.client import query
        from lakelet.query.parameters import bind

        try:
            options, statement = ({}, line) if cell is None else (_options(line), cell)
            statement = bind(statement, self._shell.user_ns)
            frame: pd.DataFrame = query(self._workspace, statement, options.get("--database")).to_pandas()
        except LakeletError as error:
            raise UsageError(str(error)) from None  # which IPython shows as one sentence
        if name := options.get("--into"):
            self._shell.user_ns[name] = frame
            return None
        return frame


def _options(line: str) -> dict[str, str]:
    from lakelet.workspace.errors import UsageError

    words = line.split()
    options = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or not options.keys() <= {"--database", "--into"}:
        raise UsageError(f"%%sql takes --database NAME and --into NAME, not {line!r}.")
    return options


def _chart(chart: Any, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """An Altair chart as JupyterLab draws it by itself: Altair's own form fetches its scripts from the internet.

    JupyterLab 4 brings Vega-Lite 5 and Altair 6 writes version 6, which reads the same but for new features.
    """
    spec = chart.to_dict()
    spec["$schema"] = spec["$schema"].rpartition("/")[0] + "/v5.json"
    return {"application/vnd.vegalite.v5+json": spec, "text/plain": f"<{type(chart).__name__}>"}


def _spark() -> Any:
    """The session on the cluster, as ``spark-defaults.conf`` describes it, started once."""
    from pyspark.sql import SparkSession

    from lakelet.etl.session import session_of

    builder = SparkSession.builder.appName(APPLICATION)
    for name, value in SPARK_CONF.items():
        builder = builder.config(name, value)
    return session_of(builder.getOrCreate().sparkContext)


def _glue_context() -> Any:
    from lakelet.etl.context import GlueContext

    return GlueContext(_spark().sparkContext)


def _opensearch(workspace: Workspace) -> Any:
    from lakelet.search.client import open_client

    return open_client(workspace)
