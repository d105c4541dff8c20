"""Control flow as operations: loops and branches that are traced once, whatever the data.

    bodies.py, shared.py             the user's functions as programs, each traced once
    scan.py, scan_primitive.py       a known number of steps
    residuals.py, ahead.py           what reverse mode stores of a scan, and computes beside it
    while_loop.py, while_primitive.py        as long as a condition holds
    cond.py, cond_primitive.py       one of several branches
    programs.py, steps.py            programs as data; run by calls, where each operation is seen
    mapping.py, associative.py, platform.py      built of these

Read next: `bodies.py`.
"""

from scratchfn.transforms.control.associative import associative_scan as associative_scan
from scratchfn.transforms.control.cond import cond as cond
from scratchfn.transforms.control.cond import switch as switch
from scratchfn.transforms.control.mapping import map as map
from scratchfn.transforms.control.platform import platform_dependent as platform_dependent
from scratchfn.transforms.control.scan import scan as scan
from scratchfn.transforms.control.while_loop import fori_loop as fori_loop
from scratchfn.transforms.control.while_loop import while_loop as while_loop
