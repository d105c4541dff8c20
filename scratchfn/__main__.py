"""`python -m scratchfn` is the command `scratchfn`."""

from scratchfn.cli import main

main()
