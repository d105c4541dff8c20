"""Transforms compose: the derivative of a function, for a whole batch, as one compiled program.

grad(f) is a function, so vmap takes it; vmap(grad(f)) is a function, so jit takes it. What comes
out can be looked at: the program as data, and the NumPy source that it is run as.
"""

import scratchfn.numpy as jnp
from scratchfn import grad, jit, make_jaxpr, vmap


def f(x):
    return jnp.sin(x) * x


def main():
    df = jit(vmap(grad(f)))
    x = jnp.linspace(0.0, 3.0, 4)
    print(df(x), "\n")  # sin(x) + x cos(x), for each x
    print(make_jaxpr(vmap(grad(f)))(x), "\n")
    print(df.lower(x).as_text())


if __name__ == "__main__":
    main()
