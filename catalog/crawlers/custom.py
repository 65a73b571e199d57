"""Custom classifiers at work: what an object's text is when one of them recognises it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lakelet.catalog.classifiers.grok import Grok
from lakelet.catalog.classifiers.jsonpath import JsonPath
from lakelet.catalog.classifiers.model import CSV_TYPES
from lakelet.catalog.classifiers.xml_records import records
from lakelet.catalog.crawlers.csv_classifier import CsvRules, classify_csv_as
from lakelet.catalog.crawlers.json_classifier import columns_of, stream
from lakelet.catalog.crawlers.schema import Column, Sample, Storage
from lakelet.data.formats import CSV, GROK_SERDE, JSON, DataFormat
from lakelet.data.objects import StoredObject

OPEN_CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"

_LEAST_SHARE = 0.8  # of lines that a grok pattern has to match
_MOST_LINES = 10_000


@dataclass(frozen=True)
class Text:
    """The beginning of an object, unpacked: ``size`` bytes of it, ``whole`` when there is no more."""

    item: StoredObject
    text: str
    size: int
    whole: bool


@dataclass(frozen=True)
class CustomClassifier:
    """One classifier, ready: ``classify`` answers a Sample, or None for text that it does not recognise."""

    kind: str
    definition: Mapping[str, Any]
    format: DataFormat
    _compiled: Any = field(repr=False, default=None)

    @classmethod
    def of(cls, classifier: Mapping[str, Any]) -> CustomClassifier:
        """From Glue's Classifier structure; raises InvalidInputException."""
        [(kind, definition)] = classifier.items()
        match kind:
            case "CsvClassifier":
                return cls(kind, definition, CSV, _csv_rules(definition))
            case "JsonClassifier":
                return cls(kind, definition, JSON, JsonPath.of(definition["JsonPath"]))
            case "GrokClassifier":
                grok = Grok.of(definition["GrokPattern"], definition.get("CustomPatterns", ""))
                made = replace(CSV, name=definition["Classification"], serdes=(GROK_SERDE,), serde_parameters={})
                return cls(kind, definition, made, grok)
        made = DataFormat(definition["Classification"], ("",), "", "", "xml", "", "", (".xml",))
        return cls(kind, definition, made)

    def classify(self, text: Text) -> Sample | None:
        """What the text holds."""
        match self.kind:
            case "CsvClassifier":
                return self._csv(text)
            case "JsonClassifier":
                return self._json(text)
            case "GrokClassifier":
                return self._grok(text)
        return self._xml(text)

    def _csv(self, text: Text) -> Sample | None:
        found = classify_csv_as(text.text, self._compiled)
        if found is None:
            return None
        given = self.definition
        parameters: dict[str, str] = {}
        serde = ""
        if given.get("Serde") == "OpenCSVSerDe":
            serde = OPEN_CSV_SERDE
            parameters = {
                "separatorChar": found.delimiter, "quoteChar": given.get("QuoteSymbol", '"'), "escapeChar": "\\",
            }  # fmt: skip
        elif "QuoteSymbol" in given:
            parameters = {"quoteChar": given["QuoteSymbol"]}
        return Sample(
            text.item, CSV, found.columns, found.rows, text.size, text.whole,
            named=found.named or bool(given.get("Header")), header_lines=found.header_lines,
            delimiter=found.delimiter, storage=Storage(serde, parameters),
        )  # fmt: skip

    def _json(self, text: Text) -> Sample | None:
        found = []
        for record in self._json_records(text):
            if not isinstance(record, dict):
                return None
            found.append(record)
        if not found:
            return None
        storage = Storage(parameters={"jsonPath": self.definition["JsonPath"]})
        return Sample(text.item, JSON, columns_of(found), len(found), text.size, text.whole, storage=storage)

    def _json_records(self, text: Text) -> Iterator[Any]:
        path: JsonPath = self._compiled
        try:
            yield from path.records(json.loads(text.text))
            return
        except (ValueError, RecursionError):
            pass
        if text.text.lstrip().startswith("["):  # an array that is cut off
            if path.steps[:1] == (None,):
                for value in stream(text.text):
                    yield from JsonPath(path.steps[1:]).records(value)
            return
        for line in text.text.splitlines():
            try:
                yield from path.records(json.loads(line))
            except (ValueError, RecursionError):
                continue

    def _grok(self, text: Text) -> Sample | None:
        grok: Grok = self._compiled
        lines = [line for line in text.text.splitlines()[:_MOST_LINES] if line.strip()]
        matched = sum(grok.match(line) is not None for line in lines)
        if not matched or matched < _LEAST_SHARE * len(lines):
            return None
        parameters = {"input.format": self.definition["GrokPattern"]}
        if custom := self.definition.get("CustomPatterns"):
            parameters["input.grokCustomPatterns"] = custom
        columns = tuple(Column(name, kind) for name, kind in grok.fields)
        whole = text.whole and len(lines) < _MOST_LINES
        complaints = (f"has {len(lines) - matched} lines that the grok pattern does not match",)
        return Sample(
            text.item, self.format, columns, len(lines), text.size, whole,
            complaints=complaints if matched < len(lines) else (), storage=Storage(serde_parameters=parameters),
        )  # fmt: skip

    def _xml(self, text: Text) -> Sample | None:
        tag, found = records(text.text, self.definition.get("RowTag", ""))
        if not found:
            return None
        storage = Storage(serde_parameters={"rowTag": tag})
        return Sample(text.item, self.format, columns_of(found), len(found), text.size, text.whole, storage=storage)


def _csv_rules(given: Mapping[str, Any]) -> CsvRules:
    return CsvRules(
        delimiter=given.get("Delimiter"),
        quote=given.get("QuoteSymbol", '"'),
        heading={"PRESENT": True, "ABSENT": False}.get(given.get("ContainsHeader", "UNKNOWN")),
        names=tuple(given.get("Header") or ()),
        types=tuple(CSV_TYPES[one.upper()] for one in given.get("CustomDatatypes") or ()),
        trims=not given.get("DisableValueTrimming"),
        single=bool(given.get("AllowSingleColumn")),
    )
