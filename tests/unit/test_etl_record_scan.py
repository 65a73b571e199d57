"""Records of whole objects: what is damaged costs itself, and says why."""

from __future__ import annotations

import gzip
import json

import pytest

from lakelet.etl.record_scan import GrokLines, IonDocuments, JsonDocuments, Reader, Record, _records

WRONG = "damaged gzip: wrong checksum (CRC), values may be wrong"
LINES = GrokLines("%{WORD:a} %{WORD:b}")
READERS: list[tuple[Reader, bytes]] = [
    (JsonDocuments("$"), b'{"a":"1"}\n{"a":"2"}\n{"a":"3"}\n'),
    (IonDocuments(), b'{a:"1"}\n{a:"2"}\n{a:"3"}\n'),
    (LINES, b"1 x\n2 y\n3 z\n"),
]


def found(reader: Reader, content: bytes) -> tuple[list[str], list[Record]]:
    """The fields ``a`` of the records, and the errors."""
    records = list(_records(reader, content))
    return [json.loads(r.text)["a"] for r in records if r.text is not None], [r for r in records if r.text is None]


@pytest.mark.parametrize(("reader", "text"), READERS)
def test_a_wrong_checksum_costs_no_record(reader: Reader, text: bytes) -> None:
    content = bytearray(gzip.compress(text))
    content[-8] ^= 0xFF
    assert found(reader, bytes(content)) == (["1", "2", "3"], [Record(None, WRONG)])


@pytest.mark.parametrize(("reader", "text"), READERS)
def test_a_cut_record_is_one_error_with_the_true_reason(reader: Reader, text: bytes) -> None:
    head = text[:-3]
    packed = gzip.compress(text, 0)  # stored: the text is in it as it is
    values, errors = found(reader, packed[: packed.index(head) + len(head)])
    assert values == ["1", "2"]
    assert [(error.message, bool(error.input)) for error in errors] == [("truncated gzip", True)]


def test_the_records_before_what_is_no_ion_are_read() -> None:
    values, (error,) = found(IonDocuments(), b'{a:"1"}\n{a:"2"}\n{a:')
    assert values == ["1", "2"]
    assert (error.message or "").startswith("no Ion")
