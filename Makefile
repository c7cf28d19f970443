# Every target does its own set-up (local/setup.sh); a second run finds it done. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PORT ?= 7071
WORKERS ?= auto
CASES ?= 10000
SEED ?= random
KILLS ?= 200
PYTHON := .venv/bin/python
export PYTHONUNBUFFERED := 1

.PHONY: help setup run start azurite emulator host test lint format bench fuzz chaos mutate audit-dependencies verify-package verify-receipt verify-audit clean

help: ## list the targets (this)
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

setup: ## bring Python packages and Azurite, nothing else (the other targets do it themselves)
	@local/setup.sh python azurite

run: ## the main job before your eyes: export a project, erase one person, show the proof
	@local/setup.sh python azurite
	@exec $(PYTHON) -m local.launch demo --port "$(PORT)"

start: ## the whole stack in the foreground: Azurite, Custom Vision emulator, Functions host on 7071
	@local/setup.sh python azurite
	@exec $(PYTHON) -m local.launch stack --port "$(PORT)"

azurite: ## Azurite alone on ports 10000-10002, data in .local/azurite
	@local/setup.sh python azurite
	@exec $(PYTHON) -m local.launch azurite

emulator: ## the Custom Vision emulator alone on port 7080 (EMULATOR_PORT)
	@local/setup.sh python
	@exec $(PYTHON) -m local.launch emulator

host: ## the Functions host alone (PORT=7071), with the settings of the environment, then of local.settings.json
	@local/setup.sh python
	@exec $(PYTHON) -m local.launch host --port "$(PORT)"

test: ## all tests, side by side on all cores (ARGS="tests/unit -k name" for some, WORKERS=0 for one after the other)
	@local/setup.sh python azurite chromium
	@echo "Running the tests: they start their own Azurite, emulator and host on free ports ..."
	@exec $(PYTHON) -m pytest -n "$(WORKERS)" --dist loadfile $(ARGS)

lint: ## ruff (rules and format) and mypy --strict over everything
	@local/setup.sh python
	@echo "Checking with ruff and mypy --strict ..."
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy .

format: ## let ruff format the code and mend what it can
	@local/setup.sh python
	@$(PYTHON) -m ruff check --fix-only --exit-zero .
	@$(PYTHON) -m ruff format .

bench: ## measure throughput and memory (benchmarks/)
	@local/setup.sh python azurite
	@exec $(PYTHON) -m benchmarks $(ARGS)

fuzz: ## send the running app some 10,000 generated requests and messages (CASES=...)
	@local/setup.sh python azurite
	@echo "Fuzzing a host of its own, by its own OpenAPI document and against it: some minutes ..."
	@FUZZ_CASES="$(CASES)" exec $(PYTHON) -m pytest tests/fuzz $(ARGS)

chaos: ## kill hosts, restart the storage, let the service fail, then check everything (SEED=... KILLS=200)
	@local/setup.sh python azurite
	@CHAOS_SEED="$(SEED)" CHAOS_KILLS="$(KILLS)" CHAOS_SECONDS=86400 exec $(PYTHON) -m pytest -s tests/chaos $(ARGS)

mutate: ## change plans and status rules one place at a time; each change must make a unit test fail (some minutes)
	@local/setup.sh python mutation
	@exec $(PYTHON) -m tests.mutation

audit-dependencies: ## ask an advisory database about every installed package (needs a way to pypi.org)
	@local/setup.sh python advisories
	@exec $(PYTHON) -m local.advisories

verify-package: ## check a downloaded package against its manifest, offline (DIR=folder or zip)
	@local/setup.sh python
	@exec $(PYTHON) -m local.verify_package "$(DIR)"

verify-receipt: ## check a receipt: FILE=receipt.jws (or receipt.json with its .jws beside) KEYS=keys.json
	@local/setup.sh python
	@exec $(PYTHON) -m local.verify_receipt "$(FILE)" "$(KEYS)"

verify-audit: ## check the ledger against its daily files of heads (settings as for `make host`)
	@local/setup.sh python
	@exec $(PYTHON) -m local.verify_audit

clean: ## remove what was installed and kept here: .venv, Azurite's packages, .local, caches
	@echo "Removing .venv, local/azurite/node_modules, .local and caches ..."
	@rm -rf .venv local/azurite/node_modules .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
