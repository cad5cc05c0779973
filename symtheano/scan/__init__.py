"""Loops as ops: their normal form, Theano's front end to it, and their derivatives."""
