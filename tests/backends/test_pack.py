"""Chains over many small arrays run once over all of them, with the same numbers to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy.pack import pack
from scratchfn.backends.numpy.simplify import simplify
from tests.backends.passes import without

Tree = dict[str, Any]
SHAPES = [(64,), (3,), (1,), (16, 16), (5, 7), (2, 3, 4), (300,)]


def leaves(shapes: Any, seed: int = 0) -> Tree:
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.standard_normal(s).astype(np.float32) for i, s in enumerate(shapes)}


def adam(p: Tree, m: Tree, v: Tree, g: Tree, t: Any) -> tuple[Tree, Tree, Tree]:
    out = {}
    for k in p:
        new_m = 0.9 * m[k] + 0.1 * g[k]
        new_v = 0.999 * v[k] + 0.001 * (g[k] * g[k])
        step = (new_m / (1 - 0.9**t)) / (jnp.sqrt(new_v / (1 - 0.999**t)) + 1e-8)
        out[k] = p[k] - 1e-3 * step, new_m, new_v
    return tuple({k: o[i] for k, o in out.items()} for i in range(3))  # type: ignore[return-value]


def plain(f: Any, *args: Any) -> Any:
    """The results of the compiled `f` without packing."""
    with without("pack"):
        return sf.jit(f)(*args)


def same(found: Any, want: Any) -> None:
    for x, y in zip(sf.tree.leaves(found), sf.tree.leaves(want), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(
            np.asarray(x).view(np.uint8 if x.ndim else None),
            np.asarray(y).view(np.uint8 if y.ndim else None),
        )


def lines(f: Any, *args: Any) -> str:
    return sf.jit(f).lower(*args).as_text("numpy")


def adam_state(shapes: Any) -> list[Any]:
    p, m, g = (leaves(shapes, seed) for seed in range(3))
    return [p, m, {k: x * x for k, x in m.items()}, g, np.float32(3)]


def test_adam_is_one_chain() -> None:
    args = adam_state(SHAPES)
    source = lines(adam, *args)
    assert source.count("np.sqrt(") == 1
    assert source.count("np.divide(") == 3
    same(sf.jit(adam)(*args), plain(adam, *args))


def test_parts_are_written_in_place() -> None:
    """Scaled moments need no copy into the vector that they are a part of."""
    args = adam_state([(64,), (16, 16)])
    source = lines(adam, *args)
    copied = [line for line in source.splitlines() if "[...] = " in line or "concatenate" in line]
    assert len(copied) == 1  # the gradients, which are arguments here
    assert source.count("np.multiply(f32_0_9,") == 2  # lane by lane, to their places


def test_results_do_not_share_memory() -> None:
    program = sf.jit(adam).lower(*adam_state([(64,), (8, 8), (3,)])).compile()._program
    args = [np.asarray(x, np.float32) for x in sf.tree.leaves(adam_state([(64,), (8, 8), (3,)]))]
    a, b = program.function(*args), program.function(*args)
    results = [*a, *b]
    assert all(x.base is None for x in results)


def test_large_arrays_stay_apart() -> None:
    source = lines(adam, *adam_state([(300, 300)] * 3))
    assert source.count("np.sqrt(") == 3


def test_lanes_that_need_each_other() -> None:
    """The second array's gradient depends on the first one's update: they cannot be one chain."""

    def f(p: Tree, m: Tree, v: Tree, t: Any) -> Any:
        first = {"x0": p["x0"]}
        g = {"x0": p["x0"] * 2}
        new, m0, v0 = adam(first, m, v, g, t)
        g = {k: jnp.cumsum(p[k]) * new["x0"].sum() for k in ("x1", "x2", "x3")}
        rest, m1, v1 = adam({k: p[k] for k in g}, m, v, g, t)
        return new | rest, m0 | m1, v0 | v1

    p, m, v, _, t = adam_state([(8,), (7,), (6,), (5,)])
    source = lines(f, p, m, v, t)
    assert source.count("np.sqrt(") == 2
    same(sf.jit(f)(p, m, v, t), plain(f, p, m, v, t))


def test_a_norm_on_the_way() -> None:
    """All lanes are scaled by a number that is computed from all of them."""

    def f(p: Tree, m: Tree, v: Tree, g: Tree, t: Any) -> Any:
        p, m, v = adam(p, m, v, g, t)
        norm = jnp.sqrt(sum((x * x).sum() for x in p.values()))
        return {k: jnp.tanh(x * jnp.minimum(1, 1 / norm)) * 2 - 1 for k, x in p.items()}, m, v

    args = adam_state(SHAPES)
    assert lines(f, *args).count("np.divide(") == 3
    same(sf.jit(f)(*args), plain(f, *args))


def test_effects_keep_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    def f(p: Tree, m: Tree, v: Tree, g: Tree, t: Any) -> Any:
        out = {}
        for k in p:
            one = [{k: x[k]} for x in (p, m, v, g)]
            out[k] = adam(*one, t)
            sf.debug.print(k + " {}", out[k][0][k].sum() > -100, ordered=True)
        return out

    sf.block_until_ready(sf.jit(f)(*adam_state([(8,), (7,), (6,)])))
    sf.effects_barrier()
    assert capsys.readouterr().out.split() == ["x0", "True", "x1", "True", "x2", "True"]


UNARY = [jnp.sin, jnp.tanh, jnp.exp, jnp.sqrt, jnp.abs, jnp.square, lambda x: 1 / x,
         lambda x: jnp.where(x > 0, x, 0.5), lambda x: jnp.clip(x, -1, 1), jnp.sign,
         lambda x: jnp.log1p(x * x), lambda x: x**3, lambda x: (x > 0).astype(x.dtype)]  # fmt: skip
BINARY = [jnp.add, jnp.subtract, jnp.multiply, jnp.divide, jnp.maximum, jnp.arctan2]
chains = st.lists(
    st.tuples(st.integers(0, len(UNARY) - 1), st.integers(0, len(BINARY) - 1), st.booleans()),
    min_size=2,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(
    chains,
    st.lists(st.sampled_from(SHAPES), min_size=2, max_size=6),
    st.booleans(),
    st.sampled_from(["float32", "float16"]),
)
def test_any_chain(chain: Any, shapes: Any, inner: bool, dtype: str) -> None:
    """Random chains over random trees, with results on the way and arrays that come from other
    operations: packed or not, the numbers are the same."""
    a, b = ({k: x.astype(dtype) for k, x in leaves(shapes, s).items()} for s in (0, 1))

    def f(a: Tree, b: Tree) -> Any:
        out = []
        for k in a:
            x, y = (jnp.cumsum(a[k], 0) if inner else a[k]), b[k]
            for u, w, kept in chain:
                x = BINARY[w](UNARY[u](x), y)
                out += [x] if kept else []
            out.append(x)
        return out

    same(sf.jit(f)(a, b), plain(f, a, b))
    closed = sf.make_jaxpr(f)(a, b)
    simple = simplify(closed)
    assert pack(simple.jaxpr) is simple.jaxpr  # nothing is left to pack


STEPS = ["unary", "binary", "norm", "turned", "summed", "first"]
steps = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    min_size=4,
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(steps, st.lists(st.sampled_from(SHAPES), min_size=2, max_size=4), st.data())
def test_any_program(steps: Any, shapes: Any, data: Any) -> None:
    """Random programs over trees, whose leaves also meet each other: by norms of a whole tree,
    by what is no chain, and by what only one of them goes through."""
    inputs = [leaves(shapes, seed) for seed in (0, 1)]

    def f(*trees: Tree) -> Any:
        made = list(trees)
        for kind, i, j, k in steps:
            x, y = made[i % len(made)], made[j % len(made)]
            u, w = UNARY[k % len(UNARY)], BINARY[k % len(BINARY)]
            if kind == "unary":
                new = {n: u(a) * 0.5 for n, a in x.items()}
            elif kind == "binary":
                new = {n: w(x[n], y[n]) for n in x}
            elif kind == "norm":
                norm = sum(abs(a).sum() for a in x.values())
                new = {n: y[n] / norm for n in y}
            elif kind == "turned":
                new = {n: jnp.flip(x[n]) + y[n] for n in x}
            elif kind == "summed":
                new = {n: jnp.cumsum(x[n], 0) * u(y[n]) for n in x}
            else:
                new = {n: (u(a) if n == "x0" else a) + x["x0"].sum() for n, a in x.items()}
            made.append(new)
        return [made[i] for i in kept]

    count = len(steps) + 2
    kept = data.draw(st.sets(st.integers(2, count - 1), min_size=1, max_size=4).map(sorted))
    same(sf.jit(f)(*inputs), plain(f, *inputs))
