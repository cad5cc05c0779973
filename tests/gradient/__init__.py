"""Tests of symtheano.gradient, and of the ops whose gradient authors write."""
