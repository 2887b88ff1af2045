use crate::bytes::pad4;
use crate::info::{Host, Interface, Secrets};
use crate::pcap::MAX_CAPTURED_LEN;
use crate::{Frame, MAX_TEXT_LEN};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};

const PROGRAM: &str = concat!("sekisho ", env!("CARGO_PKG_VERSION"));

/// Writes pcapng: little endian, one section, nanoseconds. Interfaces are described when their first
/// frame comes.
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    out: W,
    /// Number in the file of each (interface, link type) written.
    interfaces: BTreeMap<(u32, u32), u32>,
    body: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins the file with a section header that carries `comments`.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(out: W, comments: &[&str]) -> io::Result<Self> {
        let mut new = Self { out, interfaces: BTreeMap::new(), body: Vec::new() };
        for part in [0x1a2b_3c4d_u32.to_le_bytes(), [1, 0, 0, 0], [0xff; 4], [0xff; 4]] {
            new.body.extend_from_slice(&part);
        }
        for comment in comments {
            new.option(1, comment.as_bytes());
        }
        new.option(2, std::env::consts::ARCH.as_bytes());
        new.option(3, std::env::consts::OS.as_bytes());
        new.option(4, PROGRAM.as_bytes());
        new.end_options();
        new.block(0x0a0d_0d0a)?;
        Ok(new)
    }

    /// Writes a frame with its time, lengths and bytes as they were captured, and `comments`. `interface`
    /// describes the one it came from, if known; it is looked at for the interface's first frame only.
    ///
    /// Times before 1970 are written as 1970: pcapng counts up from there.
    ///
    /// # Errors
    /// What `out` says, and `InvalidInput` for a link type that pcapng cannot name.
    pub fn frame<'a>(
        &mut self,
        frame: &Frame<'_>,
        interface: Option<&Interface>,
        comments: impl IntoIterator<Item = &'a [u8]>,
    ) -> io::Result<()> {
        let key = (frame.interface, frame.link_type);
        let number = match self.interfaces.get(&key) {
            Some(number) => *number,
            None => self.interface(key, interface)?,
        };
        let ticks = frame.ts.0.max(0).cast_unsigned();
        self.word(number);
        self.word(low_word(ticks >> 32));
        self.word(low_word(ticks));
        self.word(len_word(frame.data)?);
        self.word(frame.orig_len);
        self.padded(frame.data);
        let mut commented = false;
        for comment in comments {
            self.option(1, comment);
            commented = true;
        }
        if commented {
            self.end_options();
        }
        self.block(6)
    }

    /// Copies decryption secrets. They should come before the packets that need them.
    ///
    /// # Errors
    /// What `out` says.
    pub fn secrets(&mut self, secrets: &Secrets) -> io::Result<()> {
        self.word(secrets.kind);
        self.word(len_word(&secrets.data)?);
        self.padded(&secrets.data);
        self.block(10)
    }

    /// Writes names of addresses.
    ///
    /// # Errors
    /// What `out` says.
    pub fn hosts<'a>(&mut self, hosts: impl IntoIterator<Item = &'a Host>) -> io::Result<()> {
        for host in hosts {
            let addr = host.addr.wire_octets();
            let name = host.name.as_bytes();
            let record = [addr, name.get(..255).unwrap_or(name), &[0]].concat();
            self.option(if host.addr.is_v4() { 1 } else { 2 }, &record);
        }
        self.end_options();
        self.block(4)
    }

    /// Flushes and gives the stream back.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn interface(&mut self, key: (u32, u32), from: Option<&Interface>) -> io::Result<u32> {
        let link_type = u16::try_from(key.1).map_err(|_| ErrorKind::InvalidInput)?;
        let number = u32::try_from(self.interfaces.len()).map_err(|_| ErrorKind::InvalidInput)?;
        self.body.extend_from_slice(&link_type.to_le_bytes());
        self.body.extend_from_slice(&[0, 0]);
        self.word(from.map_or(0, |i| i.snaplen));
        if let Some(i) = from {
            for (code, text) in [(2, &i.name), (3, &i.description)] {
                if !text.is_empty() {
                    self.option(code, text.as_bytes());
                }
            }
            if !i.filter.is_empty() {
                self.option(11, &[&[0], i.filter.as_bytes()].concat());
            }
            if let Some(n) = i.fcs_len {
                self.option(13, &[n]);
            }
        }
        self.option(9, &[9]);
        self.end_options();
        self.block(1)?;
        self.interfaces.insert(key, number);
        Ok(number)
    }

    fn word(&mut self, word: u32) {
        self.body.extend_from_slice(&word.to_le_bytes());
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        self.body.resize(pad4(self.body.len()), 0);
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let value = value.get(..MAX_TEXT_LEN).unwrap_or(value);
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.body.extend_from_slice(&code.to_le_bytes());
        self.body.extend_from_slice(&len.to_le_bytes());
        self.padded(value);
    }

    fn end_options(&mut self) {
        self.word(0);
    }

    fn block(&mut self, kind: u32) -> io::Result<()> {
        let len = u32::try_from(self.body.len() + 12).map_err(|_| ErrorKind::InvalidInput)?;
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&len.to_le_bytes())?;
        self.out.write_all(&self.body)?;
        self.body.clear();
        self.out.write_all(&len.to_le_bytes())
    }
}

/// Writes classic pcap: little endian, nanoseconds, one link type.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    out: W,
    link_type: u32,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file of `link_type`.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, link_type: u32) -> io::Result<Self> {
        let version = u32::from_le_bytes([2, 0, 4, 0]);
        for word in [0xa1b2_3c4d, version, 0, 0, MAX_CAPTURED_LEN, link_type] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out, link_type })
    }

    /// Writes a frame. Seconds are kept modulo 2^32, as the format has no more.
    ///
    /// # Errors
    /// What `out` says, and `InvalidInput` for a frame of another link type.
    pub fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        if frame.link_type != self.link_type {
            return Err(ErrorKind::InvalidInput.into());
        }
        let secs = frame.ts.0.div_euclid(1_000_000_000).cast_unsigned();
        let nanos = frame.ts.0.rem_euclid(1_000_000_000).cast_unsigned();
        for word in [low_word(secs), low_word(nanos), len_word(frame.data)?, frame.orig_len] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(frame.data)
    }

    /// Flushes and gives the stream back.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn low_word(n: u64) -> u32 {
    u32::try_from(n & 0xffff_ffff).unwrap_or(0)
}

fn len_word(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| ErrorKind::InvalidInput.into())
}
