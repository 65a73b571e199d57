"""The texts that an expression of a script may stand for, as far as reading the script tells.

A name stands for whatever is assigned to it anywhere in the script; a parameter for what the function's calls give it,
as in the helper that Glue Studio writes into scripts: ``def sparkSqlQuery(glueContext, query, mapping, …)``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from itertools import product

UNKNOWN = "__unknown__"  # stands in a text for a part that is known only when the script runs
MOST = 32  # texts of one expression; more are not told apart
_SAME = frozenset({"strip", "lstrip", "rstrip"})  # methods of a text that leave its meaning


class ScriptTexts:
    """The texts of one script, parsed."""

    def __init__(self, tree: ast.Module) -> None:
        self._calls: dict[str, list[ast.Call]] = {}
        self._functions: dict[str, list[ast.FunctionDef]] = {}
        self._values: dict[str, list[ast.expr]] = {}
        self._bound: set[str] = set()  # in a way that is not followed: by a loop, an import, in parts
        self._owner: dict[ast.AST, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda] = {}
        assigned: set[ast.Name] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                self._calls.setdefault(node.func.id, []).append(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                if isinstance(node, ast.FunctionDef):
                    self._functions.setdefault(node.name, []).append(node)
                for child in ast.walk(node):  # the innermost function comes last
                    self._owner[child] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._values.setdefault(target.id, []).append(node.value)
                        assigned.add(target)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._bound.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node not in assigned:
                self._bound.add(node.id)

    def of(self, expression: ast.expr) -> list[str] | None:
        """Every text that an expression may be, or None when it may be any."""
        found = self._of(expression, ())
        return None if found is None or len(found) > MOST else list(dict.fromkeys(found))

    def _of(self, node: ast.expr, seen: tuple[ast.AST, ...]) -> list[str] | None:
        if node in seen:
            return []  # it is made of itself: nothing new
        seen = (*seen, node)
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Name(id=name):
                return self._named(name, node, seen)
            case ast.JoinedStr(values=parts):
                return _joined(self._part(part, seen) for part in parts)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined((self._of(left, seen) or [UNKNOWN], self._of(right, seen) or [UNKNOWN]))
            case ast.IfExp(body=body, orelse=other):
                return _all((self._of(body, seen), self._of(other, seen)))
            case ast.Call(func=ast.Attribute(value=text, attr=method), args=[]) if method in _SAME:
                return self._of(text, seen)
        return None

    def _part(self, part: ast.expr, seen: tuple[ast.AST, ...]) -> list[str]:
        if isinstance(part, ast.FormattedValue):
            return self._of(part.value, seen) or [UNKNOWN]
        return self._of(part, seen) or [UNKNOWN]

    def _named(self, name: str, node: ast.Name, seen: tuple[ast.AST, ...]) -> list[str] | None:
        owner = self._owner.get(node)
        if owner is not None and name in (names := _parameters(owner)):
            if not isinstance(owner, ast.FunctionDef) or name in self._bound or name in self._values:
                return None
            return self._given(owner, name, names.index(name), seen)
        if name in self._bound or name not in self._values:
            return None
        return _all(self._of(value, seen) for value in self._values[name])

    def _given(self, function: ast.FunctionDef, name: str, place: int, seen: tuple[ast.AST, ...]) -> list[str] | None:
        """What the calls of a function give to one of its parameters."""
        calls = self._calls.get(function.name, [])
        if not calls or len(self._functions[function.name]) > 1 or function.args.vararg or function.args.kwarg:
            return None
        found: list[list[str] | None] = []
        for call in calls:
            given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
            if given is None and place < len(call.args):
                given = call.args[place]
            found.append(None if given is None else self._of(given, seen))
        return _all(found)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[str]:
    told = function.args
    return [one.arg for one in (*told.posonlyargs, *told.args, *told.kwonlyargs)]


def _all(found: Iterable[list[str] | None]) -> list[str] | None:
    texts: list[str] = []
    for one in found:
        if one is None:
            return None
        texts += one
    return texts


def _joined(parts: Iterable[list[str]]) -> list[str] | None:
    texts = [""]
    for part in parts:
        if len(texts) * len(part) > MOST:
            return None
        texts = ["".join(pair) for pair in product(texts, part)]
    return texts
