"""Where a call differs from JAX on purpose, and why: (pattern of calls, of kinds, reason).

A test fails if one of these no longer differs, so the list cannot outlive its reasons.
`docs/jax_differences.md` says the same for readers.
"""

from __future__ import annotations

import re

DIFFERENT: list[tuple[str, str, str]] = [
    (
        r"jnp\.arange\(1, 7, 2, dtype=x\.dtype\)",
        "complex.*",
        "complex numbers have no order in which to count; JAX counts the real parts",
    ),
    (
        r"jnp\.argwhere\(x, size=5, fill_value=-1\)",
        "empty",
        "JAX forgets the fill value where the array is empty",
    ),
    (
        r"jnp\.cumsum\(x, axis=0, dtype='float32'\)|jnp\.nancumprod\(x, axis=0\)",
        "rank0",
        "JAX takes a 0-d array for a vector if it is weakly typed, and refuses it otherwise",
    ),
    (
        r"jnp\.linalg\.lstsq\(.*\).*|jsp\.linalg\.hessenberg\(m\)",
        "rank0|weak.*",
        "a 0-d array is refused as no matrix; JAX stumbles over its shape, with an IndexError",
    ),
    (
        r"jnp\.linalg\.vector_norm\(x, ord=1\)",
        "u?int.*|bool|weak_int",
        "whole numbers become floats first, as in norm; JAX would cut off the root of their powers",
    ),
    (
        r"jsp\.linalg\.(toeplitz|hankel|convolution_matrix)\(.*\)",
        "special",
        "elements are moved; JAX multiplies them with 0 and 1, and nan spreads",
    ),
    (
        r"jnp\.digitize\(v, jnp\.sort\(w\)\)",
        "special",
        "bins that end in nan neither rise nor fall",
    ),
    (
        r"jnp\.gradient\(.*\)",
        "special",
        "the mean of two slopes, of which one is infinite and one nan, is nan",
    ),
    (r"jnp\.kron\(m, b\)", "bool", "the product of booleans is their conjunction, as NumPy's"),
    (r"jnp\.polyadd\(v, w\)", "bool", "the sum of booleans is their disjunction, as NumPy's"),
    (r"jnp\.nanpercentile\(x, 30\)", "empty", "the same class of error as quantile's"),
    (r"jnp\.pad\(v, 2, mode='mean'\)", "empty", "there is no mean of no elements"),
    (r"jnp\.permute_dims\(s, \(2, 0, 1\)\)", "rank0|weak|weak_int", "there is no axis 2"),
    (
        r"jnp\.piecewise\(x, \[x < 0, x >= 0\], \[-1, 1\]\)",
        "uint.*",
        "-1 is not a number of an unsigned type",
    ),
    (
        r"jnp\.round\(x, -1\)",
        "int.*|uint.*|weak_int",
        "integers are rounded to tens; JAX has not written it",
    ),
    (
        r"jnp\.(unique|union1d).*",
        "empty",
        "nothing is filled in for what an empty array lacks; JAX wants a fill value first",
    ),
    (
        r"jnp\.array_repr\(.*\)",
        ".*",
        "an array is written as Array, as JAX's own repr does; its array_repr says ArrayImpl",
    ),
    (
        r"jnp\.poly(add|der|int|mul)\(.*\)|lax\.map\(.*\)|lax\.scan\(.*, x\)|"
        r"lax\.associative_scan\(.* reverse=True\)|lax\.reduce\(.*, lambda .*\)",
        "rank0|weak.*",
        "a ValueError, as elsewhere where an axis is missing; JAX stumbles over the shape",
    ),
    (
        r"jnp\.put\(.*\)",
        "rank0|weak.*",
        "a 0-d array has one place, as in NumPy; JAX finds none",
    ),
    (
        r"jsp\.special\.bernoulli\(5\)",
        "u?int64|float64|complex128",
        "exact to a rounding; in JAX the fourth is 1e-7 away",
    ),
    (
        r"jsp\.special\.bessel_jn\(.*\)",
        "complex128",
        "the same class of error as for complex64, where JAX has another",
    ),
    (
        r"jsp\.special\.bessel_jn\(.*\)",
        "float16|u?int.*|bool|special",
        "J is 1 or 0 at 0 and near it; JAX divides by it",
    ),
    (
        r"jsp\.special\.exp1\(.*\)",
        "special",
        "it is 0 at infinity; JAX multiplies 0 with infinity",
    ),
    (
        r"jsp\.special\.expi\(.*\)",
        "float16|u?int.*|bool|special",
        "it is -inf at 0, 0 and inf at the infinities; JAX adds infinities of both signs",
    ),
    (
        r"jsp\.special\.expn\(.*\)",
        "u?int.*|bool|special",
        "it is 1/(n - 1) at 0 and 0 at infinity; JAX takes 1/n, and nan",
    ),
    (
        r"jsp\.special\.gamma\(.*\)",
        "u?int(8|32)",
        "10! is within 1e-6 of what it should be, and 3e-6 away in JAX",
    ),
    (
        r"jsp\.special\.hyp1f1\(.*\)",
        "special",
        "nan where all arguments are infinite: there is no limit; JAX has inf or 0",
    ),
    (
        r"jsp\.special\.hyp2f1\(.*\)",
        "float16",
        "within a rounding of the exact value, from which JAX is eight away",
    ),
    (
        r"jsp\.special\.owens_t\(.*\)",
        "float16|bfloat16",
        "in single precision, as the result; JAX takes some steps in half precision",
    ),
    (
        r"jsp\.special\.spence\(.*\)",
        "special",
        "it is -inf at infinity; JAX has nan",
    ),
    (
        r"jsp\.fft\.(dctn|idct|idctn)\(.*\)",
        "empty",
        "an axis without elements is a ValueError, as in SciPy; JAX stumbles over the shapes",
    ),
    (
        r"jsp\.fft\.idctn?\(.*\)",
        "float16|bfloat16",
        "in single precision from the start, as dct is; JAX scales in half precision first",
    ),
    (
        r"jsp\.fft\.idct\(.*\)",
        "special",
        "a sum with one infinity is infinite; JAX's product of complex numbers is nan",
    ),
    (
        r"jsp\.signal\.detrend\(x\)",
        "float16|bfloat16",
        "computed in single precision; JAX refuses it",
    ),
    (
        r"jsp\.ndimage\.map_coordinates\(.*\)",
        "bool",
        "False and True are the places 0 and 1; JAX cannot subtract them",
    ),
    (
        r"jsp\.integrate\.trapezoid\(.*\)",
        "special",
        "infinite at once; JAX takes half of it away, infinity from infinity",
    ),
    (
        r"jsp\.integrate\.trapezoid\(.*\)",
        "empty",
        "the integral over nothing is 0, as in NumPy; JAX has an IndexError",
    ),
    (
        r"jsp\.optimize\.minimize\(.*\)\.x",
        "rank0|weak.*",
        "a start that is no vector is a TypeError; JAX stumbles over its shape",
    ),
    (
        r"jsp\.optimize\.minimize\(.*\)\.x",
        "special",
        "x is where the value and the gradient were found; JAX adds a last step, which is nan",
    ),
    (
        r"jsp\.special\.owens_t\(.*\)|jsp\.stats\.(cauchy|logistic)\.\w+\(.*\)"
        r"|jsp\.stats\.beta\.(log)?(cdf|sf)\(.*\)|jsp\.stats\.norm\.(log)?pdf\(.*\)"
        r"|jsp\.stats\.(expon|pareto|uniform)\.ppf\(.*\)",
        "complex.*",
        "not defined there; JAX computes something",
    ),
    (
        r"jsp\.stats\.cauchy\.ppf\(.*\)",
        "float16",
        "within a rounding of the exact value, from which JAX is five away",
    ),
    (
        r"jsp\.stats\.cauchy\.(ppf|isf)\(.*\)",
        "u?int.*|weak_int",
        "nothing has a probability above 1; JAX goes on with the tangent's next period",
    ),
    (
        r"jsp\.stats\.gamma\.(log)?(cdf|sf)\(.*\)",
        "special",
        "nan where x and the parameter are both infinite, as for gammainc; JAX takes a limit",
    ),
    (
        r"jsp\.stats\.(gamma|uniform)\.(log)?pdf\(.*\)|jsp\.stats\.uniform\.cdf\(.*\)"
        r"|jsp\.stats\.truncnorm\.(log)?(cdf|sf)\(.*\)",
        "special",
        "nan gives nan; JAX takes it for a number outside the support, or at its end",
    ),
    (
        r"jsp\.stats\.gumbel_[lr]\.ppf\(.*\)",
        "u?int.*|bool|special",
        "the quantiles of 0 and 1 are infinite; JAX leaves them out",
    ),
    (
        r"jsp\.stats\.gumbel_r\.sf\(.*\)",
        "bool",
        "weakly typed, as the other functions of this distribution are in JAX, too",
    ),
    (
        r"jsp\.stats\.norm\.((log)?(cdf|sf)|ppf|isf)\(.*\)|jsp\.stats\.truncnorm\.\w+\(.*\)",
        "float16|bfloat16",
        "computed in single precision; JAX refuses it",
    ),
    (
        r"jsp\.stats\.norm\.(ppf|isf)\(.*\)",
        "u?int.*|bool|weak_int",
        "whole numbers become floats, as in the other functions; JAX refuses them",
    ),
    (
        r"jsp\.stats\.pareto\.logcdf\(.*\)",
        "bool",
        "not weakly typed, as pareto.cdf is not; in JAX its logarithm is",
    ),
    (
        r"jsp\.stats\.pareto\.ppf\(.*\)",
        "bfloat16",
        "within a rounding of the exact value, from which JAX is six away",
    ),
    (
        r"jsp\.stats\.pareto\.ppf\(.*\)",
        "bool|special",
        "nan where the parameter is 0, as in SciPy; JAX takes 1 to the power of infinity",
    ),
    (
        r"jsp\.stats\.poisson\.entropy\(.*\)",
        "u?int64",
        "exact to a rounding; JAX leaves out terms that count",
    ),
    (
        r"jsp\.stats\.poisson\.entropy\(.*\)",
        "special",
        "nan where the mean is -inf, as for each negative one; JAX has 0 there",
    ),
    (
        r"jsp\.spatial\.transform\.Rotation\.from_quat\(x\).as_matrix\(\)",
        "int8|bool",
        "quaternions are floats before their squares are added; JAX adds them as they are",
    ),
    (
        r"jsp\.spatial\.transform\.Rotation\.from_quat\(x\).as_matrix\(\)",
        "complex.*",
        "not defined there; JAX computes something",
    ),
    (
        r"jsp\.stats\.wrapcauchy\.logpdf\(.*\)",
        "float16",
        "nearer to the exact value than JAX's",
    ),
    (
        r"lax\.igammac?\(.*\)",
        "special",
        "where the first argument is infinite, the limits are 0 and 1, and nan if both are",
    ),
    (
        r"jsp\.stats\.gennorm\.cdf\(.*\)",
        "u?int.*|bool",
        "its incomplete gamma function has the limit 0 where the exponent is 0, and not nan",
    ),
    (
        r"jsp\.special\.gammaincc?\(.*\)",
        "special",
        "where the first argument is infinite, the limits are 0 and 1, and nan if both are",
    ),
    (
        r"(jnp|lax)\.dot\(.*preferred_element_type=.*float32.*\)|nn\.scaled_dot_general\(.*\)",
        "complex64",
        "the imaginary parts are dropped from the result; JAX drops them from the factors",
    ),
    (
        r"lax\.approx_min_k\(v, 2\)",
        "special",
        "nan comes after all numbers; in JAX, where it happens to stand",
    ),
    (
        r"lax\.conv_transpose\(s.*\)",
        "special",
        "padding is 0, and 0 times nan is nan, as in other convolutions; here JAX leaves it out",
    ),
    (
        r"lax\.conv_transpose\(s.*\)",
        "empty",
        "a kernel without elements sums nothing, as any empty sum; XLA refuses to compile it",
    ),
    (
        r"nn\.log_softmax\(x, axis=0, where=c\)",
        "uint64",
        "-inf is the least of integers; as a uint64 it is 2**63 in JAX, and the largest number",
    ),
    (
        r"random\.gamma\(r, p \+ 1\)",
        "special",
        "there is no gamma distribution of shape -inf, and what is drawn means nothing",
    ),
    (
        r"lax\.cumlogsumexp\(x, 1\)",
        "u?int.*",
        "integers are refused with a TypeError; JAX stumbles over their lack of -inf",
    ),
]


def reason(call: str, kind: str) -> str | None:
    """Why the call differs from JAX's with this kind of operands; None if it does not."""
    for pattern, kinds, why in DIFFERENT:
        if re.fullmatch(pattern, call) and re.fullmatch(kinds, kind):
            return why
    return None
