# Two commands are enough: `make run` and `make test`. Both set up what is missing first.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
PACKAGES_COMPILED := .venv/.packages-compiled
COMPILED := .venv/.compiled

.PHONY: help setup run test test-quick test-slow test-money test-rtmp check bench seed torture pins format \
  reference messages

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile

setup: $(STAMP) $(COMPILED) src/dougong/web/static/vendor/.done ## Set up everything; does nothing twice

$(STAMP): requirements/dev.txt requirements/build.txt requirements/tools.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/tools.txt
	@$(BIN)/uv pip install -q --require-hashes -r requirements/dev.txt -r requirements/build.txt
	@$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# uv compiles nothing, and where Python may write no bytecode (PYTHONDONTWRITEBYTECODE) every process
# of a server would compile everything anew: three quarters of a start.
$(PACKAGES_COMPILED): $(STAMP)
	@$(BIN)/python -m compileall -q -j 0 .venv/lib
	@touch $@

$(COMPILED): $(PACKAGES_COMPILED) $(shell find src migrations -name '*.py')
	@$(BIN)/python -m compileall -q -j 0 src migrations
	@touch $@

src/dougong/web/static/vendor/.done: $(STAMP) frontend/package.json frontend/package-lock.json tools/frontend.py
	@$(BIN)/python tools/frontend.py

run: setup ## Serve with demo data on port 8000
	@DOUGONG_MODE=demo $(BIN)/dougong seed demo
	@DOUGONG_MODE=demo $(BIN)/dougong serve --port 8000

seed: setup ## Only make the demo market
	@DOUGONG_MODE=demo $(BIN)/dougong seed demo

check: setup ## Format, lint, types, import contracts, tidy
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/tidy.py

# What pytest makes of a test file (its asserts told in full) is kept for the parts and workers that
# come after: to make it anew is a third of what a worker's start costs.
test test-quick test-slow test-money test-rtmp torture: export PYTHONDONTWRITEBYTECODE :=

test: setup ## Everything that runs
	@$(BIN)/python tools/browser.py
	@$(MAKE) --no-print-directory test-quick test-slow

test-quick: setup
	@$(BIN)/pytest -n 2 -m "not slow" -q

test-slow: setup
	@$(BIN)/pytest -n 2 --dist loadfile -m slow -q --ignore=tests/browser --ignore=tests/crash --ignore=tests/rtmp
	@$(BIN)/pytest -m slow -q tests/browser tests/crash

test-money: setup ## The money tests on Debian's own PostgreSQL 15
	@.ci/money

test-rtmp: setup ## RTMP through Debian's own nginx
	@.ci/rtmp

torture: setup ## The long harness runs
	@DOUGONG_TORTURE_KILLS=1000 DOUGONG_TORTURE_EXAMPLES=1000 $(BIN)/pytest -m slow -q -s tests/crash tests/model

bench: setup ## Speed, each figure beside its floor
	@$(BIN)/dougong bench all

reference: setup ## Write docs/reference anew from the code
	@$(BIN)/python tools/reference.py

messages: setup ## List the texts that have no Chinese
	@$(BIN)/python tools/messages.py missing

format: setup ## Put imports and lines in order
	@$(BIN)/ruff check -q --fix . && $(BIN)/ruff format -q .

pins: ## Write requirements/*.txt anew from pyproject.toml
	@$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/base.txt
	@$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements/dev.txt
	@printf 'hatchling==1.33.0\neditables\n' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header - -o requirements/build.txt
	@echo 'uv==0.13.8' | $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header - -o requirements/tools.txt
