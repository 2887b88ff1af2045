use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use lzma_rust2::{Action, Status, XzStream};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder as ZstdDecoder};
use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, ErrorKind, Read};

/// Largest zstd window and xz dictionary: those of `zstd --ultra -22` and twice that of `xz -9`.
pub const MAX_UNPACK_WINDOW_LEN: u32 = 128 * 1024 * 1024;

/// Compressed bytes read at once.
const PACKED_CHUNK_LEN: usize = 128 * 1024;

const GZIP: &[u8] = &[0x1f, 0x8b];
const LZ4: &[u8] = &[0x04, 0x22, 0x4d, 0x18];
const LZ4_LEGACY: &[u8] = &[0x02, 0x21, 0x4c, 0x18];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Compression around a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952), also of many members as bgzip writes it.
    Gzip,
    /// LZ4 frames.
    Lz4,
    /// None.
    #[default]
    None,
    /// xz.
    Xz,
    /// Zstandard (RFC 8878), also of many frames.
    Zstd,
}

impl Packing {
    /// Is there any?
    pub fn is_packed(self) -> bool {
        self != Self::None
    }

    /// By the first bytes of a file.
    pub(crate) fn probe(first: &[u8]) -> Self {
        if first.starts_with(GZIP) {
            Self::Gzip
        } else if first.starts_with(LZ4) || first.starts_with(LZ4_LEGACY) {
            Self::Lz4
        } else if first.starts_with(XZ) {
            Self::Xz
        } else if first.starts_with(ZSTD) || skippable(first) {
            Self::Zstd
        } else {
            Self::None
        }
    }

    /// What a running decoder of it holds, about, in bytes: for the budget of captures unpacked at once.
    pub(crate) fn memory_len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Gzip => 256 * 1024,
            Self::Lz4 | Self::Zstd => 8 * 1024 * 1024,
            Self::Xz => 16 * 1024 * 1024,
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::None => "plain",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        })
    }
}

/// Magic numbers 0x184D2A50 to 5F: skippable frames, of LZ4 and Zstandard alike.
fn skippable(first: &[u8]) -> bool {
    matches!(first, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

type Packed<R> = BufReader<Chain<Cursor<Vec<u8>>, R>>;

/// Looks at the first bytes of `reader` and unpacks on the way what is packed.
pub(crate) fn unpack<R: Read + Send + 'static>(mut reader: R) -> (Packing, Box<dyn Read + Send>) {
    let mut first = [0; 6];
    let mut len = 0;
    while let Some(space) = first.get_mut(len..)
        && !space.is_empty()
    {
        match reader.read(space) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            // A lasting error shows again at the next read.
            Err(_) => break,
        }
    }
    let first = first.get(..len).unwrap_or(&[]).to_vec();
    let packing = Packing::probe(&first);
    let all = Cursor::new(first).chain(reader);
    if packing == Packing::None {
        return (packing, Box::new(all));
    }
    let packed = BufReader::with_capacity(PACKED_CHUNK_LEN, all);
    let unpacked: Box<dyn Read + Send> = match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Lz4 => Box::new(Lz4 { decoder: Some(Lz4Decoder::new(packed)) }),
        Packing::Xz => {
            Box::new(Xz { packed, stream: XzStream::new_mem_limit(true, MAX_UNPACK_WINDOW_LEN / 1024), done: false })
        }
        Packing::Zstd | Packing::None => Box::new(Zstd::new(packed)),
    };
    (packing, unpacked)
}

/// LZ4 frames one after another. Each gets a decoder of its own: one that is used again keeps the
/// buffers of its first frame, and lz4_flex 0.14 asserts that they fit the block size exactly.
struct Lz4<R: Read> {
    decoder: Option<Lz4Decoder<BufReader<R>>>,
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n = decoder.read(to)?;
            if n > 0 || to.is_empty() || decoder.get_mut().fill_buf()?.is_empty() {
                return Ok(n);
            }
            self.decoder = self.decoder.take().map(|d| Lz4Decoder::new(d.into_inner()));
        }
        Ok(0)
    }
}

/// xz, byte by byte as far as it goes: the push decoder loses nothing that came before a cut.
struct Xz<R: Read> {
    packed: Packed<R>,
    stream: XzStream,
    done: bool,
}

impl<R: Read> Read for Xz<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while !self.done && !to.is_empty() {
            let from = self.packed.fill_buf()?;
            let at_end = from.is_empty();
            let action = if at_end { Action::Finish } else { Action::Run };
            let did = self.stream.process(from, to, action)?;
            self.packed.consume(did.bytes_consumed);
            self.done = did.status == Status::StreamEnd;
            if did.bytes_produced > 0 {
                return Ok(did.bytes_produced);
            }
            if at_end && !self.done {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// Zstandard frames one after another, with skippable ones between.
struct Zstd<R: Read> {
    packed: R,
    decoder: ZstdDecoder,
    in_frame: bool,
    /// Told once what was unpacked before it is given out.
    error: Option<io::Error>,
}

impl<R: BufRead> Zstd<R> {
    fn new(packed: R) -> Self {
        let mut decoder = ZstdDecoder::new();
        decoder.set_max_window_size(u64::from(MAX_UNPACK_WINDOW_LEN));
        Self { packed, decoder, in_frame: false, error: None }
    }

    /// Ends the frame after its last good block. Until its end the decoder keeps back a window of bytes
    /// (8 MiB and more), which a cut would lose: so it is given an empty last block and a checksum.
    fn close_frame(&mut self) {
        const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let one = BlockDecodingStrategy::UptoBlocks(1);
        // If even that fails there is nothing to give out, and the first error is told.
        let _ = self.decoder.decode_blocks(&mut LAST_BLOCK.as_slice(), one);
    }

    /// Begins the next frame; false at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            let mut first = [0; 4];
            self.packed.read_exact(&mut first)?;
            if !skippable(&first) {
                self.decoder.reset(&mut first.as_slice().chain(&mut self.packed)).map_err(io::Error::other)?;
                self.in_frame = true;
                return Ok(true);
            }
            let mut len = [0; 4];
            self.packed.read_exact(&mut len)?;
            let len = u64::from(u32::from_le_bytes(len));
            if io::copy(&mut (&mut self.packed).take(len), &mut io::sink())? < len {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while !to.is_empty() {
            if !self.in_frame && !self.next_frame()? {
                return Ok(0);
            }
            if self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(e) = self.decoder.decode_blocks(&mut self.packed, one) {
                    self.error = Some(io::Error::other(e));
                    self.close_frame();
                }
            }
            let n = self.decoder.read(to)?;
            if n > 0 {
                return Ok(n);
            }
            if let Some(e) = self.error.take() {
                return Err(e);
            }
            self.in_frame = !self.decoder.is_finished();
        }
        Ok(0)
    }
}
