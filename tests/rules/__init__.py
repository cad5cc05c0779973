"""Tests of the rewriting rules."""
