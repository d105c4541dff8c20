"""Writes docs/errors.md: `python -m tests.errors`."""

from __future__ import annotations

from tests.errors.page import PAGE, page

PAGE.write_text(page())
print(f"{PAGE} is written")
