//! Signatures of fixed shape.

/// One element of a signature, matched where the one before ended.
#[derive(Debug)]
pub(super) enum El {
    /// These bytes.
    B(&'static [u8]),
    /// These bytes, given in lower case, letters in any case.
    I(&'static [u8]),
    /// One byte of these.
    In(&'static [u8]),
    /// So many bytes that aren't zero.
    NonZero(usize),
    /// One byte of this inclusive range.
    R(u8, u8),
    /// So many bytes of any value.
    Skip(usize),
}

impl El {
    /// May the element begin with `byte`?
    pub(super) fn accepts(&self, byte: u8) -> bool {
        match self {
            El::B(s) => s.first() == Some(&byte),
            El::I(s) => s.first() == Some(&byte.to_ascii_lowercase()),
            El::In(s) => s.contains(&byte),
            El::NonZero(_) => byte != 0,
            El::R(low, high) => (*low..=*high).contains(&byte),
            El::Skip(_) => true,
        }
    }

    /// What is left of `bytes` after the element; `None` if it doesn't match.
    fn strip<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let len = match self {
            El::B(s) | El::I(s) => s.len(),
            El::In(_) | El::R(..) => 1,
            El::NonZero(n) | El::Skip(n) => *n,
        };
        let (here, rest) = bytes.split_at_checked(len)?;
        let fits = match self {
            El::B(s) => here == *s,
            El::I(s) => here.eq_ignore_ascii_case(s),
            El::NonZero(_) => !here.contains(&0),
            El::In(_) | El::R(..) => here.first().is_some_and(|&b| self.accepts(b)),
            El::Skip(_) => true,
        };
        fits.then_some(rest)
    }

    /// Place and value of a byte, not the very first, that content must have to match `els`; `None` if the
    /// beginning asks for none.
    pub(super) fn sign(els: &[El]) -> Option<(usize, u8)> {
        match els {
            [El::B([_, second, ..]), ..] => Some((1, *second)),
            [El::Skip(n), El::B([first, ..]), ..] => Some((*n, *first)),
            [El::B([_]) | El::R(..) | El::In(_), El::B([second, ..]), ..] => Some((1, *second)),
            _ => None,
        }
    }

    /// Do the elements match the beginning of `bytes`?
    pub(super) fn all_match(els: &[El], bytes: &[u8]) -> bool {
        els.iter().try_fold(bytes, |rest, el| el.strip(rest)).is_some()
    }
}

/// A row: type, strength, shape.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) mime: &'static str,
    pub(super) strength: i16,
    pub(super) els: &'static [El],
}

macro_rules! signatures {
    ($($mime:literal $strength:literal: $($el:ident($($arg:expr),*))+;)*) => {
        &[$(Signature { mime: $mime, strength: $strength, els: &[$(El::$el($($arg),*)),+] }),*]
    };
}

/// Archives, documents, programs, images, sound, video, fonts and the rest, by kind.
#[rustfmt::skip]
pub(super) static SIGNATURES: &[Signature] = signatures! {
    // Archives and compressed data.
    "application/vnd.ms-cab-compressed" 110: B(b"MSCF\0\0\0\0");
    "application/warc" 50: B(b"WARC/");
    "application/x-7z-compressed" 50: B(b"7z\xbc\xaf\x27\x1c");
    "application/x-ace" 100: Skip(7) B(b"**ACE**");
    "application/x-arc" 70: R(0, 0x7f) R(0, 0x7f) In(b"\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x14\x48") B(b"\x1a");
    "application/x-archive" 70: B(b"!<ar>");
    "application/x-archive" 70: B(b"!<arch>");
    "application/x-archive" 70: B(b"<ar>");
    "application/x-archive" 70: B(b"<arch>");
    "application/x-arj" 50: B(b"\x60\xea");
    "application/x-bzip2" 60: B(b"BZh");
    "application/x-compress" 50: B(b"\x1f\x9d");
    "application/x-cpio" 50: B(b"\x71\xc7");
    "application/x-cpio" 50: B(b"\xc7\x71");
    "application/x-debian-package" 171: B(b"!<arch>\ndebian");
    "application/x-dmg" 100: B(b"\x78\x01\x63\x60\x18\x05");
    "application/x-dmg" 100: B(b"\x78\x01\x73\x0d\x62\x62\x60");
    "application/x-dmg" 100: B(b"\x78\xda\x63\x60\x18\x05");
    "application/x-dmg" 100: B(b"\x78\xda\x73\x0d");
    "application/x-dmg" 100: B(b"\x78") In(b"\x01\xda") B(b"\xed") R(0xd0, 0xd9);
    "application/x-eet" 70: B(b"\x1e\xe7\xff\0");
    "application/x-gzip" 100: B(b"\x1f\x8b");
    "application/x-java-pack200" 1: B(b"\xca\xfe\xd0\x0d") Skip(1);
    "application/x-lha" 120: B(b"MZ") Skip(34) B(b"LH") In(b"aA") B(b"'s SFX");
    "application/x-lrzip" 1: B(b"LRZI");
    "application/x-lz4" 70: B(b"\x02\x21\x4c\x18");
    "application/x-lz4" 70: B(b"\x04\x22\x4d\x18");
    "application/x-lzh" 80: Skip(2) B(b"-lh") In(b" abcdex0123456789") B(b"-");
    "application/x-lzh" 80: Skip(2) B(b"-lz") In(b"s2345678") B(b"-");
    "application/x-lzh" 80: Skip(2) B(b"-pc1-");
    "application/x-lzh" 80: Skip(2) B(b"-pm") In(b"s012") B(b"-");
    "application/x-lzip" 70: B(b"LZIP");
    "application/x-lzma" 71: B(b"\x5d\0\0");
    "application/x-rar" 70: B(b"Rar!");
    "application/x-rpm" 70: B(b"\xed\xab\xee\xdb");
    "application/x-rpm" 70: B(b"drpm");
    "application/x-stuffit" 70: B(b"SIT!");
    "application/x-stuffit" 70: B(b"StuffIt");
    "application/x-xar" 100: B(b"xar!");
    "application/x-xz" 90: B(b"\xfd7zXZ\0");
    "application/x-zoo" 70: Skip(20) B(b"\xdc\xa7\xc4\xfd");
    "application/zip" 10: B(b"PK\x03\x04") Skip(2);
    "application/zip" 10: B(b"PK\x07\x08PK\x03\x04");
    "application/zip" 340: B(b"MZ") Skip(28) B(b"Copyright 1989-1990 PKWARE Inc.");
    "application/zip" 340: B(b"MZ") Skip(28) B(b"PKLITE Copr.");

    // Documents and office files.
    "application/dicom" 70: Skip(128) B(b"DICM");
    "application/msword" 50: B(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    "application/pdf" 80: B(b"%PDF-");
    "application/postscript" 50: B(b"%!");
    "application/postscript" 60: B(b"\x04%!");
    "application/vnd.fdf" 80: B(b"%FDF-");
    "application/vnd.lotus-wordpro" 110: B(b"WordPro\0");
    "application/vnd.lotus-wordpro" 120: B(b"WordPro\x0d\xfb");
    "application/vnd.openxmlformats-officedocument" 50: B(b"PK\x03\x04\x14\0\x06\0");
    "application/x-dvi" 50: B(b"\xf7\x02");
    "application/x-freemind" 150: B(b"<map version");
    "application/x-freemind" 150: B(b"<mapversion");
    "application/x-freeplane" 260: B(b"<map version=\"freeplane");
    "application/x-freeplane" 260: B(b"<mapversion=\"freeplane");
    "application/x-gnumeric" 160: Skip(39) B(b"<gmr:Workbook");
    "application/x-ichitaro4" 40: B(b"DOC") Skip(40) B(b"\x14");
    "application/x-ichitaro5" 40: B(b"DOC") Skip(40) B(b"\x15");
    "application/x-ichitaro6" 40: B(b"DOC") Skip(40) B(b"\x16");
    "application/x-mif" 70: B(b"<MML");
    "application/x-mif" 90: B(b"<Maker");
    "application/x-mif" 110: B(b"<MIFFile");
    "application/x-mif" 120: B(b"<BookFile");
    "application/x-mif" 130: B(b"<MakerFile");
    "application/x-mif" 190: B(b"<MakerScreenFont");
    "application/x-ms-reader" 1: B(b"ITOLITLS") Skip(4);
    "application/x-msaccess" 180: Skip(4) B(b"Standard ACE DB\0");
    "application/x-msaccess" 180: Skip(4) B(b"Standard Jet DB\0");
    "application/x-quark-xpress-3" 90: Skip(2) B(b"MMXPR3");
    "application/x-sc" 140: Skip(38) B(b"Spreadsheet");
    "application/x-scribus" 260: B(b"<SCRIBUSUTF8NEW Version");
    "text/rtf" 80: B(b"{\\rtf");

    // Mail, keys, calendars, texts with a first line of their own.
    "application/bsdiff" 100: B(b"BSDIFF");
    "application/mac-binhex40" 320: Skip(11) B(b"must be converted with BinHex");
    "application/pgp" 260: B(b"-----BEGIN PGP MESSAGE-");
    "application/pgp-keys" 330: Skip(2) B(b"---BEGIN PGP PUBLIC KEY BLOCK-");
    "application/pgp-signature" 280: B(b"-----BEGIN PGP SIGNATURE-");
    "application/sla" 10: B(b"solid ");
    "application/x-bittorrent" 140: B(b"d8:announce");
    "application/x-gnupg-keyring" 50: B(b"\x99\x01");
    "application/x-ia-arc" 140: B(b"filedesc://");
    "application/x-java-jnlp-file" 100: B(b"<jnlp ");
    "application/x-kdelnk" 200: B(b"# KDE Config File");
    "application/x-kdelnk" 220: B(b"[KDE Desktop Entry]");
    "application/x-pem" 0: B(b"-----BEGIN CERTIFICATE-----");
    "application/x-pgp-keyring" 50: B(b"\x95") In(b"\0\x01");
    "application/x-pgp-keyring" 50: B(b"\x99\0");
    "application/x-shar" 280: Skip(10) B(b"# This is a shell archive");
    "application/x-svr4-package" 230: B(b"# PaCkAgE DaTaStReAm");
    "message/news" 100: B(b"Article");
    "message/news" 80: B(b"Path:");
    "message/news" 80: B(b"Xref:");
    "message/rfc822" 100: B(b"Pipe to");
    "message/rfc822" 110: B(b"#! rnews");
    "message/rfc822" 120: B(b"N#! rnews");
    "message/rfc822" 130: B(b"Forward to");
    "message/rfc822" 150: I(b"return-path:");
    "message/rfc822" 160: I(b"delivered-to:");
    "message/rfc822" 170: B(b"Relay-Version:");
    "message/rfc822" 80: B(b"From:");
    "model/vrml" 180: B(b"#VRML V2.0 utf8");
    "model/vrml" 190: B(b"#VRML V1.0 ascii");
    "text/PGP" 50: B(b"\x85\x02");
    "text/PGP" 50: B(b"\xa6\0");
    "text/calendar" 180: B(b"BEGIN:VCALENDAR");
    "text/x-m4" 40: B(b"dnl ");
    "text/x-msdos-batch" 60: I(b"@rem");
    "text/x-msdos-batch" 70: I(b"@set ");
    "text/x-po" 37: B(b"msgid ");
    "text/x-vcard" 140: B(b"BEGIN:VCARD");
    "text/x-xmcd" 90: B(b"# xmcd");

    // Programs and byte code.
    "application/x-dosexec" 51: B(b"MZ");
    "application/x-dosexec" 190: Skip(369) B(b"MICROSOFT PIFEX\0");
    "application/x-elc" 10: B(b";ELC") R(0, 0x1f);
    "application/x-elc" 10: B(b";ELC") R(0x80, 0xff);
    "application/x-java-applet" 71: B(b"\xca\xfe\xba\xbe") Skip(3) R(0x2d, 0x34);
    "application/x-java-jce-keystore" 70: B(b"\xce\xce\xce\xce");
    "application/x-java-keystore" 70: B(b"\xfe\xed\xfe\xed");
    "application/x-mach-o-executable" 100: B(b"\xca\xfe\xba\xbe") Skip(2) B(b"\0") R(1, 0x14);
    "application/x-mach-o-executable" 100: In(b"\xce\xcf") B(b"\xfa\xed\xfe");
    "application/x-shockwave-flash" 60: In(b"FCZ") B(b"WS");

    // Systems, databases, captures, games.
    "application/bindiff" 100: B(b"DIFF");
    "application/bplist" 100: B(b"bplist");
    "application/chrome-ext" 100: B(b"Cr24");
    "application/chrome-ext-upd" 70: B(b"CrOD");
    "application/map-tile" 100: B(b"VMP4");
    "application/mshelp" 100: B(b"ITSF");
    "application/msqm" 100: B(b"MSQM");
    "application/mssql-bak" 100: B(b"MSSQLBAK");
    "application/mtf" 100: B(b"TAPE");
    "application/skp" 100: B(b"\xff\xfe\xff\x0eS\0k\0e\0t\0c\0h\0U\0p\0 \0M\0o\0d\0e\0l\0");
    "application/vnd.apple-afpinfo" 0: B(b"AFP");
    "application/vnd.cups-raster" 40: B(b"3SaR");
    "application/vnd.cups-raster" 40: B(b"RaS3");
    "application/vnd.fdo.journal" 80: B(b"LPKSHHRH") Skip(8) R(0, 3) Skip(7) NonZero(48);
    "application/vnd.ms-outlook" 49: B(b"!BDN") Skip(6) In(b"\x0e\x0f\x15\x17") R(0, 2);
    "application/vnd.ms-pol" 49: B(b"PReg");
    "application/vnd.ms-reg" 49: B(b"REGEDIT4");
    "application/vnd.ms-reg" 49: B(b"\xff\xfeW\0i\0n\0d\0o\0w\0s\0 \0R\0e\0g\0i\0s\0t\0r\0y\0 \0E\0d\0i\0t\0o\0r\0 \0V\0e\0r\0s\0i\0o\0n\0 \x005\0.\x000\x000");
    "application/vnd.ms-regf" 49: B(b"regf");
    "application/vnd.ms-tnef" 100: B(b"\x78\x9f\x3e\x22");
    "application/vnd.symbian.install" 70: Skip(8) B(b"\x19\x04\0\x10");
    "application/vnd.tcpdump.pcap" 100: B(b"\x0a\x0d\x0d\x0a") Skip(4) B(b"\x1a\x2b\x3c\x4d");
    "application/vnd.tcpdump.pcap" 100: B(b"\x0a\x0d\x0d\x0a") Skip(4) B(b"\x4d\x3c\x2b\x1a");
    "application/vnd.tcpdump.pcap" 70: B(b"\xa1\xb2\xc3\xd4");
    "application/vnd.tcpdump.pcap" 70: B(b"\xd4\xc3\xb2\xa1");
    "application/x-blizgame" 100: B(b"BLTE");
    "application/x-dbm" 70: B(b"\0\x06\x15\x61");
    "application/x-dbm" 70: B(b"\x61\x15\x06\0");
    "application/x-epoc-agenda" 70: B(b"\x50\0\0\x10\x6d\0\0\x10\x84\0\0\x10");
    "application/x-epoc-app" 70: B(b"\x37\0\0\x10\x74\0\0\x10");
    "application/x-epoc-data" 70: B(b"\x50\0\0\x10\x6d\0\0\x10\x86\0\0\x10");
    "application/x-epoc-jotter" 70: B(b"\x50\0\0\x10\x6d\0\0\x10\xea\x0c\0\x10");
    "application/x-epoc-opl" 70: B(b"\x37\0\0\x10\x6d\0\0\x10\x85\0\0\x10");
    "application/x-epoc-opo" 70: B(b"\x37\0\0\x10\x73\0\0\x10");
    "application/x-epoc-sheet" 70: B(b"\x37\0\0\x10\x6d\0\0\x10\x88\0\0\x10");
    "application/x-epoc-word" 70: B(b"\x37\0\0\x10\x6d\0\0\x10\x7f\0\0\x10");
    "application/x-game-mpq" 100: B(b"MPQ\x1a");
    "application/x-gdbm" 70: B(b"GDBM");
    "application/x-gdbm" 70: B(b"\x13\x57\x9a\xce");
    "application/x-gdbm" 70: B(b"\xce\x9a\x57\x13");
    "application/x-hdf" 110: B(b"\x89HDF\r\n\x1a\n");
    "application/x-hdf" 70: B(b"\x0e\x03\x13\x01");
    "application/x-iso9660-image" 99: B(b"CD001");
    "application/x-kaspavdb" 100: B(b"KLZF");
    "application/x-kaspavupdate" 100: B(b"KLD2");
    "application/x-ms-dds" 100: B(b"DDS");
    "application/x-ms-shortcut" 49: B(b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46");
    "application/x-tokyocabinet-btree" 40: B(b"ToKyO CaBiNeT\n") Skip(18) B(b"\x01");
    "application/x-tokyocabinet-fixed" 40: B(b"ToKyO CaBiNeT\n") Skip(18) B(b"\x02");
    "application/x-tokyocabinet-hash" 40: B(b"ToKyO CaBiNeT\n") Skip(18) B(b"\0");
    "application/x-tokyocabinet-table" 40: B(b"ToKyO CaBiNeT\n") Skip(18) B(b"\x03");
    "application/x-vim-tmp" 100: B(b"b0VIM");
    "application/x-windows-minidump" 50: B(b"MDMP");
    "x-epoc/x-sisx-app" 70: B(b"\x7a\x1a\x20\x10");

    // Fonts.
    "application/font-woff" 70: B(b"wOFF");
    "application/font-woff2" 70: B(b"wOF2");
    "application/vnd.font-fontforge-sfd" 160: B(b"SplineFontDB:");
    "application/vnd.ms-fontobject" 50: Skip(34) B(b"LP");
    "application/vnd.ms-opentype" 70: B(b"OTTO");
    "application/x-font-sfn" 70: B(b"\0\0\0\x04") Skip(100) B(b"\0\0\0\x04");
    "application/x-font-sfn" 70: B(b"\0\0\0\x04") Skip(100) B(b"\x04\0\0\0");
    "application/x-font-sfn" 70: B(b"\x04\0\0\0") Skip(100) B(b"\0\0\0\x04");
    "application/x-font-sfn" 70: B(b"\x04\0\0\0") Skip(100) B(b"\x04\0\0\0");
    "application/x-font-ttf" 80: B(b"\0\x01\0\0\0");

    // Images.
    "image/gif" 70: B(b"GIF8");
    "image/jp2" 50: Skip(4) B(b"jP");
    "image/jp2" 60: Skip(4) B(b"ftypjp2");
    "image/jp2" 70: B(b"\0\0\0\x0cjP  \r\n\x87\n") Skip(8) B(b"jp2 ");
    "image/jpeg" 52: B(b"\xff\xd8");
    "image/jpm" 70: B(b"\0\0\0\x0cjP  \r\n\x87\n") Skip(8) B(b"jpm ");
    "image/jpx" 70: B(b"\0\0\0\x0cjP  \r\n\x87\n") Skip(8) B(b"jpx ");
    "image/png" 110: B(b"\x89PNG");
    "image/tiff" 70: B(b"II") In(b"\x2a\x2b") B(b"\0");
    "image/tiff" 70: B(b"MM\0") In(b"\x2a\x2b");
    "image/vnd.adobe.photoshop" 70: B(b"8BPS");
    "image/vnd.djvu" 70: B(b"AT&TFORM") Skip(4) B(b"DJV") In(b"MUI");
    "image/vnd.djvu" 70: B(b"AT&TFORM") Skip(4) B(b"THUM");
    "image/vnd.dwg" 90: B(b"AC") In(b"12") B(b".");
    "image/vnd.dwg" 90: B(b"AC10");
    "image/webp" 70: B(b"RIFF") Skip(4) B(b"WEBP");
    "image/x-award-bioslogo" 50: B(b"\x11") In(b"\x06\x09");
    "image/x-award-bmp" 20: B(b"AWBM");
    "image/x-canon-cr2" 130: B(b"II*\0\x10\0\0\0CR");
    "image/x-canon-crw" 170: B(b"II\x1a\0\0\0HEAPCCDR");
    "image/x-coreldraw" 70: B(b"RIFF") Skip(4) B(b"CDR") In(b"A6");
    "image/x-cpi" 70: B(b"CPC\xb2");
    "image/x-cursor" 70: B(b"\0\0\x02\0");
    "image/x-dpx" 70: B(b"SDPX");
    "image/x-epoc-mbm" 70: B(b"\x37\0\0\x10\x42\0\0\x10");
    "image/x-epoc-sketch" 70: B(b"\x37\0\0\x10\x6d\0\0\x10\x7d\0\0\x10");
    "image/x-exr" 70: B(b"\x76\x2f\x31\x01");
    "image/x-icon" 70: B(b"\0\0\x01\0");
    "image/x-lss16" 70: B(b"\x3d\xf3\x13\x14");
    "image/x-ms-bmp" 50: B(b"BM") Skip(12) In(b"\x0c\x28\x40\x6c\x7c\x80") B(b"\0");
    "image/x-niff" 70: B(b"IIN1");
    "image/x-olympus-orf" 70: B(b"IIR") In(b"OS");
    "image/x-olympus-orf" 70: B(b"MMOR");
    "image/x-paintnet" 70: B(b"PDN3");
    "image/x-polar-monitor-bitmap" 160: B(b"[BitmapInfo2]");
    "image/x-portable-pixmap" 50: B(b"P7");
    "image/x-quicktime" 70: Skip(4) B(b"idsc");
    "image/x-x3f" 70: B(b"FOVb");
    "image/x-xcf" 110: B(b"gimp xcf");
    "image/x-xcursor" 70: B(b"Xcur");

    // Sound.
    "application/ogg" 70: B(b"OggS");
    "application/vnd.rn-realmedia" 100: B(b".RMF\0\0\0");
    "audio/basic" 70: B(b".snd") Skip(8) B(b"\0\0\0") R(1, 7);
    "audio/m4a" 70: Skip(4) B(b"ftypm4a");
    "audio/midi" 70: B(b"MThd");
    "audio/mp4" 60: Skip(4) B(b"ftypM4A");
    "audio/mpeg" 20: B(b"\xff") In(b"\xe2\xe3\xf2\xf3\xf6\xf7\xfa\xfb\xfc\xfd");
    "audio/vnd.dolby.dd-raw" 50: B(b"\x0b\x77");
    "audio/x-adpcm" 70: B(b".snd") Skip(8) B(b"\0\0\0\x17");
    "audio/x-aiff" 70: B(b"FORM") Skip(4) B(b"8SVX");
    "audio/x-aiff" 70: B(b"FORM") Skip(4) B(b"AIF") In(b"FC");
    "audio/x-ape" 70: B(b"MAC ");
    "audio/x-dec-basic" 70: B(b".sd\0") Skip(8) R(1, 7) B(b"\0\0\0");
    "audio/x-dec-basic" 70: B(b".sd\0") Skip(8) B(b"\x17\0\0\0");
    "audio/x-flac" 70: B(b"fLaC");
    "audio/x-hx-aac-adif" 70: B(b"ADIF");
    "audio/x-hx-aac-adts" 50: B(b"\xff") In(b"\xf0\xf1\xf8\xf9");
    "audio/x-mod" 110: Skip(21) B(b"!SCREAM!");
    "audio/x-mod" 110: Skip(21) B(b"BMOD2STM");
    "audio/x-mod" 190: B(b"Extended Module:");
    "audio/x-mod" 20: B(b"MAS_UTrack_V00/0");
    "audio/x-mod" 70: B(b"IMPM");
    "audio/x-mp4a-latm" 50: B(b"\x56") R(0xe0, 0xff);
    "audio/x-musepack" 60: B(b"MP+");
    "audio/x-pn-realaudio" 70: B(b".ra\xfd");
    "audio/x-w64" 190: B(b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0") Skip(8) B(b"wave\xf3\xac\xd3\x11\x8c\xd1\0\xc0O\x8e\xdb\x8a");
    "audio/x-wav" 190: B(b"RF64\xff\xff\xff\xffWAVEds64");
    "audio/x-wav" 70: B(b"RIFF") Skip(4) B(b"WAVE");

    // Video.
    "application/x-quicktime-player" 70: Skip(4) B(b"pckg");
    "video/3gpp" 60: Skip(4) B(b"ftyp3g") In(b"egps2");
    "video/3gpp" 60: Skip(4) B(b"ftypavc1");
    "video/3gpp" 60: Skip(4) B(b"ftypmmp4");
    "video/h264" 41: B(b"\0\0\0\x01") In(b"\x07\x27\x47\x67\x87\xa7\xc7\xe7");
    "video/mj2" 70: B(b"\0\0\0\x0cjP  \r\n\x87\n") Skip(8) B(b"mjp2");
    "video/mp2p" 21: B(b"\0\0\x01\xba") R(0x40, 0x7f);
    "video/mp2p" 21: B(b"\0\0\x01\xba") R(0xc0, 0xff);
    "video/mp4" 60: Skip(4) B(b"ftypM4V");
    "video/mp4" 70: Skip(4) B(b"ftypisom");
    "video/mp4" 70: Skip(4) B(b"ftypmp4") In(b"12");
    "video/mpeg" 50: B(b"\0\0\x01") R(0xb0, 0xbb);
    "video/mpv" 71: B(b"\0\0\x01\xb3");
    "video/quicktime" 50: Skip(4) B(b"ftypqt");
    "video/quicktime" 70: Skip(4) B(b"mdat");
    "video/quicktime" 70: Skip(4) B(b"moov");
    "video/x-flc" 50: Skip(4) B(b"\x12\xaf");
    "video/x-fli" 50: Skip(4) B(b"\x11\xaf");
    "video/x-flv" 60: B(b"FLV");
    "video/x-jng" 70: B(b"\x8bJNG");
    "video/x-mng" 70: B(b"\x8aMNG");
    "video/x-ms-asf" 70: B(b"\x30\x26\xb2\x75");
    "video/x-msvideo" 70: B(b"RIFF") Skip(4) B(b"AVI ");
    "video/x-sgi-movie" 70: B(b"MOVI");
};
