# Two commands do all the set-up: `make compare` and `make test`.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: compare ablate test lint install clean

compare: $(INSTALLED)
	$(BIN)/python bench.py --compare fwa linear mobilevit $(ARGS)

# Every arm of the shipped ablation, trained for a quarter of its epochs.
ablate: $(INSTALLED)
	$(BIN)/python bench.py ablate configs/fwa-ablation.yaml --epochs 2 $(ARGS)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/lint_words.py
	$(BIN)/lint-imports --no-cache --no-logo

install: $(INSTALLED)

# The constraints pin torch: without them pip may fetch gigabytes of accelerator packages.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
