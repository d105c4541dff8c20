"""Loops and branches; matrices."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

LOOPS = Group(
    "Loops",
    "A loop's carry has one structure and one type for all steps.",
    [
        Misuse(
            "scan over a number",
            "lax.scan(lambda c, x: (c, x), 0.0, 3)",
            ["lax.scan of <lambda>", "i32[]", "leading axis"],
        ),
        Misuse(
            "scan with a body that returns no pair",
            "lax.scan(lambda c, x: c, 0.0, jnp.ones(3))",
            ["returns f32[]", "return carry, y"],
        ),
        Misuse(
            "scan over arrays of two lengths",
            "lax.scan(lambda c, x: (c, x), 0.0, (jnp.ones(3), jnp.ones(4)))",
            ["xs[0]: f32[3] has 3 rows", "xs[1]: f32[4] has 4 rows"],
        ),
        Misuse(
            "scan of another length",
            "lax.scan(lambda c, x: (c, x), 0.0, jnp.ones(3), length=4)",
            ["f32[3]", "length=4"],
        ),
        Misuse(
            "scan of no length",
            "lax.scan(lambda c, x: (c, x), 0.0)",
            ["no length", "length=10"],
        ),
        Misuse(
            "scan of a length that is traced",
            "jit(lambda n: lax.scan(lambda c, _: (c, None), 0.0, length=n))(3)",
            ["traced length", "i32[]", "fori_loop"],
        ),
        Misuse(
            "scan with a carry that changes its structure",
            "def step(total, x):\n    return (total, x), x\n\nlax.scan(step, 0.0, jnp.ones(3))",
            ["lax.scan of step", "total, a leaf", "tuple of length 2"],
        ),
        Misuse(
            "scan with a carry that changes its shape",
            "def step(total, x):\n    return jnp.stack([total, x]), x\n\n"
            "lax.scan(step, 0.0, jnp.ones(3))",
            ["total of type f32[] comes back as f32[2]", "jnp.zeros((2,), 'float32')"],
        ),
        Misuse(
            "scan of no function",
            "lax.scan(3, 0.0, jnp.ones(3))",
            ["f = 3 of type int"],
        ),
        Misuse(
            "scan that stacks a string",
            'lax.scan(lambda c, x: (c, "a"), 0.0, jnp.ones(3))',
            ["'a' of type str"],
        ),
        Misuse(
            "scan that starts with a string",
            'lax.scan(lambda c, x: (c, x), "a", jnp.ones(3))',
            ["the carry init", "'a' of type str"],
        ),
        Misuse(
            "if in the body of scan",
            "lax.scan(lambda c, x: (c if c > 0 else x, x), 0.0, jnp.ones(3))",
            ["truth value", "lax.scan of <lambda>", "jnp.where"],
        ),
        Misuse(
            "fori_loop with a carry that changes its structure",
            "lax.fori_loop(0, 3, lambda i, x: (x, x), 0.0)",
            ["lax.fori_loop", "tuple of length 2"],
        ),
        Misuse(
            "fori_loop from a float",
            "lax.fori_loop(0.5, 3, lambda i, x: x, 0.0)",
            ["f32[]", "i32[]"],
        ),
        Misuse(
            "while_loop with a condition that is a number",
            "lax.while_loop(lambda x: 3 - x, lambda x: x + 1, 0)",
            ["i32[]", "x != 0"],
        ),
        Misuse(
            "while_loop with a condition for each element",
            "lax.while_loop(lambda x: x < 3, lambda x: x + 1, jnp.zeros(2))",
            ["bool[2]", "c.any() or c.all()"],
        ),
        Misuse(
            "while_loop with a carry that changes its structure",
            "lax.while_loop(lambda x: x < 3, lambda x: (x, x), 0.0)",
            ["lax.while_loop", "tuple of length 2"],
        ),
        Misuse(
            "The gradient of while_loop",
            "def f(x):\n    return lax.while_loop(lambda x: x < 3, lambda x: x * 2, x)\n\n"
            "grad(f)(1.0)",
            ["reverse-mode", "lax.scan", "jvp"],
        ),
        Misuse(
            "The gradient of fori_loop with a traced bound",
            "def f(x, n):\n    return lax.fori_loop(0, n, lambda i, x: x * 2, x)\n\n"
            "jit(grad(f))(1.0, 3)",
            ["reverse-mode", "Python ints"],
        ),
        Misuse(
            "associative_scan along no axis",
            "lax.associative_scan(jnp.add, jnp.ones(3), axis=2)",
            ["lax.associative_scan", "axis 2", "f32[3]"],
        ),
    ],
)

BRANCHES = Group(
    "Branches",
    "Which branch is run is not known while tracing, so all return the same types.",
    [
        Misuse(
            "cond with results of two structures",
            "lax.cond(True, lambda x: x, lambda x: (x, x), 1.0)",
            ["true_fun", "false_fun", "tuple of length 2"],
        ),
        Misuse(
            "cond with results of two dtypes",
            "lax.cond(True, lambda x: x, lambda x: 1, 1.0)",
            ["f32[]", "i32[]", "astype('float32')"],
        ),
        Misuse(
            "cond with results of two shapes",
            "lax.cond(True, lambda x: x, lambda x: jnp.ones(2), 1.0)",
            ["f32[]", "f32[2]"],
        ),
        Misuse(
            "cond for each element",
            "lax.cond(jnp.ones(2) > 0, lambda x: x, lambda x: -x, 1.0)",
            ["bool[2]", "jnp.where"],
        ),
        Misuse(
            "cond by a string",
            'lax.cond("yes", lambda x: x, lambda x: -x, 1.0)',
            ["'yes' of type str"],
        ),
        Misuse(
            "cond with a branch that is no function",
            "lax.cond(True, lambda x: x, 3, 1.0)",
            ["false_fun = 3 of type int"],
        ),
        Misuse(
            "cond of a string",
            'lax.cond(True, lambda x: x, lambda x: x, "a")',
            ["operands[0]", "'a' of type str"],
        ),
        Misuse(
            "switch without branches",
            "lax.switch(0, [], 1.0)",
            ["no branches"],
        ),
        Misuse(
            "switch by a float",
            "lax.switch(1.5, [lambda x: x, lambda x: -x], 1.0)",
            ["f32[]", "counts the branches"],
        ),
        Misuse(
            "switch for each element",
            "lax.switch(jnp.array([0]), [lambda x: x, lambda x: -x], 1.0)",
            ["i32[1]", "vmap"],
        ),
    ],
)

MATRICES = Group(
    "Matrices and transforms of Fourier's",
    "Leading axes count matrices.",
    [
        Misuse(
            "The inverse of a vector",
            "jnp.linalg.inv(jnp.ones(3))",
            ["jnp.linalg.inv", "f32[3]", "square"],
        ),
        Misuse(
            "The inverse of what is not square",
            "jnp.linalg.inv(jnp.ones((2, 3)))",
            ["f32[2,3]", "pinv"],
        ),
        Misuse(
            "The determinant of what is not square",
            "jnp.linalg.det(jnp.ones((2, 3)))",
            ["jnp.linalg.det", "f32[2,3]"],
        ),
        Misuse(
            "A system that is not square",
            "jnp.linalg.solve(jnp.ones((2, 3)), jnp.ones(2))",
            ["f32[2,3]", "lstsq"],
        ),
        Misuse(
            "A right side of another length",
            "jnp.linalg.solve(jnp.ones((2, 2)), jnp.ones(3))",
            ["f32[2,2]", "f32[3]"],
        ),
        Misuse(
            "Cholesky of what is not square",
            "jnp.linalg.cholesky(jnp.ones((2, 3)))",
            ["cholesky", "(2, 3)"],
        ),
        Misuse(
            "A norm that there is not",
            'jnp.linalg.norm(jnp.ones(3), ord="max")',
            ["ord='max'", "jnp.inf"],
        ),
        Misuse(
            "Half a power of a matrix",
            "jnp.linalg.matrix_power(jnp.ones((2, 2)), 1.5)",
            ["1.5", "f32[2,2]"],
        ),
        Misuse(
            "Singular values of a vector",
            "jnp.linalg.svd(jnp.ones(3))",
            ["f32[3]", "x[:, None]"],
        ),
        Misuse(
            "fft along no axis",
            "jnp.fft.fft(jnp.ones(3), axis=2)",
            ["jnp.fft.fft", "axis 2"],
        ),
        Misuse(
            "rfft of complex numbers",
            "jnp.fft.rfft(jnp.ones(3, complex))",
            ["c64[3]", "x.real"],
        ),
        Misuse(
            "A norm of fft's that there is not",
            'jnp.fft.fft(jnp.ones(3), norm="unit")',
            ["norm='unit'", "ortho"],
        ),
    ],
)

GROUPS = [LOOPS, BRANCHES, MATRICES]
