# `make serve` and `make test` are all a newcomer needs: each does its own set-up.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 4000
VENV := .venv
BIN := $(VENV)/bin
SOURCES := Cargo.toml Cargo.lock pyproject.toml build.rs $(shell find src python data -type f -not -name '*.so' -not -name '*.pyc' 2>/dev/null)

# What the static binary is built for: this machine.
TARGET = $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: serve test test-rust test-loom test-python conformance faults lint bench test-clients static wheel check-deploy docs manifests clean sdist

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	touch $@

# The package as users get it: release build.
$(VENV)/.installed: $(VENV)/.created $(SOURCES)
	$(BIN)/pip install --quiet .
	rm -f $(VENV)/.developed
	touch $@

# The package as tests want it: debug build, sharing what `cargo test` has built.
$(VENV)/.developed: $(VENV)/.tools $(SOURCES)
	$(BIN)/maturin develop --quiet
	rm -f $(VENV)/.installed
	touch $@

$(VENV)/.tools: $(VENV)/.created requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

serve: $(VENV)/.installed
	exec $(BIN)/python -m gateway serve --host $(HOST) --port $(PORT)

test: test-rust test-loom test-python conformance

test-rust:
	cargo test --workspace --locked

# What calls share, in every order in which threads can take turns. Other flags, so a folder of its own.
test-loom:
	RUSTFLAGS="--cfg loom" cargo test --locked -p loom-models --target-dir target/loom

test-python: $(VENV)/.developed
	$(BIN)/python -m pytest -q

conformance: $(VENV)/.developed
	cargo build --locked -p gateway -p mock-upstream
	$(BIN)/python tests/conformance/check.py

# What goes wrong, and what becomes of it: the figures of every fault test, in one report. FAULTS=10 looks longer, at
# full rates and sizes, and so as fast as a release.
faults:
	mkdir -p target
	cargo test --locked $(if $(filter-out 1,$(FAULTS)),--profile load) -p gateway --test it -- \
	  faults:: row_ clocks:: forward:: stop:: --nocapture --test-threads=1 > target/faults.log 2>&1; \
	  status=$$?; grep -o 'figure | .*' target/faults.log | sort -t '|' -k 2 -n; grep '^test result\|FAILED' target/faults.log; exit $$status

lint: $(VENV)/.developed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest gateway._gateway --allowlist tests/python/stubtest.allow

bench: $(VENV)/.installed
	cargo build --release --locked --features mimalloc --bin gateway
	cargo build --release --locked -p mock-upstream
	cargo bench --locked --features mimalloc --benches
	$(BIN)/python benches/python_sdk.py

# Official clients, unmodified, against the server; those of Node are skipped where there is none.
test-clients: $(VENV)/.developed
	$(BIN)/pip install --quiet -r tests/clients/requirements-clients.txt
	cargo build --locked -p gateway -p mock-upstream
	$(BIN)/python -m pytest -q tests/clients

# The server without a shared library: what goes into the image. `--target` keeps the flag away from macros.
static:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --features mimalloc --bin gateway --target $(TARGET)

$(VENV)/.deploy-tools: $(VENV)/.tools tests/deploy/requirements.txt tests/deploy/get_helm.py
	$(BIN)/pip install --quiet -r tests/deploy/requirements.txt
	$(BIN)/python tests/deploy/get_helm.py $(BIN)
	touch $@

# The package as it is published, into target/wheels.
wheel: $(VENV)/.tools
	rm -rf target/wheels
	$(BIN)/maturin build --quiet --release --locked --out target/wheels

# The source package, with every crate that it needs: it builds where there is no network. Of what is committed.
sdist: $(VENV)/.tools
	rm -rf target/sdist
	mkdir -p target/sdist/.cargo
	git archive HEAD | tar -x -C target/sdist
	cd target/sdist && cargo vendor --locked vendor > .cargo/config.toml 2> log || (cat log; false)
	$(BIN)/maturin sdist --manifest-path target/sdist/python/Cargo.toml --out target/sdist/dist 2> target/sdist/log || (cat target/sdist/log; false)

# Chart, manifests, board, rules, workflows, documentation, wheel and image. Without buildah or Prometheus some of it is skipped, and says so.
check-deploy: $(VENV)/.deploy-tools $(VENV)/.developed static wheel sdist
	cargo build --locked -p gateway
	cargo run --quiet --locked --example reference -- docs/reference
	GATEWAY_STATIC_BINARY=target/$(TARGET)/release/gateway $(BIN)/python -m pytest -q -rs tests/deploy

# The documentation as a site, into target/site.
docs: $(VENV)/.deploy-tools
	cargo run --quiet --locked --example reference -- docs/reference
	$(BIN)/python -m mkdocs build --strict

# What deploy/kubernetes holds is the chart's.
manifests: $(VENV)/.deploy-tools
	echo '# Rendered from charts/gateway by `make manifests`: do not edit.' > deploy/kubernetes/gateway.yaml
	$(BIN)/helm template gateway charts/gateway --namespace=gateway --values=deploy/kubernetes/values.yaml >> deploy/kubernetes/gateway.yaml

clean:
	cargo clean
	rm -rf $(VENV)
