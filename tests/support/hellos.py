"""The two hello modules have what their protocols say: for mypy alone, which `make lint` runs.

A program gets its hello module by edges/dotted.py, into which mypy cannot look: it believes that
the module is a ServerHello or a ClientHello. Given both files by name, mypy knows server.hello.py
as the module server.hello, so it can compare here.
"""

from typing import TYPE_CHECKING

from edges.dotted import ClientHello, ServerHello

if TYPE_CHECKING:
    from client.hello import parse as parse_greeting
    from client.hello import reply
    from server.hello import greeting
    from server.hello import parse as parse_answer

    class Server:
        greeting = staticmethod(greeting)
        parse = staticmethod(parse_answer)

    class Client:
        reply = staticmethod(reply)
        parse = staticmethod(parse_greeting)

    server: ServerHello = Server()
    client: ClientHello = Client()
