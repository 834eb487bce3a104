"""Twisted: a Protocol that can half-close, with the deadline of its TimeoutMixin.

The mixin's clock starts again only if `resetTimeout` is called; here nobody calls it.
"""

from twisted.internet import reactor
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.policies import TimeoutMixin
from zope.interface import implementer

from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, listening


@implementer(IHalfCloseableProtocol)
class Transfer(Protocol, TimeoutMixin):
    """One client."""

    received = b""

    def connectionMade(self) -> None:  # noqa: N802  (Twisted's name, as all of these)
        self.setTimeout(TIMEOUT)
        self.transport.write(HELLO)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Answer the client's hello with the file; what follows it is discarded."""
        if len(self.received) == len(HELLO):
            return
        self.received = (self.received + data)[: len(HELLO)]
        if not HELLO.startswith(self.received):
            self.transport.write(REFUSAL)
            self.transport.loseConnection()
        elif self.received == HELLO:
            self.transport.write(MESSAGE)
            self.transport.loseWriteConnection()

    def writeConnectionLost(self) -> None:  # noqa: N802
        """Our direction has ended, as it should; the client's is still open."""

    def readConnectionLost(self) -> None:  # noqa: N802
        self.transport.loseConnection()

    def timeoutConnection(self) -> None:  # noqa: N802
        self.transport.abortConnection()

    def connectionLost(self, reason: object = None) -> None:  # noqa: N802
        self.setTimeout(None)


def main() -> None:
    """Serve until killed."""
    port = reactor.listenTCP(0, Factory.forProtocol(Transfer), BACKLOG, HOST)
    listening(port.getHost().port)
    reactor.run()


if __name__ == "__main__":
    main()
