# Everything that one does with this project has its line here: `make help`.
#
# run-server, run-client, demo, trace and swarm need Python 3.11 or newer and nothing else; scale needs
# haproxy, too. The rest makes its own virtual environment in .venv, which wants the network once.

# What the user may say on the command line. (Not taken from the environment: some shells export HOST.)
HOST = 127.0.0.1
SERVER = 127.0.0.1
PORT = 7080
FILE = sample.txt
OUT = output_file/sample.txt
SEED =
N =
QUICK =
ARGS =
PYTHON ?= python3
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(subst /,-,$(PYTHON)))

# make swarm starts a server of its own unless the user names one.
NAMED := $(filter command,$(origin SERVER) $(origin PORT))

# What the user said is data: make must not expand it, and no shell may read it as commands. So each
# value is frozen as it was typed and travels in the environment, where recipes take it as "$$NAME".
override HOST := $(value HOST)
override SERVER := $(value SERVER)
override PORT := $(value PORT)
override FILE := $(value FILE)
override OUT := $(value OUT)
override SEED := $(value SEED)
override N := $(value N)
override ARGS := $(value ARGS)
override PYTHON := $(value PYTHON)
export HOST SERVER PORT FILE OUT SEED N ARGS PYTHON LAUNCH

# Read by any Python since 2.7: check the version, then become `python WORDS… ARGS… -- WORDS…`, ARGS
# being split as a shell would split it, quotes included, with nothing in it ever executed. A make that
# is run by one of our tests is not a part of this one, and must not inherit its variables.
define LAUNCH
import os, signal, sys
if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
import shlex
if sys.version_info < (3, 11):
    sys.exit("eighty needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])
for name in "MAKEFLAGS", "MAKELEVEL", "MFLAGS":
    os.environ.pop(name, None)
try:
    more = shlex.split(os.environ["ARGS"])
except ValueError as error:
    sys.exit("make: ARGS: %s" % error)
at = (sys.argv + ["--"]).index("--")
os.execv(sys.executable, [sys.executable] + sys.argv[1:at] + more + sys.argv[at:])
endef

# Recipes `exec`: the program then is make's own child, and Ctrl+C and the prompt work as without make.
find_python = command -v "$$PYTHON" >/dev/null || \
	{ echo "there is no $$PYTHON here; eighty needs Python 3.11 or newer: make PYTHON=…" >&2; exit 1; }
launch = $(find_python); exec "$$PYTHON" -E -c "$$LAUNCH"
python = "$(VENV)/bin/python"
launch_venv = exec $(python) -E -c "$$LAUNCH"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # the tests measure time and processor time
.PHONY: help run-server run-client demo trace swarm scale test test-browser lint format spec coverage docs check torture replay soak load injection mutants bench bench-memory clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  Variables: HOST= PORT= FILE= (run-server)  SERVER= PORT= OUT= (run-client)"
	@echo "             N= FILE= (swarm; with SERVER= or PORT=: against that server, which delivers FILE)"
	@echo "             N= (scale: servers)  SEED= (replay)  QUICK=1 (bench)"
	@echo "             ARGS= further options (run-server, run-client, swarm, scale, test, spec, ...)"
	@echo "             PYTHON= another Python, such as python3.13"
	@echo "  Example:   make run-server FILE='input_file/utf-8.txt' ARGS='--chunk 4 --pause 0.2'"

run-server: ## deliver FILE to everybody who asks, on HOST and PORT; Ctrl+C asks whether to go on
	@$(launch) server.py --host="$$HOST" --port="$$PORT" -- "$$FILE"

run-client: ## fetch a copy from SERVER and PORT into OUT
	@$(launch) client.py --port="$$PORT" -- "$$SERVER" "$$OUT"

demo: ## server and several clients in this one terminal, every copy verified; ends by itself
	@$(launch) -m lab.demo

trace: ## record the same scene, and make a page to step through it: build/trace.html
	@mkdir -p build
	@$(launch) -m lab.demo --trace=build/trace.jsonl
	@$(launch) -m lab.tracing view -o build/trace.html build/trace.jsonl
	@echo "made $(CURDIR)/build/trace.html; open it in a browser, and press Next"

demo trace: override ARGS := # `make check ARGS=…` means the tests

swarm: ## N downloads at once (1000) in one process, every copy verified; with figures
	@$(launch) -m lab.swarm $${N:+--clients="$$N"} $(if $(NAMED),--server="$$SERVER" --port="$$PORT") -- "$$FILE"

scale: ## N servers (4) behind HAProxy, one of them stopped in mid-run; needs haproxy
	@$(launch) -m lab.scale $${N:+--servers="$$N"}

test: $(VENV)/.group-test ## run the tests; ARGS= goes to pytest
	@$(launch_venv) -m pytest

lint: $(VENV)/.group-lint ## style, format and types
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy *.py edges lab/*.py lab/bench lab/documents lab/tracing learn/*.py learn/grade

format: $(VENV)/.group-lint ## put the code into the form that lint wants
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .

spec: $(VENV)/.group-spec ## check the grammar of protocol.md against the parser
	@$(launch_venv) -m pytest -m spec tests/test_grammar.py

test-browser: $(VENV)/.group-browser ## test the page of `make trace` in Chromium, which it installs if there is none
	@$(launch_venv) -m tests.support.chromium
	@$(launch_venv) -m pytest -m browser tests/test_page_*.py

coverage: $(VENV)/.group-coverage ## run the tests and report the lines and branches that none of them reaches
	@$(python) -m coverage erase
	@$(launch_venv) -m coverage run -m pytest
	@$(python) -m coverage combine -q
	@$(python) -m coverage report

docs: ## write all that is generated in the documents anew: excerpts, diagrams, dumps, plots
	@$(launch) -m lab.documents.document --write
	@$(launch) -m lab.documents.specification --write
	@$(launch) -m lab.documents.cases --write
	@$(launch) -m lab.bench.document --write

torture: ## attack the server in every known way and print the scorecard
	@$(launch) -m lab.torture

replay: ## play the simulated run number SEED again and print its story
	@$(launch) -m lab.simulation replay "$$SEED"

soak: ## 1,000,000 simulated transfers, then 100,000 real ones; takes its time
	@$(launch) -m lab.simulation soak
	@$(launch) -m lab.load transfers

load: ## 10,000 clients at once, the limit of descriptors, 100,000 transfers in a row
	@$(launch) -m lab.load held
	@$(launch) -m lab.load exhaustion
	@$(launch) -m lab.load transfers

injection: ## fail every system call of both programs with every errno (needs strace)
	@$(launch) -m lab.injection

mutants: $(VENV)/.group-mutants ## change the core in small places: some test must fail each time; takes its time
	@$(launch_venv) -m lab.mutants

check: lint test spec test-browser demo ## all that a change must pass: what .ci/run runs

bench: build/epoll_server build/load build/hold $(VENV)/.group-bench ## what a transfer costs, beside C and the frameworks: ten minutes; QUICK=1: one
	@$(launch_venv) -m lab.bench $(if $(value QUICK),--quick)

bench-memory: build/epoll_server build/load build/hold $(VENV)/.group-bench ## memory per idle client alone, beside the same
	@$(launch_venv) -m lab.bench --scene memory

clean: ## remove what make has made; copies in output_file/ stay
	@rm -rf .venv .venv-* build mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	@find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# Only the bench needs a compiler.
vpath %.c lab/bench lab/bench/peers
build/%: %.c lab/bench/message.h lab/bench/client.h
	@command -v $(CC) >/dev/null || { echo "the bench needs a C compiler, and there is no $(CC) here" >&2; exit 1; }
	@mkdir -p build
	@$(CC) -O2 -Wall -Wextra -o $@ $<

# --group came with pip 25.1.
$(VENV)/.pip:
	@$(find_python)
	@"$$PYTHON" -E -c "$$LAUNCH" -c 'import ensurepip, venv' 2>/dev/null || { \
		"$$PYTHON" -E -c "$$LAUNCH" -c '' && \
		echo "this Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; }
	@"$$PYTHON" -m venv --clear "$(VENV)"
	@$(python) -m pip install -qq --upgrade 'pip>=25.1'
	@touch $@

# The peers are optional: without one, the bench says so.
$(VENV)/.group-bench: pyproject.toml | $(VENV)/.pip
	@$(python) -m pip install -qq --group bench || $(python) -m lab.bench.install
	@touch $@

$(VENV)/.group-%: pyproject.toml | $(VENV)/.pip
	@$(python) -m pip install -qq --group $*
	@touch $@
