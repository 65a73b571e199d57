"""Nothing that a Glue script says is ignored in silence: a parameter without effect is named in docs/awsglue.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lakelet.etl import file_formats, mongodb, open_tables, opensearch, selection
from lakelet.etl.dqdl import evaluation
from lakelet.jobs import definitions
from lakelet.workspace.paths import REPOSITORY

# What a script can call: the modules behind awsglue's names.
MODULES = (
    "arguments", "collection", "connection_types", "context", "dqdl/transform", "dynamicframe", "frame",
    "glue_transforms", "job", "reading", "sinks", "writing",
)  # fmt: skip
REFUSING = {"args", "kwargs"}  # of functions that refuse every call


# Protocols, whose functions have no bodies, and options that are known by their names alone.
PROTOCOLS = {"Sink"}
OPTIONS = (
    selection.WITHOUT_EFFECT | file_formats.WITHOUT_EFFECT | opensearch.WITHOUT_EFFECT | evaluation.WITHOUT_EFFECT
    | mongodb.WITHOUT_EFFECT | open_tables.WITHOUT_EFFECT
)  # fmt: skip


def unused(module: str) -> Iterator[str]:
    tree = ast.parse((REPOSITORY / "etl" / f"{module}.py").read_text())
    tree.body = [one for one in tree.body if not (isinstance(one, ast.ClassDef) and one.name in PROTOCOLS)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (
            not node.name.startswith("_") or node.name in ("__init__", "__call__")
        ):
            given = node.args
            every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
            names = {one.arg for one in every if one}
            read = {one.id for statement in node.body for one in ast.walk(statement) if isinstance(one, ast.Name)}
            yield from names - read - {"self", "cls"} - REFUSING


def documented() -> set[str]:
    text = (REPOSITORY / "docs" / "awsglue.md").read_text()
    (section,) = re.findall(r"## Accepted without effect\n(.*?)\n## ", text, re.DOTALL)
    return set(re.findall(r"`([\w.]+)`", " ".join(re.findall(r"^\|([^|]*)\|", section, re.MULTILINE))))


def test_job_parameters_are_listed_on_one_page_alone() -> None:
    text = (REPOSITORY / "docs" / "awsglue.md").read_text()
    assert "](aws-coverage.md)" in text
    assert not {name for name in definitions.KEPT_ARGUMENTS if f"`{name}`" in text}
    page = (REPOSITORY / "docs" / "aws-coverage.md").read_text()
    for names, word in (
        (definitions.KEPT_ARGUMENTS, "kept"), (definitions.REFUSED_ARGUMENTS, "refused"),
    ):  # fmt: skip
        assert all(f"| `{name}` | {word} | " in page for name in names)


def test_what_has_no_effect_is_documented_and_nothing_else_is() -> None:
    found = {name for module in MODULES for name in unused(module)}
    assert found | OPTIONS == documented()
