"""Indices, and the slices of lax."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

INDICES = Group(
    "Indexing",
    "Indices are integers, slices, `...`, `None`, and arrays of integers or booleans. Arrays never "
    "change.",
    [
        Misuse(
            "Assignment",
            "x = jnp.ones(3)\nx[0] = 1.0",
            ["x[index] = value", "f32[3]", "immutable", "x = x.at[index].set(value)"],
        ),
        Misuse(
            "Assignment in place",
            "x = jnp.ones(3)\nx[0] += 1.0",
            ["f32[3]", "immutable", "x.at[index]"],
        ),
        Misuse(
            "Assignment under jit",
            "@jit\ndef f(x):\n    x[0] = 1.0\n    return x\n\nf(jnp.ones(3))",
            ["f32[3]", "x.at[index].set(value)"],
        ),
        Misuse(
            "Assignment to x.at",
            "x = jnp.ones(3)\nx.at[0] = 1.0",
            ["x.at[index] = value", "f32[3]", "x = x.at[index].set(value)"],
        ),
        Misuse(
            "A float",
            "jnp.arange(3.0)[1.5]",
            ["1.5", "float", "astype(int)"],
        ),
        Misuse(
            "A string",
            'jnp.ones(3)["a"]',
            ["'a'", "str"],
        ),
        Misuse(
            "A list",
            "jnp.arange(3.0)[[0, 1]]",
            ["[0, 1]", "a list", "jnp.array(index)"],
        ),
        Misuse(
            "An array of floats",
            "jnp.ones(3)[jnp.array([0.5])]",
            ["f32[1]", "float32", "astype(int)"],
        ),
        Misuse(
            "More indices than axes",
            "jnp.ones(3)[0, 0]",
            ["(3,)", "(0, 0)", "2 axes"],
        ),
        Misuse(
            "An index into a number",
            "jnp.array(1.0)[0]",
            ["()", "0 axes"],
        ),
        Misuse(
            "Two ellipses",
            "jnp.ones((2, 3))[..., ...]",
            ["2 ellipses", "room for one"],
        ),
        Misuse(
            "A slice from a float",
            "jnp.ones(4)[4 / 2 :]",
            ["2.0:", "start // 2"],
        ),
        Misuse(
            "A slice in steps of 0",
            "jnp.ones(4)[::0]",
            ["::0", "not 0"],
        ),
        Misuse(
            "A mask of another size",
            "jnp.ones(3)[jnp.array([True, False])]",
            ["(3,)", "(2,)", "x[x > 0]"],
        ),
        Misuse(
            "Two arrays that do not broadcast",
            "jnp.ones((3, 3))[jnp.array([0, 1]), jnp.array([0, 1, 2])]",
            ["(2,)", "(3,)", "broadcast"],
        ),
        Misuse(
            "An update of another shape",
            "jnp.ones(3).at[0].set(jnp.ones(2))",
            ["f32[2]", "x.at[i].set(y)"],
        ),
        Misuse(
            "A mode that there is not",
            'jnp.ones(3).at[5].set(1.0, mode="ignore")',
            ["mode='ignore'", "'drop'"],
        ),
        Misuse(
            "take from a list of places",
            "jnp.take(jnp.ones(3), [0, 1])",
            ["jnp.take", "list", "jnp.array"],
        ),
        Misuse(
            "take at floats",
            "jnp.take(jnp.ones(3), jnp.array([0.5]))",
            ["jnp.take", "f32[1]", "astype(int)"],
        ),
        Misuse(
            "take_along_axis of another rank",
            "jnp.take_along_axis(jnp.ones((2, 3)), jnp.array([0, 1]), axis=0)",
            ["f32[2,3]", "i32[2]", "jnp.take"],
        ),
        Misuse(
            "delete what is not there",
            "jnp.delete(jnp.ones(3), 5)",
            ["jnp.delete", "place 5", "-3 to 2"],
        ),
        Misuse(
            "where with one choice",
            "jnp.where(jnp.ones(3) > 0, 1.0)",
            ["jnp.where", "one of x and y", "size=n"],
        ),
        Misuse(
            "select with fewer conditions",
            "jnp.select([True], [1.0, 2.0])",
            ["1 conditions and 2 choices"],
        ),
        Misuse(
            "dynamic_slice larger than the array",
            "lax.dynamic_slice(jnp.ones(3), (0,), (4,))",
            ["f32[3]", "(4,)"],
        ),
        Misuse(
            "dynamic_slice with a place too many",
            "lax.dynamic_slice(jnp.ones(3), (0, 0), (2,))",
            ["2 places", "f32[3]"],
        ),
        Misuse(
            "dynamic_update_slice larger than the array",
            "lax.dynamic_update_slice(jnp.ones(3), jnp.ones(4), (0,))",
            ["f32[4]", "f32[3]"],
        ),
        Misuse(
            "dynamic_index_in_dim along no axis",
            "lax.dynamic_index_in_dim(jnp.ones(3), 0, axis=2)",
            ["axis 2"],
        ),
        Misuse(
            "slice beyond the end",
            "lax.slice(jnp.ones(3), (0,), (4,))",
            ["f32[3]", "limit_indices=(4,)", "x[start:limit:stride]"],
        ),
        Misuse(
            "slice backwards",
            "lax.slice(jnp.ones(3), (2,), (1,))",
            ["f32[3]", "start_indices=(2,)"],
        ),
        Misuse(
            "slice of more axes",
            "lax.slice(jnp.ones(3), (0, 0), (1, 1))",
            ["f32[3]", "1 axes", "slice_in_dim"],
        ),
    ],
)

GROUPS = [INDICES]
