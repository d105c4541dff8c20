"""What JAX's tutorial on gradient checkpointing teaches, as scripts that run on both libraries."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

LAYERS = """
def dense(w, x):
    return jnp.sin(jnp.dot(w, x))

def chain(w1, w2, w3, x):
    return dense(w3, dense(w2, dense(w1, x)))

w1, w2, w3, x = jnp.ones((5, 4)), jnp.ones((6, 5)), jnp.ones((7, 6)), jnp.ones(4)
"""

SCRIPTS["what is kept"] = (
    LAYERS
    + """
def checkpointed(w1, w2, w3, x):
    x = checkpoint(dense)(w1, x)
    x = checkpoint(dense)(w2, x)
    return checkpoint(dense)(w3, x)

def named(w1, w2, w3, x):
    x = checkpoint_name(dense(w1, x), name='a')
    x = checkpoint_name(dense(w2, x), name='b')
    return checkpoint_name(dense(w3, x), name='c')

policies = checkpoint_policies
versions = [chain, checkpointed, checkpoint(chain),
            checkpoint(chain, policy=policies.dots_with_no_batch_dims_saveable),
            checkpoint(named, policy=policies.save_only_these_names('a')),
            checkpoint(named, policy=policies.save_any_names_but_these('a'))]
results = []
for f in versions:
    print_saved_residuals(f, w1, w2, w3, x)
    results += [f(w1, w2, w3, x), grad(lambda *xs: f(*xs).sum(), (0, 1, 2, 3))(w1, w2, w3, x)]
"""
)

SCRIPTS["the two passes as programs"] = (
    LAYERS
    + """
def passes(f, *args):
    forward = make_jaxpr(lambda *args: vjp(f, *args))(*args)
    out, f_vjp = vjp(f, *args)
    residuals, treedef = tree_flatten(f_vjp)
    def backward(residuals, ct):
        return tree_unflatten(treedef, residuals)(ct)
    return forward, make_jaxpr(backward)(residuals, out)

def operations(jaxpr, name):
    return str(jaxpr).count(f'= {name}')

results = []
for f in (chain, checkpoint(chain),
          checkpoint(chain, policy=checkpoint_policies.dots_with_no_batch_dims_saveable)):
    forward, backward = passes(f, w1, w2, w3, x)
    results += [operations(p, name) for p in (forward, backward)
                for name in ('sin', 'cos', 'dot_general')]
"""
)

SCRIPTS["parts of a composition"] = """
g, h = jnp.sin, lambda y: jnp.exp(y) * y
plain = lambda x: h(g(x))
versions = [plain, lambda x: h(checkpoint(g)(x)), lambda x: checkpoint(h)(g(x)), checkpoint(plain)]
results = [value_and_grad(f)(0.7) for f in versions]

def by_hand(x):
    y = g(x)
    _, pull_h = vjp(h, y)
    y_bar, = pull_h(1.0)
    _, pull_g = vjp(g, x)
    return pull_g(y_bar)[0]

results.append(by_hand(0.7))
"""

SCRIPTS["policies for a loss"] = """
def layer(w, x):
    return jnp.sin(jnp.dot(w, x))

def predict(params, x):
    *ws, last = params
    for i, w in enumerate(ws):
        x = checkpoint_name(layer(w, x), name=f'layer{i}_output')
    return jnp.dot(last, x)

def loss(params, x, y):
    return jnp.sum((predict(params, x) - y) ** 2)

params, x, y = [jnp.ones((4, 4))] * 3, jnp.ones(4), jnp.ones(4)
versions = [
    loss,
    checkpoint(loss, policy=checkpoint_policies.dots_with_no_batch_dims_saveable),
    checkpoint(loss, policy=checkpoint_policies.save_any_names_but_these('layer1_output')),
    checkpoint(loss, policy=checkpoint_policies.save_only_these_names('layer0_output')),
    checkpoint(loss, policy=checkpoint_policies.nothing_saveable),
]
results = []
for f in versions:
    print_saved_residuals(f, params, x, y)
    results += [value_and_grad(f)(params, x, y), jit(grad(f))(params, x, y)]
"""

SCRIPTS["offloading"] = """
policy = checkpoint_policies.offload_dot_with_no_batch_dims('device', 'pinned_host')

def f(x):
    for _ in range(3):
        x = jnp.sin(jnp.einsum('ij,jk->ik', x, x, precision=lax.Precision.HIGHEST))
    return jnp.sum(x)

by_name = checkpoint_policies.save_and_offload_only_these_names(
    names_which_can_be_saved=['y'], names_which_can_be_offloaded=['z'],
    offload_src='device', offload_dst='pinned_host')

def scanned(x):
    def body(carry, _):
        y, z = carry
        y = checkpoint_name(jnp.sin(y @ y), 'y')
        z = checkpoint_name(jnp.cos(y @ z), 'z')
        return (y, z), None
    (y, z), _ = lax.scan(checkpoint(body, policy=by_name), (x, x), None, length=2)
    return jnp.sum(y * z)

x = jnp.eye(3) * 0.5
results = [f(x), jit(grad(checkpoint(f, policy=policy)))(x), jit(grad(scanned))(x)]
"""

SCRIPTS["nested checkpoints"] = """
def chain_compose(fs):
    def composed(x):
        for f in fs:
            x = f(x)
        return x
    return composed

def halves(fs):
    if len(fs) == 1:
        return fs[0]
    left, right = halves(fs[:len(fs) // 2]), halves(fs[len(fs) // 2:])
    return lambda x: right(checkpoint(left)(x))

fs = [jnp.sin] * 8
results = [value_and_grad(chain_compose(fs))(3.), value_and_grad(halves(fs))(3.),
           jit(grad(halves(fs)))(3.), vmap(grad(halves(fs)))(jnp.arange(3.))]
print_saved_residuals(chain_compose(fs), 3.)
print_saved_residuals(halves(fs), 3.)
"""

SCRIPTS["static arguments and Python's if"] = """
@functools.partial(checkpoint, static_argnums=(1,))
def f(x, is_training):
    return jnp.sin(x) * 2 if is_training else jnp.cos(x)

results = [grad(f)(1., True), grad(f)(1., False)]

@checkpoint
def g(x, y):
    return lax.cond(y, lambda: jnp.sin(x) * 2, lambda: jnp.cos(x))

results += [grad(g)(1., True), grad(g)(1., False), jit(grad(g))(1., True)]
"""

SCRIPTS["layers in a scan"] = """
LAYERS = 4
ws = jnp.arange(LAYERS * 9.).reshape(LAYERS, 3, 3) / 20
bs = jnp.ones((LAYERS, 3)) / 7

def layer(x, wb):
    w, b = wb
    return jnp.maximum(jnp.sin(w @ x) + b, 0.), None

def plain(params, x):
    for w, b in zip(*params):
        x, _ = layer(x, (w, b))
    return x.sum()

def scanned(body):
    return lambda params, x: lax.scan(body, x, params)[0].sum()

x = jnp.array([.1, .2, .3])
dots = checkpoint_policies.dots_with_no_batch_dims_saveable
results = [value_and_grad(f)((ws, bs), x) for f in (
    plain, scanned(layer), scanned(checkpoint(layer)),
    scanned(checkpoint(layer, prevent_cse=False)), scanned(checkpoint(layer, policy=dots)),
    checkpoint(scanned(layer)), checkpoint(scanned(layer), policy=dots))]
results.append(jit(grad(scanned(checkpoint(layer))))((ws, bs), x))
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    lines = agree(SCRIPTS[name], rtol=1e-4)
    if name == "nested checkpoints":
        assert len(lines) == 8 + 4  # eight cosines, or the arguments of what is left
