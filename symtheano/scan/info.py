"""Theano's names for the parts of a loop, for programs that look at them: `op.info`, `op.n_seqs`, `op.as_while`.

A state that is carried is a sit_sot in Theano's words, what is only collected a nit_sot, a state that is no tensor a
shared output. There are no other kinds here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from symtheano.graph.variable import Apply, Variable
from symtheano.scan.form import Form


class Info(Form):
    """A Form that answers to Theano's names."""

    truncate: int
    name: str | None

    n_mit_mot = n_mit_mot_outs = n_mit_sot = 0

    @property
    def n_seqs(self) -> int:
        """How many sequences: those that differ only in their tap are counted one by one."""
        return len(self.step.inputs) - self.n_consts - self.n_carry

    @property
    def n_sit_sot(self) -> int:
        """How many tensors are carried."""
        return len(self.carried_tensors)

    @property
    def n_shared_outs(self) -> int:
        """How many values that are no tensors are carried."""
        return self.n_carry - self.n_sit_sot

    @property
    def n_nit_sot(self) -> int:
        """How many results are only collected."""
        return self.n_states - self.n_carry

    @property
    def as_while(self) -> bool:
        """Whether a condition can end the loop."""
        return self.until

    @property
    def truncate_gradient(self) -> int:
        """Through how many steps gradients go back; -1: all."""
        return self.truncate

    def inner_seqs(self, inputs: Sequence[Variable]) -> list[Variable]:
        """Of the variables of one step (`op.inputs`) those that are elements of sequences."""
        return self.split(inputs)[2]

    def inner_non_seqs(self, inputs: Sequence[Variable]) -> list[Variable]:
        """Of the variables of one step (`op.inputs`) those that are the same in every step."""
        return self.split(inputs)[0]

    def outer_seqs(self, node: Apply | Sequence[Variable]) -> list[Variable]:
        """The sequences among the inputs of a node."""
        return self.inner_seqs(_inputs(node)[1:])

    def outer_non_seqs(self, node: Apply | Sequence[Variable]) -> list[Variable]:
        """The inputs of a node that are the same in every step."""
        return self.inner_non_seqs(_inputs(node)[1:])

    @property
    def info(self) -> OrderedDict[str, Any]:
        """All of these by name."""
        names = "n_seqs n_mit_mot n_mit_mot_outs n_mit_sot n_sit_sot n_shared_outs n_nit_sot truncate_gradient as_while"
        return OrderedDict((name, getattr(self, name)) for name in (*names.split(), "name"))


def _inputs(node: Apply | Sequence[Variable]) -> Sequence[Variable]:
    return node.inputs if isinstance(node, Apply) else node
