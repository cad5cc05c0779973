"""Targets: how a Program becomes something that runs."""
