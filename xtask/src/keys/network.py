"""Two hosts in network namespaces, with a wire between them that tcpdump listens to.

To be used by a process that stands in namespaces of its own (`unshare --net --mount --pid --fork --kill-child`): when
it ends, whatever it started ends with it, and nothing is left of the network.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

CLIENT = "10.9.0.1"
# The server's addresses; each has its own way of doing the same.
SERVERS = {
    "nginx": "10.9.0.2",
    "tickets": "10.9.0.3",
    "ids": "10.9.0.4",
    "mac-first": "10.9.0.5",
    "caddy": "10.9.0.6",
    "mail": "10.9.0.7",
}


def run(*command, **options):
    """Runs `command`; ends the program with what it complained of if it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", **options)
    if done.returncode:
        raise SystemExit(f"keys: {' '.join(map(str, command))[:300]}: {done.stderr.strip()[-600:]}")
    return done.stdout


class Network:
    """The wire, the servers' host and what runs there. The client's host is the process's own namespace."""

    def __init__(self):
        self.children = []
        # Seen only here, and gone with the namespace: a place for what servers and clients need.
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        self.folder = pathlib.Path("/run/keys")
        self.folder.mkdir()
        run("ip", "netns", "add", "server")
        run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", "server")
        for inside in ([], ["ip", "netns", "exec", "server"]):
            run(*inside, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            run(*inside, "ip", "link", "set", "lo", "up")
            run(*inside, "ip", "link", "set", "wire", "up")
            # Segments as they would be on a real wire, with checksums.
            run(*inside, "ethtool", "-K", "wire", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        run("ip", "addr", "add", CLIENT + "/24", "dev", "wire")
        for address in SERVERS.values():
            run("ip", "-n", "server", "addr", "add", address + "/24", "dev", "wire")

    def serve(self, *command, env=None):
        """Starts a server that stays in the foreground."""
        log = open(self.folder / f"{pathlib.Path(str(command[0])).name}.log", "ab")
        command = ["ip", "netns", "exec", "server", *[str(c) for c in command]]
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, **(env or {}))
        )
        self.children.append(child)
        return child

    def wait_for(self, address, port):
        """Until something listens there. Nobody connects: that would be in the servers' memory, or in a capture."""
        command = ["ip", "netns", "exec", "server", "ss", "-Hltn", "src", f"{address}:{port}"]
        for _ in range(400):
            if run(*command).strip():
                return
            time.sleep(0.05)
        logs = [log.read_text(errors="replace")[-500:] for log in self.folder.glob("*.log")]
        raise SystemExit(f"keys: nothing listens on {address}:{port}\n" + "\n".join(logs))

    @contextlib.contextmanager
    def recorded(self, path):
        """Everything on the wire meanwhile, as a capture in `path`."""
        command = ["tcpdump", "-i", "wire", "-s", "0", "-U", "--immediate-mode", "-B", "65536", "-Z", "root"]
        command += ["-w", str(path)]
        recorder = subprocess.Popen([*command, "not arp"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # "listening on": packets from now on are kept.
        if "listening" not in recorder.stderr.readline():
            raise SystemExit(f"keys: tcpdump: {recorder.stderr.read()[-300:]}")
        try:
            yield
            # The last segments of closing connections.
            time.sleep(0.25)
        finally:
            recorder.send_signal(signal.SIGINT)
            _, said = recorder.communicate(timeout=10)
        if "0 packets dropped by kernel" not in said:
            raise SystemExit(f"keys: tcpdump lost packets: {said[-300:]}")

    def stop(self):
        """Ends the servers."""
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(3)
