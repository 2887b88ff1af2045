//! Formats: each a module with one function, which lists the members of a content.
//!
//! | formats | module |
//! |---|---|
//! | ar, Debian packages | `ar` |
//! | Microsoft cabinets: stored, MSZIP, LZX | `cab` |
//! | cpio: newc, odc, binary | `cpio` |
//! | texts, comments, trailers of PNG, JPEG, GIF, BMP, RIFF | `image` |
//! | ISO 9660 with Joliet and Rock Ridge | `iso` |
//! | mails, mailboxes and other MIME entities | `mime` |
//! | OLE2 compound files: streams, VBA source, attachments of Outlook messages | `ole` |
//! | PDF: streams of all objects, embedded files, what follows the end | `pdf` |
//! | resources of PE; what is appended to PE and ELF | `program` |
//! | RAR, versions 1.5 to 7 without what 3 and 4 compress; solid and encrypted ones too | `rar` |
//! | RPM packages | `rpm` |
//! | 7z: LZMA, LZMA2, PPMd, deflate, bzip2, zstd, x86 and delta filters, AES | `seven_zip` |
//! | gzip, bzip2, xz, lzma, lzip, zstd, lz4, zlib, compress | `streams` |
//! | tar (old, ustar, pax, GNU with long names and sparse files) | `tar` |
//! | text: base64, base32, hexadecimal, percent escapes, ROT13, `data:` URIs, uuencode | `text` |
//! | ZIP and what is made of it: Zip64, AES and the old cipher, appended to anything | `zip` |

mod ar;
mod cab;
mod cpio;
mod image;
mod iso;
mod mime;
mod ole;
mod pdf;
mod program;
mod rar;
mod rpm;
mod seven_zip;
mod streams;
mod tar;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod zip;

use crate::kind::Kind;
use crate::lister::Lister;

type List = fn(&mut Lister<'_, '_>);

/// Which format reads which type.
#[rustfmt::skip]
const TABLE: &[(&[Kind], List)] = &[
    (&[Kind::Ar, Kind::Deb], ar::list),
    (&[Kind::Cab], cab::list),
    (&[Kind::CpioBinary, Kind::CpioNewc, Kind::CpioOdc], cpio::list),
    (&[Kind::Avi, Kind::Bmp, Kind::Gif, Kind::Jpeg, Kind::Png, Kind::Wav, Kind::Webp], image::list),
    (&[Kind::Iso], iso::list),
    (&[Kind::Mail, Kind::Mbox], mime::list),
    (&[Kind::Msg, Kind::Msi, Kind::Ole, Kind::Ppt, Kind::Word, Kind::Xls], ole::list),
    (&[Kind::Pdf], pdf::list),
    (&[Kind::Elf, Kind::Pe], program::list),
    (&[Kind::Rar, Kind::Rar5], rar::list),
    (&[Kind::Rpm], rpm::list),
    (&[Kind::SevenZip], seven_zip::list),
    (&[Kind::Bzip2, Kind::Compress, Kind::Gzip, Kind::Lz4, Kind::Lzip, Kind::Lzma, Kind::Xz, Kind::Zlib, Kind::Zstd], streams::list),
    (&[Kind::Tar], tar::list),
    (&[
        Kind::Zip, Kind::ZipEmpty, Kind::Apk, Kind::Docx, Kind::Epub, Kind::Jar, Kind::Odp, Kind::Ods, Kind::Odt, Kind::Ooxml,
        Kind::Pptx, Kind::Xlsx,
    ], zip::list),
];

fn opener(kind: Kind) -> Option<List> {
    TABLE.iter().find(|(kinds, _)| kinds.contains(&kind)).map(|row| row.1)
}

/// Is there a format for `kind`?
pub(crate) fn opens(kind: Kind) -> bool {
    opener(kind).is_some()
}

/// Lists the members of the content.
pub(crate) fn list(l: &mut Lister<'_, '_>) {
    match opener(l.kind) {
        Some(list) => list(l),
        None if l.kind.is_text() => text::list(l),
        None => {}
    }
    // Formats that find their end tell what is behind it, except of the text kind.
    if l.listing.entries.is_empty() && !matches!(l.kind, Kind::Zip | Kind::ZipEmpty) {
        zip::appended(l);
    }
}
