//! The command line's grammar. LiteLLM's flags are taken where they mean something here, and tolerated where what
//! they set does not exist in this process.

use clap::{Args as ClapArgs, Parser, Subcommand};
use std::net::IpAddr;
use std::path::PathBuf;

/// LiteLLM's contract at the speed of a bare proxy.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, about)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server.
    Serve(Serve),
    /// Read a configuration and report on every key; exit status 1 when it has errors.
    Check {
        /// The configuration.
        file: PathBuf,
        /// Report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the version.
    Version,
}

/// Settings of the server.
#[derive(Debug, Default, ClapArgs)]
#[allow(clippy::option_option)]
pub struct Serve {
    /// Configuration in LiteLLM's format. Without it: `mock/echo`, and every provider whose key is in the environment.
    #[arg(short, long, env = "CONFIG_FILE_PATH")]
    pub config: Option<PathBuf>,
    /// Address to listen on; without a master key the default is 127.0.0.1, else 0.0.0.0.
    #[arg(long, env = "HOST")]
    pub host: Option<IpAddr>,
    /// Port to listen on.
    #[arg(long, env = "PORT", default_value_t = 4000)]
    pub port: u16,
    /// Seconds that requests in flight have to end when the server is asked to stop.
    #[arg(long, default_value_t = 30.0, env = "GATEWAY_GRACE_SECONDS")]
    pub grace: f64,
    /// More in the log.
    #[arg(long)]
    pub debug: bool,
    /// Even more in the log.
    #[arg(long = "detailed_debug", alias = "detailed-debug")]
    pub detailed_debug: bool,
    /// Taken for LiteLLM's sake: one process uses every core.
    #[arg(long = "num_workers", alias = "num-workers", hide = true)]
    pub num_workers: Option<u32>,
    /// Taken for LiteLLM's sake: there is one server.
    #[arg(long = "run_gunicorn", alias = "run-gunicorn", hide = true)]
    pub run_gunicorn: bool,
    /// Taken for LiteLLM's sake: there is one server.
    #[arg(long = "run_hypercorn", alias = "run-hypercorn", hide = true)]
    pub run_hypercorn: bool,
    /// Taken for LiteLLM's sake: there is one server.
    #[arg(long = "run_granian", alias = "run-granian", hide = true)]
    pub run_granian: bool,
    /// Taken for LiteLLM's sake: nothing is sent home.
    #[arg(long, hide = true)]
    pub telemetry: Option<Option<String>>,
    /// Taken for LiteLLM's sake: `LITELLM_LOG` and `RUST_LOG` set what is logged.
    #[arg(long = "log_config", hide = true)]
    pub log_config: Option<PathBuf>,
    /// Taken for LiteLLM's sake: an idle connection costs next to nothing here.
    #[arg(long = "keepalive_timeout", hide = true)]
    pub keepalive_timeout: Option<u32>,
    /// Taken for LiteLLM's sake: configurations always reload.
    #[arg(long, hide = true)]
    pub reload: bool,
}
