"""The named tuples and enums that primitives carry as params, as a jaxpr prints them.

They are plain values: hashable, compared by content, and free of any array. An equation shows
`str(param)`, so these strings are part of the contract. What the dimension numbers mean is worked
out in backends/numpy/kernels/windows.py.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scratchfn import errors

Axes = tuple[int, ...]


class GatherDimensionNumbers(NamedTuple):
    """Which axes of a gather's operand, indices and result belong together."""

    offset_dims: Axes
    collapsed_slice_dims: Axes
    start_index_map: Axes
    operand_batching_dims: Axes = ()
    start_indices_batching_dims: Axes = ()


class ScatterDimensionNumbers(NamedTuple):
    """Which axes of a scatter's operand, indices and updates belong together."""

    update_window_dims: Axes
    inserted_window_dims: Axes
    scatter_dims_to_operand_dims: Axes
    operand_batching_dims: Axes = ()
    scatter_indices_batching_dims: Axes = ()


class ConvDimensionNumbers(NamedTuple):
    """Positions of (batch, feature, *space) in lhs and out, of (out, in, *space) in rhs."""

    lhs_spec: Sequence[int]
    rhs_spec: Sequence[int]
    out_spec: Sequence[int]


class GatherScatterMode(enum.Enum):
    """What happens to a window that reaches over the edge of the operand."""

    CLIP = 1  # it is moved back inside
    FILL_OR_DROP = 2  # a gather fills it with a constant, a scatter leaves it out
    PROMISE_IN_BOUNDS = 3  # it cannot happen; in fact gather clips and scatter drops
    ONE_HOT = 4  # as FILL_OR_DROP, with zeros: the product with a one-hot matrix

    @staticmethod
    def from_any(mode: str | GatherScatterMode | None) -> GatherScatterMode:
        """The mode of that name; None is the default of lax.gather and lax.scatter."""
        if isinstance(mode, GatherScatterMode):
            return mode
        if mode in _MODES:
            return _MODES[mode]
        raise ValueError(
            errors.explain(
                "a gather, a scatter or x.at[...] with a mode",
                f"mode={mode!r}",
                "it says what to do about places outside, and that is none of its names",
                "mode='clip', 'fill', 'drop', 'promise_in_bounds' or 'one_hot'",
            )
        )


_MODES = {
    None: GatherScatterMode.FILL_OR_DROP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "drop": GatherScatterMode.FILL_OR_DROP,
    "clip": GatherScatterMode.CLIP,
    "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
    "one_hot": GatherScatterMode.ONE_HOT,
}


class RoundingMethod(enum.IntEnum):
    """Where lax.round sends a half."""

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


class FftType(enum.IntEnum):
    """The four transforms of lax.fft."""

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


class RandomAlgorithm(enum.IntEnum):
    """The generators of lax.rng_bit_generator."""

    RNG_DEFAULT = 0
    RNG_THREE_FRY = 1
    RNG_PHILOX = 2

    def __str__(self) -> str:
        return self.name


class AccuracyMode(enum.Enum):
    """How closely a unary function such as lax.exp is to be computed."""

    HIGHEST = 1
    DEFAULT = 2


class Tolerance(NamedTuple("Tolerance", [("atol", float), ("rtol", float), ("ulps", int)])):
    """How far a unary function may be off, absolutely, relatively, or in last places. Raises
    ValueError for negative tolerances, and for none."""

    def __new__(cls, atol: float = 0.0, rtol: float = 0.0, ulps: int = 0) -> Tolerance:
        if min(atol, rtol, ulps) < 0 or not (atol or rtol or ulps):
            why = "tolerances are not negative, and one of them is more than 0"
            found = f"atol={atol}, rtol={rtol}, ulps={ulps}"
            raise ValueError(errors.explain("Tolerance", found, why, "Tolerance(rtol=1e-3)"))
        return super().__new__(cls, atol, rtol, ulps)


class Precision(enum.Enum):
    """How an accelerator multiplies float32 matrices; a CPU always does it in full."""

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2

    @classmethod
    def _missing_(cls, value: object) -> Precision | None:
        return next((p for p, names in _PRECISION_NAMES.items() if value in names), None)

    def __repr__(self) -> str:
        return f"Precision.{self.name}"

    def __str__(self) -> str:
        return self.name


_PRECISION_NAMES = {
    Precision.DEFAULT: (None, "default", "fastest", "bfloat16"),
    Precision.HIGH: ("high", "bfloat16_3x", "tensorfloat32"),
    Precision.HIGHEST: ("highest", "float32"),
}


class DotAlgorithm(NamedTuple):
    """The arithmetic of a matrix product, spelled out; it binds accelerators alone."""

    lhs_precision_type: np.dtype
    rhs_precision_type: np.dtype
    accumulation_type: np.dtype
    lhs_component_count: int = 1
    rhs_component_count: int = 1
    num_primitive_operations: int = 1
    allow_imprecise_accumulation: bool = False


class DotAlgorithmPreset(enum.Enum):
    """Named DotAlgorithms: lhs type, rhs type, accumulator, and the number of passes."""

    DEFAULT = enum.auto()
    ANY_F8_ANY_F8_F32 = enum.auto()
    ANY_F8_ANY_F8_F32_FAST_ACCUM = enum.auto()
    ANY_F8_ANY_F8_ANY = enum.auto()
    ANY_F8_ANY_F8_ANY_FAST_ACCUM = enum.auto()
    F16_F16_F16 = enum.auto()
    F16_F16_F32 = enum.auto()
    BF16_BF16_BF16 = enum.auto()
    BF16_BF16_F32 = enum.auto()
    BF16_BF16_F32_X3 = enum.auto()
    BF16_BF16_F32_X6 = enum.auto()
    BF16_BF16_F32_X9 = enum.auto()
    TF32_TF32_F32 = enum.auto()
    TF32_TF32_F32_X3 = enum.auto()
    F32_F32_F32 = enum.auto()
    F64_F64_F64 = enum.auto()

    def __repr__(self) -> str:
        return f"DotAlgorithmPreset.{self.name}"

    def __str__(self) -> str:
        return self.name
