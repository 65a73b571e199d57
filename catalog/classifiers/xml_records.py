"""The records of XML text: the elements of one name, as dictionaries of their fields.

As with Glue's XML reader, an attribute becomes a field with ``_`` before its name, and the text of an element that has
attributes the field ``_VALUE``. Documents that define entities are not read: they can grow without end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree

_MOST_DEPTH = 30
_DEFINITIONS = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


def records(text: str, row_tag: str) -> tuple[str, list[dict[str, Any]]]:
    """The name of the elements that are records, and those of them that are complete; none in what is no XML.

    Without a ``row_tag`` it is the commonest child of the outermost element. The text may be cut off.
    """
    if not text.lstrip().startswith("<") or _DEFINITIONS.search(text):
        return "", []
    wanted = row_tag.strip("<>/ \t\r\n")
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    found: list[tuple[str, dict[str, Any]]] = []
    depth = 0
    with suppress(ElementTree.ParseError):  # what came before is read
        parser.feed(text)
    for event, element in _events(parser):
        depth += 1 if event == "start" else -1
        tag = _name(str(element.tag))
        if event == "end" and (tag == wanted if wanted else depth == 1):
            value = _value(element)
            if isinstance(value, dict):
                found.append((tag, value))
            element.clear()
    if not found:
        return wanted, []
    common = wanted or Counter(tag for tag, _ in found).most_common(1)[0][0]
    return common, [value for tag, value in found if tag == common]


def _events(parser: Any) -> Iterator[tuple[str, Any]]:
    with suppress(ElementTree.ParseError):
        yield from parser.read_events()


def _value(element: Any, depth: int = 0) -> Any:
    fields: dict[str, Any] = {f"_{_name(name)}": _scalar(value) for name, value in element.attrib.items()}
    repeated: set[str] = set()
    for child in element if depth < _MOST_DEPTH else ():
        name, value = _name(str(child.tag)), _value(child, depth + 1)
        if name in repeated:
            fields[name].append(value)
        elif name in fields:
            fields[name] = [fields[name], value]
            repeated.add(name)
        else:
            fields[name] = value
    own = (element.text or "").strip()
    if not fields:
        return _scalar(own)
    if own:
        fields["_VALUE"] = _scalar(own)
    return fields


def _scalar(text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _name(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
