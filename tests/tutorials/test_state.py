"""What JAX's tutorials on stateful computation and on refs teach, as scripts that run on both
libraries: state that goes in and comes out, and arrays that are written to."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["state that no trace sees"] = """
class Counter:
    def __init__(self):
        self.n = 0
    def count(self):
        self.n += 1
        return self.n

counter = Counter()
count = jit(counter.count)
print([int(count()) for _ in range(3)], counter.n, counter.count())
print(jit(Counter().count).trace().jaxpr)
results = []
"""

SCRIPTS["state that goes in and comes out"] = """
def count(n):
    return n + 1, n + 1

def run(count, n=0):
    seen = []
    for _ in range(3):
        value, n = count(n)
        seen.append(value)
    return seen

print(jit(count).trace(0).jaxpr)
results = [run(count), run(jit(count)), lax.scan(lambda n, _: count(n)[::-1], 0, None, length=3)]
"""

SCRIPTS["a line is fitted"] = """
from typing import NamedTuple
class Params(NamedTuple):
    weight: jnp.ndarray
    bias: jnp.ndarray

def init(key):
    w, b = random.split(key)
    return Params(random.normal(w, ()), random.normal(b, ()))

def loss(params, x, y):
    return jnp.mean((params.weight * x + params.bias - y) ** 2)

@jit
def update(params, momentum, x, y):
    momentum = tree.map(lambda m, g: 0.9 * m + g, momentum, grad(loss)(params, x, y))
    return tree.map(lambda p, m: p - 0.02 * m, params, momentum), momentum

data, noise = random.split(random.key(42))
x = random.normal(data, (64, 1))
y = 2 * x - 1 + 0.5 * random.normal(noise, (64, 1))
params = init(random.key(0))
momentum = tree.map(jnp.zeros_like, params)
for _ in range(60):
    params, momentum = update(params, momentum, x, y)
print(type(params).__name__, tree.map(lambda p: round(float(p), 2), params))
results = [params, loss(params, x, y)]
"""

SCRIPTS["many runs at once, and through one"] = """
def step(state, x):
    mean, count = state
    count = count + 1
    return (mean + (x - mean) / count, count), mean

xs = jnp.arange(12.).reshape(3, 4) ** 2
average = lambda xs: lax.scan(step, (0., 0), xs)
results = [average(xs[0]), vmap(average)(xs), grad(lambda xs: average(xs)[0][0])(xs[1])]
"""

REFS = """
new_ref, freeze, ref = the_library.new_ref, the_library.freeze, the_library.ref
"""

SCRIPTS["a ref is written to"] = (
    REFS
    + """
total = new_ref(jnp.zeros(3))
@jit
def add_one():
    total[1] += 1.
print(total)
add_one(); add_one()
print(total, total.shape, total.dtype)

r = new_ref(jnp.arange(12.).reshape(3, 4))
r[1] = r[0]
r[2, 3] = r[1, 2]
r[0, :3] = r[:, 1]
r[jnp.array([1, 2, 1]), jnp.array([0, 0, 1])] = r[jnp.array([0, 0, 1]), jnp.array([1, 2, 3])]
results = [r[...], ref.get(r, 1), ref.swap(r, (0, 0), jnp.float32(7)), freeze(r),
           refusal(lambda: r[5]), refusal(lambda: r.__setitem__((0, 4), 1.)), r[jnp.array([5])]]
"""
)

SCRIPTS["refs in functions that stay pure"] = (
    REFS
    + """
def normalized(x):
    sums = new_ref(0.)
    for i in range(3):
        sums[...] += x[i]
    return x / sums[...]

def doubled(x):
    r = new_ref(x)
    r[...] = r[...] + r[...]
    return r[...]

x = jnp.arange(1., 4.)
results = [normalized(x), jit(normalized)(x), grad(lambda x: normalized(x)[0])(x), vmap(doubled)(x),
           grad(jit(doubled))(3.), jacrev(normalized)(x), vmap(grad(jit(doubled)))(x)]
"""
)

SCRIPTS["refs among arguments"] = (
    REFS
    + """
@jit
def copy(to, source):
    to[...] = source[...]

def scaled_into(x, out):
    out[...] = 2. * x

def logged(x, log):
    y = x * x
    log[...] += lax.stop_gradient(y)
    return y

a, b = new_ref(jnp.zeros(2)), new_ref(jnp.ones(2))
copy(a, b)
out, log, table = new_ref(jnp.zeros(3)), new_ref(0.), new_ref(jnp.zeros((2, 2)))
vmap(scaled_into)(jnp.arange(3.), out)
vmap(vmap(lambda x, y, out: scaled_into(x + y, out), (0, None, 0)), (None, 0, 0))(
    jnp.arange(2.), jnp.arange(2.), table)
results = [a[...], out[...], grad(logged)(3., log), log[...], table[...],
           refusal(jit(lambda r: r), a), refusal(jit(lambda r, s: None), a, a),
           refusal(jit(lambda r: r.__setitem__(..., a[...])), a)]
"""
)

SCRIPTS["gradients come by"] = (
    REFS
    + """
@custom_vjp
def stash(kept, x):
    return x

def stash_bwd(kept, ct):
    kept[...] = ct
    return None, ct

stash.defvjp(lambda kept, x: (x, kept), stash_bwd)
kept, into = new_ref(0.), new_ref(jnp.zeros(4))
results = [grad(lambda x, kept: jnp.sin(stash(kept, 2 * x)))(1., kept), kept[...]]
take = jit(lambda x, i: x[i])
GradValue, DontWant = the_library.ad.GradValue(), the_library.ad.DontWant()
for i in (3, 1, 3):
    _, pull = vjp(take, jnp.arange(4.), i)
    pull.with_refs(into, GradValue)(1.)
_, pull = vjp(lambda w, x: w @ x, jnp.ones((2, 2)), jnp.arange(2.))
w_bar, x_bar = pull.with_refs(GradValue, DontWant)(jnp.ones(2))
print(x_bar)
results += [into[...], w_bar]
"""
)

SCRIPTS["loops over refs"] = (
    REFS
    + """
def for_each(*xs):
    return lambda body: lax.scan(lambda _, x: (None, body(*x)), None, xs)[1]

total, steps = new_ref(jnp.int32(0)), new_ref(jnp.zeros(3))
@for_each(jnp.arange(10))
def doubled(x):
    total[...] += x
    return 2 * x

lax.fori_loop(0, 3, lambda i, _: steps.__setitem__(i, i * 1.5), None)
lax.cond(True, lambda: total.__setitem__(..., total[...] + 100), lambda: None)
print(total)
results = [doubled, total[...], steps[...],
           refusal(lambda: lax.scan(lambda c, x: (c, steps), 0, doubled))]
"""
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)
