"""SciPy's linear algebra on arrays, traced or not, as JAX has it in `jax.scipy.linalg`.

Read first: `solving.py`.
"""

from scratchfn.scipy.linalg.exponential import expm as expm
from scratchfn.scipy.linalg.exponential import expm_frechet as expm_frechet
from scratchfn.scipy.linalg.factorizations import eigh as eigh
from scratchfn.scipy.linalg.factorizations import eigh_tridiagonal as eigh_tridiagonal
from scratchfn.scipy.linalg.factorizations import hessenberg as hessenberg
from scratchfn.scipy.linalg.factorizations import qr as qr
from scratchfn.scipy.linalg.factorizations import qr_multiply as qr_multiply
from scratchfn.scipy.linalg.factorizations import schur as schur
from scratchfn.scipy.linalg.factorizations import svd as svd
from scratchfn.scipy.linalg.matrix_functions import funm as funm
from scratchfn.scipy.linalg.matrix_functions import rsf2csf as rsf2csf
from scratchfn.scipy.linalg.matrix_functions import solve_sylvester as solve_sylvester
from scratchfn.scipy.linalg.matrix_functions import sqrtm as sqrtm
from scratchfn.scipy.linalg.patterned import block_diag as block_diag
from scratchfn.scipy.linalg.patterned import circulant as circulant
from scratchfn.scipy.linalg.patterned import companion as companion
from scratchfn.scipy.linalg.patterned import convolution_matrix as convolution_matrix
from scratchfn.scipy.linalg.patterned import dft as dft
from scratchfn.scipy.linalg.patterned import fiedler as fiedler
from scratchfn.scipy.linalg.patterned import fiedler_companion as fiedler_companion
from scratchfn.scipy.linalg.patterned import hadamard as hadamard
from scratchfn.scipy.linalg.patterned import hankel as hankel
from scratchfn.scipy.linalg.patterned import helmert as helmert
from scratchfn.scipy.linalg.patterned import hilbert as hilbert
from scratchfn.scipy.linalg.patterned import invhilbert as invhilbert
from scratchfn.scipy.linalg.patterned import invpascal as invpascal
from scratchfn.scipy.linalg.patterned import leslie as leslie
from scratchfn.scipy.linalg.patterned import pascal as pascal
from scratchfn.scipy.linalg.patterned import toeplitz as toeplitz
from scratchfn.scipy.linalg.polar_factors import polar as polar
from scratchfn.scipy.linalg.solving import cho_factor as cho_factor
from scratchfn.scipy.linalg.solving import cho_solve as cho_solve
from scratchfn.scipy.linalg.solving import cholesky as cholesky
from scratchfn.scipy.linalg.solving import det as det
from scratchfn.scipy.linalg.solving import inv as inv
from scratchfn.scipy.linalg.solving import lu as lu
from scratchfn.scipy.linalg.solving import lu_factor as lu_factor
from scratchfn.scipy.linalg.solving import lu_solve as lu_solve
from scratchfn.scipy.linalg.solving import solve as solve
from scratchfn.scipy.linalg.solving import solve_triangular as solve_triangular
