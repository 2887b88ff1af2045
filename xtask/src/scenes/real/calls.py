"""Calls home by curl, and ordinary downloads by the same program."""

import random
import time

import servers

AGENT = "Wq7xUpdater"


def outside_web(lab):
    """A web server elsewhere that answers shortly to what is posted."""
    lab.router()
    outside = lab.outside("outside", "203.0.113.9")
    servers.nginx(lab, outside, "location /submit { proxy_pass http://127.0.0.1:8088; }")
    conf = servers.write(
        lab,
        "answer.conf",
        f"""\
        daemon off;
        worker_processes 1;
        pid {lab.folder}/answer.pid;
        error_log stderr;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {lab.folder}/answer-body;
            server {{ listen 127.0.0.1:8088; location / {{ return 200 "ok"; }} }}
        }}
        """,
    )
    outside.start("nginx", "-c", conf)
    outside.wait_for(8088)
    return outside


def http(lab):
    """curl posts a few hundred random bytes as a form each two seconds, with a rare agent and a cookie that changes."""
    outside = outside_web(lab)
    client = lab.host("client", "10.0.0.5")
    others = [lab.host(f"other{n}", f"10.0.0.{30 + n}") for n in range(5)]
    numbers = random.Random(3)
    with lab.recorded():
        for n, host in enumerate(others):
            agent = ["-A", f"Mozilla/5.0 (X11; Linux x86_64; rv:1{n}0.0) Gecko/20100101 Firefox/1{n}0.0"]
            host.run(
                "curl", "-s", "-o", "/dev/null", *agent, "-H", f"Host: www{n}.shop.test", f"http://{outside.address}/"
            )
        with lab.expect("c2-http-traits/traits", of=client):
            for _ in range(8):
                body = lab.folder / "body"
                body.write_bytes(numbers.randbytes(400))
                cookie = "id=" + numbers.randbytes(40).hex()
                client.run(
                    "curl",
                    "-s",
                    "-A",
                    AGENT,
                    "-b",
                    cookie,
                    "--data-binary",
                    f"@{body}",
                    f"http://{outside.address}/submit",
                )
                time.sleep(2)


def beacon(lab):
    """curl calls home 220 times at pauses of 0.2 s, a fifth more or less; made 1,600 times as long: about five minutes each, for a day."""
    outside = outside_web(lab)
    client = lab.host("client", "10.0.0.5")
    numbers = random.Random(4)
    with lab.recorded(), lab.expect("c2-beacon/regular", of=client):
        for _ in range(220):
            client.run("curl", "-s", "-d", "state=idle", f"http://{outside.address}/submit")
            time.sleep(numbers.uniform(0.16, 0.24))
    lab.stretch(1600, 0.1)


def downloads(lab):
    """Scripts fetch packages from one server in bursts, and pages at odd times; made 1,200 times as long."""
    outside = outside_web(lab)
    (lab.folder / "www/package.bin").write_bytes(random.Random(1).randbytes(50_000))
    client, other = lab.host("client", "10.0.0.5"), lab.host("other", "10.0.0.6")
    numbers = random.Random(5)
    with lab.recorded():
        for _ in range(10):
            for n in range(numbers.randrange(1, 9)):
                client.run("curl", "-s", "-o", "/dev/null", f"http://{outside.address}/package.bin?{n}")
            other.run("curl", "-s", "-o", "/dev/null", f"http://{outside.address}/")
            time.sleep(numbers.uniform(0.3, 4))
    lab.stretch(1200, 0.2)
