"""`jax.scipy.spatial`."""

from scratchfn.scipy.spatial import transform as transform
