"""`jax.scipy.integrate`: integrals of sampled functions."""

from scratchfn.numpy.calculus import trapezoid as trapezoid

__all__ = ["trapezoid"]
