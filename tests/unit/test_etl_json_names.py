"""How JSON spells columns is read from the beginnings of objects."""

from __future__ import annotations

import gzip

from etl.json_names import spelled


def test_keys_differ_by_case_alone_and_what_is_as_declared_wins() -> None:
    first = b'{"userId": 1, "At": 2, "sum": 3}\n{"UserID": 1, "at": 2, "SUM": 4}\n[1]\n{"cut'
    assert spelled(["userid", "at", "sum", "absent"], [first]) == {"userid": "UserID"}
    assert spelled(["at"], [gzip.compress(b'{"At": 1}\n')]) == {"at": "At"}
    assert spelled(["at"], [b'{"At": 1}\n', b'{"at": 1}\n']) == spelled(["at"], []) == {}
