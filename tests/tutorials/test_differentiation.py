"""What JAX's tutorials on automatic differentiation teach, as scripts that run on both libraries.

Rules of one's own have a file to themselves: `test_custom_derivatives.py`.
"""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

# A model that most scripts share: how likely a visitor is to return, from three numbers on them.
MODEL = """
visits = jnp.array([[1.5, -0.5, 0.2], [0.3, 0.9, -1.1], [-0.7, 0.4, 0.8], [2.0, 0.1, -0.3],
                    [0.2, -1.4, 0.6]])
returned = jnp.array([True, False, False, True, True])
key = random.key(7)
key, key_w, key_b = random.split(key, 3)
w, b = random.normal(key_w, (3,)), random.normal(key_b)

def chance(w, b, x):
    return 1 / (1 + jnp.exp(-(x @ w + b)))

def surprise(w, b):
    p = chance(w, b, visits)
    return -jnp.mean(jnp.log(jnp.where(returned, p, 1 - p)))
"""

SCRIPTS["derivatives of derivatives"] = """
cubic = lambda x: 2 * x ** 3 - x ** 2 + 5 * x - 7
orders = [cubic]
for _ in range(4):
    orders.append(grad(orders[-1]))
results = jit(lambda x: [d(x) for d in orders])(2.)
print([r.item() for r in results])
results += [grad(jnp.cos)(1.), grad(grad(jnp.cos))(1.)]
"""

SCRIPTS["one argument, another, or both"] = (
    MODEL
    + """
by_w = alike(lambda: grad(surprise)(w, b), lambda: grad(surprise, argnums=0)(w, b))
by_b = alike(lambda: grad(surprise, 1)(w, b), lambda: grad(surprise, -1)(w, b))
by_both = alike(lambda: grad(surprise, (0, 1))(w, b), lambda: (by_w, by_b),
                lambda: value_and_grad(surprise, (0, 1))(w, b)[1])
results = [by_w, by_b, by_both, alike(lambda: value_and_grad(surprise)(w, b)[0],
                                      lambda: surprise(w, b))]
print(type(by_both).__name__, len(by_both))
"""
)

SCRIPTS["with respect to a dict"] = (
    MODEL
    + """
Layer = namedtuple('Layer', ['w', 'b'])
results = [grad(lambda p: surprise(p['w'], p['b']))({'w': w, 'b': b}),
           grad(lambda p: surprise(p.w, p.b))(Layer(w, b)),
           grad(lambda p: surprise(*p[0]) + p[1]['unused'])([(w, b), {'unused': 1.}])]
print([type(r).__name__ for r in results], sorted(results[0]))
"""
)

SCRIPTS["what comes along with the loss"] = (
    MODEL
    + """
def loss(w, b):
    p = chance(w, b, visits)
    return jnp.sum((p - returned) ** 2), {'p': p, 'worst': jnp.argmax(jnp.abs(p - returned))}

results = [grad(loss, has_aux=True)(w, b), value_and_grad(loss, has_aux=True)(w, b)]
"""
)

SCRIPTS["checked by differences"] = (
    MODEL
    + """
alike(lambda: check_grads(surprise, (w, b), order=1),
      lambda: check_grads(surprise, (w, b), order=2))
v = random.normal(key, w.shape)
v = v / jnp.sqrt(jnp.vdot(v, v))
by_differences = (surprise(w + 1e-2 * v, b) - surprise(w - 1e-2 * v, b)) / 2e-2
assert abs(by_differences - jnp.vdot(grad(surprise)(w, b), v)) < 1e-3

@custom_jvp
def wrong(x):
    return x ** 2
wrong.defjvps(lambda t, ans, x: 3 * x * t)
results = [refusal(check_grads, wrong, (2.,), 1)]
"""
)

SCRIPTS["Hessians"] = """
well = lambda x: jnp.sum(x ** 4) - x[0] * x[1] * x[2] + jnp.dot(x, x)
at = jnp.array([0.5, -1., 2.])
results = [alike(lambda: jit(hessian(well))(at), lambda: hessian(well)(at),
                 lambda: jacfwd(grad(well))(at), lambda: jacrev(grad(well))(at),
                 lambda: jacfwd(jacrev(well))(at), lambda: jacrev(jacfwd(well))(at))]
"""

SCRIPTS["through a step of learning"] = """
def loss(theta, task):
    return jnp.mean((jnp.tanh(task @ theta) - task[:, 0]) ** 2)

def after_a_step(theta, task, rate):
    return loss(theta - rate * grad(loss)(theta, task), task)

theta, task = jnp.array([0.2, -0.4]), jnp.array([[1., 2.], [-0.5, 0.3], [0.8, -1.2]])
results = [alike(lambda: jit(grad(after_a_step, (0, 2)))(theta, task, 0.3),
                 lambda: grad(after_a_step, (0, 2))(theta, task, 0.3))]
"""

# The value of where one goes is a target, and no gradient flows into a target.
VALUES = """
value = lambda theta, place: jnp.dot(theta, jnp.sin(place))
theta = jnp.array([0.3, -0.2, 0.5])
here, pay, there = jnp.array([1., 0., 2.]), jnp.array(0.5), jnp.array([0., 1., 1.])

def gap(theta, here, pay, there, stop=lax.stop_gradient):
    return -0.5 * (stop(pay + 0.9 * value(theta, there)) - value(theta, here)) ** 2
"""

SCRIPTS["targets through which no gradient flows"] = (
    VALUES
    + """
flowing = functools.partial(gap, stop=lambda target: target)
by_hand = lambda: (pay + 0.9 * value(theta, there) - value(theta, here)) * grad(value)(theta, here)
results = [alike(lambda: grad(gap)(theta, here, pay, there), by_hand),
           grad(flowing)(theta, here, pay, there)]
assert not np.allclose(*results)
"""
)

SCRIPTS["a gradient for each example"] = (
    VALUES
    + """
one = grad(gap)
each = vmap(one, in_axes=(None, 0, 0, 0))
batch = [jnp.stack([x, 2 * x, x - 1]) for x in (here, pay, there)]
results = [alike(lambda: jit(each)(theta, *batch), lambda: each(theta, *batch),
                 lambda: jnp.stack([one(theta, *example) for example in zip(*batch)]),
                 lambda: vmap(one)(jnp.stack([theta] * 3), *batch))]
"""
)

SCRIPTS["a step pretends to be a line"] = """
def steps(x):
    return jnp.floor(3 * x) / 3

def straight_through(x):
    return x - lax.stop_gradient(x) + lax.stop_gradient(steps(x))

results = [f(x) for x in (0.7, -1.9) for f in (steps, straight_through, grad(steps),
                                               grad(straight_through))]
"""

SCRIPTS["Jacobians, of arrays and of trees"] = (
    MODEL
    + """
f = lambda w: chance(w, b, visits)
def of_tree(p, x):
    y = chance(p['w'], p['b'], x)
    return {'chance': y, 'odds': y / (1 - y)}

p = {'w': w, 'b': b}
results = [alike(lambda: jit(jacfwd(f))(w), lambda: jacfwd(f)(w), lambda: jacrev(f)(w),
                 lambda: jacobian(f)(w)),
           alike(lambda: jit(hessian(f))(w), lambda: jacfwd(jacrev(f))(w)),
           alike(lambda: jit(jacrev(of_tree))(p, visits), lambda: jacrev(of_tree)(p, visits),
                 lambda: jacfwd(of_tree)(p, visits))]
print(results[0].shape, results[1].shape, tree.map(jnp.shape, results[2]))
"""
)

SCRIPTS["a Jacobian is never formed"] = (
    MODEL
    + """
f = lambda w: chance(w, b, visits)
push, pull = random.normal(key, (3,)), random.normal(key, (5,))
y, along = jvp(f, (w,), (push,))
same, back = vjp(f, w)
results = [alike(lambda: (y, along), lambda: (same, jacfwd(f)(w) @ push),
                 lambda: (lambda y, linear: (y, linear(push)))(*linearize(f, w))),
           alike(lambda: back(pull)[0], lambda: pull @ jacrev(f)(w))]
"""
)

SCRIPTS["a gradient for each number of a matrix"] = """
def slopes(f, x):
    y, back = vjp(f, x)
    return back(jnp.ones_like(y))[0]

results = [slopes(lambda x: jnp.exp(-x) * x, jnp.arange(6.).reshape(2, 3))]
"""

SCRIPTS["the Hessian times a vector, in four ways"] = """
f = lambda x: jnp.sum(jnp.cos(x) ** 2) * jnp.mean(x)
x, v = (random.normal(k, (4, 5)) for k in random.split(random.key(1)))
reverse_twice = lambda x, v: grad(lambda x: jnp.vdot(grad(f)(x), v))(x)
forward_over_reverse = lambda x, v: jvp(grad(f), (x,), (v,))[1]
reverse_over_forward = lambda x, v: grad(lambda x: jvp(f, (x,), (v,))[1])(x)
in_full = lambda x, v: jnp.tensordot(hessian(f)(x), v, 2)
ways = (reverse_twice, forward_over_reverse, reverse_over_forward, in_full)
as_written = [functools.partial(way, x, v) for way in ways]
compiled = [functools.partial(jit(way), x, v) for way in ways]
results = [alike(*compiled, *as_written)]
"""

SCRIPTS["many vectors at once, and Jacobians made by hand"] = (
    MODEL
    + """
f = lambda w: chance(w, b, visits)
y, back = vjp(f, w)
rows, columns = random.normal(key, (6, 5)), random.normal(key, (6, 3))
forward = lambda t: jvp(f, (w,), (t,))[1]
results = [alike(lambda: jit(vmap(back))(rows)[0], lambda: vmap(back)(rows)[0],
                 lambda: jnp.vstack([back(row)[0] for row in rows])),
           alike(lambda: jit(vmap(forward))(columns), lambda: vmap(forward)(columns),
                 lambda: jnp.vstack([forward(column) for column in columns])),
           alike(lambda: jit(jacrev(f))(w), lambda: vmap(back)(jnp.eye(5))[0],
                 lambda: vmap(forward, out_axes=1)(jnp.eye(3)))]
"""
)

SCRIPTS["Python decides, and the pullback is compiled"] = """
def rough(x):
    try:
        if x < 3:
            return x ** 3
        raise OverflowError
    except OverflowError:
        return 27 + jnp.log(x)

results = []
for x in (2., 5.):
    y, back = vjp(rough, x)
    results += [y, jit(back)(1.), back(1.)]
"""

SCRIPTS["complex numbers as pairs of real ones"] = """
u = lambda x, y: x ** 2 * y
v = lambda x, y: jnp.sin(x) - 3 * y
def f(z):
    return u(jnp.real(z), jnp.imag(z)) + 1j * v(jnp.real(z), jnp.imag(z))

x, y, c, d = 0.7, -1.2, 0.4, 2.1
(ux, uy), (vx, vy) = jit(lambda *at: (grad(u, (0, 1))(*at), grad(v, (0, 1))(*at)))(x, y)
results = [alike(lambda: jvp(f, (x + 1j * y,), (c + 1j * d,))[1],
                 lambda: ux * c + uy * d + 1j * (vx * c + vy * d)),
           alike(lambda: vjp(f, x + 1j * y)[1](jnp.array(c + 1j * d))[0],
                 lambda: (ux * c - vx * d) - 1j * (uy * c - vy * d))]
"""

SCRIPTS["gradients by complex numbers"] = """
z = 1.5 - 0.5j
energy = lambda z: jnp.real(z) ** 2 + 3 * jnp.abs(z) + jnp.angle(z)
def all_kinds(z):
    holomorphic = [jnp.exp, jnp.conj, lambda z: z ** 3 - 2j * z]   # as they say; conj is not
    complex_ones = [grad(f, holomorphic=True)(z) for f in holomorphic]
    return [grad(energy)(z), jacrev(jnp.abs)(z), *complex_ones]

results = [alike(lambda: jit(all_kinds)(z), lambda: all_kinds(z)), refusal(grad(jnp.exp), z),
           refusal(jacfwd(jnp.abs), z), refusal(jacrev(jnp.exp), z), refusal(jacrev(jnp.exp), 3)]

H = jnp.array([[4., 1 + 1j, 0.5j], [1 - 1j, 6., 2.], [-0.5j, 2., 5.]])
def f(H):
    L = jnp.linalg.cholesky(H)
    return jnp.sum(L * jnp.cos(L))
results += [jit(grad(f, holomorphic=True))(H)]
"""

SCRIPTS["what grad refuses"] = """
results = [refusal(grad(jnp.sin), jnp.arange(3.)), refusal(grad(jnp.sin), 3),
           refusal(grad(lambda x: (x, x)), 1.), refusal(grad(jnp.sin, 1), 1.),
           refusal(grad(lambda x: jnp.int32(2)), 1.), refusal(grad(lambda x: 'text'), 1.),
           refusal(vjp(jnp.sin, 1.)[1], jnp.ones(2)), refusal(jvp, jnp.sin, (1.,), (jnp.ones(2),))]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], rtol=1e-4, same_text=True)
