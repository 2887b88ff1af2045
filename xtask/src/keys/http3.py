"""A client for HTTP/3: the requests of the list, in one connection."""

import asyncio

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.tls import CipherSuite

from network import SERVERS
from web import AGENT, HOST, REQUESTS

SUITES = [CipherSuite.AES_128_GCM_SHA256, CipherSuite.AES_256_GCM_SHA384, CipherSuite.CHACHA20_POLY1305_SHA256]


class Client(QuicConnectionProtocol):
    """Answers are awaited by the number of their stream."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.http = H3Connection(self._quic)
        # It takes the length of what HEAD would have got for a body that is missing.
        self.http._check_content_length = lambda stream: None
        self.waiting = {}

    def quic_event_received(self, event):
        for said in self.http.handle_event(event):
            if not isinstance(said, (HeadersReceived, DataReceived)):
                continue
            answer = self.waiting.get(said.stream_id)
            if answer is None:
                continue
            if isinstance(said, HeadersReceived):
                answer.setdefault("status", int(dict(said.headers)[b":status"]))
            if said.stream_ended:
                answer["done"].set_result(answer["status"])

    def ask(self, request):
        """Sends one request; gives what to await for its status."""
        stream = self._quic.get_next_available_stream_id()
        head = [(":method", request.method), (":scheme", "https"), (":authority", HOST), (":path", request.path)]
        head += [("user-agent", AGENT)]
        head += [(name.lower(), value) for name, value in request.headers.items()]
        if request.body is not None:
            head.append(("content-length", str(len(request.body))))
        done = asyncio.get_running_loop().create_future()
        self.waiting[stream] = {"done": done}
        fields = [(name.encode(), value.encode()) for name, value in head]
        self.http.send_headers(stream, fields, end_stream=request.body is None)
        if request.body is not None:
            self.http.send_data(stream, request.body, end_stream=True)
        self.transmit()
        return done


def fetch(server, keylog, suite=None, at_once=False, requests=REQUESTS, ticket=None, new_keys=False):
    """Sends the requests and looks at their statuses; gives the last session ticket. With a ticket the first request
    is early data. `new_keys`: the keys change between requests."""
    return asyncio.run(fetching(server, keylog, suite, at_once, requests, ticket, new_keys))


def early(server, keylog):
    """One request in a session, the others in the next, which it makes possible to begin with a request."""
    ticket = fetch(server, keylog, requests=REQUESTS[:1])
    fetch(server, keylog, requests=REQUESTS[1:], ticket=ticket)


async def fetching(server, keylog, suite, at_once, requests, ticket, new_keys):
    tickets = []
    with open(keylog, "a") as log:
        settings = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, server_name=HOST, secrets_log_file=log, session_ticket=ticket
        )
        settings.verify_mode = 0
        if suite is not None:
            settings.cipher_suites = [suite]
        async with connect(
            SERVERS[server],
            443,
            configuration=settings,
            create_protocol=Client,
            session_ticket_handler=tickets.append,
            wait_connected=ticket is None,
        ) as client:
            if at_once:
                statuses = await asyncio.wait_for(asyncio.gather(*map(client.ask, requests)), 30)
            else:
                statuses = []
                for i, request in enumerate(requests):
                    if new_keys and i in (2, 4, 9):
                        client._quic.request_key_update()
                    statuses.append(await asyncio.wait_for(client.ask(request), 30))
            resumed = client._quic.tls.session_resumed and client._quic.tls.early_data_accepted
    wanted = [r.status for r in requests]
    if statuses != wanted or resumed != (ticket is not None):
        raise SystemExit(f"keys: HTTP/3: got {statuses}, resumed {resumed}, expected {wanted}")
    return tickets[-1] if tickets else None
