"""What of AWS is served, as a page written from the signatures: ``python -m aws.coverage > docs/aws-coverage.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aws.directory import Directory
from aws.operations import Operation, Service

HEADER = """# AWS coverage

Written by `python -m aws.coverage`, from the signatures of the functions in `aws/services/`; a test holds the two
together. An operation that is not listed, and a member that is not listed with it, are refused by name (HTTP 501,
`NotImplementedException`), never ignored. **Bold** members are required.
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
    yield "| operation | members | not served |\n|---|---|---|"
    for name in sorted(service.operations):
        operation = service.operations[name]
        yield f"| {name} | {', '.join(_members(operation)) or '–'} | {', '.join(_refused(operation)) or '–'} |"
    yield ""


def _members(operation: Operation) -> Iterator[str]:
    for member in operation.arguments:
        yield f"**{member}**" if member in operation.required else member


def _refused(operation: Operation) -> list[str]:
    shape = operation.model.input_shape
    return [member for member in (shape.members if shape else ()) if member not in operation.arguments]


if __name__ == "__main__":
    print(page(services()), end="")
