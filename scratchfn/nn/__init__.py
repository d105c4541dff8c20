"""What neural networks are made of: activations, initializers, layers and losses.

Names that `jax.nn` has mean what they mean there. Layers are functions of params in plain dicts:

    params = nn.linear_init(key, 64, 10)             # {"w": f32[64,10], "b": f32[10]}
    logits = nn.linear(params, x)                    # [b, 64] -> [b, 10]

Read next: `nn/activations.py`, then `nn/layers.py`.
"""

from scratchfn.nn import initializers as initializers
from scratchfn.nn.activations import celu as celu
from scratchfn.nn.activations import elu as elu
from scratchfn.nn.activations import gelu as gelu
from scratchfn.nn.activations import glu as glu
from scratchfn.nn.activations import hard_sigmoid as hard_sigmoid
from scratchfn.nn.activations import hard_silu as hard_silu
from scratchfn.nn.activations import hard_swish as hard_swish
from scratchfn.nn.activations import hard_tanh as hard_tanh
from scratchfn.nn.activations import identity as identity
from scratchfn.nn.activations import leaky_relu as leaky_relu
from scratchfn.nn.activations import log1mexp as log1mexp
from scratchfn.nn.activations import log_sigmoid as log_sigmoid
from scratchfn.nn.activations import mish as mish
from scratchfn.nn.activations import one_hot as one_hot
from scratchfn.nn.activations import relu as relu
from scratchfn.nn.activations import relu6 as relu6
from scratchfn.nn.activations import selu as selu
from scratchfn.nn.activations import sigmoid as sigmoid
from scratchfn.nn.activations import silu as silu
from scratchfn.nn.activations import soft_sign as soft_sign
from scratchfn.nn.activations import softplus as softplus
from scratchfn.nn.activations import sparse_plus as sparse_plus
from scratchfn.nn.activations import sparse_sigmoid as sparse_sigmoid
from scratchfn.nn.activations import squareplus as squareplus
from scratchfn.nn.activations import swish as swish
from scratchfn.nn.activations import tanh as tanh
from scratchfn.nn.attention import dot_product_attention as dot_product_attention
from scratchfn.nn.layers import Params as Params
from scratchfn.nn.layers import avg_pool as avg_pool
from scratchfn.nn.layers import conv as conv
from scratchfn.nn.layers import conv_init as conv_init
from scratchfn.nn.layers import dropout as dropout
from scratchfn.nn.layers import embedding as embedding
from scratchfn.nn.layers import embedding_init as embedding_init
from scratchfn.nn.layers import linear as linear
from scratchfn.nn.layers import linear_init as linear_init
from scratchfn.nn.layers import max_pool as max_pool
from scratchfn.nn.losses import softmax_cross_entropy as softmax_cross_entropy
from scratchfn.nn.scaled import get_scaled_dot_general_config as get_scaled_dot_general_config
from scratchfn.nn.scaled import scaled_dot_general as scaled_dot_general
from scratchfn.nn.scaled import scaled_matmul as scaled_matmul
from scratchfn.nn.softmax import log_softmax as log_softmax
from scratchfn.nn.softmax import logmeanexp as logmeanexp
from scratchfn.nn.softmax import logsumexp as logsumexp
from scratchfn.nn.softmax import softmax as softmax
from scratchfn.nn.softmax import standardize as standardize
