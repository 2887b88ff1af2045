"""Mail and messages: SMTP, IMAP, POP3 and MQTT, in clear, in TLS from the start, and after STARTTLS."""

import email.message
import email.policy
import imaplib
import pathlib
import poplib
import smtplib
import ssl
import sys
import threading

import paho.mqtt.client as mqtt

from network import SERVERS, run
from web import png

ADDRESS = SERVERS["mail"]
USER, PASSWORD = "carol", "letmein"


def letter():
    """A mail with two attachments."""
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "dave@keys.test", "carol@keys.test", "Grüße"
    mail["Message-ID"], mail["Date"] = "<1@keys.test>", "Sat, 21 Nov 2026 10:00:00 +0000"
    mail.set_content("Hello,\n\nsee attached.\n")
    mail.add_attachment(PICTURE, maintype="image", subtype="png", filename="logo.png")
    mail.add_attachment(NOTES, maintype="text", subtype="plain", filename="notes.txt")
    return mail.as_bytes(policy=email.policy.SMTP)


PICTURE = png(24)
NOTES = b"remember the milk\r\n" * 90
RECIPIENTS = ("carol@keys.test", "erin@keys.test")
LETTER = letter()


def servers(network):
    """aiosmtpd, Dovecot and Mosquitto, each with a port in clear and one for TLS."""
    folder = network.folder
    network.serve(sys.executable, pathlib.Path(__file__).with_name("smtpd.py"), ADDRESS, folder)
    crt, key = folder / "server.crt", folder / "server.key"
    box = folder / "box"
    (folder / "dovecot.conf").write_text(f"""protocols = imap pop3
listen = {ADDRESS}
base_dir = /run/dovecot
log_path = {folder}/dovecot.err
ssl = yes
ssl_cert = <{crt}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{box}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=1000 gid=1000 home={box}
}}
""")
    box.mkdir()
    for part in ("new", "cur", "tmp"):
        (box / part).mkdir()
    for i in range(3):
        (box / "cur" / f"{i}.keys:2,S").write_bytes(LETTER)
    run("chown", "-R", "1000:1000", box)
    network.serve("dovecot", "-F", "-c", folder / "dovecot.conf")
    (folder / "mosquitto.conf").write_text(
        f"user root\nallow_anonymous true\nlistener 1883 {ADDRESS}\n"
        f"listener 8883 {ADDRESS}\ncertfile {crt}\nkeyfile {key}\n"
    )
    network.serve("mosquitto", "-c", folder / "mosquitto.conf")
    for port in (25, 465, 143, 993, 110, 995, 1883, 8883):
        network.wait_for(ADDRESS, port)


def context(keylog, version=None):
    """Settings for a client that asks for no certificate and tells its secrets."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.keylog_filename = str(keylog)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def smtp(keylog, way, version=None):
    """Sends the mail twice in one session."""
    if way == "tls":
        server = smtplib.SMTP_SSL(ADDRESS, 465, "client.keys.test", context=context(keylog, version))
    else:
        server = smtplib.SMTP(ADDRESS, 25, "client.keys.test")
    with server:
        if way == "starttls":
            server.starttls(context=context(keylog, version))
        server.ehlo()
        server.login(USER, PASSWORD)
        for to in RECIPIENTS:
            server.sendmail("dave@keys.test", [to], LETTER)


def imap(keylog, way, version=None):
    """Reads a mailbox, and stores a mail there that is deleted at once."""
    if way == "tls":
        server = imaplib.IMAP4_SSL(ADDRESS, 993, ssl_context=context(keylog, version))
    else:
        server = imaplib.IMAP4(ADDRESS, 143)
    if way == "starttls":
        server.starttls(context(keylog, version))
    server.login(USER, PASSWORD)
    server.select("INBOX")
    server.fetch("1", "(RFC822)")
    server.fetch("2:3", "(BODY[2])")
    server.append("INBOX", "(\\Deleted)", None, LETTER)
    server.expunge()
    server.close()
    server.logout()


def pop3(keylog, way, version=None):
    """Reads the same mailbox."""
    if way == "tls":
        server = poplib.POP3_SSL(ADDRESS, 995, context=context(keylog, version))
    else:
        server = poplib.POP3(ADDRESS, 110)
    if way == "starttls":
        server.stls(context(keylog, version))
    server.user(USER)
    server.pass_(PASSWORD)
    server.stat()
    server.retr(1)
    server.top(2, 5)
    server.quit()


def publish(keylog, way, version=None, protocol=mqtt.MQTTv311):
    """Subscribes, and publishes with each quality of service."""
    arrived = threading.Semaphore(0)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="keys-client", protocol=protocol)
    client.username_pw_set(USER, PASSWORD)
    client.will_set("keys/will", b"gone", 1)
    client.on_message = lambda *_: arrived.release()
    client.on_subscribe = lambda *_: arrived.release()
    if way == "tls":
        client.tls_set_context(context(keylog, version))
    client.connect(ADDRESS, 8883 if way == "tls" else 1883)
    client.loop_start()
    client.subscribe("keys/#", 2)
    done = arrived.acquire(timeout=10)
    for quality, payload in enumerate((b"one", b"two" * 50, PICTURE)):
        client.publish(f"keys/q{quality}", payload, quality).wait_for_publish(10)
        done = done and arrived.acquire(timeout=10)
    client.disconnect()
    client.loop_stop()
    if not done:
        raise SystemExit("keys: MQTT: messages did not arrive")


VERSIONS = [("tls12", ssl.TLSVersion.TLSv1_2), ("tls13", ssl.TLSVersion.TLSv1_3)]

# Name, session, the ways beside the one in clear, columns that they change, contents that must be found.
SESSIONS = [
    ("smtp", smtp, ("starttls", "tls"), {"starttls": ("tls",)}, [PICTURE, NOTES]),
    # Dovecot greets once; in TLS it does not offer STARTTLS.
    ("imap", imap, ("starttls", "tls"), {"starttls": ("tls", "greeting"), "tls": ("greeting",)}, [PICTURE]),
    ("pop3", pop3, ("starttls", "tls"), {"starttls": ("tls", "greeting")}, [PICTURE]),
    ("mqtt", publish, ("tls",), {}, []),
    ("mqtt5", lambda *args: publish(*args, protocol=mqtt.MQTTv5), ("tls",), {}, []),
]
