"""scipy.fft, scipy.signal and scipy.integrate against JAX's: values, types, errors, derivatives."""

from __future__ import annotations

import importlib

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn.config import enable_x64
from scratchfn.scipy import fft, signal
from scratchfn.transforms.api import grad
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.numpy.agree import agree, same

RNG = np.random.default_rng(0)
V = np.array([1, 3, 2, 5], "f")
W = np.array([1, -1, 0.5], "f")
A = RNG.normal(size=(3, 4)).astype("f")
K = RNG.normal(size=(2, 2)).astype("f")
C3 = RNG.normal(size=(2, 3, 4)).astype("f")
K3 = RNG.normal(size=(2, 2, 2)).astype("f")
LONG, OTHER = RNG.normal(size=(2, 40)).astype("f")
COMPLEX = (LONG + 1j * OTHER).astype("complex64")
WINDOWS = np.asarray(signal.stft(LONG, nperseg=16)[2])
TWO_SIDED = np.asarray(signal.stft(COMPLEX, nperseg=16, return_onesided=False)[2])
MODES = ("full", "same", "valid")

# Sums of products and transforms in float32, in another order.
LOOSE = 2e-5


def call(name, *args, **options):
    """`call("fft.dct", x)` is the row of scipy.fft.dct(x) in both libraries."""
    module, name = name.rsplit(".", 1)

    def f(jnp):
        space = importlib.import_module(jnp.__name__.replace("numpy", f"scipy.{module}"))
        return getattr(space, name)(*args, **options)

    shown = [f"{k}={v}" for k, v in options.items() if not isinstance(v, np.ndarray)]
    plain = [str(a) for a in args if not isinstance(a, (np.ndarray, jnp.ndarray))]
    return " ".join([name, *plain, *shown]), f


COSINES = [
    row
    for name in ("fft.dct", "fft.idct")
    for row in (
        call(name, V), call(name, V[:3]), call(name, V, norm="ortho"), call(name, V, 2, 3),
        call(name, V, n=7, norm="backward"), call(name, A, axis=0), call(name, V[:1], norm="ortho"),
        call(name, V.astype(int)), call(name, V.astype("float16")), call(name, V * 1j),
        call(name, V, 3), call(name, V, norm="forward"), call(name, V, norm="x"),
        call(name, A, axis=5), call(name, 1.0), call(name, [1.0]),
    )
] + [
    row
    for name in ("fft.dctn", "fft.idctn")
    for row in (
        call(name, A), call(name, A, norm="ortho"), call(name, A, s=(3, 2)), call(name, C3),
        call(name, A, s=(3,), axes=(0,)), call(name, A, axes=(1,)), call(name, A, s=4),
        call(name, A, axes=[1, 0], s=[4, 5]), call(name, A, 3), call(name, A, axes=(0, 0)),
    )
]  # fmt: skip

CONVOLUTIONS = [
    row
    for name in ("signal.convolve", "signal.correlate")
    for row in (
        *(call(name, V, W, mode) for mode in MODES), *(call(name, W, V, mode) for mode in MODES),
        *(call(name, V, W, mode, "fft") for mode in MODES),
        *(call(name, A, K, mode) for mode in MODES), *(call(name, K, A, mode) for mode in MODES),
        *(call(name, C3, K3, mode) for mode in MODES), call(name, V, W, method="direct"),
        call(name, V.astype(int), W.astype(int)), call(name, V * 1j, W * (1 + 2j)),
        call(name, V.astype("float16"), W), call(name, V, W, "x"), call(name, V, W, "same", "x"),
        call(name, A, V), call(name, V[:0], W), call(name, A, A[:2].T),
    )
] + [
    row
    for name in ("signal.convolve2d", "signal.correlate2d")
    for row in (
        *(call(name, A, K, mode) for mode in MODES), *(call(name, K, A, mode) for mode in MODES),
        call(name, A.astype(int), K.astype(int)), call(name, A, K * 1j), call(name, V, W),
        call(name, A, K, boundary="wrap"), call(name, A, K, fillvalue=1), call(name, A, K, "x"),
        call(name, A, A[:2].T),
    )
] + [
    *(call("signal.fftconvolve", V, W, mode) for mode in MODES),
    *(call("signal.fftconvolve", W, V, mode) for mode in MODES),
    *(call("signal.fftconvolve", A, A[:, :2], mode, axes=1) for mode in MODES),
    call("signal.fftconvolve", A, K), call("signal.fftconvolve", A, A[:2], axes=(0,)),
    call("signal.fftconvolve", V * 1j, W), call("signal.fftconvolve", V.astype(int), V.astype(int)),
    call("signal.fftconvolve", A, A, axes=()), call("signal.fftconvolve", A, K, axes=1),
    call("signal.fftconvolve", A, V), call("signal.fftconvolve", V, W, "x"),
    call("signal.fftconvolve", V[:0], W), call("signal.fftconvolve", 2.0, 3.0),
    call("signal.fftconvolve", A, A[:2].T, "valid"), call("signal.fftconvolve", [1.0], V),
]  # fmt: skip

TRENDS = [
    call("signal.detrend", LONG), call("signal.detrend", LONG, type="constant"),
    call("signal.detrend", LONG, bp=3), call("signal.detrend", LONG, bp=[2, 25]),
    call("signal.detrend", A, 0), call("signal.detrend", A, type="constant", axis=0),
    call("signal.detrend", V.astype(int)), call("signal.detrend", COMPLEX),
    call("signal.detrend", [1.0, 3, 2]), call("signal.detrend", LONG, type="x"),
    call("signal.detrend", LONG, bp=50), call("signal.detrend", LONG, overwrite_data=True),
]  # fmt: skip

SPECTRA = [
    call("signal.stft", LONG, nperseg=16), call("signal.stft", LONG),
    call("signal.stft", LONG, 2.0, "hamming", 10, 3, 16),
    *(call("signal.stft", LONG, nperseg=16, boundary=b)
      for b in (None, "even", "odd", "constant", "x")),
    call("signal.stft", LONG, nperseg=16, padded=False), call("signal.stft", LONG, nperseg=15),
    call("signal.stft", LONG, nperseg=16, return_onesided=False),
    call("signal.stft", COMPLEX, nperseg=16), call("signal.stft", LONG, nperseg=16, nfft=20),
    call("signal.stft", LONG, nperseg=16, detrend="constant"),
    call("signal.stft", LONG, window=("kaiser", 3.0), nperseg=16),
    call("signal.stft", LONG, window=np.ones(16, "f"), nperseg=None),
    call("signal.stft", LONG.reshape(4, 10), nperseg=4, axis=0),
    call("signal.stft", (LONG * 9).astype(int), nperseg=16), call("signal.stft", LONG[:0]),
    call("signal.stft", LONG, nperseg=16, detrend=True), call("signal.stft", LONG, nperseg=0),
    call("signal.stft", LONG, nperseg=16, noverlap=16), call("signal.stft", LONG, window="x"),
    call("signal.stft", LONG, nperseg=16, nfft=8),
    call("signal.stft", LONG, window=np.ones(12, "f"), nperseg=16),
    call("signal.istft", WINDOWS), call("signal.istft", WINDOWS, nperseg=16, boundary=False),
    call("signal.istft", TWO_SIDED, input_onesided=False),
    call("signal.istft", WINDOWS, noverlap=4), call("signal.istft", WINDOWS, nfft=20),
    call("signal.istft", WINDOWS, 2.0, "hamming"), call("signal.istft", WINDOWS, nperseg=8),
    call("signal.istft", WINDOWS.T, time_axis=0, freq_axis=1),
    call("signal.istft", WINDOWS, nperseg=20), call("signal.istft", WINDOWS[0]),
    call("signal.istft", WINDOWS, time_axis=0, freq_axis=0),
    call("signal.istft", WINDOWS, window=np.ones(12)), call("signal.istft", WINDOWS, noverlap=16),
    call("signal.csd", LONG, OTHER, nperseg=16), call("signal.csd", LONG, None, nperseg=16),
    call("signal.csd", LONG, LONG, nperseg=16), call("signal.csd", LONG, OTHER),
    call("signal.csd", LONG, OTHER, 2.0, "hamming", 10, 3, 16, "linear", True, "spectrum"),
    call("signal.csd", LONG, OTHER, nperseg=16, average="median"),
    call("signal.csd", LONG, OTHER[:20], nperseg=16),
    call("signal.csd", COMPLEX, OTHER, nperseg=16),
    call("signal.csd", LONG, OTHER, nperseg=16, return_onesided=False),
    call("signal.csd", LONG.reshape(20, 2), OTHER.reshape(20, 2), nperseg=8, axis=0),
    call("signal.csd", LONG, OTHER, nperseg=16, detrend=False), call("signal.csd", LONG[:0], V[:0]),
    call("signal.csd", LONG.reshape(2, 20), OTHER[:20], nperseg=8),
    call("signal.csd", LONG, OTHER, scaling="x"),
    call("signal.csd", LONG, OTHER, nperseg=16, average="x"),
    call("signal.welch", LONG, nperseg=16), call("signal.welch", LONG),
    call("signal.welch", LONG, nperseg=16, average="median"),
    call("signal.welch", LONG, nperseg=15, return_onesided=False),
    call("signal.welch", COMPLEX, nperseg=16), call("signal.welch", LONG, nperseg=16, nfft=32),
    call("signal.welch", LONG.reshape(4, 10), nperseg=4, axis=0),
    call("signal.welch", (LONG * 9).astype(int), nperseg=16),
    call("signal.welch", LONG, detrend="x"), call("integrate.trapezoid", A, axis=0, dx=0.5),
]  # fmt: skip


@pytest.mark.thinned(8)
@pytest.mark.parametrize("row", COSINES + CONVOLUTIONS + TRENDS + SPECTRA, ids=lambda row: row[0])
def test_as_jax(row):
    agree(row[1], 2e-3 if "float16" in row[0] else LOOSE)


@pytest.mark.full
def test_64_bits():
    wide = LONG.astype(float)
    with enable_x64(True), jax.enable_x64(True):
        for row in (
            call("fft.dct", wide), call("fft.idct", wide, norm="ortho"), call("fft.dct", V, n=3),
            call("signal.convolve", wide, wide[:7]), call("signal.detrend", wide),
            call("signal.welch", wide, nperseg=16), call("signal.stft", wide, nperseg=16),
        ):  # fmt: skip
            agree(row[1], LOOSE if row[0].startswith("dct n") else 1e-11)


def mixed(jnp):
    root = jnp.__name__.replace("numpy", "scipy")
    fft, signal = (importlib.import_module(f"{root}.{name}") for name in ("fft", "signal"))

    def f(x):  # [8]
        parts = [
            fft.dct(x), fft.idct(x, norm="ortho"), fft.dctn(x.reshape(2, 4)),
            signal.convolve(x, x[:3], "same"), signal.fftconvolve(x, x[:3]),
            signal.correlate2d(x.reshape(2, 4), x[:2].reshape(2, 1), "same"), signal.detrend(x),
            signal.welch(x, nperseg=4)[1],
            signal.istft(signal.stft(x, nperseg=4)[2] ** 2)[1],
        ]  # fmt: skip
        return sum(jnp.sum(jnp.sin(part)) for part in parts)

    return f


def test_through_transformations():
    xs = LONG[:16].reshape(2, 8)
    theirs = jax.jit(jax.vmap(jax.grad(mixed(jax.numpy))))(xs)
    same(vmap(grad(mixed(jnp)))(xs), theirs, 1e-4)
    same(jit(vmap(grad(mixed(jnp))))(xs), theirs, 1e-4)


def test_inverses():
    np.testing.assert_allclose(fft.idctn(fft.dctn(C3)), C3, atol=1e-6)
    times, back = signal.istft(jnp.stack([WINDOWS] * 3))
    np.testing.assert_allclose(back, [LONG] * 3, atol=1e-6)
    assert times.shape == (40,)  # JAX has as many times as signals


def test_errors_name_the_remedy():
    with pytest.raises(NotImplementedError, match=r'jsp\.fft\.dct\(x, norm="ortho"\)'):
        fft.dct(V, 1)
    with pytest.raises(ValueError, match="smaller one along all axes"):
        signal.convolve(A, A.T)
    with pytest.raises(NotImplementedError, match=r"jnp\.pad"):
        signal.convolve2d(A, K, boundary="wrap")
