"""Records the captures that `cargo xtask keys` compares: real servers and clients, in clear and in TLS.

usage: lab.py DIR [CASE…]     as the first process of fresh namespaces, see network.py
       lab.py DIR --example   only keys.pcapng, with its secrets inside, and keys.truth.json

For each case DIR gets CASE.pcap, CASE.keys if there are secrets, and an entry in cases.json: the fields of `Case`.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import sys

import example
import http3
import mail
import tls
import web
from network import Network


@dataclasses.dataclass
class Case:
    """One capture."""

    name: str
    # What makes the traffic; is given the file for the secrets.
    make: object
    # The case in clear that it must equal; none if it is one itself.
    like: str | None = None
    # Columns that differ by nature.
    differs: tuple = ()
    # Columns of `ssl`: of every row, or a list with one for each row.
    ssl: dict = dataclasses.field(default_factory=dict)
    # It began in clear, which is a row of its own.
    starttls: bool = False
    # Contents that must be among the files.
    files: list = dataclasses.field(default_factory=list)


# HTTP/2 and 3 have other versions, streams and no reason phrases.
LATER_HTTP = ("version", "status_msg", "stream_id")
# Caddy tells the length of some answers only before HTTP/3.
NO_LENGTH = ("announced_bytes", "total_bytes")
# A connection for each request, or requests that overtake one another: their numbers are others.
OTHER_ORDER = ("trans_depth",)


def cases(network):
    """All of them, in order."""
    folder = network.folder

    def curl(server, *flags, **options):
        return lambda keylog: web.curl(folder, server, flags, keylog=keylog, **options)

    contents = [web.DOCUMENTS[name] for name in ("index.html", "data.json", "logo.png", "big.bin", "a file.txt")]
    contents += [request.body for request in web.REQUESTS if request.body == web.CSV]
    yield Case("clear", curl("nginx", "--http1.1", scheme="http"), files=contents)
    for openssl, iana in web.TLS12:
        flags = ["--http1.1", "--tls-max", "1.2", "--ciphers", openssl]
        ssl = {"version": "TLSv12", "cipher": iana, "resumed": False}
        yield Case(f"tls12-{openssl.lower()}", curl("nginx", *flags), "clear", ssl=ssl)
        if "CBC" in iana:
            yield Case(f"mac-first-{openssl.lower()}", curl("mac-first", *flags), "clear", ssl=ssl)
    for suite in web.TLS13:
        flags = ["--http1.1", "--tlsv1.3", "--tls13-ciphers", suite]
        ssl = {"version": "TLSv13", "cipher": suite, "resumed": False}
        yield Case(f"tls13-{suite[4:].lower().replace('_', '-')}", curl("nginx", *flags), "clear", ssl=ssl)
    for version, flags in (("12", ["--tls-max", "1.2"]), ("13", ["--tlsv1.3"])):
        ssl = {"version": f"TLSv{version}"}
        both = ["--http2", *flags]
        yield Case(f"h2-tls{version}", curl("nginx", *both, version="2"), "clear", LATER_HTTP, ssl)
        at_once = curl("nginx", *both, version="2", parallel=True)
        yield Case(f"h2-tls{version}-at-once", at_once, "clear", LATER_HTTP + OTHER_ORDER, ssl)
        # All connections but the first go on with a session known before.
        ssl = dict(ssl, resumed=[False, *[True] * (len(web.REQUESTS) - 1)])
        # In TLS 1.2 curl refuses tickets, see tls.tickets.
        for server in ("ids",) if version == "12" else ("ids", "tickets"):
            one = curl(server, "--http1.1", *flags)
            yield Case(f"resumed-tls{version}-{server}", one, "clear", OTHER_ORDER, ssl)
    yield Case("clear-few", tls.clear)
    ssl = {"version": "TLSv12", "resumed": [False, True, True, True]}
    yield Case("resumed-tls12-tickets", tls.tickets, "clear-few", OTHER_ORDER, ssl)
    for word, version in mail.VERSIONS:
        two = lambda keylog, version=version: tls.resumed_http2(keylog, version)
        ssl = {"version": version.name.replace("_", ""), "resumed": [False, True, True, True]}
        yield Case(f"resumed-h2-{word}", two, "clear-few", LATER_HTTP + OTHER_ORDER, ssl)
    yield Case("tls13-new-keys", tls.new_keys, "clear-few", ssl={"version": "TLSv13"})
    resumed = {"version": "TLSv13", "resumed": [False, True]}
    yield Case("tls13-early-data", tls.early, "clear-few", OTHER_ORDER, resumed)
    yield Case("clear-caddy", curl("caddy", "--http1.1", scheme="http"), files=contents)
    ssl = {"version": "TLSv13"}
    yield Case("caddy-tls13", curl("caddy", "--http1.1", "--tlsv1.3"), "clear-caddy", ssl=ssl)
    yield Case("caddy-h2", curl("caddy", "--http2", version="2"), "clear-caddy", LATER_HTTP, ssl)
    for suite in http3.SUITES:
        one = lambda keylog, suite=suite: http3.fetch("caddy", keylog, suite)
        name = f"h3-{suite.name.lower().replace('_', '-')}"
        yield Case(name, one, "clear-caddy", LATER_HTTP + NO_LENGTH, {"cipher": f"TLS_{suite.name}"})
    new_keys = lambda keylog: http3.fetch("caddy", keylog, new_keys=True)
    yield Case("h3-new-keys", new_keys, "clear-caddy", LATER_HTTP + NO_LENGTH)
    early = lambda keylog: http3.early("caddy", keylog)
    yield Case("h3-early-data", early, "clear-caddy", LATER_HTTP + NO_LENGTH + OTHER_ORDER)
    at_once = lambda keylog: http3.fetch("caddy", keylog, at_once=True)
    yield Case("h3-at-once", at_once, "clear-caddy", LATER_HTTP + NO_LENGTH + OTHER_ORDER)
    for name, session, ways, differs_by_way, contents in mail.SESSIONS:
        yield Case(f"clear-{name}", lambda _, run=session: run(None, "clear"), files=contents)
        for way in ways:
            begins_clear = way == "starttls"
            differs = differs_by_way.get(way, ())
            for word, version in mail.VERSIONS:
                make = lambda keylog, run=session, way=way, version=version: run(keylog, way, version)
                ssl = {"version": version.name.replace("_", "")}
                yield Case(f"{name}-{way}-{word}", make, f"clear-{name}", differs, ssl, begins_clear)


def chosen(all_cases, names):
    """The cases named, those that are like one of them, and what those are compared with."""
    some = [c for c in all_cases if not names or c.name in names or c.like in names]
    unknown = set(names) - {c.name for c in all_cases}
    if unknown:
        raise SystemExit(f"keys: no case {' '.join(unknown)}; there are: {' '.join(c.name for c in all_cases)}")
    wanted = {c.name for c in some} | {c.like for c in some}
    return [c for c in all_cases if c.name in wanted]


def entry(case):
    """What the comparison needs to know."""
    fields = {f.name: getattr(case, f.name) for f in dataclasses.fields(case) if f.name != "make"}
    return dict(fields, files=[hashlib.sha256(content).hexdigest() for content in case.files])


def main():
    folder = pathlib.Path(sys.argv[1])
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    network = Network()
    web.content(network.folder)
    web.nginx(network)
    web.caddy(network)
    mail.servers(network)
    if sys.argv[2:] == ["--example"]:
        example.record(network, folder)
    else:
        made = chosen(list(cases(network)), sys.argv[2:])
        for case in made:
            with network.recorded(folder / f"{case.name}.pcap"):
                case.make(folder / f"{case.name}.keys")
        (folder / "cases.json").write_text(json.dumps(list(map(entry, made)), indent=1))
    network.stop()


main()
