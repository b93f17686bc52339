# The commands of the project; `make help` lists them.

VENV := target/venv
PYTHON := $(VENV)/bin/python
PIP := -m pip install --quiet --disable-pip-version-check
PIP_WHEEL := -m pip wheel --quiet --disable-pip-version-check --no-deps
# The hub that this one replaces, as the peer of the interoperability tests.
OLD_VENV := target/old-venv
OLD_PYTHON := $(OLD_VENV)/bin/python
# What the extension is made of: the package is installed anew when one of them changes.
SOURCES := pyproject.toml README.md Cargo.toml Cargo.lock \
	$(shell find rust/*/src rust/*/build.rs rust/*/Cargo.toml packaging python orochi scitex_orochi dashboard -type f \
		! -name '*.so' ! -name '*.pyc' 2>/dev/null)
define CHECK_TOOLS
command -v cargo >/dev/null || \
	{ echo "cargo is not on the PATH: install Rust 1.95 or newer, https://rustup.rs" >&2; exit 1; }; \
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "python3 is missing or older than 3.11: install Python 3.11 or newer" >&2; exit 1; }
endef
# In the gate the lock file must be what was committed.
LOCKED := $(if $(CI),--locked)

.DEFAULT_GOAL := help
.PHONY: help book image run test test-rust test-page test-python lint lint-page lint-types bench bench-dashboard screenshots extension clean tools

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

run: ## Install into .venv and start the hub
# The program is built first, by cargo itself: pip shows nothing of the minutes that this takes the first time.
# Ctrl-C is no failure of the recipe, so make has nothing to report about it: the inner shell ends by it, the outer one
# well. Python reports it with a traceback: what venv and pip print is held back, and is dropped when Ctrl-C ended them.
# make reports an error when its shell ends before it has noticed Ctrl-C itself, so that one waits for a moment.
	@trap 'sleep 0.2; exit 0' INT; ( set -e; $(CHECK_TOOLS); \
	test -x .venv/bin/pip || printed=$$(python3 -m venv .venv 2>&1) || { printf '%s\n' "$$printed" >&2; exit 1; }; \
	echo "1 of 2: building the program; the first time this takes some minutes."; \
	cargo build --locked --release --package orochi-cli --bin orochi; \
	echo "2 of 2: installing it into .venv with the Python client; about a minute the first time."; \
	printed=$$(.venv/bin/python $(PIP) . 2>&1) || { printf '%s\n' "$$printed" >&2; exit 1; }; \
	echo; echo "Installed. With the hub running, type in another terminal:"; \
	echo "  $(CURDIR)/.venv/bin/orochi listen general"; \
	echo "and in a third:"; \
	echo "  $(CURDIR)/.venv/bin/orochi send general 'Hello'"; echo ) || exit; \
	trap - INT; exec .venv/bin/orochi serve

test: test-rust test-page test-python ## All tests

# The Python crate holds no tests of its own: the Python tests are its tests.
test-rust: tools ## The Rust tests
	@if cargo nextest --version >/dev/null 2>&1; then \
		set -x; cargo nextest run $(LOCKED) --workspace --exclude orochi-python --no-fail-fast; \
	else \
		set -x; cargo test $(LOCKED) --workspace --exclude orochi-python --no-fail-fast; \
	fi

test-page: ## The dashboard's own modules, with node
	@if command -v node >/dev/null; then \
		set -x; node --test dashboard/test/; \
	elif [ "$(CI)" = true ]; then \
		echo "node is missing" >&2; exit 1; \
	else \
		echo "The dashboard's modules are not tested: that needs Node.js 20 or newer, https://nodejs.org"; \
	fi

# An image that is built takes both processors for minutes; the kit gives clients heartbeats of one second; make and its
# shell can miss Ctrl-C while they wait for a processor.
ALONE := tests/docker tests/conformance/test_kit.py tests/packaging/test_interrupt.py

test-python: extension $(OLD_VENV)/.ready ## The Python, interoperability and tidiness tests
	OROCHI_OLD_PYTHON=$(abspath $(OLD_PYTHON)) $(PYTHON) -m pytest -rs --numprocesses 2 --dist loadfile \
		$(ALONE:%=--ignore %)
	$(PYTHON) -m pytest -rs $(ALONE)

# What needs no build comes first: it fails in seconds.
lint: $(VENV)/.ready ## Formats, clippy, the Dockerfile, workflows, the book, types, stubs
	cargo fmt --all --check
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(VENV)/bin/hadolint Dockerfile
	$(VENV)/bin/actionlint
	$(VENV)/bin/mdbook build docs
	@$(MAKE) --no-print-directory lint-page
	cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings
# Once more as it is shipped: with its tests the hub has the feature `sim`.
	cargo clippy $(LOCKED) --package orochi-hub --lib -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" \
		cargo doc $(LOCKED) --quiet --workspace --no-deps --document-private-items
	@$(MAKE) --no-print-directory lint-types

lint-page: ## The types of the dashboard's modules, with TypeScript
	@if command -v npm >/dev/null; then \
		set -xe; mkdir -p target/page; cp dashboard/package.json dashboard/package-lock.json target/page/; \
		npm ci --prefix target/page --silent --no-fund --no-audit; \
		target/page/node_modules/.bin/tsc --project dashboard/tsconfig.json; \
	elif [ "$(CI)" = true ]; then \
		echo "npm is missing" >&2; exit 1; \
	else \
		echo "The dashboard's types are not checked: that needs Node.js 20 or newer with npm, https://nodejs.org"; \
	fi

lint-types: extension ## The package's types, and its stubs against the built module
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy.stubtest orochi._native

book: $(VENV)/.ready ## The documentation as a book, in target/book
	$(VENV)/bin/mdbook build docs

image: ## The Docker image, scitex-orochi
	docker build --tag scitex-orochi .

bench: ## The benchmarks; prints their table
	python3 bench/run

bench-dashboard: extension ## The dashboard's benchmark, in Chromium
	cargo build --release --locked --package orochi-cli
	$(PYTHON) bench/dashboard.py

screenshots: extension ## The pictures of the dashboard in docs/
	$(PYTHON) -m tests.dashboard.screenshots

extension: $(VENV)/.extension

# A wheel, as users get it, and not an extension inside orochi/: that one would shadow what `make run` installs.
$(VENV)/.extension: $(VENV)/.ready $(SOURCES)
	rm -rf target/dev-wheel orochi/_native*.so
	PATH="$(abspath $(VENV))/bin:$$PATH" $(PYTHON) $(PIP_WHEEL) --no-build-isolation --config-settings=profile=dev --wheel-dir target/dev-wheel .
	$(PYTHON) $(PIP) --force-reinstall --no-deps target/dev-wheel/*.whl
	@touch $@

$(VENV)/.ready: pyproject.toml | tools
	python3 -m venv --clear $(VENV)
	$(PYTHON) $(PIP) --upgrade pip
	$(PYTHON) -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['dev']))" > $(VENV)/requirements.txt
	$(PYTHON) $(PIP) -r $(VENV)/requirements.txt
	@touch $@

$(OLD_VENV)/.ready:
	python3 -m venv --clear $(OLD_VENV)
	$(OLD_PYTHON) $(PIP) scitex-orochi==0.1.0
	@touch $@

# Fails with a sentence where a program is missing.
tools:
	@$(CHECK_TOOLS)

clean: ## Remove what was built
	rm -rf target .venv orochi/_native*.so
