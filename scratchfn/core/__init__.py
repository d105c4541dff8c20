"""What a value, a trace and a program are. Read first: `trace.py`, then `eager.py`, `stage.py`."""
