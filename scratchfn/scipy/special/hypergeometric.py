"""Hypergeometric functions: Kummer's 1F1 and Gauss's 2F1, of real numbers.

    1F1(a; b; x) = Σ_k (a)_k / (b)_k x^k / k!
    2F1(a, b; c; x) = Σ_k (a)_k (b)_k / (c)_k x^k / k!

with (a)_k = a (a+1) ... (a+k-1). The series are summed where they converge well and do not cancel;
identities of Kummer, Pfaff, Euler and Gauss lead there from elsewhere (Abramowitz & Stegun, 13 and
15; Pearson, Olver & Porter, 2017, "Numerical methods for the computation of the confluent and
Gauss hypergeometric functions").

Read next: `scipy/special/harmonics.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special.arguments import reals, strong
from scratchfn.scipy.special.gamma import gammasgn
from scratchfn.scipy.special.series import in_32_bits
from scratchfn.transforms.api import jvp
from scratchfn.transforms.custom_jvp import custom_jvp

_LIMIT = 2000  # terms of a series


def _series(above: Sequence[Any], below: Sequence[Any], x: Any, limit: int = _LIMIT) -> Any:
    """Σ_k Π (above)_k / Π (below)_k x^k / k!, until no term counts in any element."""
    shape = jnp.broadcast_shapes(*(jnp.shape(v) for v in (*above, *below, x)))
    eps = float(jnp.finfo(x.dtype).eps) / 16  # some more for the derivative's sake

    def unfinished(state: Any) -> Any:
        k, term, total = state
        return (k < limit) & jnp.any(jnp.abs(term) > eps * jnp.abs(total))

    def step(state: Any) -> Any:
        k, term, total = state
        ratio = x / (k + 1)
        for a in above:
            ratio = ratio * (a + k)
        for b in below:
            ratio = ratio / (b + k)
        term = term * ratio
        return k + 1, term, total + term

    one = jnp.ones(shape, x.dtype)
    return lax.while_loop(unfinished, step, (jnp.zeros((), x.dtype), one, one))[2]


def _slope(f: Callable[..., Any], i: int) -> Callable[..., Any]:
    """The partial derivative of f in its argument i, as a rule of `defjvps`: computed forwards and
    whole, so that the rule is linear in the tangent without f's loop being transposed."""

    def rule(tangent: Any, ans: Any, *args: Any) -> Any:
        moved = lambda x: f(*args[:i], x, *args[i + 1 :])  # noqa: E731
        return tangent * jvp(moved, (args[i],), (jnp.ones_like(args[i]),))[1]

    return rule


def _gamma_ratio(above: Sequence[Any], below: Sequence[Any]) -> Any:
    """Π Γ(above) / Π Γ(below): 0 where one of `below` is a pole."""
    log_size: Any = 0.0
    sign: Any = 1.0
    for x in above:
        log_size, sign = log_size + lax.lgamma(x), sign * gammasgn(x)
    for x in below:
        pole = _is_pole(x)
        log_size = log_size - jnp.where(pole, math.inf, lax.lgamma(jnp.where(pole, 1.0, x)))
        sign = sign * jnp.where(pole, 1.0, gammasgn(jnp.where(pole, 1.0, x)))
    return sign * jnp.exp(log_size)


def _is_pole(x: Any) -> Any:
    """Is x one of 0, -1, -2, ...?"""
    return (x <= 0) & (x == jnp.floor(x)) & jnp.isfinite(x)


# -- Kummer's -------------------------------------------------------------------------------------

_FAR = 60.0  # from here on the asymptotic series, of as many terms, is good for a and b up to 10


def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Kummer's function 1F1(a; b; x), for a and b of moderate size; inf where b is 0, -1, ..."""
    a, b, x = strong(*reals("scipy.special.hyp1f1", a, b, x))
    return _hyp1f1(a, b, x)


@custom_jvp
def _hyp1f1(a: Any, b: Any, x: Any) -> Any:
    return _kummer(a, b, x)


@in_32_bits
def _kummer(a: Any, b: Any, x: Any) -> Any:
    pole, size = _is_pole(b), jnp.abs(x)
    b_ = jnp.where(pole, 1.0, b)
    # Kummer: 1F1(a; b; x) = exp(x) 1F1(b - a; b; -x), whose terms have one sign in the end. A
    # series that ends is summed for any x.
    ends, other_ends = _is_pole(a), _is_pole(b_ - a)
    turned = ~ends & ((x < 0) | other_ends)
    ends = ends | other_ends
    argument = jnp.where(turned, -x, x)
    factor = jnp.exp(jnp.where(turned, x, 0.0))
    argument = jnp.where(ends, argument, jnp.minimum(argument, _FAR))
    near = factor * _series([jnp.where(turned, b_ - a, a)], [b_], argument)
    far = _far_from_0(a, b_, size, x < 0)
    value = jnp.where((size > _FAR) & ~ends, far, near)
    return jnp.where((x == 0) | (a == 0), 1.0, jnp.where(pole, math.inf, value))


def _far_from_0(a: Any, b: Any, size: Any, left: Any) -> Any:
    """The asymptotic series at |x| >= 60 (A & S, 13.5.1)."""
    y = jnp.maximum(size, _FAR)
    p = jnp.where(left, a, b - a)
    q = jnp.where(left, a - b + 1, 1 - a)
    term = total = jnp.ones_like(p * y)
    for s in range(40):
        term = term * (p + s) * (q + s) / ((s + 1) * y)
        total = total + term
    power = jnp.exp(jnp.where(left, 0.0, y) - p * jnp.log(y))
    return _gamma_ratio([b], [jnp.where(left, b - a, a)]) * total * power


_hyp1f1.defjvps(
    _slope(_kummer, 0),
    _slope(_kummer, 1),
    lambda dx, ans, a, b, x: dx * (a / b * _hyp1f1(a + 1, b + 1, x)),
)

# -- Gauss's --------------------------------------------------------------------------------------


def hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Any:
    """Gauss's function 2F1(a, b; c; x) for x <= 1; inf above 1 unless the series ends, and where
    c is 0, -1, ... Parameters may be of moderate size."""
    a, b, c, x = strong(*reals("scipy.special.hyp2f1", a, b, c, x, error=TypeError))
    return _hyp2f1(a, b, c, x)


@custom_jvp
def _hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Any:
    return _gauss(a, b, c, x)


@in_32_bits
def _gauss(a: Any, b: Any, c: Any, x: Any) -> Any:
    ends = _is_pole(a) | _is_pole(b)  # the series does: a polynomial, for all x
    pole = _is_pole(c)
    c_ = jnp.where(pole, 1.0, c)
    polynomial = _series([a, b], [c_], jnp.where(ends, x, 0.0))
    # Pfaff: 2F1(a, b; c; x) = (1 - x)^-a 2F1(a, c - b; c; x / (x - 1)), from x < 0 into (0, 1)
    left = x < 0
    z = jnp.where(left, x / (x - 1), x)
    factor = jnp.where(left, (1 - jnp.minimum(x, 0.0)) ** -a, 1.0)
    value = factor * _in_unit(a, jnp.where(left, c_ - b, b), c_, jnp.clip(z, 0.0, 1.0))
    value = jnp.where(x > 1, math.inf, value)
    value = jnp.where(ends, polynomial, value)
    value = jnp.where(pole, math.inf, jnp.where(jnp.isnan(x), math.nan, value))
    return jnp.where((a == 0) | (b == 0) | (x == 0), 1.0, value)


def _in_unit(a: Any, b: Any, c: Any, z: Any) -> Any:
    """2F1(a, b; c; z) for z in [0, 1]."""
    # Euler: 2F1(a, b; c; z) = (1 - z)^(c-a-b) 2F1(c - a, c - b; c; z), so that c - a - b >= 0
    direct = (z <= 0.8) | _is_pole(a) | _is_pole(b)
    flip = ~direct & (c - a - b < 0)
    a, b = jnp.where(flip, c - a, a), jnp.where(flip, c - b, b)
    factor = jnp.where(flip, jnp.where(flip, 1 - z, 1.0) ** (c - a - b), 1.0)
    direct = direct | _is_pole(a) | _is_pole(b)
    inside = _series([a, b], [c], jnp.where(direct, z, 0.0))
    w = jnp.where(direct, 0.5, 1 - z)
    d = jnp.where(direct, 0.5, c - a - b)
    return jnp.where(direct, inside, _near_one(a, b, d, w)) / factor


_STEP = 5e-3


def _near_one(a: Any, b: Any, d: Any, w: Any) -> Any:
    """2F1(a, b; a + b + d; 1 - w) for d >= 0. Where d is almost a whole number, the two series of
    the general case cancel; it is then interpolated between values of d that are a step apart."""
    m = jnp.round(d)
    steps = (d - m) / _STEP  # from the whole number
    whole = jnp.abs(steps) < 2
    general = _two_series(a, b, jnp.where(whole, m + 0.5, d), w)
    s = jnp.where(whole, steps, 0.0)
    at_whole = _whole(a, b, m, w)
    total = at_whole * (s * s - 1) * (s * s - 4) / 4
    for k, weight in ((-2, 24), (-1, -6), (1, -6), (2, 24)):
        rest = math.prod(s - j for j in (-2, -1, 0, 1, 2) if j != k)
        total = total + _two_series(a, b, m + k * _STEP, w) * rest / weight
    value = jnp.where(steps == 0, at_whole, jnp.where(whole, total, general))
    return _gamma_ratio([a + b + d], []) * value  # without Γ(c) it is entire in d


def _two_series(a: Any, b: Any, d: Any, w: Any) -> Any:
    """2F1(a, b; c; 1 - w) / Γ(c) by two series in w, for a d = c - a - b that is not whole
    (15.3.6)."""
    first = _gamma_ratio([d], [b + d, a + d]) * _series([a, b], [1 - d], w)
    second = _gamma_ratio([-d], [a, b]) * w**d * _series([b + d, a + d], [1 + d], w)
    return first + second


def _whole(a: Any, b: Any, m: Any, w: Any) -> Any:
    """2F1(a, b; c; 1 - w) / Γ(c) for m = c - a - b = 0, 1, 2, ...: a polynomial in w, and a series
    with logarithms (15.3.10 and 15.3.11)."""
    term = total = jnp.where(m > 0, 1.0, 0.0) + 0 * (a * b * w)
    for n in range(1, 40):
        below = jnp.where(n < m, n * (n - m), 1.0)
        term = jnp.where(n < m, term * (a + n - 1) * (b + n - 1) / below * w, 0.0)
        total = total + term
    m_ = jnp.maximum(m, 1.0)
    polynomial = _gamma_ratio([m_], [a + m, b + m]) * total
    term, logs = w**m * jnp.exp(-lax.lgamma(m + 1)) + 0 * (a * b), 0.0
    for n in range(60):
        digammas = lax.digamma(a + n + m) + lax.digamma(b + n + m) - lax.digamma(n + m + 1)
        logs = logs + term * (jnp.log(w) + digammas - lax.digamma(jnp.full_like(w, n + 1.0)))
        term = term * (a + m + n) * (b + m + n) / ((n + 1) * (n + m + 1)) * w
    sign = jnp.where(m % 2 == 0, 1.0, -1.0)
    at_one = jnp.where(w == 0, jnp.where(m > 0, 0.0, -math.inf), logs)
    return jnp.where(m > 0, polynomial, 0.0) - sign * _gamma_ratio([], [a, b]) * at_one


_hyp2f1.defjvps(
    _slope(_gauss, 0),
    _slope(_gauss, 1),
    _slope(_gauss, 2),
    lambda dx, ans, a, b, c, x: dx * (a * b / c * _hyp2f1(a + 1, b + 1, c + 1, x)),
)
