"""Close a file or a socket where an error of close changes nothing."""

from collections.abc import Callable


def close_quietly(close: Callable[..., object], *arguments: object) -> None:
    """Call `close(*arguments)`, and ignore an OSError.

    The descriptor is released all the same: close(2), "Dealing with error returns". Where the error
    may mean that bytes were lost, as for a file on NFS, call close itself and check the error.
    """
    try:
        close(*arguments)
    except OSError:
        pass
