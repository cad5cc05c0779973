"""Theano's `theano.tensor.signal`: pooling (`pool`) and the convolution of single images (`conv`)."""
