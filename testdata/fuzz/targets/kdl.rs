//! Whatever a `qik.kdl` holds is read, pointed into, and written in the other format.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qik_fuzz::survive::kdl(bytes));
