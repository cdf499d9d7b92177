# Two commands: `make serve` and `make test`. Each sets up what it needs.
#
# PyTorch is pinned and installed first, so that no other package pulls a build of several
# gigabytes that the machine cannot use. A machine with an NVIDIA driver gets the default (CUDA)
# build, any other the CPU build from PyTorch's own index; where that cannot be reached, whatever
# 2.13.0 the configured index has. Choose yourself with:  make setup TORCH=cpu   or  TORCH=cuda

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)

# A GPU gets the engines for it; without one the first call does without their 1.5 GB, and only
# the tests install them (on tiny random checkpoints every line of them runs on a CPU too).
EXTRA_cpu  :=
EXTRA_cuda := [voxtral]

TORCH_INDEX_cpu  := --extra-index-url https://download.pytorch.org/whl/cpu
TORCH_INDEX_cuda :=
TORCH_PIN := $(shell sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
# Of this package a file is used, the weights of Smart Turn: it does without what it depends on, of
# which pip would warn at each later installation.
SMART_TURN_PIN := $(shell sed -n 's/^smart-turn = \["\([^"]*\)"\]/\1/p' pyproject.toml)
# Python compiles what it imports; to compile all 17,000 modules takes half a minute.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-warn-conflicts

ARGS ?=

.PHONY: help setup serve test check lowest bench clean

help:
	@echo "make serve   start the agent; then open http://127.0.0.1:8080 and press Call"
	@echo "make test    run the tests (ARGS='-k turns' for some, ARGS='-n 0' in one process)"
	@echo "make check   lint, types and tests: what CI runs"
	@echo "make lowest  answer calls with the oldest packages that pyproject.toml allows"
	@echo "make bench   voice-to-voice latency over a real peer connection"
	@echo "make setup   create $(VENV) (the others but lowest do it; TORCH=cpu|cuda)"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Voxline needs Python 3.11 or newer; make setup PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "The venv module is missing; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing $(TORCH_PIN) ($(TORCH) build) ..."
	@PIP_RETRIES=1 $(PIP) --no-deps $(TORCH_INDEX_$(TORCH)) "$(TORCH_PIN)" # its own come below
	@echo "Installing Voxline and its other packages ..."
	@$(PIP) --editable ".$(EXTRA_$(TORCH))" "$(TORCH_PIN)"
	@$(PIP) --no-deps "$(SMART_TURN_PIN)" \
		|| echo "Going on without Smart Turn; later: $(BIN)/python -m pip install --no-deps $(SMART_TURN_PIN)"
	@touch $@

$(VENV)/.ready-to-test: $(VENV)/.ready
	@echo "Installing what the tests need ..."
	@$(PIP) --editable ".[dev,voxtral]" "$(TORCH_PIN)"
	@touch $@

serve: setup
	@$(BIN)/voxline serve $(ARGS)

# In three processes, a file in one of them: much of a test's time is a call's, in which nothing is
# computed. No more: calls take their real time, and a busy machine makes them late. They share
# the cores, so PyTorch gets one thread in each. In the order of their names: by the number of its
# tests a file with one long test comes last, and the others wait for it.
test: $(VENV)/.ready-to-test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.ready-to-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@if command -v npx >/dev/null; then cd web && npx --yes --package=typescript@5.9 tsc --noEmit -p jsconfig.json; \
		else echo "web/: types not checked, npx is not installed"; fi
	@$(MAKE) --no-print-directory test

# In an environment of its own, for which uv takes the oldest of what we name.
LOWEST := $(VENV)-lowest/bin
lowest:
	@$(PYTHON) -m venv --clear $(VENV)-lowest
	@PIP_RETRIES=1 $(LOWEST)/python -m pip install --quiet --no-deps $(TORCH_INDEX_$(TORCH)) "$(TORCH_PIN)"
	@$(LOWEST)/python -m pip install --quiet uv
	@$(LOWEST)/uv pip install --quiet --python $(LOWEST)/python --resolution lowest-direct --editable .
	@$(LOWEST)/uv pip install --quiet --python $(LOWEST)/python pytest hypothesis openai jsonschema psutil
	@OMP_NUM_THREADS=1 $(LOWEST)/python -m pytest tests/signaling tests/agent/media tests/agent/vad \
		tests/agent/test_tool_schema.py tests/agent/test_config_file.py tests/test_loopback.py $(ARGS)

bench: setup
	@$(BIN)/voxline bench latency $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/out
