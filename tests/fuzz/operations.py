"""The operations that random programs are made of: expressions over `x` and `y`, arrays [3, 3].

Each gives an array [3, 3] of moderate numbers for moderate ones, so that any sequence of them is a
program whose result can be compared. `lib` is the library; `jnp`, `lax`, `nn` its namespaces.
"""

from __future__ import annotations

from typing import Any

ELEMENTWISE = """
jnp.abs(x) + 0.1
jnp.add(x, jnp.cos(y))
jnp.arccos(0.9 * jnp.tanh(x))
jnp.arccosh(1.5 + x * x)
jnp.arcsin(0.9 * jnp.sin(x))
jnp.arcsinh(x)
jnp.arctan(x)
jnp.arctan2(x, 2 + y * y)
jnp.arctanh(0.8 * jnp.tanh(x))
jnp.cbrt(x * x + 0.5)
jnp.clip(x, -1.0, 1.5)
jnp.copysign(x, y + 0.01)
jnp.cos(x)
jnp.cosh(jnp.tanh(x))
jnp.deg2rad(90 * x)
jnp.degrees(0.01 * x)
jnp.divide(x, 1.5 + jnp.square(y))
jnp.exp(-jnp.square(x))
jnp.exp2(-x * x)
jnp.expm1(jnp.tanh(x))
jnp.fabs(x)
jnp.float_power(1.5 + jnp.square(x), 0.5 * jnp.tanh(y))
jnp.floor_divide(x, 2.0) + x
jnp.fmax(x, y)
jnp.fmin(x, 0.3)
jnp.fmod(x, 2.5)
jnp.heaviside(x, 0.5) * y
jnp.hypot(x, y + 3)
jnp.log(1.0 + x * x)
jnp.log10(2.0 + x * x)
jnp.log1p(jnp.square(x))
jnp.log2(1.2 + jnp.abs(x))
jnp.logaddexp(x, y)
jnp.logaddexp2(x, -y)
jnp.maximum(x, y)
jnp.minimum(x, jnp.sin(y))
jnp.mod(x, 1.7)
jnp.multiply(x, jnp.tanh(y))
jnp.nan_to_num(x)
jnp.negative(x)
jnp.power(1.5 + jnp.cos(x), 2.5)
jnp.power(x, 2) / (1 + x * x)
jnp.reciprocal(1.5 + x * x)
jnp.remainder(x, 2.0 + y * y)
jnp.rint(2 * x) * 0.1 + y
jnp.round(x, 1) + 0.1 * x
jnp.sign(x) * y
jnp.sin(x)
jnp.sinc(x)
jnp.sinh(jnp.sin(x))
jnp.sqrt(0.5 + jnp.square(x))
jnp.square(jnp.tanh(x))
jnp.subtract(x, 0.5 * y)
jnp.tan(0.7 * jnp.tanh(x))
jnp.tanh(x)
jnp.true_divide(y, 2.0 + jnp.cos(x))
jnp.trunc(3 * x) * 0.2 + x
jnp.where(x > y, x, jnp.sin(y))
jnp.select([x > 1, x > 0], [y, x * x / (1 + x * x)], 0.2)
jnp.astype(x, 'float16').astype(x.dtype) * 0 + x
lax.clamp(-1.0, x, 1.0)
lax.erf(x)
lax.erf_inv(0.9 * jnp.tanh(x))
lax.erfc(x)
lax.integer_pow(jnp.tanh(x), 3)
lax.lgamma(2.0 + x * x)
lax.digamma(2.0 + x * x)
lax.logistic(x)
lax.rsqrt(1.0 + x * x)
lax.select(x > 0, jnp.tanh(x), y)
lax.stop_gradient(x) * y
lax.bessel_i0e(x)
lax.bessel_i1e(x)
lax.nextafter(x, y) * 0 + x
lax.reduce_precision(x, 8, 23)
nn.celu(x)
nn.elu(x)
nn.gelu(x)
nn.gelu(x, approximate=False)
nn.hard_tanh(x)
nn.leaky_relu(x)
nn.log_sigmoid(x)
nn.log_softmax(x)
nn.mish(x)
nn.relu(x)
nn.relu6(x)
nn.selu(x)
nn.sigmoid(x)
nn.silu(x)
nn.soft_sign(x)
nn.softmax(x, axis=0)
nn.softplus(x)
nn.squareplus(x)
nn.standardize(x, epsilon=0.1)
"""

REDUCING = """
jnp.mean(x) + 0.1 * y
jnp.sum(x, axis=0) / 3 + jnp.sin(y)
jnp.max(x, axis=1, keepdims=True) * jnp.cos(y)
jnp.min(x) + jnp.tanh(y)
jnp.prod(jnp.tanh(x), axis=1, keepdims=True) + y
jnp.std(x, axis=0) * 0.5 + x
jnp.var(jnp.tanh(x)) + y
jnp.median(x, axis=1, keepdims=True) + jnp.sin(y)
jnp.quantile(x, 0.3, axis=0) + jnp.cos(y)
jnp.ptp(x, axis=0) * 0.2 + y
jnp.average(x, axis=0, weights=nn.sigmoid(y)) + jnp.sin(x)
jnp.nansum(x, axis=1) * 0.2 + y
jnp.trapezoid(x) + jnp.tanh(y)
jnp.cumsum(x, axis=0) / 3
jnp.cumprod(jnp.tanh(x), axis=1)
lax.cummax(x, axis=1) + 0.1 * y
lax.cumlogsumexp(x, axis=0)
jnp.sort(x, axis=1)
jnp.sort(x, axis=0, descending=True) * 0.5
jnp.take_along_axis(x, jnp.argsort(y, axis=1), axis=1)
lax.top_k(x, 3)[0] + 0.1 * y
lax.sort_key_val(x, y)[1]
jnp.max(x, axis=0, where=y > 0, initial=-1.0) + 0.1 * x
nn.logsumexp(x, axis=1, keepdims=True) + jnp.sin(y)
nn.logmeanexp(x, axis=0) + 0.5 * jnp.cos(x)
jnp.linalg.norm(x, axis=1, keepdims=True) * 0.2 + y
jnp.diff(x, axis=0, append=0.5)
jnp.gradient(x, axis=1)
jnp.ediff1d(x.ravel(), to_end=0.1).reshape(3, 3) * 0.5
lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 1), 'SAME') + 0.1 * y
lax.reduce_window(x, 0.0, lax.add, (2, 1), (1, 1), 'SAME') * 0.5
jnp.unwrap(jnp.tanh(x))
jnp.interp(jnp.tanh(x), jnp.array([-1.0, 0.0, 1.0]), y[0])
"""

MOVING = """
x.T
jnp.transpose(x) * 0.5 + y
jnp.reshape(x, (9,)).reshape(3, 3) * 0.9
jnp.ravel(x, order='F').reshape(3, 3)
jnp.flip(x, axis=0)
jnp.fliplr(x)
jnp.flipud(x) + 0.1 * y
jnp.roll(x, 1, axis=1)
jnp.rot90(x)
jnp.swapaxes(x, 0, 1)
jnp.moveaxis(x, 0, 1)
jnp.concatenate([x[:1], y[1:]], axis=0)
jnp.stack([x[0], y[1], x[2]])
jnp.hstack([x[:, :2], y[:, :1]])
jnp.vstack([x[:2], y[2]])
jnp.column_stack([x[0], y[0], x[1]])
jnp.split(x, 3, axis=1)[1] + y
jnp.tile(x[:1], (3, 1)) + 0.1 * y
jnp.repeat(x[:, :1], 3, axis=1) * 0.5
jnp.broadcast_to(x[1], (3, 3)) + jnp.sin(y)
jnp.pad(x[1:, 1:], ((1, 0), (0, 1)))
jnp.pad(x[:2], ((0, 1), (0, 0)), mode='edge')
jnp.tril(x) + 0.1 * y
jnp.triu(x, 1) + jnp.tanh(y)
jnp.diag(jnp.diagonal(x)) + 0.3 * y
jnp.diagflat(x[0]) + jnp.sin(y)
jnp.expand_dims(x, 0).squeeze(0)
jnp.take(x, jnp.array([2, 0, 0]), axis=0)
x[jnp.array([1, 2, 0]), jnp.array([0, 1, 1])] + y
x[::-1, [0, 2, 1]]
x.at[0].set(y[1])
x.at[:, 1].add(y[:, 0])
x.at[jnp.array([0, 0, 2])].multiply(0.5)
x.at[1, 1].max(y[0, 0])
jnp.delete(jnp.insert(x, 1, y[0], axis=0), 3, axis=0)
jnp.append(x[:2], y[2:], axis=0)
lax.dynamic_slice(jnp.pad(x, 1), (jnp.argmax(y[0]), 1), (3, 3))
lax.dynamic_update_slice(x, y[:2, :2], (1, jnp.argmin(y[1])))
lax.rev(x, (0, 1))
lax.pad(x, 0.1, ((1, -1, 0), (0, 0, 0)))
lax.collapse(x, 0, 2).reshape(3, 3) + 0.1 * y
lax.slice_in_dim(jnp.concatenate([x, y]), 1, 4)
jnp.piecewise(x, [x < 0, x >= 0], [lambda v: 0.5 * v, jnp.sin])
jnp.block([[x[:2, :2], y[:2, :1]], [y[2:, :2], x[2:, :1]]])
jnp.meshgrid(x[0], y[0])[0]
jnp.vander(jnp.tanh(x[0]), 3)
"""

MULTIPLYING = """
jnp.matmul(x, jnp.tanh(y)) / 3
jnp.dot(x, y) / (1 + jnp.sum(x * x))
jnp.einsum('ij,kj->ik', x, y) / 3
jnp.einsum('ij,ij,i->ij', x, y, jnp.tanh(x[0])) * 0.3
jnp.tensordot(jnp.tanh(x), y, axes=1) / 3
jnp.outer(jnp.tanh(x[0]), y[1])
jnp.inner(jnp.tanh(x), y) / 3
jnp.kron(jnp.tanh(x[:1]), y[:, :1])
jnp.vdot(jnp.tanh(x), y) / 9 + x
jnp.cross(x, jnp.tanh(y))
jnp.convolve(x[0], jnp.tanh(y[0]), mode='same') + 0.1 * x
jnp.polyval(jnp.tanh(x[0]), jnp.tanh(y))
jnp.trace(x) * 0.2 + y
jnp.matvec(x, jnp.tanh(y[0])) + 0.1 * y
lax.dot_general(x, jnp.tanh(y), (((0,), (0,)), ((), ()))) / 3
lax.conv(x[None, None], jnp.tanh(y)[None, None, :2, :2], (1, 1), 'SAME')[0, 0]
jnp.linalg.inv(x @ x.T * 0.1 + 2 * jnp.eye(3))
jnp.linalg.solve(jnp.tanh(x) + 3 * jnp.eye(3), y)
jnp.linalg.det(jnp.tanh(x)) + y
jnp.linalg.slogdet(jnp.tanh(x) + 3 * jnp.eye(3))[1] + 0.5 * y
jnp.linalg.cholesky(x @ x.T * 0.1 + jnp.eye(3))
jnp.linalg.matrix_power(jnp.tanh(x) / 3, 3)
lib.scipy.linalg.solve_triangular(jnp.tril(jnp.tanh(x)) + 2 * jnp.eye(3), y, lower=True)
lib.scipy.special.logsumexp(x, axis=0) + jnp.sin(y)
lib.scipy.special.xlogy(x, 1 + y * y) * 0.3
lib.scipy.special.gammaln(1.5 + x * x)
lib.scipy.special.ndtr(x)
lib.scipy.stats.norm.logpdf(x, y, 2.0)
jnp.real(jnp.fft.ifft(jnp.fft.fft(x, axis=1) * jnp.tanh(y), axis=1))
jnp.fft.irfft(jnp.fft.rfft(x), n=3) + 0.1 * y
"""

PROGRAMS = """
lax.scan(lambda c, r: (jnp.tanh(c + r), c * r), x[0], y)[1]
lax.scan(lambda c, r: (0.5 * c @ r, jnp.sin(c[0])), x, jnp.tanh(jnp.stack([y, x, y])))[0]
lax.scan(lambda c, r: (c + jnp.sin(r), c), x[1], y, reverse=True, unroll=2)[1] * 0.4
lax.scan(lambda c, _: (jnp.cos(c) * y, None), x, None, length=3)[0]
lax.scan(lambda c, r: ((c[1], c[0] + r), c[0] * 0.3), (x[0], x[1]), y)[1]
lax.fori_loop(0, 3, lambda n, a: jnp.sin(a) + 0.1 * n * y, x)
lax.fori_loop(1, 3, lambda n, a: a.at[n].set(jnp.tanh(a[n - 1] + y[n])), x)
lax.cond(jnp.sum(x) > 0, lambda a, b: jnp.sin(a), lambda a, b: a * jnp.tanh(b), x, y)
lax.cond(x[0, 0] > y[0, 0], jnp.tanh, lambda a: a * y * 0.3, x)
lax.switch(jnp.argmax(x[0]), [jnp.sin, lambda a: 0.5 * a, lambda a: a / (1 + y * y)], x)
lax.map(lambda r: jnp.cumsum(r) * 0.4, x)
lax.map(lambda r: r / (1 + r @ r), x, batch_size=2)
lax.associative_scan(jnp.add, x) / 3
lax.associative_scan(jnp.multiply, jnp.tanh(x), axis=1, reverse=True)
lax.scan(lambda c, r: lax.cond(r[0] > 0, lambda: (c + r, r), lambda: (c, -c)), x[0], y)[1] * 0.5
lax.scan(lambda c, r: (lax.scan(lambda d, t: (jnp.sin(d) * t, d), c, r)[0], c), x[0, 0], y)[1] + y
lax.cond(jnp.any(x > 1), lambda a: lax.fori_loop(0, 2, lambda n, t: jnp.sin(t), a), lambda a: a, x)
lib.jit(lambda a, b: jnp.sin(a) * jnp.cos(b))(x, y)
lib.jit(lambda a: lib.jit(jnp.tanh)(a) + lax.scan(lambda c, r: (c + r, c), a[0], a)[1] * 0.2)(x)
lib.vmap(lambda r, s: jnp.tanh(r * s.sum()))(x, y)
lib.vmap(lambda r: lax.cond(r[0] > 0, jnp.sin, jnp.cos, r), in_axes=1, out_axes=1)(x)
lib.vmap(lambda r: r - lax.pmean(r, 'n'), axis_name='n')(x)
lib.checkpoint(lambda a: jnp.sin(jnp.sin(a) * y))(x)
lib.checkpoint(lambda a: jnp.tanh(a @ jnp.tanh(y)), policy=lib.checkpoint_policies.dots_saveable)(x)
lib.checkpoint(lambda a: lax.scan(lambda c, r: (jnp.sin(c + r), c), a[0], a)[1])(x)
lib.grad(lambda a: jnp.sum(jnp.cos(a) * y))(x)
lib.jvp(jnp.tanh, (x,), (y,))[1]
lib.vjp(lambda a: jnp.sin(a) * a, x)[1](jnp.tanh(y))[0]
lib.linearize(lambda a: a * jnp.tanh(a), x)[1](y) * 0.5
lib.jacfwd(lambda r: jnp.sin(r) * r)(x[0]) + 0.1 * y
lib.jacrev(lambda r: jnp.tanh(r[::-1]) * r)(y[1]) + 0.1 * x
lib.hessian(lambda r: jnp.sum(jnp.sin(r) ** 3))(x[2]) + 0.1 * y
custom_jvp(x)
custom_vjp(x, y)
clipped_gradient(x) * jnp.tanh(y)
lib.vmap(custom_jvp)(x)
lib.vmap(custom_vjp)(x, y)
lib.checkpoint(custom_jvp)(x)
lax.scan(lambda c, r: (custom_vjp(c, r), c + custom_jvp(r)), x[0], y)[1]
lax.custom_linear_solve(lambda v: 3 * v + jnp.tanh(y) @ v, x, solve_with, transposed_with)
lax.custom_root(lambda v: v**3 + v - x, x, newton, divide_by_slope)
"""

# Loops of unknown length, which reverse mode refuses.
FORWARD = """
lax.while_loop(large, lambda a: 0.6 * jnp.sin(a) * jnp.cos(y), x)
lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.tanh(s[1] * y) + 0.3 * x), (0, y))[1]
lax.while_loop(lambda s: large(s[1]), lambda s: (s[0] * y * 0.5, s[1] * jnp.sin(x) / 2), (x, y))[0]
lax.fori_loop(0, jnp.argmax(y[0]) + 1, lambda n, a: a * jnp.cos(x) + 0.1 * n * y, x)
lib.vmap(lambda r, s: lax.while_loop(large, lambda a: 0.6 * jnp.sin(a) * jnp.cos(s), r))(x, y)
lib.vmap(lambda r, s: lax.fori_loop(0, jnp.argmax(s), lambda n, a: jnp.sin(a + r), s), (1, 0))(x, y)
lib.vmap(lambda r: lax.while_loop(all_large, lambda a: 0.7 * jnp.sin(a), r), axis_name='n')(x)
lax.scan(lambda c, r: (lax.while_loop(large, lambda a: 0.6 * a * jnp.cos(r), c), c + r), x[0], y)[1]
lax.cond(x[0, 0] > 0, lambda a: lax.while_loop(large, lambda b: b * jnp.sin(y), a), jnp.sin, x)
lib.checkpoint(lambda a: lax.while_loop(large, lambda b: jnp.sin(b) * 0.7, a))(x) * y
lib.jvp(lambda a: lax.while_loop(large, lambda b: 0.9 * b * jnp.tanh(y), a), (x,), (y,))[1]
"""


def _lines(*parts: str) -> list[str]:
    return [line for part in parts for line in part.splitlines() if line]


TABLE = _lines(ELEMENTWISE, REDUCING, MOVING, MULTIPLYING, PROGRAMS)
HOLDING_PROGRAMS = _lines(PROGRAMS)
LOOPS = _lines(FORWARD)


def names(lib: Any, jnp: Any) -> dict[str, Any]:
    """What the expressions may name besides `x` and `y`, for a library and its numpy."""
    lax = lib.lax

    @lib.custom_jvp
    def custom_jvp(x: Any) -> Any:
        return jnp.log1p(jnp.exp(x))

    @custom_jvp.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        return custom_jvp(x), dx * (1 - 1 / (1 + jnp.exp(x)))

    @lib.custom_vjp
    def custom_vjp(x: Any, y: Any) -> Any:
        return jnp.sin(x) * y

    def forward(x: Any, y: Any) -> Any:
        return custom_vjp(x, y), (jnp.cos(x), jnp.sin(x), y)

    def backward(residuals: Any, ct: Any) -> Any:
        cos, sin, y = residuals
        return cos * ct * y, 0.5 * sin * ct  # half of it on purpose: the rule is what counts

    custom_vjp.defvjp(forward, backward)

    @lib.custom_vjp
    def clipped_gradient(x: Any) -> Any:
        return x

    clipped_gradient.defvjp(lambda x: (x, None), lambda _, ct: (jnp.clip(ct, -0.4, 0.4),))

    def solve_with(matvec: Any, b: Any) -> Any:
        return lax.fori_loop(0, 40, lambda _, v: v + (b - matvec(v)) / 4, b / 3)

    def newton(f: Any, guess: Any) -> Any:
        return lax.fori_loop(0, 30, lambda _, v: v - f(v) / (3 * v**2 + 1), guess)

    def divide_by_slope(g: Any, y: Any) -> Any:
        return y / g(jnp.ones_like(y))

    def large(v: Any) -> Any:
        return jnp.sum(v * v) > 0.5

    def all_large(v: Any) -> Any:
        return large(lax.pmean(v, "n"))

    return {
        "large": large,
        "all_large": all_large,
        "lib": lib,
        "jnp": jnp,
        "lax": lax,
        "nn": lib.nn,
        "custom_jvp": custom_jvp,
        "custom_vjp": custom_vjp,
        "clipped_gradient": clipped_gradient,
        "solve_with": solve_with,
        "transposed_with": solve_with,
        "newton": newton,
        "divide_by_slope": divide_by_slope,
    }
