"""`jax.scipy.special`: functions of mathematical physics and of statistics.

Each promotes its operands, integers to floats, and is a composition of lax's operations: what lax
has itself (lgamma, erf, ...), identities, and polynomials fitted to what has no closed form.
Where a function has a derivative in closed form, it is given that.

Read next: `scipy/special/arguments.py`, then `scipy/special/logarithms.py`.
"""

from scratchfn.scipy.special.bessel import bessel_jn as bessel_jn
from scratchfn.scipy.special.bessel import i0 as i0
from scratchfn.scipy.special.bessel import i0e as i0e
from scratchfn.scipy.special.bessel import i1 as i1
from scratchfn.scipy.special.bessel import i1e as i1e
from scratchfn.scipy.special.beta import beta as beta
from scratchfn.scipy.special.beta import betainc as betainc
from scratchfn.scipy.special.beta import betaln as betaln
from scratchfn.scipy.special.beta import comb as comb
from scratchfn.scipy.special.beta import poch as poch
from scratchfn.scipy.special.error import dawsn as dawsn
from scratchfn.scipy.special.error import erf as erf
from scratchfn.scipy.special.error import erfc as erfc
from scratchfn.scipy.special.error import erfcx as erfcx
from scratchfn.scipy.special.error import erfinv as erfinv
from scratchfn.scipy.special.error import wofz as wofz
from scratchfn.scipy.special.exponential_integrals import exp1 as exp1
from scratchfn.scipy.special.exponential_integrals import expi as expi
from scratchfn.scipy.special.exponential_integrals import expn as expn
from scratchfn.scipy.special.gamma import digamma as digamma
from scratchfn.scipy.special.gamma import factorial as factorial
from scratchfn.scipy.special.gamma import gamma as gamma
from scratchfn.scipy.special.gamma import gammainc as gammainc
from scratchfn.scipy.special.gamma import gammaincc as gammaincc
from scratchfn.scipy.special.gamma import gammaln as gammaln
from scratchfn.scipy.special.gamma import gammasgn as gammasgn
from scratchfn.scipy.special.gamma import loggamma as loggamma
from scratchfn.scipy.special.gamma import multigammaln as multigammaln
from scratchfn.scipy.special.gamma import polygamma as polygamma
from scratchfn.scipy.special.gamma import zeta as zeta
from scratchfn.scipy.special.harmonics import sph_harm_y as sph_harm_y
from scratchfn.scipy.special.hypergeometric import hyp1f1 as hyp1f1
from scratchfn.scipy.special.hypergeometric import hyp2f1 as hyp2f1
from scratchfn.scipy.special.logarithms import boxcox as boxcox
from scratchfn.scipy.special.logarithms import boxcox1p as boxcox1p
from scratchfn.scipy.special.logarithms import entr as entr
from scratchfn.scipy.special.logarithms import expit as expit
from scratchfn.scipy.special.logarithms import kl_div as kl_div
from scratchfn.scipy.special.logarithms import log_softmax as log_softmax
from scratchfn.scipy.special.logarithms import logit as logit
from scratchfn.scipy.special.logarithms import logsumexp as logsumexp
from scratchfn.scipy.special.logarithms import rel_entr as rel_entr
from scratchfn.scipy.special.logarithms import softmax as softmax
from scratchfn.scipy.special.logarithms import xlog1py as xlog1py
from scratchfn.scipy.special.logarithms import xlogy as xlogy
from scratchfn.scipy.special.normal import log_ndtr as log_ndtr
from scratchfn.scipy.special.normal import ndtr as ndtr
from scratchfn.scipy.special.normal import ndtri as ndtri
from scratchfn.scipy.special.normal import owens_t as owens_t
from scratchfn.scipy.special.numbers import bernoulli as bernoulli
from scratchfn.scipy.special.trigonometric_integrals import fresnel as fresnel
from scratchfn.scipy.special.trigonometric_integrals import sici as sici
from scratchfn.scipy.special.trigonometric_integrals import spence as spence
