//! The `qikx` binary: a program in the environment of a space.

use std::process::ExitCode;

/// As for `qik`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    qik_cli::qikx()
}
