"""The gate behind silver: the run fails, and says which rows and columns, unless every expectation holds."""

import sys

from lakelet.etl.quality import check_table
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import Workspace

try:
    report = check_table(Workspace.find(), "silver", "orders")
    report.raise_for_failures()
except LakeletError as error:
    sys.exit(str(error))
print(f"{report.table}: {report.expectations} expectations hold for {report.rows:,} rows.")
