//! The `qik` binary: arguments in, an exit code out.

use std::process::ExitCode;

/// A run makes many small allocations on several threads; this halves what they cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    qik_cli::main()
}
