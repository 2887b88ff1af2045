"""Clients of a real Samba: what copies a file server, what destroys it, and what people do with it."""

import hashlib
import random
import zlib

import servers
from network import run

NAMES = ("report", "minutes", "offer", "plan", "budget", "list", "letter", "notes")
WORDS = "the of and to in for is on that by this with you it not or be are from at as your all have new more an was we will".split()


def document(n, size=6000):
    """Text as people write it, each another."""
    numbers = random.Random(n)
    text = " ".join(numbers.choice(WORDS) for _ in range(size // 4))
    return f"No. {n}\n{text}\n".encode()[:size]


def fill(folder, folders, files):
    """Documents in folders."""
    for d in range(folders):
        below = folder / f"{NAMES[d % len(NAMES)]}s-{2000 + d}"
        below.mkdir(parents=True)
        for f in range(files):
            (below / f"{NAMES[f % len(NAMES)]}-{f}.txt").write_bytes(document(d * files + f))
    return sorted(folder.rglob("*.txt"))


def office(lab, **options):
    """A server with documents, and somebody at work."""
    servers.people(lab)
    server = lab.host("server", "10.0.0.20")
    share = servers.smbd(lab, server, **options) / "files"
    client = lab.host("client", "10.0.0.5")
    lab.involve(server)
    return share, client, server


def smbclient(lab, client, server, commands, *flags, who="alice"):
    """Runs commands of smbclient on the share, in a folder of its own."""
    here = lab.folder / f"{client.name}-files"
    here.mkdir(exist_ok=True)
    login = f"{who}%{servers.PEOPLE[who]}"
    share = f"//{server.address}/files"
    return client.run("smbclient", share, "-U", login, *flags, "-c", "; ".join(commands), cwd=here)


def read(lab):
    """smbclient copies all 600 documents in 250 folders. What is usual nobody knows, so of the files there is only a note."""
    share, client, server = office(lab)
    fill(share, 250, 2)
    for n, folder in enumerate(sorted(share.iterdir())[:100]):
        (folder / f"annex-{n}.txt").write_bytes(document(n))
    with lab.recorded(), lab.expect("smb-mass-read/files", "smb-mass-read/crawl", of=client):
        smbclient(lab, client, server, ["prompt", "recurse", "mget *"])


def encrypt(name, data):
    """Bytes like chance, as long as what was there."""
    key = hashlib.sha256(name.encode()).digest()
    out = b""
    while len(out) < len(data):
        key = hashlib.sha256(key).digest()
        out += key
    return bytes(a ^ b for a, b in zip(data, out, strict=False))


def modify(lab):
    """impacket reads 40 documents, writes them anew as random bytes, renames them, and leaves a note in each folder."""
    share, client, server = office(lab)
    paths = [str(p.relative_to(share)).replace("/", "\\") for p in fill(share, 8, 5)]

    def extort():
        from impacket.smbconnection import SMBConnection

        smb = SMBConnection(server.address, server.address)
        smb.login("alice", servers.PEOPLE["alice"])
        noted = set()
        for path in paths:
            data = bytearray()
            smb.getFile("files", path, data.extend)
            rest = encrypt(path, bytes(data))
            tree = smb.connectTree("files")
            file = smb.openFile(tree, path)
            smb.writeFile(tree, file, rest)
            smb.closeFile(tree, file)
            smb.rename("files", path, path + ".locked77")
            folder = path.rsplit("\\", 1)[0]
            if folder not in noted:
                noted.add(folder)
                note = [b"Your files are encrypted. Write to us.\r\n"]
                smb.putFile("files", folder + "\\README_RESTORE.txt", lambda _: note.pop() if note else b"")
        smb.close()

    codes = [f"smb-mass-modify/{reason}" for reason in ("encrypt", "rename-ext", "note")]
    with lab.recorded(), lab.expect(*codes, of=client):
        client.do(extort).wait()


def sealed(lab):
    """The same where SMB 3 encrypts: only sizes are to be seen."""
    share, client, server = office(lab, options=["server smb encrypt = required"])
    numbers = random.Random(7)
    paths = []
    for n in range(40):
        path = share / f"{NAMES[n % 8]}-{n}.txt"
        path.write_bytes(document(n, numbers.randrange(3000, 60000)))
        paths.append(path.name)
    with lab.recorded(), lab.expect("smb-mass-modify/encrypt", of=client):
        here = lab.folder / "client-files"
        here.mkdir()
        for path in paths:
            (here / path).write_bytes(encrypt(path, (share / path).read_bytes()))
        commands = [c for p in paths for c in (f"get {p} got-{p}", f"put {p} {p}", f"rename {p} {p}.locked77")]
        smbclient(lab, client, server, commands, "--client-protection=encrypt")


def deleted(lab):
    """250 files are deleted at once."""
    share, client, server = office(lab)
    fill(share, 5, 50)
    with lab.recorded(), lab.expect("smb-mass-modify/delete", of=client):
        smbclient(
            lab, client, server, ["recurse", *(f"cd {d.name}; prompt; del *; cd .." for d in sorted(share.iterdir()))]
        )


def picture(n, side):
    """A PNG of noise, which doesn't become smaller."""
    import struct

    def chunk(kind, data):
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    numbers = random.Random(n)
    rows = b"".join(b"\0" + numbers.randbytes(side * 3) for _ in range(side))
    head = struct.pack("!IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def work(lab):
    """People at work: one copies 30 documents and writes two, one makes pictures smaller where they lie, one packs a folder."""
    share, first, server = office(lab)
    lab.involved.clear()
    fill(share, 6, 10)
    (share / "pictures").mkdir()
    for n in range(40):
        (share / "pictures" / f"holiday-{n}.png").write_bytes(picture(n, 60))
    second, third = lab.host("second", "10.0.0.6"), lab.host("third", "10.0.0.7")
    some = [str(p.relative_to(share)).replace("/", "\\") for p in sorted(share.rglob("*.txt"))[:30]]
    smaller = lab.folder / "second-files"
    smaller.mkdir()
    for n in range(40):
        (smaller / f"small-{n}.png").write_bytes(picture(n, 30))
    packed = lab.folder / "third-files"
    packed.mkdir()
    with lab.recorded():
        copies = [f'get "{path}" {path.rsplit(chr(92))[-1]}' for path in some]
        smbclient(lab, first, server, [*copies, "put report-0.txt answer.txt", "put letter-6.txt letter-new.txt"])
        resize = [f"get holiday-{n}.png was-{n}.png; put small-{n}.png holiday-{n}.png" for n in range(40)]
        smbclient(lab, second, server, ["cd pictures", *resize], who="bob")
        folder = sorted(d.name for d in share.iterdir() if d.name != "pictures")[0]
        smbclient(lab, third, server, ["prompt", f"cd {folder}", "mget *"], who="carol")
        run("tar", "-C", packed, "-czf", packed / "all.tar.gz", *sorted(p.name for p in packed.glob("*.txt")))
        smbclient(lab, third, server, ["put all.tar.gz"], who="carol")
