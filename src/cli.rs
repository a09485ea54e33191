//! The command line: `serve`, `check`, `version`. In the library, so that `python -m gateway` runs the same.

mod args;
mod start;

use args::{Args, Command};
use clap::Parser;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Runs a command line (the program's name first). Returns the exit status: 0 well, 1 for an error, 2 for a command
/// line that cannot be read.
pub fn main<I, T>(args: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    match args.command {
        Command::Serve(serve) => match start::run(&serve) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                tell(std::io::stderr(), &format!("error: {message}"));
                ExitCode::FAILURE
            }
        },
        Command::Check { file, json } => check(&file, json),
        Command::Version => {
            tell(
                std::io::stdout(),
                concat!("gateway ", env!("CARGO_PKG_VERSION")),
            );
            ExitCode::SUCCESS
        }
    }
}

fn check(file: &Path, json: bool) -> ExitCode {
    let report = crate::config::check(file, &process_env);
    let text = if json {
        report.to_json().to_string()
    } else {
        report.to_string()
    };
    tell(std::io::stdout(), &text);
    if report.has_errors() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The process's environment: read here, at the edge, and nowhere below.
fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes a line for people. A reader that has gone is no error of ours.
fn tell(mut to: impl Write, line: &str) {
    let _ = writeln!(to, "{line}");
}
