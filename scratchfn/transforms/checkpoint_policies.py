"""Which values of a checkpointed function are kept for the backward pass. All others are computed
anew there.

A policy is asked of every operation that does not depend on tangents:

    policy(primitive, *avals, **params) -> bool, or Saveable, Recompute, Offloadable(src, dst)

Here are JAX's own. Those that *offload* keep values in the memory of the host, to spare that of the
accelerator; where all memory is the host's, as it is on NumPy, that is the same as saving them.

Read next: `transforms/checkpoint.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from scratchfn import errors
from scratchfn.core.trace import Primitive

Policy = Callable[..., Any]


class _Answer:
    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return self.name


Saveable = _Answer("Saveable")
Recompute = _Answer("Recompute")


class Offloadable(NamedTuple):
    """Kept, in another memory: `src` and `dst` name memories of the accelerator's."""

    src: str
    dst: str


def saves(policy: Policy | None, prim: Primitive, avals: Sequence[Any], params: dict) -> bool:
    """Does the policy keep the results of this operation? Without a policy nothing is kept."""
    if policy is None:
        return False
    answer = policy(prim, *avals, **params)
    if isinstance(answer, bool):
        return answer
    if answer is Saveable or answer is Recompute or isinstance(answer, Offloadable):
        return answer is not Recompute
    raise TypeError(
        errors.explain(
            f"a checkpoint policy's answer for {prim.name}",
            f"{answer!r} of type {type(answer).__name__}",
            "it says whether the operation's results are kept",
            "True or False; or Saveable, Recompute or Offloadable(src, dst) of "
            "scratchfn.ad_checkpoint",
        )
    )


def everything_saveable(*_: Any, **__: Any) -> bool:
    """Keeps everything, as if there were no checkpoint."""
    return True


def nothing_saveable(*_: Any, **__: Any) -> bool:
    """Keeps nothing but the arguments; what a checkpoint without a policy does."""
    return False


@dataclass(frozen=True)
class DotsSaveable:
    """Keeps what is costly to compute: matrix products, and convolutions unless batch dimensions
    are excluded."""

    only_if_no_batch_dims: bool

    def __call__(self, prim: Primitive, *_: Any, **params: Any) -> bool:
        if prim.name == "dot_general":
            _, (batch, _) = params["dimension_numbers"]
            return not (self.only_if_no_batch_dims and batch)
        return prim.name == "conv_general_dilated" and not self.only_if_no_batch_dims


dots_saveable = DotsSaveable(only_if_no_batch_dims=False)
dots_with_no_batch_dims_saveable = DotsSaveable(only_if_no_batch_dims=True)
checkpoint_dots = dots_saveable
checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable


@dataclass(frozen=True)
class SaveOnlyTheseNames:
    """Keeps values marked by `checkpoint_name` with one of these names."""

    saveable_names: frozenset[str]

    def __call__(self, prim: Primitive, *_: Any, **params: Any) -> bool:
        return prim.name == "name" and params["name"] in self.saveable_names


@dataclass(frozen=True)
class SaveAnyNamesButThese:
    """Keeps values marked by `checkpoint_name` with none of these names."""

    names: frozenset[str]

    def __call__(self, prim: Primitive, *_: Any, **params: Any) -> bool:
        return prim.name == "name" and params["name"] not in self.names


def save_only_these_names(*names_which_can_be_saved: str) -> Policy:
    """Keeps values marked by `checkpoint_name` with one of these names."""
    return SaveOnlyTheseNames(frozenset(names_which_can_be_saved))


def save_any_names_but_these(*names_not_to_save: str) -> Policy:
    """Keeps values marked by `checkpoint_name`, unless with one of these names."""
    return SaveAnyNamesButThese(frozenset(names_not_to_save))


def save_anything_except_these_names(*names_not_to_save: str) -> Policy:
    """Keeps everything but values marked by `checkpoint_name` with one of these names."""
    names = frozenset(names_not_to_save)

    def policy(prim: Primitive, *_: Any, **params: Any) -> bool:
        return prim.name != "name" or params["name"] not in names

    return policy


def save_from_both_policies(policy_1: Policy, policy_2: Policy) -> Policy:
    """Keeps what one of two policies keeps."""

    def policy(prim: Primitive, *avals: Any, **params: Any) -> bool:
        answers = policy_1(prim, *avals, **params), policy_2(prim, *avals, **params)
        if not all(isinstance(answer, bool) for answer in answers):
            raise ValueError(
                errors.explain(
                    "save_from_both_policies",
                    f"the answers {answers[0]} and {answers[1]} for {prim.name}",
                    "it joins policies that answer True or False",
                    "a function that calls the two policies and decides itself",
                )
            )
        return any(answers)

    return policy


def offload_dot_with_no_batch_dims(offload_src: str, offload_dst: str) -> Policy:
    """Offloads matrix products without batch dimensions."""

    def policy(prim: Primitive, *avals: Any, **params: Any) -> Any:
        kept = dots_with_no_batch_dims_saveable(prim, *avals, **params)
        return Offloadable(offload_src, offload_dst) if kept else Recompute

    return policy


def save_and_offload_only_these_names(
    *,
    names_which_can_be_saved: Sequence[str],
    names_which_can_be_offloaded: Sequence[str],
    offload_src: str,
    offload_dst: str,
) -> Policy:
    """Keeps or offloads values marked by `checkpoint_name`, according to their names."""
    saved, offloaded = frozenset(names_which_can_be_saved), frozenset(names_which_can_be_offloaded)
    if saved & offloaded:
        raise ValueError(
            errors.explain(
                "save_and_offload_only_these_names",
                f"{', '.join(sorted(saved & offloaded))} among both lists",
                "a value is kept in one place",
                "each name in one list",
            )
        )

    def policy(prim: Primitive, *_: Any, **params: Any) -> Any:
        if prim.name != "name" or params["name"] not in saved | offloaded:
            return Recompute
        return Saveable if params["name"] in saved else Offloadable(offload_src, offload_dst)

    return policy


__all__ = [
    "checkpoint_dots",
    "checkpoint_dots_with_no_batch_dims",
    "dots_saveable",
    "dots_with_no_batch_dims_saveable",
    "everything_saveable",
    "nothing_saveable",
    "offload_dot_with_no_batch_dims",
    "save_and_offload_only_these_names",
    "save_any_names_but_these",
    "save_anything_except_these_names",
    "save_from_both_policies",
    "save_only_these_names",
]
