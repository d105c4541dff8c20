"""Rotations as quaternions, matrices, vectors and angles: each form from unit quaternions and back.

Near the angle 0, series take the place of quotients of numbers that vanish. Results of both
branches of a choice are computed, so the one that is not chosen is kept away from 0 / 0, whose
derivative would be nan.

Read next: `scipy/spatial/transform.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn.numpy.comparison import choose, greater, less, less_equal
from scratchfn.numpy.elementwise import arctan2
from scratchfn.numpy.extremes import argmax
from scratchfn.numpy.indexing import take_along_axis
from scratchfn.numpy.joining import concatenate, stack
from scratchfn.numpy.linalg import norm
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import cos, sin, sqrt

SMALL = 1e-3  # angles below which series are exact in float64


def radians(x: Any) -> Any:
    return x * (np.pi / 180)


def degrees(x: Any) -> Any:
    return x * (180 / np.pi)


def unit(q: Any) -> Any:
    """Vectors of length 1; nan for those of length 0."""
    return q / norm(q, axis=-1, keepdims=True)


def _parts(q: Any) -> tuple[Any, Any, Any, Any]:
    return q[..., 0], q[..., 1], q[..., 2], q[..., 3]


def canonical(q: Any) -> Any:
    """Of q and -q the one whose first number of w, x, y, z that is not 0 is positive."""
    x, y, z, w = _parts(q)
    leading = choose(w != 0, w, choose(x != 0, x, choose(y != 0, y, z)))
    return choose(less(leading, 0)[..., None], -q, q)


# -- matrices --------------------------------------------------------------------------------------


def as_matrix(q: Any) -> Any:
    x, y, z, w = _parts(q)
    rows = [
        [x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), y * y - x * x - z * z + w * w, 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), z * z - x * x - y * y + w * w],
    ]
    return stack([stack(row, -1) for row in rows], -2)


def from_matrix(m: Any) -> Any:
    """Each of four formulas divides by one number of the quaternion: that of the largest is taken
    (S. Shepperd, Quaternion from rotation matrix, 1978)."""
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    trace = a + b + c

    def plus(i: int, j: int) -> Any:
        return m[..., i, j] + m[..., j, i]

    x, y, z = (m[..., i, j] - m[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    candidates = [
        [1 - trace + 2 * a, plus(0, 1), plus(0, 2), x],
        [plus(0, 1), 1 - trace + 2 * b, plus(1, 2), y],
        [plus(0, 2), plus(1, 2), 1 - trace + 2 * c, z],
        [x, y, z, 1 + trace],
    ]
    quaternions = stack([stack(q, -1) for q in candidates], -2)  # [..., 4 candidates, 4]
    best = argmax(stack([a, b, c, trace], -1), -1)[..., None, None]
    return unit(take_along_axis(quaternions, best, -2)[..., 0, :])


# -- vectors ---------------------------------------------------------------------------------------


def from_rotvec(v: Any) -> Any:
    squared = sum(v * v, -1, keepdims=True)
    small = less_equal(squared, SMALL**2)
    angle = sqrt(choose(small, 1, squared))
    series = 0.5 - squared / 48 + squared * squared / 3840
    scale = choose(small, series, sin(angle / 2) / angle)
    scalar = choose(small, 1 - squared / 8 + squared * squared / 384, cos(angle / 2))
    return concatenate([scale * v, scalar], -1)


def as_rotvec(q: Any) -> Any:
    q = choose(less(q[..., 3:], 0), -q, q)
    v, w = q[..., :3], q[..., 3:]
    squared = sum(v * v, -1, keepdims=True)
    small = less_equal(squared, (SMALL / 2) ** 2)
    sine = sqrt(choose(small, 1, squared))
    angle = 2 * arctan2(sine, w)
    # angle / sin(angle / 2) of half the angle's sine, which is the length of v
    return v * choose(small, 2 + squared / 3 + 3 * squared * squared / 20, angle / sine)


def from_mrp(v: Any) -> Any:
    squared = sum(v * v, -1, keepdims=True)
    return concatenate([2 * v, 1 - squared], -1) / (1 + squared)


def as_mrp(q: Any) -> Any:
    q = choose(less(q[..., 3:], 0), -q, q)
    return q[..., :3] / (1 + q[..., 3:])


# -- angles ----------------------------------------------------------------------------------------


def from_euler(seq: str, angles: Any) -> Any:
    """The product of rotations about single axes."""
    turned_along = seq.isupper()
    total = None
    for i, axis in enumerate("xyz".index(letter) for letter in seq.lower()):
        half = angles[..., i] / 2
        numbers = [sin(half) if place == axis else 0 * half for place in range(3)]
        q = stack([*numbers, cos(half)], -1)
        if total is None:
            total = q
        else:
            total = _product(total, q) if turned_along else _product(q, total)
    return total


def _product(p: Any, q: Any) -> Any:
    a, b, c, d = _parts(p)
    x, y, z, w = _parts(q)
    return stack(
        [
            d * x + a * w + b * z - c * y,
            d * y - a * z + b * w + c * x,
            d * z + a * y - b * x + c * w,
            d * w - a * x - b * y - c * z,
        ],
        -1,
    )


def as_euler(seq: str, q: Any) -> Any:
    """E. Bernardes and S. Viollet, Quaternion to Euler angles conversion, 2022."""
    turned_along = seq.isupper()
    letters = seq.lower()[::-1] if turned_along else seq.lower()
    i, j, k = ("xyz".index(letter) for letter in letters)
    proper = i == k  # the first axis again, as in zxz
    k = 3 - i - j if proper else k
    sign = (i - j) * (j - k) * (k - i) // 2
    a, b, c, d = q[..., 3], q[..., i], q[..., j], q[..., k] * sign
    if not proper:
        a, b, c, d = a - c, b + d, c + a, d - b
    middle = 2 * arctan2(sqrt(c * c + d * d), sqrt(a * a + b * b))
    half_sum, half_difference = arctan2(b, a), arctan2(d, c)
    first, third = half_sum - half_difference, half_sum + half_difference
    # where the middle angle is 0 or pi, only one of the two is known
    folded, opposite = abs(middle) <= 1e-7, abs(middle - np.pi) <= 1e-7
    only = choose(folded, 2 * half_sum, (2 if turned_along else -2) * half_difference)
    lost = folded | opposite
    if turned_along:
        first, third = third, first
    first, third = choose(lost, only, first), choose(lost, 0, third)
    if not proper:
        middle = middle - np.pi / 2
        first, third = (first * sign, third) if turned_along else (first, third * sign)
    return _wrapped(stack([first, middle, third], -1))


def _wrapped(angles: Any) -> Any:
    """Angles from -pi to pi."""
    angles = choose(less(angles, -np.pi), angles + 2 * np.pi, angles)
    return choose(greater(angles, np.pi), angles - 2 * np.pi, angles)
