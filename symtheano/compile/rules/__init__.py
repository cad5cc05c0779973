"""The rules of rewriting, in phases: what they are, in which order they are tried, and what is known of each.

    CANONICALIZE   one spelling for one thing; constants folded; shapes known
    STABILIZE      expressions that overflow or cancel become ones that do not
    LOOPS          loops as wholes: what leaves them, what they keep (compile/loop_rounds.py applies these)
    SPECIALIZE     cheaper forms of equal value
    EXPAND         ops taken apart into what loops are made of; only targets that make loops ask for it

A rule looks at its node and below only, so each phase is one bottom-up pass (`FunctionGraph.rewrite`). The rules of an
earlier phase go along in the later ones: what a later rule builds is in normal form too.
"""

from __future__ import annotations

from symtheano.compile.rules.canonicalize import CANONICAL
from symtheano.compile.rules.expand import EXPANSIONS
from symtheano.compile.rules.fold import constant_folding
from symtheano.compile.rules.ifelse import IFELSE
from symtheano.compile.rules.index import INDEXING, LATE
from symtheano.compile.rules.inline import inline_graphs
from symtheano.compile.rules.linalg import DETERMINANTS
from symtheano.compile.rules.logic import LOGIC
from symtheano.compile.rules.loop_after import AFTER
from symtheano.compile.rules.loop_batch import BATCHES
from symtheano.compile.rules.loop_hoist import HOISTS
from symtheano.compile.rules.loop_inputs import GIVEN, drop_dead_parts
from symtheano.compile.rules.loop_last import LOOPS_READ
from symtheano.compile.rules.loop_states import STATES
from symtheano.compile.rules.loop_step import loop_step
from symtheano.compile.rules.loop_sums import SUMS
from symtheano.compile.rules.loop_terms import TERMS
from symtheano.compile.rules.nnet import NNET
from symtheano.compile.rules.parity import PARITY
from symtheano.compile.rules.parts import dimshuffle_before_function, function_before_dimshuffle, log_of_part
from symtheano.compile.rules.pattern import Rule
from symtheano.compile.rules.products import PRODUCTS
from symtheano.compile.rules.reduce import REDUCTIONS
from symtheano.compile.rules.shape import SHAPES, VIEWS
from symtheano.compile.rules.specialize import SPECIAL
from symtheano.compile.rules.stabilize import SIGMOIDS, STABILITY
from symtheano.compile.rules.switch import SWITCHES
from symtheano.graph.rule import FunctionRule

AnyRule = Rule | FunctionRule

CANONICALIZE: tuple[AnyRule, ...] = (
    inline_graphs,
    constant_folding,
    loop_step,
    *LOOPS_READ,
    *SHAPES,
    *VIEWS,
    *INDEXING,
    *SWITCHES,
    *IFELSE,
    *REDUCTIONS,
    *CANONICAL,
    *PARITY,
    *LOGIC,
    *SIGMOIDS,
    *PRODUCTS,
)
STABILIZE: tuple[AnyRule, ...] = (
    *STABILITY,
    *DETERMINANTS,
    *NNET,
    log_of_part,
    dimshuffle_before_function,
    *CANONICALIZE,
)
LOOPS: tuple[AnyRule, ...] = (drop_dead_parts, *GIVEN, *STATES, *TERMS, *HOISTS, *BATCHES, *SUMS, *AFTER)
SPECIALIZE: tuple[AnyRule, ...] = (*SPECIAL, function_before_dimshuffle, *CANONICALIZE, *LATE)

PHASES: dict[str, tuple[AnyRule, ...]] = {
    "canonicalize": CANONICALIZE,
    "stabilize": STABILIZE,
    "loops": LOOPS,
    "specialize": SPECIALIZE,
}

EXPAND: tuple[AnyRule, ...] = (*EXPANSIONS, *SHAPES, *VIEWS)


def phase_rules() -> tuple[AnyRule, ...]:
    """Every rule of the phases once, in order of precedence."""
    return tuple(dict.fromkeys(rule for rules in PHASES.values() for rule in rules))


def all_rules() -> tuple[AnyRule, ...]:
    """Every rule once: those of the phases in order of precedence, then those of EXPAND."""
    return tuple(dict.fromkeys((*phase_rules(), *EXPAND)))


NAMES = tuple(rule.name for rule in all_rules())
OURS = frozenset(all_rules())  # whose meaning is the package's text
