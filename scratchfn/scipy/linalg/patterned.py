"""Matrices that are patterns of few numbers: toeplitz, circulant, companion, pascal, and others.

Most are a table of places in a vector of their elements, made once with NumPy:

    toeplitz([a b c])[i, j] = [c b a b c][i - j + 2]

Those without elements of the user's are computed in whole numbers, and rounded once.

Read next: `scipy/linalg/solving.py`.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import dtype_of
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.creation import ones_like, zeros, zeros_like
from scratchfn.numpy.elementwise import conjugate, strong
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.manipulation import atleast_1d, atleast_2d, flip
from scratchfn.numpy.padding import pad
from scratchfn.numpy.promotion import inexact, operand, promote_dtypes
from scratchfn.numpy.ufuncs import absolute
from scratchfn.primitives.linalg.algebra import as_column, as_row


def _refuse(name: str, found: str, why: str, write: str) -> ValueError:
    return ValueError(errors.explain(f"scipy.linalg.{name}", found, why, write))


def _vector(name: str, x: Any) -> Any:
    return atleast_1d(operand(name, x))


def _grid(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The row number and the column number of each element."""
    i, j = np.indices((rows, columns))
    return i, j


# -- of the user's elements -----------------------------------------------------------------------


def block_diag(*arrs: Any) -> Any:
    """The matrix with the given ones along its diagonal and zeros elsewhere. Vectors are rows.
    Raises ValueError for arrays of more than two axes."""
    if not arrs:
        return zeros((1, 0))
    blocks = [strong(atleast_2d(x)) for x in promote_dtypes(*arrs)]
    if any(block.ndim > 2 for block in blocks):
        found = ", ".join(str(block.aval) for block in blocks)
        raise _refuse("block_diag", found, "each is one matrix", "vmap(block_diag) for stacks")
    total = sum(block.shape[1] for block in blocks)
    rows, before = [], 0
    for block in blocks:
        after = total - before - block.shape[1]
        rows.append(pad(block, ((0, 0), (before, after))))
        before += block.shape[1]
    return concatenate(rows)


def toeplitz(c: Any, r: Any = None) -> Any:
    """[..., m, n] with first columns `c` [..., m] and first rows `r` [..., n], and equal elements
    along each diagonal. r is conj(c) by default; its first element is not used."""
    c = _vector("toeplitz", c)
    c, r = promote_dtypes(c, conjugate(c) if r is None else _vector("toeplitz", r))
    c, r = _of_equal_rank(strong(c), strong(r))
    m, n = c.shape[-1], r.shape[-1]
    if not m or not n:
        return zeros((*c.shape[:-1], m, n), c.dtype)
    i, j = _grid(m, n)
    return concatenate([flip(r[..., 1:], -1), c], -1)[..., i - j + n - 1]


def hankel(c: Any, r: Any = None) -> Any:
    """[..., m, n] with first columns `c` [..., m] and last rows `r` [..., n], and equal elements
    along each antidiagonal. r is zero by default; its first element is not used. Raises ValueError
    for a number."""
    c = operand("hankel", c)
    if c.ndim == 0:
        raise _refuse("hankel", f"c of type {c.aval}", "it is a first column", "hankel(c[None])")
    c, r = promote_dtypes(c, zeros_like(c) if r is None else _vector("hankel", r))
    c, r = _of_equal_rank(strong(c), strong(r))
    i, j = _grid(c.shape[-1], r.shape[-1])
    if not i.size:
        return zeros((*c.shape[:-1], *i.shape), c.dtype)
    return concatenate([c, r[..., 1:]], -1)[..., i + j]


def _of_equal_rank(c: Any, r: Any) -> tuple[Any, Any]:
    """Both with the leading axes that theirs broadcast to."""
    outer = np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    return tuple(
        x if x.shape[:-1] == outer else x + zeros((*outer, x.shape[-1]), x.dtype) for x in (c, r)
    )


def circulant(c: Any) -> Any:
    """[..., n, n] with first columns `c` [..., n], each next one turned by one place."""
    c = _vector("circulant", c)
    i, j = _grid(c.shape[-1], c.shape[-1])
    return c[..., (i - j) % c.shape[-1]] if i.size else zeros((*c.shape[:-1], 0, 0), c.dtype)


def companion(a: Any) -> Any:
    """[..., n - 1, n - 1] whose characteristic polynomial has the coefficients `a` [..., n], up to
    the first. Raises ValueError for fewer than 2."""
    a = strong(atleast_1d(inexact("companion", a)))
    n = a.shape[-1] - 1
    if n < 1:
        raise _refuse(
            "companion", f"a of shape {a.shape}", "it has 2 coefficients or more", "[1, a]"
        )
    i, j = _grid(n, n)
    places = np.where(i == 0, j + 2, i == j + 1)
    return _zero_one_and(-a[..., 1:] / a[..., :1])[..., places]


def fiedler_companion(a: Any) -> Any:
    """A matrix of five diagonals that has the characteristic polynomial of `companion(a)` (Fiedler
    2003, "A note on companion matrices"). Raises ValueError for no coefficients."""
    a = atleast_1d(inexact("fiedler_companion", a))
    n = a.shape[-1] - 1
    a = strong(a) if n > 1 else a  # else it is an element or none, as weak as it was
    if n < 0:
        raise _refuse(
            "fiedler_companion", f"a of shape {a.shape}", "a polynomial has one", "[1, a]"
        )
    if n == 0:
        return a[..., :0, None][..., :0]
    places = np.zeros((n, n), int)
    even, odd = np.arange(0, n, 2), np.arange(1, n, 2)
    for rows, shift, coefficient in ((even, 1, 2), (even[1:], -1, 1)):
        rows = rows[rows + shift < n]
        places[rows, rows + shift] = rows + coefficient + 1
    places[even[even + 2 < n], even[even + 2 < n] + 2] = 1
    places[odd[1:], odd[1:] - 2] = 1
    places[0, 0] = 2
    places[1:2, 0] = 1
    return _zero_one_and(-a[..., 1:] / a[..., :1])[..., places]


def leslie(f: Any, s: Any) -> Any:
    """[..., n, n] with the first row `f` [..., n], the births, and `s` [..., n - 1], the survivors,
    below the diagonal. Raises ValueError for other lengths."""
    f, s = promote_dtypes(_vector("leslie", f), _vector("leslie", s))
    n = f.shape[-1]
    if n < 2 or s.shape[-1] != n - 1:
        found = f"f of shape {f.shape} and s of {s.shape}"
        raise _refuse(
            "leslie", found, "f has 2 elements or more, and s one less", "leslie(f, s[1:])"
        )
    i, j = _grid(n, n)
    places = np.where(i == 0, j + 1, np.where(i == j + 1, n + 1 + j, 0))
    return concatenate([zeros_like(f[..., :1]), f, s], -1)[..., places]


def _zero_one_and(x: Any) -> Any:
    """0, 1 and then the elements of x."""
    one = ones_like(x[..., :1])
    return concatenate([zeros_like(one), one, x], -1)


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """The matrix whose product with v [n] is jnp.convolve(a, v, mode). Raises ValueError for n < 1,
    no elements of `a`, and another mode than "full", "same" and "valid"."""
    a = operand("convolution_matrix", a)
    m = a.shape[-1] if a.ndim else 0
    if n < 1 or m < 1 or mode not in ("full", "same", "valid"):
        raise _refuse(
            "convolution_matrix", f"a of shape {a.shape}, n={n}, mode={mode!r}",
            "both vectors have elements, and the mode is 'full', 'same' or 'valid'",
            "mode='full'",
        )  # fmt: skip
    cut = min(m, n) - 1
    top, bottom = {"full": (0, 0), "same": (cut // 2, cut - cut // 2), "valid": (cut, cut)}[mode]
    i, j = _grid(m + n - 1, n)
    places = np.where((i >= j) & (i < j + m), i - j + 1, 0)[top : m + n - 1 - bottom]
    return concatenate([zeros_like(a[..., :1]), a], -1)[..., places]


def fiedler(a: Any) -> Any:
    """[..., n, n] of the distances |a_i - a_j| of the elements of `a` [..., n]."""
    a = _vector("fiedler", a)
    return absolute(as_column(a) - as_row(a))


# -- of a size alone ------------------------------------------------------------------------------


def _floats(table: Any, dtype: Any = None) -> Any:
    """Exact numbers as floats, by default of the default type."""
    rounded = np.asarray(table, object).astype(np.float64)
    return asarray(rounded, dtype or dtypes.default_dtype("f"))


def _size(name: str, n: int) -> range:
    if n < 0:
        why, write = "a size counts rows", f"{name}({-n})"
        raise TypeError(errors.explain(f"scipy.linalg.{name}({n})", "a negative size", why, write))
    return range(n)


def _square(n: int, table: list[list[Any]]) -> np.ndarray:
    return np.array(table, object).reshape(n, n)


def hilbert(n: int) -> Any:
    """The n by n matrix of 1 / (i + j + 1)."""
    sizes = _size("hilbert", n)
    return _floats(_square(n, [[1 / (i + j + 1) for j in sizes] for i in sizes]))


def invhilbert(n: int) -> Any:
    """The inverse of `hilbert(n)`: whole numbers, exact as long as the type holds them."""
    sizes = _size("invhilbert", n)

    def element(i: int, j: int) -> int:
        sign = -1 if (i + j) % 2 else 1
        return (
            sign
            * (i + j + 1)
            * comb(n + i, n - j - 1)
            * comb(n + j, n - i - 1)
            * comb(i + j, i) ** 2
        )

    return _floats(_square(n, [[element(i, j) for j in sizes] for i in sizes]))


def _kind(name: str, kind: str | None) -> str:
    if kind in (None, "symmetric", "lower", "upper"):
        return kind or "symmetric"
    why = "it is 'symmetric', 'lower' or 'upper'"
    raise _refuse(name, f"kind={kind!r}", why, "kind='symmetric'")


def pascal(n: int, kind: str | None = None) -> Any:
    """The n by n matrix of binomial coefficients (i + j over i), or of (i over j) if `kind` is
    "lower", or its transpose if "upper"; float32, as JAX has it even with 64-bit types on. Raises
    ValueError for another kind."""
    kind, sizes = _kind("pascal", kind), _size("pascal", n)
    if kind == "symmetric":
        return _floats(_square(n, [[comb(i + j, i) for j in sizes] for i in sizes]), np.float32)
    lower = _square(n, [[comb(i, j) for j in sizes] for i in sizes])
    return _floats(lower if kind == "lower" else lower.T, np.float32)


def invpascal(n: int, kind: str | None = None) -> Any:
    """The inverse of `pascal(n, kind)`."""
    kind, sizes = _kind("invpascal", kind), _size("invpascal", n)
    lower = _square(n, [[(-1) ** (i + j) * comb(i, j) for j in sizes] for i in sizes])
    if kind == "symmetric":
        return _floats(lower.T @ lower if n else lower)
    return _floats(lower if kind == "lower" else lower.T)


def hadamard(n: int, dtype: Any = int) -> Any:
    """The n by n matrix of 1 and -1 with orthogonal rows; n is a power of 2. Raises ValueError for
    others, and TypeError for booleans."""
    if n < 1 or n & (n - 1):
        raise _refuse(
            "hadamard", f"n={n}", "it is a power of 2", f"hadamard({1 << n.bit_length()})"
        )
    dtype = dtype_of("hadamard", dtype)
    if dtypes.kind(dtype) == "b":
        asked, why = "scipy.linalg.hadamard(n, bool)", "its elements are 1 and -1"
        raise TypeError(errors.explain(asked, "booleans", why, "hadamard(n) > 0"))
    table = np.ones((1, 1), int)
    while len(table) < n:
        table = np.block([[table, table], [table, -table]])
    return asarray(table, dtype)


def helmert(n: int, full: bool = False) -> Any:
    """The n - 1 rows, each of length 1, that compare a number with the mean of those before it;
    with the row of means before them if `full`. Raises ValueError for n < 1."""
    if n < 1:
        raise _refuse("helmert", f"n={n}", "there is a number to compare", "helmert(1)")
    k = np.arange(n)
    rows = np.tril(np.ones((n, n)), -1) - np.diag(k)
    rows[0] = 1
    scale = np.sqrt(np.where(k == 0, n, k * (k + 1)))
    return _floats((rows / scale[:, None])[0 if full else 1 :])


def dft(n: int, scale: str | None = None, *, dtype: Any = None) -> Any:
    """The matrix of the discrete Fourier transform, exp(-2 pi i j k / n), over sqrt(n) if `scale`
    is "sqrtn", or over n if "n". Raises ValueError for another one, and for dtypes that are not
    complex."""
    dtype = dtype_of("dft", dtype, dtypes.default_dtype("c"))
    if scale not in (None, "sqrtn", "n") or dtypes.kind(dtype) != "c":
        raise _refuse(
            "dft", f"scale={scale!r}, dtype={dtype.name}",
            "the scale is None, 'sqrtn' or 'n', and the elements are complex", "dft(n)",
        )  # fmt: skip
    k = np.arange(max(n, 0))
    turns = np.exp(-2j * np.pi / max(n, 1) * (np.outer(k, k) % max(n, 1)))
    divisor = {None: 1.0, "sqrtn": np.sqrt(max(n, 1)), "n": float(max(n, 1))}[scale]
    return asarray(turns / divisor, dtype)
