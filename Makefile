# Every target sets up what it needs, so on a new machine `make test` is enough.
# Needs make, and Python 3.11 or newer as PYTHON.

PYTHON ?= python3
# Test processes that run in parallel, each with its own Kafka and Postgres.
WORKERS ?= 2

BIN := .venv/bin
STAMP := .venv/.assent-setup
PINS := infra/requirements/dev.txt
DOCS_PINS := infra/requirements/docs.txt
MUTATION_PINS := infra/requirements/mutation.txt
SBOM_PINS := infra/requirements/sbom.txt
KUBE_PINS := infra/requirements/kube.txt
RUNTIME_PINS := infra/requirements/runtime.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package assent-contracts

# What `make image` builds, on which base image with which Python, for which processor.
IMAGE ?= assent:0.1.0
IMAGE_BASE ?= python:3.13-slim-bookworm
IMAGE_PYTHON ?= 3.13
IMAGE_MACHINE ?= $(shell uname -m)

# The integration tests that take their Kafka and Postgres from ASSENT_TEST_STACK.
ON_CONTAINERS := tests/integration/decider tests/integration/verify tests/integration/bad_input

# Each worker takes whole files, in order, so that slow tests begin first.
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Modules that hundreds of new processes import are compiled once.
unexport PYTHONDONTWRITEBYTECODE

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup chromium prometheus run cluster test test-long test-full test-cluster test-go test-java test-containers \
	test-kube coverage mutants soak fuzz simulate faults lint format schemas vectors bench docs image sbom requirements clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  make %-16s %s\n' "$$name" "$$text"; done

setup: $(STAMP) ## install everything into .venv, pinned by hash

$(STAMP): $(PINS) $(DOCS_PINS) pyproject.toml contracts/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "setup: Assent needs Python 3.11 or newer and '$(PYTHON)' is not; try: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "setup: '$(PYTHON)' cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "setup: installing into .venv (about a minute the first time)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --requirement $(PINS) --requirement $(DOCS_PINS)
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable ./contracts --editable .
	@touch $@

chromium: ## install Debian's Chromium for the browser tests, where there is none
	@command -v chromium google-chrome >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "chromium: installing it with apt-get" && \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium \
			>/dev/null; } || \
		echo "chromium: not found, so no browser is tested; on Debian and Ubuntu: sudo apt-get install chromium" >&2

prometheus: ## install Debian's Prometheus for the tests of alerts and metrics, where there is none
	@command -v prometheus >/dev/null && command -v promtool >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "prometheus: installing it with apt-get" && \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends prometheus \
			>/dev/null; } || \
		echo "prometheus: not found, so alerts are not tested; on Debian and Ubuntu: sudo apt-get install prometheus" >&2

run: $(STAMP) ## run all of Assent on this machine with the demo's data; ONCE=1 plays the demo and stops; WITHOUT=applier leaves it out
	@exec $(BIN)/assent demo --data .data/demo $(if $(ONCE),--once) $(WITHOUT:%=--without %)

cluster: $(STAMP) ## run three brokers, two Postgres with TLS and two of each service, until Ctrl-C
	@exec $(BIN)/python -m tests.support.cluster

test: $(STAMP) chromium prometheus ## run the tests of every part; ARGS go to pytest; WORKERS=0 runs one process
	@$(PYTEST) -m "not long and not cluster and not containers and not kube and not soak" $(ARGS)

test-long: $(STAMP) ## run the slow tests: restores, clocks, Keycloak, schemathesis, fuzz, simulations
	@$(PYTEST) -m "long and not cluster and not containers and not kube and not soak" $(ARGS)

test-cluster: $(STAMP) ## kill, restart and upgrade the parts of a cluster under load, about 8 minutes; ASSENT_CLUSTER_TRIES=n
	@$(BIN)/python -m pytest -m cluster tests/cluster $(ARGS)

test-full: test test-long test-cluster ## run these three: all tests except those on containers and the soak

test-go: ## check and test contracts/go; where there is no Go it says so
	@if ! command -v go >/dev/null; then \
		echo "test-go: there is no Go here, so contracts/go is not tested; install Go 1.26 or newer" >&2; \
	else \
		cd contracts/go && odd="$$(gofmt -l .)" && \
		{ [ -z "$$odd" ] || { echo "test-go: run gofmt -w on these:" $$odd >&2; exit 1; }; } && \
		go vet ./... && go test -count=1 ./... $(ARGS); \
	fi

test-java: ## test contracts/java; where there is no JDK or no Maven it says so
	@if ! command -v javac >/dev/null || ! command -v mvn >/dev/null; then \
		echo "test-java: there is no JDK or no Maven here, so contracts/java is not tested; install JDK 17 and Maven" >&2; \
	else \
		cd contracts/java && mvn -B -ntp test $(ARGS); \
	fi

test-containers: $(STAMP) ## run the tests on the images in infra/compose.yaml; needs a Docker engine
	@$(BIN)/python -m tests.support.containers
	@$(MAKE) --no-print-directory image
	@ASSENT_TEST_STACK=containers ASSENT_TEST_IMAGE=$(IMAGE) $(PYTEST) -m "not soak" tests/containers $(ON_CONTAINERS) $(ARGS)

test-kube: $(STAMP) ## check the Helm chart with helm, schemas and a real API server, built with Go the first time
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --requirement $(KUBE_PINS)
	@$(BIN)/python -m tests.support.kube_tools
	@$(BIN)/python -m pytest -m kube tests/kube $(ARGS)

coverage: $(STAMP) ## check that tests without a broker take every branch of the contracts and the core
	@$(BIN)/python -m coverage run -m pytest -m "not long" --quiet tests/contract tests/property tests/unit $(ARGS)
	@$(BIN)/python -m coverage report

mutants: $(STAMP) ## change the rules of requests and the messages a little: which changes does no test notice?; ONLY=module
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --requirement $(MUTATION_PINS)
	@$(BIN)/python -m tests.mutants $(if $(ONLY),--only $(ONLY))

soak: $(STAMP) ## kill and pause writers at random, for a long time
	@$(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)

fuzz: $(STAMP) ## give every receiver of external bytes a million odd inputs; INPUTS=n SEED=n
	@$(BIN)/python -m tests.fuzz $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

simulate: $(STAMP) ## run a million schedules of a simulated world; SCHEDULES=n; SEED=n runs one again
	@$(BIN)/python -m tests.simulation $(if $(SCHEDULES),--schedules $(SCHEDULES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

faults: $(STAMP) ## seed each listed fault into a copy of the tree and show what notices it; ONLY=words
	@$(BIN)/python -m tests.faults $(if $(ONLY),--only "$(ONLY)") $(ARGS)

lint: $(STAMP) ## check style, types and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

format: $(STAMP) ## fix the style where a program can
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

schemas: $(STAMP) ## write the JSON Schemas of the messages again
	@$(BIN)/python -m assent_contracts.schemas.generate

vectors: $(STAMP) ## write the conformance vectors for libraries in other languages again
	@$(BIN)/python -m assent_contracts.vectors.generate

bench: $(STAMP) ## measure commands per second and latency; JSON=file keeps the figures
	@$(BIN)/python -m tests.bench $(if $(JSON),--json $(JSON))

docs: $(STAMP) ## build the documentation into build/docs/site; a broken link is an error
	@$(BIN)/python -m infra.docs

sbom: $(STAMP) ## list the image's packages in build/sbom.json (CycloneDX)
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --requirement $(SBOM_PINS)
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements $(RUNTIME_PINS) --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-format JSON --output-file build/sbom.json

image: sbom ## build the image of the services; IMAGE=name; IMAGE_BASE and IMAGE_PYTHON for another base; needs a Docker engine
	@rm -rf build/image && mkdir -p build/image/wheels
	@$(PIP) download --require-hashes --only-binary :all: --no-deps --python-version $(IMAGE_PYTHON) \
		--platform manylinux_2_28_$(IMAGE_MACHINE) --platform manylinux_2_17_$(IMAGE_MACHINE) \
		--platform manylinux2014_$(IMAGE_MACHINE) --requirement $(RUNTIME_PINS) --dest build/image/wheels
	@$(PIP) wheel --no-index --no-deps --no-build-isolation --wheel-dir build/image/wheels ./contracts .
	@cp $(RUNTIME_PINS) build/sbom.json build/image/
	docker build --tag $(IMAGE) --file infra/Dockerfile --build-arg BASE=$(IMAGE_BASE) \
		--build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) build/image

requirements: $(STAMP) ## pin the dependencies again; UPGRADE=1 takes the newest versions
	@$(PIP) install uv
	@UV_CUSTOM_COMPILE_COMMAND="make requirements" $(COMPILE) $(if $(UPGRADE),--upgrade) \
		pyproject.toml --extra applier --extra gateway --extra mcp --extra notify --extra upstream --output-file infra/requirements/runtime.txt
	@UV_CUSTOM_COMPILE_COMMAND="make requirements" $(COMPILE) $(if $(UPGRADE),--upgrade) \
		pyproject.toml --extra local --group dev --constraint infra/requirements/runtime.txt --output-file $(PINS)
	@UV_CUSTOM_COMPILE_COMMAND="make requirements" $(COMPILE) $(if $(UPGRADE),--upgrade) \
		--group docs --constraint $(PINS) --output-file $(DOCS_PINS)
	@UV_CUSTOM_COMPILE_COMMAND="make requirements" $(COMPILE) $(if $(UPGRADE),--upgrade) \
		--group mutation --constraint $(PINS) --output-file $(MUTATION_PINS)
	@UV_CUSTOM_COMPILE_COMMAND="make requirements" $(COMPILE) $(if $(UPGRADE),--upgrade) \
		--group sbom --constraint $(PINS) --output-file $(SBOM_PINS)
	@UV_CUSTOM_COMPILE_COMMAND="make requirements" $(COMPILE) $(if $(UPGRADE),--upgrade) \
		--group kube --constraint $(PINS) --output-file $(KUBE_PINS)
	@! grep -nE '://|^-' infra/requirements/*.txt || { echo "requirements: a pin names a host or an option" >&2; exit 1; }

clean: ## remove .venv, the local data and all caches (stop `make run` first)
	rm -rf .venv .data dist build contracts/dist contracts/build .pytest_cache .coverage .hypothesis .ruff_cache .import_linter_cache
	find contracts infra services tests -name __pycache__ -type d -prune -exec rm -rf {} +
