"""Pictures, written as PNG files.

Read next: `viz/curves.py`.
"""

from scratchfn.viz.curves import plot_curves as plot_curves
from scratchfn.viz.digits import plot_mistakes as plot_mistakes
