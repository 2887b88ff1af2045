"""Real servers on the laboratory's hosts, with accounts that exist only there."""

import pathlib
import textwrap

from network import run

# Who works here, and what their passwords are.
PEOPLE = {"alice": "Tulip-4711", "bob": "Anemone-0815", "carol": "Lupine-1234"}

# Flags of a client that nobody answers for.
SSH = [
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "PreferredAuthentications=password",
]


def people(lab):
    """Accounts of Unix, seen only in the laboratory."""
    home = lab.folder / "home"
    home.mkdir(mode=0o755)
    passwd, shadow = (pathlib.Path(f"/etc/{n}").read_text() for n in ("passwd", "shadow"))
    for n, (name, password) in enumerate(PEOPLE.items()):
        passwd += f"{name}:x:{7000 + n}:100:{name}:{home}/{name}:/bin/bash\n"
        shadow += f"{name}:{run('openssl', 'passwd', '-6', password).strip()}:20000:0:99999:7:::\n"
        (home / name).mkdir(mode=0o755)
        run("chown", f"{7000 + n}:100", home / name)
    for name, text in (("passwd", passwd), ("shadow", shadow)):
        copy = lab.folder / name
        copy.write_text(text)
        copy.chmod(0o644 if name == "passwd" else 0o600)
        run("mount", "--bind", copy, f"/etc/{name}")


def write(lab, name, text):
    """A configuration."""
    path = lab.folder / name
    path.write_text(textwrap.dedent(text))
    return path


def nginx(lab, host, locations="", port=80):
    """A web server; everything below `www` and what `locations` says."""
    www = lab.folder / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text("<!doctype html><title>Home</title>\n" + "<p>Welcome.</p>\n" * 40)
    conf = write(
        lab,
        f"{host.name}-nginx.conf",
        f"""\
        daemon off;
        worker_processes 1;
        pid {lab.folder}/{host.name}-nginx.pid;
        error_log stderr;
        events {{}}
        http {{
            access_log off;
            types {{ text/html html; image/png png; application/octet-stream bin; }}
            client_body_temp_path {lab.folder}/{host.name}-body;
            server {{ listen {port}; root {www}; {locations} }}
        }}
        """,
    )
    host.start("nginx", "-c", conf)
    host.wait_for(port)


def sshd(lab, host):
    """OpenSSH with passwords."""
    key = lab.folder / f"{host.name}-key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    conf = write(
        lab,
        f"{host.name}-sshd.conf",
        f"""\
        HostKey {key}
        PidFile none
        UsePAM no
        PasswordAuthentication yes
        MaxStartups 100
        Subsystem sftp internal-sftp
        """,
    )
    host.start("/usr/sbin/sshd", "-D", "-e", "-f", conf)
    host.wait_for(22)


def vsftpd(lab, host):
    """FTP for people."""
    pathlib.Path("/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
    conf = write(
        lab,
        f"{host.name}-vsftpd.conf",
        """\
        listen=YES
        background=NO
        anonymous_enable=NO
        local_enable=YES
        write_enable=YES
        pam_service_name=other
        seccomp_sandbox=NO
        """,
    )
    host.start("vsftpd", conf)
    host.wait_for(21)


def dovecot(lab, host):
    """POP3 and IMAP."""
    base = lab.folder / f"{host.name}-dovecot"
    base.mkdir()
    users = write(lab, "dovecot.users", "".join(f"{n}:{{PLAIN}}{p}\n" for n, p in PEOPLE.items()))
    users.chmod(0o644)
    conf = write(
        lab,
        f"{host.name}-dovecot.conf",
        f"""\
        base_dir = {base}
        protocols = imap pop3
        ssl = no
        disable_plaintext_auth = no
        auth_failure_delay = 0
        log_path = /dev/stderr
        mail_location = maildir:{lab.folder}/mail/%u
        first_valid_uid = 1
        userdb {{
          driver = static
          args = uid=dovecot gid=dovecot home={lab.folder}/mail/%u
        }}
        # Without it a second attempt would wait for 15 s.
        service anvil {{
          unix_listener anvil-auth-penalty {{
            mode = 0
          }}
        }}
        passdb {{
          driver = passwd-file
          args = {users}
        }}
        """,
    )
    mail = lab.folder / "mail"
    mail.mkdir(exist_ok=True)
    run("chown", "dovecot:dovecot", mail)
    host.start("dovecot", "-F", "-c", conf)
    host.wait_for(110, 143)


def smbd(lab, host, shares=("files",), options=("server smb encrypt = off",)):
    """Samba as a file server of its own. Returns the folder with its shares. It offers no encryption: impacket would take it, and
    only sizes could be seen."""
    base = lab.folder / f"{host.name}-samba"
    for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
        (base / name).mkdir(parents=True)
    text = [
        f"""\
        [global]
        workgroup = HOME
        netbios name = {host.name.upper()}
        server role = standalone server
        interfaces = wire
        bind interfaces only = yes
        disable netbios = yes
        smb ports = 445
        private dir = {base}/private
        lock directory = {base}/lock
        state directory = {base}/state
        cache directory = {base}/cache
        pid directory = {base}/pid
        ncalrpc dir = {base}/ncalrpc
        log file = {lab.folder}/{host.name}-smbd.log
        load printers = no
        printing = bsd
        map to guest = never
        """
    ]
    text += [f"        {o}\n" for o in options]
    for share in shares:
        folder = base / "shares" / share
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        text.append(f"        [{share}]\n        path = {folder}\n        read only = no\n        force user = root\n")
    conf = write(lab, f"{host.name}-smb.conf", "".join(text))
    for name, password in PEOPLE.items():
        run("smbpasswd", "-c", conf, "-s", "-a", name, input=f"{password}\n{password}\n")
    host.start("smbd", "-F", "--no-process-group", "-s", conf)
    host.wait_for(445)
    return base / "shares"
