//! The program `nspawn-matrix`.

use std::process::ExitCode;

fn main() -> ExitCode {
    nspawn_matrix::cli::main()
}
