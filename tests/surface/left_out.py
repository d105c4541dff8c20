"""Names of JAX's that are not here, and why. `test_coverage.py` holds the list to be complete."""

LEFT_OUT: dict[str, str] = {}
