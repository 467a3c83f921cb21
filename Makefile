# make run    start a broker on 127.0.0.1:5672 (guest/guest)
# make check  the gate without the slow parts: format, lint, types, floors, house rules
# make web    build the web UI into the package; `make run` does it once, where node is at hand
# make screenshots    pictures of every page of the web UI, in build/screenshots and docs (API=… is that of a running broker)
# make simulate       a cluster from each of SEEDS seeds, and its promises; SEEDS=100000 for more
# make jepsen         a cluster of real processes, killed, frozen and cut under load; EPISODES=100 SEED=1 NODES=5
# make stream-js      the whole suite of rabbitmq-stream-js-client on HareMQ: two minutes
# make ansible        Ansible's modules for RabbitMQ on HareMQ; installs 550 MB into build/ansible
# make test   everything, on a fresh machine too: this is what .ci/run calls
#
# The virtual environment and the kernels are built once, for `run` and `test` alike, and again when
# pyproject.toml, constraints.txt or a kernel's source change.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
RUNTIME_STAMP := $(VENV)/.runtime-stamp
DEV_STAMP := $(VENV)/.dev-stamp
KERNELS := $(wildcard persistence/_*.p* queues/_*.p* queues/*/_*.p* exchanges/_*.p* amqp_server/*/_*.p*)
BUILD_INPUTS := pyproject.toml constraints.txt .ci/kernel_build.py $(KERNELS)
NPM_FOLDER := tests/clients/programs
NPM_LOCK := $(NPM_FOLDER)/package-lock.json
NPM_STAMP := $(NPM_FOLDER)/node_modules/.stamp
ANSIBLE_FOLDER := build/ansible
ANSIBLE_STAMP := $(ANSIBLE_FOLDER)/.stamp
SUITE_FOLDER := tests/clients/stream_js_suite
SUITE_STAMP := $(SUITE_FOLDER)/node_modules/.stamp
WEB_FOLDER := web
WEB_STAMP := $(WEB_FOLDER)/node_modules/.stamp
WEB_INPUTS := $(wildcard $(WEB_FOLDER)/*.* $(WEB_FOLDER)/public/* $(WEB_FOLDER)/src/*.* $(WEB_FOLDER)/src/*/*.* \
	$(WEB_FOLDER)/src/*/*/*.*)
WEB_BUILT := management/static/index.html
PYTEST_LOG := build/pytest.log
# Tests of what imports no kernel, and of nodes in processes of their own: one build shows all.
WITHOUT_KERNELS := cluster/replication cluster/definitions cluster/placement cluster/metadata cluster/links \
	cluster/liveness supervising load_generator command_line benchmarks migrating proving scenarios/test_dev_cluster.py \
	scenarios/test_clustering_walk.py clustering/test_node.py clustering/test_queues_streams.py
# Most tests of a cluster, a kill or a client wait, so that more workers than cores find work. One file stays with
# one worker, for what its tests share; tests/conftest.py has those that take long begin.
WORKERS ?= 4
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
BROKER_PORT ?= 5672
FUZZ_SECONDS ?= 30
SEQUENCE_SEEDS ?= 5000
CYCLES ?= 500
STREAM_CYCLES ?= 100
SEEDS ?= 100
STATES ?= 50000
EPISODES ?= 100
SEED ?= 1
NODES ?= 3
BROKERS ?= haremq
API ?=

.PHONY: help run venv system npm stream-js ansible web web-at-hand webtest screenshots check format lint types floors style pytest asan \
	fuzz sequence simulate jepsen wheel conformance crash bench test clean distclean

help:
	@sed -n 's/^# make/make/p' Makefile

run: $(RUNTIME_STAMP) web-at-hand
	$(BIN)/haremq start --bind 127.0.0.1 --port $(BROKER_PORT)

$(VENV)/bin/python:
	@echo "a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "on Debian and Ubuntu, 'apt-get install python3-venv' brings what is missing" >&2; \
		exit 1; }

$(RUNTIME_STAMP): $(BUILD_INPUTS) | $(VENV)/bin/python
	@echo "installing HareMQ into $(VENV), and compiling $(words $(filter %.pyx,$(KERNELS))) kernels," \
		"$$(nproc) at a time: up to a minute, once"
	@$(PIP_INSTALL) --editable .
	@$(BIN)/python -c 'from persistence.kernels import build_name; print("done, build=" + build_name())'
	@touch $@

# HareMQ itself is there already, so that pip adds what the extra names and builds nothing.
$(DEV_STAMP): $(RUNTIME_STAMP)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP_INSTALL) 'haremq[dev]'
	@touch $@

venv: $(DEV_STAMP)

# Debian packages that the tests drive or compare with; nothing is installed where all are there.
system:
	.ci/system-packages

npm: $(if $(wildcard $(NPM_LOCK)),$(NPM_STAMP)) $(SUITE_STAMP) $(WEB_STAMP)

$(NPM_STAMP): $(NPM_LOCK)
	.ci/retry 3 npm ci --prefix $(NPM_FOLDER) --no-audit --no-fund
	touch $@

$(SUITE_STAMP): $(SUITE_FOLDER)/package-lock.json
	.ci/retry 3 npm ci --prefix $(SUITE_FOLDER) --no-audit --no-fund
	touch $@

$(WEB_STAMP): $(WEB_FOLDER)/package-lock.json
	.ci/retry 3 npm ci --prefix $(WEB_FOLDER) --no-audit --no-fund
	touch $@

web: $(WEB_BUILT)

$(WEB_BUILT): $(WEB_STAMP) $(WEB_INPUTS)
	npm run --prefix $(WEB_FOLDER) build
	touch $@

# A broker without its web UI runs as well, and serves a page that says how to get it.
web-at-hand:
	@if [ ! -e $(WEB_BUILT) ]; then \
		if command -v npm >/dev/null; then $(MAKE) --no-print-directory web \
			|| echo "the web UI could not be built; the broker starts without it" >&2; \
		else echo "no npm: the broker starts without its web UI" >&2; fi; fi

# Types and pure parts; tests/web has what needs a browser.
webtest: $(WEB_STAMP)
	npm run --prefix $(WEB_FOLDER) types
	npm test --prefix $(WEB_FOLDER)

check: format lint types floors style

format: venv
	$(BIN)/ruff format --check

lint: venv
	$(BIN)/ruff check

types: venv
	$(BIN)/mypy

floors: venv
	$(BIN)/lint-imports

style: venv
	$(BIN)/pytest -q tests/style

# Both builds pass the same tests (the house rules are `make style`), but for what one build shows: clients, browsers, kill loops
# (what a kill leaves is up to the log, whose one twin is its writer), and mistakes that are planted for a
# checker to see, the simulation of clusters, their faults, nodes in processes of their own, and what reaches no kernel. First
# the interpreted twins, then everything on the kernels. A few that failed run once more, alone. The last line of
# the log, which .ci/run repeats at its very end, is pytest's summary, or what passed only alone.
pytest: venv npm web
	mkdir -p build
	HAREMQ_INTERPRETED=1 .ci/failed-again $(BIN)/pytest -q $(SIDE_BY_SIDE) \
		--ignore=tests/clients --ignore=tests/web --ignore=tests/style \
		--ignore=tests/simulation --ignore=tests/jepsen $(addprefix --ignore=tests/,$(WITHOUT_KERNELS)) \
		--ignore-glob='tests/crash/test_*kill_loop.py' --ignore-glob='tests/*/test_*processes.py' \
		-m 'not planted'
	HAREMQ_REQUIRE_CLIENTS=1 REQUIRE_COMPILED=1 .ci/failed-again $(BIN)/pytest -q $(SIDE_BY_SIDE) --ignore=tests/style \
		2>&1 | tee $(PYTEST_LOG)

# The kernels once more, built with AddressSanitizer in a copy of the tree.
asan: venv
	.ci/asan $(BIN)

# Both builds are fed the same broken sessions; a seed that found something is printed.
fuzz: venv
	$(BIN)/python -m tests.fuzz.fuzz_scan --seconds $(FUZZ_SECONDS)

# Random scripts, in one write and piece by piece; the tests play a few of them.
sequence: venv
	SEQUENCE_SEEDS=$(SEQUENCE_SEEDS) $(BIN)/pytest -q tests/properties/test_one_write.py

# A whole cluster of replication cores from each seed (ADR 45). A seed that breaks a promise is printed as the
# events that it needs.
simulate: venv
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

# Real nodes and a real etcd in network namespaces; without root, on loopback addresses. BROKERS names others
# to be put to the test (tests/jepsen). The status is 77, and the reason printed, where there is nothing to run.
# RabbitMQ's own Jepsen test of a queue is `python -m tests.jepsen.queue_test --all`.
jepsen: venv
	mkdir -p build/jepsen
	$(BIN)/python -m tests.jepsen --brokers $(BROKERS) --nodes $(NODES) --episodes $(EPISODES) --seed $(SEED) \
		--histories build/jepsen

# Without a compiler the wheel holds no kernel, and what it installs runs interpreted.
wheel: venv
	.ci/wheel-without-compiler $(BIN)

# Every rule against a broker of ours and against Debian's RabbitMQ, both started for the occasion; then
# what needs the HTTP API on ours alone, all of them on a node of a cluster of ours, and random scripts on
# both brokers, which must do the same. SEEDS=5000 for more.
conformance: venv
	.ci/with-broker $(BIN) .ci/conformance.yaml \
		$(BIN)/python -m conformance --rabbitmq --has admin --uri
	.ci/with-broker $(BIN) .ci/conformance.yaml \
		$(BIN)/python -m conformance --has admin --has http --failed --uri
	$(BIN)/python -m conformance --cluster --failed
	.ci/with-broker $(BIN) .ci/conformance.yaml \
		$(BIN)/python -m conformance --rabbitmq --random 1 --seeds $(SEEDS) --uri
	.ci/with-broker $(BIN) .ci/conformance-alarm.yaml \
		$(BIN)/python -m conformance --has alarm --uri

# Kill loops and power cuts; CYCLES of them each, with streams STREAM_CYCLES. A failing seed is printed, its data kept.
# STATES crash states of the logs, of long queues on them, of messages on the move, of delays and keys.
crash: venv
	$(BIN)/python -m tests.crash.states --states $(STATES)
	$(BIN)/python -m tests.crash.states --states $(STATES) --queues
	$(BIN)/python -m tests.crash.states --states $(STATES) --moves
	$(BIN)/python -m tests.crash.states --states $(STATES) --delays
	$(BIN)/python -m tests.crash.states --states $(STATES) --deduplication
	$(BIN)/python -m tests.crash.states --states $(STATES) --present-keys
	$(BIN)/python -m tests.crash.states --states $(STATES) --replicas
	$(BIN)/python -m tests.crash.states --states $(STATES) --mirrored-streams
	$(BIN)/python -m tests.crash.kill_loop --cycles $(CYCLES)
	$(BIN)/python -m tests.crash.kill_loop --cycles $(CYCLES) --class os
	$(BIN)/python -m tests.crash.kill_loop --cycles $(CYCLES) --power-cut
	$(BIN)/python -m tests.crash.delay_kill_loop --cycles $(STREAM_CYCLES)
	$(BIN)/python -m tests.crash.delay_kill_loop --cycles $(STREAM_CYCLES) --power-cut
	$(BIN)/python -m tests.crash.deduplication_kill_loop --cycles $(STREAM_CYCLES)
	$(BIN)/python -m tests.crash.deduplication_kill_loop --cycles $(STREAM_CYCLES) --power-cut
	$(BIN)/python -m tests.crash.stream_kill_loop --cycles $(STREAM_CYCLES)
	$(BIN)/python -m tests.crash.stream_kill_loop --cycles $(STREAM_CYCLES) --class os
	$(BIN)/python -m tests.crash.stream_kill_loop --cycles $(STREAM_CYCLES) --power-cut

# Every page of the broker at API, light, dark and phone.
screenshots: venv web
	$(BIN)/python -m tests.web.screenshots --folder build/screenshots --api '$(API)' \
		$(if $(API),,--docs docs/screenshots)

stream-js: venv $(SUITE_STAMP)
	$(BIN)/python -m tests.clients.support.stream_js_suite

# The package has all collections of Ansible, so it is in an environment of its own, and not in `make test`.
ansible: venv $(ANSIBLE_STAMP)
	PATH="$(CURDIR)/$(ANSIBLE_FOLDER)/bin:$$PATH" $(BIN)/pytest -q tests/clients/test_ansible.py

$(ANSIBLE_STAMP):
	$(PYTHON) -m venv $(ANSIBLE_FOLDER)
	$(ANSIBLE_FOLDER)/bin/python -m pip install --quiet ansible==12.3.0 requests==2.34.2
	touch $@

bench: venv
	$(BIN)/python -m benchmarks

# All parts run even when one fails, so that one look shows all that is wrong. Those that share nothing run side
# by side, each with its output in one piece; the tests, some of which look at a clock, run after them.
test: system
	$(MAKE) --no-print-directory venv npm
	status=0; \
	$(MAKE) --no-print-directory --keep-going --jobs=3 --output-sync=target \
		conformance asan check fuzz wheel webtest || status=$$?; \
	$(MAKE) --no-print-directory pytest || status=$$?; \
	exit $$status

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(NPM_FOLDER)/node_modules $(SUITE_FOLDER)/node_modules $(WEB_FOLDER)/node_modules \
		management/static haremq.egg-info
