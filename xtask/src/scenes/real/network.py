"""A small network of hosts in namespaces, with a recorder at its switch, and the truth about what happens in it.

To be used by a process that stands in namespaces of its own (`unshare --net --mount --pid --fork --kill-child`): when it
ends, whatever it started ends with it, and nothing is left of the network.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import capture

# The network at home; 10.0.0.1 is its router, behind which is everything else.
ROUTER = "10.0.0.1"
# Seconds that a server may take to listen, and a client to end.
PATIENCE = 60
CLONE_NEWNET = 0x40000000


class Failed(Exception):
    """Something in the laboratory did not work; the text is one line."""


def run(*command, check=True, timeout=PATIENCE, **options):
    """Runs `command`; what it said on both streams."""
    command = [str(c) for c in command]
    options = {"stdin": subprocess.DEVNULL} | options
    if "input" in options:
        del options["stdin"]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            **options,
        )
    except subprocess.TimeoutExpired as e:
        raise Failed(f"{' '.join(command)[:200]}: not done after {timeout} s") from e
    if check and done.returncode:
        raise Failed(f"{' '.join(command)[:200]}: {done.stdout.strip()[-600:]}")
    return done.stdout


class Host:
    """A machine: a network namespace with one interface `wire`."""

    def __init__(self, lab, name, switch, addresses, gateway):
        self.lab, self.name, self.address = lab, name, addresses[0]
        run("ip", "netns", "add", name)
        self.attach("wire", switch, addresses)
        if gateway:
            self.run("ip", "route", "add", "default", "via", gateway)

    def attach(self, interface, switch, addresses, length=24):
        """One more interface, at the switch."""
        port = f"{self.name}-{interface}"[:15]
        run("ip", "link", "add", port, "type", "veth", "peer", "name", interface, "netns", self.name)
        run("ip", "link", "set", port, "master", switch, "up")
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        self.run("ip", "link", "set", "lo", "up")
        # Segments as they would be on a real wire, with checksums.
        self.run("ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        self.run("ip", "link", "set", interface, "up")
        for address in addresses:
            self.run("ip", "addr", "add", f"{address}/{length}", "dev", interface)

    def command(self, *command):
        """`command` as it is run on this machine."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *[str(c) for c in command]]

    def run(self, *command, **options):
        """Runs `command` here; what it said."""
        return run(*self.command(*command), **options)

    def start(self, *command, **options):
        """Starts a program that stays."""
        log = open(self.lab.folder / f"{self.name}-{pathlib.Path(str(command[0])).name}.log", "ab")
        options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log} | options
        return subprocess.Popen(self.command(*command), **options)

    def python(self, *words, **options):
        """Runs a module or script with this Python."""
        return self.run(sys.executable, "-B", *words, **options)

    def do(self, function, *args):
        """Calls a function of ours on this machine, in a process of its own. Returns that process."""
        child = os.fork()
        if child:
            return Child(child, function.__name__)
        code = 1
        try:
            with open(f"/run/netns/{self.name}") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            function(*args)
            code = 0
        except BaseException as e:  # noqa: BLE001 - nothing may return into the parent's code
            print(f"{self.name}: {function.__name__}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)

    def wait_for(self, *ports, kind="t"):
        """Until something listens at all these ports. Nobody connects: that would be in the servers' memory and in the capture."""
        for port in ports:
            deadline = time.monotonic() + PATIENCE
            while not self.run("ss", f"-Hln{kind}", f"sport = :{port}").strip():
                if time.monotonic() > deadline:
                    raise Failed(f"nothing listens on port {port} of {self.name}\n{self.lab.logs()}")
                time.sleep(0.05)


class Child:
    """A function that runs on a host."""

    def __init__(self, pid, name):
        self.pid, self.name = pid, name

    def wait(self):
        """Until it is done."""
        _, status = os.waitpid(self.pid, 0)
        if status:
            raise Failed(f"{self.name} failed, see above")

    def stop(self):
        """Ends it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Lab:
    """Switches, hosts, the recorder, and what is to be said."""

    def __init__(self, folder, name):
        self.capture = folder / f"{name}.pcap"
        self.expected, self.involved, self.notes = [], set(), []
        # Seen only here, and gone with the namespace: a place for what servers and clients need.
        for path in ("/run", "/var/log"):
            run("mount", "-t", "tmpfs", "tmpfs", path)
        self.folder = pathlib.Path("/run/lab")
        self.folder.mkdir()
        os.environ["TMPDIR"] = str(self.folder)
        self.resolvers()
        self.switch("lan")

    def switch(self, name):
        """A switch that forwards at once, and also what it does not know."""
        run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        run("sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
        run("ip", "link", "set", name, "up")

    def resolvers(self, *addresses):
        """Who resolves names, for every host."""
        path = self.folder / "resolv.conf"
        is_first = not path.exists()
        path.write_text("".join(f"nameserver {a}\n" for a in addresses) + "options timeout:2 attempts:1\n")
        if is_first:
            run("mount", "--bind", path, pathlib.Path("/etc/resolv.conf").resolve())

    def host(self, name, *addresses, gateway=ROUTER):
        """A machine at home."""
        return Host(self, name, "lan", addresses, gateway)

    def router(self):
        """The way out: from the network at home to 203.0.113.0/24, where nobody records."""
        self.switch("wan")
        router = Host(self, "router", "lan", [ROUTER], None)
        router.attach("outside", "wan", ["203.0.113.1"])
        router.run(
            "sysctl",
            "-qw",
            "net.ipv4.ip_forward=1",
            "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.wire.send_redirects=0",
        )
        return router

    def outside(self, name, *addresses):
        """A machine elsewhere."""
        return Host(self, name, "wan", addresses, "203.0.113.1")

    def involve(self, *hosts):
        """Of these more may be said: victims."""
        self.involved |= {h if isinstance(h, str) else h.address for h in hosts}

    def note(self, text):
        """Something that the reader of the truth should know."""
        self.notes.append(text)

    @contextlib.contextmanager
    def expect(self, *codes, of):
        """What happens within must be said of this host, and what has passed when it is over must be enough for it."""
        began = time.time()
        yield
        self.must_say(codes, of, began, time.time())

    def must_say(self, codes, of, began, ended):
        """The same for times that are known."""
        host = of if isinstance(of, str) else of.address
        # The recorder's clock is the same, but the last answers come a little later.
        self.expected += [{"code": c, "host": host, "from": began - 0.5, "by": ended + 0.5} for c in codes]

    @contextlib.contextmanager
    def recorded(self):
        """Everything that passes the switch meanwhile, as the capture."""
        command = [
            "tcpdump",
            "-i",
            "lan",
            "-s",
            "0",
            "-U",
            "--immediate-mode",
            "-B",
            "262144",
            "-Z",
            "root",
            "-w",
            str(self.capture),
        ]
        recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # "listening on": packets from now on are kept.
        if "listening" not in (said := recorder.stderr.readline()):
            raise Failed(f"tcpdump: {said}{recorder.stderr.read()[-300:]}")
        try:
            yield
            # The last segments of closing connections.
            time.sleep(1)
        finally:
            recorder.send_signal(signal.SIGINT)
            _, said = recorder.communicate(timeout=10)
        if "0 packets dropped by kernel" not in said:
            raise Failed(f"tcpdump lost packets: {said[-300:]}")

    def stretch(self, factor, pause):
        """Multiplies the pauses of the recording that last longer than `pause` seconds; between them packets keep their distances.
        For what takes days and would be the same: calls home. What is to be said then concerns the whole capture."""
        first, last = capture.stretch(self.capture, factor, pause)
        for e in self.expected:
            e["from"], e["by"] = first, last
        self.note(f"pauses above {pause} s are {factor} times as long as they were")

    def logs(self):
        """What servers complained of last."""
        return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-400:]}" for p in self.folder.glob("*.log"))


def text_server(port, banner):
    """Greets whoever connects, and listens until they go: as mail servers and many small services do."""
    server = socket.create_server(("0.0.0.0", port), backlog=64)

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            connection.sendall(banner)
            while connection.recv(1024):
                pass

    while True:
        threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()
