//! The `patchq` program: reads arguments and returns an exit code.

fn main() -> std::process::ExitCode {
    patchq::cli::main(std::env::args_os().collect())
}
