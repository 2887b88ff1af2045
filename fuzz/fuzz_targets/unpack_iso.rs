#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sekisho_fuzz::unpack(Some(sekisho_fuzz::Kind::Iso), data));
