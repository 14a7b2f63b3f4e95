//! Whatever stands in a text, it is read as a template, filled in, and taken as a pattern.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qik_fuzz::survive::templates(bytes));
