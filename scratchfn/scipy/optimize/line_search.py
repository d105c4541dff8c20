"""A step along a direction of descent that satisfies Wolfe's conditions.

Along p, φ(a) = f(x + a p) falls at first: φ'(0) < 0. A step a is good if it falls enough, and its
slope has flattened enough:

    φ(a) <= φ(0) + c₁ a φ'(0)        |φ'(a)| <= c₂ |φ'(0)|

Such steps lie between a step `low`, which falls enough but not flat, and `high`, beyond a minimum
(Nocedal & Wright, 2006, algorithms 3.5 and 3.6; here one loop, with high = inf to begin with).
Near a minimum, where differences of f are rounding, the slopes decide (Hager & Zhang, 2005, 4.1).

Read next: `scipy/optimize/bfgs.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import scratchfn.numpy as jnp
from scratchfn import lax

C1, C2 = 1e-4, 0.9
FOUND, NARROW, EXHAUSTED = 0, 1, 2


class Point(NamedTuple):
    """A step, and the value and slope of φ there."""

    step: Any
    value: Any
    slope: Any


class Step(NamedTuple):
    """What the search found: a step, the function's value and gradient there, how many of them were
    computed, and FOUND, or NARROW if the interval became too small to divide, or EXHAUSTED."""

    step: Any
    value: Any
    gradient: Any
    count: Any
    status: Any


class _State(NamedTuple):
    low: Point
    high: Point
    found: Step


def line_search(
    function: Callable[[Any], tuple[Any, Any]],
    x: Any,
    direction: Any,
    value: Any,
    gradient: Any,
    first: Any,
    limit: int,
) -> Step:
    """A step along `direction` from x.

    Args:
      function: x -> (value, gradient).
      value, gradient: of the function at x.
      first: the step to try first.
      limit: how many steps to try.
    """
    start = Point(jnp.zeros_like(value), value, jnp.vdot(gradient, direction))
    beyond = Point(jnp.full_like(value, math.inf), value, start.slope)
    nothing = Step(
        first.astype(value.dtype), value, gradient, jnp.zeros((), int), jnp.full((), EXHAUSTED)
    )

    def unfinished(state: _State) -> Any:
        return (state.found.status == EXHAUSTED) & (state.found.count < limit)

    def try_one(state: _State) -> _State:
        step = state.found.step
        tried, slopes = function(x + step * direction)
        here = Point(step, tried, jnp.vdot(slopes, direction))
        low, high = _narrowed(start, state.low, state.high, here)
        found = _is_good(start, here)
        next_ = _between(low, high)
        narrow = ~found & (jnp.abs(next_ - low.step) <= jnp.finfo(tried.dtype).eps * low.step)
        status = jnp.where(found, FOUND, jnp.where(narrow, NARROW, EXHAUSTED))
        step = jnp.where(found, step, next_)
        return _State(low, high, Step(step, tried, slopes, state.found.count + 1, status))

    return lax.while_loop(unfinished, try_one, _State(start, beyond, nothing)).found


def _rounding(start: Point) -> Any:
    return 4 * jnp.finfo(start.value.dtype).eps * jnp.abs(start.value)


def _falls(start: Point, here: Point) -> Any:
    return here.value <= start.value + C1 * here.step * start.slope


def _is_good(start: Point, here: Point) -> Any:
    level = here.value <= start.value + _rounding(start)
    falls = _falls(start, here) | (level & (here.slope <= (2 * C1 - 1) * start.slope))
    return falls & (jnp.abs(here.slope) <= -C2 * start.slope)


def _narrowed(start: Point, low: Point, high: Point, here: Point) -> tuple[Point, Point]:
    """The interval, with `here` as one of its ends."""
    falls = _falls(start, here) | (here.value <= start.value + _rounding(start))
    too_far = ~(falls & (here.value <= low.value + _rounding(start)))  # so that nan is, too
    turned = here.slope * (high.step - low.step) >= 0
    other = _choose(turned, low, high)
    return _choose(too_far, low, here), _choose(too_far, here, other)


def _choose(condition: Any, a: Point, b: Point) -> Point:
    return Point(*(jnp.where(condition, x, y) for x, y in zip(a, b, strict=True)))


def _between(low: Point, high: Point) -> Any:
    """The next step: the minimum of a parabola through what is known, if it is well inside; twice
    as far while nothing is known beyond."""
    width = high.step - low.step
    bend = high.value - low.value - low.slope * width
    place = -low.slope * width / (2 * bend)  # in units of the width
    inside = (place > 0.1) & (place < 0.9)
    step = low.step + width * jnp.where(inside, place, 0.5)
    return jnp.where(jnp.isinf(high.step), 2 * low.step, step)
