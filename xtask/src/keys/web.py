"""Documents, web servers, and the list of requests that every web client sends."""

import base64
import dataclasses
import json
import os
import random
import struct
import zlib

from network import SERVERS, run

HOST = "www.keys.test"
AGENT = "keys/1 (example maker)"
RANDOM = random.Random(4)


def png(side):
    """A picture of noise."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + RANDOM.randbytes(side * 3) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def documents():
    """Name and content of what the servers have."""
    text = "<p>Everything that was said here can be read again by who has the keys.</p>\n" * 40
    rows = [{"id": i, "value": RANDOM.random(), "name": f"row {i}"} for i in range(800)]
    return {
        "index.html": f"<!doctype html>\n<html><title>keys</title><body>\n{text}</body></html>\n".encode(),
        "data.json": json.dumps(rows).encode(),
        "logo.png": png(36),
        "big.bin": RANDOM.randbytes(300_000),
        "parts.shtml": b'<!doctype html>\n<html><body><!--#set var="a" value="1" -->in parts</body></html>\n' * 50,
        "a file.txt": b"A name with a space.\n" * 20,
        "empty.txt": b"",
        "private.txt": b"For members only.\n" * 10,
    }


DOCUMENTS = documents()


@dataclasses.dataclass
class Request:
    """One request, and the status that it must get."""

    method: str
    path: str
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes | None = None


CSV = b"date,amount\n" + b"".join(b"2026-11-%02d,%d\n" % (i % 28 + 1, i * 37) for i in range(5000))
FORM = (
    b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="notes.txt"\r\nContent-Type: text/plain\r\n\r\n'
    + b"remember the milk\n" * 50
    + b"\r\n--edge--\r\n"
)
MEMBER = {"Authorization": "Basic " + base64.b64encode(b"carol:letmein").decode()}
REQUESTS = [
    Request("GET", "/index.html"),
    Request("GET", "/data.json", headers={"Accept-Encoding": "gzip"}),
    Request("GET", "/logo.png", headers={"Referer": f"http://{HOST}/index.html"}),
    Request("GET", "/big.bin"),
    Request("POST", "/upload", 201, {"Content-Type": "text/csv", "Origin": f"http://{HOST}"}, CSV),
    Request("POST", "/upload", 201, {"Content-Type": "multipart/form-data; boundary=edge"}, FORM),
    Request("GET", "/parts.shtml"),
    Request("GET", "/missing.html?from=index&x=%C3%BC", 404),
    Request("GET", "/old", 302, {"Via": "1.1 proxy.keys.test"}),
    Request("HEAD", "/big.bin"),
    Request("GET", "/big.bin", 206, {"Range": "bytes=1000-50999"}),
    Request("GET", "/a%20file.txt"),
    Request("GET", "/empty.txt"),
    Request("GET", "/private.txt", headers=MEMBER),
    Request("DELETE", "/upload", 201),
]
# OpenSSL's names of suites of TLS 1.2 beside those of the logs; TLS 1.3 has one name for each.
TLS12 = [
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    ("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ("ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
]
TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
# For the committed example, which has to stay small.
FEW = [r for r in REQUESTS if r.path not in ("/big.bin", "/data.json", "/parts.shtml") and r.body != CSV]


def content(folder):
    """Writes the documents, a body for each upload and a certificate."""
    (folder / "www").mkdir()
    for name, data in DOCUMENTS.items():
        (folder / "www" / name).write_bytes(data)
    for i, request in enumerate(REQUESTS):
        if request.body is not None:
            (folder / f"body{i}").write_bytes(request.body)
    run(
        *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-days", "30", "-nodes"],
        *["-keyout", folder / "server.key", "-out", folder / "server.crt", "-subj", f"/CN={HOST}"],
        *["-addext", f"subjectAltName=DNS:{HOST},DNS:mail.keys.test"],
    )


def nginx(network):
    """One nginx, which listens on several addresses; behind it another that swallows uploads."""
    folder = network.folder
    # OpenSSL's names; RSA key exchange and CBC, which clients of today no longer offer, included.
    tls = f"""ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; ssl_early_data on;"""
    site = f"""server_name {HOST}; root {folder}/www; gzip_types application/json; gzip on; ssi on;
        location /upload {{ proxy_pass http://127.0.0.1:8081; }}
        location /old {{ return 302 /index.html; }}"""
    a = SERVERS
    (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1; user root;
pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types; default_type application/octet-stream; access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:8081; location / {{ return 201 "stored\\n"; }} }}
    server {{ listen {a['nginx']}:80; listen {a['nginx']}:443 ssl http2; {tls} {site} }}
    server {{ listen {a['tickets']}:443 ssl http2; keepalive_requests 1; {tls} {site} }}
    server {{ listen {a['ids']}:443 ssl http2; keepalive_requests 1; {tls} {site}
              ssl_session_tickets off; ssl_session_cache shared:ids:1m; }}
    server {{ listen {a['mac-first']}:443 ssl; {tls} {site} ssl_conf_command Options -EncryptThenMac; }}
}}
""")
    network.serve("nginx", "-c", folder / "nginx.conf")
    network.wait_for(a["nginx"], 80)


def caddy(network):
    """Caddy, for HTTP/3."""
    folder = network.folder
    (folder / "Caddyfile").write_text(f"""{{
    admin off
    auto_https off
    servers {{
        protocols h1 h2 h3
    }}
}}
(site) {{
    bind {SERVERS['caddy']}
    root * {folder}/www
    redir /old /index.html 302
    respond /upload "{{http.request.body}}" 201
    encode gzip
    file_server
}}
http://{HOST}:80 {{
    import site
}}
https://{HOST}:443 {{
    tls {folder}/server.crt {folder}/server.key
    import site
}}
""")
    places = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    network.serve("caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile", env=places)
    network.wait_for(SERVERS["caddy"], 443)


def curl(folder, server, flags=(), scheme="https", requests=REQUESTS, version="1.1", keylog=None, parallel=False):
    """All requests, in one run of curl; their statuses and the version of HTTP are looked at."""
    words = ["curl", *(["--parallel"] if parallel else [])]
    for i, request in enumerate(requests):
        words += ["--next"] if i else []
        words += ["-sS", "-k", "-A", AGENT, "--connect-to", f"::{SERVERS[server]}:", *flags, "-o", "/dev/null"]
        words += ["-I"] if request.method == "HEAD" else ["-X", request.method]
        for name, value in request.headers.items():
            words += ["-H", f"{name}: {value}"]
        if request.body is not None:
            words += ["--data-binary", f"@{folder}/body{REQUESTS.index(request)}"]
        words += ["-w", "%{http_code} %{http_version}\n", f"{scheme}://{HOST}{request.path}"]
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    env["SSLKEYLOGFILE"] = str(keylog) if keylog else ""
    said = run(*words, env=env, timeout=60).split("\n")[:-1]
    wanted = [f"{r.status} {version}" for r in requests]
    if (sorted(said) != sorted(wanted)) if parallel else (said != wanted):
        raise SystemExit(f"keys: curl to {server} {' '.join(flags)}: got {said}, expected {wanted}")


def raw(requests):
    """The same requests for HTTP/1.1 as bytes; the connection ends after the last."""
    out = []
    for i, request in enumerate(requests):
        fields = {"Host": HOST, "User-Agent": AGENT, **request.headers}
        if request.body is not None:
            fields["Content-Length"] = str(len(request.body))
        if i + 1 == len(requests):
            fields["Connection"] = "close"
        lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items()), "", ""]
        out.append("\r\n".join(lines).encode() + (request.body or b""))
    return out
