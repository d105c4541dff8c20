"""Models, one short file each: `Config`, `init`, `apply`, `loss`, and a `main()` that shows it.

Read next: `models/vision/mlp.py`, the smallest.
"""
