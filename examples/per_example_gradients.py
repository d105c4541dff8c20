"""Which digits are hard? Those whose own gradient is large.

A batch has one gradient, the mean over its examples, which hides who pulls how hard. The gradient
of each example alone is vmap(grad(loss)): grad of one example's loss, mapped over images and
labels, with the params held fixed.
"""

import scratchfn.numpy as jnp
from scratchfn import grad, jit, tree, vmap
from scratchfn.data import digits
from scratchfn.models.vision import mlp
from scratchfn.models.vision.on_digits import Recipe, train_on_digits

CFG = mlp.Config()


def loss(params, x, y):
    """Of one image x [8, 8, 1] and its label y []."""
    return mlp.loss(params, x[None], y[None], CFG)


def norm(grads):
    """Length of a gradient, all of its parts taken as one vector."""
    return jnp.sqrt(sum(jnp.sum(g**2) for g in tree.leaves(grads)))


@jit
def gradient_norms(params, x, y):
    """[n] lengths, one for each image of x [n, 8, 8, 1]."""
    return vmap(lambda x, y: norm(grad(loss)(params, x, y)))(x, y)


def main(epochs=10):
    data = digits()
    run = train_on_digits(mlp, CFG, Recipe(epochs=epochs), data)
    norms = gradient_norms(run.params, *data.test)
    print(f"accuracy {run.accuracy:.2%}, gradient norm: median {jnp.median(norms):.3f}\n")

    print("hardest test images\nimage  label  predicted  gradient norm")
    for i in jnp.argsort(-norms)[:8].tolist():
        print(f"{i:5}  {data.test.y[i]:5}  {run.predictions[i]:9}  {norms[i]:13.3f}")

    print("\nlabel  mean gradient norm")
    for label in range(10):
        print(f"{label:5}  {norms[data.test.y == label].mean():18.3f}")


if __name__ == "__main__":
    main()
