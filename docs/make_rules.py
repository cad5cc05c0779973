"""Writes docs/rules.md from the rules and their certificates (`make docs`)."""

from __future__ import annotations

from pathlib import Path

from symtheano.compile.certify import document

if __name__ == "__main__":
    Path(__file__).with_name("rules.md").write_text(document(), encoding="utf-8")
