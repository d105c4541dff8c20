"""Dimension numbers that make no sense are refused, with JAX's class of error and the reason."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import scratchfn.lax

X = np.zeros((3, 4), "float32")
PLACES = np.zeros((5, 1), "int32")
ROWS = {"offset_dims": (1,), "collapsed_slice_dims": (0,), "start_index_map": (0,)}
SIZES = (1, 4)

# what is changed of a good gather, and a word of the reason
GATHERS = {
    "indices of floats": ({}, {"indices": PLACES.astype("float32")}, "counted"),
    "no index vectors": ({}, {"indices": np.int32(1)}, "last axis"),
    "index vectors too long": ({}, {"indices": np.zeros((5, 2), "int32")}, "length 2"),
    "an axis that is not there": ({"start_index_map": (2,)}, {}, "axes 0 to 1"),
    "an axis indexed twice": (
        {"start_index_map": (0, 0)},
        {"indices": np.zeros((5, 2), "int32")},
        "belongs to one",
    ),
    "collapsed axes out of order": ({"collapsed_slice_dims": (1, 0)}, {}, "rising"),
    "a collapsed axis that is not there": ({"collapsed_slice_dims": (2,)}, {}, "among 0 to 1"),
    "a collapsed axis of some extent": ({"collapsed_slice_dims": (1,)}, {}, "extent is 1"),
    "windows of too few axes": ({}, {"sizes": (1,)}, "2 axes"),
    "windows too large": ({}, {"sizes": (1, 5)}, "fit into"),
    "windows of negative extent": ({}, {"sizes": (1, -1)}, "fit into"),
    "too few kept axes": ({"offset_dims": ()}, {}, "kept"),
    "kept axes beyond the result": ({"offset_dims": (2,)}, {}, "axes 0 to 1"),
    "a batch axis that is indexed": (
        {"operand_batching_dims": (0,), "start_indices_batching_dims": (0,)},
        {},
        "neither collapsed nor indexed",
    ),
    "batch axes without a partner": (
        {"operand_batching_dims": (1,), "collapsed_slice_dims": (0,), "offset_dims": ()},
        {"sizes": (1, 1)},
        "pairs",
    ),
    "batch axes of other sizes": (
        {
            "offset_dims": (),
            "operand_batching_dims": (1,),
            "start_indices_batching_dims": (0,),
        },
        {"sizes": (1, 1)},
        "same size",
    ),
    "the axis of index vectors as batch axis": (
        {
            "offset_dims": (),
            "operand_batching_dims": (1,),
            "start_indices_batching_dims": (1,),
        },
        {"sizes": (1, 1)},
        "pairs",
    ),
}


@pytest.mark.parametrize("case", GATHERS.values(), ids=GATHERS)
def test_gather(case):
    numbers, arguments, reason = case

    def call(lax):
        dimension_numbers = lax.GatherDimensionNumbers(**(ROWS | numbers))
        given = {"indices": PLACES, "sizes": SIZES} | arguments
        return lax.gather(X, given["indices"], dimension_numbers, given["sizes"])

    refused_alike(call, reason)


INTO_ROWS = {
    "update_window_dims": (1,),
    "inserted_window_dims": (0,),
    "scatter_dims_to_operand_dims": (0,),
}
Y = np.zeros((5, 4), "float32")
SCATTERS = {
    "indices of floats": ({}, {"indices": PLACES.astype("float32")}, "counted"),
    "updates of another dtype": ({}, {"updates": Y.astype("int32")}, "dtypes"),
    "updates of another rank": ({}, {"updates": Y[0]}, "update_window_dims"),
    "updates of another number": ({}, {"updates": Y[:3]}, r"shape \(5, 4\)"),
    "updates too large": ({}, {"updates": np.zeros((5, 6), "float32")}, "fit into"),
    "no axis for the window": ({"update_window_dims": ()}, {}, "update_window_dims"),
    "an axis that is not there": ({"scatter_dims_to_operand_dims": (2,)}, {}, "axes 0 to 1"),
    "an inserted axis that is not there": ({"inserted_window_dims": (2,)}, {}, "inserted"),
    "index vectors too long": ({}, {"indices": np.zeros((5, 2), "int32")}, "length 2"),
}


@pytest.mark.parametrize("case", SCATTERS.values(), ids=SCATTERS)
@pytest.mark.parametrize("name", ["scatter", "scatter_add"])
def test_scatter(name, case):
    numbers, arguments, reason = case

    def call(lax):
        dimension_numbers = lax.ScatterDimensionNumbers(**(INTO_ROWS | numbers))
        given = {"indices": PLACES, "updates": Y} | arguments
        return getattr(lax, name)(X, given["indices"], given["updates"], dimension_numbers)

    refused_alike(call, reason)


def refused_alike(call, reason):
    with pytest.raises(Exception) as theirs:
        call(jax.lax)
    with pytest.raises(type(theirs.value), match=reason) as ours:
        call(scratchfn.lax)
    assert "Write instead:" in str(ours.value)


def test_an_unknown_mode():
    numbers = scratchfn.lax.GatherDimensionNumbers(**ROWS)
    with pytest.raises(ValueError, match="Write instead: mode='clip'"):
        scratchfn.lax.gather(X, PLACES, numbers, SIZES, mode="wrap")
