"""The quality gate: great-expectations over one catalogued table, and its Data Docs.

What has to hold of a table stands beside its definition, ``catalog/definitions/<database>/<table>.py``: a Python file
with ``COLUMNS`` (name, Hive type), ``KEY`` (the columns that name a row to people) and ``EXPECTATIONS``. Nothing leaves
the machine: great-expectations' usage statistics are off.
"""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakelet.etl.data_docs import make_local
from lakelet.etl.publishing import run_id
from lakelet.etl.tables import CatalogTable
from lakelet.query.client import query
from lakelet.workspace.errors import QualityError, UsageError
from lakelet.workspace.paths import Workspace

DEFINITIONS = "catalog/definitions"
EXAMPLES = 5
_SITE = "data_docs"


@dataclass(frozen=True)
class Definition:
    """What a definition file says of one table."""

    columns: Sequence[tuple[str, str]]
    key: Sequence[str]
    expectations: Sequence[Any]


@dataclass(frozen=True)
class Failure:
    """One expectation that does not hold. ``rows`` is how many rows break it, ``examples`` names some by their key."""

    expectation: str
    column: str
    rows: int
    examples: Sequence[str]
    detail: str

    def __str__(self) -> str:
        if not self.column:
            return f"the table: {self.expectation} ({self.detail})"
        examples = (
            f" ({', '.join(self.examples)}{', …' if self.rows > len(self.examples) else ''})" if self.examples else ""
        )
        return f"column {self.column}: {self.rows:,} rows break {self.expectation}{examples}"


@dataclass(frozen=True)
class Report:
    """How a gate ended: rows and expectations checked, what failed, and where the Data Docs begin."""

    table: str
    rows: int
    expectations: int
    failures: Sequence[Failure]
    docs: Path

    def raise_for_failures(self) -> None:
        """Raise :class:`~lakelet.workspace.errors.QualityError`, naming columns and rows, unless everything holds."""
        if self.failures:
            listed = "; ".join(str(failure) for failure in self.failures)
            raise QualityError(
                f"{self.table} fails {len(self.failures)} of {self.expectations} expectations: {listed}. "
                "See the Data Docs on the dashboards' quality page."
            )


def read_definition(workspace: Workspace, database: str, table: str) -> Definition:
    """Read a table's definition file, the project's before ours. Raises UsageError when there is none."""
    found = (folder / database / f"{table}.py" for folder in workspace.content(DEFINITIONS))
    path = next(filter(Path.is_file, found), None)
    if path is None:
        raise UsageError(f"{database}.{table} has no expectations: write catalog/definitions/{database}/{table}.py.")
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before great-expectations is imported
    names = runpy.run_path(str(path))
    try:
        return Definition(names["COLUMNS"], names["KEY"], names["EXPECTATIONS"])
    except KeyError as error:
        raise UsageError(f"{path.name} of {database} lacks {error.args[0]}: see docs/awsglue.md.") from error


def check_table(workspace: Workspace, database: str, table: str) -> Report:
    """Hold a table against its expectations and write its Data Docs.

    Raises QualityError at once when the catalog's columns are not those of the definition, UsageError without a
    definition, EntityNotFoundException without a table.
    """
    definition = read_definition(workspace, database, table)
    _check_columns(CatalogTable.get(workspace, database, table), definition)
    frame = _read(workspace, database, table)
    docs = workspace.state / "data-docs"
    result = _validate(frame, f"{database}.{table}", definition, docs)
    failures = [_failure(one, definition.key) for one in result.results if not one.success]
    return Report(f"{database}.{table}", len(frame), len(result.results), failures, docs / "index.html")


def _check_columns(table: CatalogTable, definition: Definition) -> None:
    found = table.types
    wrong = [
        f"column {name} is {found.get(name, 'missing')}, expected {kind}"
        for name, kind in definition.columns
        if found.get(name) != kind
    ]
    extra = sorted(found.keys() - {name for name, _ in definition.columns})
    wrong += [f"column {name} is not expected" for name in extra]
    if wrong:
        raise QualityError(f"{table} has another schema than its definition: {'; '.join(wrong)}.")


def _read(workspace: Workspace, database: str, table: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    # Nullable integers stay integers: as floats, their values would read 517.0 in the docs.
    whole = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}
    rows = query(workspace, f'SELECT * FROM "{database}"."{table}"')  # noqa: S608 - names of a definition file
    frame = rows.to_pandas(types_mapper=whole.get)
    # Where no value is missing, as numpy's integers: those great-expectations compares a column at a time, not a value.
    complete = [name for name, kind in frame.dtypes.items() if kind in whole.values() and not frame[name].hasnans]
    return frame.astype(dict.fromkeys(complete, "int64"))


def _validate(frame: Any, name: str, definition: Definition, docs: Path) -> Any:
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    draft = docs.with_name(f".{docs.name}.{os.getpid()}")
    context.add_data_docs_site(
        _SITE,
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(draft)},
        },
    )
    source = context.data_sources.add_pandas("lake")
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("now")
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=list(definition.expectations)))
    validation = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name=name,
            validation_definitions=[validation],
            actions=[UpdateDataDocsAction(name="docs", site_names=[_SITE])],
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": list(definition.key),
                "partial_unexpected_count": EXAMPLES,
            },
        )
    )
    run = gx.RunIdentifier(run_name=run_id())
    try:
        (result,) = checkpoint.run({"dataframe": frame}, run_id=run).run_results.values()
        failed = sum(not one.success for one in result.results)
        make_local(draft, name, rows=len(frame), expectations=len(result.results), failed=failed)
        _replace(draft, docs)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return result


def _replace(draft: Path, docs: Path) -> None:
    """Put the new site where the old one was; a reader sees one of them, but for an instant."""
    old = docs.with_name(f".{docs.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if docs.exists():
        docs.rename(old)
    draft.rename(docs)
    shutil.rmtree(old, ignore_errors=True)


def _failure(result: Any, key: Sequence[str]) -> Failure:
    config, found = result.expectation_config, result.result
    column = str(config.kwargs.get("column", ""))
    wanted = {name: value for name, value in config.kwargs.items() if name not in ("column", "batch_id")}
    text = config.type + (f" {wanted}" if wanted else "")
    if result.exception_info.get("raised_exception"):
        return Failure(text, column, 0, (), str(result.exception_info.get("exception_message")))
    rows = found.get("partial_unexpected_index_list") or []
    examples = [" ".join(str(row.get(name)) for name in key) for row in rows[:EXAMPLES]]
    return Failure(text, column, int(found.get("unexpected_count") or 0), examples, f"is {found.get('observed_value')}")
