"""Classifiers by boto3: made, changed, listed, deleted; and those that could classify nothing, refused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def name(glue: Any) -> Iterator[str]:
    name = f"k-{uuid.uuid4().hex[:8]}"
    yield name
    try:
        glue.delete_classifier(Name=name)
    except glue.exceptions.EntityNotFoundException:
        return


KINDS: dict[str, dict[str, Any]] = {
    "CsvClassifier": {
        "Delimiter": "|", "QuoteSymbol": "'", "ContainsHeader": "ABSENT", "Header": ["a", "b"],
        "DisableValueTrimming": True, "AllowSingleColumn": False, "CustomDatatypeConfigured": True,
        "CustomDatatypes": ["INT", "STRING"], "Serde": "OpenCSVSerDe",
    },
    "JsonClassifier": {"JsonPath": "$.records[*]"},
    "XMLClassifier": {"Classification": "orders", "RowTag": "order"},
    "GrokClassifier": {
        "Classification": "app", "GrokPattern": "%{TIMESTAMP_ISO8601:at} %{SEVERITY:level} %{GREEDYDATA:text}",
        "CustomPatterns": "SEVERITY LOW|HIGH",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_is_kept_changed_and_deleted(glue: Any, name: str, kind: str) -> None:
    made = {"Name": name, **KINDS[kind]}
    glue.create_classifier(**{kind: made})
    found = glue.get_classifier(Name=name)["Classifier"]
    assert list(found) == [kind]
    assert found[kind].items() >= made.items() and found[kind]["Version"] == 1
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_classifier(**{kind: made})
    change = {"CsvClassifier": {"Delimiter": ";"}, "JsonClassifier": {"JsonPath": "$[*]"}}.get(
        kind, {"Classification": "other"}
    )
    glue.update_classifier(**{kind: {"Name": name, **change}})
    found = glue.get_classifier(Name=name)["Classifier"][kind]
    assert found.items() >= (made | change).items() and found["Version"] == 2
    assert found["LastUpdated"] > found["CreationTime"]
    pages = glue.get_paginator("get_classifiers").paginate(PaginationConfig={"PageSize": 1})
    assert [one for page in pages for one in page["Classifiers"]].count({kind: found}) == 1
    glue.delete_classifier(Name=name)
    for gone in (glue.get_classifier, glue.delete_classifier):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            gone(Name=name)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.update_classifier(**{kind: {"Name": name, **change}})


def test_a_classifier_stays_of_its_kind(glue: Any, name: str) -> None:
    glue.create_classifier(JsonClassifier={"Name": name, "JsonPath": "$"})
    with pytest.raises(glue.exceptions.InvalidInputException, match="JsonClassifier"):
        glue.update_classifier(CsvClassifier={"Name": name, "Delimiter": ","})


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("CsvClassifier", {"Delimiter": "'"}, "same character"),
        ("CsvClassifier", {"Header": ["a", "A"]}, "twice"),
        ("CsvClassifier", {"CustomDatatypes": ["INTEGRAL", "INT"]}, "INTEGRAL"),
        ("CsvClassifier", {"CustomDatatypes": []}, "has none"),
        ("CsvClassifier", {"CustomDatatypes": ["INT"]}, "2 names"),
        ("JsonClassifier", {"JsonPath": "records"}, "cannot be read"),
        ("JsonClassifier", {"JsonPath": "$..*"}, "cannot be read"),
        ("XMLClassifier", {"RowTag": " "}, "RowTag"),
        ("XMLClassifier", {"Classification": ""}, "Classification"),
        ("GrokClassifier", {"GrokPattern": "%{NOBODY:x}"}, "NOBODY"),
        ("GrokClassifier", {"GrokPattern": "%{WORD}"}, "names no field"),
        ("GrokClassifier", {"GrokPattern": "%{INT:x:uuid}"}, "uuid"),
        ("GrokClassifier", {"CustomPatterns": "SEVERITY %{SEVERITY}"}, "itself"),
        ("GrokClassifier", {"CustomPatterns": "SEVERITY (?<!x)y"}, "looking ahead"),
        ("GrokClassifier", {"CustomPatterns": "SEVERITY (a{999}){999}"}, "cannot be used"),
        ("GrokClassifier", {"CustomPatterns": "SEVERITY"}, "CustomPatterns"),
    ],
)
def test_what_could_classify_nothing_is_refused(
    glue: Any, name: str, kind: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(glue.exceptions.InvalidInputException, match=said):
        glue.create_classifier(**{kind: {"Name": name, **KINDS[kind], **changes}})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_classifier(Name=name)


def test_one_classifier_at_a_time(glue: Any, name: str) -> None:
    both = {"JsonClassifier": {"Name": name, "JsonPath": "$"}, "CsvClassifier": {"Name": name}}
    for given in ({}, both):
        with pytest.raises(ClientError, match="Exactly one"):
            glue.create_classifier(**given)
