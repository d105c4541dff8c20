"""`jax.scipy.signal`: convolutions, trends, and spectra over time.

Read first: `convolution.py`.
"""

from scratchfn.scipy.signal.convolution import convolve as convolve
from scratchfn.scipy.signal.convolution import convolve2d as convolve2d
from scratchfn.scipy.signal.convolution import correlate as correlate
from scratchfn.scipy.signal.convolution import correlate2d as correlate2d
from scratchfn.scipy.signal.convolution import fftconvolve as fftconvolve
from scratchfn.scipy.signal.spectra import csd as csd
from scratchfn.scipy.signal.spectra import istft as istft
from scratchfn.scipy.signal.spectra import stft as stft
from scratchfn.scipy.signal.spectra import welch as welch
from scratchfn.scipy.signal.trends import detrend as detrend
