# wirelab. `make` alone lists what there is; every command sets up .venv first, here in the checkout, where it is missing.
# Nothing but make and Python 3.11 or newer is needed; PYTHON=python3.13 chooses which.

bin := .venv/bin

.PHONY: help demo test lint format bench docs setup clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

demo: setup ## play the reference programs through a scenario, live
	@$(bin)/wirelab demo

test: lint ## check everything: ruff, mypy, pytest
	@$(bin)/python -m pytest -n auto

lint: setup ## check style and types only
	@$(bin)/ruff check --quiet
	@$(bin)/ruff format --check --quiet || { echo "make: 'make format' mends that" >&2; exit 1; }
	@$(bin)/mypy --no-error-summary

format: setup ## put the code into ruff's format
	@$(bin)/ruff check --quiet --fix-only
	@$(bin)/ruff format --quiet

bench: setup ## measure what a run costs and how long a student waits
	@for bench in bench/*.py; do $(bin)/python "$$bench" || exit 1; done

docs: setup ## build the documentation site into site/
	@$(bin)/python docs/site/make.py

setup: ## make or renew .venv, nothing else
	@PYTHON='$(PYTHON)' sh harness/make-venv

clean: ## remove .venv and what tools and runs left in the checkout
	rm -rf .venv build dist runs site .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
