"""For programs that work on programs: `scratchfn.extend.core`."""

from scratchfn.extend import core as core
