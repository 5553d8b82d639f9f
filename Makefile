# make demo: set up, make a phantom study, segment it, say where the report is.
# make test: set up everything and run the whole suite.
PYTHON ?= python3
VENV ?= .venv
# the versions that the suite passed with; empty: the newest that pyproject.toml allows
CONSTRAINTS ?= -c constraints.txt
BIN := $(VENV)/bin

.PHONY: demo test lint bench evaluate figures page pictures clean

demo: $(VENV)/base.stamp
	rm -rf demo
	$(BIN)/spinetk phantom demo/study --look T1
	$(BIN)/spinetk segment demo/study/dicom -o demo/results
	@echo "Open the report: $$(ls -d $(CURDIR)/demo/results/*/report.html)"

test: $(VENV)/all.stamp
	tests/install_debian.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

lint: $(VENV)/all.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

bench: $(VENV)/all.stamp
	$(BIN)/python benchmarks/speed.py

# the figures of the model cards and docs/results.md; needs the data sets in DATA
DATA ?= ../shared/data
evaluate: $(VENV)/all.stamp
	for name in mr ct xr; do $(BIN)/python tools/ship.py $(DATA) $$name || exit 1; done
	$(BIN)/python tools/results.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/base.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) -e .
	touch $@

# PyRadiomics' setup imports numpy and builds without isolation only
$(VENV)/all.stamp: pyproject.toml $(VENV)/base.stamp
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) -e ".[train,dev]"
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) setuptools wheel versioneer cython
	$(BIN)/python -m pip install --quiet --no-build-isolation pyradiomics==3.0.1
	touch $@

# renew the measured tables that documents quote
figures: $(VENV)/all.stamp
	$(BIN)/python tools/quote.py

# build the page of `spinetk serve` from web/ (needs Node); the result is committed. Not `npm ci`: npm 11
# refuses a lock file that was made where a registry lacks optional packages of other systems
page: $(VENV)/all.stamp
	$(BIN)/python tools/page_types.py
	cd web && npm install --no-save --no-audit --no-fund && npm run types && npm test && npm run build

# pictures of the page for the README, by the test that walks through it
pictures: $(VENV)/all.stamp
	SPINETK_PICTURES=docs/images $(BIN)/python -m pytest -q tests/server/test_page.py

clean:
	rm -rf $(VENV) demo dist .pytest_cache .mypy_cache .ruff_cache
