//! All types: variant, short name, media type, description. Alphabetical by variant within each group.

macro_rules! kinds {
    ($($variant:ident $name:literal $mime:literal $about:literal;)+) => {
        /// What content is, told by its bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $about] $variant,)+
        }

        impl Kind {
            /// All types.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// A short name: `tar`, `png`, `pe`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its media type; `application/octet-stream` if it has none.
            pub fn mime(self) -> &'static str {
                match self { $(Self::$variant => $mime,)+ }
            }

            /// A few words.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)+ }
            }
        }
    };
}

kinds! {
    // Nothing in particular.
    Data "data" "application/octet-stream" "data of unknown type";
    Empty "empty" "application/x-empty" "no content";
    // Archives.
    Ace "ace" "application/x-ace" "ACE archive";
    Ar "ar" "application/x-archive" "ar archive or library";
    Arj "arj" "application/x-arj" "ARJ archive";
    Cab "cab" "application/vnd.ms-cab-compressed" "Microsoft cabinet";
    CpioBinary "cpio" "application/x-cpio" "cpio archive, binary";
    CpioNewc "cpio" "application/x-cpio" "cpio archive, SVR4";
    CpioOdc "cpio" "application/x-cpio" "cpio archive, POSIX";
    Deb "deb" "application/vnd.debian.binary-package" "Debian package";
    Dmg "dmg" "application/x-apple-diskimage" "Apple disk image";
    Iso "iso" "application/x-iso9660-image" "ISO 9660 image";
    Lha "lha" "application/x-lzh-compressed" "LHA archive";
    Rar "rar" "application/vnd.rar" "RAR archive, version 4 or older";
    Rar5 "rar" "application/vnd.rar" "RAR archive, version 5";
    Rpm "rpm" "application/x-rpm" "RPM package";
    SevenZip "7z" "application/x-7z-compressed" "7-Zip archive";
    StuffIt "sit" "application/x-stuffit" "StuffIt archive";
    Tar "tar" "application/x-tar" "tar archive";
    Warc "warc" "application/warc" "web archive";
    Wim "wim" "application/x-ms-wim" "Windows image";
    Xar "xar" "application/x-xar" "xar archive";
    Zip "zip" "application/zip" "ZIP archive";
    ZipEmpty "zip" "application/zip" "ZIP archive without members";
    Zoo "zoo" "application/x-zoo" "Zoo archive";
    // ZIP archives with a purpose.
    Apk "apk" "application/vnd.android.package-archive" "Android package";
    Docx "docx" "application/vnd.openxmlformats-officedocument.wordprocessingml.document" "Word document (OOXML)";
    Epub "epub" "application/epub+zip" "EPUB book";
    Jar "jar" "application/java-archive" "Java archive";
    Odp "odp" "application/vnd.oasis.opendocument.presentation" "OpenDocument presentation";
    Ods "ods" "application/vnd.oasis.opendocument.spreadsheet" "OpenDocument spreadsheet";
    Odt "odt" "application/vnd.oasis.opendocument.text" "OpenDocument text";
    Ooxml "ooxml" "application/vnd.openxmlformats-officedocument" "Office document (OOXML)";
    Pptx "pptx" "application/vnd.openxmlformats-officedocument.presentationml.presentation" "PowerPoint presentation (OOXML)";
    Xlsx "xlsx" "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" "Excel workbook (OOXML)";
    // Compressed streams.
    Bzip2 "bzip2" "application/x-bzip2" "bzip2 stream";
    Compress "compress" "application/x-compress" "compress (LZW) stream";
    Gzip "gzip" "application/gzip" "gzip stream";
    Lrzip "lrzip" "application/x-lrzip" "lrzip stream";
    Lz4 "lz4" "application/x-lz4" "LZ4 frame";
    Lzip "lzip" "application/x-lzip" "lzip stream";
    Lzma "lzma" "application/x-lzma" "LZMA stream";
    Lzop "lzop" "application/x-lzop" "lzop stream";
    Snappy "snappy" "application/x-snappy-framed" "Snappy frames";
    Szdd "szdd" "application/x-ms-compress-szdd" "MS-DOS compressed file";
    Xz "xz" "application/x-xz" "xz stream";
    Zlib "zlib" "application/zlib" "zlib stream";
    Zstd "zstd" "application/zstd" "Zstandard frame";
    // Documents.
    Chm "chm" "application/vnd.ms-htmlhelp" "compiled HTML help";
    Djvu "djvu" "image/vnd.djvu" "DjVu document";
    Msg "msg" "application/vnd.ms-outlook" "Outlook message";
    Msi "msi" "application/x-msi" "Windows installer package";
    Ole "ole" "application/x-ole-storage" "OLE2 compound file";
    OneNote "one" "application/onenote" "OneNote section";
    Pdf "pdf" "application/pdf" "PDF document";
    PostScript "ps" "application/postscript" "PostScript document";
    Ppt "ppt" "application/vnd.ms-powerpoint" "PowerPoint presentation";
    Pst "pst" "application/vnd.ms-outlook-pst" "Outlook mailbox";
    Rtf "rtf" "application/rtf" "RTF document";
    Tnef "tnef" "application/vnd.ms-tnef" "Outlook TNEF attachment";
    Word "doc" "application/msword" "Word document";
    Xls "xls" "application/vnd.ms-excel" "Excel workbook";
    // Programs.
    AndroidDex "dex" "application/vnd.android.dex" "Dalvik byte code";
    Elf "elf" "application/x-elf" "ELF program or library";
    JavaClass "class" "application/java-vm" "Java class";
    LuaBytecode "luac" "application/x-lua-bytecode" "Lua byte code";
    MachO "macho" "application/x-mach-binary" "Mach-O program";
    MachOFat "macho" "application/x-mach-binary" "Mach-O program for several processors";
    Mz "mz" "application/x-dosexec" "DOS program";
    Pe "pe" "application/vnd.microsoft.portable-executable" "Windows program or library";
    PythonBytecode "pyc" "application/x-python-code" "Python byte code";
    Shortcut "lnk" "application/x-ms-shortcut" "Windows shortcut";
    Swf "swf" "application/x-shockwave-flash" "Flash film";
    Wasm "wasm" "application/wasm" "WebAssembly module";
    // Images.
    Avif "avif" "image/avif" "AVIF image";
    Bmp "bmp" "image/bmp" "BMP image";
    Cursor "cur" "image/x-win-cursor" "Windows cursor";
    Dds "dds" "image/vnd.ms-dds" "DirectDraw surface";
    Dicom "dicom" "application/dicom" "DICOM image";
    Dwg "dwg" "image/vnd.dwg" "AutoCAD drawing";
    Emf "emf" "image/emf" "Windows metafile, enhanced";
    Exr "exr" "image/x-exr" "OpenEXR image";
    Fits "fits" "image/fits" "FITS image";
    Gif "gif" "image/gif" "GIF image";
    Hdr "hdr" "image/vnd.radiance" "Radiance image";
    Heif "heif" "image/heif" "HEIF image";
    Icns "icns" "image/x-icns" "Apple icon";
    Ico "ico" "image/vnd.microsoft.icon" "Windows icon";
    Jp2 "jp2" "image/jp2" "JPEG 2000 image";
    Jpeg "jpeg" "image/jpeg" "JPEG image";
    JpegXl "jxl" "image/jxl" "JPEG XL image";
    Pcx "pcx" "image/x-pcx" "PCX image";
    Png "png" "image/png" "PNG image";
    Pnm "pnm" "image/x-portable-anymap" "PNM image";
    Psd "psd" "image/vnd.adobe.photoshop" "Photoshop image";
    Qoi "qoi" "image/qoi" "QOI image";
    Tiff "tiff" "image/tiff" "TIFF image";
    Webp "webp" "image/webp" "WebP image";
    Wmf "wmf" "image/wmf" "Windows metafile";
    Xcf "xcf" "image/x-xcf" "GIMP image";
    // Sound and video.
    Aac "aac" "audio/aac" "AAC sound";
    Aiff "aiff" "audio/aiff" "AIFF sound";
    Amr "amr" "audio/amr" "AMR sound";
    Asf "asf" "video/x-ms-asf" "ASF (WMA, WMV)";
    Au "au" "audio/basic" "AU sound";
    Avi "avi" "video/x-msvideo" "AVI video";
    Flac "flac" "audio/flac" "FLAC sound";
    Flv "flv" "video/x-flv" "Flash video";
    M4a "m4a" "audio/mp4" "MPEG-4 sound";
    Matroska "mkv" "video/x-matroska" "Matroska video";
    Midi "midi" "audio/midi" "MIDI music";
    Mp3 "mp3" "audio/mpeg" "MP3 sound";
    Mp4 "mp4" "video/mp4" "MPEG-4 video";
    MpegPs "mpeg" "video/mpeg" "MPEG program stream";
    MpegTs "ts" "video/mp2t" "MPEG transport stream";
    Ogg "ogg" "application/ogg" "Ogg sound or video";
    QuickTime "mov" "video/quicktime" "QuickTime video";
    RealMedia "rm" "application/vnd.rn-realmedia" "RealMedia";
    Wav "wav" "audio/wav" "WAV sound";
    Webm "webm" "video/webm" "WebM video";
    // Fonts.
    Eot "eot" "application/vnd.ms-fontobject" "embedded font";
    Otf "otf" "font/otf" "OpenType font";
    Ttf "ttf" "font/ttf" "TrueType font";
    Woff "woff" "font/woff" "web font";
    Woff2 "woff2" "font/woff2" "web font, version 2";
    // Systems, databases, captures, keys.
    AndroidBoot "bootimg" "application/octet-stream" "Android boot image";
    Avro "avro" "application/avro" "Avro data";
    BinaryPlist "bplist" "application/x-bplist" "property list, binary";
    BitTorrent "torrent" "application/x-bittorrent" "BitTorrent metainfo";
    Cpython "pickle" "application/octet-stream" "Python pickle";
    Der "der" "application/pkix-cert" "certificate or other DER object";
    Evtx "evtx" "application/x-ms-evtx" "Windows event log";
    Ext "ext" "application/octet-stream" "ext2, ext3 or ext4 file system";
    Fat "fat" "application/octet-stream" "FAT or NTFS file system";
    GitPack "gitpack" "application/x-git-pack" "git pack";
    Hdf5 "hdf5" "application/x-hdf5" "HDF5 data";
    JavaKeystore "jks" "application/x-java-keystore" "Java key store";
    JavaSerialized "javaser" "application/x-java-serialized-object" "serialised Java objects";
    Keepass "kdbx" "application/x-keepass" "KeePass database";
    Luks "luks" "application/octet-stream" "LUKS encrypted volume";
    Mbr "mbr" "application/octet-stream" "disk with a boot sector";
    Minidump "mdmp" "application/x-dmp" "Windows crash dump";
    Ndjson "ndjson" "application/x-ndjson" "JSON lines";
    Parquet "parquet" "application/vnd.apache.parquet" "Parquet data";
    Pcap "pcap" "application/vnd.tcpdump.pcap" "packet capture";
    PcapNg "pcapng" "application/x-pcapng" "packet capture (pcapng)";
    Pgp "pgp" "application/pgp-encrypted" "OpenPGP data";
    Prefetch "pf" "application/octet-stream" "Windows prefetch file";
    Qcow "qcow" "application/x-qemu-disk" "QEMU disk image";
    Registry "regf" "application/x-ms-registry" "Windows registry hive";
    Sqlite "sqlite" "application/vnd.sqlite3" "SQLite database";
    SquashFs "squashfs" "application/octet-stream" "SquashFS file system";
    UBoot "uimage" "application/octet-stream" "U-Boot image";
    Vhd "vhd" "application/x-vhd" "virtual disk (VHDX)";
    Vmdk "vmdk" "application/x-vmdk" "virtual disk (VMDK)";
    // Text.
    Batch "bat" "application/x-bat" "Windows batch file";
    Calendar "ics" "text/calendar" "calendar";
    Html "html" "text/html" "HTML page";
    Json "json" "application/json" "JSON";
    Mail "eml" "message/rfc822" "mail message";
    Mbox "mbox" "application/mbox" "mailbox";
    Pem "pem" "application/x-pem-file" "PEM: key, certificate or message";
    Perl "perl" "text/x-perl" "Perl script";
    Php "php" "application/x-php" "PHP script";
    PlainText "text" "text/plain" "text";
    PowerShell "ps1" "text/x-powershell" "PowerShell script";
    Python "python" "text/x-python" "Python script";
    RegistryText "reg" "text/x-ms-regedit" "registry export";
    Script "script" "text/x-script" "script";
    Shell "sh" "text/x-shellscript" "shell script";
    Svg "svg" "image/svg+xml" "SVG drawing";
    Utf16 "text" "text/plain" "text in UTF-16";
    Uuencode "uue" "text/x-uuencode" "uuencoded file";
    Vcard "vcf" "text/vcard" "address card";
    Xml "xml" "application/xml" "XML";
    YencText "yenc" "text/x-yenc" "yEnc encoded file";
}

impl Kind {
    /// Is it text of some sort?
    pub fn is_text(self) -> bool {
        (Self::Batch..=Self::YencText).contains(&self) || matches!(self, Self::Ndjson | Self::Rtf | Self::Warc)
    }

    /// Is something recognised at all?
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Data | Self::Empty | Self::PlainText | Self::Utf16)
    }

    /// Is the sign by which it is told so small that it comes about by chance, among thousands of guesses?
    pub(crate) fn is_weak(self) -> bool {
        matches!(self, Self::Arj | Self::Compress | Self::Cpython | Self::JpegXl | Self::Mz | Self::Pgp)
    }
}
