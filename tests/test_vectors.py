"""The exchanges of tests/vectors.json: true by themselves, and lived through by both programs."""

from itertools import accumulate, pairwise, product
from pathlib import Path

import pytest

import protocol
from edges.dotted import load
from protocol import Damaged, PeerError, ProtocolError
from tests.support import oracle
from tests.support.exchanges import BY_NAME, EXCHANGES, Exchange
from tests.support.peers import Peer
from tests.support.programs import HELLO, Client, Server
from tests.support.sample import FULL
from tests.support.stage import (
    Start,
    assert_failed,
    assert_saved,
    assert_saved_with_warning,
    in_pairs,
    play,
    sweep,
)

ROOT = Path(__file__).parent.parent
for_servers = [one for one in EXCHANGES if one.word is not None]
for_clients = [one for one in EXCHANGES if one.status is not None]


# --- by themselves


def test_no_two_exchanges_have_one_name():
    assert len(BY_NAME) == len(EXCHANGES) > 40


def test_what_the_index_says_is_among_what_the_specification_explains():
    for one in EXCHANGES:
        assert one.status in {None, 0, 4, 5} and one.word in {None, "done", "refused"}
        assert one.status is not None or one.word is not None
        assert one.client_ends in {"at once", "after the server"}
        assert one.server_ends in {"end of stream", "reset"}
        assert sum(one.client_pieces) in {0, len(one.client)}
        assert one.says.endswith(".")


def test_the_oracle_comes_to_the_same_outcomes():
    for one in EXCHANGES:
        assert one.word in {None, oracle.server_word(one.client)}, one.name
        assert one.status in {None, oracle.client_status(one.server)}, one.name


def test_what_a_conforming_end_says_is_whole_and_legal():
    for one in EXCHANGES:
        if one.word == "refused":
            assert one.server.startswith(HELLO + b"ERROR "), one.name
            assert oracle.verdict(one.server[8:], "ERROR") == len(one.server) - 8, one.name
        elif one.word == "done":
            assert oracle.client_status(one.server) == 0, one.name
        if one.status == 0:
            assert one.client == HELLO, one.name


# --- judged by the pure functions, however the bytes are cut


def segmentations(data: bytes, pieces: tuple[int, ...] = ()) -> list[list[bytes]]:
    """Return `data` whole, byte by byte, in the given pieces, and cut in two everywhere."""
    cuts = [[len(data)], list(range(1, len(data) + 1)), list(accumulate(pieces))]
    cuts += [[place, len(data)] for place in range(1, len(data))]
    return [[data[a:b] for a, b in pairwise([0, *cut])] for cut in cuts if cut]


def server_word(pieces: list[bytes]) -> str:
    """Return how the server judges a client that sends this and ends its stream."""
    hello, received = load("server.hello", ROOT), b""
    try:
        for piece in pieces:
            received += piece
            if hello.parse(received) is not None:
                return "done"
    except ProtocolError:
        pass
    return "refused"


def client_status(pieces: list[bytes]) -> int:
    """Return the status of a client that receives this and then the end of the stream."""
    hello, received, said_hello, body = load("client.hello", ROOT), b"", False, None
    try:
        for piece in pieces:
            received += piece
            if not said_hello and (rest := hello.parse(received)) is not None:
                received, said_hello = rest, True
            if said_hello and body is None and (found := protocol.file_received(received)):
                body, received = found
            if body is not None and received:
                return 4
    except (ProtocolError, PeerError):
        return 4
    except Damaged:
        return 5
    return 5 if body is None else 0


@pytest.mark.req("W-2", "W-1")
def test_the_two_halves_of_the_server_judge_alike_in_any_segmentation():
    for one in for_servers:
        for pieces in segmentations(one.client, one.client_pieces):
            assert server_word(pieces) == one.word, (one.name, pieces)


@pytest.mark.req("W-2", "W-1", "C-14")
def test_the_two_halves_of_the_client_judge_alike_in_any_segmentation():
    for one in for_clients:
        for pieces in segmentations(one.server):
            assert client_status(pieces) == one.status, (one.name, pieces)


def test_the_refusals_shown_are_in_our_own_words():
    for one in for_servers:
        if one.word == "refused" and one.client_ends == "after the server":
            with pytest.raises(ProtocolError) as refusal:
                load("server.hello", ROOT).parse(one.client)
            assert HELLO + protocol.error_message(str(refusal.value)) == one.server, one.name


# --- lived through


def meet_server(server: Server, one: Exchange) -> None:
    """Be the client of an exchange; the server must do its part."""
    with Peer(server.connect()) as peer:
        borders = accumulate(one.client_pieces or (len(one.client),), initial=0)
        peer.send(*(one.client[start:end] for start, end in pairwise(borders)))
        if one.client_ends == "at once":
            peer.finish()
        heard = peer.hear_out()
        if one.word == "refused":
            server.settle()  # although we have not left
    server.settle()
    assert server.closings()[-1][1] == one.word
    if one.word == "done":
        assert heard == one.server
    else:
        assert heard.startswith(HELLO + b"ERROR ")
        assert oracle.verdict(heard[len(HELLO) :], "ERROR") == len(heard) - len(HELLO)


@pytest.mark.req("S-1", "S-3", "S-6", "S-8", "S-9", "S-13", "S-14", "S-22", "S-24", "S-25", "S-29")
def test_the_server_lives_through_every_exchange(tmp_path: Path):
    groups: dict[bytes, list[Exchange]] = {}
    for one in for_servers:
        groups.setdefault((one if one.word == "done" else BY_NAME["normal"]).body, []).append(one)
    for body, exchanges in groups.items():
        (tmp_path / "served").write_bytes(body)
        with Server(tmp_path / "served") as server:
            for one in exchanges:
                meet_server(server, one)


def meet_client(one: Exchange, start: Start) -> None:
    """Be the server of an exchange; the client must do its part."""
    said = b""

    def server(peer: Peer) -> None:
        nonlocal said
        peer.send(one.server)
        if one.server_ends == "reset":
            peer.await_read()
            said = peer.hear(len(one.client))
            peer.reset()
        else:
            said = peer.finish().farewell()

    outcome = play(server, start=start)
    if one.status != 0:
        assert_failed(outcome, one.status)
        assert HELLO.startswith(said)
    elif one.server_ends == "reset":
        assert_saved_with_warning(outcome, "")
    else:
        assert_saved(outcome, one.body)
        assert said == one.client


@pytest.mark.req("C-3", "C-4", "C-5", "C-8", "C-10", "C-11", "C-12", "C-13", "C-14", "C-21")
@pytest.mark.req("C-20", "C-22", "C-23")
def test_the_client_lives_through_every_exchange():
    if FULL:  # each as a user starts it
        in_pairs(lambda one: meet_client(one, Client), for_clients)
    else:
        sweep(meet_client, for_clients)


def test_an_exchange_that_comes_out_otherwise_is_noticed():
    one = BY_NAME["normal"]
    for word, status in product(["done", "refused"], [0, 4, 5]):
        right = (word, status) == ("done", 0)
        judged = (server_word([one.client]), client_status([one.server]))
        assert (judged == (word, status)) == right
