"""How a database goes, alone or with its catalog."""

from __future__ import annotations

import sqlalchemy as sa

from lakelet.aws.context import Context
from lakelet.aws.services.glue._answers import arn
from lakelet.catalog.model import fold


def drop_database(context: Context, connection: sa.Connection, name: str) -> None:
    """Drop a database with all its tables, functions and tags; raises EntityNotFoundException."""
    context.catalog.delete_database(connection, name)
    context.catalog.tags.forget(connection, arn(context, "database", fold(name)))
    for kind in ("table", "userDefinedFunction", "columnStatisticsTaskSettings"):
        context.catalog.tags.forget_below(connection, arn(context, kind, fold(name)))
