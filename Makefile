# The commands of the project; `make help` lists them.

VENV := target/venv
PYTHON := $(VENV)/bin/python
OLD_PYTHON := target/old-venv/bin/python
# Written when the development environment is as pyproject.toml says.
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help run test test-rust test-python lint bench extension clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

run: ## Install into .venv and start the hub
	@test -x .venv/bin/python || python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check .
	.venv/bin/python -m orochi.server

test: test-rust test-python ## All tests

test-rust: ## The Rust tests
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace; else cargo test --workspace; fi

test-python: extension $(OLD_PYTHON) ## The Python, interoperability and tidiness tests
	cargo build --package orochi-cli
	OROCHI_OLD_PYTHON=$(abspath $(OLD_PYTHON)) $(PYTHON) -m pytest

lint: extension ## Formats, clippy, types, stubs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy.stubtest orochi._native

bench: ## The benchmarks; prints their table
	python3 bench/run

extension: $(READY)
	$(VENV)/bin/maturin develop --quiet --profile dev

$(READY): pyproject.toml
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PYTHON) -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['dev']))" > $(VENV)/requirements.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $(VENV)/requirements.txt
	@touch $(READY)

# The hub that this one replaces, as the peer of the interoperability tests.
$(OLD_PYTHON):
	python3 -m venv target/old-venv
	$(OLD_PYTHON) -m pip install --quiet --disable-pip-version-check scitex-orochi==0.1.0

clean: ## Remove what was built
	rm -rf target .venv orochi/*.so
