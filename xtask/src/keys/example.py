"""The example with its secrets inside: three conversations, and what was said in them."""

import hashlib
import json
import ssl
import struct

import mail
import web
from network import CLIENT


def block(kind, body):
    """A block of pcapng."""
    body += b"\0" * (-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def with_secrets(capture, secrets):
    """A pcap file of microseconds as pcapng, behind a block of decryption secrets (TLS key log)."""
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 0))
    out += block(10, struct.pack("<II", 0x544C534B, len(secrets)) + secrets)
    at = 24
    while at < len(capture):
        seconds, micros, kept, length = struct.unpack_from("<IIII", capture, at)
        at += 16
        moment = seconds * 10**6 + micros
        head = struct.pack("<IIIII", 0, moment >> 32, moment & 0xFFFFFFFF, kept, length)
        out += block(6, head + capture[at : at + kept])
        at += kept
    return out


def record(network, folder):
    """Writes keys.pcapng and keys.truth.json."""
    capture, keylog = network.folder / "keys.pcap", network.folder / "keys.log"
    few = {"keylog": keylog, "requests": web.FEW}
    with network.recorded(capture):
        # The same ports every time: tests name them.
        flags = ["--http2", "--tlsv1.3", "--local-port", "40001"]
        web.curl(network.folder, "nginx", flags, version="2", **few)
        flags = ["--http1.1", "--tls-max", "1.2", "--ciphers", "AES128-SHA", "--local-port", "40002"]
        web.curl(network.folder, "nginx", flags, **few)
        mail.smtp(keylog, "starttls", ssl.TLSVersion.TLSv1_3)
    (folder / "keys.pcapng").write_bytes(with_secrets(capture.read_bytes(), keylog.read_bytes()))
    asked = [
        {"client": CLIENT, "version": version, "method": r.method, "host": web.HOST, "path": r.path, "status": r.status}
        for version in ("2", "1.1")
        for r in web.FEW
    ]
    contents = {"logo.png": web.DOCUMENTS["logo.png"], "a file.txt": web.DOCUMENTS["a file.txt"]}
    truth = {
        "what": "HTTP/2 in TLS 1.3, HTTP/1.1 in TLS 1.2 and SMTP after STARTTLS, with their secrets in the capture; "
        "recorded by cargo xtask keys --example",
        "http": asked,
        "mails": [{"client": CLIENT, "from": "dave@keys.test", "to": to} for to in mail.RECIPIENTS],
        "files": [
            {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in {**contents, "picture in the mail": mail.PICTURE}.items()
        ],
    }
    (folder / "keys.truth.json").write_text(json.dumps(truth, indent=1) + "\n")
