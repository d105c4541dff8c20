"""Errors: JAX's class, and a text in four parts that names the place."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections import OrderedDict, defaultdict

import jax
import jax.tree_util as jtu
import numpy as np
import pytest

from scratchfn import tree, tree_util
from tests.tree.cases import (
    Inferred,
    Keyed,
    Point,
    Registered,
    RegisteredPoint,
    Static,
    SubPoint,
    Unhashable,
)

NOT_EQUAL_TYPES = "Two trees are walked together only while their containers have equal types."


def raised(ours, theirs, *texts):
    """Our call raises the class that JAX's call raises, and its message has all the texts."""
    with pytest.raises(Exception) as jax_error:
        theirs()
    with pytest.raises(jax_error.type) as error:
        ours()
    message = str(error.value)
    for text in (*texts, "Found: ", "Why not: ", "Write instead: "):
        assert text in message
    return message


def test_the_whole_text_of_an_error():
    a = {"layers": [{"w": {"k": 1}, "b": 2}]}
    b = {"layers": [{"w": [1, 2], "b": 2}]}
    message = raised(
        lambda: tree.map(max, a, b),
        lambda: jax.tree.map(max, a, b),
    )
    assert message == (
        "tree.map over several trees: each must have the structure of the first.\n"
        "  Found: at ['layers'][0]['w'] of tree 2 of 2: expected dict with keys ['k'], "
        "found list of length 2.\n"
        f"  Why not: {NOT_EQUAL_TYPES}\n"
        "  Write instead: build both trees from the same containers "
        "(a namedtuple is no tuple)."
    )


F32 = np.zeros((3, 4), np.float32)
LONG = dict.fromkeys("abcdefghij", 0)
MISMATCHES = {
    "tuple length": ((1, 2), (1, 2, 3), "at the root of the tree: expected tuple of length 2"),
    "list length": ({"a": [1, 2]}, {"a": [1]}, "at ['a'] of the tree: expected list of length 2"),
    "list and tuple": ([1, 2], (1, 2), "expected list of length 2, found tuple of length 2."),
    "list and leaf": ([1], 5, "found a leaf of type int."),
    "list and array": ([1], F32, "found f32[3,4]."),
    "list and bfloat16": ([1], jax.numpy.zeros(2, "bfloat16"), "found bf16[2]."),
    "list and complex": ([1], np.zeros((), "complex64"), "found c64[]."),
    "dict keys": ({"a": 1, "b": 2}, {"a": 1, "c": 2}, "missing ['b'], not expected ['c']."),
    "more keys": ({"a": 1}, {"a": 1, "b": 2}, "missing [], not expected ['b']."),
    "many keys": (LONG, {}, "'h', ... 10 in all]"),
    "unsortable keys": ({"a": 1, "b": 2}, {"a": 1, 2: 3}, "found dict with keys ['a', 2]"),
    "dict and OrderedDict": ({"a": 1}, OrderedDict(a=1), "found OrderedDict with keys ['a']"),
    "OrderedDict order": (
        OrderedDict(a=1, b=2),
        OrderedDict(b=1, a=2),
        "The static data differ: ('a', 'b') is not ('b', 'a').",
    ),
    "OrderedDict keys": (OrderedDict(a=1), OrderedDict(b=1), "missing ['a'], not expected ['b']."),
    "defaultdict factory": (
        defaultdict(list, a=1),
        defaultdict(int, a=1),
        "The static data differ: (<class 'list'>, ('a',)) is not (<class 'int'>, ('a',)).",
    ),
    "namedtuple and tuple": (Point(1, 2), (1, 2), "expected Point with 2 children, found tuple"),
    "namedtuple and its subclass": (Point(1, 2), SubPoint(1, 2), "found SubPoint with 2 children"),
    "tuple and namedtuple": ((1, 2), Point(1, 2), "found Point with 2 children"),
    "None and a leaf": (None, 1, "expected None, found a leaf of type int."),
    "None and a list": ([None], [[1]], "pass is_leaf=lambda x: x is None"),
    "children": (Unhashable(1), Unhashable(1, 2), "differ: 1 is not 2."),
    "aux": (Registered(1), Registered(1, 2), "The static data differ: 1 is not 2."),
    "meta field": ([Inferred(1, 2)], [Inferred(1, 2, "tanh")], "at [0] of the tree"),
    "static": (Static(1), Static(2), "The static data differ: Static(1) is not Static(2)."),
    "attribute path": (Inferred(1, [2]), Inferred(1, 2), "at .b of the tree"),
    "path of a registered key": (Keyed(0, [1]), Keyed(0, 1), "at .c1 of the tree"),
    "flat index path": (Registered([1]), Registered(1), "at [<flat index 0>] of the tree"),
}


@pytest.mark.parametrize("a, b, text", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_flatten_up_to_mismatch(a, b, text):
    raised(
        lambda: tree.structure(a).flatten_up_to(b),
        lambda: jax.tree.structure(a).flatten_up_to(b),
        text,
        f"Flatten a tree up to the leaves of {jax.tree.structure(a)!r}.",
    )


@pytest.mark.parametrize("a, b, text", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_map_and_broadcast_mismatch(a, b, text):
    in_second = text.replace("of the tree", "of tree 3 of 3")
    raised(
        lambda: tree.map(lambda *x: x, a, a, b),
        lambda: jax.tree.map(lambda *x: x, a, a, b),
        "tree.map over several trees",
        in_second,
    )
    raised(
        lambda: tree.map_with_path(lambda *x: x, a, a, b),
        lambda: jax.tree.map_with_path(lambda *x: x, a, a, b),
        "tree.map_with_path over several trees",
        in_second,
    )
    raised(
        lambda: tree.broadcast(a, b),
        lambda: jax.tree.broadcast(a, b),
        "Match the prefix with a tree: the prefix must be a leaf or a prefix of",
        text,
    )


def test_prefix_errors_lists_every_place_and_takes_a_name():
    prefix, full = {"a": [1], "b": (2,), "c": 3}, {"a": [1, 2], "b": [2], "c": [3]}
    first, second = tree_util.prefix_errors(prefix, full)
    assert type(first("vmap in_axes")) is ValueError
    assert "Match vmap in_axes with a tree" in str(first("vmap in_axes"))
    assert "at ['a'] of the tree: expected list of length 1, found list of length 2." in str(
        first("x")
    )
    assert "at ['b'] of the tree: expected tuple of length 1" in str(second("x"))
    assert tree_util.prefix_errors({"a": None}, {"a": [1]}, is_leaf=lambda x: x is None) == []


@pytest.mark.parametrize("count", [0, 2, 4])
def test_unflatten_with_a_wrong_number_of_leaves(count):
    t = {"a": 1, "b": (2, [3, None])}
    missing = {0: "at ['a']", 2: "at ['b'][1][0]"}
    texts = {0: "Too few leaves.", 2: "Too few leaves.", 4: "Too many leaves."}
    message = raised(
        lambda: tree.unflatten(tree.structure(t), range(count)),
        lambda: jax.tree.unflatten(jax.tree.structure(t), range(count)),
        texts[count],
        f"Expected 3 leaves, got {count}.",
        "PyTreeDef({'a': *, 'b': (*, [*, None])})",
    )
    assert missing.get(count, "").removeprefix("at ") in message


def test_unflatten_misused():
    with pytest.raises(TypeError, match="not iterable"):
        tree.unflatten(tree.structure(1), None)
    with pytest.raises(AttributeError):  # the arguments in the wrong order
        tree.unflatten([1], tree.structure(1))


class NoOrder:
    def __repr__(self):
        return "NoOrder"


@pytest.mark.parametrize("kind", [dict, lambda d: defaultdict(int, d)])
def test_unsortable_keys(kind):
    t = {"ok": [OrderedDict({"a": 1, 1: 2}), kind({"a": 1, 1: 2})]}
    texts = "at ['ok'][1]: a dict with keys ['a', 1], of type int and str.", "{str(k): v"
    for name in ("leaves", "structure", "flatten", "leaves_with_path"):
        ours, theirs = getattr(tree, name), getattr(jax.tree, name)
        raised(lambda f=ours: f(t), lambda f=theirs: f(t), *texts)
    raised(
        lambda: tree.leaves(t, is_leaf=lambda x: False),
        lambda: jax.tree.leaves(t, is_leaf=lambda x: False),
        *texts,
    )
    raised(
        lambda: tree.leaves({NoOrder(): 1, NoOrder(): 2}),
        lambda: jax.tree.leaves({NoOrder(): 1, NoOrder(): 2}),
        "at the root: a dict with keys [NoOrder, NoOrder], of type NoOrder.",
        "'<' not supported",
    )
    assert tree.leaves({NoOrder(): 1}) == [1]


def test_reduce_of_nothing():
    raised(
        lambda: tree.reduce(max, [None, {}]),
        lambda: jax.tree.reduce(max, [None, {}]),
        "tree.reduce over a tree.",
        "The tree has no leaves.",
        "tree.reduce(f, x, initializer)",
    )
    raised(
        lambda: tree.reduce_associative(max, []),
        lambda: jax.tree.reduce_associative(max, []),
        "tree.reduce_associative(f, x, identity=...)",
    )


def test_transpose_mismatch():
    def transpose(lib, outer, inner, t):
        inner = None if inner is None else lib.structure(inner)
        return lambda: lib.transpose(lib.structure(outer), inner, t)

    def check(outer, inner, t, *texts):
        args = outer, inner, t
        raised(transpose(tree, *args), transpose(jax.tree, *args), *texts)

    check(
        [0, 0],
        {"a": 0},
        [{"a": 1}],
        "tree.transpose a tree of structure PyTreeDef([{'a': *}, {'a': *}]).",
        "at the root of the tree: expected list of length 2, found list of length 1.",
        "Its structure is PyTreeDef([{'a': *}]): 1 leaves, not 2.",
    )
    check(
        [0, 0],
        {"a": 0},
        [{"a": 1}, {"a": [2, 3]}],
        "at [1]['a'] of the tree: expected a leaf, found list of length 2.",
    )
    check([], None, [], "The outer structure PyTreeDef([]) has no leaves")
    check([0], None, [], "expected list of length 1, found list of length 0.")


def test_duplicate_registration():
    functions = (lambda node: ((), None)), (lambda aux, children: None)
    for cls in (Registered, list, dict, type(None), OrderedDict, RegisteredPoint):
        raised(
            lambda cls=cls: tree_util.register_pytree_node(cls, *functions),
            lambda cls=cls: jtu.register_pytree_node(cls, *functions),
            f"Duplicate registration: {cls.__name__} is already a pytree node.",
        )
    raised(
        lambda: tree_util.register_dataclass(Inferred),
        lambda: jtu.register_dataclass(Inferred),
        "Register Inferred as a pytree node.",
    )
    raised(
        lambda: tree_util.register_static(Static),
        lambda: jtu.register_static(Static),
        "Register Static as a pytree node.",
    )


def test_register_dataclass_errors():
    @dataclasses.dataclass
    class Fields:
        a: int
        b: int
        c: int = dataclasses.field(default=3, init=False)

    def check(arguments, *texts, cls=Fields):
        raised(
            lambda: tree_util.register_dataclass(cls, *arguments),
            lambda: jtu.register_dataclass(cls, *arguments),
            *texts,
        )

    check([["a"]], "data_fields=['a'] and meta_fields=None for Fields, which is a dataclass.")
    check([], "data_fields=None and meta_fields=None", "which is not a dataclass", cls=NoOrder)
    check([["a"], []], "Missing fields: ['b'].", "list ['b'] as data, meta or drop_fields.")
    check([["a", "b", "z"], []], "Unexpected fields: ['z'].")
    check([], "Unexpected fields: ['c'].", "name ['c'] in drop_fields")
    check([["a", "b"], ["b"]], "['b'] in data_fields and in meta_fields.")


@pytest.mark.parametrize("returned", [3, (3, None), [(1,), None], ((1,),)])
def test_bad_flatten_function(returned):
    class Bad:
        pass

    for lib in (tree_util, jtu):
        lib.register_pytree_node(Bad, lambda n: returned, lambda _, c: None)
    raised(
        lambda: tree.leaves(Bad()),
        lambda: jax.tree.leaves(Bad()),
        "Flatten a Bad by the function it was registered with.",
        f"The function returned {returned!r}.",
    )


@pytest.mark.parametrize("answer", [1, "yes", np.True_])
def test_is_leaf_must_answer_with_a_bool(answer):
    raised(
        lambda: tree.leaves([1], is_leaf=lambda x: answer),
        lambda: jax.tree.leaves([1], is_leaf=lambda x: answer),
        f"is_leaf returned {answer!r}, a non-boolean value.",
    )
    assert tree.leaves([1, [2]], is_leaf=lambda x: None) == [1, 2]


def test_one_level_of_a_leaf():
    raised(
        lambda: tree_util.flatten_one_level(3),
        lambda: jtu.flatten_one_level(3),
        "A leaf of type int.",
    )


def test_loading_the_treedef_of_an_unregistered_type():
    with pytest.raises(ValueError, match=re.escape("call register_pytree_node(NoOrder, ")):
        from scratchfn.tree.registry import kind_of

        kind_of(NoOrder)


def test_an_error_inside_f_is_the_users_own():
    with pytest.raises(ZeroDivisionError):
        tree.map(lambda x: 1 / x, [1, 0])
    with pytest.raises(StopIteration):
        tree.map(lambda x: next(iter(())), [1, 2])
    assert tree.leaves(collections.UserDict(a=1)) != [1]


def test_a_flatten_function_that_contradicts_itself():
    class Fickle:
        calls = 0

        def flatten(self):
            Fickle.calls += 1
            return (), Fickle.calls == 2

    tree_util.register_pytree_node(Fickle, Fickle.flatten, lambda aux, children: Fickle())
    with pytest.raises(ValueError, match="other static data at every call"):
        tree.map(max, Fickle(), Fickle())
