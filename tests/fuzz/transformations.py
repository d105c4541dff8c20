"""The transformations that are stacked around random programs: functions of two arrays [3, 3] to
one, made of such a function. `lib` is the library, `jnp` its numpy.

They are written so that what the transformation does differently from calling the function shows
in the result, and so that numbers stay moderate when they are stacked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Function = Callable[[Any, Any], Any]  # two arrays [3, 3] -> one
Transformation = Callable[[Any, Any, Function], Function]


# -- derivatives --------------------------------------------------------------------------------


def _grad(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.grad(lambda x, y: jnp.sum(f(x, y) * jnp.cos(y)))


def _grad_of_both(lib: Any, jnp: Any, f: Function) -> Function:
    both = lib.value_and_grad(lambda x, y: jnp.mean(f(x, y)), argnums=(0, 1))

    def run(x: Any, y: Any) -> Any:
        value, (dx, dy) = both(x, y)
        return value + dx - 0.5 * dy

    return run


def _jvp(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: lib.jvp(f, (x, y), (jnp.cos(x), 0.5 * y))[1]


def _vjp(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: sum(lib.vjp(f, x, y)[1](jnp.sin(x)))


def _linearize(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: lib.linearize(lambda a: f(a, y), x)[1](0.5 * y)


def _jacfwd(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: jnp.sum(lib.jacfwd(f)(x, y), axis=(2, 3)) / 3


# -- batches ------------------------------------------------------------------------------------


def _vmap(lib: Any, jnp: Any, f: Function) -> Function:
    def run(x: Any, y: Any) -> Any:
        xs = jnp.stack([x, 0.9 * x], axis=1)
        return jnp.mean(lib.vmap(f, in_axes=(1, None), out_axes=-1)(xs, y), axis=-1)

    return run


def _vmap_both(lib: Any, jnp: Any, f: Function) -> Function:
    def run(x: Any, y: Any) -> Any:
        outs = lib.vmap(f)(jnp.stack([x, x.T]), jnp.stack([y, 0.8 * y]))
        return outs[0] + 0.3 * outs[1]

    return run


def _vmap_with_collectives(lib: Any, jnp: Any, f: Function) -> Function:
    def member(x: Any, y: Any) -> Any:
        out = f(x, y)
        mean, place = lib.lax.pmean(jnp.sin(out), "members"), lib.lax.axis_index("members")
        return out * 0.5 + mean - 0.1 * place * lib.lax.ppermute(y, "members", [(0, 1), (1, 0)])

    def run(x: Any, y: Any) -> Any:
        xs = jnp.stack([x, 0.7 * x])
        outs = lib.vmap(member, in_axes=(0, None), axis_name="members")(xs, y)
        return outs[0] - 0.5 * outs[1]

    return run


# -- programs -----------------------------------------------------------------------------------


def _jit(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.jit(f)


def _checkpoint(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.checkpoint(f)


def _checkpoint_with_policy(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.checkpoint(f, policy=lib.checkpoint_policies.dots_with_no_batch_dims_saveable)


def _scan(lib: Any, jnp: Any, f: Function) -> Function:
    def run(x: Any, y: Any) -> Any:
        def step(carry: Any, y: Any) -> Any:
            return 0.5 * carry + 0.5 * jnp.tanh(f(carry, y)), carry[0]

        last, rows = lib.lax.scan(step, x, jnp.stack([y, -y]))
        return last + jnp.mean(rows)

    return run


def _cond(lib: Any, jnp: Any, f: Function) -> Function:
    def otherwise(x: Any, y: Any) -> Any:
        return 0.5 * jnp.sin(x) * y

    return lambda x, y: lib.lax.cond(jnp.sum(x) < 4 * y[0, 1], f, otherwise, x, y)


def _while(lib: Any, jnp: Any, f: Function) -> Function:
    """A loop whose length is data, beside the function: reverse mode ends at its counter."""

    def run(x: Any, y: Any) -> Any:
        count = lib.lax.while_loop(
            lambda state: jnp.sum(state[1] ** 2) > 0.5,
            lambda state: (state[0] + 1, 0.5 * jnp.tanh(state[1])),
            (0.0, lib.lax.stop_gradient(x)),
        )[0]
        return f(x, y) / (1 + count)

    return run


def _for(lib: Any, jnp: Any, f: Function) -> Function:
    def body(n: Any, a: Any) -> Any:
        return 0.3 * n * jnp.cos(a) + 0.5 * jnp.tanh(f(a, 0.5 * a))

    return lambda x, y: lib.lax.fori_loop(0, 2, body, x) + 0.1 * y


# -- rules of the user's own --------------------------------------------------------------------


def _with_custom_jvp(lib: Any, jnp: Any, f: Function) -> Function:
    @lib.custom_jvp
    def ruled(x: Any, y: Any) -> Any:
        return f(x, y)

    @ruled.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x, y), (dx, dy) = primals, tangents
        return ruled(x, y), lib.jvp(lambda a: f(a, y), (x,), (dx,))[1] + 0.5 * jnp.sin(x) * dy

    return ruled


def _with_custom_vjp(lib: Any, jnp: Any, f: Function) -> Function:
    @lib.custom_vjp
    def ruled(x: Any, y: Any) -> Any:
        return f(x, y)

    def forward(x: Any, y: Any) -> Any:
        out, back = lib.vjp(f, x, y)
        return out, (x, back)

    def backward(residuals: Any, ct: Any) -> Any:
        x, back = residuals
        dx, dy = back(ct)
        return jnp.clip(dx, -1.5, 1.5), 0.5 * dy + 0.1 * jnp.sin(x) * ct

    ruled.defvjp(forward, backward)
    return ruled


TRANSFORMATIONS: dict[str, Transformation] = {
    "grad": _grad,
    "grad of both": _grad_of_both,
    "jvp": _jvp,
    "vjp": _vjp,
    "linearize": _linearize,
    "jacfwd": _jacfwd,
    "vmap": _vmap,
    "vmap of both": _vmap_both,
    "vmap with collectives": _vmap_with_collectives,
    "jit": _jit,
    "checkpoint": _checkpoint,
    "checkpoint with a policy": _checkpoint_with_policy,
    "scan": _scan,
    "cond": _cond,
    "while": _while,
    "for": _for,
    "custom_jvp": _with_custom_jvp,
    "custom_vjp": _with_custom_vjp,
}
REVERSE = {"grad", "grad of both", "vjp", "custom_vjp"}
FORWARD = {name: TRANSFORMATIONS[name] for name in TRANSFORMATIONS if name not in REVERSE}
