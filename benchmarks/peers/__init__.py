"""The libraries that run the workloads: each speaks the same vocabulary, in its own idiom.

A workload (`benchmarks/workloads`) is written once, as a function of `lib`: the vocabulary below.
Arrays are float32, images [b, height, width, channels], kernels [height, width, in, out].

    exp log tanh sqrt sin cos sigmoid softplus relu gelu    of one array
    sum mean (x, axis, keepdims)  where  concatenate  stack  transpose(x, axes)  clip  minimum
    softmax log_softmax           along the last axis
    layer_norm(x, scale, shift)   over the last axis; batch_norm: over all others
    attention(q, k, v)            causal, of [b, heads, t, d]
    conv(x, w, stride)            padded to keep the size; conv_transpose(x, w): twice the size
    max_pool(x)                   2x2
    take(table, ids)              rows; pick(x, ids): one number of each row
    number(x)                     booleans as float32
    stop(x)                       the value, held constant
    scan(f, carry, xs)            f(carry, x) -> (carry, y); returns (carry, ys)

`trainer(workload)` gives an object with `step()`, which runs a whole training step on the same
state and batch each time it is asked for and returns the loss.

Read next: `jaxlike.py`, then `benchmarks/workloads/__init__.py`.
"""
