"""What JAX's tutorials on debugging and on external callbacks teach, as scripts that run on both
libraries. On XLA what is printed may come late; a barrier waits for it."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

DEBUG = """
debug, io_callback = the_library.debug, the_library.experimental.io_callback
ShapeDtypeStruct, wait = the_library.ShapeDtypeStruct, the_library.effects_barrier
"""

SCRIPTS["debug.print prints numbers"] = """
@jit
def f(x):
    debug.print('x = {x}, twice {}', 2 * x, x=x)
    debug.print('{0:.2f} {kind} {{}}', x / 3, kind='text')
    return jnp.floor(x)

@jit
def ordered(x, y):
    debug.print('x {}', x, ordered=True)
    debug.print('y {}', y, ordered=True)

results = [f(2.5)]
wait()
ordered(1, 2)
wait()
debug.print('{x.shape} {x[1]}', x=jnp.arange(3))
results += [refusal(debug.print, '{} {}', 1), refusal(debug.print, 'none', 1),
            refusal(debug.print, '{a}', 1), refusal(debug.print, 3)]
"""

SCRIPTS["debug.print under transformations"] = """
def f(x):
    debug.print('x = {}', x)
    return x ** 2

results = [vmap(f)(jnp.arange(3.))]
wait()
results += [grad(f)(3.)]
wait()
results += [jit(grad(f))(3.), jvp(f, (2.,), (1.,))]
wait()
results += [vmap(vmap(f))(jnp.arange(4.).reshape(2, 2))]
wait()
results += [refusal(vmap(lambda x: debug.print('{}', x, ordered=True)), jnp.arange(2.))]
"""

SCRIPTS["debug.print in loops and branches"] = """
def body(c, x):
    debug.print('c {} x {}', c, x, ordered=True)
    return c + x, c

results = [lax.scan(body, 0, jnp.arange(3)),
           lax.cond(True, lambda: debug.print('yes'), lambda: debug.print('no')),
           lax.while_loop(lambda c: c < 2, lambda c: body(c, 1)[0], 0)]
wait()
"""

SCRIPTS["gradients on their way back"] = """
@custom_vjp
def watched(x):
    return x

def watched_bwd(_, ct):
    debug.print('comes back: {}', ct)
    return ct,

watched.defvjp(lambda x: (x, None), watched_bwd)
results = [grad(lambda x: 3 * watched(2 * x))(1.), jit(grad(lambda x: watched(x) ** 2))(4.)]
wait()
"""

SCRIPTS["debug.callback"] = """
seen = []
def log(x, *, scale):
    seen.append(float(x) * scale)

@jit
def f(x):
    debug.callback(log, x, scale=10)
    return x

results = [f(1.), vmap(f)(jnp.arange(3.)), grad(f)(5.)]
wait()
results += [sorted(seen)]
"""

SCRIPTS["breakpoints"] = """
import io, sys
def look(commands):
    debug.breakpoint(stdin=io.StringIO(commands), stdout=out, backend='cli')

def break_if_not_finite(x):
    lax.cond(jnp.isfinite(x).all(), lambda x: None, lambda x: look('p x.sum()\\nc\\n'), x)

@jit
def f(x, y):
    z = x / y
    break_if_not_finite(z)
    return z

out = io.StringIO()
results = [f(2., 1.), len(out.getvalue()), f(2., 0.)]
wait()
results += ['inf' in out.getvalue()]
"""

SCRIPTS["nans are found where they are made"] = """
import contextlib, io
def f(x):
    return jnp.log(-3 * jnp.square(x))

zeros = jnp.zeros(2)
with contextlib.redirect_stdout(io.StringIO()):   # JAX says that it tries again without jit
    with the_library.debug_nans(True):
        results = [refusal(f, 5.), refusal(jit(f), 5.), refusal(jit(grad(f)), 0.)]
        with the_library.debug_nans(False):
            results += [jit(f)(5.)]
    the_library.config.update('jax_debug_nans', True)
    results += [refusal(jit(lambda x: x / x), zeros)]
    the_library.config.update('jax_debug_nans', False)
    with the_library.debug_infs(True):
        results += [refusal(jit(lambda x: 1 / x), zeros)]
results += [f(5.)]
"""

SCRIPTS["without jit"] = """
def f(x):
    y = jnp.log(x)
    if jnp.isnan(y):
        print('here Python stops if it is told to')
    return y

with the_library.disable_jit():
    results = [jit(f)(-2.), jit(f)(1.)]
    lax.scan(lambda c, x: (c + x, print(c + x)), 0, jnp.arange(3))
    lax.cond(True, lambda: print('yes'), lambda: print('no'))
    lax.while_loop(lambda c: c < 2, lambda c: (print(c), c + 1)[1], 0)
    results += [vmap(lambda x: lax.while_loop(lambda c: c < 5, lambda c: c + x, x))(jnp.ones(2))]
results += [refusal(jit(f), 1.)]
"""

SCRIPTS["leaks"] = """
leak = []
jit(lambda x: leak.append(x))(1.)
print(refusal(lambda: leak[0] + 1))
with the_library.checking_leaks():
    try:
        jit(lambda x: leak.append(x))(1)
    except Exception as error:
        print('found')
results = []
"""

SCRIPTS["pure_callback"] = """
def host(x):
    return np.sin(x).astype(x.dtype)

def f(x, how='sequential'):
    return the_library.pure_callback(host, ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method=how)

def say():
    print('called')
    return np.int32(0)

ask = lambda: the_library.pure_callback(say, np.int32(0))
x = jnp.arange(4.)
results = [f(x), jit(f)(x), vmap(f)(x), vmap(lambda x: f(x, 'expand_dims'))(x),
           vmap(lambda x: f(x, 'broadcast_all'))(x), lax.scan(lambda c, x: (c, f(x)), 0, x)[1],
           refusal(grad(f), 1.), jit(ask)(), jit(lambda: (ask(), 1.)[1])(),
           refusal(vmap(lambda x: f(x, None)), x)]
"""

SCRIPTS["pure_callback with a derivative"] = """
def cubed_on_host(x):
    shape = ShapeDtypeStruct(x.shape, x.dtype)
    return the_library.pure_callback(lambda x: np.asarray(x) ** 3, shape, x,
                                     vmap_method='broadcast_all')

@custom_jvp
def cubed(x):
    return cubed_on_host(jnp.asarray(x))

@cubed.defjvp
def cubed_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    return cubed(x), 3 * x ** 2 * dx

results = [cubed(2.), grad(cubed)(2.), hessian(cubed)(2.), vmap(grad(cubed))(jnp.arange(3.)),
           jit(vmap(cubed))(jnp.arange(3.))]
"""

SCRIPTS["io_callback"] = """
rng = np.random.RandomState(0)
def draw(x):
    print(f'drawing {x.dtype}{list(x.shape)}')
    return rng.uniform(size=x.shape).astype(x.dtype)

like = jit(lambda x: io_callback(draw, x, x))
in_order = jit(lambda x: io_callback(draw, x, x, ordered=True))
x = jnp.zeros(3)
results = [like(x), vmap(like)(x), refusal(vmap(in_order), x),
           lax.scan(lambda c, x: (c, in_order(x)), None, x)[1], refusal(grad(like), 1.)]

@jit
def hello(x):
    io_callback(lambda: print('hello'), None)
    return x

results += [grad(hello)(1.)]
wait()
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(DEBUG + SCRIPTS[name], same_text=True)
