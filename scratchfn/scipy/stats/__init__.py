"""`jax.scipy.stats`: distributions, a module each, and statistics of samples.

Read next: `scipy/stats/standard.py`.
"""

from scratchfn.scipy.stats import bernoulli as bernoulli
from scratchfn.scipy.stats import beta as beta
from scratchfn.scipy.stats import betabinom as betabinom
from scratchfn.scipy.stats import binom as binom
from scratchfn.scipy.stats import cauchy as cauchy
from scratchfn.scipy.stats import chi2 as chi2
from scratchfn.scipy.stats import dirichlet as dirichlet
from scratchfn.scipy.stats import expon as expon
from scratchfn.scipy.stats import gamma as gamma
from scratchfn.scipy.stats import gennorm as gennorm
from scratchfn.scipy.stats import geom as geom
from scratchfn.scipy.stats import gumbel_l as gumbel_l
from scratchfn.scipy.stats import gumbel_r as gumbel_r
from scratchfn.scipy.stats import laplace as laplace
from scratchfn.scipy.stats import logistic as logistic
from scratchfn.scipy.stats import multinomial as multinomial
from scratchfn.scipy.stats import multivariate_normal as multivariate_normal
from scratchfn.scipy.stats import nbinom as nbinom
from scratchfn.scipy.stats import norm as norm
from scratchfn.scipy.stats import pareto as pareto
from scratchfn.scipy.stats import poisson as poisson
from scratchfn.scipy.stats import t as t
from scratchfn.scipy.stats import truncnorm as truncnorm
from scratchfn.scipy.stats import uniform as uniform
from scratchfn.scipy.stats import vonmises as vonmises
from scratchfn.scipy.stats import wrapcauchy as wrapcauchy
from scratchfn.scipy.stats.descriptive import mode as mode
from scratchfn.scipy.stats.descriptive import rankdata as rankdata
from scratchfn.scipy.stats.descriptive import sem as sem
from scratchfn.scipy.stats.kde import gaussian_kde as gaussian_kde
