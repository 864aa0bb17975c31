"""The rules of the house that a machine can check."""

import ast
import graphlib
import importlib
import inspect
import re
import runpy
import tomllib
from pathlib import Path

import pytest

import pgbraid
from pgbraid.cli.parser import COMMANDS
from pgbraid.importers.tools import TOOLS
from pgbraid.model import errors
from pgbraid.settings.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pgbraid"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}


def name_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path):
    return ast.parse(path.read_text())


def functions(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]


each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@each_module
def test_no_module_is_over_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


@each_module
def test_no_function_is_over_50_lines(path):
    long = [f.name for f in functions(path) if f.end_lineno - f.lineno + 1 > 50]
    assert long == []


def test_median_function_is_short():
    sizes = sorted(f.end_lineno - f.lineno + 1 for path in MODULES for f in functions(path))
    assert sizes[len(sizes) // 2] <= 12


@each_module
def test_all_is_sorted_and_equals_exports(path):
    module = importlib.import_module(name_of(path))
    if path.name == "__main__.py":
        return
    names = module.__all__ if hasattr(module, "__all__") else []
    assert list(names) == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    defined = {
        node.name
        for node in tree_of(path).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
    }
    assert defined <= set(names), defined - set(names)
    assert all(hasattr(module, name) for name in names)


@each_module
def test_function_is_not_exported_under_its_modules_name(path):
    module = importlib.import_module(name_of(path))
    exported = getattr(module, path.stem, None)
    assert not (inspect.isfunction(exported) and exported.__module__ == module.__name__)


@each_module
def test_only_render_prints_and_only_one_module_reads_environment(path):
    text = path.read_text()
    # The start of the command line prints the version, before it imports anything.
    if "cli/render" not in path.as_posix() and path != SOURCE / "cli" / "__init__.py":
        assert not re.search(r"\bprint\(|\.stdout\.write|\.stderr\.write", text)
    if path.name != "environment.py":
        assert not re.search(r"\benviron\b|\bgetenv\b", text)


@each_module
def test_only_postgres_names_driver(path):
    if "postgres" not in path.relative_to(SOURCE).parts:
        assert not re.search(r"^\s*(?:import|from) psycopg", path.read_text(), re.MULTILINE)


def test_every_package_with_driver_reports_that_it_is_missing():
    """``postgres`` itself does not import it, so that a run with nothing to do need not."""
    for folder in (SOURCE / "postgres").iterdir():
        texts = [path.read_text() for path in folder.glob("*.py")] if folder.is_dir() else []
        if any(re.search(r"^(?:import|from) psycopg", text, re.MULTILINE) for text in texts):
            first = (folder / "__init__.py").read_text()
            assert "from pgbraid.postgres import driver" in first, folder.name


@each_module
def test_every_value_is_frozen_and_slotted(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                if "dataclass" in text:
                    assert "frozen=True" in text, node.name
                    assert "slots=True" in text, node.name
        assert not isinstance(node, ast.Global)


@each_module
def test_nothing_is_left_to_be_done_later(path):
    assert not re.search(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b", path.read_text())


ERRORS = [e for e in vars(errors).values() if inspect.isclass(e) and issubclass(e, Exception)]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_its_message_and_hint_that_names_next_command(error):
    assert error.__doc__.splitlines()[0].endswith(".")
    assert "`p" in error.default_hint
    assert error.__name__ in DOCS["api.md"]


def test_every_public_name_is_documented():
    for name in pgbraid.__all__:
        assert f"`{name}" in DOCS["api.md"] or f"pgbraid.{name}" in DOCS["api.md"], name


def test_public_names_can_be_imported():
    assert {name: getattr(pgbraid, name) for name in pgbraid.__all__}
    with pytest.raises(AttributeError):
        pgbraid.nothing  # noqa: B018


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_section_with_its_options(command):
    sections = re.split(r"^## ", DOCS["cli.md"], flags=re.MULTILINE)
    (section,) = [s for s in sections if s.startswith(f"pgbraid {command.name}\n")]
    module = importlib.import_module(command.module)
    options = re.findall(r'"(--[a-z-]+)"', inspect.getsource(module.add_arguments))
    for option in options:
        assert f"`{option}" in section, option
    assert module.__doc__


def test_every_setting_is_documented():
    for name, field in Settings.__dataclass_fields__.items():
        if field.compare:
            assert f"`{name}`" in DOCS["settings.md"], name


def test_every_problem_code_is_documented():
    codes = set()
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "Problem",
                "_file_problem",
            }:
                codes |= {
                    constant.value
                    for constant in ast.walk(node.args[0])
                    if isinstance(constant, ast.Constant) and constant.value
                }
    assert len(codes) > 20
    for code in codes:
        assert f"`{code}`" in DOCS["json.md"], code


def test_every_tracker_has_fixtures():
    for tracker in TOOLS:
        cases = ROOT / "tests" / "importers" / "dumps" / tracker.tool.replace("-", "_")
        for case in cases.glob("*/"):
            if case.name not in {"migrations", "converted"}:
                assert {p.name for p in case.iterdir()} == {"dump.sql", "expected.txt"}


def test_every_dependency_is_justified():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    for requirement in (*project["dependencies"], *(r for extra in extras for r in extra)):
        package = re.match(r"[a-z-]+", requirement)[0]
        assert f"`{package}`" in DOCS["dependencies.md"], package


def test_every_statement_of_ours_has_name_and_is_used():
    words, run = set(), set()
    for path in (SOURCE / "postgres").rglob("*.py"):
        nodes = list(ast.walk(tree_of(path)))
        words |= {n.value for n in nodes if isinstance(n, ast.Constant)}
        run |= set(re.findall(r'\.run\(\s*"(?:session|ledger)",\s*"(\w+)"', path.read_text()))
    named = set()
    for path in (SOURCE / "postgres" / "statements").glob("*.sql"):
        named |= set(re.findall(r"^-- name: (\w+)$", path.read_text(), re.MULTILINE))
    assert len(run) > 10
    assert run <= named <= words


def test_documents_link_to_files_that_exist():
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), (path.name, target)


def test_page_of_rules_is_made_from_rules():
    page = runpy.run_path(str(ROOT / "tools" / "hazard_rules.py"))["page"]
    assert DOCS["hazards-rules.md"] == page()


layers = runpy.run_path(str(ROOT / "tools" / "layers.py"))


@pytest.mark.parametrize("modules", [True, False], ids=["modules", "rooms"])
def test_imports_form_no_circle_with_those_of_annotations(modules):
    assert layers["floors"](layers["imports_of"](modules=modules))


def test_there_are_at_most_nine_floors_of_rooms():
    assert len(layers["floors"](layers["imports_of"](modules=False, top=True))) <= 9


def test_circle_of_imports_is_found():
    with pytest.raises(graphlib.CycleError):
        layers["floors"]({"a": {"b"}, "b": {"c"}, "c": {"a"}})


_YOYO_4, _HELPERS = 1, 2
FAMILIES = {
    SOURCE / "cli" / "commands": len(COMMANDS),
    # Two tables of yoyo are in one module; two modules are the interface and its helpers.
    SOURCE / "importers" / "formats": len(TOOLS) - _YOYO_4 + _HELPERS,
}
"""Folders with one module per member of a list in the code, and how many members it has."""


def test_no_room_has_more_than_dozen_modules_without_rooms_in_it():
    for folder in {path.parent for path in MODULES}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        inner = [path for path in folder.iterdir() if (path / "__init__.py").exists()]
        assert len(modules) <= 12 or inner or len(modules) == FAMILIES.get(folder), folder


words = runpy.run_path(str(ROOT / "tools" / "words.py"))


def banned_in(name):
    parts = name.split("_")
    phrases = [p for p in words["PHRASES"] if re.search(rf"\b(?:{p})\b", " ".join(parts))]
    return [part for part in parts if part in words["IDENTIFIERS"]] + phrases


each_test_file = pytest.mark.parametrize(
    "path", TESTS, ids=lambda path: path.relative_to(ROOT / "tests").as_posix()
)


@each_test_file
def test_no_test_file_is_over_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


@each_test_file
def test_no_test_has_banned_word_in_its_name(path):
    names = [function.name for function in functions(path) if function.name.startswith("test_")]
    assert {name: banned_in(name) for name in names if banned_in(name)} == {}


def test_banned_word_in_name_is_found():
    assert banned_in("test_late_migration_is_told")
    assert not banned_in("test_gap_is_reported")
