"""`jit` as the user calls it, and the ways to look at what it made.

The programs that a function was traced to are kept, keyed by the structure and types of the
arguments, the static arguments and the flags in force; a call with a known key binds the program
to `jit_p` (`transforms/jit.py`) without running the user's Python again. They are kept for as long
as the function lives, so that `jit(f)(x)` in a loop traces `f` once.

Read next: `transforms/jit.py`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from scratchfn import errors, tree
from scratchfn.config import config
from scratchfn.core.array import as_value
from scratchfn.core.avals import ShapedArray
from scratchfn.core.compile_log import log_cache_miss, timed
from scratchfn.core.jaxpr import check_jaxpr
from scratchfn.core.stage import hoist, stage
from scratchfn.core.trace import Tracer, current, running
from scratchfn.transforms.aot import Lowered, Program, Traced
from scratchfn.transforms.cache_miss import explain_miss
from scratchfn.transforms.flat import (
    FlatFunction,
    abstract_value,
    flatten_values,
    name_of,
    parameter_names,
    require_callable,
)
from scratchfn.transforms.jit import jit_p
from scratchfn.transforms.vmap import BatchTrace, axis_environment

_programs_of: WeakKeyDictionary[Callable[..., Any], dict[Any, Program]] = WeakKeyDictionary()
_all: WeakSet[Jitted] = WeakSet()


def _programs(fun: Callable[..., Any]) -> dict[Any, Program]:
    """The programs of a function, shared by all that `jit` makes of it. Other callables may change,
    or be mentioned by their own programs, which would then never die: each jit has its own."""
    return _programs_of.setdefault(fun, {}) if isinstance(fun, FunctionType) else {}


class CacheInfo(NamedTuple):
    """Of a jitted function: calls that found their program, calls that traced, programs kept."""

    hits: int
    misses: int
    currsize: int


def jit(
    fun: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Iterable[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    donate_argnames: str | Iterable[str] | None = None,
    keep_unused: bool = False,
    backend: str | None = None,
    inline: bool = False,
) -> Any:
    """`fun`, traced once for each signature and then run as one compiled program.

    Args:
      static_argnums, static_argnames: arguments that are Python values to the function; they must
        be hashable, and each new value traces anew.
      donate_argnums, donate_argnames: arguments the caller gives up, whose memory may be reused.
      backend: "numpy" or "jax"; None follows the arguments, then `config.backend`.
      inline: a program that calls this one takes in its equations instead of the call.

    Raises:
      TypeError: an argument that is neither an array nor static.
      ValueError: a static argument that cannot be hashed, or a name that `fun` does not have.
    """
    if fun is None:
        return functools.partial(
            jit, static_argnums=static_argnums, static_argnames=static_argnames,
            donate_argnums=donate_argnums, donate_argnames=donate_argnames,
            keep_unused=keep_unused, backend=backend, inline=inline,
        )  # fmt: skip
    require_callable(fun, "jit")
    if backend not in (None, "numpy", "jax", "cpu", "gpu", "tpu"):
        raise ValueError(f"jit: backend {backend!r} is none of 'numpy', 'jax'")
    static = _Positions(fun, static_argnums, static_argnames, "static")
    donate = _Positions(fun, donate_argnums, donate_argnames, "donate")
    both = {*static.nums, *static.names} & {*donate.nums, *donate.names}
    if both:
        raise ValueError(
            errors.explain(
                f"jit of {name_of(fun)} with a static argument that is donated",
                f"{', '.join(sorted(map(repr, both)))} among both",
                "a static argument is a Python value, and has no memory to give up",
                "donate_argnums without it",
            )
        )
    return Jitted(fun, static, donate, backend, inline)


class _Positions:
    """Some of a function's parameters, given by number or name, known by both where possible."""

    def __init__(self, fun: Callable[..., Any], argnums: Any, argnames: Any, what: str):
        nums = () if argnums is None else (argnums,) if isinstance(argnums, int) else tuple(argnums)
        names = (
            ()
            if argnames is None
            else (argnames,)
            if isinstance(argnames, str)
            else tuple(argnames)
        )
        positional = parameter_names(fun)
        self._check(fun, nums, names, what)
        if argnames is None:  # as JAX: numbers give names only if no names are given, and back
            names = tuple(positional[i] for i in nums if -len(positional) <= i < len(positional))
        elif argnums is None:
            nums = tuple(positional.index(name) for name in names if name in positional)
        self.nums = nums
        self.names = frozenset(names)

    def __bool__(self) -> bool:
        return bool(self.nums or self.names)

    def of(self, count: int) -> frozenset[int]:
        """The positions among `count` positional arguments."""
        return frozenset(i % count for i in self.nums if -count <= i < count)

    @staticmethod
    def _check(fun: Callable[..., Any], nums: Any, names: Any, what: str) -> None:
        try:
            parameters = inspect.signature(fun).parameters
        except (TypeError, ValueError):
            return
        kinds = [p.kind for p in parameters.values()]
        any_name = inspect.Parameter.VAR_KEYWORD in kinds
        unknown = [name for name in names if name not in parameters]
        if unknown and not any_name:
            raise ValueError(
                errors.explain(
                    f"jit of {name_of(fun)} with {what}_argnames={tuple(names)!r}",
                    f"{unknown[0]!r} is not a parameter of it",
                    f"its parameters are {', '.join(parameters)}",
                    f"{what}_argnames with one of these",
                )
            )
        count = len(parameter_names(fun))
        if inspect.Parameter.VAR_POSITIONAL not in kinds and any(
            not -count <= i < count for i in nums
        ):
            raise ValueError(
                errors.explain(
                    f"jit of {name_of(fun)} with {what}_argnums={tuple(nums)!r}",
                    f"a function of {count} positional parameters",
                    "each number is the place of a positional parameter",
                    f"{what}_argnums from 0 to {count - 1}",
                )
            )


class Jitted:
    """A function compiled by `jit`. Call it as the function itself; `lower`, `trace`, `eval_shape`
    and `cache_info` show what is behind it."""

    def __init__(
        self,
        fun: Callable[..., Any],
        static: _Positions,
        donate: _Positions,
        backend: str | None,
        inline: bool,
    ):
        functools.update_wrapper(self, fun)
        self._fun = fun
        self._static = static
        self._donate = donate
        self._backend = backend
        self._inline = inline
        self._programs = _programs(fun)
        self._hits = 0
        self._misses = 0
        _all.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if config.disable_jit:
            return self._fun(*args, **kwargs)
        program, values, donated = self._program(args, kwargs)
        outs = jit_p.bind(
            *program.hoisted,
            *values,
            jaxpr=program.closed,
            name=name_of(self._fun),
            donated_invars=(False,) * len(program.hoisted) + donated,
            inline=self._inline,
            backend=self._backend,
        )
        return tree.unflatten(program.out_tree, outs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A jitted function in a class body is a method, its `self` a static or tree argument."""
        return self if instance is None else functools.partial(self, instance)

    def _program(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Program, list[Any], tuple[bool, ...]]:
        fun, args, kwargs, static_key = self._close_over_static(args, kwargs)
        leaves, in_tree = tree.flatten((args, kwargs))
        try:
            values = list(map(as_value, leaves))
        except TypeError:
            values, _ = flatten_values((args, kwargs), f"an argument of {name_of(self._fun)}: ")
        program = self._lookup(fun, in_tree, tuple([x.aval for x in values]), static_key)
        return program, values, self._donated(args, kwargs, len(values))

    def _lookup(
        self, fun: Callable[..., Any], in_tree: Any, avals: tuple[ShapedArray, ...], static_key: Any
    ) -> Program:
        key = (in_tree, avals, static_key, config.traced_flags, axis_environment())
        program = self._programs.get(key)
        if program is not None:
            self._hits += 1
            return program
        self._misses += 1
        if config.explain_cache_misses:
            log_cache_miss(explain_miss(self._fun, key, self._programs))
        program = trace_program(fun, in_tree, avals, name_of(self._fun))
        if not program.hoisted:  # a program that closes over tracers is good for this call only
            self._programs[key] = program
        return program

    def _close_over_static(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._static:
            return self._fun, args, kwargs, None
        nums = self._static.of(len(args))
        fixed = {i: args[i] for i in nums}
        named = {name: v for name, v in kwargs.items() if name in self._static.names}
        key = (tuple(sorted(fixed.items(), key=_first)), tuple(sorted(named.items(), key=_first)))
        for where, value in [*fixed.items(), *named.items()]:
            _require_hashable(self._fun, where, value)
        dynamic = tuple(x for i, x in enumerate(args) if i not in nums)
        fun, count = self._fun, len(args)

        def closed(*rest: Any, **more: Any) -> Any:
            given = iter(rest)
            full = [fixed[i] if i in fixed else next(given) for i in range(count)]
            return fun(*full, **named, **more)

        functools.update_wrapper(closed, fun, assigned=("__name__",), updated=())
        return closed, dynamic, {k: v for k, v in kwargs.items() if k not in named}, _typed(key)

    def _donated(self, args: Any, kwargs: Any, count: int) -> tuple[bool, ...]:
        if not self._donate:
            return (False,) * count
        nums = self._donate.of(len(args) + len(self._static.nums))
        static = self._static.of(len(args) + len(self._static.nums))
        dynamic = [i for i in range(len(args) + len(static)) if i not in static]
        marks = tuple(i in nums for i in dynamic), {k: k in self._donate.names for k in kwargs}
        flat: list[bool] = []
        for mark, arg in zip(marks[0], args, strict=True):
            flat += [mark] * len(tree.leaves(arg))
        for name in sorted(kwargs):
            flat += [marks[1][name]] * len(tree.leaves(kwargs[name]))
        return tuple(flat)

    def trace(self, *args: Any, **kwargs: Any) -> Traced:
        """Traces on arguments (arrays, or anything with shape and dtype) without running."""
        fun, args, kwargs, static_key = self._close_over_static(args, kwargs)
        leaves, in_tree = tree.flatten((args, kwargs))
        program = self._lookup(fun, in_tree, tuple(map(abstract_value, leaves)), static_key)
        return Traced(program, name_of(self._fun), in_tree, self._backend)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Traces and lowers on arguments: `.as_text()` is the generated NumPy source."""
        return self.trace(*args, **kwargs).lower()

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The types of the results, as a tree of ShapeDtypeStruct."""
        return self.trace(*args, **kwargs).out_info

    def cache_info(self) -> CacheInfo:
        """How often calls found a program, how often they traced one, and how many there are."""
        return CacheInfo(self._hits, self._misses, len(self._programs))

    def clear_cache(self) -> None:
        """Forgets all programs of the function."""
        self._programs.clear()

    def __repr__(self) -> str:
        return f"<jitted {name_of(self._fun)}>"


def clear_caches() -> None:
    """Forgets all programs of all jitted functions."""
    for jitted in list(_all):
        jitted.clear_cache()


def trace_program(
    fun: Callable[..., Any], in_tree: Any, avals: Sequence[ShapedArray], name: str
) -> Program:
    """Traces a function of trees on arguments of the given types."""
    if config.no_tracing:
        raise RuntimeError(
            errors.explain(
                f"a call of jit({name}) that has to trace it",
                f"arguments of types {', '.join(map(str, avals))}, new to it",
                "the flag no_tracing is on",
                "a call with arguments of these types before, outside of no_tracing(True)",
            )
        )
    flat = FlatFunction(fun, in_tree)
    with timed(f"tracing {name} for jit"):
        jaxpr, consts = stage(flat, avals, f"jit({name})")
    if config.enable_checks:
        check_jaxpr(jaxpr)
    closed, hoisted = hoist(jaxpr, consts)
    return Program(closed, flat.out_tree, hoisted)


def _first(item: tuple[Any, Any]) -> Any:
    return item[0]


def _typed(key: tuple[tuple[Any, ...], ...]) -> Any:
    """1, 1.0 and True are equal and hash alike, but are different static arguments."""
    return tuple((where, type(value), value) for part in key for where, value in part)


def _require_hashable(fun: Callable[..., Any], where: Any, value: Any) -> None:
    name = where if isinstance(where, str) else (parameter_names(fun) + [""] * 99)[where] or where
    try:
        hash(value)
    except TypeError as error:
        raise ValueError(
            errors.explain(
                f"jit of {name_of(fun)} with the static argument {name!r}",
                f"{'a traced array' if isinstance(value, Tracer) else repr(value)} of type "
                f"{type(value).__name__}, which cannot be hashed",
                "each value of a static argument has a program of its own, found by its hash",
                "a tuple in place of a list, a frozen dataclass in place of a dict, or an "
                "argument that is not static if it is an array",
            )
        ) from error


def make_jaxpr(
    fun: Callable[..., Any],
    static_argnums: int | Sequence[int] = (),
    axis_env: Any = None,
    return_shape: bool = False,
) -> Callable[..., Any]:
    """A function that returns the program of `fun` on given arguments instead of running it;
    with `return_shape`, the pair of it and the types of the results. `axis_env`, pairs of a name
    and a size, are axes that collectives in `fun` may refer to."""

    @functools.wraps(fun)
    def traced_fun(*args: Any, **kwargs: Any) -> Any:
        with contextlib.ExitStack() as axes:
            for name, size in axis_env or ():
                axes.enter_context(running(BatchTrace(current.trace, size, name)))
            traced = jit(fun, static_argnums=static_argnums).trace(*args, **kwargs)
        return (traced.jaxpr, traced.out_info) if return_shape else traced.jaxpr

    return traced_fun


def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The types of the results of `fun` on arguments, without computing anything."""
    return jit(fun).eval_shape(*args, **kwargs)
