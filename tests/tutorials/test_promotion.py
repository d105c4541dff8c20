"""What JAX's pages on promotion teach, of dtypes and of ranks, as scripts that run on both
libraries."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["the table"] = """
names = ['bool', 'uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64',
         'float16', 'float32', 'float64', 'complex64', 'complex128']
types = [*map(np.dtype, names), jnp.bfloat16, int, float, complex]
for x64 in (False, True):
    with the_library.enable_x64(x64):
        for a in types:
            print(*(jnp.promote_types(a, b) for b in types))
            print(*(jnp.result_type(a, b) for b in types))
results = []
"""

SCRIPTS["weak types"] = """
x = jnp.arange(5, dtype='int8')
results = [2 * x, jnp.int32(2) * x, x + 1.5, x * 2j, x + True, jnp.asarray(2) + x, x + np.int16(1),
           jnp.int16(1) + 1, jnp.int16(1) + np.array(1), np.int16(1) + 1 + jnp.int16(1),
           jnp.ones(2, 'bfloat16') + jnp.ones(2, 'float16'), jit(lambda y: y + x)(2),
           jnp.uint8(200) + 100, jnp.float16(1) * 1e3, x // 2, x / 2, x ** 2, jnp.int8(3) ** 2.]
print(*map(repr, (jnp.asarray(2), jnp.asarray(2, dtype='int32'), jnp.asarray(2) + 1, 2 * x,
                  jit(lambda y: y)(2.), jnp.asarray([1, 2]), jnp.full((), 3), jnp.asarray(1j))))
"""

SCRIPTS["strict dtypes"] = """
x, i = jnp.float32(1), jnp.int32(1)
with the_library.numpy_dtype_promotion('strict'):
    results = [x + 1, i + 1, x * 2., jnp.where(x > 0, x, 0), jnp.mean(jnp.arange(3.)),
               jnp.arange(3.).at[0].set(3)]
    print([refusal(f) for f in (lambda: x + i, lambda: i + 1.5, lambda: jnp.int8(1) + i,
                                lambda: jnp.concatenate([jnp.ones(2), jnp.ones(2, int)]),
                                lambda: jnp.where(True, x, i), lambda: x + jnp.bool_(True),
                                lambda: i + True)])
the_library.config.update('jax_numpy_dtype_promotion', 'strict')
print(refusal(jit(lambda x, i: x + i), x, i))
the_library.config.update('jax_numpy_dtype_promotion', 'standard')
results += [x + i]
"""

SCRIPTS["ranks"] = """
import warnings
x, y = jnp.arange(12).reshape(4, 3), jnp.array([0, 1, 0])
def warnings_of(f):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        f()
    return [w.category.__name__ for w in seen]

with the_library.numpy_rank_promotion('warn'):
    print(warnings_of(lambda: x + y), warnings_of(lambda: x + y[None]), warnings_of(lambda: x * 2))
with the_library.numpy_rank_promotion('raise'):
    results = [x + y[None], x - 1, jnp.where(y > 0, x, 0), x @ y, vmap(jnp.add, (0, None))(x, y)]
    print(refusal(lambda: x + y), refusal(jit(jnp.multiply), x, y), refusal(jnp.maximum, x, y))
the_library.config.update('jax_numpy_rank_promotion', 'raise')
print(refusal(lambda: x > y))
the_library.config.update('jax_numpy_rank_promotion', 'allow')
results += [x + y]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)
