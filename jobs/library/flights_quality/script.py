"""The gate between silver and gold: the run fails, and says which rows and columns, unless every expectation holds."""

import sys

# great-expectations imports jsonschema, which would build a grammar of international addresses, for seconds, to check
# a format that nothing here has: without this package it does not.
sys.modules["rfc3987_syntax"] = None

from lakelet.etl.quality import check_table
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import Workspace

try:
    report = check_table(Workspace.find(), "silver", "flights")
    report.raise_for_failures()
except LakeletError as error:
    sys.exit(str(error))
print(f"{report.table}: {report.expectations} expectations hold for {report.rows:,} rows.")
