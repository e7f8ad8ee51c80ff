# Every target is one line a person can read; `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
ifeq ($(TEACHKIT_DATA)$(TEACHKIT_BUCKET)$(TEACHKIT_OFFLINE),)
run test site: export TEACHKIT_OFFLINE := 1
endif
# Workers side by side, one thread each: two threads of a small network only slow each other down.
test: export OMP_NUM_THREADS ?= 1

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 13

run: .venv/ready  ## execute the whole course at smoke size and write build/report/index.html
	teachkit run --size smoke --jobs 2 --out build $(ARGS)

test: .venv/ready  ## run every test
	pytest -n 2 --dist loadgroup $(ARGS)

lab: .venv/ready  ## open JupyterLab on the lessons
	jupyter lab --notebook-dir notebooks $(ARGS)

site: .venv/ready  ## run the leaderboard on this machine: http://127.0.0.1:8000
	teachkit site serve $(ARGS)

check: .venv/ready  ## lint, types, import contracts, notebooks, quizzes, links
	ruff check . && ruff format --check . && mypy && lint-imports && teachkit check

student: .venv/ready  ## write what students receive into build/student (no solutions, searched for leaks)
	teachkit course publish build/student $(ARGS)

study: .venv/ready  ## fill the tables of docs/results.md: make study 01
	python studies/$(N)_*.py $(ARGS)
N ?= $(filter 0%,$(MAKECMDGOALS))
0%: ; @:

bench: .venv/ready  ## measure speed as ratios to a plain baseline; writes benchmarks/results
	for script in benchmarks/bench_*.py; do python $$script || exit 1; done

hyperinit: .venv/ready  ## train the hyper-initializer that comes with the package (about an hour)
	python -m teachkit.hyperinit.shipping $(ARGS)

cloudbuild: .venv/ready  ## write cloudbuild.yaml anew from notebooks/course.toml
	python -m teachkit.ops.cloudbuild

lock: .venv/ready  ## resolve requirements.lock anew from pyproject.toml
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade --output-file requirements.lock
	echo hatchling | uv pip compile pyproject.toml - --extra site --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file deploy/site/requirements.lock

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v in {(3, 11), (3, 12)} else "The course needs Python 3.11 or 3.12, but $(PYTHON) is %d.%d. Try: make PYTHON=python3.12" % v)'
	@echo "Installing the locked environment into .venv (about two minutes, 7 GB)"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	.venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes --requirement requirements.lock
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: help run test lab site check student study bench hyperinit cloudbuild lock
