"""Arrays in files, in NumPy's formats.

Read next: `numpy/conversion.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import dtype_of
from scratchfn.numpy.conversion import asarray


def save(file: Any, arr: Any, allow_pickle: bool = True) -> None:
    """Writes an array to a .npy file."""
    np.save(file, np.asarray(arr), allow_pickle=allow_pickle)


def savez(file: Any, *args: Any, allow_pickle: bool = True, **kwds: Any) -> None:
    """Writes arrays to one .npz file, under the names they are given."""
    arrays = {name: np.asarray(x) for name, x in kwds.items()}
    np.savez(file, *map(np.asarray, args), allow_pickle=allow_pickle, **arrays)


def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    """The array in a .npy file; of a .npz file, NumPy's arrays by name."""
    out = np.load(file, *args, **kwargs)
    if not isinstance(out, np.ndarray):
        return out
    if out.dtype == np.dtype("V2"):  # how NumPy writes bfloat16, which it does not know
        out = out.view(dtypes.bfloat16)
    return asarray(out) if dtypes.is_supported(out.dtype) else out


def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Any:
    """The array of the numbers that stand in a text, between separators."""
    wanted = dtype_of("fromstring", dtype)
    return asarray(np.fromstring(string, dtype=wanted, count=count, sep=sep))


def fromfile(*args: Any, **kwargs: Any) -> Any:
    """Refused, as by JAX: reading a file is no function of arrays."""
    raise _impure("fromfile", "a file may change between two calls")


def fromiter(*args: Any, **kwargs: Any) -> Any:
    """Refused, as by JAX: what an iterator gives next is no function of arrays."""
    raise _impure("fromiter", "an iterator gives each element once")


def _impure(name: str, why: str) -> NotImplementedError:
    write = f"jnp.asarray(np.{name}(...)), which reads at once"
    found = "something to read from"
    return NotImplementedError(errors.explain(f"jnp.{name}", found, why, write))
