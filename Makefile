# Every target sets up what it needs; a second run finds it done and is quick.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
BENCH = $(if $(ROWS),--rows $(ROWS)) $(if $(PEERS),--peers $(PEERS)) $(if $(RESUME),--resume) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help audit demo test test-oldest test-wheel lint format docs kubernetes behaviours chaos langswarm bench bench-collector bench-langswarm bench-quick bench-guard bench-baseline bench-report wheel stack-tools clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml tools/setup.sh tools/install.sh
	@tools/setup.sh $(VENV) $(PYTHON)
	@touch $@

demo: $(STAMP) ## Run a real LangSwarm program and show its traces, metrics and logs
	@$(BIN)/langswarm-otel demo $(if $(ENDPOINT),--endpoint $(ENDPOINT))

# Servers, forks and deadlines on two busy cores: a test may be starved. One that fails is run again, and the summary counts that.
test: stack-tools ## Run all tests
	@$(BIN)/python -m pytest -q -n $(WORKERS) --reruns 2 $(ARGS)

test-oldest: $(STAMP) ## Run the tests on the oldest supported OpenTelemetry SDK, on the built wheel
	@tools/test_wheel.sh $(BIN) oldest $(ARGS)

test-wheel: $(STAMP) ## Run the tests on the newest dependencies, on the built wheel
	@tools/test_wheel.sh $(BIN) newest $(ARGS)

lint: $(STAMP) ## Check types, style, import floors and spelling
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/codespell langswarm_otel benchmarks collector-config deploy tests docs tools *.md docker-compose.yml
	@echo "lint: clean"

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

docs: $(STAMP) ## Generate the pages that derive from the code
	@$(BIN)/langswarm-otel names --format markdown > docs/what-we-emit.md

kubernetes: $(STAMP) ## Write into deploy/kubernetes what collector-config says
	@$(BIN)/python tools/kubernetes.py

chaos: $(STAMP) ## Break everything for twenty minutes, into docs/chaos (ONLY=, MINUTES=, SEED=)
	@$(BIN)/python tests/chaos/long.py $(if $(ONLY),--only $(ONLY)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

behaviours: $(STAMP) ## Run the forty behaviours against the plain SDK and ours, and write docs/behaviours.md
	@$(BIN)/python -m pytest -q -n $(WORKERS) tests/behaviour --ignore tests/behaviour/test_table.py --behaviours docs/behaviours.md $(ARGS)

langswarm: $(STAMP) ## Run LangSwarm in every mode and write docs/langswarm-matrix.md
	@$(BIN)/python -m pytest -q -n $(WORKERS) tests/instrumentation/test_matrix.py -k "not page" --langswarm docs/langswarm-matrix.md $(ARGS)

bench-quick: $(STAMP) ## Measure ours against the raw SDK, briefly (ROWS="span agent")
	@$(BIN)/python -m benchmarks --quick $(BENCH)

bench: $(STAMP) ## Measure ours against raw SDK and peers, into docs/ (ROWS=, PEERS=, RESUME=1)
	@$(BIN)/python -m benchmarks $(if $(ROWS)$(PEERS),,--write) $(BENCH)

bench-langswarm: $(STAMP) ## Measure the instrumentor on a LangSwarm agent, into docs/benchmarks/langswarm.md
	@$(BIN)/python -m benchmarks.langswarm --write $(ARGS) 2> /dev/null

bench-collector: stack-tools ## Measure agent and gateways at rising load, into docs/benchmarks/collector.md
	@$(BIN)/python -m benchmarks.collector --write $(ARGS)

bench-guard: $(STAMP) ## Compare the instructions of each path with the baseline; CI does
	@$(BIN)/python benchmarks/instructions.py

bench-baseline: $(STAMP) ## Write that baseline anew, after a change that is meant
	@$(BIN)/python benchmarks/instructions.py --write

bench-report: $(STAMP) ## Write into docs/ what the last make bench found, whole or not
	@$(BIN)/python -m benchmarks --report --write > /dev/null

audit: $(STAMP) ## Look for known vulnerabilities in what is installed (needs the advisories of PyPI's JSON API)
	@$(BIN)/uv tool run --python $(BIN)/python pip-audit --progress-spinner off --skip-editable --path $$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')

wheel: $(STAMP) ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel --installer uv -o dist . > $(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }

stack-tools: $(STAMP) ## Build Collector, Jaeger, Prometheus, VictoriaLogs and more for tests/stack (needs Go; cached)
	@$(BIN)/langswarm-otel stack build --optional

clean: ## Remove what the targets made
	@rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
