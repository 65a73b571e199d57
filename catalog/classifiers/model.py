"""What a classifier holds, and what makes one that can be used (AWS Glue Web API, Classifier API)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.classifiers.grok import Grok
from lakelet.catalog.classifiers.jsonpath import JsonPath
from lakelet.workspace.errors import InvalidInputException

KINDS = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")

# A CsvClassifier's CustomDatatypes, as Glue's column types; the n-th is that of the n-th column.
CSV_TYPES: Mapping[str, str] = {
    "BINARY": "binary", "BOOLEAN": "boolean", "DATE": "date", "DECIMAL": "decimal", "DOUBLE": "double",
    "FLOAT": "float", "INT": "int", "LONG": "bigint", "SHORT": "smallint", "STRING": "string",
    "TIMESTAMP": "timestamp",
}  # fmt: skip


@dataclass(frozen=True)
class Classifier:
    """One classifier of a kind of :data:`KINDS`, in the members of its structure; times are Unix seconds."""

    name: str
    kind: str
    definition: Mapping[str, Any]
    version: int
    created_at: float
    updated_at: float

    def to_answer(self) -> dict[str, Any]:
        """Glue's Classifier structure."""
        times = {"CreationTime": self.created_at, "LastUpdated": self.updated_at, "Version": self.version}
        return {self.kind: {**self.definition, **times}}


def check(kind: str, definition: Mapping[str, Any]) -> None:
    """Whether a definition can classify anything; raises InvalidInputException."""
    if not str(definition["Name"]).strip():
        raise InvalidInputException("The classifier has no Name.")
    match kind:
        case "CsvClassifier":
            _check_csv(definition)
        case "JsonClassifier":
            JsonPath.of(definition["JsonPath"])
        case "GrokClassifier":
            _check_classification(definition)
            Grok.of(definition["GrokPattern"], definition.get("CustomPatterns", ""))
        case "XMLClassifier":
            _check_classification(definition)
            if "RowTag" in definition and not definition["RowTag"].strip("<>/ \t\r\n"):
                raise InvalidInputException("The RowTag is empty: name the element that holds one record.")


def _check_classification(definition: Mapping[str, Any]) -> None:
    if not definition["Classification"].strip():
        raise InvalidInputException(f"Classifier {definition['Name']} has no Classification.")


def _check_csv(definition: Mapping[str, Any]) -> None:
    if definition.get("Delimiter") is not None and definition.get("Delimiter") == definition.get("QuoteSymbol"):
        raise InvalidInputException("Delimiter and QuoteSymbol are the same character.")
    header, types = definition.get("Header") or [], definition.get("CustomDatatypes") or []
    if len({name.strip().lower() for name in header}) != len(header) or not all(name.strip() for name in header):
        raise InvalidInputException("The Header has a name twice, or one that is empty.")
    if unknown := [one for one in types if one.upper() not in CSV_TYPES]:
        raise InvalidInputException(f"CustomDatatypes knows no {unknown[0]!r}: it takes {', '.join(CSV_TYPES)}.")
    if definition.get("CustomDatatypeConfigured") and not types:
        raise InvalidInputException("CustomDatatypeConfigured is set, and CustomDatatypes has none.")
    if header and types and len(header) != len(types):
        raise InvalidInputException(f"The Header has {len(header)} names, and CustomDatatypes {len(types)} types.")
