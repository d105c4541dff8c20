"""debug.print, debug.callback, debug.breakpoint: they see the values, once, and change nothing."""

from __future__ import annotations

import io
import logging
from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import random

BACKENDS = ["numpy", "jax"]


def printed(capsys: Any) -> list[str]:
    sf.effects_barrier()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("backend", BACKENDS)
def test_print_under_every_transformation(backend: str, capsys: Any) -> None:
    def f(x: Any) -> Any:
        y = x**2
        sf.debug.print("x={x} y={}", y, x=x, ordered=True)
        return y

    jit = lambda f: sf.jit(f, backend=backend)  # noqa: E731
    once = ["x=3.0 y=9.0"]
    for run in (f, jit(f), sf.grad(f), jit(sf.grad(f)), sf.grad(jit(f)), sf.grad(sf.grad(f)),
                sf.value_and_grad(jit(f))):  # fmt: skip
        run(3.0)
        assert printed(capsys) == once
    sf.jvp(jit(f), (3.0,), (1.0,))
    assert printed(capsys) == once
    rows = ["x=1.0 y=1.0", "x=2.0 y=4.0"]
    for run in (sf.vmap(f), jit(sf.vmap(f)), sf.vmap(jit(f)), sf.vmap(sf.grad(f))):
        run(jnp.array([1.0, 2.0]))
        assert printed(capsys) == rows


def test_programs_print_as_jaxs() -> None:
    def program(library: Any) -> str:
        def f(x: Any) -> Any:
            library.debug.print("{} {} {k}", x, "text", k=(1.5, np.ones(2)), ordered=True)
            return x

        return str(library.make_jaxpr(library.vmap(f))(np.ones(2, np.float32)))

    assert program(sf) == program(jax)


@pytest.mark.parametrize(
    ("fmt", "args", "kwargs"),
    [
        ("{} {x!r} {x.shape} {x[0]:.2f}", (True,), {"x": np.arange(3.0, dtype=np.float32)}),
        ("{d} {l}", (), {"d": {"a": np.ones(2, np.float32)}, "l": ["text", np.float32(1.5)]}),
        ("{} {} {}", (np.float32(1) / 3, np.int32(3), np.bool_(True)), {}),
        ("{0:.3f} {1} {0:>8}", (1.0, "b"), {}),
        ("a text, not a format: {{'a': 1}}", (), {}),
    ],
)
def test_texts_are_jaxs(fmt: str, args: Any, kwargs: Any, capsys: Any) -> None:
    texts = []
    for library in (sf, jax):
        library.debug.print(fmt, *args, **kwargs)
        jax.effects_barrier()
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_formats_are_checked_while_tracing(capsys: Any) -> None:
    with pytest.raises(ValueError, match="Unused arguments: 0"):
        sf.debug.print("x", 1)
    with pytest.raises(ValueError, match="Unused arguments: x"):
        sf.jit(lambda x: sf.debug.print(f"{x}", x=x))(1.0)
    with pytest.raises(IndexError, match="mentions a positional argument"):
        sf.debug.print("{} {}", 1)
    with pytest.raises(KeyError, match=r"the format mentions .*y"):
        sf.debug.print("{y}", x=1)
    with pytest.raises(TypeError, match="a format of type Array"):
        sf.debug.print(jnp.ones(2))
    sf.debug.print("x", 1, skip_format_check=True)
    assert printed(capsys) == ["x 1"]


def test_options_of_numpy_are_those_of_the_trace(capsys: Any) -> None:
    with np.printoptions(precision=2):
        f = sf.jit(lambda x: sf.debug.print("{}", x)).lower(np.float32([1 / 3, 1])).compile()
    f(np.float32([1 / 3, 1]))
    assert printed(capsys) == ["[0.33 1.  ]"]


def test_log(caplog: Any, capsys: Any) -> None:
    with caplog.at_level(logging.INFO, "scratchfn.debug"):
        sf.jit(lambda x: sf.debug.log("x={}", x))(2.0)
    assert [(r.getMessage(), r.filename) for r in caplog.records] == [
        ("x=2.0", "test_debugging.py")
    ]
    assert printed(capsys) == []


def test_two_calls_and_keyword_arguments_named_like_options(capsys: Any) -> None:
    sf.debug.print(ordered=True)("{ordered}", ordered=7)
    seen = []
    sf.debug.callback(ordered=True)(lambda x, ordered: seen.append((x, ordered)), "text", ordered=1)
    assert printed(capsys) == ["7"]
    assert seen == [("text", 1)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_callback_gets_arrays_and_static_values_and_keys(backend: str) -> None:
    seen: list[Any] = []

    def f(x: Any, key: Any) -> Any:
        sf.debug.callback(lambda *args, **named: seen.append((args, named)), x, "text", key=key)
        return x

    sf.jit(f, backend=backend)(jnp.ones(2), random.key(7))
    sf.effects_barrier()
    ((x, text), named) = seen[0]
    assert isinstance(x, sf.Array)
    assert text == "text"
    np.testing.assert_array_equal(random.key_data(named["key"]), [0, 7])


def test_callback_refuses_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="it transforms functions"):
        sf.debug.callback(3)  # type: ignore[arg-type]


def test_what_a_callback_raises_comes_through() -> None:
    def boom(x: Any) -> None:
        raise KeyError("mine")

    for run in (lambda x: sf.debug.callback(boom, x), sf.jit(lambda x: sf.debug.callback(boom, x))):
        with pytest.raises(KeyError, match="mine"):
            run(1.0)


def test_effects_keep_their_order_in_the_generated_source() -> None:
    @sf.jit
    def inner(x: Any) -> Any:
        sf.debug.print("second {}", x)
        return x

    def f(x: Any) -> Any:
        sf.debug.print("first {}", x)
        inner(x)
        sf.debug.print("first {}", x)
        return x

    lines = sf.jit(f).lower(1.0).as_text().splitlines()
    assert [line.split("(")[0].strip() for line in lines[1:4]] == ["debug_print"] * 3


def test_a_print_of_what_is_linear_does_not_hinder_the_transpose(capsys: Any) -> None:
    def f(x: Any) -> Any:
        sf.debug.print("x={}", x)
        return 2 * x

    assert float(sf.linear_transpose(f, 1.0)(3.0)[0]) == 6.0


@pytest.mark.parametrize("transform", [sf.jit, sf.grad, lambda f: sf.jit(sf.grad(f))])
def test_breakpoint_inside_a_transformation(transform: Any) -> None:
    out = io.StringIO()

    def f(x: Any) -> Any:
        tree = {"y": x * 2}
        sf.debug.breakpoint(stdin=io.StringIO("p x, tree\np BACKENDS\nc\n"), stdout=out)
        return tree["y"]

    transform(f)(2.0)
    text = out.getvalue()
    assert "(Pdb) (Array(2., dtype=float32), {'y': Array(4., dtype=float32)})" in text
    assert "(Pdb) ['numpy', 'jax']" in text
    assert text.count("(Pdb)") == 3
    assert "test_debugging.py" in text and "-> sf.debug.breakpoint(" in text


def test_breakpoint_in_plain_python_stops_in_the_callers_frame() -> None:
    out = io.StringIO()

    def f(x: float) -> float:
        sf.debug.breakpoint(stdin=io.StringIO("p x\nup\np outer\nc\n"), stdout=out)
        return x

    outer = "of the test"
    f(2.0)
    assert "(Pdb) 2.0" in out.getvalue()
    assert f"(Pdb) '{outer}'" in out.getvalue()


def test_breakpoint_under_vmap_stops_for_each_example() -> None:
    out = io.StringIO()

    def f(x: Any) -> Any:
        sf.debug.breakpoint(stdin=io.StringIO("p float(x)\nc\n"), stdout=out)
        return x

    sf.vmap(f)(jnp.array([1.5]))
    assert "1.5" in out.getvalue()


# -- inside loops and branches --------------------------------------------------------------------


def prints(library: Any) -> dict[str, Any]:
    """Functions of a vector that print from inside of loops and branches."""
    lax = library.lax

    def show(x: Any, *more: Any) -> Any:
        library.debug.print("x={} {}", x, more, ordered=True)
        return x

    return {
        "scan": lambda xs: lax.scan(lambda c, x: (show(c, x) + x, c), 0.0, xs)[0],
        "scan that gives nothing": lambda xs: lax.scan(lambda c, x: (show(c), None), 0.0, xs)[1],
        "fori_loop": lambda xs: lax.fori_loop(0, 3, lambda i, c: show(c, i) * xs[1], 1.0),
        "cond": lambda xs: lax.cond(xs[2] > 1, lambda: show(xs[0]), lambda: show(xs[1])),
        "switch": lambda xs: lax.switch(1, [show, lambda x: show(x, 1)], xs)[0],
        "map": lambda xs: lax.map(show, xs).sum(),
    }


@pytest.mark.parametrize("name", prints(sf))
def test_inside_loops_and_branches(name: str, capsys: Any) -> None:
    def lines(library: Any, *transforms: Any) -> list[str]:
        f = prints(library)[name]
        for transform in reversed(transforms):
            f = transform(f)
        f(library.numpy.arange(3.0))
        jax.effects_barrier()
        return capsys.readouterr().out.splitlines()

    def over_rows(library: Any) -> Any:
        return lambda f: lambda x: library.vmap(f)(library.numpy.stack([x, x + 1]))

    assert lines(sf) == lines(sf, sf.jit) == lines(jax)
    rows = lines(jax, over_rows(jax))
    assert lines(sf, over_rows(sf)) == lines(sf, over_rows(sf), sf.jit) == rows
    if "nothing" not in name:
        forward = lines(jax, jax.grad)
        assert lines(sf, sf.grad) == lines(sf, sf.jit, sf.grad) == lines(sf, sf.grad, sf.jit)
        assert lines(sf, sf.grad) == forward
