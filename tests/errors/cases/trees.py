"""Trees, random keys, and the functions of nn."""

from __future__ import annotations

from tests.errors.misuse import Group, Misuse

TREES = Group(
    "Trees",
    "Trees that are walked together have one structure: equal containers, lengths and keys.",
    [
        Misuse(
            "map over two lengths",
            'tree.map(lambda a, b: a, {"a": [1, 2]}, {"a": [1]})',
            ["['a']", "length 2", "length 1"],
        ),
        Misuse(
            "map over two sets of keys",
            'tree.map(lambda a, b: a, {"w": 1}, {"b": 1})',
            ["keys ['w']", "keys ['b']"],
        ),
        Misuse(
            "map over a tuple and a list",
            "tree.map(lambda a, b: a, (1, 2), [1, 2])",
            ["tuple", "list"],
        ),
        Misuse(
            "map over None and a number",
            "tree.map(lambda a, b: a, None, 1)",
            ["None", "is_leaf"],
        ),
        Misuse(
            "map of no function",
            "tree.map(3, [1])",
            ["f = 3 of type int"],
        ),
        Misuse(
            "Too few leaves",
            "tree.unflatten(tree.structure([1, 2]), [1])",
            ["Expected 2 leaves, got 1", "[1]"],
        ),
        Misuse(
            "Too many leaves",
            "tree.unflatten(tree.structure([1, 2]), [1, 2, 3])",
            ["Expected 2 leaves, got 3"],
        ),
        Misuse(
            "A structure that is none",
            'tree.unflatten("a", [1])',
            ["'a'", "tree.structure(x)"],
        ),
        Misuse(
            "Keys that have no order",
            'tree.leaves({1: 1, "a": 2})',
            ["int and str", "OrderedDict"],
        ),
        Misuse(
            "Keys that have no order, to jit",
            'jit(lambda t: t)({1: 1.0, "a": 2.0})',
            ["int and str"],
        ),
        Misuse(
            "is_leaf that says an array",
            "tree.leaves([1], is_leaf=lambda x: jnp.ones(3))",
            ["is_leaf returned", "bool"],
        ),
        Misuse(
            "reduce of nothing",
            "tree.reduce(lambda a, b: a + b, [])",
            ["no leaves", "initializer"],
        ),
        Misuse(
            "transpose of another structure",
            "tree.transpose(tree.structure([1, 2]), tree.structure((1, 2)), [1, 2])",
            ["PyTreeDef([*, *])", "2 leaves, not 4"],
        ),
        Misuse(
            "A type registered twice",
            "tree_util.register_pytree_node(list, lambda x: (x, None), lambda _, x: x)",
            ["list", "already a pytree node"],
        ),
        Misuse(
            "What is no type, registered",
            "tree_util.register_pytree_node(3, None, None)",
            ["3 of type int"],
        ),
    ],
)

RANDOMNESS = Group(
    "Random keys",
    "Every sampler takes a key first, one key, and no key is a number.",
    [
        Misuse(
            "A number for a key",
            "random.normal(0, (3,))",
            ["random.normal", "int", "random.key(0)"],
        ),
        Misuse(
            "No key",
            "random.normal((3,))",
            ["random.normal", "tuple", "random.key(0)"],
        ),
        Misuse(
            "An array of floats for a key",
            "random.normal(jnp.ones(2))",
            ["f32[2]", "uint32[2]"],
        ),
        Misuse(
            "Words that are too many",
            "random.normal(jnp.zeros(3, jnp.uint32))",
            ["u32[3]"],
        ),
        Misuse(
            "Many keys at once",
            "random.normal(random.split(random.key(0)))",
            ["one key", "vmap"],
        ),
        Misuse(
            "Arithmetic with keys",
            "random.key(0) + 1",
            ["key<fry>[]", "no numbers", "random.bits"],
        ),
        Misuse(
            "A sum of keys",
            "jnp.sum(random.split(random.key(0)))",
            ["key<fry>[2]", "random.bits"],
        ),
        Misuse(
            "The sine of a key",
            "jnp.sin(random.key(0))",
            ["key<fry>[]", "random.normal"],
        ),
        Misuse(
            "A key as a NumPy array",
            "np.asarray(random.key(0))",
            ["key<fry>[]", "random.key_data"],
        ),
        Misuse(
            "A key in another dtype",
            "lax.convert_element_type(random.key(0), int)",
            ["key<fry>[]", "random.key_data"],
        ),
        Misuse(
            "float of a key",
            "float(random.key(0))",
            ["key<fry>[]", "random.key_data"],
        ),
        Misuse(
            "The gradient with respect to a key",
            "grad(lambda k: random.normal(k))(random.key(0))",
            ["argument k of", "key<fry>[]"],
        ),
        Misuse(
            "A seed that is a float",
            "random.key(1.5)",
            ["random.key", "f32[]", "integer"],
        ),
        Misuse(
            "Many seeds",
            "random.key(jnp.arange(2))",
            ["i32[2]", "vmap"],
        ),
        Misuse(
            "A generator that there is not",
            'random.key(0, impl="dice")',
            ["impl='dice'", "threefry2x32"],
        ),
        Misuse(
            "Normal integers",
            "random.normal(random.key(0), (3,), int)",
            ["random.normal", "dtype=i32", "float32"],
        ),
        Misuse(
            "Whole floats",
            "random.randint(random.key(0), (3,), 0, 10, float)",
            ["random.randint", "dtype=f32", "int32"],
        ),
        Misuse(
            "A shape that is a float",
            "random.normal(random.key(0), 7 / 2)",
            ["3.5", "integers"],
        ),
        Misuse(
            "split into a float",
            "random.split(random.key(0), 5 / 2)",
            ["num=2.5"],
        ),
        Misuse(
            "fold_in of many numbers",
            "random.fold_in(random.key(0), jnp.arange(2))",
            ["(2,)", "vmap"],
        ),
        Misuse(
            "A probability that is an integer",
            "random.bernoulli(random.key(0), 2)",
            ["i32[]", "float"],
        ),
        Misuse(
            "More choices than there are",
            "random.choice(random.key(0), jnp.ones(3), (5,), replace=False)",
            ["5 draws", "only 3", "replace=True"],
        ),
        Misuse(
            "Probabilities for fewer",
            "random.choice(random.key(0), 3, p=jnp.ones(2))",
            ["f32[2]"],
        ),
        Misuse(
            "A permutation along no axis",
            "random.permutation(random.key(0), jnp.ones(3), axis=2)",
            ["axis=2", "f32[3]"],
        ),
        Misuse(
            "Words that are floats",
            "random.wrap_key_data(jnp.ones(2))",
            ["f32[2]", "uint32[2]"],
        ),
    ],
)

NETWORKS = Group(
    "Networks",
    "Layers say it of the functions that they are made of.",
    [
        Misuse(
            "softmax along no axis",
            "nn.softmax(jnp.ones(3), axis=1)",
            ["axis 1"],
        ),
        Misuse(
            "relu of a list",
            "nn.relu([1.0])",
            ["list", "jnp.array"],
        ),
        Misuse(
            "relu of a string",
            'nn.relu("a")',
            ["'a' of type str"],
        ),
        Misuse(
            "Fewer than no classes",
            "nn.one_hot(jnp.arange(2), -1)",
            ["-1"],
        ),
        Misuse(
            "Half a class",
            "nn.one_hot(1, 2.5)",
            ["2.5", "integers"],
        ),
        Misuse(
            "Fans of a vector",
            "nn.initializers.glorot_normal()(random.key(0), (2,))",
            ["(2,)", "inputs, outputs"],
        ),
        Misuse(
            "A distribution that there is not",
            'init = nn.initializers.variance_scaling(1.0, "fan_in", "cauchy")\n'
            "init(random.key(0), (2, 2))",
            ["'cauchy'", "'uniform'"],
        ),
        Misuse(
            "Initial integers",
            "nn.initializers.normal()(random.key(0), (2,), int)",
            ["dtype=i32"],
        ),
    ],
)

GROUPS = [TREES, RANDOMNESS, NETWORKS]
