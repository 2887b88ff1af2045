//! Ciphers of archives. Keys are derived where a format is listed.

use super::check::crc32_step;
use super::{Filter, Outcome};
use crate::member::Completeness;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};

/// The three keys of ZIP's first cipher (APPNOTE §6.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ZipKeys([u32; 3]);

impl ZipKeys {
    pub(crate) fn new(password: &[u8]) -> Self {
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        for &byte in password {
            keys.update(byte);
        }
        keys
    }

    fn update(&mut self, byte: u8) {
        let [k0, k1, k2] = self.0;
        let k0 = crc32_step(k0, byte);
        let k1 = k1.wrapping_add(k0 & 0xff).wrapping_mul(134_775_813).wrapping_add(1);
        let [.., high] = k1.to_le_bytes();
        self.0 = [k0, k1, crc32_step(k2, high)];
    }

    /// One byte in clear.
    pub(crate) fn decrypt(&mut self, byte: u8) -> u8 {
        let t = (self.0[2] | 2) & 0xffff;
        let [_, mask, ..] = t.wrapping_mul(t ^ 1).to_le_bytes();
        let clear = byte ^ mask;
        self.update(clear);
        clear
    }
}

impl Filter for ZipKeys {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let clear: Vec<u8> = input.iter().map(|&b| self.decrypt(b)).collect();
        out(&clear);
        Outcome::More
    }
}

enum Aes {
    A128(Aes128),
    A192(Aes192),
    A256(Aes256),
}

/// AES with a little-endian counter that begins at 1 (WinZip AE-1 and AE-2).
pub(super) struct Ctr {
    aes: Option<Aes>,
    counter: u128,
    block: [u8; 16],
    used: usize,
}

impl Ctr {
    /// A key of another length than AES has leaves the bytes as they are, which the member's checksum will tell.
    pub(super) fn new(key: &[u8]) -> Self {
        let aes = match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Aes::A128),
            24 => Aes192::new_from_slice(key).ok().map(Aes::A192),
            _ => Aes256::new_from_slice(key).ok().map(Aes::A256),
        };
        Self { aes, counter: 0, block: [0; 16], used: 16 }
    }

    fn next(&mut self) -> u8 {
        if self.used == 16 {
            self.counter = self.counter.wrapping_add(1);
            let mut block = Block::from(self.counter.to_le_bytes());
            match &self.aes {
                Some(Aes::A128(a)) => a.encrypt_block(&mut block),
                Some(Aes::A192(a)) => a.encrypt_block(&mut block),
                Some(Aes::A256(a)) => a.encrypt_block(&mut block),
                None => {}
            }
            self.block = block.into();
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied().unwrap_or(0);
        self.used += 1;
        byte
    }
}

impl Filter for Ctr {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let clear: Vec<u8> = input.iter().map(|&b| b ^ self.next()).collect();
        out(&clear);
        Outcome::More
    }
}

/// AES-256 in CBC without padding.
pub(super) struct Cbc {
    aes: Aes256,
    previous: [u8; 16],
    held: Vec<u8>,
}

impl Cbc {
    pub(super) fn new(key: &[u8; 32], iv: [u8; 16]) -> Self {
        Self { aes: Aes256::new(GenericArray::from_slice(key)), previous: iv, held: Vec::new() }
    }
}

impl Filter for Cbc {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        self.held.extend_from_slice(input);
        let mut clear = Vec::with_capacity(self.held.len());
        let (blocks, rest) = self.held.as_chunks::<16>();
        for cipher in blocks {
            let mut block = Block::from(*cipher);
            self.aes.decrypt_block(&mut block);
            clear.extend(block.iter().zip(self.previous).map(|(a, b)| a ^ b));
            self.previous = *cipher;
        }
        self.held = rest.to_vec();
        out(&clear);
        Outcome::More
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.held.is_empty() { Completeness::Complete } else { Completeness::Truncated }
    }
}
