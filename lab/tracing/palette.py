"""The colours of the pictures of a run, in light and in dark.

Owns one style sheet for pictures, and the same colours as variables for the page. In a picture the
colours are written out twice: some programs that show an SVG do not know variables. Each colour and
the text on it have a contrast of at least 4.5 (WCAG 2.1, 1.4.3).
"""

STATES = {  # the class of each state
    "HELLO_SENT": "greeting", "HELLO_EXPECTED": "greeting", "CONNECTING": "other",
    "SENDING": "moving", "RECEIVING": "moving", "DONE": "over",
}  # fmt: skip

LIGHT = {  # the last two lines: only in the page
    "paper": "#ffffff", "stripe": "#f3f5f9", "rule": "#e4e8ef", "ink": "#1e293b",
    "quiet": "#4a586b", "awake": "#334155", "turn": "#ffffff", "box": "#ffffff",
    "edge": "#64748b", "pill": "#b4235a", "ready": "#ffffff", "error": "#b91c1c",
    "greeting": "#fde08a", "moving": "#93c5fd", "over": "#a7e3b4", "other": "#d8ccf0",
    "now": "#fdf0b8", "focus": "#1456c0", "good": "#1d6b32", "bad": "#ad1f36",
    "in": "#cfe8ee", "out": "#f6dccb", "night": "#e3e7ef",
}  # fmt: skip
DARK = {
    "paper": "#0f141b", "stripe": "#18202b", "rule": "#27313e", "ink": "#e6edf5",
    "quiet": "#a9b6c8", "awake": "#44546a", "turn": "#ffffff", "box": "#1f2937",
    "edge": "#8a99ad", "pill": "#f48fb1", "ready": "#2a0614", "error": "#fca5a5",
    "greeting": "#7a5b00", "moving": "#1d4f91", "over": "#1d6b35", "other": "#54437a",
    "now": "#463b12", "focus": "#8db8ff", "good": "#7fd394", "bad": "#ff8795",
    "in": "#164450", "out": "#553016", "night": "#0a0e14",
}  # fmt: skip

SHAPES = (
    "text{font:10.5px ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif}"
    ".title{font-size:14px;font-weight:600}.name{font-size:12.5px;font-weight:600}"
    ".turn{font-weight:600}.word{font-size:9.5px}.state{font-size:9px;font-weight:600}"
    ".waits,.ready{font-size:11.5px;text-anchor:middle}.ready{font-weight:700}"
    ".middle{text-anchor:middle}.end{text-anchor:end}"
    ".glyph{fill:none;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}"
    ".work{stroke-width:5}.thread,.rule{fill:none}"
)


def rules(colours: dict[str, str]) -> str:
    """Return the rules that say what has which colour."""
    c = colours
    fills = {".paper": "paper", ".stripe": "stripe", ".awake": "awake", ".pill": "pill"}
    fills |= {f".{name}": name for name in ("greeting", "moving", "over", "other")}
    fills |= {"text": "ink", ".quiet,.waits": "quiet", ".turn": "turn", ".ready": "ready"}
    drawn = "".join(f"{selector}{{fill:{c[name]}}}" for selector, name in fills.items())
    return drawn + (
        f".box{{fill:{c['box']};stroke:{c['edge']}}}.glyph{{stroke:{c['ink']}}}"
        f".glyph.error{{stroke:{c['error']}}}.rule{{stroke:{c['rule']}}}"
        f".thread{{stroke:{c['edge']};stroke-width:1.5}}"
    )


STYLE = SHAPES + rules(LIGHT) + "@media(prefers-color-scheme:dark){" + rules(DARK) + "}"


def variables() -> str:
    """Return the colours as variables of CSS, and the style of a picture inside the page."""
    pairs = ";".join(f"--{name}:light-dark({LIGHT[name]},{DARK[name]})" for name in LIGHT)
    names = {name: f"var(--{name})" for name in LIGHT}
    return f":root{{color-scheme:light dark;{pairs}}}\n.lanes{{{SHAPES}{rules(names)}}}\n"
