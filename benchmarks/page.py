"""Writes the tables of docs/performance.md, each of which is what a benchmark prints.

    python -m benchmarks.page [name of a benchmark ...]

A table stands between two comments, `<!-- training -->` and `<!-- /training -->`. Without names,
all of them are written.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def tables(text: str) -> list[str]:
    """The names of the benchmarks that a page shows."""
    return re.findall(r"<!-- (\w+) -->", text)


def filled(text: str, name: str, table: str) -> str:
    """The page with another table in the place of a benchmark."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the page has no place for {name}; it has {', '.join(tables(text))}")
    return f"{before}{start}\n{table.strip()}\n\n{end}{after}"


def main(*names: str) -> None:
    for name in names or tables(PAGE.read_text()):
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        PAGE.write_text(filled(PAGE.read_text(), name, done.stdout))
        print(f"{name} is written", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
