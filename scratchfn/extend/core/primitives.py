"""The primitives of `jax.extend.core.primitives`: of `lax`, calls, factorizations, keys."""

from scratchfn.lax.primitives import *  # noqa: F403
from scratchfn.primitives.identities import name_p as name_p
from scratchfn.primitives.linalg.cholesky import cholesky_p as cholesky_p
from scratchfn.primitives.linalg.eig import eig_p as eig_p
from scratchfn.primitives.linalg.eigh import eigh_p as eigh_p
from scratchfn.primitives.linalg.lu import lu_p as lu_p
from scratchfn.primitives.linalg.qr import qr_p as qr_p
from scratchfn.primitives.linalg.reductions import hessenberg_p as hessenberg_p
from scratchfn.primitives.linalg.reductions import schur_p as schur_p
from scratchfn.primitives.linalg.reductions import tridiagonal_p as tridiagonal_p
from scratchfn.primitives.linalg.svd import svd_p as svd_p
from scratchfn.primitives.linalg.triangular import triangular_solve_p as triangular_solve_p
from scratchfn.primitives.linalg.tridiagonal import tridiagonal_solve_p as tridiagonal_solve_p
from scratchfn.primitives.linalg.updates import householder_product_p as householder_product_p
from scratchfn.primitives.random_bits import threefry2x32_p as threefry2x32_p
from scratchfn.transforms.custom_jvp import custom_jvp_call_p as custom_jvp_call_p
from scratchfn.transforms.custom_vjp import custom_lin_p as custom_lin_p
from scratchfn.transforms.custom_vjp import custom_vjp_call_p as custom_vjp_call_p
from scratchfn.transforms.jit import jit_p as jit_p

__all__ = [name for name in dir() if name.endswith("_p")]
