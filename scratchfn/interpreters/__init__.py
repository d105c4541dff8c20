"""Rules for primitives of one's own, set as JAX has them set: `ad` and `batching`.

    scale_p = core.Primitive("scale")                  from scratchfn.extend import core
    scale_p.def_impl(lambda x, *, by: x * by)
    scale_p.def_abstract_eval(lambda x, *, by: ShapedArray(x.shape, x.dtype))
    ad.deflinear2(scale_p, lambda ct, x, *, by: [scale_p.bind(ct, by=by)])
    batching.defvectorized(scale_p)

Read next: `core/trace.py`, where the rules of a primitive are listed.
"""

from scratchfn.interpreters import ad as ad
from scratchfn.interpreters import batching as batching
