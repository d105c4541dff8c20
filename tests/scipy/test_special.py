"""scipy.special against JAX's: values, types and derivatives, in float32 and float64; and against
SciPy's own in float64, which is nearer to the truth than JAX in places.

A difference is counted in ulps of the greater of the number and 1. The default of 8 is what sums
and exponentials of a few rounded terms leave; where more is allowed, the reason is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.scipy.special as theirs
import ml_dtypes
import numpy as np
import pytest
import scipy.special

import scratchfn as sf
import scratchfn.numpy as jnp
import scratchfn.scipy.special as ours

INF, NAN = np.inf, np.nan
REAL = [-7.5, -2.25, -1.0, -0.4, -1e-3, 0.3, 0.9, 1.7, 3.2, 5.5, 12.0, 40.0]
POSITIVE = [1e-5, 0.02, 0.3, 0.9, 1.0, 1.5, 2.7, 4.4, 9.0, 23.0, 55.0]
BESIDE = [0.7, 1e-3, 3.3, 0.2, 5.0, 1.25, 0.6, 19.0, 2.2, 0.05, 31.0]
UNIT = [1e-6, 0.01, 0.2, 0.45, 0.5, 0.62, 0.8, 0.97, 0.999, 0.1, 0.33]
GAMMA = [-4.3, -1.5, -0.2, 0.1, 0.5, 1.0, 2.0, 3.7, 6.5, 14.0, 27.5]

# name -> (arguments, ulps from JAX, ulps from SciPy)
CASES: dict[str, tuple[list[list[float]], float, float]] = {
    "beta": ([POSITIVE[2:], BESIDE[2:]], 200, 200),  # JAX subtracts large logarithms
    "betainc": ([POSITIVE, BESIDE, UNIT], 200, 100),  # JAX's continued fraction ends early
    "betaln": ([POSITIVE, BESIDE], 50, 16),
    "boxcox": ([POSITIVE, REAL[:-1]], 40, 40),  # a power of 3: three times the logarithm's error
    "boxcox1p": ([POSITIVE, REAL[:-1]], 40, 40),
    "comb": ([[5, 6, 9, 20.5, 7], [2, 6, 1, 3.5, 0]], 100, 20),
    "dawsn": ([REAL], 8, 8),
    "digamma": ([GAMMA], 30, 30),
    "entr": ([POSITIVE], 8, 8),
    "erf": ([REAL], 8, 8),
    "erfc": ([REAL], 8, 8),
    "erfcx": ([[-2.5, *REAL[2:]]], 16, 16),
    "erfinv": ([UNIT], 16, 16),
    "exp1": ([POSITIVE], 16, 8),
    "expi": ([[*REAL[:-1], 0.372, 25.0]], 60, 16),
    "expit": ([REAL], 8, 8),
    "factorial": ([[0, 1, 2.5, 5, 12]], 60, 60),  # exp of a logarithm of 20
    "gamma": ([GAMMA], 200, 200),  # exp of a logarithm of 60
    "gammainc": ([POSITIVE, BESIDE], 60, 60),
    "gammaincc": ([POSITIVE, BESIDE], 60, 60),
    "gammaln": ([GAMMA], 16, 16),
    "gammasgn": ([GAMMA], 0, 0),
    "i0": ([REAL[:-1]], 60, 60),  # exp of 12
    "i0e": ([REAL], 8, 8),
    "i1": ([REAL[:-1]], 60, 60),
    "i1e": ([REAL], 8, 8),
    "kl_div": ([POSITIVE, BESIDE], 16, 16),
    "loggamma": ([GAMMA[3:]], 16, 16),
    "logit": ([UNIT], 8, 8),
    "owens_t": ([[-2.1, -0.3, 0.0, 0.4, 1.1, 3.0], [0.5, -1.7, 0.8, 30.0, 1.0, 0.2]], 8, 8),
    "ndtr": ([REAL], 8, 8),
    "ndtri": ([UNIT], 16, 8),
    "poch": ([BESIDE[:7], GAMMA[3:10]], 400, 60),
    "rel_entr": ([POSITIVE, BESIDE], 16, 16),
    "spence": ([[0.0, 1e-3, *POSITIVE]], 16, 16),
    "xlog1py": ([REAL[:-1], BESIDE], 8, 8),
    "xlogy": ([REAL[:-1], BESIDE], 8, 8),
    "zeta": ([[1.2, 2.0, 3.5, 9.0], [0.4, 1.0, 7.0, 2.5]], 16, 16),
}
# Where JAX has no derivative, or one that is wrong: its spence at 2, its digamma's series.
NO_DERIVATIVE = {"betainc": (2,), "gammasgn": (), "spence": (), "comb": ()}


def ulps(got: Any, want: Any, limit: float) -> None:
    """Raises AssertionError unless the numbers are within `limit` ulps."""
    got, want = np.asarray(got), np.asarray(want)
    eps = float(jnp.finfo(got.dtype).eps)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    scale = np.maximum(np.abs(want).astype(np.float64), 1)
    error = np.abs(got.astype(np.float64) - want.astype(np.float64)) / scale / eps
    error = np.where(got == want, 0, error)  # infinities
    assert np.nanmax(error, initial=0) <= limit, (np.nanmax(error), got, want)


def arguments(name: str, dtype: str) -> list[np.ndarray]:
    return [np.asarray(xs, dtype) for xs in CASES[name][0]]


def with_derivatives(
    library: Any, f: Callable[..., Any], wrt: tuple[int, ...]
) -> Callable[..., Any]:
    """f and its derivatives in some arguments, element by element."""
    total = lambda *xs: f(*xs).sum()  # noqa: E731
    if not wrt:
        return lambda *xs: (f(*xs), ())
    return lambda *xs: (f(*xs), library.grad(total, wrt)(*xs))


def agree_with_jax(name: str, width: str) -> None:
    xs = arguments(name, width)
    wrt = NO_DERIVATIVE.get(name, tuple(range(len(xs))))
    limit = CASES[name][1]
    with sf.enable_x64(width == "float64"), jax.enable_x64(width == "float64"):
        f = with_derivatives(sf, getattr(ours, name), wrt)
        value, slopes = f(*map(jnp.asarray, xs))
        expected, expected_slopes = jax.jit(with_derivatives(jax, getattr(theirs, name), wrt))(*xs)
        assert value.dtype == width and not value.weak_type
        ulps(value, expected, limit)
        for slope, want in zip(slopes, expected_slopes, strict=True):
            ulps(slope, want, 8 * limit)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", CASES)
def test_against_jax(name: str) -> None:
    agree_with_jax(name, "float32")


@pytest.mark.full  # JAX takes a minute to compile these
@pytest.mark.parametrize("name", [n for n in CASES if n not in ("beta", "betaln")])
def test_against_jax_in_64_bits(name: str) -> None:
    """JAX's betaln of float64 has the accuracy of float32 alone."""
    agree_with_jax(name, "float64")


@pytest.mark.parametrize("name", CASES)
def test_against_scipy(name: str) -> None:
    xs = arguments(name, "float64")
    expected = getattr(scipy.special, name)(*xs)
    with sf.enable_x64(True):
        f = getattr(ours, name)
        value = f(*xs)
        ulps(value, expected, CASES[name][2])
        ulps(sf.jit(f)(*xs), value, 4)
        ulps(sf.vmap(f)(*xs), value, 0)


def test_orders() -> None:
    x = np.array([0.0, 1e-4, 0.3, 0.99, 1.0, 1.01, 2.5, 30.0, INF, NAN])
    with sf.enable_x64(True):
        for n in (0, 1, 2, 5, 30):
            ulps(ours.expn(n, x), scipy.special.expn(n, x), 16)
        ulps(ours.expn(np.arange(1, 4), np.float64(0.3)), scipy.special.expn([1, 2, 3], 0.3), 8)
        ulps(sf.grad(ours.expn, 1)(2, 0.7), -scipy.special.exp1(0.7), 8)
        assert np.isnan(ours.expn(-1, 2.0)) and np.isnan(ours.expn(2, -1.0))


@pytest.mark.parametrize("v", [0, 1, 6])
def test_bessel_jn(v: int) -> None:
    """JAX's overflows for small z in float32."""
    z = np.array([0.0, 1e-3, 0.7, 2.404825557695773, 9.0, 14.0, -3.0])
    orders = np.arange(v + 1)
    with sf.enable_x64(True):
        value = ours.bessel_jn(z, v=v)
        ulps(value, scipy.special.jv(orders[:, None], z), 16)
        slope = sf.jvp(lambda z: ours.bessel_jn(z, v=v), (z,), (np.ones_like(z),))[1]
        ulps(slope, scipy.special.jvp(orders[:, None], z), 16)
        ulps(ours.bessel_jn(26.0, v=v, n_iter=90), scipy.special.jv(orders, 26.0), 16)
    single = ours.bessel_jn(z.astype("float32"), v=v)
    assert single.dtype == "float32" and single.shape == (v + 1, len(z))
    ulps(single, np.asarray(value, "float32"), 16)


def test_fresnel_and_sici() -> None:
    x = np.array([-3.0, -0.2, 0.0, 0.5, 1.59, 1.61, 3.9, 4.1, 7.7, 60.0, INF])
    with sf.enable_x64(True):
        for name in ("fresnel", "sici"):
            f, believed = getattr(ours, name), getattr(scipy.special, name)
            pair = believed(np.abs(x))
            odd = np.sign(x) * pair[0], pair[1] if name == "sici" else np.sign(x) * pair[1]
            for got, want in zip(f(x), odd, strict=True):
                ulps(got, want, 32)  # JAX's differs as much: the sine of 60² π/2
            y = x[(x != 0) & np.isfinite(x)]
            got = sf.jvp(f, (y,), (np.ones_like(y),))[1]
            square = np.pi * y * y / 2
            want = {
                "fresnel": (np.sin(square), np.cos(square)),
                "sici": (np.sin(y) / y, np.cos(y) / y),
            }[name]
            ulps(got[0], want[0], 4e3), ulps(got[1], want[1], 4e3)  # ulps of 60² π/2
    assert all(out.dtype == "float32" for out in ours.fresnel(1))
    assert np.isnan(ours.sici(-INF)[1])


Z = np.array(
    [1 + 2j, -3.5 + 0.1j, 0.2 - 4j, -1.2 - 2.5j, 6 + 0.3j, -2.2 + 0j, 9 - 9j, 1e-3 + 1e-5j]
)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("loggamma", 40), ("gamma", 600), ("wofz", 600), ("erfcx", 600)],  # exp of 40
)
def test_complex(name: str, limit: float) -> None:
    z = Z[:-3] if name == "erfcx" else Z  # SciPy's overflows
    believed = getattr(scipy.special, name)(z)
    with sf.enable_x64(True):
        f = getattr(ours, name)
        value = np.asarray(f(z))
        assert (np.abs(value - believed) <= limit * 2.3e-16 * np.maximum(np.abs(believed), 1)).all()
        step = 1e-6
        slope = np.asarray(sf.jvp(f, (z,), (np.ones_like(z),))[1])
        around = (np.asarray(f(z + step)) - np.asarray(f(z - step))) / (2 * step)
        np.testing.assert_allclose(slope[:5], around[:5], rtol=1e-6)
    single = f(z.astype("complex64"))
    assert single.dtype == "complex64"
    np.testing.assert_allclose(np.asarray(single)[:5], believed[:5], rtol=3e-5)


def test_hypergeometric_functions() -> None:
    a = np.array([0.5, -1.3, 2.0, -2.0, 3.0, 1.0, 0.0, 4.2])
    b = np.array([1.5, 2.2, 2.0, 3.0, 1.0, 2.0, 1.0, 0.7])
    c = np.array([2.1, 0.4, 3.0, 3.5, 4.0, 3.5, 2.0, 1.9])
    with sf.enable_x64(True):
        for x in (-150.0, -20.0, -0.7, 0.0, 0.4, 15.0, 55.0, 120.0):
            believed = scipy.special.hyp1f1(a, b, x)
            np.testing.assert_allclose(ours.hyp1f1(a, b, x), believed, rtol=1e-12)
        for x in (-30.0, -3.0, -0.6, 0.0, 0.5, 0.85, 0.97):
            believed = scipy.special.hyp2f1(a, b, c, x)
            np.testing.assert_allclose(ours.hyp2f1(a, b, c, x), believed, rtol=1e-11)
        assert ours.hyp1f1(1.0, -2.0, 0.5) == ours.hyp2f1(1.0, 2.0, -1.0, 0.5) == INF
        assert ours.hyp2f1(1.0, 2.0, 3.0, 1.0) == ours.hyp2f1(1.0, 2.0, 3.5, 5.0) == INF
        ulps(ours.hyp2f1(1.0, 2.0, 3.5, 1.0), 5.0, 16)
        # three steps from a whole c - a - b, where both series of the general case have poles
        for d in (1e-12, 1e-5, 4e-3):
            believed = scipy.special.hyp2f1(0.5, 1.5, 4 + d, 0.5), (0.5, 1.5, 4 + d, 0.9)
            np.testing.assert_allclose(
                ours.hyp2f1(*believed[1]), scipy.special.hyp2f1(*believed[1]), rtol=1e-11
            )


@pytest.mark.parametrize(
    ("name", "point"),
    [("hyp1f1", (1.3, 2.2, 0.8)), ("hyp1f1", (1.3, 2.2, -4.0)), ("hyp2f1", (0.7, 1.2, 2.9, 0.3)),
     ("hyp2f1", (0.7, 1.2, 2.9, -2.5)), ("hyp2f1", (0.7, 1.2, 2.9, 0.93))],
)  # fmt: skip
def test_hypergeometric_derivatives(name: str, point: tuple[float, ...]) -> None:
    """In every argument, in reverse mode as well, against SciPy's differences."""
    f = getattr(scipy.special, name)
    with sf.enable_x64(True):
        slopes = sf.grad(getattr(ours, name), tuple(range(len(point))))(*point)
    step = 1e-6
    for i, slope in enumerate(slopes):
        up, down = ([x + s * (j == i) for j, x in enumerate(point)] for s in (step, -step))
        np.testing.assert_allclose(slope, (f(*up) - f(*down)) / (2 * step), rtol=1e-7)


def test_spherical_harmonics() -> None:
    n, m = np.array([0, 1, 2, 2, 5, 10, 3, 3]), np.array([0, 1, -1, 2, -5, 7, 4, 0])
    theta, phi = np.linspace(0.1, 3.0, 8), np.linspace(-2.0, 6.0, 8)
    believed = scipy.special.sph_harm_y(n, m, theta, phi)
    with sf.enable_x64(True):
        np.testing.assert_allclose(ours.sph_harm_y(n, m, theta, phi), believed, atol=1e-14)
        run = sf.jit(lambda *xs: ours.sph_harm_y(*xs, n_max=12))
        np.testing.assert_allclose(run(n, m, theta, phi), believed, atol=1e-14)
    with pytest.raises(sf.errors.ConcretizationTypeError, match="n_max"):
        sf.jit(ours.sph_harm_y)(n, m, theta, phi)
    with pytest.raises(NotImplementedError, match="diff_n"):
        ours.sph_harm_y(n, m, theta, phi, diff_n=1)


def test_bernoulli() -> None:
    with sf.enable_x64(True):
        numbers = np.asarray(ours.bernoulli(30))
    assert numbers[1] == -0.5 and numbers[30] == 8615841276005 / 14322
    np.testing.assert_array_equal(numbers[3::2], 0)
    assert ours.bernoulli(0).shape == (1,) and ours.bernoulli(300)[-1] == -INF
    with pytest.raises(ValueError, match="counted from 0"):
        ours.bernoulli(-1)
    with pytest.raises(TypeError):
        ours.bernoulli(2.0)


def test_whole_orders() -> None:
    """polygamma and multigammaln, whose first and second argument count."""
    x = np.array([0.3, 1.0, 4.4, -1.5])
    with sf.enable_x64(True):
        for n in (0, 1, 2, 5):
            np.testing.assert_allclose(
                ours.polygamma(n, x), theirs_in_64_bits("polygamma", n, x), rtol=1e-11
            )
        for d in (1, 2, 4):
            believed = scipy.special.multigammaln(3.7, d)
            np.testing.assert_allclose(ours.multigammaln(3.7, d), believed, rtol=1e-14)
    assert ours.multigammaln(np.ones((2, 3), "float32") * 4, 2).shape == (2, 3)
    with pytest.raises(ValueError, match="whole numbers"):
        ours.polygamma(1.0, 2.0)
    with pytest.raises(sf.errors.ConcretizationTypeError, match="multigammaln"):
        sf.jit(ours.multigammaln)(3.0, 2)


def theirs_in_64_bits(name: str, *args: Any) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(getattr(theirs, name)(*args))


# -- edges, types and refusals --------------------------------------------------------------------

EDGES = np.array([0.0, -0.0, 1, -1, INF, -INF, NAN, 0.5, -0.5, 2, -2, 1e4, -1e4, 1e-30])
OF_ANY = [name for name in CASES if name not in ("betainc", "gammainc", "gammaincc")]


@pytest.mark.parametrize("name", OF_ANY)
def test_edges(name: str) -> None:
    """Every pair of special points, in float32, against SciPy's in float64. Where they differ in
    what is no number, JAX sides with us."""
    edges = EDGES[EDGES != INF] if name == "spence" else EDGES  # SciPy's limit is nan, ours -inf
    grids = np.meshgrid(*[edges] * len(CASES[name][0]), indexing="ij")
    xs = [grid.ravel().astype("float32") for grid in grids]
    value = np.asarray(getattr(ours, name)(*xs), np.float64)
    believed = np.asarray(getattr(scipy.special, name)(*[x.astype("float64") for x in xs]))
    believed = believed.astype("float32").astype("float64")  # what float32 can hold
    agree = np.isclose(value, believed, rtol=2e-3, atol=1e-30, equal_nan=True)
    if not agree.all():
        other = [x[~agree] for x in xs]
        also = np.asarray(getattr(theirs, name)(*other), np.float64)
        np.testing.assert_allclose(value[~agree], also, rtol=2e-3, atol=1e-30)


# The results for operands of many types; where there is an error, its builtin class.
OPERANDS: list[Any] = [
    1, 2.0, True, np.int8(1), np.uint32(2), ml_dtypes.bfloat16(0.5), np.float16(0.5),
    np.float32(0.5), 1j, [1.0], "a",
]  # fmt: skip
# JAX's owens_t takes complex numbers, its hyp functions and expn lists, by chance
ODD = [("owens_t", 1j), ("hyp1f1", [1.0]), ("hyp2f1", [1.0]), ("expn", [1.0]), ("ndtri", [1.0])]


def kind_of(f: Callable[..., Any], x: Any, count: int) -> str:
    try:
        out = f(*[x] * count)
    except Exception as error:  # whatever it is, its class is compared
        return next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "builtins")
    out = out[0] if isinstance(out, tuple) else out
    return f"{out.dtype}, weak {out.weak_type}"


@pytest.mark.parametrize("name", [*CASES, "fresnel", "sici", "wofz", "logsumexp", "softmax"])
def test_types(name: str) -> None:
    count = len(CASES[name][0]) if name in CASES else 1
    for x in OPERANDS:
        if (name, x) not in ODD:
            mine = kind_of(getattr(ours, name), x, count)
            abstract = lambda *xs: jax.eval_shape(lambda: getattr(theirs, name)(*xs))  # noqa: E731
            assert mine == kind_of(abstract, x, count), (name, x)


def test_shapes_broadcast() -> None:
    column, row = np.ones((3, 1), "float32"), np.arange(4, dtype="int32")
    assert ours.xlogy(column, row).shape == ours.betaln(row, column).shape == (3, 4)
    with pytest.raises(TypeError, match=r"scipy\.special\.xlogy of arrays of shapes"):
        ours.xlogy(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="do not broadcast"):
        ours.xlogy(np.ones(2), np.ones((3, 3)))


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda s: s.log_ndtr(1.0, 2.5)),
        (ValueError, lambda s: s.log_ndtr(1.0, -1)),
        (ValueError, lambda s: s.log_ndtr(1.0, 31)),
        (NotImplementedError, lambda s: s.factorial(3, exact=True)),
        (NotImplementedError, lambda s: s.zeta(2.0)),
        (ValueError, lambda s: s.polygamma(True, 2.0)),
        (NotImplementedError, lambda s: s.fresnel(1j)),
    ],
)
def test_refusals(error: type[Exception], call: Callable[..., Any]) -> None:
    with pytest.raises(error, match=r"(?s)scipy\.special\..*Found: .*Write instead: "):
        call(ours)
    with pytest.raises(error):
        call(theirs)


def test_logsumexp_and_softmax() -> None:
    x = np.float32([[1, -INF, 3], [-INF, -INF, -INF]])
    for run in (
        lambda s: s.logsumexp(x, axis=1),
        lambda s: s.logsumexp(x[:1], b=np.float32([1, 2, -3]), return_sign=True)[0],
        lambda s: s.logsumexp(x, axis=(0, 1), where=x > 0, keepdims=True),
        lambda s: s.softmax(x[:1]),
        lambda s: s.log_softmax(x[:1], axis=1),
    ):
        np.testing.assert_allclose(run(ours), run(theirs), rtol=1e-6)
    with pytest.raises(TypeError):
        ours.softmax(x, 1)  # the axis is keyword-only here, unlike nn.softmax's
    slope = sf.grad(lambda x: ours.logsumexp(x))(x[0])
    np.testing.assert_allclose(slope, jax.grad(theirs.logsumexp)(x[0]), rtol=1e-6)
