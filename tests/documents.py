"""Programs in documents, each followed by what it prints, and lists that explain a listing.

python -m tests.documents docs/performance.md     writes anew what the programs print
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

from scratchfn.config import setting

PRINTED = re.compile(r"(```python\n(.*?)```\n\s*[^`]*?```text\n)(.*?)```", re.DOTALL)
EXPLAINED = re.compile(r"```text\n([^`]*?)```\n\n((?:- .*\n)+)")


def programs(text: str) -> list[tuple[str, str]]:
    """Each block of Python with the block of output that follows it."""
    return [(source, output) for _, source, output in PRINTED.findall(text)]


def run(sources: list[str], filename: str) -> list[str]:
    """What each of the programs prints, run one after the other in one namespace. Listings are
    those for two threads."""
    namespace: dict[str, object] = {}
    outputs = []
    for source in sources:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), setting("numpy_threads", 2):
            exec(compile(source, filename, "exec"), namespace)
        outputs.append(printed.getvalue())
    return outputs


def printed_by(path: Path) -> list[str]:
    """What the programs of a document print, from a file of the document's name."""
    sources = [source for source, _ in programs(path.read_text())]
    return run(sources, f"{path.stem.lower()}.py")


def write_anew(path: Path) -> None:
    outputs = iter(printed_by(path))
    path.write_text(PRINTED.sub(lambda m: f"{m[1]}{next(outputs)}```", path.read_text()))


def unexplained(text: str) -> tuple[list[str], list[str]]:
    """Of listings with a list below: lines that no item of the list begins with a part of, and
    parts that are in no line."""
    lines, parts = [], []
    for listing, items in EXPLAINED.findall(text):
        quoted = [part for item in items.splitlines() for part in _parts(item)]
        code = [line.rpartition("# ")[0] or line for line in listing.splitlines() if line.strip()]
        lines += [line for line in code if not any(part in line for part in quoted)]
        parts += [part for part in quoted if part not in listing]
    return lines, parts


def _parts(item: str) -> list[str]:
    """What stands in backquotes ahead of an item's colon."""
    head = re.match(r"- ((?:`[^`]+`(?:, | and )?)+):", item)
    return re.findall(r"`([^`]+)`", head[1]) if head else []


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_anew(Path(name))
