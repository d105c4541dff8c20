"""The operations of programs, one file a family; all rules of each in one block.

Importing this package defines them all. Read first: `base.py`, `rules.py`, `arithmetic.py`.
"""
