"""Tables as Markdown, printed line by line as the numbers come in."""

from __future__ import annotations


def head(*cells: str) -> None:
    """The heads of the columns."""
    line(*cells)
    print(f"|{'---|' * len(cells)}", flush=True)


def line(*cells: object) -> None:
    """A row. Numbers have three digits."""
    print(f"| {' | '.join(map(_cell, cells))} |", flush=True)


def _cell(x: object) -> str:
    if not isinstance(x, float):
        return str(x)
    return f"{x:.0f}" if x >= 100 else f"{x:#.3g}"
