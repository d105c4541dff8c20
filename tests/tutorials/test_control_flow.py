"""What JAX's tutorial on control flow teaches, as scripts that run on both libraries: Python's own
under jit and under grad, functions of lax in its place, and logic without short circuits."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["loops over what is known are unrolled"] = """
@jit
def power_of_three(x):
    for _ in range(4):
        x = 3 * x
    return x

@jit
def alternating(x):
    total = 0.
    for i, each in enumerate(x):
        total = total + each if i % 2 == 0 else total - each
    return total

results = [power_of_three(2), power_of_three(jnp.ones(2)), alternating(jnp.arange(5.)),
           alternating(jnp.arange(1, 4))]
print(str(make_jaxpr(power_of_three)(2)).count('mul'))
"""

SCRIPTS["choices by traced values are refused"] = """
def clipped(x):
    return x if x < 2 else 2. * x

def inside(x):
    return (x > 0) and (x < 3)

def chained(x):
    return 0 < x < 3

def assertive(x):
    assert x > 0
    return x

def counting(n):
    return sum(range(n))

results = [refusal(jit(f), 2) for f in (clipped, inside, chained, assertive, counting)]
results += [refusal(jit(lambda x: [1, 2][x]), 1), refusal(jit(lambda x: x if not x else 1), 0),
            refusal(jit(lambda x: float(x)), 1.), refusal(jit(lambda x: x.item()), 1.)]
"""

SCRIPTS["static arguments choose while tracing"] = """
traced = []
def pick(x, mode, n):
    traced.append((mode, n))
    x = jnp.sin(x) if mode == 'sin' else -x
    for _ in range(n):
        x = x * x
    return x

f = jit(pick, static_argnames=('mode', 'n'))
g = jit(pick, static_argnums=(1, 2))
results = [f(2., 'sin', 1), f(2., 'sin', n=1), f(3., mode='sin', n=1), f(2., 'minus', 2),
           g(2., 'sin', 1)]
print(traced)

def repeated(n, value):
    return jnp.full((n,), value) * 2

print(repeated(3, 4), refusal(jit(repeated), 3, 4), jit(repeated, static_argnames='n')(3, 4))
"""

SCRIPTS["cond"] = """
def branch(x):
    return lax.cond(x.sum() > 3, lambda x: x ** 2, lambda x: -x, x)

small, large = jnp.array([0., 1.]), jnp.array([2., 3.])
results = [branch(small), jit(branch)(large), vmap(branch)(jnp.stack([small, large])),
           jacrev(branch)(large), jvp(branch, (small,), (large,)),
           lax.cond(True, lambda: 1, lambda: 2), lax.cond(0, lambda: 1, lambda: 2),
           lax.cond(small[0] == 0, lambda a, b: a - b, lambda a, b: b - a, 5., 3.)]
results += [refusal(lambda: lax.cond(True, lambda x: x, lambda x: (x, x), 1.)),
            refusal(lambda: lax.cond(True, lambda: 1., lambda: jnp.ones(2))),
            refusal(lambda: lax.cond(jnp.array([True]), lambda: 1, lambda: 2))]
print(str(make_jaxpr(branch)(small)).count('cond['))
"""

SCRIPTS["switch, select, piecewise, where"] = """
cases = [lambda x: x, lambda x: 10 * x, jnp.exp]
x = jnp.arange(-2., 3.)
pick = jit(lambda i, x: lax.switch(i, cases, x))
results = [pick(i, 2.) for i in (0, 1, 2, 9, -9)]
results += [vmap(pick)(jnp.array([2, 0, 1, 1, 2]), x), grad(pick, 1)(2, 1.),
            lax.select(x > 0, x, -x), jnp.where(x > 0, x, 0.), jnp.where(x > 1)[0],
            jnp.select([x < -1, x > 1], [x * 10, x * 100], default=7.),
            jnp.piecewise(x, [x < -1, x > 1], [-1., lambda x: x ** 3, 0.5]),
            grad(lambda x: jnp.where(x > 0, x ** 2, x).sum())(x)]
"""

SCRIPTS["while_loop"] = """
def halvings(n):
    return lax.while_loop(lambda state: state[0] > 1, lambda s: (s[0] // 2, s[1] + 1), (n, 0))[1]

def newton(y):
    'The square root, by steps whose number depends on y.'
    far = lambda x: jnp.abs(x * x - y) > 1e-4
    return lax.while_loop(far, lambda x: 0.5 * (x + y / x), y)

results = [halvings(1000), jit(halvings)(1), vmap(halvings)(jnp.array([1, 8, 100])),
           newton(2.), jvp(newton, (2.,), (1.,)), vmap(newton)(jnp.array([1., 9., 2.])),
           refusal(grad(newton), 2.), lax.while_loop(lambda c: c < 2, lambda c: c + 0.75, 0),
           refusal(lambda: lax.while_loop(lambda c: c < 2, lambda c: (c, c), 0))]
"""

SCRIPTS["fori_loop"] = """
def factorial(n):
    return lax.fori_loop(1, n + 1, lambda i, product: product * i, 1)

def powers(x, n):
    return lax.fori_loop(0, n, lambda i, y: y * x + i, 1.)

results = [factorial(6), jit(factorial)(6), powers(1.5, 3), grad(powers)(1.5, 3),
           refusal(jit(grad(powers)), 1.5, 3), jvp(lambda x: powers(x, 3), (1.5,), (1.,)),
           jit(lambda x, n: jvp(lambda x: powers(x, n), (x,), (1.,)))(1.5, 3),
           lax.fori_loop(3, 0, lambda i, c: c + 1, 0), refusal(lax.fori_loop, 0, 2., max, 0)]
"""

SCRIPTS["scan"] = """
def logistic(x, r):
    x = r * x * (1 - x)
    return x, x

rates = jnp.linspace(2.5, 3.5, 5)
results = [lax.scan(logistic, 0.3, rates), jit(lambda x: lax.scan(logistic, x, rates))(0.3),
           grad(lambda x: lax.scan(logistic, x, rates)[0])(0.3),
           grad(lambda rates: lax.scan(logistic, 0.3, rates)[1].sum())(rates),
           lax.scan(logistic, 0.3, rates, reverse=True, unroll=2),
           lax.scan(lambda c, _: (c * 2, None), 1, None, length=5),
           vmap(lambda x: lax.scan(logistic, x, rates)[0])(jnp.array([0.1, 0.2])),
           lax.map(lambda r: r ** 2, rates), lax.associative_scan(jnp.add, rates),
           refusal(lambda: lax.scan(lambda c, x: (c + 0.5, None), 0, jnp.arange(3))),
           refusal(lambda: lax.scan(lambda c, x: c, 0., rates))]
"""

SCRIPTS["logic on arrays"] = """
def odd_and_small(x):
    return (x % 2 == 1) and (x < 5)

@jit
def odd_and_small_arrays(x):
    return jnp.logical_and(x % 2 == 1, x < 5)

x = jnp.array([1, 4, 7])
print(odd_and_small(3), odd_and_small_arrays(3), odd_and_small_arrays(x))
results = [refusal(odd_and_small, x), (x % 2 == 1) & (x < 5), (x > 5) | ~(x > 2), (x > 1) ^ (x < 5),
           jnp.logical_or(x, 0), jnp.logical_not(x - 1), jnp.any(x > 5), jnp.all(x > 0),
           bool(x[0] == 1), bool(jnp.array([True])), refusal(bool, jnp.zeros(0)),
           odd_and_small(x[0])]
"""

SCRIPTS["under grad alone, Python chooses"] = """
def f(x):
    if x < 3:
        return 3. * x ** 2
    while x > 5:
        x = x / 2
    return -4 * x

results = [grad(f)(2.), grad(f)(4.), grad(f)(16.), grad(grad(f))(2.), jvp(f, (7.,), (1.,)),
           refusal(jit(grad(f)), 2.), refusal(vmap(grad(f)), jnp.arange(3.))]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)
