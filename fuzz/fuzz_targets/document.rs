//! Makes up session documents; what must hold of them is in `maestro_testutils::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| maestro_testutils::fuzz::document(data));
