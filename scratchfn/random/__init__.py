"""Random numbers, all of them functions of a key that is passed: JAX's, bit for bit.

    key = random.key(0)
    key, part = random.split(key)
    x = random.normal(part, (3, 4))

A key is used once. Read first: `random/keys.py`.
"""

from scratchfn.random.bits import bits as bits
from scratchfn.random.bits import randint as randint
from scratchfn.random.bits import uniform as uniform
from scratchfn.random.counts import binomial as binomial
from scratchfn.random.counts import multinomial as multinomial
from scratchfn.random.counts import poisson as poisson
from scratchfn.random.discrete import bernoulli as bernoulli
from scratchfn.random.discrete import categorical as categorical
from scratchfn.random.discrete import choice as choice
from scratchfn.random.discrete import geometric as geometric
from scratchfn.random.discrete import permutation as permutation
from scratchfn.random.discrete import rademacher as rademacher
from scratchfn.random.gamma import ball as ball
from scratchfn.random.gamma import beta as beta
from scratchfn.random.gamma import chisquare as chisquare
from scratchfn.random.gamma import dirichlet as dirichlet
from scratchfn.random.gamma import f as f
from scratchfn.random.gamma import gamma as gamma
from scratchfn.random.gamma import generalized_normal as generalized_normal
from scratchfn.random.gamma import loggamma as loggamma
from scratchfn.random.gamma import random_gamma_p as random_gamma_p
from scratchfn.random.gamma import t as t
from scratchfn.random.keys import PRNGKey as PRNGKey
from scratchfn.random.keys import clone as clone
from scratchfn.random.keys import fold_in as fold_in
from scratchfn.random.keys import key as key
from scratchfn.random.keys import key_data as key_data
from scratchfn.random.keys import key_dtype as key_dtype
from scratchfn.random.keys import key_impl as key_impl
from scratchfn.random.keys import split as split
from scratchfn.random.keys import wrap_key_data as wrap_key_data
from scratchfn.random.samplers import cauchy as cauchy
from scratchfn.random.samplers import exponential as exponential
from scratchfn.random.samplers import gumbel as gumbel
from scratchfn.random.samplers import laplace as laplace
from scratchfn.random.samplers import logistic as logistic
from scratchfn.random.samplers import lognormal as lognormal
from scratchfn.random.samplers import normal as normal
from scratchfn.random.samplers import pareto as pareto
from scratchfn.random.samplers import rayleigh as rayleigh
from scratchfn.random.samplers import triangular as triangular
from scratchfn.random.samplers import truncated_normal as truncated_normal
from scratchfn.random.samplers import wald as wald
from scratchfn.random.samplers import weibull_min as weibull_min
from scratchfn.random.vectors import double_sided_maxwell as double_sided_maxwell
from scratchfn.random.vectors import maxwell as maxwell
from scratchfn.random.vectors import multivariate_normal as multivariate_normal
from scratchfn.random.vectors import orthogonal as orthogonal
