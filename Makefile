# Each target makes what it needs: a virtual environment, tapec in it, and the extras of pyproject.toml. Needs only Python
# and make. PYTHON chooses the interpreter; DEMO_ARGS, TEST_ARGS and BENCH_ARGS are handed on.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
TEST_ARGS ?= -n 2
BENCH_ARGS ?=

# One of each family of the suites that run inside `with tp.device(...)` as they are; docs/design/0022-cuda.md has the others.
DEVICE ?= emulated
DEVICE_TESTS ?= tests/optimizers tests/random/test_generator.py tests/layers/test_training.py tests/surface/test_nn.py \
	tests/test_function.py tests/test_function_state.py tests/test_guards.py tests/test_guide.py tests/test_module.py \
	tests/test_mutable_array.py tests/test_rolled_programs.py tests/test_tape.py tests/test_transforms.py tests/test_variable.py

.PHONY: demo test device lint format contract bench bench-quick clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed-demo
	$(BIN)/tapec demo $(DEMO_ARGS)

# Tests run on several processes: OpenBLAS's threads (of LAPACK) on top of these would only fight for the cores.
test: $(VENV)/installed-test
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest $(TEST_ARGS)

device: $(VENV)/installed-test
	$(BIN)/python -m pytest -q --device $(DEVICE) $(DEVICE_TESTS)

contract: $(VENV)/installed-test
	$(BIN)/python -m pytest -q tests/test_import_contract.py

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p tapec

format: $(VENV)/installed-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Measures tapec beside its peers. Takes an hour, and wants an idle machine. BENCH_ARGS='--sweep --write --out bench/results'
# also measures how cost grows, and puts what it finds into README.md and docs/performance.md; with --minutes 30 it measures
# what counts most in that time.
bench: $(VENV)/installed-bench
	$(BIN)/tapec bench $(BENCH_ARGS)

# Does every workload run, and give the answer of autograd, of the code by hand, and of what else is installed?
bench-quick: $(VENV)/installed-test
	$(BIN)/tapec bench --quick $(BENCH_ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each extra: it is installed again only when pyproject.toml changes.
$(VENV)/created:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "tapec needs Python 3.10 or newer; choose one with: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/installed-%: pyproject.toml | $(VENV)/created
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@
