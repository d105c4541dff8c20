"""Factorizations of matrices and the systems of equations that they solve.

A matrix is the last two axes of an array; leading axes count matrices. Read first: `algebra.py`,
the few operations that the rules of all others are written in.
"""

from scratchfn.primitives.linalg import cholesky as cholesky
from scratchfn.primitives.linalg import eig as eig
from scratchfn.primitives.linalg import eigh as eigh
from scratchfn.primitives.linalg import lu as lu
from scratchfn.primitives.linalg import qr as qr
from scratchfn.primitives.linalg import reductions as reductions
from scratchfn.primitives.linalg import svd as svd
from scratchfn.primitives.linalg import triangular as triangular
from scratchfn.primitives.linalg import tridiagonal as tridiagonal
from scratchfn.primitives.linalg import updates as updates
