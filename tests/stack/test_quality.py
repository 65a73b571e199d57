"""The gate between silver and gold: it passes what is right, and stops what is not, naming rows and column."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.jobs import engines
from tests.stack.flights import Flights
from tests.stack.test_etl import GLUE

pytestmark = pytest.mark.stack

# One more row of a flight that is there already, without its carrier.
SPOIL = """
rows = glueContext.create_data_frame.from_catalog(database="silver", table_name="flights").orderBy("flight_id").limit(1)
glueContext.write_data_frame.from_catalog(
    rows.selectExpr(*(name if name != "carrier" else "cast(null as string) as carrier" for name in rows.columns)),
    database="silver",
    table_name="flights",
    additional_options={"partitionKeys": ["month"]},
)
job.commit()
"""


@pytest.fixture(scope="module")
def flights(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Flights:
    found = Flights(stack.workspace, tmp_path_factory.mktemp("scripts"))
    found.run("flights_silver", engine=engines.SAIL)  # the gate is the same whoever wrote what it looks at
    found.run("flights_gold")
    return found


def test_the_gate_stops_what_is_wrong_and_passes_what_is_right_and_gold_is_untouched(flights: Flights) -> None:
    gold = flights.etags("gold", "flights/")
    assert gold
    flights.run_script("spoil", GLUE + SPOIL)
    failed = flights.run("flights_quality", "FAILED")
    (flight,) = flights.rows("SELECT min(flight_id) FROM silver.flights")[0]
    message = failed["ErrorMessage"]
    assert "silver.flights fails 2 of" in message
    assert f"column carrier: 1 rows break expect_column_values_to_not_be_null ({flight})" in message
    assert f"column flight_id: 2 rows break expect_column_values_to_be_unique ({flight}" in message

    flights.run("flights_silver", engine=engines.SAIL)
    flights.run("flights_quality")
    assert flights.etags("gold", "flights/") == gold
    docs = flights.workspace.state / "data-docs"
    assert "silver.flights" in (docs / "index.html").read_text()
    pages = list(docs.rglob("*.html"))
    assert len(pages) == 3
    assert not [page for page in pages if 'src="http' in page.read_text() or "<script" in page.read_text()]
