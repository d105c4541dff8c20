"""grad, jvp, vjp, vmap and their kin, given what they cannot transform."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

GRADIENTS = Group(
    "Gradients",
    "A gradient is of one real number, with respect to floating point arguments.",
    [
        Misuse(
            "The gradient of an array",
            "grad(lambda x: x * 2)(jnp.ones(3))",
            ["grad of <lambda>", "f32[3]", "one number", "jacrev"],
        ),
        Misuse(
            "The gradient of a pair",
            "grad(lambda x: (x, x))(1.0)",
            ["grad of <lambda>", "PyTreeDef((*, *))", "has_aux=True"],
        ),
        Misuse(
            "The gradient of nothing: a return is missing",
            "def loss(w):\n    jnp.sum(w)\n\ngrad(loss)(jnp.ones(3))",
            ["grad of loss", "PyTreeDef(None)"],
        ),
        Misuse(
            "With respect to an integer",
            "grad(lambda x: x * 2.0)(3)",
            ["argument x of <lambda>", "i32[]", "x.astype(jnp.float32)", "allow_int"],
        ),
        Misuse(
            "With respect to an integer in a tree",
            'def loss(params, x):\n    return params["w"] * x\n\n'
            'grad(loss)({"w": jnp.arange(3)}, 2.0)',
            ["argument params['w'] of loss", "i32[3]"],
        ),
        Misuse(
            "With respect to a string",
            "grad(lambda cfg: 1.0)({'name': 'a'})",
            ["argument cfg['name'] of <lambda>", "'a' of type str", "static_argnums"],
        ),
        Misuse(
            "A result that is an integer",
            "grad(lambda x: x.astype(int))(3.0)",
            ["i32[]", "floating point", "astype"],
        ),
        Misuse(
            "A result that is complex",
            "grad(lambda x: x * 2)(1j)",
            ["c64[]", "ambiguous", "holomorphic=True"],
        ),
        Misuse(
            "holomorphic=True with real arguments",
            "grad(lambda x: x * 2, holomorphic=True)(1.0)",
            ["f32[]", "x.astype(jnp.complex64)"],
        ),
        Misuse(
            "argnums that the call does not have",
            "grad(lambda x: x, argnums=2)(1.0)",
            ["argnums=2", "1 positional arguments", "argnums=(0,)"],
        ),
        Misuse(
            "argnums by name",
            'grad(lambda x: x, argnums="x")(1.0)',
            ["argnums='x'", "by number"],
        ),
        Misuse(
            "argnums named twice",
            "grad(lambda x, y: x * y, argnums=(0, 0))(2.0, 3.0)",
            ["argnums=(0, 0)", "twice"],
        ),
        Misuse(
            "All arguments by keyword",
            "grad(lambda x: x)(x=1.0)",
            ["argnums=0", "0 positional arguments", "by position"],
        ),
        Misuse(
            "has_aux without a pair",
            "grad(lambda x: x, has_aux=True)(1.0)",
            ["has_aux=True", "f32[]", "pair"],
        ),
        Misuse(
            "The gradient of a number",
            "grad(3.0)",
            ["grad(f)", "f = 3.0 of type float"],
        ),
        Misuse(
            "value_and_grad of an array",
            "value_and_grad(lambda x: x)(jnp.ones(2))",
            ["f32[2]", "one number"],
        ),
        Misuse(
            "A Jacobian with respect to an integer",
            "jacfwd(lambda x: x * 2)(3)",
            ["jacfwd of <lambda>", "i32[]"],
        ),
        Misuse(
            "A Jacobian with respect to an argument that is not there",
            "jacrev(lambda x: x, argnums=1)(1.0)",
            ["jacrev of <lambda>", "argnums=1"],
        ),
        Misuse(
            "A Hessian of no function",
            "jacrev(3)",
            ["jacrev(f)", "f = 3"],
        ),
    ],
)

DIRECTIONS = Group(
    "Tangents and cotangents",
    "A tangent has the structure, shape and dtype of its primal, a cotangent of its result.",
    [
        Misuse(
            "Primals that are no tuple",
            "jvp(lambda x: x, 1.0, 1.0)",
            ["primals of type float", "jvp(f, (x,), (dx,))"],
        ),
        Misuse(
            "A tangent of another dtype",
            "jvp(lambda x: x, (1.0,), (1,))",
            ["f32[]", "i32[]", "tangent"],
        ),
        Misuse(
            "A tangent of another shape",
            "jvp(lambda x: x, (jnp.ones(3),), (jnp.ones(4),))",
            ["f32[3]", "f32[4]"],
        ),
        Misuse(
            "A tangent of another structure",
            "jvp(lambda x: x, (1.0,), ((1.0, 2.0),))",
            ["PyTreeDef", "each primal leaf needs a tangent"],
        ),
        Misuse(
            "A cotangent of another structure",
            "y, pull_back = vjp(lambda x: x, 1.0)\npull_back((1.0, 2.0))",
            ["cotangent of structure", "PyTreeDef((*, *))", "tree.map(jnp.ones_like, out)"],
        ),
        Misuse(
            "A cotangent of another shape",
            "y, pull_back = vjp(lambda x: x, jnp.ones(3))\npull_back(jnp.ones(4))",
            ["f32[4]", "f32[3]", "jnp.ones((3,), 'float32')"],
        ),
        Misuse(
            "A cotangent of another dtype",
            "y, pull_back = vjp(lambda x: x, 1.0)\npull_back(1)",
            ["i32[]", "f32[]"],
        ),
        Misuse(
            "The linear part of linearize, on another shape",
            "y, push = linearize(jnp.sin, 1.0)\npush(jnp.ones(3))",
            ["f32[]", "f32[3]"],
        ),
        Misuse(
            "The linear part of linearize, without a tangent",
            "y, push = linearize(jnp.sin, 1.0)\npush()",
            ["PyTreeDef", "tangents with the primals' structure"],
        ),
        Misuse(
            "linear_transpose, of another shape",
            "linear_transpose(lambda x: 2 * x, 1.0)(jnp.ones(2))",
            ["linear_transpose", "f32[2]", "f32[]"],
        ),
        Misuse(
            "linear_transpose, of another structure",
            "linear_transpose(lambda x: 2 * x, 1.0)((1.0,))",
            ["linear_transpose", "structure"],
        ),
    ],
)

BATCHES = Group(
    "vmap",
    "All mapped axes have one size, and `in_axes` says where they are.",
    [
        Misuse(
            "Axes of two sizes",
            'def f(x, y):\n    return x + y["b"]\n\nvmap(f)(jnp.ones(3), {"b": jnp.ones((4, 2))})',
            [
                "x: f32[3] has size 3 along axis 0",
                "y['b']: f32[4,2] has size 4 along axis 0",
                "in_axes with None",
            ],
        ),
        Misuse(
            "A keyword argument of another size",
            "vmap(lambda x, *, k: x + k)(jnp.ones(3), k=jnp.ones(2))",
            ["x: f32[3] has size 3", "k: f32[2] has size 2"],
        ),
        Misuse(
            "An axis that the array does not have",
            "vmap(lambda x: x, in_axes=2)(jnp.ones((3, 4)))",
            ["axis 2 in in_axes", "2 dimensions"],
        ),
        Misuse(
            "A number mapped",
            "vmap(lambda x: x)(1.0)",
            ["0 dimensions", "no axis"],
        ),
        Misuse(
            "in_axes for fewer arguments",
            "vmap(lambda x, y: x, in_axes=(0,))(jnp.ones(3), jnp.ones(3))",
            ["in_axes=(0,) with 1 entries and 2 positional", "in_axes=(0, 0)"],
        ),
        Misuse(
            "in_axes of another structure",
            'vmap(lambda d: d["b"], in_axes=({"a": 0},))({"b": jnp.ones(3)})',
            ["in_axes=({'a': 0},)", "keys ['a']", "keys ['b']", "prefix"],
        ),
        Misuse(
            "in_axes that is no axis",
            'vmap(lambda x: x, in_axes="0")',
            ["in_axes='0'"],
        ),
        Misuse(
            "in_axes between two axes",
            "vmap(lambda x: x, in_axes=(0.5,))(jnp.ones(3))",
            ["the entry 0.5", "axes are ints"],
        ),
        Misuse(
            "Nothing mapped",
            "vmap(lambda x: x, in_axes=None)(jnp.ones(3))",
            ["no argument with a mapped axis", "axis_size"],
        ),
        Misuse(
            "out_axes=None for what differs",
            "vmap(lambda x: x, out_axes=None)(jnp.ones(3))",
            ["out_axes=None", "differs between examples"],
        ),
        Misuse(
            "out_axes beyond the result's",
            "vmap(lambda x: x, out_axes=3)(jnp.ones(3))",
            ["axis 3 in out_axes"],
        ),
        Misuse(
            "out_axes of another structure",
            "vmap(lambda x: (x, x), out_axes=(0, 0, 0))(jnp.ones(3))",
            ["out_axes=(0, 0, 0)", "length 3", "length 2", "prefix"],
        ),
        Misuse(
            "axis_size against an argument",
            "vmap(lambda x: x, axis_size=4)(jnp.ones(3))",
            ["x: f32[3] has size 3", "axis_size=4"],
        ),
        Misuse(
            "A string returned",
            'vmap(lambda x: "a")(jnp.ones(3))',
            ["the result of <lambda>", "'a' of type str"],
        ),
    ],
)

GROUPS = [GRADIENTS, DIRECTIONS, BATCHES]
