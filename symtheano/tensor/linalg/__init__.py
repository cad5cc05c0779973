"""Linear algebra with gradients of any order. Theano's paths are tensor.nlinalg and tensor.slinalg."""
