"""A mail server that takes everything: port 25 with STARTTLS, port 465 in TLS.

usage: smtpd.py ADDRESS FOLDER     FOLDER has server.crt and server.key
"""

import pathlib
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult

ADDRESS, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TLS.load_cert_chain(FOLDER / "server.crt", FOLDER / "server.key")
COMMON = {
    "hostname": ADDRESS,
    "server_hostname": "mail.keys.test",
    "ident": "Mail",
    "authenticator": lambda *_: AuthResult(success=True),
    "auth_require_tls": False,
}

Controller(Sink(), port=25, tls_context=TLS, **COMMON).start()
Controller(Sink(), port=465, ssl_context=TLS, **COMMON).start()
signal.pause()
