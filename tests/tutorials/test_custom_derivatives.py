"""What JAX's tutorial on custom derivative rules teaches, as scripts that run on both libraries."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["a rule for all tangents together"] = """
@custom_jvp
def swing(angle, length):
    return jnp.sin(angle) * length

@swing.defjvp
def swing_jvp(primals, tangents):
    angle, length = primals
    d_angle, d_length = tangents
    return swing(angle, length), jnp.cos(angle) * d_angle * length + jnp.sin(angle) * d_length

results = [swing(2., 3.), jvp(swing, (2., 3.), (1., 0.)), grad(swing)(2., 3.),
           grad(swing, (0, 1))(2., 3.), grad(grad(swing))(2., 3.)]
"""

SCRIPTS["a rule for each tangent"] = """
@custom_jvp
def volume(radius, height):
    return radius ** 2 * height

volume.defjvps(lambda t, ans, radius, height: 2 * radius * height * t,
               lambda t, ans, radius, height: radius ** 2 * t)
results = [grad(volume)(2., 3.), grad(volume, 0)(2., 3.), grad(volume, 1)(2., 3.)]

volume.defjvps(lambda t, ans, radius, height: 2 * radius * height * t, None)
results += [grad(volume)(2., 3.), grad(volume, 1)(2., 3.), jvp(volume, (2., 3.), (1., 1.))]
"""

SCRIPTS["a rule in reverse mode"] = """
@custom_vjp
def swing(angle, length):
    return jnp.sin(angle) * length

def swing_fwd(angle, length):
    return swing(angle, length), (jnp.cos(angle), jnp.sin(angle), length)

def swing_bwd(kept, ct):
    cos, sin, length = kept
    return cos * ct * length, sin * ct

swing.defvjp(swing_fwd, swing_bwd)
results = [grad(swing)(2., 3.), grad(swing, (0, 1))(2., 3.), grad(swing)(2., length=3.),
           jit(grad(swing))(2., 3.), vmap(grad(swing))(jnp.arange(3.), jnp.arange(3.))]
"""

SCRIPTS["numerical stability"] = """
def softplus(x):
    return jnp.log(1. + jnp.exp(x))

results = [jit(softplus)(3.), jit(grad(softplus))(3.), vmap(jit(grad(softplus)))(jnp.arange(3.)),
           grad(softplus)(100.)]   # the last is not a number
results += [len(make_jaxpr(grad(softplus))(100.).jaxpr.eqns)]

stable = custom_jvp(softplus)
@stable.defjvp
def stable_jvp(primals, tangents):
    x, = primals
    dx, = tangents
    return stable(x), (1 - 1 / (1 + jnp.exp(x))) * dx

results += [grad(stable)(100.), jit(stable)(3.), jit(grad(stable))(3.),
            vmap(jit(grad(stable)))(jnp.arange(3.)), hessian(stable)(1.)]

again = custom_jvp(softplus)
again.defjvps(lambda t, ans, x: (1 - 1 / (1 + jnp.exp(x))) * t)
results += [grad(again)(100.), vmap(jit(grad(again)))(jnp.arange(3.))]
"""

SCRIPTS["a convention at a border"] = """
def damp(x):
    return x / (1 + jnp.sqrt(x))

results = [grad(damp)(0.)]
one_sided = custom_jvp(damp)
one_sided.defjvps(lambda t, ans, x: (jnp.sqrt(x) + 2) / (2 * (jnp.sqrt(x) + 1) ** 2) * t)
results += [grad(one_sided)(0.), grad(one_sided)(2.), jacfwd(one_sided)(0.)]
"""

SCRIPTS["zero times infinity"] = """
@custom_jvp
def safe_xtimesy(x, y):
    return jnp.where(x == 0., 0., x * y)

@safe_xtimesy.defjvp
def safe_rule(primals, tangents):
    x, y = primals
    dx, dy = tangents
    return safe_xtimesy(x, y), safe_xtimesy(dx, y) + safe_xtimesy(x, dy)

entropy = lambda p: -jnp.sum(safe_xtimesy(p, jnp.log(jnp.where(p == 0, 1., p))))
p = jnp.array([0.5, 0.5, 0.])
results = [entropy(p), jvp(safe_xtimesy, (0., jnp.inf), (0., 1.)),
           jvp(entropy, (p,), (jnp.array([1., -1., 0.]),))]
"""

SCRIPTS["clipping gradients"] = """
@custom_vjp
def clip_gradient(lo, hi, x):
    return x

clip_gradient.defvjp(lambda lo, hi, x: (x, (lo, hi)),
                     lambda bounds, ct: (None, None, jnp.clip(ct, *bounds)))

def clipped_sin(x):
    return jnp.sin(clip_gradient(-0.75, 0.75, x))

t = jnp.linspace(0, 10, 50)
results = [clipped_sin(t), vmap(grad(clipped_sin))(t), jit(vmap(grad(clipped_sin)))(t)]
"""

FIXED_POINT = """
def iterate(f, a, guess):
    def unfinished(pair):
        before, now = pair
        return jnp.abs(before - now) > 1e-6
    def step(pair):
        _, now = pair
        return now, f(a, now)
    return lax.while_loop(unfinished, step, (guess, f(a, guess)))[1]

def root_by(solver):
    def heron(a):
        return solver(lambda a, x: 0.5 * (x + a / x), a, a)
    return heron
"""

SCRIPTS["a loop that reverse mode cannot go through"] = (
    FIXED_POINT
    + """
root = root_by(iterate)
results = [root(2.), jit(vmap(root))(jnp.array([1., 2., 3., 4.])), jvp(root, (2.,), (1.,))]
"""
)

SCRIPTS["implicit derivatives of a fixed point"] = (
    FIXED_POINT
    + """
@functools.partial(custom_vjp, nondiff_argnums=(0,))
def fixed_point(f, a, guess):
    return iterate(f, a, guess)

def forward(f, a, guess):
    x = fixed_point(f, a, guess)
    return x, (a, x)

def back(f, kept, ct):
    a, x = kept
    _, pull_a = vjp(lambda a: f(a, x), a)
    adjoint = fixed_point(functools.partial(adjoint_step, f), (a, x, ct), ct)
    return pull_a(adjoint)[0], jnp.zeros_like(x)

def adjoint_step(f, packed, u):
    a, x, ct = packed
    _, pull_x = vjp(lambda x: f(a, x), x)
    return ct + pull_x(u)[0]

fixed_point.defvjp(forward, back)
root = root_by(fixed_point)
results = [root(2.), grad(root)(2.), grad(grad(root))(2.), jit(grad(root))(2.),
           vmap(grad(root))(jnp.array([1., 2., 3.])), jit(grad(grad(root)))(2.),
           grad(jnp.sqrt)(2.), grad(grad(jnp.sqrt))(2.)]
"""
)

SCRIPTS["roots, with closed-over values"] = """
def sqrt(a):
    def solve(f, x):
        unfinished = lambda x: jnp.abs(f(x)) > 1e-5
        newton = lambda x: x - f(x) / (2 * x)
        return lax.while_loop(unfinished, newton, x)
    return lax.custom_root(lambda x: x ** 2 - a, 1., solve, lambda g, y: y / g(1.))

results = [sqrt(2.), grad(sqrt)(2.), grad(grad(sqrt))(2.), jit(vmap(grad(sqrt)))(jnp.ones(3))]
"""

SCRIPTS["when the rule is called"] = """
@custom_jvp
def f(x):
    print('the function')
    return jnp.sin(x)

@f.defjvp
def f_jvp(primals, tangents):
    print('the rule')
    return f(*primals), jnp.cos(primals[0]) * tangents[0]

results = []
for use in (f, jit(f), lambda x: vmap(f)(jnp.full(3, x)), lambda x: jvp(f, (x,), (1.,)), grad(f),
            grad(grad(f))):
    print('---')
    results.append(use(3.))
"""

SCRIPTS["when the rules of reverse mode are called"] = """
@custom_vjp
def f(x):
    print('the function')
    return jnp.sin(x)

def f_fwd(x):
    print('forward')
    return f(x), jnp.cos(x)

def f_bwd(cos, ct):
    print('backward')
    return (cos * ct,)

f.defvjp(f_fwd, f_bwd)
results = [f(3.)]
print('---')
results.append(grad(f)(3.))
print('---')
out, f_vjp = vjp(f, 3.)
print('---')
results += [out, f_vjp(1.)]
print('---')
results.append(jit(f)(3.))
try:
    jvp(f, (3.,), (1.,))
except TypeError:
    print('no forward mode')
"""

SCRIPTS["Python's if"] = """
@custom_jvp
def f(x):
    return jnp.sin(x) if x > 0 else jnp.cos(x)

@f.defjvp
def f_jvp(primals, tangents):
    x, = primals
    dx, = tangents
    return f(x), 2 * dx if x > 0 else 3 * dx

results = [grad(f)(1.), grad(f)(-1.), jvp(f, (-1.,), (1.,))]
"""

SCRIPTS["containers"] = """
Point = namedtuple('Point', ['x', 'y'])

def polar(pt):
    return {'a': pt.x ** 2, 'b': (jnp.sin(pt.x), jnp.cos(pt.y))}

forward = custom_jvp(polar)
@forward.defjvp
def rule(primals, tangents):
    (pt,), (dpt,) = primals, tangents
    return forward(pt), {'a': 2 * pt.x * dpt.x,
                         'b': (jnp.cos(pt.x) * dpt.x, -jnp.sin(pt.y) * dpt.y)}

reverse = custom_vjp(polar)
def bwd(pt, ct):
    ct_a, (ct_sin, ct_cos) = ct['a'], ct['b']
    return (Point(2 * pt.x * ct_a + jnp.cos(pt.x) * ct_sin, -jnp.sin(pt.y) * ct_cos),)
reverse.defvjp(lambda pt: (polar(pt), pt), bwd)

results = []
for f in (forward, reverse):
    total = lambda pt: f(pt)['a'] + f(pt)['b'][0] + f(pt)['b'][1]
    results += [f(Point(1., 2.)), grad(total)(Point(1., 2.)), jit(grad(total))(Point(1., 2.))]
"""

SCRIPTS["arguments that are not differentiated"] = """
@functools.partial(custom_jvp, nondiff_argnums=(0,))
def apply(f, x):
    return f(x)

@apply.defjvp
def apply_jvp(f, primals, tangents):
    return f(*primals), 2. * tangents[0]

@functools.partial(custom_jvp, nondiff_argnums=(0, 2))
def between(f, x, g):
    return f(g(x))

@between.defjvp
def between_jvp(f, g, primals, tangents):
    return f(g(*primals)), 3. * tangents[0]

@functools.partial(custom_vjp, nondiff_argnums=(0,))
def back(f, x):
    return f(x)

back.defvjp(lambda f, x: (f(x), x), lambda f, x, ct: (5. * ct * f(x),))
triple = lambda x: x * 3
results = [apply(triple, 2.), grad(apply, argnums=1)(triple, 2.),
           between(triple, 2., jnp.sin), grad(between, argnums=1)(triple, 2., jnp.sin),
           grad(back, argnums=1)(triple, 2.), jit(grad(lambda x: back(triple, x)))(2.)]
"""

SCRIPTS["a gradient in one piece"] = """
@custom_gradient
def f(x):
    square = x ** 2
    return square + 1, lambda ct: ct * 4 * square

results = [f(3.), grad(f)(3.), jit(grad(f))(3.), vmap(value_and_grad(f))(jnp.arange(3.))]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], rtol=1e-4)
