"""Nmap and other scanners against real servers, and monitoring that asks the same of them all day long."""

import time

import servers


def office(lab, count):
    """Hosts with servers for web, FTP, SSH and mail, from 10.0.0.20 on."""
    servers.people(lab)
    out = []
    for n in range(count):
        host = lab.host(f"server{n}", f"10.0.0.{20 + n}")
        servers.nginx(lab, host)
        servers.sshd(lab, host)
        servers.vsftpd(lab, host)
        servers.dovecot(lab, host)
        out.append(host)
    return out


def ports(lab):
    """Nmap's SYN scan of two servers, then connect, version, flags and UDP scans of others."""
    scanner = lab.host("scanner", "10.0.0.5")
    targets = office(lab, 6)
    first, second, connected, asked, flagged, datagrams = (t.address for t in targets)
    lab.involve(*targets)
    with lab.recorded():
        with lab.expect("scan-vertical/syn", of=scanner):
            scanner.run("nmap", "-n", "-sS", first, second)
        with lab.expect("scan-vertical/connect", of=scanner):
            scanner.run("nmap", "-n", "-sT", connected)
        with lab.expect("scan-vertical/version", of=scanner):
            scanner.run("nmap", "-n", "-sV", "-p", "21,22,25,80,110,143", asked)
        with lab.expect("scan-vertical/flags", of=scanner):
            for kind in ("-sF", "-sN", "-sX"):
                scanner.run("nmap", "-n", kind, "--top-ports", 100, flagged)
        with lab.expect("scan-vertical/udp", of=scanner):
            scanner.run("nmap", "-n", "-sU", "--top-ports", 14, datagrams)


def sweep(lab):
    """One port of all addresses of a network: ten answer, the others refuse."""
    scanner = lab.host("scanner", "10.0.0.5")
    everybody = [f"10.0.0.{n}" for n in range(10, 255)]
    farm = lab.host("farm", *everybody)
    for address in everybody[:200:20]:
        farm.start("ncat", "-lk", address, 445)
    while len(farm.run("ss", "-Hlnt", "sport = :445").splitlines()) < 10:
        time.sleep(0.05)
    lab.involve(*everybody)
    with lab.recorded(), lab.expect("scan-horizontal/fast", of=scanner):
        scanner.run("nmap", "-n", "-sS", "-p", 445, "10.0.0.10-254")


def admin(lab):
    """SSH keys of sixty-five hosts are collected, all of which answer."""
    scanner = lab.host("scanner", "10.0.0.5")
    everybody = [f"10.0.0.{n}" for n in range(10, 75)]
    farm = lab.host("farm", *everybody)
    servers.sshd(lab, farm)
    lab.involve(*everybody)
    with lab.recorded(), lab.expect("scan-horizontal/admin-sweep", of=scanner):
        scanner.run("ssh-keyscan", *everybody)


def filtered(lab):
    """A port of a network behind a router that drops what goes there: nobody refuses, nobody answers."""
    router = lab.router()
    router.run("ip", "route", "add", "blackhole", "10.7.0.0/24")
    scanner = lab.host("scanner", "10.0.0.5")
    with lab.recorded(), lab.expect("scan-horizontal/fast", of=scanner):
        scanner.run("nmap", "-n", "-Pn", "-sS", "-p", 3389, "--max-retries", 1, "10.7.0.1-60")


def hosts(lab):
    """Nmap's host discovery at home, by ARP, and behind the router, by ICMP."""
    router = lab.router()
    router.run("ip", "addr", "add", "10.7.0.1/24", "dev", "outside")
    scanner = lab.host("scanner", "10.0.0.5")
    for n in range(20, 26):
        lab.host(f"host{n}", f"10.0.0.{n}")
    with lab.recorded():
        with lab.expect("host-sweep/arp", of=scanner):
            scanner.run("nmap", "-n", "-sn", "10.0.0.0/24")
        with lab.expect("host-sweep/icmp", of=scanner):
            scanner.run("nmap", "-n", "-sn", "-PE", "10.7.0.1-100")


def monitoring(lab):
    """Services of five servers are looked at again and again; a sixth of them is down everywhere."""
    watcher = lab.host("watcher", "10.0.0.5")
    targets = office(lab, 5)

    def look(host):
        """As a monitoring program's plugins do."""
        a = host.address
        watcher.run("curl", "-s", "-o", "/dev/null", f"http://{a}/")
        for port, word in ((21, "QUIT\r\n"), (110, "QUIT\r\n"), (143, "a LOGOUT\r\n")):
            watcher.run("ncat", a, port, input=word)
        watcher.run("ssh-keyscan", "-t", "ed25519", a)
        watcher.run("ncat", "-z", "-w", 1, a, 3306, check=False)

    with lab.recorded():
        for _ in range(6):
            for host in targets:
                look(host)
            time.sleep(1)
