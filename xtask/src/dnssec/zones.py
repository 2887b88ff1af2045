"""Signed zones, made with BIND's tools, and damage done to some of them.

Root (algorithm 8, NSEC), below it `test.` (13, NSEC3) and `opt.` (13, NSEC3 with opt-out), below these one zone for each
case. What is damaged is edited as text after it was signed, one record a line.
"""

import base64
import pathlib
import secrets
import subprocess
import time

HOUR, DAY = 3600, 86400
# Where the servers of each level stand, and the one that has all zones.
ROOT, TOP, LEAF, ALL = "127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.10"
# Between a validator and the last two, somebody who takes NSEC records away.
STRIPPED = {"127.0.0.14": LEAF, "127.0.0.15": ALL}


def run(*command, **options):
    """Runs `command`; ends the program with what it complained of if it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", **options)
    if done.returncode:
        raise SystemExit(f"dnssec: {' '.join(map(str, command))[:300]}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


class Zone:
    """One zone: its records, keys, and how it is signed."""

    def __init__(self, folder, name, algorithm, *signing, records="", start=-HOUR, end=14 * DAY, bits=2048):
        self.name, self.signing, self.bits = name, signing, bits
        self.file = folder / f"zone.{name.strip('.') or 'root'}"
        self.folder, self.algorithm, self.records = folder, algorithm, records
        now = int(time.time())
        self.times = [stamp(now + start), stamp(now + end)]
        self.ksk, self.zsk = self.key("-f", "KSK"), self.key()

    def key(self, *flags):
        size = ["-b", str(self.bits)] if self.algorithm in (5, 7, 8, 10) else []
        return run("dnssec-keygen", "-q", "-K", self.folder, "-a", self.algorithm, *size, *flags, self.name).strip()

    def key_text(self, key):
        """The record of a key."""
        lines = (self.folder / f"{key}.key").read_text().splitlines()
        return next(line for line in lines if not line.startswith(";"))

    def tag(self, key):
        return int(key.rsplit("+", 1)[1])

    def ds(self, digest="SHA-256"):
        """DS records for the parent."""
        return run("dnssec-dsfromkey", "-a", digest, self.folder / f"{self.ksk}.key")

    def lines(self, zsk=None, more=""):
        """All records, signed, one a line."""
        zsk = zsk or self.zsk
        text = "$TTL 3600\n" + self.records + more
        text += "".join(self.key_text(key) + "\n" for key in (self.ksk, zsk))
        self.file.write_text(text)
        start, end = self.times
        run("dnssec-signzone", "-q", "-P", "-o", self.name, "-s", start, "-e", end, *self.signing, "-k", self.ksk,
            "-f", f"{self.file}.signed", self.file, zsk, cwd=self.folder)
        return self.compiled()

    def lines_of_ldns(self, *signing):
        """The same by another signer, which makes what BIND's refuses to."""
        self.file.write_text("$TTL 3600\n" + self.records)
        start, end = self.times
        keys = [self.folder / self.ksk, self.folder / self.zsk]
        run("ldns-signzone", *signing, "-i", start, "-e", end, "-o", self.name, "-f", f"{self.file}.signed", self.file, *keys)
        return self.compiled()

    def compiled(self):
        run("named-compilezone", "-q", "-i", "none", "-k", "ignore", "-f", "text", "-F", "text", "-s", "full",
            "-o", f"{self.file}.lines", self.name, f"{self.file}.signed")
        lines = pathlib.Path(f"{self.file}.lines").read_text().splitlines()
        return [line for line in lines if line and not line.startswith(";")]

    def write(self, lines):
        self.file.write_text("\n".join(lines) + "\n")


def contents(name, address=LEAF):
    """What every zone has below the top. Capitals, for what is in lower case when it is signed."""
    return f"""
{name} IN SOA ns.{name} Host.{name} 1 7200 3600 1209600 300
{name} IN NS ns.{name}
ns.{name} IN A {address}
www.{name} IN A 192.0.2.1
www.{name} IN A 192.0.2.2
www.{name} IN AAAA 2001:db8::1
{name} IN MX 10 Mail.{name}
mail.{name} IN A 192.0.2.25
{name} IN TXT "v=spf1 -all" "second"
alias.{name} IN CNAME WWW.{name}
_sip._tcp.{name} IN SRV 1 2 5060 Sip.{name}
who.{name} IN RP Admin.{name} Text.{name}
num.{name} IN NAPTR 1 2 "u" "E2U+sip" "" Sip.{name}
key.{name} IN KX 1 Kx.{name}
*.wild.{name} IN A 192.0.2.7
a.b.ent.{name} IN A 192.0.2.8
old.{name} IN DNAME new.{name}
x.new.{name} IN A 192.0.2.9
"""


def fields(line):
    """Owner, type and data."""
    owner, _, _, rtype, data = line.split(None, 4)
    return owner, rtype, data


def without(lines, unwanted):
    return [line for line in lines if not unwanted(*fields(line))]


def is_signature(rtype, data, covered):
    return rtype == "RRSIG" and data.split()[0] == covered


def colliding(zone, count):
    """Records of so many other keys that have the tag of the zone's own, and stand before it: validators try keys in their
    order, and give up before they come to the one that signed. Algorithm 15 takes any octets for a key."""
    target, out = zone.tag(zone.zsk), []
    while len(out) < count:
        rdata = bytes([1, 0, 3, 15, 0, 0, 0, 0]) + secrets.token_bytes(26)
        # The tag is a sum of pairs: the last pair makes up for the rest.
        rdata += ((target - key_tag(rdata)) % 0xFFFF).to_bytes(2, "big")
        if key_tag(rdata) == target:
            out.append(f"{zone.name} IN DNSKEY 256 3 15 {base64.b64encode(rdata[4:]).decode()}\n")
    return "".join(out)


def key_tag(rdata):
    """RFC 4034 appendix B."""
    total = sum(byte if n & 1 else byte << 8 for n, byte in enumerate(rdata))
    return (total + (total >> 16)) & 0xFFFF


def make(folder):
    """Makes all zones; gives their names by level, and writes `anchors` and `anchors.bind`."""
    leaves, ds = {}, []

    def leaf(name, algorithm=13, *signing, damage=None, parent_ds=None, server=LEAF, **options):
        name = f"{name}."
        zone = Zone(folder, name, algorithm, *signing, records=contents(name, server), **options)
        zone.server = server
        lines = (damage or Zone.lines)(zone)
        zone.write(lines)
        leaves[name] = zone
        ds.append((name, parent_ds(zone) if parent_ds else zone.ds()))
        return zone

    nsec3 = ("-3", "-")
    leaf("good8.test", 8)
    leaf("good13.test", 13, *nsec3)
    leaf("good15.test", 15)
    leaf("good10.test", 10, *nsec3)
    leaf("good14.test", 14)
    leaf("sha1.test", 7, *nsec3)
    leaf("short.test", 8, bits=1024)
    leaf("deep.good8.test")
    leaf("signed.opt")

    def tampered(zone):
        return [line.replace("192.0.2.1", "192.0.2.66") if fields(line)[1] == "A" else line for line in zone.lines()]

    def withdrawn(zone):
        old = without(zone.lines(), lambda o, t, d: t == "DNSKEY" or is_signature(t, d, "DNSKEY"))
        new = zone.lines(zsk=zone.key())
        return old + [n for n in new if fields(n)[1] == "DNSKEY" or is_signature(*fields(n)[1:], "DNSKEY")]

    def no_signature(zone):
        return without(zone.lines(), lambda o, t, d: o.startswith("www.") and is_signature(t, d, "A"))

    def relabelled(zone):
        def edit(line):
            owner, rtype, data = fields(line)
            if owner.startswith("www.") and is_signature(rtype, data, "A"):
                words = data.split()
                words[2] = "7"
                return f"{owner} 3600 IN RRSIG {' '.join(words)}"
            return line

        return [edit(line) for line in zone.lines()]

    def other_signer(zone):
        def edit(line):
            owner, rtype, _ = fields(line)
            return line.replace(f" {zone.name} ", " good8.test. ") if owner.startswith("www.") and rtype == "RRSIG" else line

        return [edit(line) for line in zone.lines()]

    def nsec_of_another(zone):
        # The gap that denies `nothere` is away: the server shows the one before it.
        of_gap = lambda o, t, d: o.startswith("x.new.") and (t == "NSEC" or is_signature(t, d, "NSEC"))
        return without(zone.lines(), of_gap)

    def collide(zone):
        return zone.lines(more=colliding(zone, 64))

    leaf("tampered.test", damage=tampered)
    leaf("expired.test", start=-30 * DAY, end=-2 * DAY)
    leaf("future.test", start=2 * DAY, end=30 * DAY)
    leaf("dswrong.test", parent_ds=lambda zone: spoil(zone.ds()))
    leaf("withdrawn.test", damage=withdrawn)
    leaf("nonsec.test", server="127.0.0.14")
    leaf("badnsec.test", damage=nsec_of_another)
    leaf("nosig.test", damage=no_signature)
    leaf("labels.test", damage=relabelled)
    leaf("signer.test", damage=other_signer)
    leaf("collide.test", 15, damage=collide)
    leaf("iterated.test", 13, "-3", "aabbccdd", "-H", "150")
    leaf("hashed.test", damage=lambda zone: zone.lines_of_ldns("-n", "-t", "500", "-s", "aabbccdd"))
    leaf("oldds.test", parent_ds=lambda zone: zone.ds("SHA-1"))
    leaf("newalg.test", parent_ds=lambda zone: zone.ds().replace(" 13 2 ", " 200 2 "))
    leaf("newdigest.test", parent_ds=lambda zone: zone.ds().replace(" 13 2 ", " 13 200 "))

    plain = ["plain.test.", "plain.opt."]
    for name in plain:
        (folder / f"zone.{name.strip('.')}").write_text("$TTL 3600\n" + contents(name))
        leaves[name] = None
    # A zone below another has its DS there, not at the top.
    inner = "".join(text for name, text in ds if name == "deep.good8.test.")
    good8 = leaves["good8.test."]
    good8.records += inner + "deep.good8.test. NS ns.deep.good8.test.\nns.deep.good8.test. A " + LEAF + "\n"
    good8.write(good8.lines())

    def top(name, *signing):
        records = f"{name} IN SOA ns.{name} host.{name} 1 7200 3600 1209600 300\n{name} IN NS ns.{name}\nns.{name} IN A {TOP}\n"
        for child in leaves:
            if child.endswith(f".{name}") and child.count(".") == 2:
                server = leaves[child].server if leaves[child] else LEAF
                records += f"{child} IN NS ns.{child}\nns.{child} IN A {server}\n"
        records += "".join(text for child, text in ds if child.endswith(f".{name}") and child.count(".") == 2)
        zone = Zone(folder, name, 13, *signing, records=records)
        zone.write(zone.lines())
        return zone

    tops = [top("test.", *nsec3), top("opt.", *nsec3, "-A")]
    records = f". IN SOA ns. host. 1 7200 3600 1209600 300\n. IN NS ns.\nns. IN A {ROOT}\n"
    for zone in tops:
        records += f"{zone.name} IN NS ns.{zone.name}\nns.{zone.name} IN A {TOP}\n{zone.ds()}"
    root = Zone(folder, ".", 8, records=records)
    root.write(root.lines())
    key = root.key_text(root.ksk)
    (folder / "anchors").write_text(root.ds())
    (folder / "anchors.key").write_text(key + "\n")
    algorithm = key.split("DNSKEY")[1].split()
    (folder / "anchors.bind").write_text(
        f'trust-anchors {{ . static-key {" ".join(algorithm[:3])} "{"".join(algorithm[3:])}"; }};\n'
    )
    return {ROOT: ["."], TOP: [zone.name for zone in tops], LEAF: list(leaves)}


def spoil(ds):
    """The DS record of a key that the zone doesn't have."""
    words = ds.split()
    words[-1] = words[-1][:-2] + ("00" if words[-1][-2:] != "00" else "01")
    return " ".join(words) + "\n"
