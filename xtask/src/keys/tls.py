"""What curl doesn't do: sessions resumed by tickets of TLS 1.2 and in HTTP/2, early data, new keys within one."""

import pathlib
import socket
import ssl
import struct
import subprocess
import time

from network import SERVERS
from web import AGENT, HOST, REQUESTS, raw

# Of HTTP/2 (RFC 9113 §6).
DATA, HEADERS, SETTINGS, END_STREAM, END_HEADERS = 0, 1, 4, 1, 4
# For openssl's files.
FOLDER = pathlib.Path("/run/keys")
# Small ones: some are sent before an answer is awaited.
SMALL = ("/index.html", "/logo.png", "/missing.html?from=index&x=%C3%BC", "/a%20file.txt")
ASKED = [r for r in REQUESTS if r.path in SMALL]


def clear(_keylog):
    """The requests in clear."""
    with socket.create_connection((SERVERS["nginx"], 80), 5) as connection:
        connection.sendall(b"".join(raw(ASKED)))
        while connection.recv(65536):
            pass


def tickets(keylog):
    """A connection for each request; TLS 1.2 goes on by a ticket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.keylog_filename = str(keylog)
    session = None
    for request in ASKED:
        with socket.create_connection((SERVERS["nginx"], 443), 5) as plain:
            with context.wrap_socket(plain, server_hostname=HOST, session=session) as connection:
                connection.sendall(b"".join(raw([request])))
                while connection.recv(65536):
                    pass
                if connection.session_reused != (session is not None):
                    raise SystemExit("keys: TLS 1.2: the ticket was not taken")
                session = connection.session


def text(words):
    """Header fields as literals that stay out of the table (RFC 7541 §6.2.2)."""
    length = lambda word: bytes([len(word)]) + word.encode()
    return b"".join(b"\0" + length(name) + length(value) for name, value in words)


def frame(kind, flags, stream, payload=b""):
    """A frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def answered(connection):
    """Reads up to the end of stream 1."""
    held = b""
    while True:
        more = connection.recv(65536)
        held += more
        while len(held) >= 9 and len(held) >= 9 + int.from_bytes(held[:3]):
            length, kind, flags = int.from_bytes(held[:3]), held[3], held[4]
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                return
            if kind == SETTINGS and not flags:
                connection.sendall(frame(SETTINGS, 1, 0))
            held = held[9 + length :]
        if not more:
            raise SystemExit("keys: HTTP/2: no answer")


def resumed_http2(keylog, version):
    """A connection of HTTP/2 for each request; curl would resume no session."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    context.keylog_filename = str(keylog)
    session = None
    for request in ASKED:
        fields = [(":method", request.method), (":scheme", "https"), (":authority", HOST), (":path", request.path)]
        fields += [(name.lower(), value) for name, value in {"User-Agent": AGENT, **request.headers}.items()]
        with socket.create_connection((SERVERS["nginx"], 443), 5) as plain:
            with context.wrap_socket(plain, server_hostname=HOST, session=session) as connection:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
                connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, text(fields)))
                answered(connection)
                if connection.session_reused != (session is not None):
                    raise SystemExit("keys: HTTP/2: the session was not resumed")
                session = connection.session


def client(keylog, *flags, stdout=subprocess.PIPE):
    command = ["openssl", "s_client", "-connect", f"{SERVERS['nginx']}:443", "-servername", HOST, "-keylogfile", keylog]
    command = [str(c) for c in (*command, *flags)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.STDOUT)


def end(process, text=b"", statuses=len(ASKED)):
    """Waits for the end; as many answers must have come as requests were sent."""
    said, _ = process.communicate(text, timeout=20)
    if said.count(b"HTTP/1.1 ") != statuses:
        raise SystemExit(f"keys: s_client: {said[-400:]!r}")
    return said


def early(keylog):
    """Some requests in a first session, the others in the first flight of the next."""
    session, request = FOLDER / "session", FOLDER / "request"
    end(client(keylog, "-tls1_3", "-sess_out", session, "-ign_eof"), b"".join(raw(ASKED[:1])), 1)
    request.write_bytes(b"".join(raw(ASKED[1:])))
    said = end(
        client(keylog, "-tls1_3", "-sess_in", session, "-early_data", request, "-ign_eof"), b"", len(ASKED) - 1
    )
    if b"Early data was accepted" not in said:
        raise SystemExit(f"keys: s_client: no early data: {said[-400:]!r}")


def new_keys(keylog):
    """The keys change between requests, in both directions or in one; each step waits for the one before."""
    said = FOLDER / "said"
    with open(said, "wb") as out:
        process = client(keylog, "-tls1_3", stdout=out)
        for i, (request, command) in enumerate(zip(raw(ASKED), (b"K\n", b"k\n", b"K\n", None))):
            process.stdin.write(request)
            process.stdin.flush()
            until(said, b"HTTP/1.1 ", i + 1)
            if command is not None:
                process.stdin.write(command)
                process.stdin.flush()
                until(said, b"KEYUPDATE", i + 1)
        process.communicate(timeout=20)


def until(path, word, times):
    """Waits until a file has a word so many times."""
    for _ in range(400):
        if path.read_bytes().count(word) >= times:
            return
        time.sleep(0.05)
    raise SystemExit(f"keys: s_client: {path.read_bytes()[-400:]!r}")
