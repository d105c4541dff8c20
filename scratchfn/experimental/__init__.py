"""What JAX has under `jax.experimental`, under the same names."""

from scratchfn.transforms.callbacks import io_callback as io_callback
