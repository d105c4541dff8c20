"""What JAX's tutorial on random numbers and its page on typed keys teach, as scripts that run on
both libraries."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["a key is a value"] = """
key = random.key(42)
print(key, repr(key), the_library.typeof(key), key.shape, key.ndim)
results = [random.normal(key), random.normal(key), random.uniform(key, (2,)),
           jit(random.normal)(key)]
"""

SCRIPTS["split and fold_in"] = """
key = random.key(42)
results = []
for _ in range(3):
    key, subkey = random.split(key)
    results.append(random.normal(subkey))
key, *many = random.split(key, num=5)
results += [random.key_data(key), [random.key_data(k) for k in many],
            random.key_data(random.split(key, (2, 3)))]
for step in range(3):
    results.append(random.uniform(random.fold_in(key, step)))
results.append(vmap(lambda i: random.bits(random.fold_in(key, i)))(jnp.arange(4)))
print(len(many), many[0].shape, random.split(key).shape)
"""

SCRIPTS["one by one is not all at once, but mapped it is"] = """
keys = random.split(random.key(42), 3)
one_by_one = np.stack([random.normal(key) for key in keys])
at_once, mapped = random.normal(random.key(42), (3,)), vmap(random.normal)(keys)
results = [one_by_one, at_once, mapped]
print((one_by_one == np.asarray(mapped)).all(), (one_by_one == np.asarray(at_once)).any())
"""

SCRIPTS["in loops and in derivatives"] = """
def walk(key, n):
    def step(position, key):
        position = position + random.rademacher(key)
        return position, position
    return lax.scan(step, 0, random.split(key, n))[1]

def expected_square(mean, key):
    return jnp.mean((mean + random.normal(key, (8,))) ** 2)

key = random.key(3)
results = [walk(random.key(0), 6), vmap(walk, (0, None))(random.split(random.key(1), 2), 4),
           grad(expected_square)(1.5, random.key(2)),
           lax.fori_loop(0, 3, lambda i, x: x + random.uniform(random.fold_in(key, i)), 0.)]
"""

SCRIPTS["typed keys and raw ones"] = """
dtypes, typed, raw = the_library.dtypes, random.key(0), random.PRNGKey(0)
many = vmap(random.key)(jnp.arange(4))
print(repr(raw), raw.shape, raw.dtype, typed, repr(many), many.shape, len(many), many[1])
print([dtypes.issubdtype(k.dtype, dtypes.prng_key) for k in (typed, raw)],
      dtypes.issubdtype(typed.dtype, dtypes.extended), jnp.issubdtype(typed.dtype, dtypes.prng_key),
      dtypes.issubdtype(dtypes.prng_key, dtypes.extended), random.key_impl(typed))
results = [random.key_data(typed), random.key_data(raw), random.key_data(many.reshape(2, 2).T),
           random.normal(raw), random.normal(typed), random.normal(random.wrap_key_data(raw)),
           random.split(raw, 3), random.key_data(jnp.stack([typed, typed])), many == typed,
           random.key_data(jnp.where(jnp.array([True, False]), many[:2], many[2:])),
           random.key_data(random.key(0, impl='threefry2x32')),
           random.key_data(random.clone(typed))]
"""

SCRIPTS["what keys are kept from"] = """
typed, raw = random.key(999), random.PRNGKey(0)
sums = [lambda k: k + 1, lambda k: k * k, lambda k: k < k]
print([refusal(f, typed) for f in (*sums, jnp.sin, np.asarray, float, bool)])
print(refusal(lambda: typed[1]), refusal(random.uniform, random.split(typed)),
      refusal(random.split, random.split(typed)), refusal(random.key, 1.5),
      refusal(vmap(random.uniform, in_axes=1), random.split(typed)),
      refusal(random.uniform, 0), refusal(random.uniform, jnp.zeros(2)),
      refusal(random.wrap_key_data, jnp.zeros(3, 'uint32')))
results = [raw + jnp.arange(3, dtype='uint32')[:, None],     # which raw keys are not kept from
           vmap(random.uniform, in_axes=1)(random.split(raw)),
           vmap(random.uniform, in_axes=0)(random.split(raw))]
"""

SCRIPTS["seeds"] = """
seeds = 0, -1, 2**31, 2**40 + 1, np.int64(7), True
results = [random.key_data(random.key(seed)) for seed in seeds]
results += [jit(lambda s: random.key_data(random.key(s)))(5),
            refusal(random.PRNGKey, jnp.arange(2)), refusal(random.key, random.key(0))]
"""

SCRIPTS["some distributions"] = """
key, n = random.key(7), (3,)
low, high, logits = -1., jnp.arange(3.), jnp.log(jnp.array([.1, .2, .7]))
results = [random.bernoulli(key, 0.3, n), random.categorical(key, logits, shape=n),
           random.choice(key, jnp.arange(9), n, replace=False), random.exponential(key, n),
           random.permutation(key, 6), random.randint(key, n, 0, 10), random.laplace(key, n),
           random.truncated_normal(key, -1., 1., n), random.bits(key, n, 'uint8'),
           random.uniform(key, (2, 3), minval=low, maxval=high)]
"""

SCRIPTS["a key is good for once"] = """
def twice(key):
    return random.normal(key) + random.uniform(key)

def once(key):
    first, second = random.split(key)
    return random.normal(first) + random.uniform(second)

with the_library.debug_key_reuse(True):
    results = [once(random.key(0)), jit(once)(random.key(0)), refusal(twice, random.key(0)),
               refusal(jit(twice), random.key(0)), twice(random.PRNGKey(0))]
results += [twice(random.key(0))]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True, rtol=2e-5)
