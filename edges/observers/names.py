"""The names of objects and functions, as the observers show them."""


def object_name(handler: object) -> str:
    """Return the name of `handler`. A class with several objects defines `__str__` (c3, listener
    2); any other object has the name of its class (signals, console)."""
    kind = type(handler)
    return kind.__name__.lower() if kind.__str__ is object.__str__ else str(handler)


def function_name(action: object) -> str:
    """Return the name of the function that is called, also if a partial holds its arguments."""
    return str(getattr(getattr(action, "func", action), "__qualname__", action))
