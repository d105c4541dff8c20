"""Derivatives, batching and compilation of programs. Read first: `jvp.py`, `vjp.py`, `vmap.py`."""
