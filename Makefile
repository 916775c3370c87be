# Each target works as the first command after a clone; what it lacks is installed (docs/install.md).
.PHONY: help run quick test test-lowest check format browser bench pages screenshots clean programs bench-programs check-programs
.NOTPARALLEL:
# The tests start the program hundreds of times; with this set each start compiles it anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help

BIN := .venv/bin
METADATA := pyproject.toml src/pulse_events/web/static/package.json
NODE_MODULES := $(foreach folder,bundlers clients e2e js vite,tests/$(folder)/node_modules/.package-lock.json)
BENCH_MODULES := bench/node_modules/.package-lock.json
LINT_MODULES := requirements/node_modules/.package-lock.json
BIOME := requirements/node_modules/.bin/biome

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run  ## serve the embedded demo on http://127.0.0.1:12345/ (more options: make run ARGS="--port 8080")
	exec $(BIN)/pulse-events serve --broker memory: --demo "$${PULSE_EVENTS_DEMO:-10}" $(ARGS)

quick: .venv/.dev  ## the tests that start no program, 30 s on two cores (some: make quick ARGS=tests/topics/test_index.py)
	$(BIN)/pytest -m quick --hypothesis-profile quick -n 3 $(ARGS)

test: programs .venv/.dev $(NODE_MODULES) $(LINT_MODULES)  ## install what the tests need, run them all (some: make test ARGS="-k topics")
	$(BIN)/pytest -n 4 $(ARGS)

test-lowest: .venv-lowest/.made  ## the tests that need no broker, browser or node, with the lowest versions that are allowed
	.venv-lowest/bin/pytest -m alone -n 4 $(ARGS)

check: check-programs .venv/.dev $(LINT_MODULES)  ## lint, format, types, architecture; no network once they are there
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict src tests bench
	$(BIN)/lint-imports
	$(BIOME) ci --error-on-warnings

format: check-programs .venv/.dev $(LINT_MODULES)  ## write all code as `make check` wants it to look
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format
	$(BIOME) check --linter-enabled=false --write

browser: check-programs $(LINT_MODULES)  ## build what browsers load, the page and the client's worker, after a change of their parts
	node scripts/browser.mjs

bench: bench-programs .venv/.dev $(BENCH_MODULES)  ## measure beside the peers, under 10 minutes (some: make bench ARGS="F1 F5")
	$(BIN)/python -m bench $(or $(ARGS),--write)

pages: .venv/.dev  ## write help, man pages and completion as the commands are now
	$(BIN)/python -m tests.cli.pages

screenshots: programs .venv/.dev  ## take pictures of the page into docs/images/, two minutes
	$(BIN)/python -m tests.screenshots

clean:  ## remove everything that the other targets made in this folder
	rm -rf .venv .venv-lowest tests/*/node_modules bench/node_modules requirements/node_modules .coverage .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

programs:
	@scripts/programs

bench-programs:
	@scripts/programs bench

check-programs:
	@scripts/programs check

.venv/.run: $(METADATA) requirements/runtime.txt requirements/build.txt scripts/venv
	scripts/venv run

.venv/.dev: $(METADATA) $(wildcard requirements/*.txt) scripts/venv
	scripts/venv dev

.venv-lowest/.made: $(METADATA) requirements/lowest.txt requirements/build.txt requirements/test.txt scripts/venv
	scripts/venv lowest

$(NODE_MODULES) $(BENCH_MODULES) $(LINT_MODULES): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --no-update-notifier
	@touch $@
