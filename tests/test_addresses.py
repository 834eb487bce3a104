"""Sockets that listen: on real sockets of the loopback."""

import contextlib
import errno
import os
import select
import selectors
import socket
from types import SimpleNamespace

import pytest

from edges import addresses, names
from edges.failure import Failure
from reactor import Reactor
from tests.support.programs import LIMIT

V4 = (socket.AF_INET, ("127.0.0.1", 7080))
V6 = (socket.AF_INET6, ("::1", 7080, 0, 0))
LOOP = Reactor(selectors.PollSelector())  # looks names up; it holds no descriptor
FOREIGN = "203.0.113.1"  # RFC 5737: an address of documentation, which no machine has


@pytest.fixture
def ipv6(not_here):
    """A machine that has ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        not_here(f"IPv6, listening: {error.strerror}")


needs_ipv6 = pytest.mark.usefixtures("ipv6")


@pytest.fixture(params=["127.0.0.1", "::1", None])
def host(request):
    """What may be said as --host, or not said at all."""
    if request.param == "::1":
        request.getfixturevalue("ipv6")
    return request.param


@pytest.fixture
def resolver(monkeypatch):
    """Let names mean what a test says: a dict of name -> hosts, or an exception."""
    names: dict = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, **options):
        if isinstance(names[host], Exception):
            raise names[host]
        return [real(one, port, flags=socket.AI_NUMERICHOST, **options)[0] for one in names[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


@pytest.fixture
def listen():
    """addresses.listen, whose sockets are closed at the end."""
    opened = []

    def listen_and_remember(places):
        sockets = addresses.listen(places)
        opened.extend(sockets)
        return sockets

    yield listen_and_remember
    for sock in opened:
        sock.close()


def listen_at(host, port):
    return addresses.listen(addresses.places(LOOP, host, port))


def refusal(places):
    """Return the one line with which listening at `places` fails."""
    with pytest.raises(Failure) as caught:
        addresses.listen(places)
    assert caught.value.status == 1
    return str(caught.value)


def port_of(sock):
    return sock.getsockname()[1]


def v6_only(sock):
    return bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def answers(host, port, family):
    """Tell whether somebody listens there."""
    with socket.socket(family) as client:
        return client.connect_ex((host, port)) == 0


# Listening


@pytest.mark.fault("E15")
@pytest.mark.parametrize("host", [None, "*", ""])
def test_an_asterisk_and_the_empty_string_are_all_interfaces(listen, host):
    (sock,) = listen(addresses.places(LOOP, host, 0))
    assert sock.getsockname()[0] in ("::", "0.0.0.0")
    assert answers("127.0.0.1", port_of(sock), socket.AF_INET)


@pytest.mark.fault("E12")
@needs_ipv6
@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("::ffff:127.0.0.1", r"invalid argument (this is an IPv4 address: write 127.0.0.1)"),
        ("fe80::1", r"invalid argument (a link-local address needs its interface: fe80::1%eth0)"),
    ],
)
def test_an_address_in_a_form_that_cannot_work_is_refused_with_the_right_form(host, advice):
    line = refusal(addresses.places(LOOP, host, 7080))
    assert line == f"cannot listen on [{host}]:7080: {advice}"


@needs_ipv6
@pytest.mark.fault("E4")
def test_all_interfaces_are_one_socket_for_both_families(listen):
    (sock,) = listen(addresses.places(LOOP, None, 0))
    assert sock.family == socket.AF_INET6 and not v6_only(sock)
    assert names.shown_address(sock.getsockname()) == f"[::]:{port_of(sock)}"
    assert port_of(sock) != 0
    assert answers("127.0.0.1", port_of(sock), socket.AF_INET)
    assert answers("::1", port_of(sock), socket.AF_INET6)


@pytest.fixture
def no_ipv6(monkeypatch):
    """A machine whose kernel does not know IPv6."""

    class Socket(socket.socket):
        def __init__(self, family=socket.AF_INET, *args, **options):
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *args, **options)

    monkeypatch.setattr(socket, "socket", Socket)


@pytest.mark.fault("E5")
def test_without_ipv6_all_interfaces_are_those_of_ipv4(listen, no_ipv6):
    (sock,) = listen(addresses.places(LOOP, None, 0))
    assert names.shown_address(sock.getsockname()) == f"0.0.0.0:{port_of(sock)}"
    assert answers("127.0.0.1", port_of(sock), socket.AF_INET)


@needs_ipv6
@pytest.mark.fault("E6")
def test_where_no_socket_takes_both_families_there_are_two(listen, monkeypatch):
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)  # OpenBSD
    six, four = listen(addresses.places(LOOP, None, 0))
    assert v6_only(six) and port_of(six) == port_of(four)


def test_a_listening_socket_never_blocks_and_is_ready_for_a_restart(listen, host):
    for sock in listen(addresses.places(LOOP, host, 0)):
        assert not sock.getblocking()
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
        with pytest.raises(BlockingIOError):
            sock.accept()


def test_accepting_looks_up_nothing_and_makes_the_plainest_socket(listen, monkeypatch):
    (sock,) = listen(addresses.places(LOOP, "127.0.0.1", 0))
    monkeypatch.setattr(addresses.ListeningSocket, "family", None)
    monkeypatch.setattr(addresses.ListeningSocket, "type", None)
    with socket.create_connection(sock.getsockname()[:2], timeout=LIMIT) as client:
        select.select([sock], [], [], LIMIT)
        accepted, peer = sock.accept()
        assert type(accepted) is socket.SocketType
        assert (accepted.family, accepted.type) == (socket.AF_INET, socket.SOCK_STREAM)
        assert peer == client.getsockname()
        accepted.close()


@needs_ipv6
@pytest.mark.fault("E6")
def test_a_named_ipv6_address_leaves_ipv4_to_others(listen):
    six, four = listen(addresses.places(LOOP, "::", 0) + addresses.places(LOOP, "127.0.0.1", 0))
    assert v6_only(six)
    assert port_of(four) == port_of(six)


@needs_ipv6
@pytest.mark.fault("E4", "E6")
@pytest.mark.parametrize("hosts", [["::1", "127.0.0.1"], ["127.0.0.1", "::1", "127.0.0.2"]])
def test_a_name_listens_at_all_its_addresses_on_one_port(listen, resolver, hosts):
    resolver["name"] = hosts
    sockets = listen(addresses.places(LOOP, "name", 0))
    assert [sock.getsockname()[0] for sock in sockets] == hosts
    assert len({port_of(sock) for sock in sockets}) == 1
    for sock, host in zip(sockets, hosts, strict=True):
        assert answers(host, port_of(sock), sock.family)


@pytest.fixture
def thief(monkeypatch):
    """Take, at 127.0.0.1, each of the next `thief.count` ports that are chosen at ::1."""
    real, thief = socket.create_server, SimpleNamespace(count=0, ports=[])
    stolen = []

    def create_server(address, **options):
        sock = real(address, **options)
        if address[0] == "::1" and len(thief.ports) < thief.count:
            thief.ports.append(port_of(sock))
            with contextlib.suppress(OSError):  # somebody else was faster
                stolen.append(real(("127.0.0.1", port_of(sock))))
        return sock

    monkeypatch.setattr(socket, "create_server", create_server)
    yield thief
    for sock in stolen:
        sock.close()


@pytest.mark.fault("E1", "E4")
@needs_ipv6
def test_a_chosen_port_that_is_taken_at_the_next_address_is_chosen_again(listen, resolver, thief):
    resolver["name"] = ["::1", "127.0.0.1"]
    thief.count = addresses.PORT_CHOICES // 2
    six, four = listen(addresses.places(LOOP, "name", 0))
    assert port_of(six) == port_of(four) not in thief.ports
    assert len(thief.ports) == thief.count


@pytest.mark.fault("E1", "E4")
@needs_ipv6
def test_choosing_a_port_comes_to_an_end(resolver, thief):
    resolver["name"] = ["::1", "127.0.0.1"]
    thief.count = 1000
    line = refusal(addresses.places(LOOP, "name", 0))
    assert len(thief.ports) == addresses.PORT_CHOICES
    where = f"127.0.0.1:{thief.ports[-1]}"
    assert line == f"cannot listen on {where}: address already in use; give another --port"


@pytest.mark.fault("E1")
def test_an_address_in_use_is_reported_with_what_to_do(listen, host):
    (sock,) = listen(addresses.places(LOOP, host, 0))
    where = names.shown_address(sock.getsockname())
    line = refusal(addresses.places(LOOP, host, port_of(sock)))
    assert line == f"cannot listen on {where}: address already in use; give another --port"


@needs_ipv6
@pytest.mark.fault("E1")
def test_an_address_in_use_is_fatal_also_if_it_is_not_the_first(listen, resolver):
    resolver["name"] = ["::1", "127.0.0.1"]
    six, four = listen(addresses.places(LOOP, "name", 0))
    six.close()
    line = refusal(addresses.places(LOOP, "name", port_of(four)))
    assert line.startswith(f"cannot listen on 127.0.0.1:{port_of(four)}: address already in use")
    listen(addresses.places(LOOP, "::1", port_of(four)))  # what was open already is closed


@pytest.mark.fault("E1")
def test_an_address_in_use_that_only_listen_finds_is_reported(monkeypatch):
    def listen(*_):
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(socket.socket, "listen", listen)
    line = refusal([addresses.Place(*V4, dual=False)])
    assert line == "cannot listen on 127.0.0.1:7080: address already in use; give another --port"


@pytest.mark.fault("E2")
@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "permission denied; give a --port of 1024 or more"),
        (errno.EPERM, "operation not permitted"),
        (errno.EMFILE, "too many open files"),
    ],
)
def test_whatever_refuses_the_address_is_reported(monkeypatch, number, why):
    def bind(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", bind)
    assert refusal([addresses.Place(*V4, dual=False)]) == f"cannot listen on 127.0.0.1:7080: {why}"


@pytest.mark.fault("E5")
@pytest.mark.parametrize("hosts", [[FOREIGN, "127.0.0.1"], ["127.0.0.1", FOREIGN]])
def test_an_address_that_the_machine_lacks_is_skipped_if_another_works(listen, resolver, hosts):
    resolver["name"] = hosts
    (sock,) = listen(addresses.places(LOOP, "name", 0))
    assert sock.getsockname()[0] == "127.0.0.1"


@pytest.mark.fault("E5")
def test_a_family_that_the_machine_lacks_is_skipped(listen, resolver, no_ipv6):
    resolver["name"] = ["::1", "127.0.0.1"]
    (sock,) = listen(addresses.places(LOOP, "name", 0))
    assert sock.family == socket.AF_INET


@pytest.mark.fault("E5")
@pytest.mark.parametrize("hosts", [[FOREIGN], ["::1", FOREIGN]])
def test_if_the_machine_lacks_all_addresses_the_last_is_reported(resolver, no_ipv6, hosts):
    resolver["name"] = hosts
    assert refusal(addresses.places(LOOP, "name", 7080)) == (
        f"cannot listen on {FOREIGN}:7080: cannot assign requested address; "
        "give a --host of this machine"
    )


@pytest.mark.fault("E12")
def test_a_host_that_is_no_name_is_reported():
    with pytest.raises(Failure, match=r"^cannot resolve 'a\.\.b': ") as caught:
        addresses.places(LOOP, "a..b", 7080)
    assert caught.value.status == 1


def test_many_clients_may_wait_before_the_first_is_accepted(listen, not_here):
    with open("/proc/sys/net/core/somaxconn") as limit:
        if int(limit.read()) < 300:
            not_here("net.core.somaxconn is below 300")
    (sock,) = listen(addresses.places(LOOP, "127.0.0.1", 0))
    clients = []
    for _ in range(300):
        client = socket.create_connection(sock.getsockname(), timeout=LIMIT)
        clients.append(client)
    for client in clients:
        client.close()


@pytest.mark.fault("E8")
@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOSYS])
def test_a_trial_for_room_that_is_refused_does_not_keep_us_from_listening(
    listen, monkeypatch, number
):
    def dup(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "dup", dup)
    assert listen(addresses.places(LOOP, "127.0.0.1", 0))


@pytest.mark.fault("E8")
def test_without_a_descriptor_for_one_client_there_is_no_listening(monkeypatch):
    def dup(_descriptor):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "dup", dup)
    with pytest.raises(OSError, match="Too many open files"):
        addresses.listen(addresses.places(LOOP, "127.0.0.1", 0))


# Listening again


@pytest.mark.fault("D13", "E1")
@needs_ipv6
@pytest.mark.parametrize("host", [None, "127.0.0.1", "::", "::1", "name"])
def test_listening_again_is_at_the_same_places_and_asks_no_resolver(resolver, host):
    resolver["name"] = ["::1", "127.0.0.1"]
    sockets = listen_at(host, 0)
    connect_and_leave_time_wait(sockets[0])
    before = [sock.getsockname() for sock in sockets]
    dual = [sock.family == socket.AF_INET6 and not v6_only(sock) for sock in sockets]
    places = addresses.places_of(sockets)
    for sock in sockets:
        sock.close()
    resolver.clear()
    sockets = addresses.listen(places)
    assert [sock.getsockname() for sock in sockets] == before
    assert [sock.family == socket.AF_INET6 and not v6_only(sock) for sock in sockets] == dual
    assert dual == [host is None] * len(before)
    for sock in sockets:
        sock.close()


def connect_and_leave_time_wait(listener):
    """Let the listening side close first: its port then rests in TIME_WAIT."""
    host, port = listener.getsockname()[:2]
    here = {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host)
    with socket.socket(listener.family) as client:
        client.settimeout(LIMIT)
        client.connect((here, port))
        listener.setblocking(True)
        accepted, _ = listener.accept()
        accepted.close()
        assert client.recv(1) == b""


@pytest.mark.fault("D13")
def test_a_port_that_somebody_took_meanwhile_is_reported(listen):
    (sock,) = listen(addresses.places(LOOP, "127.0.0.1", 0))
    places = addresses.places_of([sock])
    sock.close()
    listen(places)
    assert "address already in use" in refusal(places)
