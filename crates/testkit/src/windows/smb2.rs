//! Messages of SMB 2 (MS-SMB2 §2.2). A file is known by 16 bytes.

use super::utf16;

/// Commands.
pub mod command {
    /// NEGOTIATE.
    pub const NEGOTIATE: u16 = 0;
    /// SESSION_SETUP.
    pub const SESSION_SETUP: u16 = 1;
    /// TREE_CONNECT.
    pub const TREE_CONNECT: u16 = 3;
    /// CREATE.
    pub const CREATE: u16 = 5;
    /// CLOSE.
    pub const CLOSE: u16 = 6;
    /// READ.
    pub const READ: u16 = 8;
    /// WRITE.
    pub const WRITE: u16 = 9;
    /// IOCTL.
    pub const IOCTL: u16 = 11;
    /// QUERY_DIRECTORY.
    pub const QUERY_DIRECTORY: u16 = 14;
    /// SET_INFO.
    pub const SET_INFO: u16 = 17;
}

/// The fixed part of a first login's request.
pub const FIRST_LOGIN: [u8; 12] = [25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
/// Go on with the login.
pub const MORE_PROCESSING: u32 = 0xc000_0016;
/// A wrong account or password.
pub const LOGON_FAILURE: u32 = 0xc000_006d;

/// Bits of a directory's or an ordinary file's attributes.
pub const DIRECTORY: u32 = 0x10;

/// A message in its frame (§2.2.1).
pub fn message(command: u16, reply: bool, status: u32, id: u64, tree: u32, body: &[u8]) -> Vec<u8> {
    let mut m = b"\xfeSMB\x40\0\0\0".to_vec();
    m.extend_from_slice(&status.to_le_bytes());
    m.extend_from_slice(&[command.to_le_bytes(), [1, 0]].concat());
    m.extend_from_slice(&[u32::from(reply).to_le_bytes(), [0; 4]].concat());
    m.extend_from_slice(&id.to_le_bytes());
    m.extend_from_slice(&[[0; 4], tree.to_le_bytes()].concat());
    m.extend_from_slice(&[0; 24]);
    m.extend_from_slice(body);
    [&(m.len() as u32).to_be_bytes()[..], &m].concat()
}

/// A fixed part, place of a value behind it, and the value.
pub fn placed(fixed: &[u8], value: &[u8]) -> Vec<u8> {
    let offset = (64 + fixed.len() + 4) as u16;
    [fixed, &offset.to_le_bytes(), &(value.len() as u16).to_le_bytes(), value].concat()
}

/// NEGOTIATE's answer: version 3.1.1.
pub fn dialect() -> Vec<u8> {
    [&[65, 0, 1, 0, 0x11, 3, 0, 0][..], &[0; 48], &[128, 0, 0, 0], &[0; 4]].concat()
}

/// TREE_CONNECT's answer; `kind` 1 is a disk, 2 a pipe.
pub fn tree(kind: u8) -> Vec<u8> {
    [&[16, 0, kind][..], &[0; 13]].concat()
}

/// CREATE (§2.2.13).
pub fn create(name: &str) -> Vec<u8> {
    let name = utf16(name);
    [&[57, 0][..], &[0; 42], &120u16.to_le_bytes(), &(name.len() as u16).to_le_bytes(), &[0; 8], &name].concat()
}

/// CREATE's answer: the file was there.
pub fn created(file: &[u8; 16], size: u64, filetime: u64, attributes: u32) -> Vec<u8> {
    let times = [filetime.to_le_bytes(); 4].concat();
    let head = [&[89, 0, 0, 0, 1, 0, 0, 0][..], &times, &[0; 8], &size.to_le_bytes()].concat();
    [&head[..], &attributes.to_le_bytes(), &[0; 4], file, &[0; 8]].concat()
}

/// CREATE's answer: there was no such file, and now there is (CreateAction FILE_CREATED).
pub fn made(file: &[u8; 16], filetime: u64) -> Vec<u8> {
    let mut answer = created(file, 0, filetime, 0);
    answer[4] = 2;
    answer
}

/// An encrypted message (SMB 3) that hides so many bytes (§2.2.41).
pub fn sealed(session: u64, hidden: &[u8]) -> Vec<u8> {
    let len = (hidden.len() as u32).to_le_bytes();
    let header =
        [&b"\xfdSMB"[..], &[0x5a; 16], &[7; 11], &[0; 5], &len, &[0, 0, 1, 0], &session.to_le_bytes()].concat();
    [&((header.len() + hidden.len()) as u32).to_be_bytes()[..], &header, hidden].concat()
}

/// READ (§2.2.19) of `len` bytes.
pub fn read(file: &[u8; 16], offset: u64, len: u32) -> Vec<u8> {
    [&[49, 0, 0, 0][..], &len.to_le_bytes(), &offset.to_le_bytes(), file, &[0; 17]].concat()
}

/// READ's answer.
pub fn data(content: &[u8]) -> Vec<u8> {
    [&[17, 0, 80, 0][..], &(content.len() as u32).to_le_bytes(), &[0; 8], content].concat()
}

/// WRITE (§2.2.21).
pub fn write(file: &[u8; 16], offset: u64, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_le_bytes();
    [&[49, 0, 112, 0][..], &len, &offset.to_le_bytes(), file, &[0; 16], content].concat()
}

/// WRITE's answer.
pub fn written(len: usize) -> Vec<u8> {
    [&[17, 0, 0, 0][..], &(len as u32).to_le_bytes(), &[0; 8]].concat()
}

/// CLOSE (§2.2.15).
pub fn close(file: &[u8; 16]) -> Vec<u8> {
    [&[24, 0, 0, 0, 0, 0, 0, 0][..], file].concat()
}

/// CLOSE's answer.
pub fn closed() -> Vec<u8> {
    [&[60, 0][..], &[0; 58]].concat()
}

/// QUERY_DIRECTORY (§2.2.33) of everything.
pub fn query_directory(file: &[u8; 16]) -> Vec<u8> {
    [&[33, 0, 37, 0, 0, 0, 0, 0][..], file, &96u16.to_le_bytes(), &[2, 0, 0, 0, 1, 0], &utf16("*")].concat()
}

/// QUERY_DIRECTORY's answer.
pub fn listed(entries: &[u8]) -> Vec<u8> {
    [&[9, 0, 72, 0][..], &(entries.len() as u32).to_le_bytes(), entries].concat()
}

/// SET_INFO (§2.2.39) of one class.
pub fn set_info(file: &[u8; 16], class: u8, buffer: &[u8]) -> Vec<u8> {
    let len = (buffer.len() as u32).to_le_bytes();
    [&[33, 0, 1, class][..], &len, &[96, 0, 0, 0, 0, 0, 0, 0], file, buffer].concat()
}

/// What SET_INFO of class 10 carries: the new name (MS-FSCC §2.4.43).
pub fn new_name(name: &str) -> Vec<u8> {
    let name = utf16(name);
    [&[0; 16][..], &(name.len() as u32).to_le_bytes(), &name].concat()
}

/// FSCTL_PIPE_TRANSCEIVE (§2.2.31, §2.2.32).
pub fn transceive(file: &[u8; 16], reply: bool, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_le_bytes();
    let places: Vec<u8> = if reply {
        [&[112, 0, 0, 0, 0, 0, 0, 0, 112, 0, 0, 0][..], &len, &[0; 8]].concat()
    } else {
        [&[120, 0, 0, 0][..], &len, &[0; 24]].concat()
    };
    [&[57, 0, 0, 0, 0x17, 0xc0, 0x11, 0][..], file, &places, content].concat()
}
