"""Every misuse of the table raises JAX's builtin class, and says the four things."""

from __future__ import annotations

import jax
import pytest

from tests.errors.cases import GROUPS
from tests.errors.misuse import PARTS, Misuse, builtin_class, raised
from tests.errors.page import PAGE, ours, page

MISUSES = {f"{g.title}: {misuse.title}": misuse for g in GROUPS for misuse in g.misuses}
each_misuse = pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)


@each_misuse
def test_class_and_text(misuse: Misuse) -> None:
    theirs, error = raised(misuse.code, "jax"), raised(misuse.code, "scratchfn")
    assert isinstance(error, builtin_class(theirs)), f"JAX raises {type(theirs).__mro__}"
    if type(theirs).__module__ == "jax.errors":
        assert type(error).__name__ == type(theirs).__name__
    text = str(error)
    assert [text.count(part) for part in PARTS] == [1, 1, 1], text
    for words in misuse.says:
        assert words in text, f"{words!r} is not in:\n{text}"


@each_misuse
def test_the_page_says_what_is_raised(misuse: Misuse) -> None:
    entry = f"```python\n{misuse.code}\n```\n"
    after = PAGE.read_text().partition(entry)[2].partition("\n### ")[0]
    assert ours(misuse) in after + "\n", "python -m tests.errors writes the page again"


def test_the_page_is_written_from_the_table() -> None:
    text = PAGE.read_text()
    assert text.count("\n### ") == len(MISUSES)
    if f"JAX {jax.__version__} says" in text:  # another JAX words its own messages otherwise
        assert text == page(), "python -m tests.errors writes the page again"


def test_titles_and_codes_are_unique() -> None:
    assert len(MISUSES) == sum(len(group.misuses) for group in GROUPS)
    assert len({misuse.code for misuse in MISUSES.values()}) == len(MISUSES)
