"""What is traced and compiled, and why: messages to the logger `scratchfn.compile`.

They are warnings where `log_compiles` or `explain_cache_misses` asks for them, so that they are
seen without a line of set-up, and of level DEBUG otherwise.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from scratchfn.config import config

_logger = logging.getLogger("scratchfn.compile")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Logs how long the block took to do `what`."""
    start = time.perf_counter()
    yield
    level = logging.WARNING if config.log_compiles else logging.DEBUG
    _logger.log(level, "Finished %s in %.6f s", what, time.perf_counter() - start)


def log_cache_miss(explanation: str) -> None:
    """Says why a function is traced."""
    _logger.warning("%s", explanation)
