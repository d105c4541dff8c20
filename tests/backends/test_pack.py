"""Chains over many small arrays run once over all of them, with the same numbers to the bit."""

from __future__ import annotations

import concurrent.futures
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy.lanes import Lanes
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
    """Products need no copy into the vector that they are a part of."""

    def f(p: Tree, m: Tree, v: Tree, x: Any, t: Any) -> Any:
        return adam(p, m, v, {"x0": x @ x, "x1": x.T @ x}, t)

    p, m, v, _, t = adam_state([(16, 16), (16, 16)])
    source = lines(f, p, m, v, p["x0"], t)
    assert "[...] = " not in source
    assert "concatenate" not in source
    same(sf.jit(f)(p, m, v, p["x0"], t), plain(f, p, m, v, p["x0"], t))


def test_results_that_come_back_lie_side_by_side() -> None:
    """The parts of a vector, all of them and in order, are that vector."""
    lanes = Lanes([(2, 3), (4,), (1,)])
    here, there = lanes.place(), lanes.place()
    a, b = np.arange(11.0), -np.arange(11.0)
    parts, others = lanes.split(a, here), lanes.split(b, there)
    assert [x.shape for x in parts] == [(2, 3), (4,), (1,)]
    assert lanes.join(*parts) is a
    assert lanes.join(*others) is b
    mixed = lanes.join(parts[0], others[1], parts[2])
    np.testing.assert_array_equal(mixed, [*a[:6], *b[6:10], a[10]])
    lanes.split(b, here)
    again = lanes.join(*parts)  # the last call's are known, no others
    assert again is not a
    np.testing.assert_array_equal(again, a)


def test_steps_that_go_on_from_each_other() -> None:
    """Whether the arguments are results of the last call, of another, or some of each."""
    step, p, m, v, g, t = sf.jit(adam), *adam_state(SHAPES)
    assert "lanes.split" in lines(adam, p, m, v, g, t)
    first = step(p, m, v, g, t)
    second = step(*first, g, t)
    crossed = tuple({k: (x if i % 2 else y)[k] for i, k in enumerate(x)}
                    for x, y in zip(first, second, strict=True))  # fmt: skip
    swapped = first[0], first[2], first[1]
    for state in (second, first, crossed, swapped, second):
        same(step(*state, g, t), plain(adam, *state, g, t))


def test_steps_in_threads() -> None:
    step, rest = sf.jit(adam), adam_state(SHAPES)[3:]
    starts = [[leaves(SHAPES, seed), *adam_state(SHAPES)[1:3]] for seed in range(4)]

    def train(state: Any) -> Any:
        for _ in range(50):
            state = step(*state, *rest)
        return state

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for found, start in zip(pool.map(train, starts), starts, strict=True):
            same(found, train(start))


def test_results_do_not_overlap() -> None:
    """They share an array, another one at each call, but no elements."""
    program = sf.jit(adam).lower(*adam_state([(64,), (8, 8), (3,)])).compile()._program
    args = [np.asarray(x, np.float32) for x in sf.tree.leaves(adam_state([(64,), (8, 8), (3,)]))]
    results = [*program.function(*args), *program.function(*args)]
    assert any(x.base is not None for x in results)
    for x, y in itertools.combinations([*args, *results], 2):
        assert not np.shares_memory(x, y)


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
