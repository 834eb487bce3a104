# Every task has a target: `make help` shows the first ones, `make help-all` has a line for each.
#
# The targets of the groups "first" and "see" need Python 3.11 or newer and nothing else; scale needs
# haproxy, too. The others make their own virtual environment in .venv, from the network, once.

# What the user may say on the command line. (Not taken from the environment: some shells export HOST.)
HOST = 127.0.0.1
SERVER = 127.0.0.1
PORT = 7080
FILE = sample.txt
OUT = output_file/sample.txt
SEED =
N =
TRACE = run.jsonl
CHAPTER =
ROW =
CLIENT =
EXERCISE =
FROM =
QUICK =
ARGS =
PYTHON ?= python3
# Each Python gets a virtual environment of its own, with a name that can be a target of make.
plain = $(subst |,-,$(subst %,-,$(subst ;,-,$(subst :,-,$(subst $() ,-,$(subst /,-,$(1)))))))
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(call plain,$(PYTHON)))

# make swarm starts a server of its own unless the user names one.
NAMED := $(filter command,$(origin SERVER) $(origin PORT))
# make grade grades mine/server.py unless the user names another one.
GRADED := $(filter command,$(origin SERVER))

# What the user said is data: make must not expand it, and no shell may read it as commands. So each
# value is frozen as it was typed and travels in the environment, where a recipe takes it as "$$NAME".
VALUES = HOST SERVER PORT FILE OUT SEED N TRACE CHAPTER ROW CLIENT EXERCISE FROM ARGS PYTHON
$(foreach name,$(VALUES),$(eval override $(name) := $$(value $(name))))
export $(VALUES)

# Recipes `exec`: the program then is make's own child, and Ctrl+C and the prompt work as without make.
find_python = command -v "$$PYTHON" >/dev/null || \
	{ echo "there is no $$PYTHON here; eighty needs Python 3.11 or newer: make PYTHON=…" >&2; exit 1; }
launch = $(find_python); exec "$$PYTHON" -E lab/launch.py
python = "$(VENV)/bin/python"
launch_venv = exec $(python) -E lab/launch.py
pip_install = $(python) -m pip install -qq --constraint lab/constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # the tests measure time and processor time

# `make help` shows each target of the group "first" with its line, and of the other groups the names.
## first
.PHONY: run-server run-client demo trace test help-all

run-server: ## deliver FILE to every client; Ctrl+C asks whether to go on
	@$(launch) server.py --host="$$HOST" --port="$$PORT" -- "$$FILE"

run-client: ## fetch a copy from SERVER and PORT into OUT
	@$(launch) client.py --port="$$PORT" -- "$$SERVER" "$$OUT"

demo: ## a server and four clients in this terminal; ends by itself
	@$(launch) -m lab.demo

trace: ## record such a run, and make a page to step through it
	@mkdir -p build
	@$(launch) -m lab.demo --trace=build/trace.jsonl
	@$(launch) -m lab.tracing view -o build/trace.html build/trace.jsonl
	@echo "made file://$(subst $() ,%20,$(CURDIR))/build/trace.html: open it in a browser, and press Space"

demo trace: override ARGS := # `make check ARGS=…` means the tests

test: $(VENV)/.group-test ## run the tests on all cores; ARGS= goes to pytest
	@$(launch_venv) -m tests

help-all: ## list every target, with one line for each
	@awk -v all=1 -f lab/help.awk Makefile

## see
.PHONY: help watch swarm scale

help: ## list the first targets, other names, and the variables
	@awk -f lab/help.awk Makefile

watch: ## follow TRACE in a browser while a server writes it
	@$(launch) -m lab.watch -- "$$TRACE"

swarm: ## run N downloads (1000) at once in one process, with figures
	@$(launch) -m lab.swarm $${N:+--clients="$$N"} $(if $(NAMED),--server="$$SERVER" --port="$$PORT") -- "$$FILE"

scale: ## run N servers (4) behind HAProxy, and stop one in mid-run
	@$(launch) -m lab.scale $${N:+--servers="$$N"}

## learn
.PHONY: learn grade hint museum exhibit

learn: ## make mine/server.py, and grade it whenever you save it
	@$(launch) -m learn.watch $${FROM:+--from="$$FROM"}

grade: ## attack mine/server.py, or SERVER=, in 35 ways
	@$(launch) -m learn.grade --no-status --chapter="$$CHAPTER" --row="$$ROW" --client="$$CLIENT" \
		--exercise="$$EXERCISE" -- $(if $(GRADED),"$$SERVER")

hint: ## help with the next red row, or with ROW=
	@$(launch) -m learn.grade --no-status --hint="$${N:-0}" --row="$$ROW" -- $(if $(GRADED),"$$SERVER")

museum: ## list the exhibits: servers that are wrong on purpose
	@$(launch) -m learn.museum

exhibit: ## show exhibit N and its symptom; SERVER= a repaired copy
	@$(launch) -m learn.museum -- "$$N" $(if $(NAMED),"$$SERVER")

## change
.PHONY: quick lint format spec test-browser coverage docs check clean

QUICK_TESTS = reactor signals connection listener protocol server_hello client_hello state_tables machines epoll
quick: $(VENV)/.group-test ## run the unit and property tests of the core, in seconds
	@$(launch_venv) -m pytest -q -n auto $(QUICK_TESTS:%=tests/test_%.py)

UNTYPED = edges/windows.py|tests/test_windows.py|lab/(laptop/bsd|simulation)|learn/(exercises/answers|steps|museum/([0-9]|sound))
# The last two: tests run on Linux, so they are checked as Linux, but for the one that runs on Windows.
lint: $(VENV)/.group-lint ## check style, format, English and types
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m lab.english
	@$(python) -m mypy --exclude-gitignore --exclude '$(UNTYPED)' .
	@$(python) -m mypy --platform darwin --exclude edges/windows.py *.py edges lab/tracing
	@$(python) -m mypy --platform win32 --exclude 'edges/(posix|outlet|terminal).py' *.py edges lab/tracing \
		tests/test_windows.py

format: $(VENV)/.group-lint ## format the code as lint requires
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .

spec: $(VENV)/.group-spec ## check the grammar of protocol.md against the parser
	@$(launch_venv) -m pytest -m spec tests/test_grammar.py

test-browser: $(VENV)/.group-browser ## test the pages in Chromium, Firefox and WebKit
	@$(launch_venv) -m tests.support.chromium
	@$(launch_venv) -m pytest -m browser tests/test_page_*.py

coverage: $(VENV)/.group-coverage ## report the lines and branches that no test reaches
	@$(python) -m coverage erase
	@$(launch_venv) -m coverage run -m pytest
	@$(python) -m coverage combine -q
	@$(python) -m coverage report

docs: ## write the generated parts of the documents again
	@$(launch) -m lab.documents.lanes --write
	@$(launch) -m lab.documents.document --write
	@$(launch) -m lab.documents.specification --write
	@$(launch) -m lab.documents.cases --write
	@$(launch) -m lab.bench.document --write
	@$(launch) -m learn.museum.page --write
	@$(launch) -m lab.documents.scoreboard --write

check coverage: export FULL := 1
check: lint test spec test-browser demo ## run all that a change must pass, with every case

clean: ## remove what make has built; copies in output_file/ stay
	@rm -rf .venv .venv-* build mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	@find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

## book
.PHONY: book playground test-book

book: $(VENV)/.group-book ## make a site of all documents and sources: build/book
	@$(launch_venv) -m lab.book

playground: ## make a page to edit and run the loop: build/playground.html
	@$(launch) -m lab.book.playground

test-book: book $(VENV)/.group-browser build/pyodide ## build the book, and test it in a browser
	@$(launch_venv) -m tests.support.chromium
	@$(launch_venv) -m pytest -m book tests/test_book*.py
	@node lab/book/node.mjs lab/book/seeds.py
	@FOLDERS="$$PWD/build/pyodide" node lab/book/node.mjs lab/book/bytes_only.py

## systems
.PHONY: test-windows test-bsd

test-windows: $(VENV)/.group-test build/windows/python ## test on Windows, as far as Wine can show it
	@$(launch_venv) -m lab.laptop windows

test-bsd: $(VENV)/.group-test ## test in a simulated BSD or macOS
	@$(launch_venv) -m lab.laptop bsd

## attack
.PHONY: torture replay soak load injection mutants

torture: ## attack the server in every known way, print a scorecard
	@$(launch) -m lab.torture

replay: ## play the simulated run SEED again and print its story
	@$(launch) -m lab.simulation replay "$$SEED"

soak: ## 1,000,000 simulated transfers, then 100,000 real ones
	@$(launch) -m lab.simulation soak
	@$(launch) -m lab.load transfers

load: ## 10,000 clients at once, then 100,000 transfers in a row
	@$(launch) -m lab.load held
	@$(launch) -m lab.load exhaustion
	@$(launch) -m lab.load transfers

injection: ## fail every system call with every errno; needs strace
	@$(launch) -m lab.injection

mutants: $(VENV)/.group-mutants ## change the code in one place at a time: a test must fail
	@$(launch_venv) -m lab.mutants

## measure
.PHONY: bench bench-memory

bench: build/epoll_server build/load build/hold $(VENV)/.group-bench ## compare transfers with C and others (10 minutes; QUICK=1: 1)
	@$(launch_venv) -m lab.bench $(if $(value QUICK),--quick)

bench-memory: build/epoll_server build/load build/hold $(VENV)/.group-bench ## compare the memory that an idle client needs
	@$(launch_venv) -m lab.bench --scene memory

## --- files
# Only the bench needs a compiler.
vpath %.c lab/bench lab/bench/peers
build/%: %.c lab/bench/message.h lab/bench/client.h
	@command -v $(CC) >/dev/null || { echo "the bench needs a C compiler, and there is no $(CC) here" >&2; exit 1; }
	@mkdir -p build
	@$(CC) -O2 -Wall -Wextra -o $@ $<

build/pyodide: lab/book/pyodide.txt | $(VENV)/.pip
	@rm -rf $@
	@$(python) -m pip install -qq --no-compile --only-binary :all: --target $@ -r $<

build/windows/python: lab/laptop/windows_python.sh lab/constraints.txt
	@$(find_python)
	@lab/laptop/windows_python.sh build/windows "$$PYTHON"

# --group came with pip 25.1.
$(VENV)/.pip:
	@$(find_python)
	@"$$PYTHON" -E lab/launch.py && "$$PYTHON" -m venv --clear "$(VENV)"
	@$(python) -m pip install -qq --upgrade 'pip>=25.1'
	@touch $@

# The peers are optional: without one, the bench says so.
$(VENV)/.group-bench: pyproject.toml lab/constraints.txt | $(VENV)/.pip
	@$(pip_install) --group bench || $(python) -m lab.bench.install
	@touch $@

$(VENV)/.group-%: pyproject.toml lab/constraints.txt | $(VENV)/.pip
	@$(pip_install) --group $*
	@touch $@
