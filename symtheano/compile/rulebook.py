"""`symtheano.rules()`: every rewriting rule, with what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from symtheano.compile.rules import all_rules


class RuleBook(Sequence[Any]):
    """The rules in order. Print it for a table; `book["log1p"]` finds one by name."""

    def __init__(self) -> None:
        self._rules = all_rules()

    def __len__(self) -> int:
        return len(self._rules)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            for rule in self._rules:
                if rule.name == key:
                    return rule
            raise KeyError(f"no rule is called {key!r}")
        return self._rules[key]

    def certificate(self, name: str) -> Any:
        """What is proved and measured of the rule: by SymPy, at 40 digits, and in float32 and float64.

        Computed when asked for (it loads SymPy and mpmath). The tests do it for every rule, see docs/rules.md.
        """
        return import_module("symtheano.compile.certify").certify(self[name])

    def __str__(self) -> str:
        return "\n".join(f"{rule.name:<36} {_statement(rule)}" for rule in self._rules)

    __repr__ = __str__


def _statement(rule: Any) -> str:
    text: str = getattr(rule, "statement", "") or rule.doc
    return text.splitlines()[0] if text else ""


def rules() -> RuleBook:
    """Every rewriting rule of symtheano, in order of precedence.

    >>> import symtheano
    >>> symtheano.rules()["log1p"].statement
    'log(1 + x) -> log1p(x)'
    >>> symtheano.rules().certificate("log1p").symbolic
    'proved'
    """
    return RuleBook()
