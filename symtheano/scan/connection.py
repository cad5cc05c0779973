"""Which outputs of a loop depend on which of its inputs, through as many steps as it takes."""

from __future__ import annotations

from symtheano.graph.op import connection_pattern
from symtheano.graph.variable import Variable
from symtheano.scan.form import Form


def connections(op: Form) -> list[list[bool]]:
    """`[input][output]` of the node of a loop: nothing depends continuously on n, nor does the number of steps."""
    states = state_masks(op)
    carried = [1 << op.n_consts + k for k in range(op.n_carry)] + [0] * (op.n_states - op.n_carry)
    rows = [*(m | c for m, c in zip(states, carried, strict=True)), *(states[k] for k in op.tensors)]
    rows += [states[k] | carried[k] for k in op.carried_tensors]
    rows += [0] * op.until
    return [[False] * len(rows), *([bool(row >> i & 1) for row in rows] for i in range(len(op.step.inputs)))]


def state_masks(op: Form) -> list[int]:
    """For each state a set of bits: the numbers of the step's inputs that it depends on, in any step."""
    masks = one_step_masks(op)
    changed = True
    while changed:
        changed = False
        for k, mask in enumerate(masks):
            full = mask
            for c in range(op.n_carry):
                if mask >> op.n_consts + c & 1:
                    full |= masks[c]
            changed = changed or full != mask
            masks[k] = full
    return masks


def one_step_masks(op: Form) -> list[int]:
    """For each state a set of bits: the numbers of the step's inputs that it depends on, in one step."""
    known: dict[Variable, int] = {v: 1 << k for k, v in enumerate(op.step.inputs)}
    for node in op.step.graph.nodes:
        inputs = [known.get(i, 0) for i in node.inputs]
        pattern = connection_pattern(node)
        for position, out in enumerate(node.outputs):
            mask = 0
            for i, row in zip(inputs, pattern, strict=True):
                mask |= i if row[position] else 0
            known[out] = mask
    return [known.get(o, 0) for o in op.states]
