"""Close what must be closed, where an error of the close changes nothing."""

from collections.abc import Callable


def close_quietly(close: Callable[..., object], *arguments: object) -> None:
    """Call `close(*arguments)`, and ignore an OSError of it.

    The descriptor is released all the same: close(2), "Dealing with error returns". Where the error
    may mean that bytes were lost, as for a file on NFS, call close itself and look at the error.
    """
    try:
        close(*arguments)
    except OSError:
        pass
