"""The project keeps its own promises: names, directions, budgets, documents, and a quick start."""

import ast
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from enum import Enum
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
CONTRACTS = {contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
LONGEST_MODULE = 400  # lines that are not blank; CONTRIBUTING.md, style 3

# Joined here, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("debian", "org"),
        ("golang", "org"),
        ("crates", "io"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.})])/(?:work|root|tmp)/[\w.]")


def sources(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


SHIPPED = sources(*PACKAGES)
EVERYTHING = SHIPPED + sources("tests", "benchmarks")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports_of(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, also by `import_module("...")` and `__import__`."""
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def importers(paths: list[Path], *forbidden: str) -> list[str]:
    return [
        f"{name_of(path)} imports {module}"
        for path in paths
        for module in imports_of(path)
        if module.partition(".")[0] in forbidden
    ]


@cache
def committed_files() -> list[Path]:
    """What git has or would take; without git, what a source distribution holds."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        found = [ROOT / name for name in asked.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"/(\.venv|\.git|\w*_cache|__pycache__|dist|build|var)[^/]*/")
        found = [path for path in ROOT.rglob("*") if not hidden.search(f"/{name_of(path)}")]
    return [path for path in found if path.is_file()]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_claims_our_package(name: str) -> None:
    strangers = set(packages_distributions().get(name, [])) - {PROJECT["project"]["name"]}

    assert not strangers
    assert importlib.import_module(name).__file__ == str(ROOT / name / "__init__.py")


def test_every_shipped_package_is_layered_and_checked() -> None:
    lint = PROJECT["tool"]["importlinter"]
    in_the_tree = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert in_the_tree == set(PACKAGES)
    assert CONTRACTS["one-way"]["layers"] == PACKAGES
    assert lint["root_packages"] == PACKAGES
    assert CONTRACTS["acyclic"]["ancestors"] == PACKAGES
    assert PROJECT["tool"]["mypy"]["packages"] == PACKAGES


def test_every_pure_rule_is_under_contract() -> None:
    outside = {"engine.clock", "engine.store"}
    rules = {f"engine.{module.name}" for module in pkgutil.iter_modules(engine.__path__)} - outside

    assert rules <= set(CONTRACTS["pure-rules"]["source_modules"])


def test_mail_goes_through_nothing_but_yagmail() -> None:
    assert not importers(EVERYTHING, "smtplib")


def test_only_workflows_know_the_orchestrators() -> None:
    elsewhere = [path for path in SHIPPED if not name_of(path).startswith("workflows/")]

    assert not importers(elsewhere, "prefect", "apscheduler")


def test_nothing_is_imported_for_the_type_checker_only() -> None:
    hidden = [
        name_of(path)
        for path in SHIPPED
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]

    assert not hidden


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "common", "base", "core", "misc", "models", "types"}

    assert not [name_of(path) for path in SHIPPED if vague & {path.stem, path.parent.name}]


@pytest.mark.parametrize("path", SHIPPED + sources("benchmarks"), ids=name_of)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    opening = (ast.get_docstring(tree_of(path)) or "").split("\n\n")[0].replace("\n", " ")

    assert re.fullmatch(r"[^\W\d_`].*[^.]\.", opening), f"not a sentence: {opening!r}"
    assert not re.search(r"[.!?] [A-Z]", opening), f"more than one sentence: {opening!r}"


def test_no_module_is_longer_than_the_hard_stop() -> None:
    lengths = {
        name_of(path): sum(1 for line in path.read_text().splitlines() if line.strip())
        for path in EVERYTHING
        if "migrations" not in path.parts  # written once by Alembic, read by nobody
    }

    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}


def test_no_test_folder_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_file_names_a_registry() -> None:
    found = [
        f"{name_of(path)} names {host}"
        for path in committed_files()
        for host in REGISTRIES
        if host in text_of(path)
    ]

    assert not found


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = [
        f"{name_of(path)}: {hit.group()}"
        for path in committed_files()
        for hit in MACHINE_PATH.finditer(text_of(path))
    ]

    assert not found


def requirement_names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_once_and_in_order() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    names = [line.partition("==")[0] for line in pins]
    direct = requirement_names(
        PROJECT["project"]["dependencies"]
        + PROJECT["dependency-groups"]["dev"]
        + PROJECT["build-system"]["requires"]
    )

    assert not [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)]
    assert pins == sorted(pins, key=str.upper)
    assert len(names) == len({normal(name) for name in names})
    assert not direct - {normal(name) for name in names}


def enum_words() -> Iterator[tuple[str, str]]:
    """Every text value of every enum of the rules, with the enum that it belongs to."""
    for module in pkgutil.iter_modules(engine.__path__, "engine."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, Enum):
                yield from ((thing.__name__, member.value) for member in thing)


def test_the_glossary_names_every_word_of_the_rules() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    assert not {f"{enum}: {word}" for enum, word in enum_words() if f"`{word}`" not in glossary}


def test_every_decision_has_its_four_parts() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    parts = ["Context", "Decision", "Consequences", "Alternatives"]
    headings = {
        path: re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) for path in decisions
    }

    assert [path.name[:4] for path in decisions] == [
        f"{number:04}" for number in range(1, len(decisions) + 1)
    ]
    assert not {path.name: found for path, found in headings.items() if found != parts}


def test_the_changelog_is_ready_for_the_next_change() -> None:
    assert re.search(r"^## \[?Unreleased", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_readme_names_the_two_commands_that_do_everything() -> None:
    readme = (ROOT / "README.md").read_text()

    assert "bin/demo" in readme
    assert "bin/test" in readme


@pytest.mark.parametrize(
    "script", ["bin/setup", "bin/demo", "bin/test", "bin/wheel-smoke", ".ci/run"]
)
def test_a_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


SLOW = ("prefect", "matplotlib", "fastapi", "apscheduler")
ASKED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from cli.main import main
sys.exit(main())
"""


def modules_after(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command has imported by the time it ends well."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASKED, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    *said, modules = done.stderr.splitlines()

    assert done.returncode == 0, "\n".join(said)
    return set(json.loads(modules))


def test_asking_for_help_loads_nothing_slow(tmp_path: Path) -> None:
    assert modules_after(tmp_path, "--help").isdisjoint(SLOW)


NOT_FOR_COUNTS = (
    *SLOW, "alembic", "apprise", "babel", "holidays", "imap_tools", "jinja2", "openpyxl", "rich",
    "sqlalchemy.dialects.postgresql", "uvicorn", "yagmail",
)  # fmt: skip


def test_neither_the_status_nor_a_sweep_loads_what_it_does_not_need(tmp_path: Path) -> None:
    modules_after(tmp_path, "init")
    plan = tmp_path / "plan.csv"
    plan.write_text(
        "dialogue,country,action,responsible,due\nSaaba,BF,Open the gate,Police,2026-12-04\n"
    )
    # The first command that meets a country reads its holidays, for those that come after it.
    modules_after(tmp_path, "import", str(plan))

    for command in ("status", "sweep"):
        assert modules_after(tmp_path, command, "--json").isdisjoint(NOT_FOR_COUNTS), command
