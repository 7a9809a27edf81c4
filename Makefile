# Convolutional networks in fifty questions. `make help` lists the targets.
# Everything runs in .venv, which the first target that needs it makes; delete it to start afresh.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -IS -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
RUN := .venv/bin/python
JOBS ?= 2
# The tools are these and no others: what the caller sets for Python and pytest stays outside, such as
# a PYTHONPATH with packages of the same name, or PYTHONOPTIMIZE, under which no assertion fails.
unexport $(filter-out PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED,$(filter PYTHON% PYTEST_%,$(.VARIABLES)))
export PYTHONNOUSERSITE := 1
# The pages' linear models are small: on two cores, two threads make scikit-learn ten times slower.
export OPENBLAS_NUM_THREADS ?= 1

# The tools take their choices from make's variables: PAGES="q16 q24", Q=24, REPO=owner/name.
pages := $(if $(PAGES),--pages "$(PAGES)")
# SHARD=2/5 is the second of five parts.
shard := $(if $(SHARD),--group $(firstword $(subst /, ,$(SHARD))) --splits $(lastword $(subst /, ,$(SHARD))))

.DEFAULT_GOAL := help
.PHONY: help book serve test test-changed notebooks seeds breaks bugs matrix overhead gpu-smoke new colab-files \
	publish-as lock clean FORCE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

book: .venv/for-book ## build the site from the stored outputs, in _build/html
	$(RUN) -m tools.site.build

serve: .venv/for-book ## build the site and serve it on this machine; PORT= (8000)
	$(RUN) -m tools.site.serve $(if $(PORT),--port "$(PORT)")

test: .venv/for-test ## check everything; PAGES="q16 q24" for those pages only, SHARD=2/5 for a part
	$(RUN) -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder $(pages) $(shard)
	@$(if $(SHARD),true,$(RUN) -m tools.verify.changed --record $(pages))

test-changed: .venv/for-test ## run the pages that changed since the last green run
	$(RUN) -m tools.verify.changed --jobs $(JOBS)

notebooks: .venv/for-test ## execute what changed and store its outputs; PAGES= and FORCE=1
	$(RUN) -m tools.pages.notebooks --jobs $(JOBS) $(pages) $(if $(FORCE),--force)

seeds: .venv/for-test ## Q=24: run its claims on three other seeds and with twice the training (STEPS=2: only that)
	$(RUN) -m tools.verify.seeds --jobs $(JOBS) $(if $(Q),--pages q$(Q),$(pages)) $(if $(STEPS),--steps $(STEPS))

breaks: .venv/for-test ## break the pages and see their claims fail; Q=24 for one page
	$(RUN) -m tools.verify.breaks --jobs $(JOBS) $(if $(Q),--pages q$(Q),$(pages))

bugs: .venv/for-test ## FILE=bugs.json: put these one-line bugs into pages and see what notices
	$(RUN) -m tools.verify.bugs --jobs $(JOBS) --file $(if $(FILE),"$(FILE)",$(error Say which bugs: make bugs FILE=bugs.json))

matrix: .venv/for-test ## run the pages as other machines would; PAGES= and SETTING= choose, IMPORTS=1
	$(RUN) -m tools.verify.matrix --jobs $(JOBS) $(pages) $(if $(SETTING),--setting "$(SETTING)") \
		$(if $(IMPORTS),--imports)

overhead: .venv/for-test ## measure what a notebook costs besides its cells, cold and warm
	$(RUN) -m tools.verify.overhead

gpu-smoke: .venv/for-test ## run the GPU code path of the pages for two steps on the CPU
	$(RUN) -m tools.verify.gpu_smoke $(if $(Q),--pages q$(Q),$(pages))

new: .venv/for-test ## Q=17: start a page from the template
	$(RUN) -m tools.pages.new $(if $(Q),$(Q),$(error Say which question: make new Q=17))

colab-files: .venv/for-book ## notebooks that carry cnn50 themselves, in _build/colab
	$(RUN) -m tools.site.colab_files

publish-as: .venv/for-book ## REPO=owner/name: make this copy point at your GitHub repository; BRANCH=
	$(RUN) -m tools.site.publish_as $(if $(BRANCH),--branch "$(BRANCH)") \
		$(if $(REPO),"$(REPO)",$(error Say where: make publish-as REPO=owner/name))

lock: ## resolve requirements.txt anew from pyproject.toml
	$(environment) uv pip compile --universal --python-version 3.11 --all-extras --no-annotate \
		--generate-hashes --custom-compile-command "make lock" --upgrade --output-file requirements.txt pyproject.toml
	@echo "Now run 'make test' and, once it is green, '.venv/bin/python -m tools.site.licences'."

clean: ## remove what was built, but not .venv and not the data cache
	rm -rf _build .cache .pytest_cache .mypy_cache .ruff_cache

# ---- the environment: made once, made anew where it is of no use, installed again when the lock changes
environment = @$(or $(PYTHON),$(wildcard .venv/bin/python),$(error No Python 3.11, 3.12 or 3.13 was found. \
	Install one, or name it: make PYTHON=/path/to/python3.12 ...)) tools/environment.py

.venv/for-book: FORCE
	$(environment) book

.venv/for-test: FORCE
	$(environment) test

FORCE:
