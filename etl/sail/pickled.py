"""Python functions as they were when a script called them for the first time: what they name may be another thing by
the next action. pyspark's Connect client pickles them when a plan is sent, Spark's own when they are called.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_PICKLED = "_lakelet_pickled"


@dataclass(frozen=True)
class Pickled:
    """A function by its pickle: it is itself again where it is called."""

    data: bytes

    @classmethod
    def of(cls, function: Any) -> Pickled:
        """A function as it is now. Raises PicklingError for what cannot go to a worker."""
        from pyspark.serializers import CloudPickleSerializer

        serializer: Any = CloudPickleSerializer
        return cls(serializer().dumps(function))

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return pickle.loads, (self.data,)


def install(workspace: Workspace) -> None:
    """Stand before the calls of functions, over rows and over batches, and of table functions."""
    from pyspark.sql.connect.plan import PythonUDTF
    from pyspark.sql.connect.udf import UserDefinedFunction

    build: Any = UserDefinedFunction._build_common_inline_user_defined_function
    table_function: Any = PythonUDTF.__init__

    def called(self: Any, *args: Any, **named: Any) -> Any:
        if not hasattr(self, _PICKLED):
            setattr(self, _PICKLED, Pickled.of(self.func))
        call = build(self, *args, **named)
        setattr(call._function, _PICKLED, getattr(self, _PICKLED))
        return call

    def init(self: Any, *args: Any, **named: Any) -> None:
        table_function(self, *args, **named)
        self._func = Pickled.of(self._func)

    engine.replace(UserDefinedFunction, "_build_common_inline_user_defined_function", called)
    engine.replace(PythonUDTF, "__init__", init)


def as_called(function: Any) -> Any:
    """The function of a call (pyspark's ``PythonUDF``) as it was then, to be sent."""
    return getattr(function, _PICKLED, function._func)
