"""The signs: one small drawing for each kind of event, the same in every picture of a run.

Owns their shapes and their meanings, and what the states mean. Used by lanes.py, and handed to the
page by page.py, so that the picture of the README, the strips of the documents, the list, the stage
and the legend of the page cannot differ.
"""

GLYPHS = {  # drawn around 0,0, in a square of 14
    "accept": "M-5 0H5M0-5V5",
    "recv": "M0-6V5M-4.5.5L0 5 4.5.5",
    "send": "M0 6V-5M-4.5-.5L0-5 4.5-.5",
    "half": "M-6 0H4.5M4.5-5V5M.5-4L4.5 0 .5 4",
    "close": "M-4.5-4.5L4.5 4.5M4.5-4.5L-4.5 4.5",
    "error": "M0-6V1.5M0 5.5V5.6",
    "fire": "M6 0A6 6 0 1 1-6 0 6 6 0 1 1 6 0M0-3.5V0L2.5 1.5",
    "work": "M0-.1V.1",
    "sleep": "M-4-5H4L-4 5H4",
    "wake": "M-6-5H1L6 0 1 5H-6Z",
    "call": "M-3.5-5L5 0-3.5 5Z",
    "done": "M5-5V0H-5M-1.5-3.5L-5 0-1.5 3.5",
    "state": "M0-6L6 0 0 6-6 0Z",
    "watch": "M5 0A5 5 0 1 1-5 0 5 5 0 1 1 5 0M0-2V2M-2 0H2",
    "flag": "M-4 6V-6L5-3-4 0",
    "unflag": "M-4 6V-6L5-3-4 0M-6 5L6-5",
    "turned": "M4.5-3A5.5 5.5 0 1 0 5.4 1M5-6V-2.5H1.5",
}
LEGEND = {
    "accept": "opens a connection",
    "recv": "receives",
    "send": "sends",
    "half": "ends its direction",
    "close": "closes",
    "fire": "deadline",
    "error": "error",
}
MORE = {  # signs of events that lanes.svg draws in another way, or not at all
    "sleep": "the loop sleeps",
    "wake": "the loop wakes",
    "call": "a handler is called",
    "done": "it returns",
    "state": "new state",
    "watch": "waits for something else",
    "flag": "deadline set",
    "unflag": "deadline cancelled",
    "turned": "end of a turn",
}
EVENTS = {  # the sign of each kind of event; of a timer, by what is done with it
    "select": "sleep", "wake": "wake", "call": "call", "done": "done", "turned": "turned",
    "open": "accept", "rx": "recv", "tx": "send", "half": "half", "close": "close",
    "error": "error", "state": "state", "watch": "watch", "set": "flag", "cancel": "unflag",
    "fire": "fire",
}  # fmt: skip
DOING = {  # what an object does in its state
    "HELLO_SENT": "waits for a hello", "SENDING": "sends the file",
    "DONE": "waits for the other end", "CONNECTING": "waits to connect",
    "HELLO_EXPECTED": "waits for a hello", "RECEIVING": "waits for the file",
}  # fmt: skip
