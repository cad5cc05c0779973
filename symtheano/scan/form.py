"""Form: which parts the inputs and outputs of a loop are. Inputs are n, consts, carry, xs; outputs: see op.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.scan.step import Step
from symtheano.tensor.type import TensorType


class Form:
    """The form of a loop.

    states: what one step gives, without the condition; tensors: the numbers of those that are arrays, carried_tensors:
    of those among them that are carried. (A state of a random generator is no array: only its last value is given.)
    """

    def __init__(self, step: Step, n_consts: int, n_carry: int, until: bool):
        self.step, self.n_consts, self.n_carry, self.until = step, n_consts, n_carry, until
        self.states = step.outputs[: len(step.outputs) - until]
        self.n_states = len(self.states)
        self.tensors = tuple(k for k, o in enumerate(self.states) if isinstance(o.type, TensorType))
        self.carried_tensors = tuple(k for k in self.tensors if k < n_carry)

    def split(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """consts, carry and xs among the step's inputs, or among the node's inputs behind n."""
        a, b = self.n_consts, self.n_consts + self.n_carry
        return list(inputs[:a]), list(inputs[a:b]), list(inputs[b:])

    def last(self, state: int) -> int:
        """The position of the output: what the last step left of a state."""
        return state

    def after(self, state: int) -> int:
        """The position of the output: what each step left of a state, which must be a tensor."""
        return self.n_states + self.tensors.index(state)

    def before(self, state: int) -> int:
        """The position of the output: what each step found of a state that is carried, which must be a tensor."""
        return self.n_states + len(self.tensors) + self.carried_tensors.index(state)

    @property
    def steps(self) -> int | None:
        """The position of the output: how many steps ran. None where that is n."""
        return self.n_states + len(self.tensors) + len(self.carried_tensors) if self.until else None
