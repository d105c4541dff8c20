"""The CPU backend: kernels with lax's semantics, and programs compiled to NumPy source."""
