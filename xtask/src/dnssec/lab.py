"""Serves signed and damaged zones with BIND and asks what real validators say of them, for `cargo xtask dnssec`.

usage: lab.py DIR     as the first process of fresh namespaces

DIR gets `anchors` (the test root's DS record), `cases.json`, and of each case what passed while `unbound-host`
(CASE.resolver: at a resolver, with referrals) and `delv` (CASE.client: before one) were at work: the capture (.pcap), and the
responses in it as a line each, with time, server and message.

Nothing here depends on how fast the machine is: validators wait long, one that got no answer in time is asked again, and a
recording ends with a packet of its own, which is waited for.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import zones
from zones import ALL, LEAF, ROOT, STRIPPED, TOP, run

RESOLVER = "127.0.0.20"
# A validator that got no answer says nothing of the data: it is asked again so often.
ATTEMPTS = 6
# Seconds that one attempt may take.
PATIENCE = 180
# What marks the end of a recording.
END = b"dnssec laboratory: end "
# Where nobody listens.
QUIET = "127.0.0.40"
# From where stripped answers are fetched; what passes there is not recorded.
BEHIND = "127.0.0.30"
# Name, question, status, and the reason that the program has to give.
CASES = [
    ("algorithm-8", "www.good8.test.", "A", "secure", "secure"),
    ("algorithm-10", "www.good10.test.", "A", "secure", "secure"),
    ("algorithm-13", "www.good13.test.", "AAAA", "secure", "secure"),
    ("algorithm-14", "www.good14.test.", "A", "secure", "secure"),
    ("algorithm-15", "www.good15.test.", "A", "secure", "secure"),
    ("algorithm-7", "www.sha1.test.", "A", "secure", "secure"),
    ("rsa-1024", "www.short.test.", "A", "secure", "secure"),
    ("capitals-mx", "good8.test.", "MX", "secure", "secure"),
    ("capitals-srv", "_sip._tcp.good13.test.", "SRV", "secure", "secure"),
    ("capitals-rp", "who.good15.test.", "RP", "secure", "secure"),
    ("capitals-naptr", "num.good8.test.", "NAPTR", "secure", "secure"),
    ("capitals-kx", "key.good8.test.", "KX", "secure", "secure"),
    ("apex-txt", "good13.test.", "TXT", "secure", "secure"),
    ("cname", "alias.good8.test.", "A", "secure", "secure"),
    ("dname", "x.old.good8.test.", "A", "secure", "secure"),
    ("deep", "www.deep.good8.test.", "A", "secure", "secure"),
    ("wildcard-nsec", "any.wild.good8.test.", "A", "secure", "secure"),
    ("wildcard-nsec3", "any.wild.good13.test.", "A", "secure", "secure"),
    ("wildcard-no-type-nsec", "any.wild.good8.test.", "TXT", "secure", "secure"),
    ("wildcard-no-type-nsec3", "any.wild.good13.test.", "TXT", "secure", "secure"),
    ("no-name-nsec", "nothere.good8.test.", "A", "secure", "secure"),
    ("no-name-nsec3", "nothere.good13.test.", "A", "secure", "secure"),
    ("no-name-deep-nsec3", "a.b.c.nothere.good13.test.", "A", "secure", "secure"),
    ("no-type-nsec", "www.good15.test.", "TXT", "secure", "secure"),
    ("no-type-nsec3", "www.good13.test.", "TXT", "secure", "secure"),
    ("empty-nsec", "b.ent.good8.test.", "A", "secure", "secure"),
    ("empty-nsec3", "b.ent.good13.test.", "A", "secure", "secure"),
    ("no-name-top", "nothere.test.", "A", "secure", "secure"),
    ("ds", "good15.test.", "DS", "secure", "secure"),
    ("no-ds", "plain.test.", "DS", "secure", "secure"),
    ("ds-sha1", "www.oldds.test.", "A", "secure", "secure"),
    ("unsigned", "www.plain.test.", "A", "insecure", "unsigned"),
    ("unsigned-no-name", "nothere.plain.test.", "A", "insecure", "unsigned"),
    ("opt-out-signed", "www.signed.opt.", "A", "secure", "secure"),
    ("opt-out-unsigned", "www.plain.opt.", "A", "insecure", "unsigned"),
    ("opt-out-no-name", "nothere.opt.", "A", "insecure", "opt-out"),
    ("unknown-algorithm", "www.newalg.test.", "A", "insecure", "alg-unsupported"),
    ("unknown-digest", "www.newdigest.test.", "A", "insecure", "digest-unsupported"),
    ("tampered", "www.tampered.test.", "A", "bogus", "sig-invalid"),
    ("expired", "www.expired.test.", "A", "bogus", "sig-expired"),
    ("future", "www.future.test.", "A", "bogus", "sig-future"),
    ("ds-wrong", "www.dswrong.test.", "A", "bogus", "ds-mismatch"),
    ("key-withdrawn", "www.withdrawn.test.", "A", "bogus", "key-missing"),
    ("nsec-missing", "nothere.nonsec.test.", "A", "bogus", "denial-missing"),
    ("nsec-missing-no-type", "www.nonsec.test.", "TXT", "bogus", "denial-missing"),
    ("nsec-wrong", "nothere.badnsec.test.", "A", "bogus", "denial-wrong"),
    ("wildcard-unproven", "any.wild.nonsec.test.", "A", "bogus", "wildcard-unproven"),
    ("signature-missing", "www.nosig.test.", "A", "bogus", "sig-missing"),
    ("labels-wrong", "www.labels.test.", "A", "bogus", "labels-wrong"),
    ("signer-wrong", "www.signer.test.", "A", "bogus", "signer-wrong"),
    ("colliding-keys", "www.collide.test.", "A", "bogus", "keys-collide"),
    ("iterations-150", "nothere.iterated.test.", "A", "insecure", "nsec3-iterations"),
    ("iterations-500", "nothere.hashed.test.", "A", "insecure", "nsec3-iterations"),
    ("iterations-answer", "www.iterated.test.", "A", "secure", "secure"),
]


def named(folder, levels):
    """BIND with one view for each server."""
    views = list(levels.items()) + [(ALL, [zone for zones_ in levels.values() for zone in zones_])]
    # The resolver's address is not BIND's: whoever binds it first would answer there.
    own = " ".join(f"{address};" for address, _ in views)
    text = f'options {{ directory "{folder}"; pid-file none; listen-on {{ {own} }}; listen-on-v6 {{ none; }};\n'
    # Records in the order in which they are kept, which is that of their data; otherwise by chance.
    text += "rrset-order { order none; };\n"
    text += "recursion no; minimal-responses no; dnssec-validation no; check-names primary ignore;\n"
    text += 'session-keyfile none; max-udp-size 4096; allow-query { any; }; notify no; };\ncontrols { };\n'
    for n, (address, names) in enumerate(views):
        text += f'view "v{n}" {{ match-destinations {{ {address}; }};\n'
        for name in names:
            file = f"zone.{name.strip('.') or 'root'}"
            text += f'zone "{name}" {{ type primary; file "{file}"; check-integrity no; masterfile-format text; }};\n'
        text += "};\n"
    (folder / "named.conf").write_text(text)
    return ["named", "-g", "-n", "2", "-c", str(folder / "named.conf")]


def knows(folder, line):
    """Does this version of unbound have the setting?"""
    trial = folder / "trial.conf"
    trial.write_text(f"server:\n  {line}\n")
    return subprocess.run(["unbound-checkconf", str(trial)], capture_output=True).returncode == 0


def unbound(folder):
    """Configuration of `unbound-host`, and of a resolver at `RESOLVER`."""
    hints = folder / "hints"
    hints.write_text(f". 3600000 NS ns.\nns. 3600000 A {ROOT}\n")
    text = f"""server:
  root-hints: "{hints}"
  trust-anchor-file: "{folder}/anchors.key"
  do-not-query-localhost: no
  do-ip6: no
  val-log-level: 2
  edns-buffer-size: 4096
  module-config: "validator iterator"
  ede: yes
  # A busy machine answers late: no server is given up, and no client is left without answer (CVE-2024-33655's limits).
  infra-cache-min-rtt: 8000
  infra-cache-max-rtt: 60000
  unknown-server-time-limit: 8000
  outbound-msg-retry: 12
  infra-keep-probing: yes
  jostle-timeout: 60000
  local-zone: test. nodefault
"""
    text += "".join(f"  {line}\n" for line in ("discard-timeout: 0", "wait-limit: 0") if knows(folder, line))
    (folder / "unbound-host.conf").write_text(text)
    (folder / "unbound.conf").write_text(text + f"""  interface: {RESOLVER}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  directory: "{folder}"
remote-control:
  control-enable: no
""")


@contextlib.contextmanager
def recorded(path):
    """All of DNS on the loopback meanwhile."""
    command = ["tcpdump", "-i", "lo", "-s", "0", "-U", "--immediate-mode", "-B", "65536", "-Z", "root"]
    recorder = subprocess.Popen([*command, "-w", str(path), f"port 53 and not host {BEHIND}"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)
    if "listening" not in recorder.stderr.readline():
        raise SystemExit(f"dnssec: tcpdump: {recorder.stderr.read()[-300:]}")
    try:
        yield
        wait_for_end(path)
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.communicate(timeout=PATIENCE)


def wait_for_end(path):
    """Sends a packet behind all that passed, and waits until it has been written."""
    mark = END + os.urandom(8).hex().encode()
    deadline = time.monotonic() + PATIENCE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.sendto(mark, (QUIET, 53))
        while mark not in pathlib.Path(path).read_bytes():
            if time.monotonic() > deadline:
                raise SystemExit(f"dnssec: tcpdump has not written what passed within {PATIENCE} s")
            time.sleep(0.02)


def responses(path):
    """Time, server and message of each response in a capture, over UDP and TCP."""
    data = pathlib.Path(path).read_bytes()
    out, streams, seen, at = [], {}, set(), 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        ip = frame[14:]
        if frame[12:14] != b"\x08\x00" or ip[9] not in (6, 17):
            continue
        server = ".".join(map(str, ip[12:16]))
        transport = ip[(ip[0] & 15) * 4:struct.unpack_from("!H", ip, 2)[0]]
        source, target = struct.unpack_from("!HH", transport)
        if source != 53:
            continue
        if ip[9] == 17:
            out.append((seconds, micros, server, transport[8:]))
            continue
        payload = transport[(transport[12] >> 4) * 4:]
        sequence = struct.unpack_from("!I", transport, 4)[0]
        if not payload or (target, sequence) in seen:
            continue
        seen.add((target, sequence))
        stream = streams.get(target, b"") + payload
        while len(stream) >= 2 and len(stream) >= 2 + struct.unpack_from("!H", stream)[0]:
            length = struct.unpack_from("!H", stream)[0]
            out.append((seconds, micros, server, stream[2:2 + length]))
            stream = stream[2 + length:]
        streams[target] = stream
    return out


def strip(message):
    """A response without the authority section from the first NSEC record on; of the additional one only EDNS stays."""
    at = 12
    while message[at]:
        at += 1 + message[at]
    at += 5
    answers, authority, additional = struct.unpack_from("!3H", message, 6)
    end, kept, edns = None, 0, b""
    for n in range(answers + authority + additional):
        start = at
        while message[at] and message[at] < 192:
            at += 1 + message[at]
        at += 2 if message[at] else 1
        rtype, _, _, length = struct.unpack_from("!HHIH", message, at)
        covered = struct.unpack_from("!H", message, at + 10)[0] if rtype == 46 else 0
        at += 10 + length
        if rtype == 41:
            edns = message[start:at]
        if end is None and n >= answers and (n >= answers + authority or 47 in (rtype, covered)):
            end, kept = start, n - answers
    counts = struct.pack("!3H", answers, kept if end else authority, 1 if edns else 0)
    return message[:6] + counts + message[12:end or at] + (edns if end else b"")


def relay(address, server):
    """Hands questions on and answers back, stripped; one at a time. Runs until the laboratory ends."""
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.bind((address, 53))
    while True:
        question, asker = outside.recvfrom(65535)
        inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        inside.bind((BEHIND, 0))
        inside.settimeout(20)
        with contextlib.suppress(socket.timeout):
            inside.sendto(question, (server, 53))
            outside.sendto(strip(inside.recv(65535)), asker)
        inside.close()


def keep(capture, path):
    """The capture without what marks its end, and its responses as lines."""
    lines = [f"{s}.{m * 1000:09} {server} {message.hex()}\n" for s, m, server, message in responses(capture)]
    pathlib.Path(path).write_text("".join(lines))
    data = pathlib.Path(capture).read_bytes()
    out, at = data[:24], 24
    while at + 16 <= len(data):
        end = at + 16 + struct.unpack_from("<I", data, at + 8)[0]
        if END not in data[at:end]:
            out += data[at:end]
        at = end
    pathlib.Path(f"{path}.pcap").write_bytes(out)
    os.remove(capture)


def asked(folder, path, ask):
    """Records while a validator is asked, again if it got no answer."""
    capture = folder / "now.pcap"
    for _ in range(ATTEMPTS):
        with recorded(capture):
            said, why = ask()
        if said != "?":
            break
    keep(capture, path)
    return {"status": said, "why": why}


def ask_unbound(folder, name, rtype):
    """Status and words of `unbound-host`."""
    command = ["unbound-host", "-v", "-C", str(folder / "unbound-host.conf"), "-t", rtype, name]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    text = said.stdout + said.stderr
    found = re.findall(r"\((secure|insecure|BOGUS)", text)
    why = re.search(r"validation failure[^:]*: (.*)", text)
    return (found[-1].lower() if found else "?"), (why[1].strip() if why else text.strip()[-200:] if not found else "")


def ask_delv(folder, name, rtype):
    """Status and words of `delv`, which asks the server that has all zones."""
    server = list(STRIPPED)[1] if "nonsec" in name else ALL
    command = ["delv", f"@{server}", "-a", str(folder / "anchors.bind"), "+root=.", "+vtrace", "-t", rtype, name]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    text = said.stdout + said.stderr
    failed = re.search(r";; resolution failed: (.*)", text)
    if re.search(r"timed out|no servers could be reached|connection refused", text):
        return "?", "it got no answer in time"
    if failed and failed[1] not in ("ncache nxdomain", "ncache nxrrset"):
        return "bogus", failed[1]
    if "fully validated" in text:
        return "secure", ""
    return ("insecure", "") if "unsigned answer" in text or "not validated" in text else ("?", text[-300:])


def ask_resolver(name):
    """What a validating resolver answers that is asked for the reason: status and extended error."""
    command = ["dig", f"@{RESOLVER}", "+dnssec", "+tries=1", f"+time={PATIENCE // 3}", name, "A"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE).stdout
    code = re.search(r"EDE: (\d+)", said)
    is_refused = "SERVFAIL" in said and code and 6 <= int(code[1]) <= 12
    return ("bogus", f"EDE {code[1]}") if is_refused else ("?", said[-300:])


def main():
    folder = pathlib.Path(sys.argv[1])
    run("ip", "link", "set", "lo", "up")
    # BIND listens at addresses that an interface has, not at all of its network.
    for address in (ROOT, TOP, LEAF, ALL, RESOLVER, *STRIPPED):
        run("ip", "addr", "add", f"{address}/8", "dev", "lo")
    levels = zones.make(folder)
    unbound(folder)
    children = []

    def serve(*command):
        log = open(folder / f"{command[0]}.log", "wb")
        children.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    serve(*named(folder, levels))
    serve("unbound", "-d", "-c", str(folder / "unbound.conf"))
    for address, server in STRIPPED.items():
        threading.Thread(target=relay, args=(address, server), daemon=True).start()
    for address in (ROOT, TOP, LEAF, ALL, RESOLVER, *STRIPPED):
        for _ in range(200):
            done = subprocess.run(["dig", f"@{address}", "+norec", "+tries=1", "+time=1", ".", "SOA"], capture_output=True)
            if done.returncode == 0:
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"dnssec: nothing answers at {address}: {(folder / 'named.log').read_text()[-800:]}")
    cases = []
    for name, question, rtype, status, reason in CASES:
        entry = {"name": name, "question": question, "rtype": rtype, "status": status, "reason": reason}
        for vantage, program, ask in (("resolver", "unbound-host", ask_unbound), ("client", "delv", ask_delv)):
            path = folder / f"{name}.{vantage}"
            entry[program] = asked(folder, path, lambda: ask(folder, question, rtype))
        cases.append(entry)
    said = asked(folder, folder / "refused.client", lambda: ask_resolver("www.expired.test."))
    cases.append({"name": "refused", "question": "www.expired.test.", "rtype": "A", "status": "bogus",
                  "reason": "servfail-ede", "unbound-host": said})
    (folder / "cases.json").write_text(json.dumps(cases, indent=1))
    for child in children:
        child.terminate()


main()
