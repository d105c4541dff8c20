"""Shapes and axes."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

SHAPES = Group(
    "Shapes",
    "Shapes broadcast as in NumPy: aligned at their ends, sizes are equal or 1. `lax` broadcasts "
    "nothing.",
    [
        Misuse(
            "A sum of two sizes",
            "jnp.ones(3) + jnp.ones(4)",
            ["jnp.add", "(3,)", "(4,)", "x[:, None]"],
        ),
        Misuse(
            "A product of rows and columns",
            "jnp.ones((3, 2)) * jnp.ones(3)",
            ["jnp.multiply", "(3, 2)", "(3,)"],
        ),
        Misuse(
            "A sum of two ranks in lax",
            "lax.add(jnp.ones((2, 3)), jnp.ones(3))",
            ["lax.add", "(2, 3)", "(3,)", "broadcast_to"],
        ),
        Misuse(
            "A matrix product",
            "jnp.ones((3, 4)) @ jnp.ones((3, 4))",
            ["f32[3,4]", "size 4", "size 3", ".T"],
        ),
        Misuse(
            "A matrix product with a number",
            "jnp.ones(3) @ 2.0",
            ["jnp.matmul", "f32[3]", "x * y"],
        ),
        Misuse(
            "dot in lax",
            "lax.dot(jnp.ones((2, 3)), jnp.ones((2, 3)))",
            ["lax.dot", "f32[2,3]", "y.T"],
        ),
        Misuse(
            "einsum of two sizes",
            'jnp.einsum("ij,jk->ik", jnp.ones((2, 3)), jnp.ones((2, 3)))',
            ["axis 'j'", "sizes 3 and 2"],
        ),
        Misuse(
            "einsum with a letter too many",
            'jnp.einsum("ijk", jnp.ones((2, 3)))',
            ["'ijk'", "2 axes"],
        ),
        Misuse(
            "einsum with a term too many",
            'jnp.einsum("ij,jk", jnp.ones((2, 3)))',
            ["1 operands for 2 terms"],
        ),
        Misuse(
            "tensordot over more axes than there are",
            "jnp.tensordot(jnp.ones((2, 3)), jnp.ones((2, 3)), axes=5)",
            ["axes=5", "f32[2,3]"],
        ),
        Misuse(
            "concatenate",
            "jnp.concatenate([jnp.ones((2, 3)), jnp.ones((2, 4))])",
            ["f32[2,3]", "f32[2,4]"],
        ),
        Misuse(
            "concatenate numbers",
            "jnp.concatenate([1.0, 2.0])",
            ["f32[]", "jnp.stack"],
        ),
        Misuse(
            "concatenate nothing",
            "jnp.concatenate([])",
            ["no arrays"],
        ),
        Misuse(
            "stack of two sizes",
            "jnp.stack([jnp.ones(2), jnp.ones(3)])",
            ["f32[2]", "f32[3]", "jnp.concatenate"],
        ),
        Misuse(
            "stack of one number",
            "jnp.stack(3)",
            ["3 of type int", "jnp.stack([x, y])"],
        ),
        Misuse(
            "broadcast_to",
            "jnp.broadcast_to(jnp.ones(3), (4,))",
            ["f32[3]", "(4,)"],
        ),
        Misuse(
            "reshape to another size",
            "jnp.ones(3).reshape(2, 2)",
            ["f32[3]", "3 elements in, 4 out"],
        ),
        Misuse(
            "reshape with -1 that does not divide",
            "jnp.ones(4).reshape(-1, 3)",
            ["f32[4]", "(-1, 3)"],
        ),
        Misuse(
            "reshape with -1 twice",
            "jnp.ones(4).reshape(-1, -1)",
            ["jnp.reshape", "-1"],
        ),
        Misuse(
            "reshape to a float",
            "jnp.ones(4).reshape(4 / 2, 2)",
            ["(2.0, 2)", "float", "integers"],
        ),
        Misuse(
            "reshape in lax to another size",
            "lax.reshape(jnp.ones(4), (3,))",
            ["lax.reshape", "f32[4]", "4 elements in, 3 out"],
        ),
        Misuse(
            "reshape in lax with -1",
            "lax.reshape(jnp.ones(4), (2, -1))",
            ["lax.reshape", "-1", "x.reshape"],
        ),
        Misuse(
            "reshape in lax, dimensions twice",
            "lax.reshape(jnp.ones((2, 2)), (4,), dimensions=(0, 0))",
            ["f32[2,2]", "(0, 0)"],
        ),
        Misuse(
            "split into uneven parts",
            "jnp.split(jnp.ones(5), 2)",
            ["f32[5]", "2 parts", "jnp.array_split"],
        ),
        Misuse(
            "split into no parts",
            "jnp.split(jnp.ones(5), 0)",
            ["f32[5]", "0 parts"],
        ),
        Misuse(
            "repeat by two numbers",
            "jnp.repeat(jnp.ones(3), jnp.array([1, 2]))",
            ["f32[3]", "one for each of the 3"],
        ),
        Misuse(
            "repeat a negative number of times",
            "jnp.repeat(jnp.ones(3), -1)",
            ["jnp.repeat", "(-1,)"],
        ),
        Misuse(
            "pad by a negative width",
            "jnp.pad(jnp.ones(3), -1)",
            ["pad_width=-1"],
        ),
        Misuse(
            "pad for more axes",
            "jnp.pad(jnp.ones(3), ((1, 2), (3, 4)))",
            ["(2, 2)"],
        ),
        Misuse(
            "A negative size",
            "jnp.zeros((2, -1))",
            ["jnp.zeros", "(2, -1)"],
        ),
        Misuse(
            "A negative size of eye",
            "jnp.eye(-1)",
            ["jnp.eye", "negative"],
        ),
        Misuse(
            "A size that is a float",
            "jnp.zeros(5 / 2)",
            ["2.5", "float", "integers"],
        ),
        Misuse(
            "A size of iota below 0",
            "lax.iota(int, -1)",
            ["iota", "-1"],
        ),
        Misuse(
            "linspace of fewer than no numbers",
            "jnp.linspace(0, 1, -1)",
            ["jnp.linspace", "-1"],
        ),
        Misuse(
            "arange in steps of 0",
            "jnp.arange(1, 2, 0)",
            ["jnp.arange(1, 2, 0)", "step of 0"],
        ),
        Misuse(
            "average with other weights",
            "jnp.average(jnp.ones(3), weights=jnp.ones(2))",
            ["f32[3]", "(2,)"],
        ),
        Misuse(
            "A convolution with other features",
            'lax.conv(jnp.ones((1, 2, 5)), jnp.ones((1, 3, 3)), (1,), "SAME")',
            ["f32[1,2,5]", "f32[1,3,3]"],
        ),
    ],
)

AXES = Group(
    "Axes",
    "An array of n axes has the axes 0 to n - 1, and -n to -1 counted from the end.",
    [
        Misuse(
            "An axis that there is not",
            "jnp.sum(jnp.ones(3), axis=1)",
            ["jnp.sum", "axis 1", "1 axes"],
        ),
        Misuse(
            "A mean along no axis",
            "jnp.mean(jnp.ones(3), axis=3)",
            ["jnp.mean", "axis 3"],
        ),
        Misuse(
            "argmax along no axis",
            "jnp.argmax(jnp.ones(3), axis=2)",
            ["jnp.argmax", "axis 2"],
        ),
        Misuse(
            "An axis that is a float",
            "jnp.ones(3).sum(axis=1.5)",
            ["1.5", "float", "axis=0"],
        ),
        Misuse(
            "An axis twice",
            "jnp.sum(jnp.ones((2, 3)), axis=(0, 0))",
            ["(0, 0)", "twice"],
        ),
        Misuse(
            "swapaxes",
            "jnp.swapaxes(jnp.ones((2, 3)), 0, 5)",
            ["jnp.swapaxes", "axis 5", "2 axes"],
        ),
        Misuse(
            "moveaxis",
            "jnp.moveaxis(jnp.ones((2, 3)), 0, 5)",
            ["jnp.moveaxis", "axis 5"],
        ),
        Misuse(
            "moveaxis of two to one place",
            "jnp.moveaxis(jnp.ones((2, 3)), (0, 1), 0)",
            ["2 axes, 1 places"],
        ),
        Misuse(
            "transpose with an axis twice",
            "jnp.ones((2, 3)).transpose(0, 0)",
            ["f32[2,3]", "(0, 0)"],
        ),
        Misuse(
            "transpose with an axis missing",
            "lax.transpose(jnp.ones((2, 3)), (0,))",
            ["f32[2,3]", "(0,)"],
        ),
        Misuse(
            "squeeze of an axis that is not 1",
            "jnp.squeeze(jnp.ones((2, 3)), axis=0)",
            ["f32[2,3]", "size 1"],
        ),
        Misuse(
            "expand_dims at one place twice",
            "jnp.expand_dims(jnp.ones(3), (0, 0))",
            ["(0, 0)", "twice"],
        ),
        Misuse(
            "concatenate along no axis",
            "jnp.concatenate([jnp.ones(2), jnp.ones(2)], axis=1)",
            ["jnp.concatenate", "axis 1"],
        ),
        Misuse(
            "split along no axis",
            "jnp.split(jnp.ones(4), 2, axis=1)",
            ["jnp.split", "axis 1"],
        ),
        Misuse(
            "rev twice",
            "lax.rev(jnp.ones(3), (0, 0))",
            ["f32[3]", "(0, 0)"],
        ),
        Misuse(
            "top_k of more than there are",
            "lax.top_k(jnp.ones(3), 5)",
            ["f32[3]", "k=5", "lax.top_k(x, 3)"],
        ),
        Misuse(
            "The greatest of nothing",
            "jnp.max(jnp.ones(0))",
            ["f32[0]", "no elements", "initial"],
        ),
        Misuse(
            "The length of a number",
            "len(jnp.array(1.0))",
            ["len()", "f32[]", "x[None]"],
        ),
    ],
)

GROUPS = [SHAPES, AXES]
