"""The user's `jnp.linalg`: linear algebra on matrices, the last two axes of arrays, as JAX has it.

Integers become floats; a factorization that fails is nan. Read first: `solving.py`.
"""

from scratchfn.numpy.linalg.determinants import det as det
from scratchfn.numpy.linalg.determinants import slogdet as slogdet
from scratchfn.numpy.linalg.factorizations import cholesky as cholesky
from scratchfn.numpy.linalg.factorizations import eig as eig
from scratchfn.numpy.linalg.factorizations import eigh as eigh
from scratchfn.numpy.linalg.factorizations import eigvals as eigvals
from scratchfn.numpy.linalg.factorizations import eigvalsh as eigvalsh
from scratchfn.numpy.linalg.factorizations import qr as qr
from scratchfn.numpy.linalg.factorizations import svd as svd
from scratchfn.numpy.linalg.factorizations import svdvals as svdvals
from scratchfn.numpy.linalg.norms import cond as cond
from scratchfn.numpy.linalg.norms import matrix_norm as matrix_norm
from scratchfn.numpy.linalg.norms import matrix_rank as matrix_rank
from scratchfn.numpy.linalg.norms import norm as norm
from scratchfn.numpy.linalg.norms import vector_norm as vector_norm
from scratchfn.numpy.linalg.products import cross as cross
from scratchfn.numpy.linalg.products import diagonal as diagonal
from scratchfn.numpy.linalg.products import matmul as matmul
from scratchfn.numpy.linalg.products import matrix_power as matrix_power
from scratchfn.numpy.linalg.products import matrix_transpose as matrix_transpose
from scratchfn.numpy.linalg.products import multi_dot as multi_dot
from scratchfn.numpy.linalg.products import outer as outer
from scratchfn.numpy.linalg.products import tensordot as tensordot
from scratchfn.numpy.linalg.products import trace as trace
from scratchfn.numpy.linalg.products import vecdot as vecdot
from scratchfn.numpy.linalg.pseudoinverse import lstsq as lstsq
from scratchfn.numpy.linalg.pseudoinverse import pinv as pinv
from scratchfn.numpy.linalg.solving import inv as inv
from scratchfn.numpy.linalg.solving import solve as solve
from scratchfn.numpy.linalg.solving import tensorinv as tensorinv
from scratchfn.numpy.linalg.solving import tensorsolve as tensorsolve
