"""scipy.linalg against JAX: values, types and errors; derivatives; vmap and jit."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.scipy.linalg
import numpy as np
import pytest
import scipy.linalg

import scratchfn as sf
import scratchfn.lax.linalg
import scratchfn.numpy as jnp
import scratchfn.scipy.linalg as la
from tests.numpy.agree import agree

RNG = np.random.default_rng(1)
S = (RNG.normal(size=(4, 4)) + 3 * np.eye(4)).astype("float32")
R = RNG.normal(size=(4, 4)).astype("float32")  # with complex eigenvalues
T = RNG.normal(size=(5, 3)).astype("float32")
B = RNG.normal(size=(4, 2)).astype("float32")
V = (1 + RNG.random(4)).astype("float32")
M = (RNG.normal(size=(2, 4, 4)) + 3 * np.eye(4)).astype("float32")
H = (S @ S.T + np.eye(4)).astype("float32")
HM = (M @ M.transpose(0, 2, 1) + np.eye(4)).astype("float32")
C = (S + 1j * RNG.normal(size=(4, 4))).astype("complex64")
HC = (C @ C.conj().T + np.eye(4)).astype("complex64")
N = np.array([[2, 1, 0], [1, 3, -1], [0, 1, 4]], "int32")
I = np.array([3, 1, -4], "int32")  # noqa: E741
EMPTY = np.zeros((0, 0), "float32")

SOLVING = [
    ("det", lambda la: [la.det(S), la.det(M)]),
    ("inv", lambda la: [la.inv(S), la.inv(M)]),
    ("inv tall", lambda la: la.inv(T)),
    ("solve_triangular", lambda la: [
        la.solve_triangular(S, B), la.solve_triangular(S, V, lower=True),
        la.solve_triangular(S, V, 1), la.solve_triangular(C, B, trans="C"),
        la.solve_triangular(S, B, "T", True, True), la.solve_triangular(N, I),
        la.solve_triangular(M, M), la.solve_triangular(M, B), la.solve_triangular(S, M),
        la.solve_triangular(M, V), la.solve_triangular(EMPTY, EMPTY), la.solve_triangular(0 * S, B),
    ]),
    ("solve_triangular trans", lambda la: la.solve_triangular(S, B, trans="X")),
    ("solve_triangular unfit", lambda la: la.solve_triangular(S, T)),
    ("solve_triangular tall", lambda la: la.solve_triangular(T, T)),
    ("cholesky", lambda la: [la.cholesky(H), la.cholesky(HC), la.cholesky(HM, lower=True)]),
    ("cholesky others", lambda la: [la.cholesky(N), la.cholesky(-H), la.cholesky(EMPTY)]),
    ("cho_factor", lambda la: [la.cho_factor(H), la.cho_factor(HC, True), la.cho_factor(N)]),
    ("cho_factor tall", lambda la: la.cho_factor(T)),
    ("cho_solve", lambda la: [
        la.cho_solve((S, True), B), la.cho_solve((S, False), V), la.cho_solve((C, True), B),
        la.cho_solve((C, False), B), la.cho_solve((M, True), M), la.cho_solve((M, True), B),
        la.cho_solve((S, True), M), la.cho_solve((S, True), np.arange(4)),
    ]),
    ("cho_solve unfit", lambda la: la.cho_solve((S, True), T)),
    ("cho_solve tall", lambda la: la.cho_solve((T, True), T)),
    ("lu_factor", lambda la: [la.lu_factor(S), la.lu_factor(T), la.lu_factor(M), la.lu_factor(N)]),
    ("lu_solve", lambda la: [
        la.lu_solve(la.lu_factor(x), b, trans)
        for x, b, trans in [
            (S, B, 0), (S, V, 1), (C, B, 1), (C, B, 2), (M, M, 1), (S, M, 0), (M, B, 0),
            (S, np.arange(4), 2),
        ]
    ]),
    ("lu_solve trans", lambda la: la.lu_solve(la.lu_factor(S), B, 3)),
    ("lu_solve unfit", lambda la: la.lu_solve(la.lu_factor(S), T)),
    ("lu_solve tall", lambda la: la.lu_solve(la.lu_factor(T), T)),
    ("lu", lambda la: [la.lu(S), la.lu(T), la.lu(T.T), la.lu(C), la.lu(N)]),
    ("lu permuted", lambda la: [la.lu(S, permute_l=True), la.lu(C, True), la.lu(T, True)]),
    ("lu many", lambda la: la.lu(M)),
    ("solve", lambda la: [la.solve(S, B), la.solve(H, V, assume_a="sym"), la.solve(M, B)]),
    ("solve pos", lambda la: [
        la.solve(H, B, assume_a="pos"), la.solve(H, V, lower=True, assume_a="pos"),
        la.solve(HM, M, assume_a="pos"), la.solve(HC, B, assume_a="pos"),
    ]),
    ("solve pos unfit", lambda la: la.solve(HM, B, assume_a="pos")),
    ("solve assume", lambda la: la.solve(S, B, assume_a="diagonal")),
]  # fmt: skip

FACTORIZATIONS = [
    ("qr", lambda la: [la.qr(T), la.qr(T, mode="economic"), la.qr(T, mode="r"), la.qr(N)]),
    ("qr pivoting", lambda la: [la.qr(T, pivoting=True), la.qr(T, mode="r", pivoting=True)]),
    ("qr others", lambda la: [la.qr(M), la.qr(C, mode="economic", pivoting=True)]),
    ("qr mode", lambda la: la.qr(T, mode="raw")),
    ("qr_multiply", lambda la: [
        la.qr_multiply(T, T.T), la.qr_multiply(T, T[:3], "left"), la.qr_multiply(T, T[:, 0]),
        la.qr_multiply(T, V[:3], "left"), la.qr_multiply(T, T.T, pivoting=True),
        la.qr_multiply(C, C, conjugate=True), la.qr_multiply(C, C, "left", conjugate=True),
        la.qr_multiply(T.T, S[:3, :3]), la.qr_multiply(M, M),
    ]),
    ("qr_multiply mode", lambda la: la.qr_multiply(T, T, "middle")),
    ("qr_multiply unfit", lambda la: la.qr_multiply(T, S)),
    ("svd", lambda la: [la.svd(T), la.svd(T, full_matrices=False), la.svd(T, compute_uv=False)]),
    ("eigh", lambda la: [la.eigh(H), la.eigh(HC), la.eigh(H, eigvals_only=True), la.eigh(S)]),
    ("eigh b", lambda la: la.eigh(H, H)),
    ("eigh type", lambda la: la.eigh(H, type=2)),
    ("eigh eigvals", lambda la: la.eigh(H, eigvals=(0, 1))),
    ("eigh_tridiagonal", lambda la: [
        la.eigh_tridiagonal(V, V[:3], eigvals_only=True),
        la.eigh_tridiagonal(V, V[:3], eigvals_only=True, select="i", select_range=(1, 2)),
    ]),
    ("eigh_tridiagonal by values", lambda la: la.eigh_tridiagonal(
        V, V[:3], eigvals_only=True, select="v", select_range=(0.0, 1.0)
    )),
    ("schur", lambda la: [la.schur(R), la.schur(C), la.schur(M)]),
    ("schur complex", lambda la: la.schur(R, output="complex")),
    ("schur output", lambda la: la.schur(S, output="both")),
    ("schur of integers", lambda la: la.schur(N)),
    ("schur tall", lambda la: la.schur(T)),
    ("hessenberg", lambda la: [
        la.hessenberg(S), la.hessenberg(M, calc_q=True), la.hessenberg(C, calc_q=True),
        la.hessenberg(S[:1, :1], calc_q=True),
    ]),
    ("hessenberg of integers", lambda la: la.hessenberg(N)),
    ("hessenberg tall", lambda la: la.hessenberg(T)),
    ("rsf2csf", lambda la: [la.rsf2csf(*la.schur(R)), la.rsf2csf(*la.schur(M))]),
    ("rsf2csf unfit", lambda la: la.rsf2csf(S, S[:3])),
    ("rsf2csf tall", lambda la: la.rsf2csf(T, T)),
    ("polar", lambda la: [
        la.polar(S), la.polar(T.T, "left"), la.polar(M), la.polar(C),
    ]),
    ("polar svd", lambda la: [
        la.polar(T, method="svd"), la.polar(T.T, method="svd"), la.polar(S, "left", method="svd"),
        la.polar(M, method="svd"), la.polar(C, "left", method="svd"),
    ]),
    ("polar wide on the right", lambda la: la.polar(T.T)),
    ("polar square on the left", lambda la: la.polar(S, "left")),
    ("polar side", lambda la: la.polar(S, "middle")),
    ("polar method", lambda la: la.polar(S, method="newton")),
]  # fmt: skip

FUNCTIONS = [
    ("expm", lambda la: [la.expm(x) for x in (S, 0.01 * S, 0.3 * R, 5 * R, M, N, EMPTY, 0 * S)]),
    ("expm complex", lambda la: la.expm(C)),
    ("expm upper_triangular", lambda la: la.expm(np.triu(S), upper_triangular=True)),
    ("expm max_squarings", lambda la: [
        la.expm(5 * S, max_squarings=2), la.expm(R, max_squarings=0), la.expm(1e6 * S),
    ]),
    ("expm tall", lambda la: la.expm(T)),
    ("expm of a vector", lambda la: la.expm(V)),
    ("expm half", lambda la: la.expm(S.astype("float16"))),
    ("expm_frechet", lambda la: [
        la.expm_frechet(S, R), la.expm_frechet(S, R, compute_expm=False),
    ]),
    ("expm_frechet unfit", lambda la: la.expm_frechet(S, R[:3, :3])),
    ("expm_frechet tall", lambda la: la.expm_frechet(T, T)),
    ("sqrtm", lambda la: [la.sqrtm(S), la.sqrtm(H), la.sqrtm(C), la.sqrtm(-H), la.sqrtm(N)]),
    ("sqrtm singular", lambda la: la.sqrtm(np.diag([0, 0, 4.0, 9.0]))),
    ("sqrtm blocksize", lambda la: la.sqrtm(S, 2)),
    ("sqrtm tall", lambda la: la.sqrtm(T)),
    ("sqrtm many", lambda la: la.sqrtm(M)),
    ("funm", lambda la: [
        la.funm(R, lambda x: x * x), la.funm(C, abs), la.funm(H, lambda x: 1 / x),
        la.funm(R, lambda x: x**3, disp=False),
    ]),
    ("funm of integers", lambda la: la.funm(N, abs)),
    ("funm tall", lambda la: la.funm(T, abs)),
    ("funm many", lambda la: la.funm(M, abs)),
    ("solve_sylvester", lambda la: [
        la.solve_sylvester(C, H, R), la.solve_sylvester(M, M, M), la.solve_sylvester(S, -S, R),
    ]),
    ("solve_sylvester eigen", lambda la: la.solve_sylvester(S, H, R, method="eigen")),
    ("solve_sylvester method", lambda la: la.solve_sylvester(S, H, R, method="svd")),
    ("solve_sylvester unfit", lambda la: la.solve_sylvester(S, H, T)),
]  # fmt: skip

PATTERNED = [
    ("block_diag", lambda la: [
        la.block_diag(S, B, 3.0, V), la.block_diag(), la.block_diag(N, S), la.block_diag(EMPTY, N),
    ]),
    ("block_diag many", lambda la: la.block_diag(M)),
    ("toeplitz", lambda la: [
        la.toeplitz(V, T[:, 0]), la.toeplitz(B), la.toeplitz(B, V), la.toeplitz(I, V),
        la.toeplitz(C[0]), la.toeplitz(3.0), la.toeplitz(V[:0]),
    ]),
    ("toeplitz of a list", lambda la: la.toeplitz([1.0, 2.0])),
    ("hankel", lambda la: [
        la.hankel(V, T[:, 0]), la.hankel(B), la.hankel(I), la.hankel(V[:0]),
    ]),
    ("hankel of a number", lambda la: la.hankel(3.0)),
    ("circulant", lambda la: [la.circulant(x) for x in (V, B, I, 3.0, V[:0])]),
    ("companion", lambda la: [la.companion(x) for x in (V, B, I, V[:2])]),
    ("companion of one", lambda la: la.companion(V[:1])),
    ("fiedler", lambda la: [la.fiedler(x) for x in (V, B, I, 3.0, V[:0])]),
    ("fiedler_companion", lambda la: [
        la.fiedler_companion(x) for x in (V[:1], V[:2], V, S.ravel()[:9], B)
    ]),
    ("fiedler_companion of none", lambda la: la.fiedler_companion(V[:0])),
    ("leslie", lambda la: [la.leslie(V, V[:3]), la.leslie(M, M[..., 1:]), la.leslie(I, V[:2])]),
    ("leslie unfit", lambda la: la.leslie(V, V)),
    ("leslie of one", lambda la: la.leslie(V[:1], V[:0])),
    ("convolution_matrix", lambda la: [
        la.convolution_matrix(x, n, mode)
        for x, n in ((V, 2), (I, 6)) for mode in ("full", "same", "valid")
    ]),
    ("convolution_matrix mode", lambda la: la.convolution_matrix(V, 3, "half")),
    ("convolution_matrix n", lambda la: la.convolution_matrix(V, 0)),
    ("convolution_matrix of none", lambda la: la.convolution_matrix(V[:0], 3)),
    ("dft", lambda la: [la.dft(4), la.dft(5, "sqrtn"), la.dft(3, scale="n"), la.dft(-1)]),
    ("dft scale", lambda la: la.dft(4, "sqrt")),
    ("dft dtype", lambda la: la.dft(4, dtype="float32")),
    ("hadamard", lambda la: [la.hadamard(4), la.hadamard(8, "float32"), la.hadamard(1, complex)]),
    ("hadamard of 3", lambda la: la.hadamard(3)),
    ("hadamard of 0", lambda la: la.hadamard(0)),
    ("hadamard of booleans", lambda la: la.hadamard(2, bool)),
    ("helmert", lambda la: [la.helmert(4), la.helmert(5, True), la.helmert(1)]),
    ("helmert of 0", lambda la: la.helmert(0)),
    ("hilbert", lambda la: [la.hilbert(4), la.hilbert(0)]),
    ("hilbert of -1", lambda la: la.hilbert(-1)),
    ("invhilbert", lambda la: [la.invhilbert(3), la.invhilbert(0)]),
    ("pascal", lambda la: [
        la.pascal(4), la.pascal(4, "lower"), la.pascal(4, kind="upper"), la.pascal(0),
        la.invpascal(3), la.invpascal(3, "lower"), la.invpascal(3, "upper"),
        la.invpascal(3, "symmetric"),
    ]),
    ("pascal kind", lambda la: la.pascal(4, "left")),
    ("invpascal kind", lambda la: la.invpascal(4, "left")),
]  # fmt: skip

TABLE = [*SOLVING, *FACTORIZATIONS, *FUNCTIONS, *PATTERNED]
named = pytest.mark.parametrize("expression", [e for _, e in TABLE], ids=[n for n, _ in TABLE])


def of_either(expression: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The expression of scipy.linalg as one of the jnp that `agree` hands out. JAX compiles that of
    patterned matrices once, and not each of its many small operations."""

    def of_jnp(jnp: Any) -> Any:
        if jnp is sf.numpy:
            return expression(la)
        theirs = lambda: expression(jax.scipy.linalg)  # noqa: E731
        return jax.jit(theirs)() if expression in ONE_PROGRAM else theirs()

    return of_jnp


ONE_PROGRAM = [expression for _, expression in PATTERNED]


@pytest.mark.thinned(2)
@named
def test_agrees_with_jax(expression: Callable[[Any], Any]) -> None:
    agree(of_either(expression), 3e-4)


@pytest.mark.full
@named
def test_agrees_with_jax_in_64_bits(
    expression: Callable[[Any], Any], request: pytest.FixtureRequest
) -> None:
    wide = {"float32": "float64", "complex64": "complex128", "int32": "int64"}
    names = ("S", "R", "T", "B", "V", "M", "H", "HM", "C", "HC", "N", "I", "EMPTY")
    saved = {n: globals()[n] for n in names}
    globals().update({n: x.astype(wide[x.dtype.name]) for n, x in saved.items()})
    try:
        with sf.enable_x64(True), jax.enable_x64(True):
            agree(of_either(expression), 1e-5 if "pascal" in request.node.callspec.id else 1e-9)
    finally:
        globals().update(saved)


# -- what the table cannot say --------------------------------------------------------------------


def test_solve_triangular_of_short_floats() -> None:
    """They are computed in float32 and rounded once."""
    half = S.astype("float16"), B.astype("float16")
    agree(of_either(lambda la: la.solve_triangular(*half)), 2e-3)


def test_numbers_of_special_matrices_are_exact() -> None:
    """They are those of SciPy, whose whole numbers are exact; XLA's are rounded on the way."""
    for name, n in [("invhilbert", 8), ("pascal", 12), ("invpascal", 8), ("hadamard", 16)]:
        want = getattr(scipy.linalg, name)(n)
        np.testing.assert_array_equal(getattr(la, name)(n), np.asarray(want, "float64").astype("f"))
    with sf.enable_x64(True):
        np.testing.assert_array_equal(la.invhilbert(13), scipy.linalg.invhilbert(13, exact=True))


def test_eigenvectors_of_tridiagonal_matrices() -> None:
    """Their signs are nobody's choice, so they are checked by what they are."""
    w, v = la.eigh_tridiagonal(V, B[:3, 0])
    t = np.diag(V) + np.diag(B[:3, 0], 1) + np.diag(B[:3, 0], -1)
    np.testing.assert_allclose(t @ v, v * w, atol=1e-5)
    np.testing.assert_allclose(v.T @ v, np.eye(4), atol=1e-5)
    w1, v1 = la.eigh_tridiagonal(V, B[:3, 0], select="i", select_range=(1, 2))
    np.testing.assert_array_equal(w1, w[1:3])
    np.testing.assert_array_equal(v1, v[:, 1:3])


def test_qdwh_says_how_it_went() -> None:
    with sf.enable_x64(True):
        for x in (T, S, C, 1e-3 * H, np.ones((3, 2), "f")):
            u, h, count, converged = sf.lax.linalg.qdwh(x)
            assert converged
            assert count.dtype == "int32" and int(count) <= 10
            np.testing.assert_allclose(u @ h, x, atol=2e-6)
        u, h, _, _ = sf.lax.linalg.qdwh(S.astype("float64"))
        np.testing.assert_allclose(u.T @ u, np.eye(4), atol=1e-14)
        assert np.linalg.eigvalsh(h).min() > 0
        assert not sf.lax.linalg.qdwh(S, max_iterations=1)[3]
        u, _, _, _ = sf.lax.linalg.qdwh(H - 5 * np.eye(4, dtype="f"), is_hermitian=True)
        np.testing.assert_allclose(u, u.T, atol=1e-6)
    with pytest.raises(ValueError, match=r"qdwh\(x.T\)"):
        sf.lax.linalg.qdwh(T.T)


def test_a_matrix_without_a_root_has_none() -> None:
    assert not np.isfinite(la.sqrtm(np.array([[0.0, 1.0], [0.0, 0.0]]))).any()


def test_messages() -> None:
    with pytest.raises(ValueError, match=r"solve_triangular\(f32\[4,4\], f32\[5,3\]\)"):
        la.solve_triangular(S, T)
    with pytest.raises(NotImplementedError, match="method='svd'"):
        la.polar(S, "left")
    with pytest.raises(ValueError, match=r"hadamard\(4\)"):
        la.hadamard(3)
    with pytest.raises(TypeError, match=r"astype\(jnp.float32\)"):
        la.expm(S.astype("float16"))


# -- derivatives ----------------------------------------------------------------------------------


def weighed(x: Any) -> Any:
    return (abs(x) * (1 + np.arange(x.size).reshape(x.shape))).sum()


DERIVATIVES: list[tuple[str, Callable[..., Any], tuple[np.ndarray, ...]]] = [
    ("solve_triangular", lambda la, a, b: weighed(la.solve_triangular(a, b, "T")), (S, B)),
    ("cho_solve", lambda la, a, b: weighed(la.cho_solve(la.cho_factor(a), b)), (H, B)),
    ("cho_solve of factors", lambda la, a, b: weighed(la.cho_solve((a, True), b)), (S, V)),
    ("cholesky", lambda la, a: weighed(la.cholesky(a, lower=True)), (H,)),
    ("lu", lambda la, a: weighed(la.lu(a)[1]) + weighed(la.lu(a)[2]), (T,)),
    ("lu_solve", lambda la, a, b: weighed(la.lu_solve(la.lu_factor(a), b, 1)), (S, B)),
    # of symmetric matrices, which alone the Cholesky factors are those of
    ("solve pos", lambda la, a, b: weighed(la.solve(a + a.T, b, assume_a="pos")), (H, B)),
    ("solve pos many", lambda la, a, b: weighed(la.solve(a + a.mT, b, assume_a="pos")), (HM, M)),
    ("expm", lambda la, a: weighed(la.expm(a)), (S,)),
    ("polar svd", lambda la, a: weighed(la.polar(a, method="svd")[0]), (T,)),
    ("toeplitz", lambda la, a, b: weighed(la.toeplitz(a, b)), (V, V)),
    ("block_diag", lambda la, a, b: weighed(la.block_diag(a, b)), (S, T)),
]
of_derivatives = pytest.mark.parametrize(
    ("f", "args"), [d[1:] for d in DERIVATIVES], ids=[d[0] for d in DERIVATIVES]
)
OURS = SimpleNamespace(la=la, grad=sf.grad, jvp=sf.jvp)
THEIRS = SimpleNamespace(la=jax.scipy.linalg, grad=jax.grad, jvp=jax.jvp)


def derived(library: Any, f: Callable[..., Any], args: Any) -> list[Any]:
    """The gradient, the derivative along a direction, and that of the gradient."""
    argnums = tuple(range(len(args)))

    def of_args(*args: Any) -> Any:
        return f(library.la, *args)

    dots = tuple(np.cos(1 + np.arange(x.size)).reshape(x.shape).astype(x.dtype) for x in args)
    gradient = library.grad(of_args, argnums)
    value, second = library.jvp(gradient, args, dots)
    return [*value, library.jvp(of_args, args, dots)[1], *second]


def close(ours: Any, theirs: Any, rtol: float) -> None:
    for x, y in zip(ours, theirs, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype and x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * np.abs(y).max(initial=0))


@of_derivatives
def test_derivatives_are_jaxs(f: Callable[..., Any], args: Any) -> None:
    wide = tuple(x.astype("float64") for x in args)
    with sf.enable_x64(True), jax.enable_x64(True):
        close(derived(OURS, f, wide), jax.jit(lambda *args: derived(THEIRS, f, args))(*wide), 1e-8)


@of_derivatives
def test_jit_and_vmap_of_gradients(f: Callable[..., Any], args: Any) -> None:
    gradient = sf.grad(lambda *args: f(la, *args), tuple(range(len(args))))
    first = gradient(*args)
    close(sf.jit(gradient)(*args), first, 5e-4)
    others = tuple(np.float32(0.9) * x for x in args)
    batch = tuple(np.stack(pair) for pair in zip(args, others, strict=True))
    both = sf.vmap(gradient)(*batch)
    close([x[0] for x in both], first, 2e-3)
    close([x[1] for x in both], gradient(*others), 2e-3)


@pytest.mark.parametrize("f", [la.sqrtm, lambda a: la.funm(a, jnp.exp), lambda a: la.polar(a)[0]])
def test_functions_of_matrices_compile_and_batch(f: Callable[..., Any]) -> None:
    one, two = f(S), f(1.5 * S)
    np.testing.assert_allclose(sf.jit(f)(S), one, rtol=1e-4, atol=1e-5)
    both = sf.vmap(f)(np.stack([S, 1.5 * S]))
    np.testing.assert_allclose(both, np.stack([one, two]), rtol=1e-4, atol=1e-4)
