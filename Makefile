# make demo: install the core and see the main job done.   make test: install everything and check everything.

export OMP_NUM_THREADS := 1
export OMP_WAIT_POLICY := passive
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_FIND_LINKS := $(PIP_FIND_LINKS)
export UV_PYTHON_DOWNLOADS := never

BIN := .venv/bin
# pip first brings uv, which installs in seconds; where uv cannot, pip does the same more slowly
INSTALL = { $(BIN)/pip install -q uv && $(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e '.[$(1)]'; } \
	|| $(BIN)/pip install -q -c constraints.txt -e '.[$(1)]'
WORKERS ?= 2

.PHONY: setup demo test docs bench lint imports types unit core lowest clean

setup: .venv/installed-all

.venv/installed-all: pyproject.toml constraints.txt
	python3 -m venv .venv
	$(call INSTALL,$(strip all,dev,oracles))
	touch $@

.venv/installed-demo: pyproject.toml constraints.txt
	python3 -m venv .venv
	$(call INSTALL,bench)
	touch $@

demo: $(if $(wildcard .venv/installed-all),.venv/installed-all,.venv/installed-demo)
	$(BIN)/rarelabel demo -o demo-output

test: setup lint imports types docs unit core lowest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

imports: setup
	$(BIN)/lint-imports --no-cache

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/python -m pytest -n $(WORKERS)

docs: setup
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

# the core alone: newest versions of what it needs, neither torch nor pandas nor matplotlib
core: setup
	$(BIN)/uv venv -q --clear -p 3.11 .venv-core
	$(BIN)/uv pip install -q -p .venv-core/bin/python -c constraints.txt -e . pytest hypothesis pytest-timeout pytest-xdist
	.venv-core/bin/python -c "import importlib.util as u; found = [m for m in ('torch', 'pandas', 'polars', 'matplotlib', 'pyarrow') if u.find_spec(m)]; assert not found, found"
	.venv-core/bin/python -m pytest -q -n $(WORKERS) -m "not data" tests

# the oldest versions pyproject.toml declares; they warn of each other's age, which is no error of ours
lowest: setup
	$(BIN)/uv venv -q --clear -p 3.11 .venv-lowest
	$(BIN)/uv pip install -q -p .venv-lowest/bin/python --resolution lowest-direct -e '.[bench,imblearn]' 'polars>=1.10'
	$(BIN)/uv pip install -q -p .venv-lowest/bin/python 'pytest>=8.3' 'hypothesis>=6.112' 'pytest-timeout>=2.3' 'pytest-xdist>=3.6'
	.venv-lowest/bin/python -m pytest -q -o filterwarnings=default -n $(WORKERS) -m "not data" tests

bench: setup
	$(BIN)/python benchmarks/speed/samplers.py
	$(BIN)/python benchmarks/speed/split.py

clean:
	rm -rf .venv .venv-core .venv-lowest docs/_build docs/auto_examples docs/generated demo-output
