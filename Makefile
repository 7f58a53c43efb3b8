PY ?= python3
VENV := .venv
BIN := $(VENV)/bin/python
export OMP_NUM_THREADS := 1

.PHONY: demo recovery-small recovery-all accuracy house test-oldest test-slurm bench-scale bench-sindy bench-promotion bench-fields bench-neural bench-neural-full test test-browser docs test-wheel check lint clean help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.core  ## the planets, from nothing to a report (half a minute)
	$(BIN) workflows/planets.py --force --out runs/planets

recovery-small: $(VENV)/.core  ## 60 rows of the published grid of promotion
	$(BIN) workflows/recovery.py --small --scheduler local --resume --out runs/recovery-small

# The published grid, and how it compares with the published numbers: an hour on two cores; goes on where it stopped.
recovery-all: $(VENV)/.core  ## the whole published grid, beside its numbers (an hour)
	$(BIN) workflows/recovery.py --all --scheduler local --resume --out runs/recovery-all
	$(BIN) benchmarks/compare_recovery.py runs/recovery-all --check 136

# What docs/accuracy.md says, printed anew: an hour and a half and more; trajectories of dysts are kept in runs/.
accuracy: $(VENV)/.bench  ## the numbers of docs/accuracy.md (an hour and a half)
	$(BIN) -m pytest benchmarks -m accuracy -s

house: $(VENV)/.core  ## the layout in numbers (AGAINST=COMMIT: and before)
	$(BIN) benchmarks/house.py $(if $(AGAINST),--against $(AGAINST))

# The table of docs/scaling.md: CPU seconds are compared within one run; ROWS="sindy store" runs some of its files.
bench-scale: $(VENV)/.bench  ## speed, memory and scale beside what they are to reach
	$(BIN) benchmarks/bench_scale.py $(ROWS)

bench-sindy: $(VENV)/.bench  ## regression inside a symmetry beside pysindy
	$(BIN) benchmarks/bench_sindy.py
	$(BIN) benchmarks/bench_pysindy_tests.py
	$(BIN) -m pytest benchmarks/test_accuracy_sindy.py -m accuracy -s

bench-promotion: $(VENV)/.bench  ## promotion beside least squares and a general solver
	$(BIN) benchmarks/bench_promotion.py
	$(BIN) benchmarks/bench_promoted.py

bench-fields: $(VENV)/.test  ## laws and symmetries of fields
	$(BIN) benchmarks/bench_fields.py

# Memory that the system takes back after each step costs a fifth of it (Linux), which hides what is compared.
bench-neural bench-neural-full: export MALLOC_TOP_PAD_ := 400000000

bench-neural: $(VENV)/.test  ## networks and operators, one seed
	$(BIN) benchmarks/bench_fno.py
	$(BIN) benchmarks/bench_penalty.py
	$(BIN) benchmarks/bench_networks.py --seeds 1
	$(BIN) benchmarks/bench_operators.py

# Five seeds and all sizes: three quarters of an hour; goes on where it stopped.
bench-neural-full: $(VENV)/.test  ## the same with five seeds (three quarters of an hour)
	$(BIN) benchmarks/bench_fno.py --turn
	$(BIN) benchmarks/bench_networks.py
	$(BIN) benchmarks/bench_operators.py --full --out runs/operators

# Two processes; tests that share what takes long to make stay together (xdist_group).
test: $(VENV)/.test check  ## everything that CI checks
	$(BIN) -m pytest -n 2 --dist loadgroup

# The documentation with its gallery, warnings being errors, and every link in it.
docs: $(VENV)/.docs  ## the documentation with its gallery
	rm -rf docs/_build docs/auto_gallery docs/reference/generated
	$(BIN) -m sphinx -b html -W --keep-going -q -j 2 docs docs/_build/html
	$(BIN) docs/_ext/check_links.py docs/_build/html

# The page of a report in headless Chromium; `make test` runs it, too, where there is one.
test-browser: $(VENV)/.test  ## the page of a report in a browser
	$(BIN) -m pytest tests/reporting/test_page_in_browser.py

test-wheel: $(VENV)/.test  ## the wheel, installed and used elsewhere (minutes)
	$(BIN) -m pytest tests/cli/test_wheel.py -m wheel -s

# Root installs slurm-wlm and munge where they are missing; skipped where they cannot be had.
test-slurm: $(VENV)/.test  ## a real queue on this machine (a minute)
	$(BIN) -m pytest tests/cluster -m slurm -rs

# The suite with the lowest versions that pyproject.toml allows; without torch, so networks are left out.
test-oldest: .venv-oldest/.done  ## the suite with the lowest versions allowed
	.venv-oldest/bin/python -m pytest -n 2 --dist loadgroup --ignore tests/neural --ignore benchmarks

.venv-oldest/.done: pyproject.toml tests/oldest.py
	$(PY) -m venv .venv-oldest
	.venv-oldest/bin/python tests/oldest.py > .venv-oldest/lowest.txt
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c .venv-oldest/lowest.txt -e ".[test,parquet,symbolic,hpc]"
	@touch $@

check: lint  ## ruff and pyright

lint: $(VENV)/.test  ## ruff and pyright
	$(BIN) -m ruff check .
	$(BIN) -m ruff format --check .
	$(BIN) -m pyright

$(VENV)/bin/python:
	@$(PY) -c "import sys; assert sys.version_info >= (3, 11)" || { echo "Python 3.11 or newer is needed (make PY=...)"; exit 1; }
	@$(PY) -c "import ensurepip" 2>/dev/null || { echo "$(PY) lacks venv: install python3-venv"; exit 1; }
	$(PY) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,neural]"
	@touch $@

$(VENV)/.docs: $(VENV)/.test
	$(BIN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	@touch $@

clean:  ## remove environments and runs
	rm -rf $(VENV) .venv-oldest runs docs/_build docs/auto_gallery docs/reference/generated
