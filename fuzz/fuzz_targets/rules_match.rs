#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sekisho_fuzz::rules_match(data));
