"""A failure that the user is told in one line: what, why, and what to do."""


class Failure(Exception):
    """Ends a program with one clear line, its `str()`, and an exit `status`; never a traceback."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def reason(error: Exception) -> str:
    """Return why a system call failed, in the system's own words."""
    return (getattr(error, "strerror", None) or str(error)).lower()
