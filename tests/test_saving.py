"""The client's copy: whole under its name, or not there, and nothing else left behind."""

import contextlib
import errno
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edges import destination, posix, saving, writing
from edges.failure import Failure
from tests.support.programs import LIMIT, ROOT, STRICT, UNMEASURED

OLD = b"the old file\n"
NEW = b"the new file, a little longer\n"
ADVICE = "; give another OUTPUT_FILE"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of our own, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(path, data=NEW):
    with saving.opened(str(path)) as copy:
        copy.write(data)
        copy.publish()


def refusal(path, data=NEW):
    """Return the one line with which saving at `path` fails."""
    with pytest.raises(Failure) as caught:
        save(path, data)
    line = str(caught.value)
    assert caught.value.status == 1
    assert line.isascii() and line.isprintable()
    assert line.endswith(ADVICE)
    return line.removesuffix(ADVICE)


def child(setup, path, after="pass", **options):
    """Save NEW at `path` in another process, between `setup` and `after`.

    It exits as client.py does.
    """
    code = f"""if True:
        import os, resource, signal, sys, time
        sys.path.insert(0, sys.argv[1])
        from edges import saving
        from edges.failure import Failure
        try:
            {setup}
            with saving.opened(sys.argv[2]) as copy:
                copy.write({NEW!r})
                copy.publish()
            {after}
        except Failure as failure:
            print(failure, file=sys.stderr)
            sys.exit(failure.status)
        except KeyboardInterrupt:
            sys.exit(130)
    """
    command = [sys.executable, *STRICT, "-c", code, str(ROOT), str(path)]
    env = {**os.environ, **options.pop("env", {})}
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=env, **options)


def outcome(process):
    """Return the exit status of `process` and what it wrote to stderr, without the advice."""
    _, said = process.communicate(timeout=LIMIT)
    return process.returncode, said.decode().replace(ADVICE, "")


# The bytes and the moment at which they appear


@pytest.mark.fault("H11")
@given(data=st.binary(max_size=80))
def test_the_copy_has_exactly_the_bytes(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("exact") / "out"
    save(path, data)
    assert path.read_bytes() == data
    assert os.listdir(path.parent) == ["out"]
    path.unlink()
    path.parent.rmdir()


def test_the_name_appears_only_when_published(here):
    with saving.opened("out") as copy:
        temporary = os.listdir()
        assert len(temporary) == 1 and temporary[0].startswith(".eighty-")
        copy.write(NEW)
        assert os.listdir() == temporary
        copy.publish()
        assert os.listdir() == ["out"]
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H2", "G11", "G19")
@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("written", [False, True])
def test_unpublished_nothing_is_left_and_the_old_file_is_untouched(here, failure, written):
    Path("out").write_bytes(OLD)
    before = os.stat("out")
    try:
        with saving.opened("out") as copy:
            if written:
                copy.write(NEW)
            if failure:
                raise failure
    except (ValueError, KeyboardInterrupt) as error:
        assert type(error) is failure
    after = os.stat("out")
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.fault("H12")
def test_a_reader_who_has_the_old_file_open_keeps_reading_it(here):
    Path("out").write_bytes(OLD)
    with open("out", "rb") as reader:
        save("out")
        assert reader.read() == OLD
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H13")
def test_bytes_then_name_then_folder_go_to_the_disk_in_this_order(here, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        calls.append("fsync of the folder" if is_folder else "fsync of the file")
        fsync(descriptor)

    def record_replace(*names, **folders):
        calls.append("rename")
        replace(*names, **folders)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    save("out")
    assert calls == ["fsync of the file", "rename", "fsync of the folder"]


@pytest.mark.fault("H14")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.EACCES, errno.EIO])
def test_a_folder_that_cannot_be_synced_does_not_spoil_the_copy(here, monkeypatch, number):
    refuse(monkeypatch, "fsync", number, is_folder)
    save("out")
    assert os.listdir() == ["out"] and Path("out").read_bytes() == NEW


@pytest.mark.fault("H3")
@pytest.mark.parametrize("path", ["out", "fifo"])
def test_a_write_that_takes_one_byte_at_a_time_still_writes_all(here, monkeypatch, path):
    os.mkfifo("fifo")
    write = os.write
    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:1]))
    save(path)
    assert (os.read(reader, 100) or Path("out").read_bytes()) == NEW
    os.close(reader)


# A disk that refuses


@pytest.mark.fault("H2", "H3")
@pytest.mark.parametrize("limit", [0, 1, len(NEW) - 1])
def test_a_limit_of_the_file_size_leaves_the_old_file(here, limit):
    Path("out").write_bytes(OLD)
    setup = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    process = child(setup, "out", env=UNMEASURED)
    assert outcome(process) == (1, "cannot save 'out': file too large\n")
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


@pytest.mark.fault("H2", "H3")
def test_a_limit_of_the_file_size_that_is_just_enough_is_enough(here):
    setup = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(NEW)}, {len(NEW)}))"
    assert outcome(child(setup, "out", env=UNMEASURED)) == (0, "")
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H1", "H2", "H18")
@pytest.mark.parametrize(
    ("owner", "name", "what"),
    [
        (os, "open", "cannot write in '.'"),
        (os, "chmod", "cannot keep the mode 0600 of 'out'"),
        (os, "write", "cannot save 'out'"),
        (os, "fsync", "cannot save 'out'"),
        (os, "replace", "cannot save 'out'"),
    ],
)
@pytest.mark.parametrize(
    "number",
    [
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.EBUSY, errno.ETXTBSY),  # CIFS, FUSE: another program has the file open
        errno.ESTALE,  # NFS: it was removed at the server
    ],
)
def test_whatever_call_fails_the_old_file_stays_and_nothing_else(
    here, monkeypatch, owner, name, what, number
):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    Path("out").write_bytes(OLD)
    os.chmod("out", 0o600)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        assert refusal("out") == f"{what}: {os.strerror(number).lower()}"
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


def test_a_name_that_the_system_cannot_give_to_a_file_is_refused(here, monkeypatch):
    monkeypatch.setattr(destination, "bad_name", lambda name: "a device" * (name == "NUL"))
    assert refusal("NUL") == "cannot save 'NUL': a device"
    assert os.listdir() == []


@pytest.mark.fault("H2", "H6")
def test_a_full_device_is_reported():
    assert refusal("/dev/full") == "cannot save '/dev/full': no space left on device"


@pytest.mark.fault("G19")
@pytest.mark.parametrize(("owner", "name"), [(os, "write"), (os, "fsync"), (os, "replace")])
def test_an_interrupt_in_any_call_leaves_nothing(here, monkeypatch, owner, name):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    Path("out").write_bytes(OLD)
    monkeypatch.setattr(owner, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        save("out")
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


def test_what_is_forced_to_the_disk_as_a_folder_is_one_also_without_a_flag_for_that(
    here, monkeypatch
):
    Path("out").write_bytes(OLD)
    with pytest.raises(NotADirectoryError):
        writing.sync_folder("out", None)
    monkeypatch.delattr(os, "O_DIRECTORY")  # POSIX has it since 2008 only
    writing.sync_folder(".", None)


# The mode of the new file


@pytest.mark.fault("H7")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0, 0o666)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(here, umask, mode):
    before = os.umask(umask)
    try:
        save("out")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat("out").st_mode) == mode


@pytest.mark.fault("H7")
@pytest.mark.parametrize("mode", [0o640, 0o600, 0o666, 0o755])
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_an_old_file_passes_its_mode_on(here, mode, umask):
    Path("out").write_bytes(OLD)
    os.chmod("out", mode)
    before = os.umask(umask)
    try:
        save("out")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat("out").st_mode) == mode


@pytest.mark.fault("H7")
def test_set_user_id_is_not_passed_on(here):
    Path("out").write_bytes(OLD)
    os.chmod("out", 0o6755)
    save("out")
    assert stat.S_IMODE(os.stat("out").st_mode) == 0o755


# What a file system may refuse


def refuse(monkeypatch, name, number, when=lambda *_, **__: True):
    """Let os.NAME fail with error `number` where `when` is true of its arguments."""
    real = getattr(os, name)

    def call(*arguments, **more):
        if when(*arguments, **more):
            raise OSError(number, os.strerror(number))
        return real(*arguments, **more)

    monkeypatch.setattr(os, name, call)


def is_folder(descriptor):
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def test_a_folder_that_cannot_be_closed_properly_spoils_no_copy(here, monkeypatch):
    closed, close = [], os.close

    def fail(descriptor):
        folder = is_folder(descriptor)
        close(descriptor)
        if folder:
            closed.append(descriptor)
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "close", fail)
    save("out")
    assert closed and Path("out").exists()


def names_folder(path, flags, *_, **__):
    return bool(flags & os.O_DIRECTORY)


ALWAYS = None
FILE_SYSTEMS = {  # what each may refuse: call, error, and where
    "FAT": [("chmod", errno.EPERM, ALWAYS), ("link", errno.EPERM, ALWAYS)],
    "CIFS": [
        *(("chmod", errno.EACCES, ALWAYS), ("link", errno.ENOTSUP, ALWAYS)),
        ("fsync", errno.EINVAL, is_folder),
    ],
    "NFS": [
        *(("chmod", errno.EPERM, ALWAYS), ("fsync", errno.EACCES, is_folder)),
        ("open", errno.ESTALE, names_folder),
    ],
    "WSL": [
        *(("chmod", errno.EPERM, ALWAYS), ("fsync", errno.EINVAL, ALWAYS)),
        *(("open", errno.EACCES, names_folder), ("link", errno.EPERM, ALWAYS)),
    ],
}


@pytest.mark.fault("H14")
@pytest.mark.parametrize("old", [None, OLD])
@pytest.mark.parametrize("refused", FILE_SYSTEMS.values(), ids=FILE_SYSTEMS)
def test_a_file_system_that_can_do_little_gets_an_exact_copy(here, monkeypatch, refused, old):
    if old:
        Path("out").write_bytes(old)
        os.chmod("out", 0o666)
    for name, number, when in refused:
        refuse(monkeypatch, name, number, *[when] * bool(when))
    save("out")
    assert os.listdir() == ["out"] and Path("out").read_bytes() == NEW


@pytest.mark.fault("H2", "H17")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EBUSY, errno.EIO, errno.ESTALE])
def test_a_temporary_file_that_cannot_be_removed_stays_and_hides_no_error(
    here, monkeypatch, number
):
    Path("out").write_bytes(OLD)
    with monkeypatch.context() as patch:
        refuse(patch, "unlink", number)
        refuse(patch, "replace", errno.EIO)
        assert refusal("out") == "cannot save 'out': input/output error"
    [temporary] = set(os.listdir()) - {"out"}
    assert temporary.startswith(".eighty-") and Path("out").read_bytes() == OLD
    save("out")
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H1", "H18")
@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_an_old_file_that_cannot_be_looked_at_is_refused_before_connecting(
    here, monkeypatch, number
):
    Path("out").write_bytes(OLD)
    with monkeypatch.context() as patch:
        refuse(patch, "stat", number)
        with pytest.raises(Failure) as caught:
            saving.opened("out")
    assert str(caught.value) == f"cannot save 'out': {os.strerror(number).lower()}" + ADVICE
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


MODES = {  # old mode, umask, saved?
    "the same": (0o644, 0o022, True),
    "the new one is more open to others": (0o600, 0o022, False),
    "the new one is more open to the group": (0o604, 0o022, False),
    "the new one could be written by others": (0o644, 0o000, False),
    "the old one was more open": (0o666, 0o022, True),
    "only the permission to execute differs": (0o755, 0o022, True),
    "the old one was closed to its owner": (0o244, 0o022, True),
}


@pytest.mark.fault("H14")
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EINVAL, errno.EROFS])
@pytest.mark.parametrize(("mode", "umask", "saved"), MODES.values(), ids=MODES)
def test_a_mode_that_is_refused_matters_only_if_more_people_could_read_or_write(
    here, monkeypatch, number, mode, umask, saved
):
    Path("out").write_bytes(OLD)
    os.chmod("out", mode)
    chmod = os.chmod
    refuse(monkeypatch, "chmod", number)
    before = os.umask(umask)
    try:
        if saved:
            save("out")
        else:
            why = f"cannot keep the mode {mode:04o} of 'out': {os.strerror(number).lower()}"
            assert refusal("out") == why
    finally:
        os.umask(before)
    chmod("out", 0o600)
    assert Path("out").read_bytes() == (NEW if saved else OLD)
    assert os.listdir() == ["out"]


@pytest.mark.fault("H14")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_fsync_gets_the_copy_all_the_same(here, monkeypatch, number):
    refuse(monkeypatch, "fsync", number)
    save("out")
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H13", "H14")
@pytest.mark.parametrize("known", [True, False])
def test_on_macos_the_cache_of_the_disk_is_emptied_where_that_is_known(here, monkeypatch, known):
    calls = []

    def fcntl(_descriptor, command):
        calls.append(command)
        if not known:
            raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(posix, "FULL_FSYNC", 51)
    monkeypatch.setattr("fcntl.fcntl", fcntl)
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append("fsync"), fsync(descriptor)))
    save("out")
    folder = ["fsync"]
    assert calls == ([51] if known else [51, "fsync"]) + folder


@pytest.mark.fault("H2", "H13")
def test_on_macos_an_error_of_the_disk_is_not_lost_between_two_calls(here, monkeypatch):
    """The kernel reports it once: fsync, called after F_FULLFSYNC, may find nothing wrong."""

    def fcntl(_descriptor, _command):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    Path("out").write_bytes(OLD)
    monkeypatch.setattr(posix, "FULL_FSYNC", 51)
    monkeypatch.setattr("fcntl.fcntl", fcntl)
    assert refusal("out") == "cannot save 'out': input/output error"
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


@pytest.mark.fault("H14")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.ESTALE])
@pytest.mark.parametrize("old", [None, OLD])
def test_without_a_descriptor_of_the_folder_its_path_is_used(here, monkeypatch, old, number):
    os.mkdir("there")
    if old:
        Path("there/out").write_bytes(old)
    refuse(monkeypatch, "open", number, names_folder)
    save("there/out")
    assert os.listdir("there") == ["out"] and Path("there/out").read_bytes() == NEW


@pytest.mark.fault("H4", "H14")
def test_where_no_call_takes_the_descriptor_of_a_folder_none_is_opened(here, monkeypatch):
    """On Windows the open of a folder fails, but that of a file that is named as one does not."""
    opened = []
    real = os.open

    def without_folders(path, *arguments, dir_fd=None):
        assert dir_fd is None
        opened.append(path)
        return real(path, *arguments)

    monkeypatch.setattr(saving, "HOLDS_FOLDERS", False)
    monkeypatch.setattr(os, "open", without_folders)
    Path("file").write_bytes(OLD)
    assert refusal("file/out") == "cannot save 'file/out': not a directory"
    os.mkdir("there")
    save("there/out")
    assert "file" not in opened
    assert Path("there/out").read_bytes() == NEW


@pytest.mark.fault("H14")
def test_the_file_is_closed_before_it_gets_its_name(here, monkeypatch):
    """CIFS, some FUSE mounts and Windows do not rename an open file."""
    closed = []
    close, replace = os.close, os.replace

    def record(descriptor):
        closed.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        close(descriptor)

    def published(temporary, name, **folders):
        assert temporary in closed
        replace(temporary, name, **folders)

    monkeypatch.setattr(os, "close", record)
    monkeypatch.setattr(os, "replace", published)
    save("out")
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H2", "H14")
@pytest.mark.parametrize(
    "number", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.EINTR]
)
def test_a_close_may_be_the_call_that_says_that_the_disk_is_full(here, monkeypatch, number):
    """NFS may keep bytes until then. An interrupt says nothing about them."""
    Path("out").write_bytes(OLD)
    close = os.close

    def closed(descriptor):
        is_copy = ".eighty-" in os.readlink(f"/proc/self/fd/{descriptor}")
        close(descriptor)
        if is_copy:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "close", closed)
    if number == errno.EINTR:
        save("out")
    else:
        assert refusal("out") == f"cannot save 'out': {os.strerror(number).lower()}"
    assert Path("out").read_bytes() == (NEW if number == errno.EINTR else OLD)
    assert os.listdir() == ["out"]


@pytest.mark.fault("H6", "H14")
def test_where_descriptors_are_files_of_a_folder_they_are_found_too(here, monkeypatch):
    """As /dev/fd is on macOS: it has no links, and stat describes the file itself."""
    os.mkdir("fd")
    monkeypatch.setattr(destination, "OWN_DESCRIPTORS", ("fd",))
    reader, writer = os.pipe()
    Path(f"fd/{writer}").write_bytes(b"")
    Path("link").symlink_to(f"fd/{writer}")
    for path in (f"fd/{writer}", "link"):
        save(path)
        assert os.read(reader, 100) == NEW
    Path("fd/name").write_bytes(OLD)
    save("fd/name")  # no number: a file like any other
    os.close(reader)
    os.close(writer)
    assert Path("fd/name").read_bytes() == NEW and Path("link").is_symlink()


# Saved, or replaced


@pytest.mark.fault("H16")
@pytest.mark.parametrize(
    ("old", "verb"),
    [
        (None, "saved"),
        (NEW, "saved"),
        (OLD, "replaced"),
        (NEW + b"x", "replaced"),
        (NEW[:-1], "replaced"),
        (b"", "replaced"),
    ],
)
def test_replaced_means_that_the_old_file_had_other_bytes(here, old, verb):
    if old is not None:
        Path("out").write_bytes(old)
    Path("link").symlink_to("out")
    with saving.opened("link") as copy:
        copy.write(NEW)
        copy.publish()
        assert copy.verb == verb
    assert Path("out").read_bytes() == NEW


@pytest.mark.fault("H16")
@pytest.mark.parametrize("name", ["open", "read"])
def test_an_old_file_that_cannot_be_read_counts_as_other_bytes(here, monkeypatch, name):
    Path("out").write_bytes(NEW)
    refuse(monkeypatch, name, errno.EACCES, lambda what, *_, **__: what == "out" or name == "read")
    with saving.opened("out") as copy:
        copy.write(NEW)
        copy.publish()
        assert copy.verb == "replaced"


def test_a_stream_is_never_replaced(here):
    with saving.opened("/dev/null") as copy:
        copy.write(NEW)
        copy.publish()
        assert copy.verb == "saved"


# Names


@pytest.mark.fault("H5")
@pytest.mark.parametrize("old", [None, OLD])
def test_a_link_stays_and_what_it_leads_to_is_replaced_or_made(here, old):
    os.mkdir("there")
    Path("link").symlink_to("there/second")
    Path("there/second").symlink_to("target")  # relative to the folder of the link
    if old:
        Path("there/target").write_bytes(old)
    with saving.opened("link") as copy:
        assert any(name.startswith(".eighty-") for name in os.listdir("there"))
        copy.write(NEW)
        copy.publish()
    assert sorted(os.listdir()) == ["link", "there"]
    assert sorted(os.listdir("there")) == ["second", "target"]
    assert os.path.islink("link") and os.path.islink("there/second")
    assert not os.path.islink("there/target") and Path("there/target").read_bytes() == NEW


@pytest.mark.fault("H5")
def test_an_absolute_link_is_followed(here):
    os.mkdir("there")
    Path("link").symlink_to(here / "there" / "target")
    save("link")
    assert Path("there/target").read_bytes() == NEW and os.path.islink("link")


@pytest.mark.fault("H4", "H5", "H9", "H1")
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("folder", "cannot save 'folder': it is a directory"),
        ("folder/", "cannot save 'folder/': it is a directory"),
        (".", "cannot save '.': it is a directory"),
        ("..", "cannot save '..': it is a directory"),
        ("/", "cannot save '/': it is a directory"),
        ("link-to-folder", "cannot save 'link-to-folder': it is a directory"),
        ("loop", "cannot save 'loop': too many levels of symbolic links"),
        ("", "cannot save '': no such file or directory"),
        ("new/", "cannot save 'new/': no such file or directory"),
        ("new/.", "cannot save 'new/.': no such file or directory"),
        ("new/..", "cannot write in 'new': no such file or directory"),
        ("new/../out", "cannot write in 'new/..': no such file or directory"),
        ("new/out", "cannot write in 'new': no such file or directory"),
        ("file/", "cannot save 'file/': not a directory"),
        ("file/out", "cannot save 'file/out': not a directory"),
        ("dangling/", "cannot save 'dangling/': no such file or directory"),
        ("dangling-far", "cannot write in 'new': no such file or directory"),
        ("\x1b[2J\udcff\n/x", r"cannot write in '\x1b[2J\xff\n': no such file or directory"),
        ("n" * 256, f"cannot save '{'n' * 256}': file name too long"),
    ],
)
def test_a_name_that_no_copy_can_have_is_refused_before_connecting(here, path, line):
    os.mkdir("folder")
    Path("file").write_bytes(OLD)
    Path("link-to-folder").symlink_to("folder")
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("nowhere")
    Path("dangling-far").symlink_to("new/nowhere")
    before = sorted(os.listdir())
    with pytest.raises(Failure) as caught, saving.opened(path):
        pytest.fail("entered")
    assert (str(caught.value), caught.value.status) == (line + ADVICE, 1)
    assert sorted(os.listdir()) == before and os.listdir("folder") == []


@pytest.mark.fault("H9")
def test_a_name_with_a_nul_is_refused(here):
    assert re.fullmatch(r"cannot save 'nul\\x00': .*embedded null.*", refusal("nul\0"))


@pytest.mark.fault("H9")
@pytest.mark.parametrize(
    "path", ["n" * 255, "-x", "--help", "\udcff\udc80", "two\nlines", " ", "...", "./-", "ü"]
)
def test_any_other_name_is_fine(here, path):
    save(path)
    assert os.listdir() == [os.path.basename(path)]
    assert Path(path).read_bytes() == NEW


@pytest.mark.parametrize(
    ("path", "name"), [("out", "'out'"), ("-", "'-'"), ("\x1b\udcff", r"'\x1b\xff'")]
)
def test_the_name_to_show_is_escaped(here, path, name):
    assert saving.opened(path).name == name


@pytest.mark.fault("H10")
def test_a_temporary_name_that_somebody_has_taken_is_not_followed_and_not_removed(
    here, monkeypatch
):
    Path("victim").write_bytes(OLD)
    Path(".eighty-6775657373").symlink_to("victim")
    monkeypatch.setattr(os, "urandom", lambda _: b"guess")
    assert refusal("out") == "cannot write in '.': file exists"
    assert sorted(os.listdir()) == [".eighty-6775657373", "victim"]
    assert Path("victim").read_bytes() == OLD


@pytest.mark.fault("H10")
def test_two_copies_of_one_name_do_not_meet(here):
    with saving.opened("out") as one, saving.opened("out") as two:
        assert len(os.listdir()) == 2
        two.write(NEW)
        one.write(OLD)
        two.publish()
        one.publish()
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


@pytest.mark.fault("H12")
def test_of_many_copies_at_once_one_is_there_whole(here):
    bodies = [bytes([65 + number]) * 3 * number + b"\n" for number in range(20)]
    threads = [threading.Thread(target=save, args=("out", body)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.listdir() == ["out"] and Path("out").read_bytes() in bodies


@pytest.fixture
def meanwhile(monkeypatch):
    """Let something be done to the name between the first look at it and the second."""
    stat = os.stat

    def let(act):
        def look(*path, **how):
            monkeypatch.setattr(os, "stat", stat)
            found = stat(*path, **how)
            act()
            return found

        monkeypatch.setattr(os, "stat", look)

    return let


@pytest.mark.fault("H12")
def test_a_name_that_another_copy_takes_meanwhile_is_replaced_and_not_written_into(here, meanwhile):
    def take_the_name():
        Path("other").write_bytes(OLD)
        os.replace("other", "out")

    Path("out").write_bytes(OLD)
    meanwhile(take_the_name)
    with saving.opened("out") as copy, open("out", "rb") as other:
        copy.write(NEW)
        copy.publish()
        assert other.read() == OLD and Path("out").read_bytes() == NEW


@pytest.mark.fault("H5")
def test_a_loop_of_links_made_meanwhile_comes_to_an_end(here, meanwhile):
    def make_a_loop():
        os.unlink("out")
        os.symlink("out", "out")

    Path("out").write_bytes(OLD)
    meanwhile(make_a_loop)
    assert refusal("out") == "cannot save 'out': it may not be written"
    assert os.listdir() == ["out"] and os.path.islink("out")


def test_a_folder_that_is_renamed_meanwhile_takes_the_copy_with_it(here):
    os.mkdir("here")
    with saving.opened("here/out") as copy:
        os.rename("here", "there")
        copy.write(NEW)
        copy.publish()
    assert os.listdir() == ["there"] and os.listdir("there") == ["out"]
    assert Path("there/out").read_bytes() == NEW


def test_in_a_folder_that_is_renamed_meanwhile_nothing_is_left(here):
    os.mkdir("here")
    with saving.opened("here/out"):
        os.rename("here", "there")
    assert os.listdir("there") == []


def test_another_hard_link_keeps_the_old_bytes_as_admitted(here):
    Path("out").write_bytes(OLD)
    os.link("out", "other")
    save("out")
    assert Path("other").read_bytes() == OLD and Path("out").read_bytes() == NEW


# Permissions, as somebody who is not root

NOT_ROOT = "os.getuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))"


@pytest.mark.fault("H8")
def test_an_old_file_that_may_not_be_written_is_not_replaced_although_the_folder_allows_it(here):
    os.chmod(here, 0o777)
    Path("out").write_bytes(OLD)
    os.chmod("out", 0o444)
    assert outcome(child(NOT_ROOT, "out", env=UNMEASURED)) == (
        1,
        "cannot save 'out': it may not be written\n",
    )
    assert os.listdir() == ["out"] and Path("out").read_bytes() == OLD


@pytest.mark.fault("H8")
def test_a_user_who_may_not_write_is_refused(here, monkeypatch):
    Path("out").write_bytes(OLD)
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != ("out", os.W_OK))
    assert refusal("out") == "cannot save 'out': it may not be written"


@pytest.mark.fault("H1")
def test_a_folder_that_may_not_be_written_is_reported(here):
    os.chmod(here, 0o555)
    assert outcome(child(NOT_ROOT, "out", env=UNMEASURED)) == (
        1,
        "cannot write in '.': permission denied\n",
    )
    assert os.listdir() == []


@pytest.mark.fault("H1")
def test_a_folder_that_may_not_be_listed_is_enough(here):
    os.mkdir("letter-box")
    os.chmod("letter-box", 0o333)
    os.chmod(here, 0o755)
    if os.getuid() == 0:
        os.chown("letter-box", 65534, 65534)
    assert outcome(child(NOT_ROOT, "letter-box/out", env=UNMEASURED)) == (0, "")
    os.chmod("letter-box", 0o755)
    assert Path("letter-box/out").read_bytes() == NEW


@pytest.mark.fault("H6", "H8")
def test_a_device_that_may_not_be_written_is_reported_before_connecting(here):
    os.chmod(here, 0o755)
    os.mkfifo("fifo")
    os.chmod("fifo", 0o444)
    assert outcome(child(NOT_ROOT, "fifo", env=UNMEASURED)) == (
        1,
        "cannot save 'fifo': it may not be written\n",
    )


# Streams: FIFOs, devices, standard output


@pytest.mark.fault("H6")
def test_a_fifo_gets_the_bytes_and_stays_a_fifo(here):
    os.mkfifo("fifo")
    with saving.opened("fifo") as copy:
        assert os.listdir() == ["fifo"]  # nothing temporary
        reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
        copy.write(NEW)
        copy.publish()
    assert os.read(reader, 100) == NEW
    assert os.read(reader, 100) == b""
    os.close(reader)
    assert os.listdir() == ["fifo"] and stat.S_ISFIFO(os.stat("fifo").st_mode)


@pytest.mark.fault("H6")
def test_a_fifo_without_a_reader_is_waited_for(here):
    os.mkfifo("fifo")
    process = child("print(file=sys.stderr, flush=True)", "fifo")
    assert process.stderr.read(1) == b"\n"  # it is about to open the FIFO, or does already
    with open("fifo", "rb") as reader:
        assert reader.read() == NEW
    assert outcome(process) == (0, "")


@pytest.mark.fault("H6", "G19")
def test_ctrl_c_ends_the_wait_for_the_reader_of_a_fifo(here):
    os.mkfifo("fifo")
    setup = "os.open = lambda *a, f=os.open: (print(file=sys.stderr, flush=True), f(*a))[1]"
    process = child(setup, "fifo")
    assert process.stderr.read(1) == b"\n"
    time.sleep(0.05)  # from the line before open(2) to the wait in it; if it is late: no harm
    process.send_signal(signal.SIGINT)
    assert outcome(process) == (130, "")
    assert os.listdir() == ["fifo"]


@pytest.mark.fault("H6")
def test_a_fifo_whose_reader_goes_is_reported(here):
    os.mkfifo("fifo")
    real = os.open

    def open_and_lose_the_reader(*args):
        reader = real("fifo", os.O_RDONLY | os.O_NONBLOCK)
        descriptor = real(*args)
        os.close(reader)
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_and_lose_the_reader)
        assert refusal("fifo") == "cannot save 'fifo': broken pipe"


@pytest.mark.fault("H6")
def test_a_fifo_that_is_gone_is_not_made_into_a_file(here):
    os.mkfifo("fifo")
    with pytest.raises(Failure, match="no such file"), saving.opened("fifo") as copy:
        os.unlink("fifo")
        copy.write(NEW)
    assert os.listdir() == []


@pytest.mark.fault("H6")
@pytest.mark.parametrize("by_link", [False, True])
def test_a_device_is_written_to_and_stays_the_same_device(here, by_link):
    path = "/dev/null"
    if by_link:
        Path("link").symlink_to(path)
        path = "link"
    before = os.stat("/dev/null")
    save(path)
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode)
    assert (before.st_dev, before.st_ino, before.st_mode) == (
        after.st_dev,
        after.st_ino,
        after.st_mode,
    )


STDOUT = [
    "-",
    "/dev/stdout",
    "/dev//stdout",
    "/dev/fd/1",
    "/proc/self/fd/1",
    "/proc/thread-self/fd/1",
]


@pytest.mark.fault("H6")
@pytest.mark.parametrize("path", STDOUT)
def test_standard_output_that_is_a_pipe_gets_the_bytes(here, path):
    process = child("pass", path, stdout=subprocess.PIPE)
    copy, said = process.communicate(timeout=LIMIT)
    assert (copy, said, process.returncode) == (NEW, b"", 0)
    assert os.listdir() == []


@pytest.mark.fault("H6")
@pytest.mark.parametrize("path", STDOUT)
def test_standard_output_that_is_a_file_goes_on_where_it_is(here, path):
    with open("log", "wb") as log:
        log.write(OLD)
        log.flush()
        assert outcome(child("pass", path, stdout=log)) == (0, "")
        log.write(b"and more\n")
    assert Path("log").read_bytes() == OLD + NEW + b"and more\n"
    assert os.listdir() == ["log"]


@pytest.mark.fault("H6")
@pytest.mark.parametrize("path", STDOUT)
def test_standard_output_that_is_a_socket_gets_the_bytes(path):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert outcome(child("pass", path, stdout=theirs)) == (0, "")
        assert ours.recv(100) == NEW


@pytest.mark.fault("H6", "E10")
@pytest.mark.parametrize("path", STDOUT)
def test_standard_output_whose_reader_has_gone_is_reported(path):
    reader, writer = os.pipe()
    os.close(reader)
    process = child("pass", path, stdout=writer)
    os.close(writer)
    assert outcome(process) == (1, f"cannot save '{path}': broken pipe\n")


@pytest.mark.fault("E10")
def test_standard_output_that_was_closed_and_is_now_a_read_only_null_device_is_reported():
    with open("/dev/null", "rb") as null:
        process = child("pass", "-", stdout=null)
    assert outcome(process) == (1, "cannot save '-': bad file descriptor\n")


@pytest.mark.fault("E10")
def test_standard_output_that_is_closed_is_reported():
    assert outcome(child("os.close(1)", "-")) == (1, "cannot save '-': bad file descriptor\n")


@pytest.mark.fault("H2", "H6")
def test_standard_output_on_a_full_device_is_reported():
    with open("/dev/full", "wb") as full:
        process = child("pass", "-", stdout=full)
    assert outcome(process) == (1, "cannot save '-': no space left on device\n")


@pytest.mark.fault("H3", "H6")
def test_a_full_non_blocking_standard_output_is_waited_for_without_spinning(here):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filled = fill(writer)
    process = child(TELL_WHEN_WAITING, "-", stdout=writer)
    os.close(writer)
    assert process.stderr.read(1) == b"w"
    received = read_to_the_end(reader)
    os.close(reader)
    assert outcome(process) == (0, "")
    assert received == b"." * filled + NEW


@pytest.mark.fault("H15")
@pytest.mark.parametrize("path", ["-", "/dev/fd/1100"])
def test_a_descriptor_above_1023_can_be_waited_for(here, path, not_here):
    """Descriptors are inherited by the hundred from some parents; select takes only the first."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1200:
        not_here("a hard limit of 1,200 open files")
    setup = (
        """resource.setrlimit(resource.RLIMIT_NOFILE, (1200, 1200))
            while os.open("/dev/null", os.O_RDONLY) < 1100:
                pass
            os.dup2(1, 1100)"""
        + TELL_WHEN_WAITING
    )
    reader, writer = os.pipe()
    filled = fill(writer)
    process = child(setup, path, stdout=writer, env=UNMEASURED)
    os.close(writer)
    assert process.stderr.read(1) == b"w"
    received = read_to_the_end(reader)
    os.close(reader)
    assert outcome(process) == (0, "")
    assert received == b"." * filled + NEW


TELL_WHEN_WAITING = """
            import select
            real_poll, real_write, refused = select.poll, os.write, []
            def write(*args):
                try:
                    return real_write(*args)
                except BlockingIOError:
                    refused.append(args)
                    if len(refused) == 10:
                        sys.exit("spinning")
                    raise
            def poll():
                if len(refused) == 1:
                    print(end="w", file=sys.stderr, flush=True)
                return real_poll()
            os.write, select.poll = write, poll
"""


def fill(descriptor):
    """Fill the pipe behind `descriptor` to the last byte, and return how many that took.

    It is non-blocking from then on.
    """
    os.set_blocking(descriptor, False)
    total = 0
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                total += os.write(descriptor, b"." * size)
    return total


def read_to_the_end(descriptor):
    received = b""
    while more := os.read(descriptor, 65536):
        received += more
    return received


@pytest.mark.fault("H6")
@pytest.mark.parametrize("folder", ["/proc/self/fd", "/dev/fd"])
@pytest.mark.parametrize("is_named", [False, True])
def test_an_open_file_is_written_to_through_the_descriptor_given(here, folder, is_named):
    with open("out", "w+b") as file:
        file.write(OLD)
        file.flush()
        if not is_named:
            os.unlink("out")
        os.symlink(f"{folder}/{file.fileno()}", "link")
        save("link")
        file.write(OLD)
        file.seek(0)
        assert file.read() == OLD + NEW + OLD  # where it is, as with standard output
    assert sorted(os.listdir()) == ["link", "out"][: 1 + is_named] and os.path.islink("link")


@pytest.mark.fault("H6")
def test_an_open_file_of_another_process_is_written_to_and_not_replaced(here):
    Path("out").write_bytes(OLD * 9)
    with open("out", "rb") as file:
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[file.fileno()])
        try:
            save(f"/proc/{process.pid}/fd/{file.fileno()}")
        finally:
            process.communicate()
        assert file.read() == NEW
    assert os.listdir() == ["out"]


@pytest.mark.fault("H6")
def test_an_open_file_without_a_name_is_not_mistaken_for_another_that_has_its_description(here):
    with open("out", "w+b") as file:
        os.unlink("out")
        path = f"/proc/self/fd/{file.fileno()}"
        described = os.path.basename(os.readlink(path))  # "out (deleted)"
        Path(described).write_bytes(OLD)
        save(path)
        file.seek(0)
        assert file.read() == NEW
        assert Path(described).read_bytes() == OLD
    assert os.listdir() == [described]


@pytest.mark.fault("H5", "H6")
def test_a_loop_by_way_of_the_description_of_an_open_file_comes_to_an_end(here):
    with open("out", "w+b") as file:
        os.unlink("out")
        path = f"/proc/self/fd/{file.fileno()}"
        described = os.path.basename(os.readlink(path))
        Path(described).symlink_to(path)
        save(path)
        file.seek(0)
        assert file.read() == NEW
    assert os.listdir() == [described] and os.path.islink(described)


@pytest.mark.fault("H6")
def test_a_pipe_that_has_only_a_description_is_written_to(here):
    reader, writer = os.pipe()
    save(f"/proc/self/fd/{writer}")
    os.close(writer)
    assert os.read(reader, 100) == NEW
    os.close(reader)
    assert os.listdir() == []


@pytest.mark.fault("H6")
def test_a_terminal_is_written_to_and_not_adopted():
    ours, theirs = os.openpty()
    process = child("os.setsid()", os.ttyname(theirs), after="os.open('/dev/tty', os.O_RDWR)")
    assert "No such device or address: '/dev/tty'" in outcome(process)[1]
    os.close(theirs)
    assert os.read(ours, 100) == NEW.replace(b"\n", b"\r\n")  # so terminals show lines
    os.close(ours)


# Killed at any moment


@pytest.mark.fault("G20")
def test_killed_at_any_moment_the_file_is_the_old_or_the_new_one(here):
    Path("out").write_bytes(OLD)
    setup = (
        "print(file=sys.stderr, flush=True)\n"
        "            while True:\n"
        f"                for body in ({OLD!r}, {NEW!r}):\n"
        "                    with saving.opened('out') as copy:\n"
        "                        copy.write(body); copy.publish()"
    )
    for number in range(10):
        process = child(setup, "out")
        assert process.stderr.read(1) == b"\n"
        time.sleep(number * 0.003)  # any moment
        process.kill()
        assert outcome(process) == (-signal.SIGKILL, "")
        assert Path("out").read_bytes() in (OLD, NEW)
        assert all(name == "out" or name.startswith(".eighty-") for name in os.listdir())
