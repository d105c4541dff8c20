"""What the documents and module docstrings point at is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "scratchfn"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = sorted(PACKAGE.rglob("*.py"))


def found(name: str, beside: Path) -> Path | None:
    """The file that a text means by `name`: from its own folder, the package or the root."""
    for folder in (beside, *beside.parents, PACKAGE, ROOT):
        if (folder / name).exists():
            return folder / name
    return None


def missing(text: str, beside: Path) -> list[str]:
    """Files that the text names in backquotes and that are not there, and `file.py: name`s that
    the file does not define."""
    wrong = []
    for name, definition in re.findall(r"`([\w./-]+\.(?:py|md))(?:: (\w+(?:\.\w+)?))?`", text):
        path = found(name, beside)
        if path is None:
            wrong.append(name)
        elif definition and not re.search(
            rf"(?m)((def|class) |^){definition.split('.')[-1]}\b", path.read_text()
        ):
            wrong.append(f"{name}: {definition}")
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_documents_name_what_exists(document: Path) -> None:
    assert missing(document.read_text(), document.parent) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_docstrings(module: Path) -> None:
    """Each module says what it is, and what it points at exists."""
    docstring = ast.get_docstring(ast.parse(module.read_text()))
    assert docstring, "a module says what it is in its docstring"
    assert missing(docstring, module.parent) == []


def test_the_architecture_names_every_file_of_the_compiler() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    files = {f"backends/numpy/{p.name}" for p in PACKAGE.glob("backends/numpy/[!_]*.py")}
    assert {name for name in files if f"`{name}`" not in text} == set()


def test_nothing_names_a_machine() -> None:
    """No paths of a machine in what is shipped."""
    for path in [*MODULES, *DOCUMENTS, *sorted((ROOT / "tests").rglob("*.py"))]:
        assert not re.search(r"(?<![\w.])/(home|root|work)/", path.read_text()), path
