# symtheano: the two commands are `make train` and `make test`. Everything lives in .venv; nothing outside is touched.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
ARGS   ?=
NUMPY_TESTS := $(addprefix tests/,compile errors gradient golden programs semantics)

# The peers that `make bench ARGS=native` compares with, each in an environment of its own (2 GB); torch.compile and
# PyTensor's C backend need a C++ compiler. PEERS="jax" makes only some; those that are missing are left out.
PEERS   ?= jax torch pytensor
JAX     := jax
TORCH   := torch==2.13.0
PYTENSOR := pytensor

.PHONY: help setup train write adding test test-numpy lint types bench bench-setup docs clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## ?/  make \1\t/' | expand -t 16

setup: $(STAMP)  ## make .venv and install symtheano with everything the tests need

$(STAMP): pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $(STAMP)

train: $(STAMP)  ## train a network on the scanned digits (ARGS="--help" for its options)
	$(PY) examples/train_digits.py $(ARGS)

write: $(STAMP)  ## train an LSTM to write like Python's reference (ARGS="--resume" goes on after a stop)
	$(PY) examples/char_lstm.py $(ARGS)

adding: $(STAMP)  ## train a recurrent network on the adding problem by a Hessian-free method
	$(PY) examples/hessian_free_rnn.py $(ARGS)

test: lint types  ## ruff, mypy and the whole test suite (ARGS="-k name" to select)
	$(PY) -m pytest -n auto $(ARGS)

test-numpy: $(STAMP)  ## tests with functions compiled to NumPy programs, which `make test` sees only in part
	SYMTHEANO_TEST_TARGET=numpy $(PY) -m pytest -n auto $(ARGS) $(NUMPY_TESTS)

lint: $(STAMP)  ## ruff
	$(PY) -m ruff check .

types: $(STAMP)  ## mypy --strict
	$(PY) -m mypy

bench: $(STAMP) $(if $(or $(findstring native,$(ARGS)),$(findstring scan,$(ARGS)),$(if $(strip $(ARGS)),,all)),bench-setup)  ## run the benchmarks
	$(PY) -m benchmarks $(ARGS)

bench-setup: $(PEERS:%=.bench/%/.installed)  ## make the virtual environments of the peers (JAX, torch, PyTensor)

.bench/jax/.installed: PACKAGES = $(JAX)
.bench/torch/.installed: PACKAGES = $(TORCH) numpy
.bench/pytensor/.installed: PACKAGES = $(PYTENSOR)
.bench/%/.installed:
	test -x .bench/$*/bin/python || $(PYTHON) -m venv .bench/$*
	.bench/$*/bin/python -m pip install --quiet --disable-pip-version-check $(PACKAGES)
	touch $@

docs: $(STAMP)  ## write docs/rules.md from the rules, the modules of docs/architecture.md from their docstrings
	$(PY) docs/make_rules.py
	$(PY) docs/make_modules.py

clean:  ## remove .venv, caches and runs/
	rm -rf $(VENV) .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis runs build dist
