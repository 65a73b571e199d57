"""Random flows of DynamicFrames over records that differ, the same by a seed: a source, transforms one after the other,
and what they end with, a frame or files. Steps are Python's code of the frame before, ``d``."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue.dynamicframe import DynamicFrame
from awsglue.gluetypes import ChoiceType
from awsglue.transforms import DropNullFields
from tests.compared import Place, outcome
from tests.lake import Lake
from tests.random_pipelines import tables

_CHOICES = (1, 7, 2**40, "x", "12", "", " 7 ", 1.5, 1e9, None, True, {"z": 1}, [1])
_DAYS = ("2024-03-05", "2024-03-05 10:11:12", "2024-13-01", "", None, "05/03/2024")
_KINDS = ("string", "int", "long", "double", "boolean", "date", "timestamp", "decimal(12,3)")
_ACTIONS = (
    "cast:string", "cast:int", "cast:long", "cast:double", "project:string", "project:int", "make_cols", "make_struct",
)  # fmt: skip
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "events": ("json", {}), "orders": ("csv", {"withHeader": True}), "typed": ("parquet", {}),
}  # fmt: skip


def events() -> str:
    """Lines of JSON whose fields are not always there, nor always of one type."""
    draw = random.Random(11)

    def one(number: int) -> dict[str, Any]:
        made: dict[str, Any] = {"id": number, "code": draw.choice("ABC")}
        fields: dict[str, Callable[[], Any]] = {
            "a": lambda: draw.choice(_CHOICES),
            "n": lambda: draw.choice((1, 2.5, -3, None, 10**12)),
            "s": lambda: draw.choice(("x", "Ünï", "a,b", 'q"q', "", " pad ", "1e3", "12", None)),
            "day": lambda: draw.choice(_DAYS),
            "flag": lambda: draw.choice((True, False, None)),
            "b": lambda: {
                "c": draw.choice((1, "one", None)),
                "d": [{"e": draw.choice((1, "e")), "f": draw.choice((0.5, None))} for _ in range(draw.randrange(3))],
                "g": draw.choice(({"h": "deep"}, {}, None)),
            },
            "tags": lambda: [draw.choice(("x", "y", "zz")) for _ in range(draw.randrange(3))],
            "doc": lambda: draw.choice(('{"k": 1, "l": [1, 2]}', '{"k": "v"}', "{}", "bad", "")),
        }
        return made | {name: value() for name, value in fields.items() if draw.random() < 0.85}

    return "".join(json.dumps(one(number)) + "\n" for number in range(40))


def orders() -> str:
    """Lines of CSV, the first with the names."""
    draw = random.Random(12)
    lines = ["id,qty,price,name,day,note"]
    for number in range(0, 60, 2):
        price = draw.choice(("1.50", "", "abc", "1e3", "-0.005"))
        name = draw.choice(("alice", '"Smith, B"', '"say ""hi"""', "", " dan "))
        lines.append(
            f"{number},{draw.choice((1, 2, ''))},{price},{name},{draw.choice(_DAYS[:4])},{draw.choice(('n', ''))}"
        )
    return "\n".join(lines) + "\n"


def put_sources(lake: Lake) -> None:
    """The folders that flows read: ``events``, ``orders`` and ``typed``."""
    buffer = io.BytesIO()
    pq.write_table(tables()["t"], buffer)
    for name, content in (("events", events().encode()), ("orders", orders().encode()), ("typed", buffer.getvalue())):
        lake.put(f"{name}/a", content)


class Flow:
    """A flow at a place, whose steps are drawn by the fields that there are: ``code`` is what was done so far."""

    def __init__(self, seed: int, place: Place) -> None:
        self.draw, self.place = random.Random(seed), place
        self.code: list[str] = []
        self.frame: Any = None
        self.folder = f"flow-{seed}"

    def run(self) -> Any:
        """The frame that the steps end with, or what was written of it."""
        self.source = self.draw.choice(("events", "events", "orders", "typed"))
        self.frame = self._done(f"read({self.source!r})")
        for _ in range(self.draw.randrange(1, 5)):
            if step := self.draw.choice(_STEPS)(self):
                self.frame = self._done(step)
        return self.frame if self.draw.random() < 0.5 else self._end()

    def _done(self, code: str) -> Any:
        self.code.append(code)
        known = {"F": F, "DynamicFrame": DynamicFrame, "DropNullFields": DropNullFields, "glue": self.place.glue}
        return eval(code, known | {"d": self.frame, "read": self.read, "written": self.written, "table": self.table})

    def read(self, source: str) -> DynamicFrame:
        """One of the sources (:func:`put_sources`)."""
        format, options = _FORMATS[source]
        return self.place.source.read(source, format, options)

    def written(self, frame: DynamicFrame, format: str, keys: Sequence[str]) -> Any:
        """A frame in files: the folders, the lines of text without headers, and, without keys, the rows read again."""
        where = {"path": self.place.lake.uri(self.folder), **({"partitionKeys": [*keys]} if keys else {})}
        self.place.glue.write_dynamic_frame.from_options(frame, "s3", where, format)
        folders = {folder for folder, _ in self.place.folders(self.folder)}
        left_out = ("", ",".join(frame.toDF().columns))
        told = self.place.lines(self.folder) if format in ("csv", "json") else []
        lines = [one for one in told if one not in left_out]
        if keys or not folders:
            return folders, lines, None
        options = {"withHeader": True} if format == "csv" else {}
        return folders, lines, outcome(self.place.lake.read(self.folder, format.removeprefix("glue"), options))

    def table(self, frame: DynamicFrame, chance: float) -> DynamicFrame:
        """One of the tables that Relationalize makes; its numbers, which say nothing, are 0."""
        made = frame.relationalize("root", self.place.lake.uri(f"{self.folder}-tables"))
        names = sorted(made.keys())
        name = names[int(chance * len(names))]
        rows = made.select(name).toDF()
        numbers = {one.removeprefix("root_") for one in names} | ({"id"} if name != "root" else set())
        for column in numbers & set(rows.columns):
            rows = rows.withColumn(column, F.when(F.col(f"`{column}`").isNotNull(), F.lit(0)))
        return DynamicFrame.fromDF(rows, self.place.glue, name)

    def _paths(self, *, top: bool = False) -> list[str]:
        return [path for path, _ in _paths_of(self.frame.schema(), top=top)]

    def _some(self, least: int = 1, *, top: bool = False) -> list[str]:
        paths = self._paths(top=top)
        return self.draw.sample(paths, min(len(paths), self.draw.randrange(least, 6)))

    def _is_there(self, *names: str) -> bool:
        return set(names) <= set(self._paths(top=True))

    def apply_mapping(self) -> str:
        known = dict(_paths_of(self.frame.schema()))
        plain = [path for path in known if "[]" not in path]
        maps = []
        for at, path in enumerate(self.draw.sample(plain, min(len(plain), self.draw.randrange(2, 7)))):
            target = self.draw.choice((path, f"m{at}", f"o.m{at}"))
            atomic = known[path] not in ("array", "struct", "map", "choice")
            maps.append((path, known[path], target, self.draw.choice(_KINDS) if atomic else known[path]))
        maps = [one for one in maps if one[1] != "choice"]
        return f"d.apply_mapping({maps})" if maps else ""

    def resolve(self) -> str:
        choices = [path for path, kind in _paths_of(self.frame.schema()) if kind == "choice"]
        if not choices or self.draw.random() < 0.25:
            return f"d.resolveChoice(choice={self.draw.choice(_ACTIONS)!r})"
        names = self.draw.sample(choices, self.draw.randrange(1, len(choices) + 1))
        return f"d.resolveChoice(specs={[(one, self.draw.choice(_ACTIONS)) for one in names]})"

    def cast(self) -> str:
        return f"d.resolveChoice(specs={[(one, 'cast:' + self.draw.choice(_KINDS)) for one in self._some()]})"

    def fields(self) -> str:
        named = [path for path in self._some() if "[]" not in path]
        return f"d.{self.draw.choice(('drop_fields', 'select_fields'))}({named})" if named else ""

    def rename(self) -> str:
        named = [path for path in self._paths() if "[]" not in path]
        return f"d.rename_field({self.draw.choice(named)!r}, {self.draw.choice(('r', 'r.s', '`r.t`'))!r})"

    def filter(self) -> str:
        path = self.draw.choice(self._paths(top=True)).strip("`")
        test = self.draw.choice(
            ("row[{0!r}] is not None", "isinstance(row[{0!r}], str)", "str(row[{0!r}]) > '2'", "row[{0!r}] == 1")
        )
        return f"d.filter(lambda row: {test.format(path)})"

    def map(self) -> str:
        path = self.draw.choice(self._paths(top=True)).strip("`")
        made = self.draw.choice(
            (
                "{{**row, 'k': str(row[{0!r}])}}", "{{**row, 'k': [row[{0!r}]]}}", "{{'k': row.get({0!r}), 'l': 1}}",
                "{{**row, 'k': 1 // (len(str(row[{0!r}])) % 3)}}", "{{**row, 'k': {{'l': row[{0!r}]}}}}",
                "{{**row, {0!r}: None}}", "{{**row, 'k': row[{0!r}] if len(str(row[{0!r}])) % 2 else 'odd'}}",
            )
        )  # fmt: skip
        return f"d.map(lambda row: {made.format(path)})"

    def unnest(self) -> str:
        return "d.unnest()"

    def relationalize(self) -> str:
        return f"table(d, {self.draw.random():.2f})"

    def unbox(self) -> str:
        texts = [path for path, kind in _paths_of(self.frame.schema()) if kind == "string" and "[]" not in path]
        path = "doc" if "doc" in texts and self.draw.random() < 0.8 else self.draw.choice(texts) if texts else ""
        return f"d.unbox({path!r}, 'json')" if path else ""

    def split(self) -> str:
        one = self.draw.choice(("one", "other"))
        if self.draw.random() < 0.5:
            named = [path for path in self._some() if "[]" not in path]
            return f"d.split_fields({named}, 'one', 'other').select({one!r})" if named else ""
        numbers = [
            path for path, kind in _paths_of(self.frame.schema(), top=True) if kind in ("int", "bigint", "double")
        ]
        rule = self.draw.choice(({">": 10, "<=": 30}, {"=": 1}, {"!=": 4}, {">=": 2}))
        return f"d.split_rows({ {self.draw.choice(numbers): rule} }, 'one', 'other').select({one!r})" if numbers else ""

    def join(self) -> str:
        key = self.draw.choice(("id", "qty", "id"))
        other = self.draw.choice(("orders", "typed"))
        if not self._is_there(key):
            return ""
        if self.draw.random() < 0.5:
            return f"d.join([{key!r}], [{key!r}], read({other!r}).select_fields(['id', 'qty', 'price']))"
        return f"d.mergeDynamicFrame(read({other!r}).select_fields(['id', 'qty', 'day']), [{key!r}])"

    def union(self) -> str:
        return f"d.union(read({self.draw.choice(('orders', self.source))!r}).select_fields(['id', 'day']))"

    def nulls(self) -> str:
        return "DropNullFields.apply(d)"

    def frame_between(self) -> str:
        steps = ["limit(0)", "select('*', F.lit(None).alias('w'))", "withColumn('w', F.lit('7'))"]
        if self._is_there("id"):
            steps += ["where('id > 5')", "orderBy('id').limit(20)", "dropDuplicates(['id'])"] * 2
        return f"DynamicFrame.fromDF(d.toDF().{self.draw.choice(steps)}, glue, 'made')"

    def _end(self) -> Any:
        format = self.draw.choice(("csv", "json", "parquet", "glueparquet"))
        if any(kind == "choice" for _, kind in _paths_of(self.frame.schema())):
            self.frame = self._done(
                f"d.resolveChoice(choice={self.draw.choice(('cast:string', 'make_cols', 'make_struct'))!r})"
            )
        known = _paths_of(self.frame.schema(), top=True)
        if format == "csv":
            flat = [path for path, kind in known if kind not in ("array", "struct", "map", "binary", "void")]
            if len(flat) < 3:  # a partition of null alone has no object on Sail (docs/awsglue.md)
                return self.frame
            self.frame = self._done(f"d.select_fields({flat})")
        key = next((path for path, kind in known if kind in ("string", "int", "bigint", "boolean", "date")), None)
        keys = [key] if key and self.draw.random() < 0.4 and len(known) > 2 else []
        return self._done(f"written(d, {format!r}, {keys})")


_STEPS = (
    Flow.apply_mapping, Flow.apply_mapping, Flow.resolve, Flow.resolve, Flow.cast, Flow.fields, Flow.rename,
    Flow.filter, Flow.map, Flow.unnest, Flow.relationalize, Flow.unbox, Flow.split, Flow.join, Flow.union, Flow.nulls,
    Flow.frame_between,
)  # fmt: skip


def _paths_of(kind: Any, before: str = "", *, top: bool = False) -> list[tuple[str, str]]:
    """The paths of fields, as transforms take them, and the kinds of their types."""
    made: list[tuple[str, str]] = []
    for field in kind.fields:
        name = f"`{field.name}`" if "." in field.name else field.name
        inner, told = field.dataType, f"{before}{name}"
        made.append((told, "choice" if isinstance(inner, ChoiceType) else inner.simpleString().partition("<")[0]))
        if top or isinstance(inner, ChoiceType):
            continue
        if isinstance(inner, T.StructType):
            made += _paths_of(inner, f"{told}.")
        elif (
            isinstance(inner, T.ArrayType)
            and isinstance(inner.elementType, T.StructType)
            and not isinstance(inner.elementType, ChoiceType)
        ):
            made += _paths_of(inner.elementType, f"{told}[].")
    return made
