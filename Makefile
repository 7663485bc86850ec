# make demo   on a fresh machine: environment, derivation, proofs, kernels, a trained network and its plot
# make test   on a fresh machine: everything that must hold before a change is merged (CI runs this)
# make quick  while working: lint, types and the fast tests, in .venv if it is there, else in the active environment
# Needed beforehand: a C compiler, make, and Python >= 3.11 with venv (PYTHON=python3.12 picks one).

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
EXTRA ?= # more packages for the tests, such as torch==2.13.0: without PyTorch its tests are skipped
export PATH := $(abspath $(VENV))/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint format types contracts proofs tests sanitize wheel learns benchmark clean

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

# --- environments ------------------------------------------------------------------------------------------

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Saltus needs Python >= 3.11 and $(PYTHON) is older. Name another one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-%: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --editable '.[$*]'
	@touch $@

# --- the two commands of the README --------------------------------------------------------------------------

demo: $(VENV)/installed-plot
	$(VENV)/bin/python examples/demo.py

test: $(VENV)/installed-dev
	@[ -z "$(EXTRA)" ] || $(VENV)/bin/python -m pip install --quiet $(EXTRA)
	@before="$$(git status --porcelain 2>/dev/null)"; \
	$(MAKE) --no-print-directory lint types contracts proofs tests sanitize wheel learns || exit 1; \
	after="$$(git status --porcelain 2>/dev/null)"; \
	[ "$$before" = "$$after" ] || { echo "The tests left something behind:"; git status --short; exit 1; }
	@echo "All tests passed."

# --- their parts ---------------------------------------------------------------------------------------------

quick: lint types contracts
	python -m pytest -q -n $(WORKERS)

lint:
	ruff check .
	ruff format --check .

format:
	ruff check --fix .
	ruff format .

types:
	mypy

contracts:
	lint-imports

proofs:
	saltus check
	saltus emit --check

# Warnings of the C compiler are errors.
quick tests sanitize: export CI ?= 1

tests:
	HYPOTHESIS_PROFILE=ci python -m pytest -q -n $(WORKERS) -m "" --durations=10

# The kernels again, with the compiler's checks of every access and of undefined behaviour; Python itself has none
# of them, so the address sanitizer is loaded before it. A cache of its own keeps these kernels apart. Of pointers the
# address sanitizer sees each use, so the checks of null, sizes and arithmetic, which double gcc's time, are left to it.
sanitize:
	@asan="$$($${CC:-cc} -print-file-name=libasan.so)" ubsan="$$($${CC:-cc} -print-file-name=libubsan.so)"; \
	[ -f "$$asan" ] && [ -f "$$ubsan" ] || { echo "$${CC:-cc} has no sanitizers: not run"; exit 0; }; \
	cache=$$(mktemp -d) && trap 'rm -rf "$$cache"' EXIT && \
	SALTUS_CACHE_DIR=$$cache HYPOTHESIS_PROFILE=ci ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$$asan $$ubsan" \
	CFLAGS="-g1 -O1 -fsanitize=address,undefined -fno-sanitize=null,object-size,pointer-overflow -fno-sanitize-recover=all" \
	python -m pytest -q -n $(WORKERS) -p no:cacheprovider \
	  tests/test_reference.py tests/test_crossings.py tests/test_properties.py tests/runtime/test_waiting.py \
	  tests/runtime/test_clock.py::test_groups_delays_and_sample_times_approach_the_event_engine \
	  tests/runtime/test_clock.py::test_a_population_that_nobody_projects_to

# What a user gets: sdist, wheel from the sdist, an empty environment, a model run outside the checkout.
wheel:
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	python -m build --outdir "$$folder/dist" . >"$$folder/log" 2>&1 || { tail -n 20 "$$folder/log"; exit 1; } && \
	python -m venv "$$folder/venv" && "$$folder/venv/bin/python" -m pip install --quiet "$$folder"/dist/*.whl && \
	cp tests/installed.py "$$folder" && cd "$$folder" && SALTUS_CACHE_DIR="$$folder/cache" venv/bin/python installed.py

# The demo cut short; it must reach a floor of accuracy.
learns:
	python examples/demo.py --quick

benchmark:
	python benchmarks/yin_yang.py

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
