"""JAX's tutorial "Writing custom Jaxpr interpreters", which differs in its import lines alone.

A function is traced to a program, and an interpreter runs the program in a way of its own: forwards
as it is, and backwards, which inverts it.
"""

from __future__ import annotations

from functools import wraps

import jax
import jax.extend.core
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import grad, jit, lax, vmap
from scratchfn.extend import core


def f(x):
    return jnp.exp(jnp.tanh(x))


# -- an interpreter that evaluates ----------------------------------------------------------------


def eval_jaxpr(jaxpr, consts, *args):
    env = {}

    def read(var):
        return var.val if type(var) is core.Literal else env[var]

    def write(var, val):
        env[var] = val

    list(map(write, jaxpr.invars, args))
    list(map(write, jaxpr.constvars, consts))
    for eqn in jaxpr.eqns:
        invals = list(map(read, eqn.invars))
        outvals = eqn.primitive.bind(*invals, **eqn.params)
        if not eqn.primitive.multiple_results:
            outvals = [outvals]
        list(map(write, eqn.outvars, outvals))
    return list(map(read, jaxpr.outvars))


def test_evaluation():
    closed_jaxpr = sf.make_jaxpr(f)(jnp.ones(5))
    (out,) = eval_jaxpr(closed_jaxpr.jaxpr, closed_jaxpr.literals, jnp.ones(5))
    np.testing.assert_allclose(out, f(np.ones(5)))


@pytest.mark.parametrize("x", [np.linspace(0, 1, 5, dtype=np.float32), 0.5], ids=["array", "float"])
def test_evaluation_of_numbers(x):
    """A primitive may be bound to NumPy's arrays and Python's numbers, eagerly and traced."""

    def g(x):
        y = jnp.sin(x) * 2 + np.arange(5.0, dtype=np.float32)
        return jnp.where(y > 1, y, x), jnp.sort(y)[::-1]

    closed = sf.make_jaxpr(g)(x)
    want = g(x)
    for run in (eval_jaxpr, jit(eval_jaxpr, static_argnums=0)):
        got = run(closed.jaxpr, closed.literals, x)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    assert np.array_equal(lax.add_p.bind(np.ones(2, "f"), np.ones(2, "f")), [2, 2])
    assert jit(lambda: lax.mul_p.bind(3.0, 2.0))() == 6.0


def test_programs_inside_programs():
    """Calls, loops and custom rules are bound with their params like all others."""

    @sf.custom_jvp
    def tripled(x):
        return 3 * x

    tripled.defjvp(lambda primals, tangents: (tripled(*primals), 30 * tangents[0]))

    def g(x):
        def body(c, _):
            return c * 1.5, jit(jnp.sin)(c)

        y, ys = lax.scan(body, tripled(x), None, length=3)
        return lax.cond(y.sum() > 0, jnp.cos, jnp.sin, y), ys

    x = jnp.linspace(0.1, 1.0, 4)
    closed = sf.make_jaxpr(g)(x)
    for a, b in zip(eval_jaxpr(closed.jaxpr, closed.literals, x), g(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    by_interpreter = lambda x: eval_jaxpr(closed.jaxpr, closed.literals, x)[0].sum()  # noqa: E731
    got, want = grad(by_interpreter)(x), grad(lambda x: g(x)[0].sum())(x)
    np.testing.assert_allclose(got, want, rtol=1e-6)


# -- an interpreter that inverts ------------------------------------------------------------------

inverse_registry = {}
inverse_registry[lax.exp_p] = jnp.log
inverse_registry[lax.tanh_p] = jnp.arctanh


def inverse(fun):
    @wraps(fun)
    def wrapped(*args, **kwargs):
        closed_jaxpr = sf.make_jaxpr(fun)(*args, **kwargs)
        out = inverse_jaxpr(closed_jaxpr.jaxpr, closed_jaxpr.literals, *args)
        return out[0]

    return wrapped


def inverse_jaxpr(jaxpr, consts, *args):
    env = {}

    def read(var):
        return var.val if type(var) is core.Literal else env[var]

    def write(var, val):
        env[var] = val

    list(map(write, jaxpr.outvars, args))
    list(map(write, jaxpr.constvars, consts))
    for eqn in jaxpr.eqns[::-1]:
        invals = list(map(read, eqn.outvars))
        if eqn.primitive not in inverse_registry:
            raise NotImplementedError(f"{eqn.primitive} does not have registered inverse.")
        outval = inverse_registry[eqn.primitive](*invals)
        list(map(write, eqn.invars, [outval]))
    return list(map(read, jaxpr.invars))


def test_inverse():
    f_inv = inverse(f)
    np.testing.assert_allclose(f_inv(f(1.0)), 1.0, rtol=1e-6)
    with pytest.raises(NotImplementedError, match="sin does not have registered inverse"):
        inverse(jnp.sin)(1.0)


def test_program_of_the_inverse():
    theirs = {jax.lax.exp_p: jax.numpy.log, jax.lax.tanh_p: jax.numpy.arctanh}

    def by_jax(y):
        closed = jax.make_jaxpr(lambda x: jax.numpy.exp(jax.numpy.tanh(x)))(y)
        for eqn in closed.jaxpr.eqns[::-1]:
            y = theirs[eqn.primitive](y)
        return y

    got = sf.make_jaxpr(inverse(f))(f(1.0))
    assert str(got) == str(jax.make_jaxpr(by_jax)(float(f(1.0))))


def test_transformations_of_the_inverse():
    ys = (jnp.arange(5) + 1.0) / 5.0
    got = jit(vmap(grad(inverse(f))))(ys)
    want = 1 / (np.asarray(ys) * (1 - np.log(np.asarray(ys)) ** 2))
    np.testing.assert_allclose(got, want, rtol=1e-5)


# -- programs as data -----------------------------------------------------------------------------


def test_examining_a_program():
    def foo(x):
        return jnp.dot(jnp.arange(12.0).reshape(4, 3), x) + 1

    jaxpr = sf.make_jaxpr(foo)(jnp.ones(3)).jaxpr
    names = [eqn.primitive.name for eqn in jaxpr.eqns]
    assert names[-2:] == ["dot_general", "add"]
    last = jaxpr.eqns[-1]
    assert isinstance(last, core.JaxprEqn) and isinstance(last.primitive, core.Primitive)
    assert isinstance(last.invars[0], core.Var) and isinstance(last.invars[1], core.Literal)
    assert float(last.invars[1].val) == 1.0 and last.params == {} and not last.effects
    assert [str(v.aval) for v in jaxpr.invars] == ["f32[3]"]


def test_making_a_program():
    """Equations replaced, added and run: sin(x) + x made to cos(x) * x."""
    closed = sf.make_jaxpr(lambda x: jnp.sin(x) + x)(1.0)
    table = {lax.sin_p: lax.cos_p, lax.add_p: lax.mul_p}
    eqns = [eqn.replace(primitive=table[eqn.primitive]) for eqn in closed.eqns]
    other = closed.map_jaxpr(lambda jaxpr: jaxpr.replace(eqns=eqns))
    (got,) = core.jaxpr_as_fun(other, 2.0)
    np.testing.assert_allclose(got, np.cos(2.0) * 2, rtol=1e-6)
    core.check_jaxpr(other.jaxpr)

    doubled = core.Var(other.out_avals[0])
    extra = core.new_jaxpr_eqn([other.jaxpr.outvars[0]] * 2, [doubled], lax.add_p, {}, set())
    longer = other.jaxpr.replace(eqns=[*eqns, extra], outvars=[doubled])
    (got,) = core.jaxpr_as_fun(other.replace(jaxpr=longer), 2.0)
    np.testing.assert_allclose(got, 2 * np.cos(2.0) * 2, rtol=1e-6)
    wrong = longer.replace(eqns=longer.eqns[::-1])
    with pytest.raises(core.JaxprTypeError):
        core.check_jaxpr(wrong)


def test_looking_inside():
    closed = sf.make_jaxpr(lambda x: lax.cond(x > 0, jit(jnp.sin), jnp.cos, x))(1.0)
    branches = list(core.subjaxprs(closed.jaxpr))
    assert len(branches) == 2
    inner = [eqn.primitive for b in branches for eqn in b.eqns]
    assert core.primitives.jit_p in inner or lax.sin_p in inner
    assert list(core.jaxprs_in_params(closed.eqns[-1].params)) == branches


def test_primitives_have_jax_names():
    """Those of lax that JAX's lax has too are the primitives of those names."""
    names = [name for name in dir(lax) if name.endswith("_p")]
    assert len(names) > 130
    for name in names:
        assert getattr(jax.lax, name).name == getattr(lax, name).name
        assert getattr(jax.lax, name).multiple_results == getattr(lax, name).multiple_results
    theirs = jax.extend.core.primitives
    for name in core.primitives.__all__:
        if name not in names and name != "add_jaxvals_p":
            assert getattr(theirs, name).name == getattr(core.primitives, name).name
