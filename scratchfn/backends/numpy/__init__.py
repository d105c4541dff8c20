"""The CPU backend: kernels with lax's semantics, and programs compiled to NumPy source."""

from scratchfn.backends.numpy.heap import keep_freed_memory

keep_freed_memory()
