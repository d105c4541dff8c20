"""`jax.scipy.spatial.transform`: rotations of space, and the way from one to the next.

A rotation by the angle t about the unit vector u is the quaternion (u sin(t / 2), cos(t / 2)), the
scalar last; q and -q are one rotation. Its other forms are made from this one and made into it in
`scipy/spatial/rotation_forms.py`.

Read next: `scipy/spatial/rotation_forms.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from scratchfn import errors, random
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.creation import ones
from scratchfn.numpy.elementwise import arctan2, strong
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.linalg import eigh, norm
from scratchfn.numpy.manipulation import atleast_2d, broadcast_to
from scratchfn.numpy.products import cross, matmul
from scratchfn.numpy.promotion import promote_dtypes_inexact
from scratchfn.numpy.searching import searchsorted
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import clip, divide
from scratchfn.scipy.spatial import rotation_forms as forms

__all__ = ["Rotation", "Slerp"]


def _error(asked: str, found: str, why: str, write: str, cls: Any = ValueError) -> Exception:
    error: Exception = cls(errors.explain(f"Rotation.{asked}", found, why, write))
    return error


def _floats(what: str, x: Any, *sizes: int) -> Any:
    """`x` as floats, whose last axes must have the given sizes."""
    (value,) = promote_dtypes_inexact(strong(asarray(x)))
    if value.shape[value.ndim - len(sizes) :] == sizes:
        return value
    shown = ", ".join(map(str, sizes))
    why, write = f"one has the shape ({shown})", f"x of shape (n, {shown})"
    raise _error(what, f"an array of type {value.aval}", why, write)


class Rotation(NamedTuple):
    """A rotation of space, or several: `quat` [..., 4] are their unit quaternions."""

    quat: Any

    # -- from other forms --------------------------------------------------------------------------

    @classmethod
    def from_quat(cls, quat: Any) -> Rotation:
        """From quaternions [..., 4], scalar last, of any length but 0."""
        return cls(forms.unit(_floats("from_quat", quat, 4)))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Rotation:
        """From rotation matrices [..., 3, 3]."""
        return cls(forms.from_matrix(_floats("from_matrix", matrix, 3, 3)))

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """From vectors [..., 3] along the axis, whose length is the angle."""
        x = _floats("from_rotvec", rotvec, 3)
        return cls(forms.from_rotvec(forms.radians(x) if degrees else x))

    @classmethod
    def from_mrp(cls, mrp: Any) -> Rotation:
        """From modified Rodrigues parameters [..., 3]: along the axis, tan(angle / 4) long."""
        return cls(forms.from_mrp(_floats("from_mrp", mrp, 3)))

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """From angles about up to three axes in turn.

        Args:
          seq: "xyz" for axes that stay, "XYZ" for axes that are turned along.
          angles: [..., len(seq)]; for one axis a number will do.
        """
        x = asarray(angles)
        x = _floats("from_euler", x if x.ndim else x.reshape(1), len(_axes(seq)))
        return cls(forms.from_euler(seq, forms.radians(x) if degrees else x))

    @classmethod
    def identity(cls, num: int | None = None, dtype: Any = float) -> Rotation:
        """The rotation that turns nothing, or `num` of it."""
        quat = asarray([0, 0, 0, 1], dtype)
        return cls(quat if num is None else broadcast_to(quat, (num, 4)))

    @classmethod
    def random(cls, random_key: Any, num: int | None = None) -> Rotation:
        """A rotation, or `num`, drawn evenly from all. (JAX raises NotImplementedError.)"""
        return cls.from_quat(random.normal(random_key, (4,) if num is None else (num, 4)))

    @classmethod
    def concatenate(cls, rotations: Sequence[Rotation]) -> Rotation:
        """Many rotations as one object."""
        return cls(concatenate([atleast_2d(r.quat) for r in rotations]))

    # -- to other forms ----------------------------------------------------------------------------

    def as_quat(self, canonical: bool = False, scalar_first: bool = False) -> Any:
        """Unit quaternions [..., 4].

        Args:
          canonical: of q and -q the one whose scalar, or else first number, is positive.
          scalar_first: whether the scalar comes first in place of last.
        """
        q = forms.canonical(self.quat) if canonical else self.quat
        return concatenate([q[..., 3:], q[..., :3]], -1) if scalar_first else q

    def as_matrix(self) -> Any:
        """Rotation matrices [..., 3, 3]."""
        return forms.as_matrix(self.quat)

    def as_rotvec(self, degrees: bool = False) -> Any:
        """Vectors [..., 3] along the axis, whose length is the angle, at most pi."""
        out = forms.as_rotvec(self.quat)
        return forms.degrees(out) if degrees else out

    def as_mrp(self) -> Any:
        """Modified Rodrigues parameters [..., 3], at most 1 long."""
        return forms.as_mrp(self.quat)

    def as_euler(self, seq: str, degrees: bool = False) -> Any:
        """Angles [..., 3] about three axes: see `from_euler`. Where the second leaves only the sum
        or the difference of the others known, the last is 0."""
        if len(_axes(seq)) != 3:
            raise _error("as_euler", f"seq={seq!r}", "there are three angles", 'seq="xyz"')
        out = forms.as_euler(seq, self.quat)
        return forms.degrees(out) if degrees else out

    # -- what they do ------------------------------------------------------------------------------

    def apply(self, vectors: Any, inverse: bool = False) -> Any:
        """Vectors [..., 3] turned by the rotation, or back; one by many or many by one, too."""
        x = _floats("apply", vectors, 3)
        matrix = self.as_matrix()
        matrix, x = promote_dtypes_inexact(matrix.mT if inverse else matrix, x)
        return matmul(matrix, x[..., None])[..., 0]

    def inv(self) -> Rotation:
        """The rotation back."""
        return Rotation(concatenate([-self.quat[..., :3], self.quat[..., 3:]], -1))

    def magnitude(self) -> Any:
        """The angles [...], from 0 to pi."""
        return 2 * arctan2(norm(self.quat[..., :3], axis=-1), abs(self.quat[..., 3]))

    def mean(self, weights: Any = None) -> Rotation:
        """The rotation nearest to all: the eigenvector of sum_i w_i q_i q_i^T with the greatest
        eigenvalue (L. Markley et al., Averaging quaternions, 2007)."""
        weights = ones(len(self), self.quat.dtype) if weights is None else asarray(weights)
        if weights.shape != (len(self),):
            why, write = f"each of the {len(self)} rotations has one", "weights=None"
            raise _error("mean", f"weights of type {weights.aval}", why, write)
        _, vectors = eigh(matmul(weights * self.quat.T, self.quat))
        return Rotation.from_quat(vectors[:, -1])

    def __mul__(self, other: Any) -> Rotation:
        """The rotation `other`, then this one."""
        p, q = promote_dtypes_inexact(self.quat, other.quat)
        u, v, s, t = p[..., :3], q[..., :3], p[..., 3:], q[..., 3:]
        vector = s * v + t * u + cross(u, v)
        return Rotation(
            forms.unit(concatenate([vector, s * t - sum(u * v, -1, keepdims=True)], -1))
        )

    # -- as a sequence -----------------------------------------------------------------------------

    @property
    def single(self) -> bool:
        """Is it one rotation, and no sequence of them?"""
        return bool(self.quat.ndim == 1)

    def __getitem__(self, indexer: Any) -> Rotation:
        if self.single:
            raise _error("r[i]", "one rotation", "it is no sequence", "r.quat[i]", TypeError)
        return Rotation(self.quat[indexer])

    def __len__(self) -> int:
        if self.single:
            raise _error("len(r)", "one rotation", "it is no sequence", "r.single", TypeError)
        return int(self.quat.shape[0])

    def __bool__(self) -> bool:
        return True


def _axes(seq: str) -> str:
    """The axes in lower case, checked."""
    lower = seq.lower()
    fits = seq in (lower, seq.upper()) and 0 < len(seq) <= 3 and set(lower) <= set("xyz")
    if fits and all(a != b for a, b in pairwise(lower)):
        return lower
    why = "it names up to three axes, none twice in a row, all small or all large"
    raise _error("from_euler or as_euler", f"seq={seq!r}", why, 'seq="xyz"')


class Slerp(NamedTuple):
    """The way through given rotations at given times, at a steady speed between each two: made by
    `Slerp.init(times, rotations)` and called with times."""

    times: Any
    timedelta: Any
    rotations: Rotation
    rotvecs: Any

    @classmethod
    def init(cls, times: Any, rotations: Rotation) -> Slerp:
        """
        Args:
          times: [n], rising.
          rotations: n of them, at least two.
        """
        (times,) = promote_dtypes_inexact(asarray(times))
        count = 1 if rotations.single else len(rotations)
        if count < 2 or times.shape != (count,):
            found = f"{count} rotations and times of type {times.aval}"
            why, write = "there are two rotations at least, each at a time", "Slerp.init(t, r)"
            raise ValueError(errors.explain("Slerp.init", found, why, write))
        before, after = Rotation(rotations.quat[:-1]), Rotation(rotations.quat[1:])
        steps = before.inv() * after
        return cls(times, times[1:] - times[:-1], rotations, steps.as_rotvec())

    def __call__(self, times: Any) -> Rotation:
        """The rotations at times [], or [m]; beyond the first and last, the motion goes on."""
        (t,) = promote_dtypes_inexact(asarray(times))
        if t.ndim > 1:
            found, why = f"times of type {t.aval}", "they are one number or a vector"
            raise ValueError(errors.explain("Slerp(...)", found, why, "slerp(times.ravel())"))
        i = clip(searchsorted(self.times, t) - 1, 0, self.timedelta.shape[0] - 1)
        part = divide(t - self.times[i], self.timedelta[i])
        return self.rotations[i] * Rotation.from_rotvec(self.rotvecs[i] * part[..., None])
