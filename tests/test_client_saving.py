"""Saving as users see it: an exact copy under its name, or everything as it was.

The obstacles are real: modes, links, pipes, devices, limits, a full disk, a kill.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import peers, stage
from tests.support.kernel import await_condition
from tests.support.peers import listening, refusing
from tests.support.programs import HELLO, SYSTEM, UNMEASURED, Client, file_message
from tests.support.stage import (
    BODY,
    OLD,
    STREAM,
    assert_failed,
    assert_one_line,
    assert_saved,
    await_asleep,
    client_of,
    content,
    in_pairs,
    meet,
    play,
    private_folder,
    run,
    saying,
    saying_and_staying,
)
from tests.support.terminals import shown

ROOT_USER = os.geteuid() == 0


@pytest.fixture
def folder():
    with private_folder() as place:
        yield place


@pytest.fixture(scope="module")
def start():
    """A warm start, for what does not depend on how a process is started."""
    if SYSTEM == "win32":  # no process forks there
        yield Client
        return
    with stage.warm() as warm:
        yield warm.start


@pytest.fixture
def without_privileges(not_here):
    """A prefix under which file modes count even for root."""
    if not ROOT_USER:
        return ()
    if shutil.which("setpriv") is None:
        not_here("modes of files: root ignores them, and setpriv is missing")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def save(target: str | Path, folder: Path, **how: Any) -> stage.Outcome:
    """Let a well-behaved server deliver BODY to `target`."""
    return play(saying(STREAM), target=target, folder=folder, **how)


def assert_fails_before_connecting(
    target: str | Path, folder: Path, start: stage.Start = Client, **how: Any
):
    """Assert status 1 and one line, that the server was not bothered, and nothing has changed."""
    before = content(folder), sorted(os.listdir(os.fsencode(folder)))
    with listening() as door:
        arguments = stage.knocking(door, "-q", target=target)
        with start(*arguments, cwd=folder, **how) as client:
            assert client.wait() == 1
        assert_one_line(client.stderr, "^client.py: cannot ")
        assert client.stdout_bytes == b""
        assert door.untouched()
    assert (content(folder), sorted(os.listdir(os.fsencode(folder)))) == before


# -- regular files ---------------------------------------------------------------------------------


@pytest.mark.posix_only("there are no modes")
@pytest.mark.fault("H7")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002, 0o000])
def test_a_new_file_has_mode_0666_less_the_umask(folder, umask):
    save("new", folder, shell=f'umask {umask:o}; exec "$@"')
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o666 & ~umask


@pytest.mark.posix_only("there are no modes")
@pytest.mark.fault("H7")
@pytest.mark.parametrize("mode", [0o640, 0o600, 0o666, 0o755])
def test_an_old_file_keeps_its_mode_whatever_the_umask(folder, mode):
    (folder / "copy").chmod(mode)
    assert_saved(save("copy", folder, shell='umask 027; exec "$@"'))
    assert stat.S_IMODE((folder / "copy").stat().st_mode) == mode


@pytest.mark.posix_only("an open file is not replaced: see test_on_windows.py")
def test_a_reader_who_has_the_old_file_open_keeps_it(folder, start):
    with open(folder / "copy", "rb") as reader:
        assert_saved(save("copy", folder, start=start))
        assert reader.read() == OLD


@pytest.mark.fault("F4")
def test_an_empty_file_replaces_a_long_one(folder, start):
    (folder / "copy").write_bytes(b"x" * 100_000)
    assert_saved(play(saying(HELLO + file_message(b"")), folder=folder, start=start), b"")


def test_an_absolute_name_is_saved_elsewhere(folder, start, tmp_path):
    assert save(tmp_path / "elsewhere", folder, start=start).folder == {"copy": OLD}
    assert content(tmp_path) == {"elsewhere": BODY}


@pytest.mark.posix_only("other names can be used: see test_on_windows.py")
@pytest.mark.fault("H9", "I-1")
@pytest.mark.parametrize(
    "name",
    [
        "n" * 255, "-", "-q", "--port", "new\nline", "\x1b[2J\x07", "with space", "ü€💩",
        "%s {} \\", "\udcff\udcfe not UTF-8", ".hidden", "~", "*", "copy.tmp", "a'b\"c",
    ],
)  # fmt: skip
def test_any_name_that_a_file_can_have_will_do_and_is_shown_escaped(folder, start, name):
    target = name if name != "-" else "./-"
    outcome = save(target, folder, quiet=False, start=start)
    assert outcome.status == 0
    assert (folder / name).read_bytes() == BODY
    assert len(outcome.folder) == 2
    last = outcome.err.splitlines(keepends=True)[-1]
    assert_one_line(last, "^saved .*: 14 bytes, checksum verified")


@pytest.mark.fault("H9")
@pytest.mark.parametrize("name", ["n" * 256, "d/" * 2100 + "f", "", "missing/", "copy/", "copy/x"])
def test_an_impossible_name_fails_before_connecting(folder, start, name):
    assert_fails_before_connecting(name, folder, start=start)


@pytest.mark.fault("H1", "H4")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("missing/../copy", marks=pytest.mark.posix_only("it is the same as copy")),
        *("missing/copy", "directory", "directory/", ".", "/"),
    ],
)
def test_a_missing_directory_and_a_directory_fail_before_connecting(folder, start, name):
    (folder / "directory").mkdir()
    assert_fails_before_connecting(name, folder, start=start)


@pytest.mark.posix_only("there are no modes")
@pytest.mark.fault("H1")
def test_a_directory_that_may_not_be_written_fails_before_connecting(folder, without_privileges):
    (folder / "sealed").mkdir(mode=0o555)
    assert_fails_before_connecting("sealed/copy", folder, prefix=without_privileges)


@pytest.mark.posix_only("root may write it: see test_on_windows.py")
@pytest.mark.fault("H8")
def test_an_old_file_that_may_not_be_written_is_not_replaced(folder, without_privileges):
    (folder / "copy").chmod(0o444)
    assert_fails_before_connecting("copy", folder, prefix=without_privileges)


def test_a_failure_to_save_comes_before_a_failure_to_connect(folder):
    with refusing() as port:
        outcome = run("127.0.0.1", "missing/copy", "--port", port, "-q", cwd=folder)
    assert_failed(outcome, 1, "missing")


# -- links -----------------------------------------------------------------------------------------


@pytest.mark.posix_only("Wine follows links by itself, and shows none")
@pytest.mark.fault("H5")
@pytest.mark.parametrize("link_to", ["copy", "./copy", "second link", "in/../copy", "ABSOLUTE"])
def test_a_symbolic_link_is_followed_and_stays(folder, start, link_to):
    (folder / "in").mkdir()
    (folder / "second link").symlink_to("copy")
    to = folder / "copy" if link_to == "ABSOLUTE" else link_to
    (folder / "link").symlink_to(to)
    assert_saved(save("link", folder, start=start))
    assert (folder / "link").readlink() == Path(to)


@pytest.mark.posix_only("Wine follows links by itself, and shows none")
@pytest.mark.fault("H5", "H7")
def test_a_link_into_another_directory_is_followed_with_its_mode(folder, start, tmp_path):
    (tmp_path / "far").write_bytes(OLD)
    (tmp_path / "far").chmod(0o640)
    (folder / "link").symlink_to(tmp_path / "far")
    assert save("link", folder, start=start).folder == {"copy": OLD}
    assert content(tmp_path) == {"far": BODY}
    assert stat.S_IMODE((tmp_path / "far").stat().st_mode) == 0o640


@pytest.mark.posix_only("Wine follows links by itself, and shows none")
@pytest.mark.fault("H5")
def test_a_dangling_link_creates_its_target(folder, start):
    (folder / "link").symlink_to("target")
    assert save("link", folder, start=start).folder == {"copy": OLD, "target": BODY}
    assert (folder / "link").is_symlink()


@pytest.mark.posix_only("Wine follows links by itself, and shows none")
@pytest.mark.fault("H5")
def test_links_that_lead_nowhere_fail_before_connecting(folder, start):
    (folder / "loop").symlink_to("pool")
    (folder / "pool").symlink_to("loop")
    (folder / "self").symlink_to("self")
    (folder / "directory").mkdir()
    (folder / "to directory").symlink_to("directory")
    (folder / "into nothing").symlink_to("missing/copy")
    for name in ("loop", "self", "to directory", "into nothing"):
        assert_fails_before_connecting(name, folder, start=start)
        assert (folder / name).is_symlink()


# -- what is no regular file -----------------------------------------------------------------------


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("H6")
def test_a_fifo_waits_for_its_reader_and_stays_a_fifo(folder):
    os.mkfifo(folder / "fifo")
    with listening() as door:
        with client_of(door, "-q", target="fifo", folder=folder) as client:
            meet(door, client).send(STREAM).finish()
            await_asleep(client, "wait_for_partner|fifo_open")
            assert (folder / "fifo").read_bytes() == BODY
            assert client.wait() == 0
    assert (folder / "fifo").is_fifo()
    assert os.listdir(folder) in (["copy", "fifo"], ["fifo", "copy"])


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("H6")
def test_nothing_is_written_to_a_fifo_before_the_copy_is_verified(folder, start):
    """A reader that waits already must not get the beginning of a file that turns out damaged."""
    os.mkfifo(folder / "fifo")
    reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        outcome = play(saying(STREAM[:-1]), target="fifo", folder=folder, start=start)
        assert_failed(outcome, 5)
        assert os.read(reader, 100) == b""
        assert save("fifo", folder, start=start).status == 0
        assert os.read(reader, 100) == BODY
    finally:
        os.close(reader)


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("H6")
def test_the_null_device_stays_what_it_is(folder, start):
    before = os.stat("/dev/null")
    for name in ("/dev/null", "link"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to("/dev/null")
        assert save(name, folder, start=start).status == 0
    after = os.stat("/dev/null")
    assert (after.st_ino, after.st_mode, after.st_rdev) == (
        before.st_ino,
        before.st_mode,
        before.st_rdev,
    )


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("H6")
def test_a_device_in_the_same_directory_is_not_renamed_over(folder, start, not_here):
    try:
        os.mknod(folder / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (folder / "device").write_bytes(b"")
    except PermissionError:
        not_here("a device of our own: only root can make one")
    assert save("device", folder, start=start).status == 0
    assert stat.S_ISCHR((folder / "device").stat().st_mode)
    assert len(os.listdir(folder)) == 2


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("H2", "H6")
def test_a_full_device_is_a_failure_to_save(folder, start):
    assert_failed(save("/dev/full", folder, start=start), 1, "no space left")


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("H6")
def test_a_socket_is_no_place_to_save(folder, start):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(folder / "socket"))
        assert_failed(save("socket", folder, start=start), 1)
        assert (folder / "socket").is_socket()


# -- standard output -------------------------------------------------------------------------------

STANDARD_OUTPUT = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
if SYSTEM == "win32":
    STANDARD_OUTPUT = ["-"]  # the others are no names there


@pytest.mark.fault("H6")
@pytest.mark.parametrize("name", STANDARD_OUTPUT)
def test_standard_output_gets_the_bytes_and_nothing_else(folder, name):
    for quiet in (True, False):
        outcome = save(name, folder, quiet=quiet)
        assert (outcome.status, outcome.out, outcome.folder) == (0, BODY, {"copy": OLD})


@pytest.mark.fault("H6", "G14")
@pytest.mark.parametrize("name", STANDARD_OUTPUT[:2])
def test_standard_output_gets_nothing_that_is_not_verified(folder, start, name):
    for stream, status in [
        (STREAM[:-1], 5),
        (STREAM + b"x", 4),
        (HELLO + file_message(b"\r\n"), 4),
    ]:
        assert_failed(play(saying(stream), target=name, folder=folder, start=start), status)


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("H6")
@pytest.mark.parametrize("name", STANDARD_OUTPUT)
def test_standard_output_may_be_a_file_and_is_written_at_its_offset(folder, name):
    """As with `(echo first; client.py ... -; echo last) > log`."""
    with open(folder / "log", "wb", buffering=0) as log:
        log.write(b"first\n")
        assert save(name, folder, stdout=log.fileno()).status == 0
        log.write(b"last\n")
    assert content(folder) == {"copy": OLD, "log": b"first\n" + BODY + b"last\n"}


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("H6")
@pytest.mark.parametrize("name", STANDARD_OUTPUT)
def test_standard_output_may_be_a_deleted_file(folder, name):
    with open(folder / "log", "w+b", buffering=0) as log:
        (folder / "log").unlink()
        outcome = save(name, folder, stdout=log.fileno())
        assert (outcome.status, outcome.folder) == (0, {"copy": OLD})
        log.seek(0)
        assert log.read() == BODY


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("H6")
def test_any_other_descriptor_may_be_the_output_too(folder):
    """A link in /proc leads to what is open; its text, "pipe:[7]" or "log (deleted)", nowhere."""
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as out, open(writer, "wb") as pipe:
        assert save("/dev/stderr", folder, stderr=pipe.fileno()).folder == {"copy": OLD}
        assert out.read(100) == BODY
    with open(folder / "log", "w+b", buffering=0) as log:
        (folder / "log").unlink()
        assert save("/dev/stdin", folder, stdin=log.fileno()).folder == {"copy": OLD}
        log.seek(0)
        assert log.read() == BODY


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("H6")
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_may_be_a_socket_or_a_terminal(folder, name):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert save(name, folder, stdout=theirs.fileno()).status == 0
        assert ours.recv(100) == BODY
    master, slave = os.openpty()
    with open(master, "rb", buffering=0) as screen, open(slave, "wb") as terminal:
        assert save(name, folder, stdout=terminal.fileno()).status == 0
        seen = shown(screen.fileno(), terminal.fileno())
        assert seen == BODY.decode().replace("\n", "\r\n")  # the terminal's doing


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("E10", "H2")
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_a_standard_output_that_takes_nothing_is_a_failure_to_save(folder, name):
    reader, writer = os.pipe()
    os.close(reader)
    with (
        open(writer, "wb") as gone,
        open("/dev/full", "wb") as full,
        open("/dev/null", "rb") as null,
    ):
        for stdout in (gone, full, null):
            assert_failed(save(name, folder, stdout=stdout.fileno()), 1, "cannot save")
    for shell in ('exec "$@" >&-', 'exec "$@" <&- >&-'):
        assert_failed(save(name, folder, shell=shell), 1, "cannot save")


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("H2")
def test_a_non_blocking_standard_output_that_is_full_gets_everything_in_the_end(folder):
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as out, open(writer, "wb") as stdout:
        filled = stage.fill(writer)  # and non-blocking from now on
        with listening() as door:
            with client_of(door, "-q", target="-", folder=folder, stdout=writer) as client:
                meet(door, client).send(STREAM).finish()
                await_asleep(client, "poll|select")
                stdout.close()
                assert out.read(filled) == bytes(filled)
                assert out.read(100) == BODY
                assert client.wait() == 0


# -- disks that are full or broken -----------------------------------------------------------------


@pytest.mark.posix_only("there are no such limits")
@pytest.mark.fault("H2", "H3")
@pytest.mark.parametrize("limit", [0, 1, 10, 13])
def test_a_limit_of_file_size_is_a_failure_to_save(folder, limit, not_here):
    if shutil.which("prlimit") is None:
        not_here("a limit of file size: prlimit is missing")
    prefix = ("prlimit", f"--fsize={limit}:{limit}")
    env = {"PYTHONDONTWRITEBYTECODE": "1", **UNMEASURED}
    assert_failed(save("copy", folder, env=env, prefix=prefix), 1, "cannot save.*too large")


@pytest.mark.posix_only("the disk of Linux is filled")
@pytest.mark.fault("H2")
def test_a_full_disk_is_a_failure_to_save(folder, not_here):
    """On a file system of one page: first without room for bytes, then for a file at all."""
    (folder / "disk").mkdir()
    disk = folder / "disk"
    mount = f"mount -t tmpfs -o size=4k,nr_inodes={{}} none {disk}"
    fill = f"head -c 4096 /dev/zero > {disk}/filler"
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
    if subprocess.run([*prefix, mount.format(9)], check=False, capture_output=True).returncode:
        not_here("a full disk: needs root, and unshare to mount one")
    for inodes in (9, 2):
        left = f"status=$?; ls -A {disk} >&2; exit $status"
        script = f'{mount.format(inodes)} && {fill}; "$@"; {left}'
        with listening() as door:
            how = {"folder": folder, "prefix": (*prefix, script, "sh")}
            with client_of(door, "-q", target="disk/copy", **how) as client:
                if inodes > 2:
                    meet(door, client).send(STREAM).finish().farewell()
                assert client.wait() == 1
            message, *files = client.lines
            assert "no space left" in message
            assert files == ["filler"]


INJECTED = [
    ("write", "ENOSPC", "no space left"),
    ("write", "EIO", "input/output error"),
    ("write", "EDQUOT", "quota"),
    ("fsync", "EIO", "input/output error"),
    ("fsync", "EDQUOT", "quota"),
    ("/^renameat", "EACCES", "permission denied"),
    ("/^renameat", "EXDEV", "cross-device"),
]


@pytest.fixture
def strace(traceable):
    """A function from options of strace to a prefix."""
    return lambda *options: ("strace", "-f", "-qq", *options)


@pytest.mark.posix_only("strace would show the calls of Wine")
@pytest.mark.fault("H2")
def test_a_failing_write_fsync_or_rename_is_a_failure_to_save(strace):
    def check(case):
        call, error, message = case
        # Given -q, the first write of the process is that of the copy.
        options = ("-o", "/dev/null", "-e", f"trace={call}")
        prefix = strace(*options, "-e", f"inject={call}:error={error}:when=1")
        env = {"PYTHONDONTWRITEBYTECODE": "1"}
        assert_failed(play(saying(STREAM), prefix=prefix, env=env), 1, f"cannot save.*{message}")

    in_pairs(check, INJECTED)


@pytest.mark.posix_only("strace would show the calls of Wine")
def test_a_directory_that_cannot_be_brought_to_the_disk_is_no_failure(strace):
    """The second fsync is that of the directory, after the rename: not every file system can."""
    inject = "inject=fsync:error=EINVAL:when=2"
    assert_saved(play(saying(STREAM), prefix=strace("-o", "/dev/null", "-e", inject)))


@pytest.mark.posix_only("strace would show the calls of Wine")
@pytest.mark.fault("H13")
def test_the_bytes_are_on_the_disk_before_they_get_their_name(folder, strace, tmp_path):
    calls = "trace=openat,fsync,fdatasync,/^renameat,connect"
    assert_saved(
        play(saying(STREAM), folder=folder, prefix=strace("-o", tmp_path / "trace", "-e", calls))
    )
    lines = (tmp_path / "trace").read_text().splitlines()
    order = [
        next(number for number, line in enumerate(lines) if word in line)
        for word in ("O_EXCL", "connect(", "fsync(", "rename")
    ]
    assert order == sorted(order)


# -- at the same time, and cut down ----------------------------------------------------------------


@pytest.mark.posix_only("twenty programs at once start too slowly under Wine")
@pytest.mark.fault("H12")
def test_twenty_clients_with_one_output_leave_one_whole_copy(folder):
    bodies = [bytes([ord("a") + n]) * (n + 1) + b"\n" for n in range(20)]
    with listening() as door, ExitStack() as stack:
        options = ("-q", "--timeout", 60)
        clients = [
            stack.enter_context(client_of(door, *options, target="copy", folder=folder))
            for _ in bodies
        ]
        served = [door.accept().send(HELLO + file_message(body)) for body in bodies]
        for peer in served:
            peer.finish()
        assert [client.wait() for client in clients] == 20 * [0]
    assert content(folder) in [{"copy": body} for body in bodies]


@pytest.mark.fault("G20", "H13")
def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one():
    """Killed at moments spread over the whole run, from the start of the interpreter on."""
    runs = 30
    seen = []

    def check(moment):
        with peers.delivering(STREAM) as port, private_folder() as folder:
            with Client("127.0.0.1", "copy", "--port", port, "-q", cwd=folder) as client:
                threading.Event().wait(moment)
                client.kill()
                assert client.wait() in (-signal.SIGKILL, 0)
            assert_old_or_new(folder)
            seen.append((folder / "copy").read_bytes())

    whole = stage.duration()
    in_pairs(check, [1.2 * whole * n / runs for n in range(runs)])
    assert len(seen) == runs


@pytest.mark.posix_only("no process forks")
@pytest.mark.fault("G20", "H13")
def test_a_kill_at_any_step_of_main_leaves_the_old_file_or_the_new_one():
    seen = []

    def check(step, start):
        with private_folder() as folder:
            assert stage.signalled(start, signal.SIGKILL, step, folder).status == -signal.SIGKILL
            assert_old_or_new(folder)
            seen.append((folder / "copy").read_bytes())

    stage.sweep_steps(check, lambda steps: stage.spread(steps, 60))
    assert {OLD, BODY} == set(seen)


def assert_old_or_new(folder: Path):
    """Assert that `copy` is whole; a hidden temporary file may have stayed behind."""
    left = content(folder)
    assert left.pop("copy") in (OLD, BODY)
    assert len(left) <= 1
    for name, data in left.items():
        assert name.startswith(".")
        assert BODY.startswith(data)


@pytest.mark.fault("G20")
def test_what_a_kill_has_left_behind_does_not_disturb_the_next_run(folder):
    with listening() as door:
        with client_of(door, target="copy", folder=folder) as client:
            meet(door, client).send(HELLO).hear(len(HELLO))
            client.kill()
            assert client.wait() == -signal.SIGKILL
    left = content(folder)
    assert left.pop("copy") == OLD
    assert save("copy", folder).folder == {"copy": BODY, **left}


def have_ended(clients, number):
    return [client.running for client in clients].count(False) >= number


@pytest.mark.fault("H10")
def test_the_temporary_file_is_private_to_the_run_and_of_the_folder_of_the_copy(folder, tmp_path):
    """Two runs at a time have two temporary files, side by side with the copy, not in $TMPDIR."""
    with listening() as door, ExitStack() as stack:
        how = {"folder": folder, "env": {"TMPDIR": str(tmp_path)}}
        clients = [
            stack.enter_context(client_of(door, "-q", target="copy", **how)) for _ in range(2)
        ]
        served = [door.accept() for _ in clients]
        assert len(content(folder)) == 3
        assert content(tmp_path) == {}
        for ended, peer in enumerate(served, 1):  # Windows replaces no file that another one reads
            peer.send(STREAM).finish().farewell()
            await_condition(partial(have_ended, clients, ended), "the end of a client")
        assert [client.wait() for client in clients] == [0, 0]
    assert content(folder) == {"copy": BODY}


@pytest.mark.fault("H1", "H2")
def test_a_folder_that_is_removed_meanwhile_is_a_failure_to_save(folder, start):
    (folder / "in").mkdir()

    def server(peer):
        peer.send(HELLO).hear(len(HELLO))
        shutil.rmtree(folder / "in")
        peer.send(file_message(BODY)).finish().farewell()

    assert_failed(play(server, target="in/copy", folder=folder, start=start), 1, "cannot save")


@pytest.mark.fault("H4")
def test_a_directory_that_appears_meanwhile_is_a_failure_to_save(folder, start):
    def server(peer):
        peer.send(HELLO).hear(len(HELLO))
        (folder / "new").mkdir()
        peer.send(file_message(BODY)).finish().farewell()

    assert_failed(play(server, target="new", folder=folder, start=start), 1, "cannot save")
    assert (folder / "new").is_dir()


def test_a_server_that_stays_cannot_keep_the_old_file_from_being_there(folder, start):
    def server(peer):
        peer.send(STREAM[:-1]).await_read()
        assert (folder / "copy").read_bytes() == OLD
        saying_and_staying()(peer)

    assert_failed(play(server, "--timeout", "0.4", folder=folder, start=start), 3)
