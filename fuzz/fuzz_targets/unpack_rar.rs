#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let kind = if data.starts_with(b"Rar!\x1a\x07\x01") { sekisho_fuzz::Kind::Rar5 } else { sekisho_fuzz::Kind::Rar };
    sekisho_fuzz::unpack(Some(kind), data);
});
