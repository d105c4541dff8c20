"""`jax.scipy.cluster`."""

from scratchfn.scipy.cluster import vq as vq
