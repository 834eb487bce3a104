"""The results of a run: results.json, and the figures that are computed from its samples.

A row has one sample per round for each figure. A ratio is computed in each round, sample by sample,
before any median: whatever slowed the machine in a round slowed both sides.
"""

import json
import re
from pathlib import Path
from statistics import median, quantiles
from typing import Any

Results = dict[str, Any]
Row = dict[str, Any]
FLAT = re.compile(r"\[\n\s+([^\[\]{}]*?)\n\s+\]")  # a list of plain values, one a line


def save(results: Results, folder: Path) -> None:
    """Write results.json, a list of samples to a line."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    text = FLAT.sub(lambda found: "[" + re.sub(r",\n\s+", ", ", found[1]) + "]", text)
    (folder / "results.json").write_text(text + "\n")


def load(folder: Path) -> Results:
    """Read it again."""
    found: Results = json.loads((folder / "results.json").read_text())
    return found


def rows(results: Results, scene: str) -> list[Row]:
    """Return the rows of a scene; none, if it was not played."""
    found: list[Row] = results["scenes"].get(scene, {}).get("rows", [])
    return found


def row(results: Results, scene: str, name: str, at: int = 0) -> Row | None:
    """Return the row of this server, at this place of the axis."""
    for each in rows(results, scene):
        if each["name"] == name and each.get("at", 0) == at:
            return each
    return None


def ratios(ours: Row, theirs: Row, key: str = "cpu") -> list[float]:
    """Return the ratio of two rows, round by round."""
    return [one / other for one, other in zip(ours[key], theirs[key], strict=True)]


def middle(samples: list[float]) -> float:
    """Return the median."""
    return float(median(samples))


def user_time(found: Row | None) -> float | None:
    """Return the microseconds of user time per transfer; None if only the sum was measured."""
    if found is None or found["user"] is None:
        return None
    return middle(found["cpu"]) * float(found["user"])


def by_cost(found: list[Row], key: str = "cpu") -> list[Row]:
    """Return rows in the order of their medians."""
    return sorted(found, key=lambda each: middle(each[key]))


def spread(samples: list[float], form: str) -> str:
    """Return the median, and the two figures between which half of the samples are."""
    if len(samples) == 1:
        return format(samples[0], form)
    low, mid, high = (format(f, form) for f in quantiles(samples, n=4, method="inclusive"))
    return f"{mid} ({low} to {high})"


def curves(results: Results, scene: str, key: str = "cpu") -> dict[str, dict[int, float]]:
    """Return the medians of a scene, by server and place, in the order in which they were taken."""
    found: dict[str, dict[int, float]] = {}
    for each in rows(results, scene):
        found.setdefault(each["name"], {})[each["at"]] = middle(each[key])
    return found


def not_run(results: Results) -> dict[str, str]:
    """Return the subjects that are missing in any scene, and why."""
    found: dict[str, str] = {}
    for scene in results["scenes"].values():
        found |= scene.get("not run", {})
    return found
