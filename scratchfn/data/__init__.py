"""Data sets that need no download, and their batches.

Read next: `data/digits.py`.
"""

from scratchfn.data.batches import batches as batches
from scratchfn.data.batches import count as count
from scratchfn.data.batches import per_epoch as per_epoch
from scratchfn.data.batches import shuffled as shuffled
from scratchfn.data.digits import Dataset as Dataset
from scratchfn.data.digits import Split as Split
from scratchfn.data.digits import digits as digits
