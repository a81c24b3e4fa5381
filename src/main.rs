//! The `patchq` program: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    patchq::cli::main(std::env::args_os().collect())
}
