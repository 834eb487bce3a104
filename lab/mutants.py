"""Test the tests: change the code in small places, one at a time; each time some test must fail.

`make mutants` runs mutmut; pyproject.toml says on which files, with which tests. All mutants of the
core are judged; of the programs and their edges it is a sample, the same one each time. The core
takes most of the time: `make mutants ARGS="listener signals"` judges only these two modules of it,
and the sample.

If no test notices a mutant, then either a behaviour has no test, or the mutant changes no
behaviour. Mutants of the second kind are listed in docs/mutants.md, each with its reason. The run
fails if its survivors are not exactly those in the list: a survivor that is not listed needs a
test, and a mutant that is listed and was killed must leave the list.
"""

import argparse
import os
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/mutants.md"
MUTMUT = Path(sys.executable).parent / "mutmut"
# A mutant also counts as noticed if its tests never end, or if it ends their run: "suspicious" is
# any status that is not pytest's own, such as that of a SIGTERM that nobody caught; "segfault" is
# also that of a SIGKILL, which ends tests that go on after their limit of processor time.
NOTICED = {"killed", "timeout", "suspicious", "segfault"}

NAME = re.compile(r"(?P<module>.+)\.x(?:_|ǁ(?P<kind>[^ǁ.]+)ǁ)(?P<function>\w+)__mutmut_\d+")
ROW = re.compile(r"^\| `(\S+)` \| `(\S+)` \| `(.+)` → `(.+)` \| (.+) \|$", re.MULTILINE)


CORE = (
    "reactor", "signals", "connection", "listener", "protocol", "server.hello", "client.hello",
    "edges.epoll",
)  # fmt: skip
SAMPLE, SEED = 300, 80  # how many mutants of the other files, and which
MEMORY = 2**31  # bytes for each run: a mutant that never stops growing must not take the machine


class Mutant(NamedTuple):
    """One small change. (mutmut's own numbers change with every edit of the function.)"""

    file: str
    function: str
    before: str
    after: str

    def __str__(self) -> str:
        change = f"`{self.before}` → `{self.after}`".replace("|", r"\|")
        return f"| `{self.file}` | `{self.function}` | {change} |"


def listed(page: str, without: Container[str] = ()) -> Counter[Mutant]:
    """Return the mutants in the table of `page`, except those of the files `without`."""
    rows = [row for row in ROW.findall(page) if row[0] not in without]
    return Counter(Mutant(*(cell.replace(r"\|", "|") for cell in row[:4])) for row in rows)


def place(name: str) -> tuple[str, str]:
    """Return the file and the function of the mutant that mutmut calls `name`."""
    found = NAME.fullmatch(name)
    assert found, f"mutmut has a new way to name a mutant: {name}"
    kind = found["kind"]
    file = found["module"]
    if not (ROOT / f"{file}.py").exists():  # neither server.hello nor client.hello, but a folder
        file = file.replace(".", "/")
    return f"{file}.py", f"{kind}.{found['function']}" if kind else found["function"]


def described(name: str, diff: str) -> Mutant:
    """Return the mutant called `name`, whose change is `diff`."""
    changed = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before, after = (
        " ".join(line[1:].strip() for line in changed if line.startswith(sign)) for sign in "-+"
    )
    return Mutant(*place(name), before, after)


def mutmut(*words: str) -> str:
    """Run mutmut with these words; return its output."""
    return subprocess.run(
        [MUTMUT, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def verdicts() -> dict[str, str]:
    """Return the verdict on each mutant, by mutmut's name."""
    lines = mutmut("results", "--all", "true").splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines if "__mutmut_" in line)


def scores(found: dict[str, str]) -> str:
    """Return the table of how many mutants were noticed, file by file."""
    by_file = {name: place(name)[0] for name in found}
    files = (*sorted(set(by_file.values())), "all")
    width = max(map(len, files))
    table = [f"{'':{width}} mutants  noticed  alive   score"]
    for file in files:
        words = [word for name, word in found.items() if file in (by_file[name], "all")]
        noticed = sum(word in NOTICED for word in words)
        score = 100 * noticed / len(words)
        alive = len(words) - noticed
        table.append(f"{file:{width}} {len(words):7} {noticed:8} {alive:6} {score:5.1f} %")
    return "\n".join(table)


def differences(found: Counter[Mutant], expected: Counter[Mutant]) -> list[str]:
    """Return the lines that say why the run fails; empty if it passes."""
    return [
        *(f"alive, and not in {PAGE.name}: {mutant}" for mutant in found - expected),
        *(f"in {PAGE.name}, but killed or gone: {mutant}" for mutant in expected - found),
    ]


def sample(names: Iterable[str]) -> list[str]:
    """Return the sample of the mutants that are not of the core.

    Each mutant draws its place with its own name as the seed, so an edit of one function exchanges
    few others. After any edit `random.sample` would choose 300 new ones.
    """
    core = tuple(f"{module}.x" for module in CORE)
    others = (name for name in names if not name.startswith(core))
    return sorted(others, key=lambda name: random.Random(f"{SEED} {name}").random())[:SAMPLE]


def judge(modules: Sequence[str]) -> dict[str, str]:
    """Let mutmut judge these modules, then the sample of the other files; return its verdicts."""
    subprocess.run([MUTMUT, "run", *(f"{module}.x*" for module in modules)], cwd=ROOT, check=True)
    chosen = sample(verdicts())
    subprocess.run([MUTMUT, "run", *chosen], cwd=ROOT, check=True)
    core = tuple(f"{module}.x" for module in modules)
    return {
        name: word for name, word in verdicts().items() if name in chosen or name.startswith(core)
    }


def passed_over(modules: Sequence[str]) -> set[str]:
    """Return the files of the core that are not among these modules."""
    return {place(f"{module}.x_f__mutmut_1")[0] for module in set(CORE) - set(modules)}


def modules_named(words: Sequence[str]) -> Sequence[str]:
    """Return the modules of the core that the command line names; all of them if it names none."""
    parser = argparse.ArgumentParser(prog="python -m lab.mutants", allow_abbrev=False)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of {', '.join(CORE)}")
    modules: list[str] = parser.parse_args(words).modules
    if unknown := [name for name in modules if name not in CORE]:
        parser.error(f"not in the core: {', '.join(unknown)}")
    return modules or CORE


def main(words: Sequence[str]) -> int:
    """Run it all from the beginning; return the exit status."""
    modules = modules_named(words)
    started = time.monotonic()
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # mutmut would keep the old verdicts
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.environ["PYTHONHASHSEED"] = "0"  # mutmut takes the tests in the order of a set
    os.environ["FULL"] = "1"  # each example and each case may be the one that notices
    found = judge(modules)
    alive = (name for name, word in found.items() if word not in NOTICED)
    survivors = Counter(described(name, mutmut("show", name)) for name in alive)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{scores(found)}\n")
    print(
        f"{date.today()}, make mutants: {minutes:.0f} minutes, mutmut {version('mutmut')}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors"
    )
    wrong = differences(survivors, listed(PAGE.read_text(), passed_over(modules)))
    print(*wrong or [f"each survivor is listed in docs/{PAGE.name}, with the reason"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
