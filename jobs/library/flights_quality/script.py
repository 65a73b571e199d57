"""The gate between silver and gold: the run fails, and says which rows and columns, unless every expectation holds."""

import sys

from etl.quality import check_table
from workspace.errors import LakeletError
from workspace.paths import Workspace

try:
    report = check_table(Workspace.find(), "silver", "flights")
    report.raise_for_failures()
except LakeletError as error:
    sys.exit(str(error))
print(f"{report.table}: {report.expectations} expectations hold for {report.rows:,} rows.")
