"""An answer of OpenSearch that is not whole is an error, not an answer; what is whole, the stack tests ask."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.search.queries import search_index, search_logs
from lakelet.workspace.errors import QueryError


class Client:
    """Answers every search alike, and keeps what it was asked with."""

    def __init__(self, timed_out: bool = False, failed: int = 0) -> None:
        self.answer = {
            "timed_out": timed_out,
            "_shards": {"failed": failed},
            "hits": {"total": {"value": 0}, "hits": []},
        }
        self.params: list[dict[str, str]] = []

    def search(self, *, index: str, body: Any, params: dict[str, str]) -> Any:
        self.params.append(params)
        return self.answer


@pytest.mark.parametrize("ask", [search_logs, lambda client: search_index(client, "flights")])
def test_part_of_an_answer_is_refused(ask: Any) -> None:
    client = Client()
    assert ask(client).total == 0
    assert client.params[0]["allow_partial_search_results"] == "false"
    with pytest.raises(QueryError, match="longer than 20s"):
        ask(Client(timed_out=True))
    with pytest.raises(QueryError, match="not whole"):
        ask(Client(failed=2))
