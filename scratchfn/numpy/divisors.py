"""The greatest common divisor, and the least common multiple, of integers.

Read next: `numpy/ufuncs.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax import while_loop
from scratchfn.numpy.comparison import choose, equal, not_equal
from scratchfn.numpy.manipulation import broadcast_arrays
from scratchfn.numpy.promotion import promote
from scratchfn.numpy.totals import any
from scratchfn.numpy.ufuncs import absolute, floor_divide, multiply, remainder


def gcd(x1: Any, x2: Any) -> Any:
    """The greatest integer that divides both, by Euclid's algorithm; 0 of 0 and 0. Raises
    ValueError unless both are integers."""
    return _gcd(*_integers("gcd", x1, x2))


def lcm(x1: Any, x2: Any) -> Any:
    """The least integer that both divide. Raises ValueError unless both are integers."""
    x, y = _integers("lcm", x1, x2)
    divisor = _gcd(x, y)
    shared = choose(equal(divisor, 0), 1, divisor)
    return choose(equal(divisor, 0), 0, multiply(x, floor_divide(y, shared)))


def _integers(name: str, x1: Any, x2: Any) -> list[Any]:
    x, y = promote(name, x1, x2)
    if dtypes.kind(x.dtype) not in "iu":
        why, write = "only integers have divisors", f"jnp.{name}(x.astype(int), y.astype(int))"
        found = f"types {x.aval} and {y.aval}"
        raise ValueError(errors.explain(f"jnp.{name}", found, why, write))
    return broadcast_arrays(absolute(x), absolute(y))


def _gcd(x: Any, y: Any) -> Any:
    def step(pair: Any) -> Any:
        x, y = pair
        done = equal(y, 0)
        return choose(done, x, y), choose(done, y, remainder(x, choose(done, 1, y)))

    return while_loop(lambda pair: any(not_equal(pair[1], 0)), step, (x, y))[0]
