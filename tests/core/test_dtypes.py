"""The dtypes and their promotion against JAX: every pair, weak or not, in 32 and 64 bits."""

from __future__ import annotations

import enum
import itertools
import subprocess
import sys
import warnings
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import dtypes as jax_dtypes
from jax._src import dtypes as jax_internal  # lattice_result_type keeps weakness by dtype

from scratchfn.config import config, enable_x64, numpy_dtype_promotion
from scratchfn.core import dtypes, lattice
from scratchfn.errors import TypePromotionError

NAMES = [
    name
    for name in ("bool", *lattice.INTS, *lattice.FLOATS, *lattice.COMPLEXES)
    if hasattr(np, name) or hasattr(ml_dtypes, name)
]
TYPES = [(np.dtype(name), weak) for name in NAMES for weak in (False, True)[: 1 + (name != "bool")]]
DTYPES = [np.dtype(name) for name in NAMES]
PYTHON_SCALARS = (bool, int, float, complex)


def outcome(f, *args, **kwargs):
    """The result of a call, or the builtin class of the error it raises."""
    try:
        return f(*args, **kwargs)
    except (ValueError, TypeError, OverflowError) as error:
        return next(cls for cls in type(error).__mro__ if cls.__module__ == "builtins")


@pytest.fixture(params=[False, True], ids=["x32", "x64"])
def x64(request):
    with enable_x64(request.param), jax.enable_x64(request.param):
        yield request.param


@pytest.fixture(params=["standard", "strict"])
def mode(request):
    with numpy_dtype_promotion(request.param), jax.numpy_dtype_promotion(request.param):
        yield request.param


class JaxValue:
    """What JAX sees of an array in promotion. Not an array, for XLA makes none of some dtypes."""

    def __init__(self, dtype, weak):
        self.dtype = dtype
        self.aval = SimpleNamespace(weak_type=weak)


# As with arrays and tracers: what is 64-bit stays 64-bit, whatever the flag says.
jax_internal.register_type_whose_dtype_should_not_be_canonicalized(JaxValue)
JAX_VALUES = {t: JaxValue(*t) for t in TYPES}


def jax_lattice(*values):
    with warnings.catch_warnings():  # JAX warns of truncation where 64-bit values meet in x32
        warnings.simplefilter("ignore")
        return outcome(jax_internal.lattice_result_type, *values)


def test_lattice_has_exactly_jax_dtypes():
    ours = set(DTYPES) | {dtypes.float0}
    theirs = {d for d in jax_internal._jax_dtype_set if not isinstance(d, np.dtypes.StringDType)}
    assert ours == theirs


def test_promote_every_pair(x64, mode):
    wrong = []
    for a, b in itertools.product(TYPES, TYPES):
        expected = jax_lattice(JAX_VALUES[a], JAX_VALUES[b])
        got = outcome(dtypes.promote, *a, *b)
        if got != expected:
            wrong.append((a, b, expected, got))
    assert not wrong


def test_promote_three(x64, mode):
    rng = np.random.default_rng(0)
    for picks in rng.integers(len(TYPES), size=(1500, 3)):
        types = tuple(TYPES[i] for i in picks)
        expected = jax_lattice(*(JAX_VALUES[t] for t in types))
        assert outcome(dtypes.promote_all, types) == expected, types


def test_promote_types_every_pair(x64, mode):
    arguments = [*DTYPES, *PYTHON_SCALARS]
    for a, b in itertools.product(arguments, arguments):
        assert outcome(dtypes.promote_types, a, b) == outcome(jnp.promote_types, a, b), (a, b)


def test_result_type_of_python_scalars_and_dtypes(x64, mode):
    arguments = [*DTYPES, *PYTHON_SCALARS, True, 1, 2.0, 3j, None, "float32", np.int16]
    arguments += [np.float64(1), np.zeros(2, np.int8), np.zeros((), ml_dtypes.bfloat16)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for a, b in itertools.product(arguments, arguments):
            expected = outcome(jax_dtypes.result_type, a, b, return_weak_type_flag=True)
            got = outcome(dtypes.result_type, a, b, return_weak_type=True)
            assert got == expected, (a, b)
            assert outcome(dtypes.result_type, a, b) == outcome(jnp.result_type, a, b), (a, b)


def test_result_type_of_one(x64):
    for (dtype, weak), value in JAX_VALUES.items():
        if weak and dtype.name in lattice.NARROW_INTS:
            continue  # JAX's own lookup of the default dtype fails there with a KeyError
        ours = SimpleNamespace(dtype=dtype, weak_type=weak)
        expected = jax_dtypes.result_type(value, return_weak_type_flag=True)
        assert dtypes.result_type(ours, return_weak_type=True) == expected


def test_result_type_of_nothing():
    with pytest.raises(ValueError, match="Write instead: result_type"):
        dtypes.result_type()


def test_keys_and_float0_meet_only_their_like():
    key = dtypes.key_dtype
    for dtype in (key, dtypes.float0):
        assert dtypes.promote(dtype, False, dtype, False) == (dtype, False)
        assert dtypes.result_type(dtype, dtype) == dtype
        for other in (dtypes.float32, dtypes.bool_):
            with pytest.raises(TypePromotionError):
                dtypes.promote(dtype, False, other, False)


def test_promotion_error_says_what_to_write():
    with pytest.raises(TypePromotionError) as error:
        dtypes.promote(dtypes.int4, False, dtypes.int8, False)
    assert "Found: int4 and int8" in str(error.value)
    assert "x.astype(" in str(error.value)
    with numpy_dtype_promotion("strict"), pytest.raises(TypePromotionError) as error:
        dtypes.promote(dtypes.int8, False, dtypes.float32, True)
    assert "int8 and a Python float" in str(error.value)
    assert "strict promotion is on" in str(error.value)


def test_promote_follows_the_flag_at_once():
    args = (dtypes.uint32, False, dtypes.int32, False)
    assert dtypes.promote(*args) == (dtypes.int32, False)
    with enable_x64(True):
        assert dtypes.promote(*args) == (dtypes.int64, False)
    assert dtypes.promote(*args) == (dtypes.int32, False)


def test_64_bit_values_keep_their_width_among_their_like():
    assert dtypes.promote(dtypes.float64, False, dtypes.float64, True) == (dtypes.float64, False)
    assert dtypes.promote(dtypes.float64, False, dtypes.float32, False) == (dtypes.float32, False)


@pytest.mark.parametrize("dtype", [*NAMES, *PYTHON_SCALARS, None])
def test_canonicalize(dtype, x64):
    expected = jax_dtypes.canonicalize_dtype(dtype)
    assert dtypes.canonicalize_dtype(dtype) is expected
    for flag in (False, True):
        with jax.enable_x64(flag):
            assert dtypes.canonicalize_dtype(dtype, flag) == jax_dtypes.canonicalize_dtype(dtype)


def test_canonical_dtypes_are_single_objects():
    other = next(np.dtype(c) for c in "lqLQ" if np.dtype(c) is not np.dtype(np.dtype(c).name))
    assert dtypes.canonicalize_dtype(other, True) is np.dtype(other.name)
    assert dtypes.canonicalize_dtype(dtypes.key_dtype) is dtypes.key_dtype


def test_unknown_dtype():
    with pytest.raises(TypeError, match="'foo'"):
        dtypes.canonicalize_dtype("foo")


@pytest.mark.parametrize("name", NAMES)
def test_one_dtype_as_jax_has_it(name):
    dtype = np.dtype(name)
    aval = jax.core.ShapedArray((3, 4), dtype)
    assert dtypes.short_name(dtype) + "[3,4]" == aval.str_short(short_dtypes=True)
    assert dtypes.itemsize_bits(dtype) == jax_internal.itemsize_bits(dtype)
    assert dtypes.scalar_type_of(np.zeros((), dtype)) is jax_dtypes.scalar_type_of(
        np.zeros((), dtype)
    )
    assert dtypes.to_numeric_dtype(dtype) == jax_internal.to_numeric_dtype(dtype)
    assert dtypes.to_complex_dtype(dtype) == jax_internal.to_complex_dtype(dtype)
    assert dtypes.tangent_dtype(dtype) == aval.to_tangent_aval().dtype
    if name not in ("int1", "int2", "uint1", "uint2"):  # JAX's sin takes no int2; ours does
        assert dtypes.to_inexact_dtype(dtype) == jax_internal.to_inexact_dtype(dtype)
        assert dtypes.to_floating_dtype(dtype) == jax_internal.to_floating_dtype(dtype)
    else:
        assert dtypes.to_inexact_dtype(dtype) == dtypes.to_floating_dtype(dtype) == dtypes.float32


def test_key_and_float0():
    key = jax.random.key(0)
    assert dtypes.short_name(dtypes.key_dtype) + "[]" == key.aval.str_short(short_dtypes=True)
    assert dtypes.short_name(dtypes.float0) == "float0"
    assert dtypes.float0 == jax_dtypes.float0
    assert dtypes.tangent_dtype(dtypes.key_dtype) == dtypes.float0
    assert (dtypes.kind(dtypes.key_dtype), dtypes.kind(dtypes.float0)) == ("key", "float0")
    assert np.zeros(3, dtypes.key_dtype)["fry"].shape == (3, 2)
    with pytest.raises(TypeError, match=r"key<fry>"):
        dtypes.scalar_type_of(np.zeros((), dtypes.key_dtype))


ABSTRACT = [np.generic, np.number, np.integer, np.signedinteger, np.unsignedinteger, np.inexact]
ABSTRACT += [np.floating, np.complexfloating, np.bool_, *PYTHON_SCALARS]


def test_issubdtype():
    arguments = [*DTYPES, *ABSTRACT, "float32", "bfloat16"]
    for a, b in itertools.product(arguments, arguments):
        assert dtypes.issubdtype(a, b) == jnp.issubdtype(a, b), (a, b)


def test_issubdtype_of_keys():
    theirs = jax.random.key(0).dtype
    for ours_b, theirs_b in [
        (dtypes.prng_key, jax_dtypes.prng_key),
        (dtypes.extended, jax_dtypes.extended),
        *((b, b) for b in ABSTRACT),
    ]:
        expected = jnp.issubdtype(theirs, theirs_b)
        assert dtypes.issubdtype(dtypes.key_dtype, ours_b) == expected
    assert dtypes.issubdtype(dtypes.key_dtype, dtypes.key_dtype)
    assert not dtypes.issubdtype(np.float32, dtypes.prng_key)


KINDS = ["bool", "signed integer", "unsigned integer", "integral", "real floating"]
KINDS += ["complex floating", "numeric", "float32", np.int8, ("bool", "integral"), ("int8", bool)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_isdtype(kind):
    for dtype in DTYPES:
        assert dtypes.isdtype(dtype, kind) == jnp.isdtype(dtype, kind)


def test_isdtype_of_unknown_kind():
    for f in (dtypes.isdtype, jnp.isdtype):
        with pytest.raises(ValueError, match="numeric"):
            f("int8", "foo")
        with pytest.raises(TypeError):
            f("int8", 3)


def test_kind():
    letters = {"bool": "b", "int4": "i", "uint2": "u", "bfloat16": "f", "float8_e4m3fn": "f"}
    letters |= {"int64": "i", "uint8": "u", "float16": "f", "complex64": "c"}
    for name, letter in letters.items():
        assert dtypes.kind(name) == letter
    with pytest.raises(TypeError, match="numbers"):
        dtypes.kind("S3")


@pytest.mark.parametrize("name", NAMES)
def test_finfo_and_iinfo(name):
    for ours, theirs in ((dtypes.finfo, jnp.finfo), (dtypes.iinfo, jnp.iinfo)):
        expected = outcome(theirs, name)
        got = outcome(ours, name)
        assert repr(got) == repr(expected)
    if name in lattice.FLOATS:
        assert dtypes.finfo(np.zeros(2, name)).eps == jnp.finfo(name).eps


def test_dtype_of_values(x64):
    for value in (True, 1, 2.0, 3j, np.float64(1), np.int64(1), np.zeros(2, np.uint64), 2**40):
        assert dtypes.dtype_of(value) == jax_internal.dtype(value)
    for value in ([1], None, object(), np.array(["a"]), np.zeros(2, ">f4")):
        with pytest.raises(TypeError):
            dtypes.dtype_of(value)
    array = SimpleNamespace(dtype=np.dtype("float64"))  # ours: as wide as it was made
    assert dtypes.dtype_of(array) == np.float64


class Colour(enum.IntEnum):
    RED = 3


def test_is_weak():
    assert all(map(dtypes.is_weak, (1, 2.0, 3j, Colour.RED)))
    assert not any(map(dtypes.is_weak, (True, np.float64(1), np.complex128(1), np.zeros(2), "a")))
    assert dtypes.dtype_of(Colour.RED) == dtypes.int32
    for weak in (False, True):
        value = SimpleNamespace(dtype=dtypes.float32, weak_type=weak)
        assert dtypes.is_weak(value) is weak


@pytest.mark.parametrize(
    "value", [2**31 - 1, 2**31, 2**40, 2**63, -(2**31), -(2**31) - 1, -(2**63)]
)
def test_python_int_that_overflows(value, x64):
    expected = outcome(lambda: jnp.asarray(value).dtype)
    assert outcome(dtypes.python_scalar_dtype, int, value) == expected


def test_overflow_says_what_to_write():
    with pytest.raises(OverflowError) as error:
        dtypes.python_scalar_dtype(int, 2**31)
    assert "2147483648 as i32" in str(error.value)
    assert 'config.update("enable_x64", True)' in str(error.value)


def test_python_scalar_dtype(x64):
    for python_type in PYTHON_SCALARS:
        expected = jnp.asarray(python_type(1)).dtype
        assert dtypes.python_scalar_dtype(python_type, python_type(1)) == expected
        assert dtypes.python_scalar_dtype(python_type) == expected
        assert dtypes.default_dtype(expected.kind) == expected


def test_explicit_dtype_warns_of_lost_bits():
    with pytest.warns(UserWarning, match="zeros asked for float64 and gets float32"):
        assert dtypes.explicit_dtype("float64", "zeros") == dtypes.float32
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dtypes.explicit_dtype(float) == dtypes.float32
        assert dtypes.explicit_dtype("bfloat16") == dtypes.bfloat16
        assert dtypes.explicit_dtype(dtypes.key_dtype) == dtypes.key_dtype
        with enable_x64(True):
            assert dtypes.explicit_dtype("float64") == dtypes.float64
    for bad in ("S3", ">f4", object, "M8[s]"):
        with pytest.raises(TypeError):
            dtypes.explicit_dtype(bad)


def test_import_needs_no_jax():
    code = "import sys; import scratchfn.core.dtypes; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_flags_are_as_the_tests_found_them():
    assert not config.enable_x64
    assert config.numpy_dtype_promotion == "standard"
