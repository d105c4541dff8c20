"""Rules and callbacks of the user's, and collectives."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

RULES = Group(
    "Derivatives of one's own",
    "A rule returns what the function returns, and what belongs to it.",
    [
        Misuse(
            "custom_jvp without a rule",
            "custom_jvp(lambda x: x)(1.0)",
            ["custom_jvp", "no rule", "defjvp"],
        ),
        Misuse(
            "custom_vjp without a rule",
            "custom_vjp(lambda x: x)(1.0)",
            ["custom_vjp", "no rule", "defvjp(fwd, bwd)"],
        ),
        Misuse(
            "A jvp rule that returns no pair",
            "f = custom_jvp(lambda x: x)\n\n@f.defjvp\ndef rule(primals, tangents):\n"
            "    return primals[0]\n\ngrad(f)(1.0)",
            ["custom_jvp rule rule", "pair (output, tangent of the output)"],
        ),
        Misuse(
            "A jvp rule with a tangent of another shape",
            "f = custom_jvp(lambda x: x)\n\n@f.defjvp\ndef rule(primals, tangents):\n"
            "    return primals[0], jnp.ones(2)\n\ngrad(f)(1.0)",
            ["f32[]", "f32[2]", "tangent"],
        ),
        Misuse(
            "A jvp rule with a tangent of another structure",
            "f = custom_jvp(lambda x: x)\n\n@f.defjvp\ndef rule(primals, tangents):\n"
            "    return primals[0], tangents\n\njvp(f, (1.0,), (1.0,))",
            ["PyTreeDef(*)", "PyTreeDef((*,))"],
        ),
        Misuse(
            "A fwd that returns no pair",
            "f = custom_vjp(lambda x: x)\nf.defvjp(lambda x: x, lambda residuals, g: (g,))\n"
            "grad(f)(1.0)",
            ["fwd rule", "pair (output, residuals)"],
        ),
        Misuse(
            "A bwd that returns no tuple",
            "f = custom_vjp(lambda x: x)\n"
            "f.defvjp(lambda x: (x, None), lambda residuals, g: g)\ngrad(f)(1.0)",
            ["bwd rule", "PyTreeDef((*,))", "(ct,) for one"],
        ),
        Misuse(
            "A bwd with a cotangent too many",
            "f = custom_vjp(lambda x: x)\n"
            "f.defvjp(lambda x: (x, None), lambda residuals, g: (g, g))\ngrad(f)(1.0)",
            ["PyTreeDef((*, *))", "PyTreeDef((*,))"],
        ),
        Misuse(
            "A bwd with a cotangent of another shape",
            "f = custom_vjp(lambda x: x)\n"
            "f.defvjp(lambda x: (x, None), lambda residuals, g: (jnp.ones(2),))\n"
            "grad(f)(1.0)",
            ["f32[2] for x, of type f32[]"],
        ),
        Misuse(
            "Forward mode through custom_vjp",
            "f = custom_vjp(lambda x: x)\n"
            "f.defvjp(lambda x: (x, None), lambda residuals, g: (g,))\n"
            "jvp(f, (1.0,), (1.0,))",
            ["forward mode", "custom_jvp"],
        ),
        Misuse(
            "checkpoint with a static argument that is not there",
            "checkpoint(lambda x, n: x, static_argnums=5)(1.0, 2)",
            ["static_argnums=(5,)", "2 positional"],
        ),
        Misuse(
            "if in a checkpointed function",
            "grad(checkpoint(lambda x: x if x > 0 else -x))(1.0)",
            ["truth value", "bool[]"],
        ),
    ],
)

CALLBACKS = Group(
    "Callbacks",
    "A program does not know what a Python function that it calls does: its types are promised, "
    "its derivative and its batches are not.",
    [
        Misuse(
            "A result of another shape",
            'pure_callback(lambda x: np.ones(2, "float32"), jnp.ones(3), 1.0)',
            ["f32[2]", "f32[3]", "ShapeDtypeStruct"],
        ),
        Misuse(
            "A string as the result",
            'jit(lambda x: pure_callback(lambda x: "a", x, x))(1.0)',
            ["callback", "f32[]"],
        ),
        Misuse(
            "The gradient of a callback",
            "grad(lambda x: pure_callback(np.sin, x, x))(1.0)",
            ["derivative of a pure_callback", "custom_jvp"],
        ),
        Misuse(
            "A batch for a callback",
            "vmap(lambda x: pure_callback(np.sin, x, x))(jnp.ones(3))",
            ["vmap of a pure_callback", "vmap_method", "'sequential'"],
        ),
    ],
)

COLLECTIVES = Group(
    "Named axes",
    "A collective goes by the name that a `vmap` around it gives to its axis.",
    [
        Misuse(
            "A name that no vmap gives",
            'lax.psum(1.0, "batch")',
            ["lax.psum", "'batch'", "axis_name='batch'"],
        ),
        Misuse(
            "Another name than the vmap's",
            'vmap(lambda x: lax.psum(x, "j"), axis_name="i")(jnp.ones(3))',
            ["unbound axis name: j"],
        ),
        Misuse(
            "An index along no axis",
            'lax.axis_index("batch")',
            ["lax.axis_index", "'batch'"],
        ),
        Misuse(
            "all_to_all of another size",
            'vmap(lambda x: lax.all_to_all(x, "i", 0, 0), axis_name="i")(jnp.ones((3, 2)))',
            ["f32[2]", "size 3"],
        ),
    ],
)

GROUPS = [RULES, CALLBACKS, COLLECTIVES]
