"""The house rules that a machine can check: import order, one owner of the store, documented names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("workspace", "data", "identity", "catalog", "search", "query", "etl", "jobs", "dashboards", "aws")
ORDER = (*ROOMS, "lakelet")  # the front door, above all rooms
FACES = ("awsglue", "awsgluedq")  # names of AWS's packages, over etl
USER_CONTENT = ("jobs/library", "catalog/definitions", "dashboards/boards", "data/samples", "lakelet/template")


def modules() -> Iterator[Path]:
    for room in (*ORDER, *FACES):
        for path in sorted((ROOT / room).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(USER_CONTENT):
                yield path


def name_of(path: Path) -> str:
    """The name that a module is imported by: ``lakelet.etl.frame``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(("lakelet", *parts) if parts[0] in ROOMS else parts)


def room_of(name: str) -> str:
    """The room of a module, by its name; ``lakelet`` for those of the front door, empty for what is not ours."""
    top, _, rest = name.partition(".")
    room = rest.partition(".")[0]
    if top in FACES:
        return top
    return "" if top != "lakelet" else room if room in ROOMS else top


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = list(modules())


def test_imports_only_go_downwards() -> None:
    upward = []
    for path in MODULES:
        room = room_of(name_of(path))
        allowed = {"etl", room} if room in FACES else set(ORDER[: ORDER.index(room) + 1])
        # `from lakelet import etl` names the package above the rooms first
        rooms = {room_of(name) for name in imports(path) if name != "lakelet"} - {""}
        upward += [f"{name_of(path)} imports {higher}" for higher in sorted(rooms - allowed)]
    assert upward == []


def test_rooms_are_imported_as_parts_of_lakelet() -> None:
    """A plain ``import data`` means the user's package, or loads one of ours a second time."""
    folders = (*ORDER, *FACES, "tests", "bench")
    bare = []
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        tops = {name.partition(".")[0] for name in imports(path)}
        bare += [f"{path.relative_to(ROOT)} imports {room}" for room in sorted(tops & set(ROOMS))]
    assert bare == []


def test_lakelet_has_a_link_to_each_room() -> None:
    links = {path.name: path.readlink() for path in (ROOT / "lakelet").iterdir() if path.is_symlink()}
    assert links == {room: Path("..", room) for room in ROOMS}


def test_only_the_control_process_opens_the_store() -> None:
    """A ``store`` module may be imported by its own room, by ``aws`` and by ``lakelet.control``."""
    foreign = []
    for path in MODULES:
        name = name_of(path)
        for imported in imports(path):
            is_foreign = "store" in imported.split(".") and room_of(name) not in (room_of(imported), "aws")
            if is_foreign and room_of(imported) and name != "lakelet.control":
                foreign.append(f"{name} imports {imported}")
    assert foreign == []


def _undocumented(path: Path) -> Iterator[str]:
    tree = tree_of(path)
    if not ast.get_docstring(tree):
        yield "the module"
    for node in tree.body:
        is_named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if is_named and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.name


def test_public_names_are_documented() -> None:
    undocumented = {name_of(path): names for path in MODULES if (names := list(_undocumented(path)))}
    assert undocumented == {}


def test_every_setting_is_in_the_docs() -> None:
    from lakelet.workspace.settings import SETTINGS

    text = (ROOT / "docs" / "settings.md").read_text()
    assert [s.name for s in SETTINGS if f"`{s.name}`" not in text or s.help not in text] == []


def test_every_command_is_in_the_docs() -> None:
    from lakelet.cli.main import COMMANDS

    text = (ROOT / "docs" / "commands.md").read_text()
    assert [name for name, _, _ in COMMANDS if f"`lakelet {name}" not in text] == []


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _text(page: Path) -> str:
    """A page without its code."""
    return re.sub(
        r"^```.*?^```|`[^`\n]*`", lambda code: re.sub(r"\S", "x", code[0]), page.read_text(), flags=re.M | re.S
    )


def _anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings: lower case, without punctuation, spaces as hyphens."""
    plain = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", plain, flags=re.M)
    }


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", (ROOT / "README.md").read_text()))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - linked == set()


def test_links_between_pages_resolve() -> None:
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", _text(page)):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def test_no_host_and_no_machine_path_in_the_project() -> None:
    hosts = ("pypi" + ".org", "files.pythonhosted" + ".org", "repo1.maven" + ".org", "proxy.golang" + ".org")
    foreign = {".git", ".venv", ".lakelet", ".cache", ".mypy_cache"}  # large: not even walked through
    ours = [path for path in ROOT.iterdir() if path.name not in foreign]
    found = []
    for path in (*ours, *(path for folder in ours for path in folder.rglob("*"))):
        if path.is_file() and path.suffix not in (".png", ".pyc"):
            text = path.read_text(errors="ignore")
            found += [f"{path.relative_to(ROOT)}: {host}" for host in hosts if host in text]
    assert found == []
