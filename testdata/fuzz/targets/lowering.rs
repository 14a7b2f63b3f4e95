//! Whatever the files of a project hold, they come to a model, runnables and fingerprints.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qik_fuzz::survive::lowering(bytes));
