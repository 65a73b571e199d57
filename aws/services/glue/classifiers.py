"""Custom classifiers (AWS Glue Web API, Crawlers and classifiers API)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.catalog.classifiers.model import KINDS, check
from lakelet.catalog.classifiers.store import ClassifierStore
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

_PAGE = 100
_classifiers = ClassifierStore()

_Given = Mapping[str, Any] | None


def create_classifier(
    grok_classifier: _Given = None,
    xml_classifier: _Given = None,
    json_classifier: _Given = None,
    csv_classifier: _Given = None,
) -> None:
    """Add a classifier of one kind; AlreadyExistsException, InvalidInputException."""
    kind, definition = _one(grok_classifier, xml_classifier, json_classifier, csv_classifier)
    check(kind, definition)
    with writing(current().engine) as connection:
        _classifiers.create(connection, kind, definition)


def update_classifier(
    grok_classifier: _Given = None,
    xml_classifier: _Given = None,
    json_classifier: _Given = None,
    csv_classifier: _Given = None,
) -> None:
    """Change the members that are given; EntityNotFoundException, InvalidInputException. The kind stays."""
    kind, changes = _one(grok_classifier, xml_classifier, json_classifier, csv_classifier)
    with writing(current().engine) as connection:
        old = _classifiers.get(connection, changes["Name"])
        if old.kind != kind:
            raise InvalidInputException(f"Classifier {old.name} is a {old.kind}: delete it to make it a {kind}.")
        definition = {**old.definition, **changes}
        check(kind, definition)
        _classifiers.update(connection, old, definition)


def get_classifier(name: str) -> dict[str, Any]:
    """One classifier; EntityNotFoundException."""
    with reading(current().engine) as connection:
        return {"Classifier": _classifiers.get(connection, name).to_answer()}


def get_classifiers(max_results: int = _PAGE, next_token: str | None = None) -> dict[str, Any]:
    """The classifiers by name, a page at a time."""
    after = paging.position(next_token, "GetClassifiers") or ""
    with reading(current().engine) as connection:
        found = _classifiers.list(connection, after, max_results + 1)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"Classifiers": [one.to_answer() for one in page]}
    if more:
        answer["NextToken"] = paging.next_token(page[-1].name, "GetClassifiers")
    return answer


def delete_classifier(name: str) -> None:
    """Remove a classifier; EntityNotFoundException. Crawlers that name it fail until they do not."""
    with writing(current().engine) as connection:
        _classifiers.delete(connection, name)


def _one(*given: _Given) -> tuple[str, Mapping[str, Any]]:
    found = [(kind, one) for kind, one in zip(KINDS, given, strict=True) if one is not None]
    if len(found) != 1:
        raise InvalidInputException(f"Exactly one of {', '.join(KINDS)} is to be given, not {len(found)}.")
    return found[0]
