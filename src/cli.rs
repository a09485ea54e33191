//! The command line: `serve`, `check`, `health`, `bench`, `completions`, `version`. In the library, so that `python -m gateway` runs the same.

mod args;
mod bench;
mod health;
mod notify;
mod start;

use args::{Args, Command};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Runs a command line (the program's name first); see [`run`].
pub fn main<I, T>(args: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    ExitCode::from(run(args))
}

/// Exit status of a command that did its work.
const WELL: u8 = 0;
/// Exit status of a command that failed.
const FAILED: u8 = 1;
/// Exit status of a command line that cannot be read.
const MISUSED: u8 = 2;

/// Runs a command line (the program's name first). Returns the exit status: 0 well, 1 for an error, 2 for a command
/// line that cannot be read.
pub fn run<I, T>(args: I) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let args = match Args::try_parse_from(with_command(args)) {
        Ok(args) => args,
        Err(error) => {
            let code = error.exit_code();
            let _ = error.print();
            return u8::try_from(code).unwrap_or(MISUSED);
        }
    };
    match args.command {
        Command::Serve(serve) => told(start::run(&serve)),
        Command::Check { file, config, json } => check(&file.or(config).unwrap_or_default(), json),
        Command::Health(health) => {
            let address = SocketAddr::new(health.host, health.port);
            let limit = Duration::try_from_secs_f64(health.timeout).unwrap_or_default();
            told(health::ask(address, &health.path, limit))
        }
        Command::Bench(bench) => told(bench::run(&bench).map(|report| {
            tell(std::io::stdout(), &report);
        })),
        Command::Completions { shell } => {
            let mut command = Args::command();
            clap_complete::generate(shell, &mut command, "gateway", &mut std::io::stdout());
            WELL
        }
        Command::Version => {
            tell(
                std::io::stdout(),
                concat!("gateway ", env!("CARGO_PKG_VERSION")),
            );
            WELL
        }
    }
}

/// The exit status of a command, whose error is told.
fn told(result: Result<(), String>) -> u8 {
    match result {
        Ok(()) => WELL,
        Err(message) => {
            tell(std::io::stderr(), &format!("error: {message}"));
            FAILED
        }
    }
}

/// A command line that begins with a setting is one of `litellm`'s, which has no commands: it means `serve`.
fn with_command<I, T>(args: I) -> Vec<OsString>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let mut args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let first = args.get(1).and_then(|arg| arg.to_str()).unwrap_or_default();
    let of_the_program = ["-h", "--help", "-V", "--version"].contains(&first);
    if first.starts_with('-') && !of_the_program {
        args.insert(1, "serve".into());
    }
    args
}

fn check(file: &Path, json: bool) -> u8 {
    let report = crate::config::check(file, &process_env);
    let text = if json {
        report.to_json().to_string()
    } else {
        report.to_string()
    };
    tell(std::io::stdout(), &text);
    if report.has_errors() { FAILED } else { WELL }
}

/// The process's environment: read here, at the edge, and nowhere below.
fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes a line for people. A reader that has gone is no error of ours.
fn tell(mut to: impl Write, line: &str) {
    let _ = writeln!(to, "{line}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn port(line: &[&str]) -> u16 {
        match Args::try_parse_from(with_command(line.iter().copied()))
            .unwrap()
            .command
        {
            Command::Serve(serve) => serve.port,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn litellms_command_line_starts_the_server() {
        let line = [
            "gateway",
            "--config",
            "c.yaml",
            "--port",
            "4001",
            "--num_workers",
            "8",
            "--detailed_debug",
        ];
        assert_eq!(port(&line), 4001);
    }

    #[test]
    fn a_command_is_left_alone() {
        assert_eq!(port(&["gateway", "serve", "--port", "4002"]), 4002);
    }

    #[test]
    fn a_configuration_is_checked_by_its_place_or_by_its_name() {
        for line in [&["c.yaml"][..], &["--config", "c.yaml"], &["-c", "c.yaml"]] {
            let line = ["gateway", "check"].iter().chain(line).copied();
            match Args::try_parse_from(with_command(line)).unwrap().command {
                Command::Check { file, config, .. } => {
                    assert_eq!(file.or(config).unwrap().to_str(), Some("c.yaml"));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(Args::try_parse_from(["gateway", "check"]).is_err());
    }
}
