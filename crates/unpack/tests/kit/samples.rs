//! Scripts that make nested samples with the real tools; also for the tests of the command.

use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Name, tools, script, leaves that must be found.
pub type Sample = (&'static str, &'static str, &'static str, &'static str);

/// `a.txt` is text, `b.bin` random bytes, `c.flag` a flag in a line, `p.png` a small picture.
pub const SAMPLES: &[Sample] = &[
    ("tar", "tar", "tar cf out a.txt b.bin c.flag", "abc"),
    ("tar_old", "tar", "tar --format=v7 -cf out a.txt b.bin", "ab"),
    (
        "tar_pax_long",
        "tar",
        "d=$(printf 'd%.0s' $(seq 90)); mkdir -p $d/$d/$d; cp a.txt b.bin $d/$d/$d; tar --format=pax -cf out $d",
        "ab",
    ),
    (
        "tar_gnu_long",
        "tar",
        "d=$(printf 'd%.0s' $(seq 90)); mkdir -p $d/$d/$d; cp a.txt b.bin $d/$d/$d; tar --format=gnu -cf out $d",
        "ab",
    ),
    (
        "tar_sparse_gnu",
        "tar truncate",
        "truncate -s 1M s; cat b.bin >>s; truncate -s 2M s; tar --format=gnu -S -cf out s",
        "s",
    ),
    (
        "tar_sparse_pax",
        "tar truncate",
        "truncate -s 1M s; cat b.bin >>s; truncate -s 2M s; tar --format=pax -S -cf out s",
        "s",
    ),
    ("tar_gz", "tar gzip", "tar czf out a.txt b.bin", "ab"),
    ("tar_bz2", "tar bzip2", "tar cjf out a.txt b.bin", "ab"),
    ("tar_xz", "tar xz", "tar cJf out a.txt b.bin", "ab"),
    ("tar_zst", "tar zstd", "tar --zstd -cf out a.txt b.bin", "ab"),
    ("lzma", "xz", "xz --format=lzma -c a.txt >out", "a"),
    ("lz4", "lz4", "lz4 -q -c b.bin >out", "b"),
    ("compress", "compress", "cat a.txt a.txt a.txt a.txt > big; compress -c big >out; mv big s", "s"),
    (
        "zlib",
        "python3",
        "python3 -c 'import zlib;open(\"out\",\"wb\").write(zlib.compress(open(\"a.txt\",\"rb\").read()))'",
        "a",
    ),
    ("gzip_twice_joined", "gzip tar", "(gzip -c a.txt | gzip; tar c b.bin) >out", "ab"),
    ("tar_in_tar_base64", "tar base64", "base64 c.flag >f.txt; tar cf inner.tar f.txt; tar cf out inner.tar", "c"),
    ("base64_of_tar_gz", "tar gzip base64", "tar cz a.txt b.bin | base64 >out", "ab"),
    (
        "base64_url",
        "python3",
        "python3 -c 'import base64;open(\"out\",\"wb\").write(base64.urlsafe_b64encode(open(\"p.png\",\"rb\").read()))'",
        "p",
    ),
    ("base32", "base32", "base32 p.png >out", "p"),
    ("hex", "python3", "python3 -c 'open(\"out\",\"w\").write(open(\"p.png\",\"rb\").read().hex())'", "p"),
    (
        "hex_of_base64_of_zip",
        "zip base64 python3",
        "zip -q x.zip a.txt; base64 -w0 x.zip >x.b64; python3 -c 'open(\"out\",\"w\").write(open(\"x.b64\",\"rb\").read().hex())'",
        "a",
    ),
    ("rot13", "tr", "tr a-zA-Z n-za-mN-ZA-M <c.flag >out", "c"),
    ("uuencode", "uuencode", "uuencode b.bin b.bin >out", "b"),
    (
        "uuencode_in_mail",
        "uuencode",
        "(printf 'From: a@b\\nTo: c@d\\nSubject: x\\n\\nsee below\\n\\n'; uuencode b.bin b.bin) >out",
        "b",
    ),
    ("zip", "zip", "zip -q out.zip a.txt b.bin c.flag; mv out.zip out", "abc"),
    ("zip_stored", "zip", "zip -q -0 out.zip a.txt b.bin; mv out.zip out", "ab"),
    ("zip_bzip2", "zip", "zip -q -Z bzip2 out.zip a.txt b.bin; mv out.zip out", "ab"),
    ("zip_streamed", "zip", "cat a.txt | zip -q out.zip - ; mv out.zip out", "a"),
    ("zip_encrypted", "zip", "zip -q -P secret out.zip a.txt b.bin; mv out.zip out", "ab"),
    (
        "zip_lzma",
        "python3",
        "python3 -c 'import zipfile;z=zipfile.ZipFile(\"out\",\"w\",zipfile.ZIP_LZMA);z.write(\"a.txt\");z.write(\"b.bin\");z.close()'",
        "ab",
    ),
    (
        "zip64",
        "python3",
        "python3 -c 'import zipfile\nz=zipfile.ZipFile(\"out\",\"w\",zipfile.ZIP_DEFLATED)\nwith z.open(\"a.txt\",\"w\",force_zip64=True) as f: f.write(open(\"a.txt\",\"rb\").read())\nz.close()'",
        "a",
    ),
    ("zip_without_directory", "zip head", "zip -q x.zip a.txt b.bin; head -c -100 x.zip >out", "a"),
    (
        "zip_in_zip_in_zip",
        "zip",
        "zip -q 1.zip a.txt b.bin; zip -q -0 2.zip 1.zip; zip -q out.zip 2.zip; mv out.zip out",
        "ab",
    ),
    ("zip_behind_png", "zip", "zip -q x.zip a.txt b.bin; cat p.png x.zip >out", "ab"),
    ("zip_behind_noise", "zip", "zip -q x.zip a.txt; cat b.bin x.zip >out", "a"),
    ("tar_behind_png", "tar", "tar cf x.tar a.txt; cat p.png x.tar >out", "a"),
    ("zip_aes", "7z", "7z a -bd -tzip -mem=AES256 -psecret out.zip a.txt b.bin >/dev/null; mv out.zip out", "ab"),
    ("7z", "7z", "7z a -bd out.7z a.txt b.bin c.flag >/dev/null; mv out.7z out", "abc"),
    ("7z_lzma", "7z", "7z a -bd -m0=lzma out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    ("7z_copy", "7z", "7z a -bd -m0=copy out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    ("7z_bzip2", "7z", "7z a -bd -m0=bzip2 out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    ("7z_deflate", "7z", "7z a -bd -m0=deflate out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    ("7z_bcj", "7z", "cp /bin/true s; 7z a -bd -m0=bcj -m1=lzma2 out.7z s >/dev/null; mv out.7z out", "s"),
    ("7z_deflate64", "7z", "7z a -bd -m0=deflate64 out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    (
        "zip_deflate64",
        "7z",
        "7z a -bd -tzip -mm=deflate64 out.zip a.txt b.bin c.flag >/dev/null; mv out.zip out",
        "abc",
    ),
    ("7z_ppmd", "7z", "7z a -bd -m0=ppmd out.7z a.txt b.bin c.flag >/dev/null; mv out.7z out", "abc"),
    ("7z_ppmd_large", "7z", "7z a -bd -m0=ppmd:mem=48m:o=32 out.7z b.bin a.txt >/dev/null; mv out.7z out", "ab"),
    ("7z_delta", "7z", "7z a -bd -m0=delta:4 -m1=lzma out.7z b.bin >/dev/null; mv out.7z out", "b"),
    ("7z_encrypted", "7z", "7z a -bd -psecret out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    ("7z_encrypted_names", "7z", "7z a -bd -psecret -mhe=on out.7z a.txt b.bin >/dev/null; mv out.7z out", "ab"),
    ("7z_in_tar_gz", "7z tar gzip", "7z a -bd x.7z a.txt >/dev/null; tar czf out x.7z", "a"),
    ("cpio_newc", "cpio", "printf 'a.txt\\nb.bin\\n' | cpio -o -H newc >out 2>/dev/null", "ab"),
    ("cpio_odc", "cpio", "printf 'a.txt\\nb.bin\\n' | cpio -o -H odc >out 2>/dev/null", "ab"),
    ("cpio_bin", "cpio", "printf 'a.txt\\nb.bin\\n' | cpio -o -H bin >out 2>/dev/null", "ab"),
    (
        "initramfs",
        "cpio gzip",
        "echo a.txt | cpio -o -H newc >1 2>/dev/null; echo b.bin | cpio -o -H newc 2>/dev/null | gzip >2; cat 1 2 >out",
        "ab",
    ),
    ("ar", "ar", "cp a.txt a_rather_long_name_of_a_file.txt; ar rc out a_rather_long_name_of_a_file.txt b.bin", "ab"),
    (
        "deb",
        "ar tar xz",
        "tar cJf data.tar.xz a.txt b.bin; tar czf control.tar.gz c.flag; echo 2.0 >debian-binary; ar rc out debian-binary control.tar.gz data.tar.xz",
        "abc",
    ),
    ("iso", "genisoimage", "mkdir d; cp a.txt b.bin d; genisoimage -quiet -o out d", "ab"),
    ("iso_joliet", "genisoimage", "mkdir -p d/sub; cp a.txt d; cp b.bin d/sub; genisoimage -quiet -J -o out d", "ab"),
    (
        "iso_rock",
        "genisoimage tar",
        "mkdir -p d/sub; tar cf d/sub/x.tar a.txt b.bin; genisoimage -quiet -R -o out d",
        "ab",
    ),
    (
        "mail",
        "python3",
        "python3 - <<'E'\nfrom email.message import EmailMessage\nm=EmailMessage(); m['From']='a@b'; m['To']='c@d'; m['Subject']='x'\nm.set_content('Grüße'); m.add_alternative('<p>hi</p>',subtype='html')\nm.add_attachment(open('a.txt').read(),filename='a.txt')\nm.add_attachment(open('b.bin','rb').read(),maintype='application',subtype='octet-stream',filename='b.bin')\nopen('out','wb').write(m.as_bytes())\nE",
        "ab",
    ),
    (
        "mail_in_mail_with_zip",
        "python3 zip",
        "zip -q x.zip a.txt b.bin; python3 - <<'E'\nfrom email.message import EmailMessage\ni=EmailMessage(); i['From']='a@b'; i['To']='c@d'; i.set_content('in')\ni.add_attachment(open('x.zip','rb').read(),maintype='application',subtype='zip',filename='x.zip')\nm=EmailMessage(); m['From']='a@b'; m['To']='c@d'; m.set_content('out'); m.add_attachment(i)\nopen('out','wb').write(m.as_bytes())\nE",
        "ab",
    ),
    (
        "mbox",
        "python3",
        "python3 - <<'E'\nimport mailbox\nfrom email.message import EmailMessage\nb=mailbox.mbox('out')\nfor n in ('a.txt','b.bin'):\n m=EmailMessage(); m['From']='a@b'; m['To']='c@d'; m.set_content('x')\n m.add_attachment(open(n,'rb').read(),maintype='application',subtype='octet-stream',filename=n); b.add(m)\nb.flush()\nE",
        "ab",
    ),
    (
        "ooxml",
        "python3",
        "python3 - <<'E'\nimport zipfile\nz=zipfile.ZipFile('out','w',zipfile.ZIP_DEFLATED)\nz.writestr('[Content_Types].xml','<?xml version=\"1.0\"?><Types/>'); z.writestr('word/document.xml','<w/>'); z.write('p.png','word/media/image1.png'); z.write('b.bin','word/embeddings/oleObject1.bin'); z.close()\nE",
        "bp",
    ),
    (
        "pdf",
        "python3",
        "python3 - <<'E'\nimport zlib,base64\na=zlib.compress(open('a.txt','rb').read()); b=base64.a85encode(zlib.compress(open('b.bin','rb').read()))+b'~>'\nout=b'%PDF-1.7\\n1 0 obj\\n<</Length '+str(len(a)).encode()+b'/Filter/FlateDecode>>\\nstream\\n'+a+b'\\nendstream\\nendobj\\n2 0 obj\\n<</Type/EmbeddedFile/Length '+str(len(b)).encode()+b'/Filter[/ASCII85Decode/FlateDecode]>>\\nstream\\n'+b+b'\\nendstream\\nendobj\\n%%EOF\\n'\nopen('out','wb').write(out)\nE",
        "ab",
    ),
    (
        "png_text",
        "python3",
        "python3 - <<'E'\nimport zlib,struct\np=open('p.png','rb').read(); d=b'k\\0\\0'+zlib.compress(open('a.txt','rb').read())\nc=struct.pack('>I',len(d))+b'zTXt'+d+struct.pack('>I',zlib.crc32(b'zTXt'+d))\nopen('out','wb').write(p[:33]+c+p[33:])\nE",
        "a",
    ),
    (
        "html_data_uri",
        "python3",
        "python3 -c 'import base64;open(\"out\",\"w\").write(\"<html><img src=\\\"data:image/png;base64,\"+base64.b64encode(open(\"p.png\",\"rb\").read()).decode()+\"\\\"></html>\")'",
        "p",
    ),
    ("elf_overlay", "zip tar", "tar cf x.tar a.txt; cat /bin/true x.tar >out", "a"),
    (
        "rpm",
        "rpmbuild",
        "mkdir -p r; printf 'Name: x\\nVersion: 1\\nRelease: 1\\nSummary: x\\nLicense: x\\nBuildArch: noarch\\n%%description\\nx\\n%%install\\nmkdir -p %%{buildroot}/opt\\ncp '$PWD'/a.txt '$PWD'/b.bin %%{buildroot}/opt\\n%%files\\n/opt/*\\n' >x.spec; rpmbuild -bb --quiet --define \"_topdir $PWD/r\" x.spec >/dev/null 2>&1; cp r/RPMS/noarch/*.rpm out",
        "ab",
    ),
    ("cab", "gcab", "gcab -c -n out a.txt b.bin", "ab"),
    ("cab_mszip", "gcab", "for i in $(seq 200); do cat a.txt; done >s; gcab -c -z out s b.bin", "sb"),
    (
        "everything",
        "tar gzip bzip2 xz zip base64 cpio",
        "zip -q 1.zip a.txt b.bin; tar cf 2.tar 1.zip; bzip2 2.tar; echo 2.tar.bz2 | cpio -o -H newc >3.cpio 2>/dev/null; xz 3.cpio; base64 3.cpio.xz >4.txt; gzip 4.txt; cp 4.txt.gz out",
        "ab",
    ),
];

/// Is the program there?
pub fn has(tool: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().is_ok_and(|o| o.status.success())
}

/// Makes the leaves.
pub fn leaf(folder: &Path) {
    let text: String = (0..200).map(|i| format!("line {i} of the first leaf, which is text\n")).collect();
    fs::write(folder.join("a.txt"), text).unwrap();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = (0..20_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect();
    fs::write(folder.join("b.bin"), noise).unwrap();
    fs::write(folder.join("c.flag"), "flag{found_in_the_innermost}\n").unwrap();
    fs::write(folder.join("p.png"), PNG).unwrap();
}

/// One grey pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cch\0\0\0\x82\0\x81w\xcdr\xb6\0\0\0\0IEND\xaeB`\x82";

/// Of a file.
pub fn sha256(path: &Path) -> [u8; 32] {
    Sha256::digest(fs::read(path).unwrap()).into()
}

/// Files that hold the leaves called by letters in `wanted`.
pub fn leaves(wanted: &str) -> impl Iterator<Item = &'static str> {
    let files = [('a', "a.txt"), ('b', "b.bin"), ('c', "c.flag"), ('p', "p.png"), ('s', "s")];
    files.into_iter().filter(move |f| wanted.contains(f.0)).map(|f| f.1)
}

/// Makes a sample in `folder`: what lies in `out` then. `None` if a tool is missing.
pub fn make(sample: &Sample, folder: &Path) -> Option<Vec<u8>> {
    let (name, tools, script, _) = *sample;
    if !tools.split(' ').all(has) {
        return None;
    }
    leaf(folder);
    let made = Command::new("sh").arg("-ec").arg(script).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    Some(fs::read(folder.join("out")).unwrap())
}
