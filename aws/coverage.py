"""What of AWS is served, as a page written from the signatures.

python -m lakelet.aws.coverage > docs/aws-coverage.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lakelet.aws.directory import Directory
from lakelet.aws.members import ROWS, Effect, effect
from lakelet.aws.operations import Operation, Service
from lakelet.jobs import definitions

HEADER = """# AWS coverage

Written by `python -m lakelet.aws.coverage`, from the signatures of the functions in `aws/services/` and the table in
`aws/members.py`; a test holds them together. Each member of an input acts, is kept (taken, and returned where it is
part of a definition, without effect, for nothing becomes untrue by it), or is refused by name (HTTP 501,
`NotImplementedException`), never ignored; so is an operation that is not listed. **Bold** members are required. The
reasons follow each table, with notes on how far some members act; a dot leads into a structure.
"""


def services() -> list[Service]:
    """Every service of the wire."""
    return Directory.served().all()


def page(served: Sequence[Service]) -> str:
    """The page, in Markdown."""
    return "\n".join([HEADER, *(line for service in served for line in _section(service))])


def _section(service: Service) -> Iterator[str]:
    total = len(service.model.operation_names)
    yield f"## {service.model.metadata['serviceFullName']} ({len(service.operations)} of {total} operations)\n"
    yield "| operation | acts | kept without effect | refused |\n|---|---|---|---|"
    for name in sorted(service.operations):
        classes = (", ".join(_members(service.operations[name], effect)) or "–" for effect in Effect)
        yield f"| {name} | {' | '.join(classes)} |"
    yield ""
    if rows := [row for row in ROWS if row.service == service.name]:
        yield "| operation | member | | why |\n|---|---|---|---|"
        for row in rows:
            operation = "all that have it" if row.operation == "*" else row.operation
            yield f"| {operation} | {row.path} | {row.effect.value} | {row.reason} |"
        yield ""
    if service.name == "glue":
        yield from _arguments()


def _members(operation: Operation, wanted: Effect) -> Iterator[str]:
    for member in getattr(operation.model.input_shape, "members", ()):
        if effect(operation, member) is wanted:
            yield f"**{member}**" if member in operation.required else member


def _arguments() -> Iterator[str]:
    yield "Job parameters of AWS Glue that do not act; the script is given the kept ones, as any other argument.\n"
    yield "| parameter | | why |\n|---|---|---|"
    for name, reason in definitions.KEPT_ARGUMENTS.items():
        yield f"| `{name}` | kept | {reason} |"
    for name, (value, reason) in definitions.REFUSED_VALUES.items():
        yield f"| `{name}` `{value}` | refused | {reason} |"
    for name, reason in definitions.REFUSED_ARGUMENTS.items():
        yield f"| `{name}` | refused | {reason} |"
    yield ""


if __name__ == "__main__":
    print(page(services()), end="")
