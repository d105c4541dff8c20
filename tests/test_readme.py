"""The README's programs print what the README says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def programs(text: str) -> list[tuple[str, str]]:
    """Each block of Python with the block of output that follows it."""
    return re.findall(r"```python\n(.*?)```\n\s*(?:[^`]*?)```text\n(.*?)```", text, re.DOTALL)


def run(sources: list[str]) -> list[str]:
    """What each of the programs prints, run one after the other in one namespace."""
    namespace: dict[str, object] = {}
    outputs = []
    for source in sources:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, "readme.py", "exec"), namespace)
        outputs.append(printed.getvalue())
    return outputs


def test_the_readme_tells_the_truth() -> None:
    pairs = programs((ROOT / "README.md").read_text())
    assert len(pairs) >= 2
    for (_, shown), printed in zip(pairs, run([source for source, _ in pairs]), strict=True):
        assert printed.split() == shown.split()
