"""Passwords tried at real servers, and people who mistype theirs."""

import concurrent.futures
import ftplib
import imaplib
import itertools
import poplib
import socket
import time

import servers
from network import Failed

# The words of which one is right.
WORDS = [f"{word}{n}" for n in range(8) for word in ("spring", "summer", "autumn", "winter", "Secret")]


def paramiko_login(address, name, password):
    """One connection, one try. Did it work?"""
    import paramiko

    with socket.create_connection((address, 22)) as connection:
        transport = paramiko.Transport(connection)
        try:
            transport.start_client(timeout=20)
            transport.auth_password(name, password)
            session = transport.open_session()
            session.exec_command("id; uname -a; ls -la /")
            while session.recv(65536):
                pass
            return True
        except paramiko.AuthenticationException:
            return False
        finally:
            transport.close()


def ftp_login(address, name, password):
    """One connection, one try; a listing if it worked."""
    with ftplib.FTP(address, timeout=20) as ftp:
        try:
            ftp.login(name, password)
            ftp.retrlines("LIST", lambda _: None)
            return True
        except ftplib.error_perm:
            return False


def imap_login(address, name, password):
    """As above."""
    imap = imaplib.IMAP4(address, timeout=20)
    try:
        imap.login(name, password)
        imap.select()
        return True
    except imaplib.IMAP4.error:
        return False
    finally:
        imap.logout()


def pop3_login(address, name, password):
    """As above."""
    pop = poplib.POP3(address, timeout=20)
    try:
        pop.user(name)
        pop.pass_(password)
        pop.stat()
        return True
    except poplib.error_proto:
        return False
    finally:
        pop.quit()


def smb_login(address, name, password):
    """As above, by impacket; a listing of the share if it worked."""
    from impacket.smbconnection import SessionError, SMBConnection

    connection = SMBConnection(address, address)
    try:
        connection.login(name, password)
        connection.listPath("files", "*")
        return True
    except SessionError:
        return False
    finally:
        connection.close()


def guess(login, address, name, words, at_once=4):
    """Tries all words, some at once, and then what is right."""
    with threads(at_once) as pool:
        if any(pool.map(lambda word: login(address, name, word), words)):
            raise Failed("a wrong password worked")
    if not login(address, name, servers.PEOPLE[name]):
        raise Failed("the right password did not work")


def threads(at_once):
    """Threads for tries that wait for the server's delay."""
    return concurrent.futures.ThreadPoolExecutor(at_once)


def attacked(lab, start):
    """A server that people have accounts at, and who attacks it."""
    servers.people(lab)
    target = lab.host("target", "10.0.0.20")
    start(lab, target)
    attacker = lab.host("attacker", "10.0.0.5")
    lab.involve(target)
    return target, attacker


def guessing(lab, start, login, tries, clear=None):
    """A host tries passwords at a server and then has the right one; another logs in as people do. `clear`: how the server
    is spoken of whose passwords can be read."""
    target, attacker = attacked(lab, start)
    honest = lab.host("honest", "10.0.0.6")
    with lab.recorded():
        with lab.expect(*([clear] if clear else []), of=target):
            honest.do(login, target.address, "bob", servers.PEOPLE["bob"]).wait()
        with lab.expect("password-guessing/single/success", of=attacker):
            attacker.do(guess, login, target.address, "alice", WORDS[:tries]).wait()


def ftp(lab):
    """25 passwords at vsftpd, then the right one."""
    guessing(lab, servers.vsftpd, ftp_login, 25, "cleartext-credentials/ftp/accepted")


def ssh(lab):
    """35 passwords at OpenSSH by paramiko, then the right one."""
    guessing(lab, servers.sshd, paramiko_login, 35)


def openssh(lab):
    """35 passwords by OpenSSH's own client, then the right one."""
    target, attacker = attacked(lab, servers.sshd)

    def attempt(word):
        flags = [*servers.SSH, "-o", "NumberOfPasswordPrompts=1", f"alice@{target.address}", "id"]
        return "uid=" in attacker.run("sshpass", "-p", word, "ssh", *flags, check=False)

    with lab.recorded(), lab.expect("password-guessing/single/success", of=attacker):
        with threads(6) as pool:
            won = list(pool.map(attempt, WORDS[:35]))
        if any(won) or not attempt(servers.PEOPLE["alice"]):
            raise Failed("the wrong password worked, or the right one did not")


def imap(lab):
    """25 passwords at Dovecot, then the right one."""
    guessing(lab, servers.dovecot, imap_login, 25, "cleartext-credentials/imap/accepted")


def pop3(lab):
    """25 passwords at Dovecot, then the right one."""
    guessing(lab, servers.dovecot, pop3_login, 25, "cleartext-credentials/pop3/accepted")


def smb(lab):
    """25 passwords at Samba by impacket, then the right one."""
    guessing(lab, servers.smbd, smb_login, 25)


def spray(lab):
    """Two passwords at Samba for each of forty accounts, most of which there are not."""
    target, attacker = attacked(lab, servers.smbd)
    accounts = [*servers.PEOPLE, *(f"user{n}" for n in range(37))]

    def spraying():
        for word, account in itertools.product(WORDS[:2], accounts):
            if smb_login(target.address, account, word):
                raise Failed("a wrong password worked")

    with lab.recorded(), lab.expect("password-guessing/spray", of=attacker):
        attacker.do(spraying).wait()


def basic(lab):
    """35 passwords by curl at nginx with Basic authentication, then the right one."""
    target, attacker = attacked(lab, basic_auth)
    readable = lab.expect("cleartext-credentials/http/accepted", of=target)
    with lab.recorded(), readable, lab.expect("password-guessing/single/success", of=attacker):
        for word in [*WORDS[:35], servers.PEOPLE["alice"]]:
            attacker.run("curl", "-s", "-o", "/dev/null", "-u", f"alice:{word}", f"http://{target.address}/private/")


def basic_auth(lab, host):
    """nginx with a part that wants a password."""
    users = "".join(f"{n}:{{PLAIN}}{p}\n" for n, p in servers.PEOPLE.items())
    path = servers.write(lab, "htpasswd", users)
    path.chmod(0o644)
    (lab.folder / "www/private").mkdir(parents=True, exist_ok=True)
    (lab.folder / "www/private/index.html").write_text("<!doctype html><p>Figures of the year.</p>\n" * 30)
    servers.nginx(lab, host, f'location /private/ {{ auth_basic "private"; auth_basic_user_file {path}; }}')


def typo(lab):
    """People mistype twice, then are in: FTP, SSH, IMAP, POP3, SMB, the web, one after the other."""
    servers.people(lab)
    target = lab.host("target", "10.0.0.20")
    for start in (servers.vsftpd, servers.sshd, servers.dovecot, servers.smbd, basic_auth):
        start(lab, target)
    logins = (ftp_login, paramiko_login, imap_login, pop3_login, smb_login)
    people = [lab.host(name, f"10.0.0.{30 + n}") for n, name in enumerate(servers.PEOPLE)]

    def working(name):
        password = servers.PEOPLE[name]
        for login in logins:
            for word in (password.lower(), password + "#", password):
                login(target.address, name, word)
                time.sleep(0.5)

    # Whose passwords can be read is told, and nothing else.
    readable = [f"cleartext-credentials/{p}/accepted" for p in ("ftp", "http", "imap", "pop3")]
    with lab.recorded(), lab.expect(*readable, of=target):
        children = [host.do(working, host.name) for host in people]
        for host in people:
            password = servers.PEOPLE[host.name]
            for word in (password.lower(), password + "#", password):
                host.run(
                    "curl", "-s", "-o", "/dev/null", "-u", f"{host.name}:{word}", f"http://{target.address}/private/"
                )
        for child in children:
            child.wait()
