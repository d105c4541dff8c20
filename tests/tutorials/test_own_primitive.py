"""JAX's tutorial "How JAX primitives work", for which a primitive of one's own gets its rules.

What differs from JAX, besides imports: the computation is a function of NumPy arrays, and there is
no second one to write for compiled programs.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.core import ShapedArray
from scratchfn.extend import core
from scratchfn.interpreters import ad, batching


def multiply_add(with_rules=True):
    """x y + z as a primitive, and the function that binds it."""
    multiply_add_p = core.Primitive("multiply_add")

    def multiply_add_prim(x, y, z):
        return multiply_add_p.bind(x, y, z)

    @multiply_add_p.def_impl
    def multiply_add_impl(x, y, z):
        return np.add(np.multiply(x, y), z)

    if not with_rules:
        return multiply_add_p, multiply_add_prim

    @multiply_add_p.def_abstract_eval
    def multiply_add_abstract_eval(xs, ys, zs):
        assert xs.shape == ys.shape
        assert xs.shape == zs.shape
        return ShapedArray(xs.shape, xs.dtype)

    def multiply_add_value_and_jvp(arg_values, arg_tangents):
        x, y, z = arg_values
        xt, yt, zt = arg_tangents
        primal_out = multiply_add_prim(x, y, z)

        def make_zero(tan):
            return jnp.zeros_like(x) if type(tan) is ad.Zero else tan

        output_tangent = multiply_add_prim(
            make_zero(xt), y, multiply_add_prim(x, make_zero(yt), make_zero(zt))
        )
        return primal_out, output_tangent

    ad.primitive_jvps[multiply_add_p] = multiply_add_value_and_jvp

    def multiply_add_transpose(ct, x, y, z):
        if not ad.is_undefined_primal(x):
            assert ad.is_undefined_primal(y)
            ct_y = (
                ad.Zero(y.aval)
                if type(ct) is ad.Zero
                else multiply_add_prim(x, ct, jnp.zeros_like(x))
            )
            return None, ct_y, ct
        assert ad.is_undefined_primal(x)
        ct_x = (
            ad.Zero(x.aval) if type(ct) is ad.Zero else multiply_add_prim(ct, y, jnp.zeros_like(y))
        )
        return ct_x, None, ct

    ad.primitive_transposes[multiply_add_p] = multiply_add_transpose

    def multiply_add_batch(vector_arg_values, batch_axes):
        assert batch_axes[0] == batch_axes[1]
        assert batch_axes[0] == batch_axes[2]
        return multiply_add_prim(*vector_arg_values), batch_axes[0]

    batching.primitive_batchers[multiply_add_p] = multiply_add_batch
    return multiply_add_p, multiply_add_prim


def square_add(prim):
    return lambda a, b: prim(a, a, b)


def test_before_it_has_rules():
    _, prim = multiply_add(with_rules=False)
    f = square_add(prim)
    assert f(2.0, 10.0) == 14.0
    assert np.array_equal(f(np.ones(2, "f"), np.ones(2, "f")), [2, 2])
    with pytest.raises(NotImplementedError, match="def_abstract_eval"):
        sf.jit(f)(2.0, 10.0)
    with pytest.raises(NotImplementedError, match="derivative of multiply_add"):
        sf.jvp(f, (2.0, 10.0), (1.0, 1.0))
    with pytest.raises(NotImplementedError, match="vmap of multiply_add"):
        sf.vmap(f)(np.ones(2), np.ones(2))


def test_all_transformations():
    _, prim = multiply_add()
    f = square_add(prim)
    assert f(2.0, 10.0) == sf.jit(f)(2.0, 10.0) == 14.0
    assert sf.jit(f, static_argnums=1)(2.0, 10.0) == 14.0
    assert sf.jvp(f, (2.0, 10.0), (1.0, 1.0)) == (14.0, 5.0)
    assert sf.jit(lambda a, b: sf.jvp(f, a, b))((2.0, 10.0), (1.0, 1.0)) == (14.0, 5.0)
    assert sf.grad(f)(2.0, 10.0) == sf.jit(sf.grad(f))(2.0, 10.0) == 4.0
    xs, ys = np.array([2.0, 3.0], np.float32), np.array([10.0, 20.0], np.float32)
    assert np.array_equal(sf.vmap(f)(xs, ys), [14.0, 29.0])


def test_in_programs():
    p, prim = multiply_add()
    program = sf.make_jaxpr(square_add(prim))(2.0, 10.0)
    assert program.eqns[0].primitive is p
    assert str(program) == "{ lambda ; a:f32[] b:f32[]. let c:f32[] = multiply_add a a b in (c,) }"
    assert "multiply_add(" in sf.jit(square_add(prim)).lower(2.0, 10.0).as_text()
    core.check_jaxpr(program.jaxpr)


def test_several_results_and_params():
    p = core.Primitive("powers")
    p.multiple_results = True
    p.def_impl(lambda x, *, upto: [x**k for k in range(1, upto + 1)])
    p.def_abstract_eval(lambda x, *, upto: [ShapedArray(x.shape, x.dtype)] * upto)

    def jvp(primals, tangents, *, upto):
        outs = p.bind(*primals, upto=upto)
        dots = [tangents[0] * (k + 1) * (outs[k - 1] if k else 1.0) for k in range(upto)]
        return outs, dots

    ad.primitive_jvps[p] = jvp
    batching.primitive_batchers[p] = lambda args, dims, *, upto: (
        p.bind(*args, upto=upto), [dims[0]] * upto
    )  # fmt: skip
    x = np.array([2.0, 3.0], np.float32)
    for f in (lambda x: p.bind(x, upto=3), sf.jit(lambda x: p.bind(x, upto=3))):
        assert np.array_equal(f(x)[2], x**3)
        assert np.array_equal(sf.grad(lambda x, f=f: f(x)[2].sum())(x), 3 * x**2)
        assert np.array_equal(sf.vmap(f)(x)[1], x**2)


def test_short_forms():
    """defjvp, deflinear2, defbilinear and defvectorized make the rules of common cases."""
    sine, scale, times = map(core.Primitive, ("my_sine", "my_scale", "my_times"))
    sine.def_impl(np.sin)
    scale.def_impl(lambda x, *, by: x * np.float32(by))
    times.def_impl(np.multiply)
    for p in (sine, scale, times):
        p.def_abstract_eval(lambda x, *_, **params: ShapedArray(x.shape, x.dtype))
        batching.defvectorized(p)
    ad.defjvp(sine, lambda dx, x: dx * jnp.cos(x))
    ad.deflinear2(scale, lambda ct, x, *, by: [scale.bind(ct, by=by)])
    ad.defbilinear(times, lambda ct, x, y: times.bind(ct, y), lambda ct, x, y: times.bind(x, ct))

    def f(x):
        return times.bind(scale.bind(sine.bind(x), by=3.0), x).sum()

    x = np.array([0.3, 1.0, 2.0], np.float32)
    want = jax.grad(lambda x: (3 * jax.numpy.sin(x) * x).sum())(x)
    np.testing.assert_allclose(sf.grad(f)(x), want, rtol=1e-6)
    np.testing.assert_allclose(sf.jit(sf.vmap(sf.grad(f)))(np.stack([x, x]))[1], want, rtol=1e-6)


def test_tables():
    p, _ = multiply_add()
    assert p in ad.primitive_jvps and sf.lax.sin_p in ad.primitive_jvps
    assert p in batching.primitive_batchers and len(ad.primitive_transposes) > 50
    out, dim = batching.primitive_batchers[sf.lax.sin_p]([jnp.ones((2, 3))], [1], accuracy=None)
    assert out.shape == (2, 3) and dim == 1
    del ad.primitive_jvps[p]
    with pytest.raises(KeyError):
        ad.primitive_jvps[p]
