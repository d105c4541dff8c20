"""What JAX's tutorials on convolutions and on training a network teach, as scripts that run on both
libraries."""

from __future__ import annotations

import pytest

from tests.tutorials.scripts import agree

SCRIPTS: dict[str, str] = {}

SCRIPTS["signals are smoothed"] = """
from importlib import import_module
signal, stats = (import_module(f'{the_library.__name__}.scipy.{n}') for n in ('signal', 'stats'))
noise = np.random.RandomState(0).normal(size=(40,)).astype('float32')
line = jnp.sin(jnp.linspace(0, 6, 40)) + 0.2 * noise
window, x = jnp.ones(5) / 5, jnp.linspace(-3, 3, 5)
bell = stats.norm.pdf(x) * stats.norm.pdf(x[:, None])
image = jnp.outer(line, line)
results = [jnp.convolve(line, window, mode=mode) for mode in ('same', 'full', 'valid')]
results += [jnp.correlate(line, window), signal.convolve(image, bell, mode='same'),
            signal.convolve2d(image, bell, mode='valid'), signal.correlate2d(image[:6, :6], bell)]
"""

IMAGE = """
edges = jnp.array([[1., 1, 0], [1, 0, -1], [0, -1, -1]])
kernel = jnp.zeros((3, 3, 2, 4)) + edges[:, :, None, None]
image = jnp.zeros((1, 12, 10, 2))
for k in range(2):
    image = image.at[0, 2 + 4*k:5 + 4*k, 1 + 3*k:5 + 3*k, k].set(1. + k)
"""

SCRIPTS["layouts are given by letters"] = (
    IMAGE
    + """
dn = lax.conv_dimension_numbers(image.shape, kernel.shape, ('NHWC', 'HWIO', 'NHWC'))
print(dn)
images, kernels = jnp.transpose(image, (0, 3, 1, 2)), jnp.transpose(kernel, (3, 2, 0, 1))
conv = lambda *args: lax.conv_general_dilated(image, kernel, *args, dn)
results = [lax.conv(images, kernels, (1, 1), 'SAME'),
           lax.conv_with_general_padding(images, kernels, (1, 1), ((2, 2), (2, 2)), (1, 1), (1, 1)),
           conv((1, 1), 'SAME', (1, 1), (1, 1)), conv((1, 1), 'VALID', (1, 1), (1, 1)),
           conv((2, 2), 'SAME', (1, 1), (1, 1)), conv((1, 1), 'VALID', (1, 1), (3, 3)),
           conv((1, 1), ((0, 0), (0, 0)), (2, 2), (1, 1)),
           lax.conv_general_dilated(image, kernel[:, :, :1], (1, 1), 'SAME', dimension_numbers=dn,
                                    feature_group_count=2)]
print([x.shape for x in results], refusal(lambda: lax.conv(image, kernels, (1, 1), 'SAME')))
"""
)

SCRIPTS["a transposed convolution is a dilated one"] = (
    IMAGE
    + """
kernel = kernel[..., :2]
dn = ('NHWC', 'HWIO', 'NHWC')
up = lax.conv_transpose(image, kernel, (2, 2), 'SAME', dimension_numbers=dn, transpose_kernel=True)
turned = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
by_hand = lax.conv_general_dilated(image, turned, (1, 1), ((2, 1), (2, 1)), (2, 2), (1, 1), dn)
down = lambda x: lax.conv_general_dilated(x, kernel, (2, 2), 'SAME', dimension_numbers=dn)
back, = vjp(down, up)[1](image)
print(up.shape, bool(jnp.allclose(up, by_hand)), bool(jnp.allclose(back, up, atol=1e-5)))
results = [up, by_hand, back]
"""
)

SCRIPTS["one dimension, and three"] = """
line = jnp.sin(jnp.arange(40.)).reshape(1, 20, 2)
taps = jnp.array([[[1., 0, -1], [-1, 0, 1]], [[1, 1, 1], [-1, -1, -1]]]).transpose(2, 1, 0)
dn = lax.conv_dimension_numbers(line.shape, taps.shape, ('NWC', 'WIO', 'NWC'))
cube = jnp.cos(jnp.arange(216.)).reshape(1, 6, 6, 6, 1)
star = jnp.zeros((3, 3, 3)).at[1, 1].set(jnp.array([1., -2, 1])).at[0, 1, 1].set(3.)
dn3 = lax.conv_dimension_numbers(cube.shape, (3, 3, 3, 1, 1), ('NHWDC', 'HWDIO', 'NHWDC'))
print(dn, dn3)
results = [lax.conv_general_dilated(line, taps, (1,), 'SAME', (1,), (1,), dn),
           lax.conv_general_dilated(cube, star[..., None, None], (1, 1, 1), 'SAME',
                                    (1, 1, 1), (1, 1, 1), dn3)]
"""

SCRIPTS["a network is trained"] = """
logsumexp = the_library.scipy.special.logsumexp
rng = np.random.RandomState(0)
def layer(m, n, scale=0.1):
    return tuple(jnp.float32(scale * rng.normal(size=shape)) for shape in ((n, m), (n,)))

def predict(params, image):
    'Log probabilities of the classes of one image.'
    for w, b in params[:-1]:
        image = jnp.maximum(0, jnp.dot(w, image) + b)
    w, b = params[-1]
    logits = jnp.dot(w, image) + b
    return logits - logsumexp(logits)

batched = vmap(predict, in_axes=(None, 0))
def one_hot(labels, k):
    return jnp.array(labels[:, None] == jnp.arange(k), jnp.float32)

def loss(params, images, targets):
    return -jnp.mean(batched(params, images) * targets)

@jit
def update(params, images, targets):
    return tree.map(lambda p, g: p - 0.5 * g, params, grad(loss)(params, images, targets))

sizes = [16, 12, 12, 3]
params = [layer(m, n) for m, n in zip(sizes[:-1], sizes[1:])]
labels = rng.randint(3, size=60)
images = (rng.normal(size=(60, 16)) + np.eye(3, 16)[labels] * 3).astype('float32')
targets = one_hot(labels, 3)
print(predict(params, images[0]).shape, refusal(predict, params, images[:10]),
      batched(params, images[:10]).shape)
for epoch in range(4):
    for i in range(0, 60, 20):
        params = update(params, images[i:i + 20], targets[i:i + 20])
right = jnp.argmax(batched(params, images), 1) == jnp.argmax(targets, 1)
results = [params, loss(params, images, targets), jnp.mean(right)]
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_jax(name: str) -> None:
    agree(SCRIPTS[name], same_text=True)
