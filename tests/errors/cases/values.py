"""Dtypes, what is no array, and numbers out of arrays."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

DTYPES = Group(
    "Dtypes",
    "`jnp` brings arguments to a dtype that both fit in; `lax` takes equal dtypes, of the kinds "
    "that the operation is for.",
    [
        Misuse(
            "A name that is no dtype",
            'jnp.ones(3, "float31")',
            ["'float31'", "'float32'"],
        ),
        Misuse(
            "An array of objects",
            "jnp.ones(3, dtype=object)",
            ["object", "numbers"],
        ),
        Misuse(
            "An integer of 32 bits that is too large",
            "jnp.int32(2**40)",
            ["1099511627776", "i32", "enable_x64"],
        ),
        Misuse(
            "An unsigned integer below 0",
            "jnp.uint8(-1)",
            ["-1", "u8", "0 .. 255"],
        ),
        Misuse(
            "An array and an integer that is too large",
            "jnp.arange(3) + 2**40",
            ["1099511627776", "i32"],
        ),
        Misuse(
            "A list with an integer that is too large",
            "jnp.array([1, 300], jnp.uint8)",
            ["300", "u8"],
        ),
        Misuse(
            "A sum of two dtypes in lax",
            "lax.add(jnp.ones(3), jnp.arange(3))",
            ["lax.add(f32[3], i32[3])", "different dtypes"],
        ),
        Misuse(
            "The sine of an integer in lax",
            "lax.sin(1)",
            ["sin(i32[])", "floating point", "jnp.float32"],
        ),
        Misuse(
            "& of floats",
            "jnp.ones(3) & jnp.ones(3)",
            ["bitwise_and", "f32[3]", "jnp.int32"],
        ),
        Misuse(
            "~ of floats",
            "~jnp.ones(3)",
            ["bitwise_not", "f32[3]"],
        ),
        Misuse(
            "<< of floats",
            "jnp.ones(3) << 1",
            ["f32[3]", "integers"],
        ),
        Misuse(
            "- between booleans",
            "jnp.array(True) - jnp.array(True)",
            ["jnp.subtract", "bool[]", "logical_xor"],
        ),
        Misuse(
            "- of a boolean",
            "-jnp.array(True)",
            ["jnp.negative", "bool[]", "logical_not"],
        ),
        Misuse(
            "// of complex numbers",
            "jnp.ones(3, complex) // 2",
            ["c64[3]", "no floor"],
        ),
        Misuse(
            "A complex number made of integers",
            "lax.complex(1, 2)",
            ["i32[]", "jnp.float32"],
        ),
        Misuse(
            "A power of integers in lax",
            "lax.pow(1, 1.5)",
            ["pow", "i32[]"],
        ),
        Misuse(
            "A whole power that is not",
            "lax.integer_pow(jnp.ones(3), 1.5)",
            ["1.5", "lax.pow"],
        ),
        Misuse(
            "finfo of integers",
            "jnp.finfo(int)",
            ["jnp.finfo", "jnp.iinfo"],
        ),
        Misuse(
            "iinfo of floats",
            "jnp.iinfo(float)",
            ["jnp.iinfo", "jnp.finfo"],
        ),
        Misuse(
            "Padding of another dtype",
            "lax.pad(jnp.ones(3), 0, [(0, 0, 0)])",
            ["f32[3], i32[]"],
        ),
        Misuse(
            "A condition that is no boolean",
            "lax.select(1.0, jnp.ones(3), jnp.ones(3))",
            ["f32[]", "bool"],
        ),
        Misuse(
            "bincount of floats",
            "jnp.bincount(jnp.ones(3))",
            ["jnp.bincount", "f32[3]", "astype(int)"],
        ),
    ],
)

NO_ARRAYS = Group(
    "What is no array",
    "Functions take arrays and numbers. Lists become arrays by `jnp.array`, and nowhere else.",
    [
        Misuse(
            "A list",
            "jnp.sin([1.0, 2.0])",
            ["jnp.sin", "list", "jnp.array"],
        ),
        Misuse(
            "A list beside an operator",
            "jnp.ones(2) + [1.0, 2.0]",
            ["list", "jnp.array"],
        ),
        Misuse(
            "A list to be summed",
            "jnp.sum([1, 2])",
            ["jnp.sum", "list"],
        ),
        Misuse(
            "A string",
            'jnp.sin("a")',
            ["'a' of type str"],
        ),
        Misuse(
            "None",
            "jnp.sin(None)",
            ["None of type NoneType"],
        ),
        Misuse(
            "None beside a number",
            "jnp.add(1.0, None)",
            ["NoneType"],
        ),
        Misuse(
            "A string as an array",
            'jnp.asarray("a")',
            ["'a' of type str"],
        ),
        Misuse(
            "None in a list",
            "jnp.array([1.0, None])",
            ["None", "jnp.nan"],
        ),
        Misuse(
            "A dict as an array",
            'jnp.array({"a": 1})',
            ["type dict"],
        ),
        Misuse(
            "Lists of unequal lengths",
            "jnp.array([[1, 2], [3]])",
            ["unequal lengths", "rectangular"],
        ),
        Misuse(
            "NumPy's out",
            "jnp.sum(jnp.ones(3), out=np.zeros(()))",
            ["out=", "immutable", "out = jnp.sum(...)"],
        ),
    ],
)

NUMBERS = Group(
    "Numbers and truth out of arrays",
    "`float(x)`, `int(x)` and `if x:` are of one number.",
    [
        Misuse(
            "float of three",
            "float(jnp.ones(3))",
            ["float(x)", "f32[3]", "x.tolist()"],
        ),
        Misuse(
            "int of three",
            "int(jnp.ones(3))",
            ["int(x)", "f32[3]"],
        ),
        Misuse(
            "float of a complex number",
            "float(jnp.array(1j))",
            ["float(x)", "c64[]", "x.real"],
        ),
        Misuse(
            "The truth of three",
            "if jnp.ones(3) > 0:\n    pass",
            ["truth value", "bool[3]", "x.any() or x.all()"],
        ),
        Misuse(
            "The truth of none",
            "bool(jnp.ones(0))",
            ["truth value", "f32[0]", "x.size"],
        ),
        Misuse(
            "range of a float",
            "range(jnp.float32(3))",
            ["Python integer", "f32[]", "int(x)"],
        ),
        Misuse(
            "A list at an array",
            "[1, 2, 3][jnp.array([0])]",
            ["Python integer", "i32[1]"],
        ),
        Misuse(
            ".item() of three",
            "jnp.ones(3).item()",
            ["x.item()", "f32[3]"],
        ),
        Misuse(
            ".item() beyond the end",
            "jnp.ones(3).item(5)",
            ["x.item(5)", "f32[3]", "out of bounds"],
        ),
        Misuse(
            "A format of three",
            'f"{jnp.ones(3):.2f}"',
            ["'.2f'", "f32[3]"],
        ),
        Misuse(
            "A key of a dict",
            "{jnp.ones(3): 1}",
            ["hash", "f32[3]", "tuple(x.tolist())"],
        ),
        Misuse(
            "A loop over a number",
            "list(jnp.array(1.0))",
            ["iteration", "f32[]"],
        ),
        Misuse(
            "Decimals by name",
            'jnp.ones(3).round("two")',
            ["'two'", "jnp.round(x, 2)"],
        ),
    ],
)

GROUPS = [DTYPES, NO_ARRAYS, NUMBERS]
