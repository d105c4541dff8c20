"""What JAX's page on sharp edges warns of, as scripts that run on both libraries."""

from __future__ import annotations

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["printing is an effect of tracing"] = """
def loud(x):
    print('running')
    return x

for x in (4., 5., jnp.array([5.])):   # the second is of a type that has been traced
    print(jit(loud)(x))
results = []
"""

SCRIPTS["a global is read while tracing"] = """
rate = 0.
def scaled(x):
    return x + rate

results = [jit(scaled)(4.)]
rate = 10.
results += [jit(scaled)(5.), jit(scaled)(jnp.array([4.])), scaled(5.)]
"""

SCRIPTS["a traced value does not outlive its trace"] = """
kept = []
def keep(x):
    kept.append(x)
    return x

results = [jit(keep)(4.), grad(keep)(4.), refusal(lambda: kept[0] + 1),
           refusal(lambda: jnp.sin(kept[0])), refusal(lambda: vmap(keep)(jnp.ones(2)) + kept[-1])]
"""

SCRIPTS["state that stays inside"] = """
def tally(x):
    sums = {'odd': 0, 'even': 0}
    for i in range(6):
        sums['odd' if i % 2 else 'even'] += i * x
    return sums['odd'] - sums['even']

results = [jit(tally)(5.), grad(tally)(5.), vmap(tally)(jnp.arange(3.))]
"""

SCRIPTS["iterators are state"] = """
table, numbers = jnp.arange(10) * 2, iter(range(5, 15))
results = [lax.fori_loop(0, 10, lambda i, x: x + table[i], 0),
           lax.fori_loop(0, 10, lambda i, x: x + next(numbers), 0),   # one number, ten times
           next(numbers), refusal(make_jaxpr(lambda xs: xs), iter(range(3))),
           refusal(lax.cond, True, lambda x: next(x), lambda x: next(x), iter(range(3))),
           refusal(lambda: lax.scan(lambda c, x: (c + x, x), 0, iter(range(3))))]
def running(xs, extra):
    return lax.scan(lambda c, pair: (c + pair[0] * pair[1] + extra, c), 0., (xs, jnp.ones_like(xs)))
results += [running(jnp.arange(4.), 5.), jit(running)(jnp.arange(4.), 5.)]
"""

SCRIPTS["arrays are not written to"] = """
x = jnp.zeros((2, 3))
def write():
    x[1, :] = 1.
def write_into_numpys():
    np.asarray(x)[0] = 1

results = [refusal(write), refusal(write_into_numpys), x.at[1, :].set(1.), x,
           jnp.ones((3, 4)).at[::2, 2:].add(7.), x.at[0].apply(jnp.cos), x.at[:, 1].min(-2.)]
x += 1   # makes another array, and names it x
results += [x, jit(lambda x: x.at[0, 0].multiply(5.))(x)]
"""

SCRIPTS["indices out of bounds"] = """
x = jnp.arange(10.)
results = [x[11], x[-20], x[jnp.array([8, 30])], x.at[11].get(), x.at[11].set(99.), x[5:99],
           x.at[11].get(mode='fill', fill_value=jnp.nan), x.at[11].get(mode='fill'),
           x.at[-3].get(mode='fill', wrap_negative_indices=False),
           x.at[jnp.array([2, 11])].add(1., mode='drop'), x.at[11].add(5., mode='clip'),
           grad(lambda x: x[11])(x), grad(lambda x: x.at[11].set(3.).sum())(x),
           jnp.nanargmin(jnp.full(3, jnp.nan)), jnp.take(x, 11), jnp.take(x, 11, mode='clip'),
           refusal(lambda: np.arange(10)[11]), refusal(lambda: x[0, 0])]
"""

SCRIPTS["sequences are not arrays"] = """
numbers = list(range(6))
through = lambda xs: jnp.sum(jnp.array(xs))
results = [refusal(jnp.sum, numbers), refusal(jnp.sin, (1., 2.)), through(numbers),
           refusal(lambda: jnp.ones(2) + [1]), jnp.sum(jnp.array(numbers))]
print(len(make_jaxpr(through)(numbers).in_avals))   # an argument for each number
"""

SCRIPTS["shapes do not depend on values"] = """
def sum_of_known(x):
    return x[~jnp.isnan(x)].sum()

def with_where(x):
    return jnp.where(jnp.isnan(x), 0, x).sum()

def line(length, value):
    return jnp.ones((length,)) * value

x = jnp.array([1, 2, jnp.nan, 4])
results = [sum_of_known(x), refusal(jit(sum_of_known), x), refusal(grad(sum_of_known), x),
           refusal(vmap(sum_of_known), x[None]), jit(with_where)(x), grad(with_where)(x),
           line(5, 4), refusal(jit(line), 5, 4), jit(line, static_argnums=0)(3, 4),
           refusal(jit(jnp.nonzero), x), jit(lambda x: jnp.nonzero(x == x, size=3))(x),
           refusal(jit(lambda x, n: x[:n]), x, 2),
           jit(lambda x, n: lax.dynamic_slice(x, (n,), (2,)))(x, 1)]
"""

SCRIPTS["Python's control flow"] = """
def f(x):
    return 3. * x ** 2 if x < 3 else -4 * x

@jit
def thrice(x):
    for _ in range(3):
        x = 2 * x
    return x

def first(x, n):
    total = 0.
    for i in range(n):
        total = total + x[i]
    return total

x = jnp.array([2., 3., 4.])
results = [grad(f)(2.), grad(f)(4.), refusal(jit(f), 2), refusal(jit(grad(f)), 2.), thrice(3),
           jit(f, static_argnums=0)(2.), jit(first, static_argnums=1)(x, 2),
           jit(lambda x: first(x, x.shape[0]))(x), refusal(jit(first), x, 2),
           jit(lambda a, b: jnp.logical_and(a, b))(True, False), refusal(jit(float), 1.),
           refusal(jit(lambda a, b: a and b), True, False)]
"""

SCRIPTS["control flow that is traced"] = """
x = jnp.array([0.5])
results = [lax.cond(True, lambda x: x + 1, lambda x: x - 1, x),
           lax.cond(False, x, lambda x: x + 1, x, lambda x: x - 1),
           lax.while_loop(lambda i: i < 10, lambda i: i + 3, 0),
           lax.fori_loop(0, 10, lambda i, total: total + i, 0),
           refusal(grad(lambda x: lax.while_loop(lambda a: a < 9., lambda a: a * 2, x)), 1.),
           jvp(lambda x: lax.while_loop(lambda a: a < 9., lambda a: a * 2, x), (1.,), (1.,)),
           grad(lambda x: lax.fori_loop(0, 3, lambda i, a: a * 2, x))(1.),
           grad(lambda x: lax.scan(lambda a, _: (a * x, None), 1., None, length=3)[0])(2.)]
"""

SCRIPTS["keys are split, not changed"] = """
key = random.PRNGKey(3)
results = [key, random.normal(key, (2,)), random.normal(key, (2,))]
key, subkey = random.split(key)
results += [key, subkey, random.normal(subkey, (1,))]
key, *subkeys = random.split(key, 4)
results += [random.normal(k, (1,)) for k in subkeys]
"""

SCRIPTS["not a number"] = """
import contextlib, io
f = jit(lambda x, y: x * y + (x + y) / (x - y))
x = jnp.array([2., 0.])
the_library.config.update('jax_debug_nans', True)
try:
    with contextlib.redirect_stdout(io.StringIO()):   # JAX says that it runs a program again
        results = [refusal(jnp.divide, 0., 0.), refusal(f, x, x), f(x, x + 1),
                   refusal(grad(lambda x: x * jnp.log(x)), -1.)]
finally:
    the_library.config.update('jax_debug_nans', False)
results += [jnp.divide(0., 0.), f(x, x)]
"""

SCRIPTS["32 bits, unless asked"] = """
import warnings
def ask():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        x = random.uniform(random.key(0), (3,), dtype=jnp.float64)
    print(x.dtype, len(seen), jnp.arange(2).dtype, jnp.ones(2).dtype, (jnp.float32(1) + 1.).dtype)
    return x

results = [ask()]
with the_library.enable_x64(True):
    results += [ask()]
results += [ask()]
"""

SCRIPTS["promotion that is not NumPy's"] = """
i, h = jnp.arange(3, dtype=jnp.int32), jnp.ones(3, jnp.float16)
print((np.asarray(i) + np.asarray(h)).dtype, (i + h).dtype, (i + 1.5).dtype, (h * 2.5).dtype,
      jnp.add(1, 1.).dtype, (i + np.float32(1)).dtype, (jnp.uint8(1) + jnp.int8(1)).dtype)
results = [jnp.arange(254., 258.).astype('uint8'), jnp.float32(-1.5).astype('uint8'),
           jnp.float32(jnp.nan).astype(int), refusal(lax.add, 1, 1.)]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)


def test_small_numbers_are_kept() -> None:
    """XLA's CPU backend takes the numbers below the least normal one for 0; NumPy computes on."""
    least = np.finfo(np.float32).smallest_subnormal
    assert (jnp.float32(least) + 0).item() == least
    assert sf.jit(lambda x: x * 2)(jnp.float32(least)).item() == 2 * least
