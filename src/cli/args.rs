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
        #[arg(required_unless_present = "config")]
        file: Option<PathBuf>,
        /// The configuration, named as `serve` wants it.
        #[arg(long, short, value_name = "FILE", conflicts_with = "file")]
        config: Option<PathBuf>,
        /// Report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask a server on this machine whether it lives; exit status 1 when it does not. A container's health check.
    Health(Health),
    /// Call a server as many clients at once do, and print how fast it answered.
    Bench(Bench),
    /// Print a script that completes this command line in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the version.
    Version,
}

/// Where to ask for health.
#[derive(Debug, ClapArgs)]
pub struct Health {
    /// Address of the server.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port of the server.
    #[arg(long, env = "PORT", default_value_t = 4000)]
    pub port: u16,
    /// Path to ask for: `/health/live`, or `/health/ready`.
    #[arg(long, default_value = "/health/live")]
    pub path: String,
    /// Seconds that each step of the answer may take.
    #[arg(long, default_value_t = 2.0)]
    pub timeout: f64,
}

/// What to call, how often.
#[derive(Debug, ClapArgs)]
pub struct Bench {
    /// Base URL of the server.
    #[arg(default_value = "http://127.0.0.1:4000")]
    pub url: String,
    /// Model to ask. The default answers without a provider.
    #[arg(long, default_value = "mock/echo")]
    pub model: String,
    /// Key to call with.
    #[arg(long, env = "LITELLM_MASTER_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Clients that call at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub clients: u32,
    /// Seconds to go on for.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Ask for streams.
    #[arg(long)]
    pub stream: bool,
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
    /// Connections at a time; others wait. The default is what half of the open files allowed to this process hold.
    #[arg(long = "limit_concurrency", alias = "limit-concurrency")]
    pub limit_concurrency: Option<usize>,
    /// Let another server of this user listen on the same port: a restart that refuses no connection.
    #[arg(long)]
    pub reuse_port: bool,
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
