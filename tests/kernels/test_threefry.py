"""threefry2x32 against JAX's, bit for bit."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry2x32_p

from scratchfn.backends.numpy.kernels.threefry import FEW, TILE, threefry2x32


def words(shape, seed):
    return np.random.default_rng(seed).integers(0, 2**32, shape, np.uint32)


def check(*shapes):
    args = [words(shape, i) for i, shape in enumerate(shapes)]
    before = [a.copy() for a in args]
    got = threefry2x32(*args)
    shape = np.broadcast_shapes(*shapes)
    want = threefry2x32_p.bind(*(jnp.asarray(np.broadcast_to(a, shape)) for a in args))
    for g, w in zip(got, want, strict=True):
        assert isinstance(g, np.ndarray)
        assert (g.dtype, g.shape) == (np.uint32, shape)
        np.testing.assert_array_equal(g, np.asarray(w))
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (FEW,), (FEW + 1,), (3, 5), (TILE,), (TILE + 1,), (3, TILE - 7)]
)
def test_one_key(shape):
    check((), (), shape, shape)
    check((1,), (1,), shape or (1,), shape or (1,))


@pytest.mark.parametrize("shape", [(2,), (5,), (2 * TILE + 3,)])
def test_a_key_for_each_counter(shape):
    check(shape, shape, shape, shape)


def test_every_operand_broadcasts():
    check((), (2, 1), (3,), (2, 3))
    check((4, 1), (4, 1), (1, 7), (1, 7))
    check((2, 1), (2, 1), (), (2,))
    check((3,), (3,), (), ())


def test_the_known_answer_of_the_paper():
    key, counter = (0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3)
    want = (0xC4923A9C, 0x483DF7A0)
    for size in (1, FEW + 1):
        args = (np.full(size, v, np.uint32) for v in key + counter)
        for got, expected in zip(threefry2x32(*args), want, strict=True):
            np.testing.assert_array_equal(got, np.full(size, expected, np.uint32))
