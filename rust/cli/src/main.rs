//! The `orochi` command. All its code is in the library, so that Python's entry points run the same.

fn main() {
    std::process::exit(orochi_cli::run(std::env::args_os().collect()));
}
