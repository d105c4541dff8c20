"""What JAX's tutorials on compilation, and on thinking in arrays that are traced, teach, as scripts
that run on both libraries."""

from __future__ import annotations

import re

import pytest

from tests.tutorials.scripts import agree, run

SCRIPTS: dict[str, str] = {}

SCRIPTS["compiled as interpreted"] = """
def standardize(table):
    table = table - table.mean(axis=0)
    return table / table.std(axis=0)

table = jnp.array(np.random.RandomState(3).rand(50, 4))
results = [alike(lambda: jit(standardize)(table), lambda: standardize(table),
                 lambda: jit(standardize)(table * 2 - 1))]
"""

SCRIPTS["Python runs once for each type"] = """
seen = []
@jit
def double(x):
    print('tracing', x.shape, x.dtype)
    seen.append(x)
    return 2 * x

results = [double(3.), double(4.), double(jnp.arange(3)), double(jnp.arange(3) + 1),
           double(jnp.ones(3)), double(np.float32(3)), double(5)]
print(len(seen))
"""

SCRIPTS["a program holds what ran on the tracers"] = """
def log2(x):
    print('once')
    return jnp.log(x) / jnp.log(2.)

def only_of_matrices(x):
    return log2(x) if x.ndim == 2 else x

programs = [make_jaxpr(log2)(3.), make_jaxpr(only_of_matrices)(jnp.arange(3))]
for program in programs:
    print(program)
results = [len(program.eqns) for program in programs] + [
    log2(8.), jit(only_of_matrices)(jnp.full((1, 2), 4.))]
"""

SCRIPTS["stages"] = """
f = lambda x, y: jnp.dot(x + 1, y + 1)
x, y = np.arange(6., dtype=np.float32).reshape(2, 3), np.ones(3, np.float32)
traced = jit(f).trace(x, y)
print(traced.jaxpr)
print(jit(f).eval_shape(x, y).shape, traced.out_info.dtype)
results = [traced.lower().compile()(x, y), jit(f).lower(x, y).compile()(x, 2 * y)]
"""

SCRIPTS["Python cannot decide by a traced value"] = """
def larger(x):
    return x if x > 0 else 2 * x

def count(x, n):
    i = 0
    while i < n:
        i += 1
    return x + i

def loop_in_python(x, n):
    step = jit(lambda i: i + 1)
    i = 0
    while i < n:
        i = step(i)
    return x + i

results = [refusal(jit(larger), 10), refusal(jit(count), 10, 20), loop_in_python(10, 20),
           jit(larger, static_argnums=0)(10), jit(larger, static_argnums=0)(-10),
           jit(count, static_argnames=['n'])(10, 20), jit(count, static_argnames='n')(10, n=3),
           jit(lambda x: lax.cond(x > 0, lambda: x, lambda: 2 * x))(-10)]
"""

SCRIPTS["static arguments"] = """
@functools.partial(jit, static_argnums=(1,))
def signed(x, negative):
    print('tracing for', negative)
    return -x if negative else x

@jit(static_argnames=['times'])
def repeat(x, times=2):
    print('tracing for', times)
    for _ in range(times):
        x = jnp.sin(x)
    return x

results = [signed(1, True), signed(1, False), signed(2, True), repeat(1.), repeat(1., times=3),
           repeat(2., times=2), refusal(signed, 1, jnp.arange(2)), refusal(repeat, 1., [2])]
"""

SCRIPTS["a new function is traced anew"] = """
def increment(i):
    print('tracing')
    return i + 1

def run(wrap):
    i = 0
    for _ in range(4):
        i = jit(wrap(increment))(i)
    return i

results = []
for wrap in (lambda f: f, lambda f: functools.partial(f), lambda f: lambda i: f(i)):
    results.append(run(wrap))
    print('---')
"""

SCRIPTS["methods"] = """
class Scale:
    def __init__(self, by, flip):
        self.by, self.flip = by, flip

    @jit
    def plain(self, x):
        return -self.by * x if self.flip else self.by * x

    @functools.partial(jit, static_argnums=0)
    def static(self, x):
        return -self.by * x if self.flip else self.by * x

class Node(Scale):
    pass

the_library.tree_util.register_pytree_node(
    Node, lambda n: ((n.by,), n.flip), lambda flip, children: Node(*children, flip))

flipped = Scale(3., True)
results = [refusal(flipped.plain, 2.), flipped.static(2.), Node(3., True).plain(2.)]
flipped.flip = False
results += [flipped.static(2.), Scale(3., False).static(2.)]   # the first is out of date
node = Node(jnp.array(3.), True)
results += [node.plain(2.)]
node.flip = False
results += [node.plain(2.), grad(lambda n: n.plain(2.))(node).by]
"""

SCRIPTS["derivatives and compilation, nested"] = """
def total(x):
    return jnp.sum(1 / (1 + jnp.exp(-2 * x)))

x = jnp.arange(3.) / 2
results = [alike(lambda: jit(grad(total))(x), lambda: grad(jit(total))(x)),
           alike(lambda: jit(jacfwd(jacrev(total)))(x), lambda: hessian(jit(total))(x)),
           alike(lambda: jit(grad(jit(grad(jit(grad(total))))))(1.),
                 lambda: grad(jit(grad(jit(grad(total)))))(1.)), jit(jacobian(jnp.cosh))(x)]
"""

SCRIPTS["arrays"] = """
x = jnp.arange(5)
y = x.at[1].set(70)
print(isinstance(x, the_library.Array), isinstance(np.arange(5), the_library.Array), type(x.T) is
      type(x), x.devices() == {x.device}, x.sharding.device_set == x.devices())
print(x, y, x.at[:2].max(3), x.dtype, jnp.linspace(0, 1, 3).dtype)
results = [x, y, the_library.device_put(np.ones(2), x.sharding),
           jit(lambda x: isinstance(x, the_library.Array))(1.)]
"""

SCRIPTS["trees of parameters"] = """
Options = namedtuple('Options', ['rate', 'steps'])
trees = [[1, 2, (jnp.arange(3), jnp.ones(2))], {'n': 5, 'w': jnp.ones((2, 2)), 'b': jnp.zeros(2)},
         Options(0.1, (3, None))]
for t in trees:
    print(tree.structure(t), len(tree.leaves(t)))
results = [tree.map(lambda x: x * 2, trees), [tree.reduce(lambda a, b: a + jnp.sum(b), t, 0.)
                                              for t in trees]]
"""

SCRIPTS["random keys"] = """
key = random.key(43)
results = [random.normal(key), random.normal(key)]   # a key is not used up by itself
for i in range(3):
    key, subkey = random.split(key)
    results.append(random.normal(subkey))
print(key.shape, random.key_data(key), key)
"""

SCRIPTS["matrices by vectors, batched in three ways"] = """
k1, k2 = random.split(random.key(1701))
mat, rows = random.normal(k1, (15, 10)), random.normal(k2, (4, 10))
apply = lambda v: jnp.dot(mat, v)
results = [alike(lambda: jit(vmap(apply))(rows).block_until_ready(), lambda: vmap(apply)(rows),
                 lambda: jit(lambda rows: jnp.dot(rows, mat.T))(rows),
                 lambda: jnp.stack([apply(v) for v in rows]))]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)


def test_a_tracer_prints_its_type() -> None:
    source = "results = []\njit(lambda x, n: print(x, n))(jnp.ones((3, 4)), 2)"
    theirs, ours = (run(source, package)[1][0] for package in ("jax", "scratchfn"))
    assert re.findall(r"\w+\[[\d,]*\]", theirs) == ["float32[3,4]", "int32[]"]
    assert re.findall(r"\w+\[[\d,]*\]", ours) == ["f32[3,4]", "i32[]"]
