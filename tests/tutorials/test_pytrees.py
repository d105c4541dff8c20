"""What JAX's tutorials on pytrees teach, as scripts that run on both libraries: leaves and
structure, trees under transformations, paths, and containers of the user's own."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["leaves and structure"] = """
from collections import OrderedDict
Point = namedtuple('Point', ['x', 'y'])
trees = [[1, 'a', 2.5], (1, (2, 3), ()), [1, {'k2': 2, 'k1': (3, 4)}, 5], {'b': 2, 'a': (2, 3)},
         jnp.array([1, 2, 3]), None, 1., Point(1., [2., None]), OrderedDict([('b', 1), ('a', 2)])]
for each in trees:
    leaves, treedef = tree_flatten(each)
    print(f'{each!r:<45} has {len(leaves)} leaves: {leaves}, of {treedef}')
    print(tree_unflatten(treedef, leaves), treedef.num_leaves, treedef.num_nodes)
    print(treedef == tree.structure(each), [str(c) for c in treedef.children()])
try:
    tree.flatten({1: 7, 'y': 42})
except ValueError:
    print('keys without an order', tree.leaves(OrderedDict([('y', 42), (1, 7)])))
results = [tree.leaves([None, None]), tree.leaves([None, 1], is_leaf=lambda x: x is None)[1:]]
"""

SCRIPTS["map, reduce, transpose"] = """
lists = [[1, 2, 3], [1, 2], [1, 2, 3, 4]]
steps = [dict(t=1, obs=3), dict(t=2, obs=4)]
print(tree.map(lambda x: x * 2, lists), tree.map(lambda x, y: x + y, lists, lists))
print(tree.map(lambda *xs: list(xs), *steps), tree.reduce(lambda a, b: a + b, lists))
print(tree.transpose(tree.structure([0, 0]), tree.structure(steps[0]), steps))
print(tree.map(lambda x, y: (x, y), [1, 2], [{'a': 3}, (4, 5)]))
print(tree.all([True, (1, False)]), tree.map(lambda x: None, [1, 2]))
results = [refusal(tree.map, lambda x, y: x, lists, lists[:2]),
           refusal(tree.map, lambda x, y: x, {'a': 1}, {'b': 1}),
           refusal(tree_unflatten, tree.structure([1, 2]), [1])]
"""

SCRIPTS["shapes are trees too"] = """
arrays = [jnp.zeros((2, 3)), jnp.zeros((3, 4))]
shapes = tree.map(lambda x: x.shape, arrays)
results = [tree.map(jnp.ones, shapes),
           tree.map(jnp.ones, tree.map(lambda x: np.array(x.shape), arrays)),
           tree.map(jnp.ones, shapes, is_leaf=lambda x: isinstance(x, tuple)),
           tree.map(jnp.ones_like, arrays)]
print(shapes)
"""

SCRIPTS["a network's parameters are a tree"] = """
nn = the_library.nn
def init(widths):
    rng = np.random.RandomState(0)
    return [{'w': (rng.normal(size=(m, n)) * np.sqrt(2 / m)).astype('float32'),
             'b': np.ones(n, 'float32')} for m, n in zip(widths[:-1], widths[1:])]

def forward(params, x):
    *hidden, last = params
    for layer in hidden:
        x = nn.relu(x @ layer['w'] + layer['b'])
    return x @ last['w'] + last['b']

def loss(params, x, y):
    return jnp.mean((forward(params, x) - y) ** 2)

@jit
def update(params, x, y):
    return tree.map(lambda p, g: p - 1e-2 * g, params, grad(loss)(params, x, y))

params, x = init([1, 16, 16, 1]), np.linspace(-1, 1, 20, dtype='float32')[:, None]
print(tree.map(lambda p: p.shape, params))
for _ in range(20):
    params = update(params, x, x ** 2)
dot = lambda p: p['w'] @ p['b']
results = [params, loss(params, x, x ** 2), grad(dot)({'w': x[:, 0], 'b': 2 * x[:, 0]})]
"""

SCRIPTS["axes by prefix"] = """
f = lambda a, d: a + d['x'] * d['y']
a, d = jnp.arange(3.), {'x': jnp.ones(3), 'y': jnp.arange(6.).reshape(3, 2).sum(1)}
results = [vmap(f)(a, d), vmap(f, in_axes=(0, 0))(a, d), vmap(f, (0, {'x': 0, 'y': None}))(a, d),
           vmap(f, (None, 0))(a, d), vmap(f, [0, {'x': None, 'y': 0}])(a, d),
           vmap(lambda x: {'same': 1., 'each': (x, -x)}, out_axes={'same': None, 'each': 0})(a),
           refusal(vmap(f, (0, {'x': 0})), a, d), refusal(vmap(f, (0,)), a, d)]
"""

SCRIPTS["paths"] = """
from_path = the_library.tree_util
Name = namedtuple('Name', ('first',))
t = [1, {'k1': 2, 'k2': (3, 4)}, Name('foo')]
flat, _ = from_path.tree_flatten_with_path(t)
for path, value in flat:
    print(f'{from_path.keystr(path)}: {value!r}', path)
    print(from_path.keystr(path, simple=True, separator='/'))
print(from_path.tree_map_with_path(lambda path, v: f'{from_path.keystr(path)}={v}', t))
print([path for path, _ in tree.leaves_with_path({'b': 1, 'a': [2]})])
results = [flat[0][0] == (from_path.SequenceKey(0),), flat[1][0][1] == from_path.DictKey('k1')]
"""

OWN = """
register = the_library.tree_util
class Special:
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __repr__(self):
        return f'{type(self).__name__}(x={self.x}, y={self.y})'

class Registered(Special):
    pass

register.register_pytree_node(Registered, lambda s: ((s.x, s.y), None),
                              lambda aux, children: Registered(*children))

@register.register_pytree_node_class
class Decorated(Special):
    def tree_flatten(self):
        return (self.x,), self.y
    @classmethod
    def tree_unflatten(cls, y, children):
        return cls(*children, y)
"""

SCRIPTS["containers of one's own"] = (
    OWN
    + """
print(tree.map(lambda x: x + 1, [Registered(0, 1), Decorated(2, 'static')]))
print(len(tree.leaves([Special(0, 1)])), tree.leaves(Registered(0, [1, 2])))
print(grad(lambda s: s.x ** 2 + s.y)(Registered(3., 4.)))
print(jit(lambda s: Registered(s.y, s.x))(Registered(1., 2)))
print(tree.map(lambda a, b: a * b, Decorated(2, 3), Decorated(5, 3)))
mapped = vmap(lambda s: Registered(s.x * s.y, s.y))(Registered(jnp.arange(3.), jnp.ones(3)))
results = [mapped.x, refusal(tree.map, lambda x: x + 1, [Special(0, 1)]),
           refusal(tree.map, lambda a, b: a, Decorated(2, 3), Decorated(2, 4)),
           refusal(jit(lambda s: 0), Special(0, 1)),
           refusal(register.register_pytree_node_class, Decorated),
           refusal(register.register_pytree_node, dict, lambda d: (), lambda a, c: {})]
"""
)

SCRIPTS["dataclasses and named tuples"] = """
from dataclasses import dataclass
from typing import Any, NamedTuple
register_dataclass = the_library.tree_util.register_dataclass

@functools.partial(register_dataclass, data_fields=['a', 'b'], meta_fields=['name'])
@dataclass
class Labelled:
    name: str
    a: Any
    b: Any

class Tuple(NamedTuple):
    name: str
    a: Any

both = [Labelled('apple', 5.3, jnp.zeros(2)), Labelled('banana', np.array([3, 4]), -1.)]
print(len(tree.leaves(both)), tree.leaves([Tuple('Alice', 1), Tuple('Bob', 4)]))
print(tree.map(lambda x: x * 2, Labelled('kept', 1, (2, 3))))
add = jit(lambda c: c.a + c.b * len(c.name))
@dataclass
class Short:
    a: Any
    b: Any
results = [add(Labelled('x', 1, 2)), add(Labelled('xyz', 1, 2)), refusal(add, Tuple('moc', 1)),
           grad(lambda c: (c.a * c.b).sum())(Labelled('', 3., 2.)).a,
           refusal(add, Labelled(['unhashable'], 1, 2)),
           refusal(functools.partial(register_dataclass, data_fields=['a'], meta_fields=[]), Short)]
"""

SCRIPTS["constructors are given what is no array"] = (
    OWN
    + """
class Strict:
    def __init__(self, a):
        self.a = jnp.asarray(a)
class Relaxed:
    def __init__(self, a):
        self.a = a
for cls in (Strict, Relaxed):
    register.register_pytree_node(cls, lambda t: ((t.a,), None), lambda _, c, cls=cls: cls(*c))

results = [refusal(jacobian(lambda x: x), Strict(jnp.arange(3.))) in ('ValueError', 'TypeError'),
           vmap(lambda x: x)(Relaxed(jnp.arange(3.))).a, jit(lambda x: x)(Strict(1.)).a,
           jacobian(lambda x: x)(Relaxed(jnp.arange(3.))).a.a]
"""
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)
