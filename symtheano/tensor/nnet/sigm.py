"""Theano's `theano.tensor.nnet.sigm`: the sigmoids."""

from __future__ import annotations

from symtheano.tensor.nnet.activations import hard_sigmoid, sigmoid, softplus, ultra_fast_sigmoid

__all__ = ["hard_sigmoid", "sigmoid", "softplus", "ultra_fast_sigmoid"]
