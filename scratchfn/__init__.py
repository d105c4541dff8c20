"""scratchfn: deep learning rebuilt from scratch the functional way.

    import scratchfn as sf
    import scratchfn.numpy as jnp
    from scratchfn import grad, jit, vmap

`grad`, `vmap` and `jit` transform pure functions of arrays and trees of arrays. The traced program
runs as NumPy on a CPU, or as jax.numpy and XLA on an accelerator. The names are JAX's.

To learn how it works, read `core/trace.py` first; each file names the next.
"""

from scratchfn import debug as debug
from scratchfn import errors as errors
from scratchfn import experimental as experimental
from scratchfn import lax as lax
from scratchfn import nn as nn
from scratchfn import numpy as numpy
from scratchfn import optim as optim
from scratchfn import random as random
from scratchfn import scipy as scipy
from scratchfn import tree as tree
from scratchfn import tree_util as tree_util
from scratchfn.backends.devices import default_backend as default_backend
from scratchfn.backends.devices import device_count as device_count
from scratchfn.backends.devices import device_get as device_get
from scratchfn.backends.devices import device_put as device_put
from scratchfn.backends.devices import devices as devices
from scratchfn.backends.devices import local_device_count as local_device_count
from scratchfn.backends.devices import local_devices as local_devices
from scratchfn.config import config as config
from scratchfn.config import disable_jit as disable_jit
from scratchfn.config import enable_x64 as enable_x64
from scratchfn.config import numpy_dtype_promotion as numpy_dtype_promotion
from scratchfn.config import numpy_rank_promotion as numpy_rank_promotion
from scratchfn.transforms.aot import ShapeDtypeStruct as ShapeDtypeStruct
from scratchfn.transforms.api import grad as grad
from scratchfn.transforms.api import jvp as jvp
from scratchfn.transforms.api import linear_transpose as linear_transpose
from scratchfn.transforms.api import linearize as linearize
from scratchfn.transforms.api import value_and_grad as value_and_grad
from scratchfn.transforms.api import vjp as vjp
from scratchfn.transforms.callbacks import effects_barrier as effects_barrier
from scratchfn.transforms.callbacks import pure_callback as pure_callback
from scratchfn.transforms.custom_jvp import custom_jvp as custom_jvp
from scratchfn.transforms.jacobian import hessian as hessian
from scratchfn.transforms.jacobian import jacfwd as jacfwd
from scratchfn.transforms.jacobian import jacobian as jacobian
from scratchfn.transforms.jacobian import jacrev as jacrev
from scratchfn.transforms.jit_api import eval_shape as eval_shape
from scratchfn.transforms.jit_api import jit as jit
from scratchfn.transforms.jit_api import make_jaxpr as make_jaxpr
from scratchfn.transforms.vmap_api import vmap as vmap

Array = numpy.ndarray
"""The class of all values, concrete and traced, for annotations and isinstance."""

__version__ = "0.1.0"
