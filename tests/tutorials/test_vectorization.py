"""What JAX's tutorial on automatic vectorization teaches, as scripts that run on both libraries."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

# Written for one signal and one filter: the spread of each window, weighted.
ONE = """
def spread(signal, weights):
    windows = [signal[i : i + 3] for i in range(len(signal) - 2)]
    return jnp.array([jnp.dot(weights, jnp.abs(w - w[1])) for w in windows])

signals = jnp.array([[3., 1., 4., 1., 5.], [9., 2., 6., 5., 3.]])
filters = jnp.array([[1., 0., 2.], [0.5, 1., 0.5]])
"""

SCRIPTS["by hand, and by vmap"] = (
    ONE
    + """
def by_hand(signals, filters):
    columns = []
    for i in range(signals.shape[1] - 2):
        window = signals[:, i : i + 3]
        columns.append(jnp.sum(filters * jnp.abs(window - window[:, 1:2]), axis=1))
    return jnp.stack(columns, axis=1)

results = [alike(lambda: vmap(spread)(signals, filters), lambda: by_hand(signals, filters),
                 lambda: jnp.stack([spread(s, f) for s, f in zip(signals, filters)]))]
"""
)

SCRIPTS["which axis, in and out"] = (
    ONE
    + """
def axes(signals, filters):
    return [vmap(spread, in_axes=1)(signals.T, filters.T),
            vmap(spread, in_axes=1, out_axes=1)(signals.T, filters.T),
            vmap(spread, in_axes=(0, 1), out_axes=-1)(signals, filters.T),
            vmap(spread, in_axes=[0, None])(signals, filters[0]),
            vmap(spread, in_axes=(None, 0))(signals[1], filters)]

results = alike(lambda: jit(axes)(signals, filters), lambda: axes(signals, filters))
print([r.shape for r in results])
"""
)

SCRIPTS["with jit, on either side"] = (
    ONE
    + """
results = [jit(vmap(spread))(signals, filters), vmap(jit(spread))(signals, filters)]
print([len(make_jaxpr(f)(signals, filters).eqns) for f in (jit(vmap(spread)), vmap(jit(spread)))])
"""
)

SCRIPTS["pairs, by vmap of vmap"] = """
apart = lambda p, q: jnp.sqrt(jnp.sum((p - q) ** 2))
def all_pairs(f):
    return vmap(vmap(f, (None, 0)), (0, None))

towns = jnp.array([[0., 3.], [4., 0.], [-1., 1.], [2., 2.]])
results = [alike(lambda: all_pairs(apart)(towns, towns),
                 lambda: vmap(lambda p: vmap(lambda q: apart(p, q))(towns))(towns),
                 lambda: jnp.array([[apart(p, q) for q in towns] for p in towns])),
           all_pairs(apart)(towns[:2], towns)]
"""

SCRIPTS["the function sees one example"] = """
def look(x, scale):
    print(x.shape, x.dtype, x.ndim, scale)
    return x.sum() * scale

results = [vmap(look, in_axes=(0, None))(jnp.ones((5, 2, 3)), 2.),
           vmap(look, in_axes=(2, None))(jnp.ones((5, 2, 3)), 2.)]
"""

SCRIPTS["a number of operations that does not grow"] = """
f = lambda x: jnp.tanh(x) * 2 + 1
sizes = [len(make_jaxpr(vmap(f))(jnp.ones((n, 3))).eqns) for n in (1, 7)]
print(sizes[0] == sizes[1] == len(make_jaxpr(f)(jnp.ones(3)).eqns))
results = [vmap(f)(jnp.arange(6.).reshape(2, 3))]
"""

SCRIPTS["the derivative of each example"] = """
def loss(w, x, y):
    return jnp.log1p(jnp.exp(-y * jnp.dot(w, x)))

xs, ys = jnp.array([[1., 2.], [0., 1.], [-2., 3.]]), jnp.array([1., -1, 1])
w, each = jnp.array([0.5, -1.]), vmap(grad(loss), in_axes=(None, 0, 0))
mean = lambda w: jnp.mean(vmap(loss, (None, 0, 0))(w, xs, ys))
results = [alike(lambda: jit(each)(w, xs, ys), lambda: each(w, xs, ys)),
           alike(lambda: jit(grad(mean))(w), lambda: each(w, xs, ys).mean(0))]
"""

SCRIPTS["trees, prefixes and what stays whole"] = """
net = {'w': jnp.arange(12.).reshape(3, 4), 'b': jnp.arange(4.)}
nets = {'w': jnp.stack([net['w'], net['w'] - 5]), 'b': jnp.stack([net['b']] * 2, axis=1)}
apply = lambda p, x: jnp.tanh(x @ p['w'] / 10 + p['b'])
x = jnp.array([1., -1., 0.5])
results = [vmap(apply, in_axes=({'w': 0, 'b': 1}, None))(nets, x),
           vmap(apply, in_axes=(None, 0))(net, jnp.stack([x, 2 * x])),
           vmap(lambda x: (x, x * 2), out_axes=(0, 1))(jnp.ones((2, 3))),
           vmap(lambda p, x: {'out': apply(p, x)}, in_axes=({'w': 0, 'b': 1}, None),
                out_axes={'out': 1})(nets, x)]
"""

SCRIPTS["a choice for each example"] = """
def size(x):
    return x if x > 0 else -x

xs = jnp.array([-2., 0., 3.])
results = [refusal(vmap(size), xs), vmap(lambda x: jnp.where(x > 0, x, -x))(xs),
           vmap(lambda x: lax.cond(x > 0, lambda: x, lambda: -x))(xs),
           vmap(lambda x: lax.while_loop(lambda a: a < 10, lambda a: a * a + 1, x))(xs)]
"""

SCRIPTS["what vmap refuses"] = """
dot = lambda x, y: jnp.dot(x, y)
results = [refusal(vmap(dot), jnp.ones((2, 3)), jnp.ones((4, 3))),
           refusal(vmap(dot, in_axes=(None, None)), jnp.ones(3), jnp.ones(3)),
           refusal(vmap(dot), 1., 2.), refusal(vmap(dot, in_axes=2), jnp.ones(3), jnp.ones(3)),
           refusal(vmap(dot, in_axes=(0,)), jnp.ones((2, 3)), jnp.ones((2, 3))),
           refusal(vmap, dot, 'rows'),
           refusal(vmap(dot, out_axes=1), jnp.ones((2, 3)), jnp.ones((2, 3)))]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)
