//! A messy transaction export in, scored customers out.
//!
//! What was typed ([`args`]) becomes a checked [`tillwise_pipeline::Plan`], and the plan is carried out. Results
//! go to stdout, talk to stderr; the exit code is decided here and nowhere else.

mod args;
mod ask;
mod commands;
mod config;
mod config_text;
mod contract;
mod restart;
mod runs;
mod summary;

use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;

use clap::Parser;
use tillwise_pipeline::{PipelineError, Until};

use args::{Args, Command};
use commands::Failure;

/// Returns freed memory to the system sooner than the system's own, and is faster with many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit codes that scripts can rely on.
mod exit {
    pub const DONE: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const GATE: u8 = 3;
    pub const MODEL: u8 = 4;
    pub const NOTHING_NEW: u8 = 99;
}

/// Threads that are of any use.
const MOST_THREADS_A_CORE: usize = 4;

fn main() -> ExitCode {
    let args = Args::parse();
    // Beyond a few to a core they only wait for each other, and beyond hundreds a run does not end.
    let most = std::thread::available_parallelism().map_or(4, usize::from) * MOST_THREADS_A_CORE;
    let of_polars = std::env::var("POLARS_MAX_THREADS").ok().and_then(|threads| threads.trim().parse().ok());
    if of_polars.is_some_and(|threads: usize| threads == 0 || threads > most) {
        // Polars takes no pool of nothing, and one of any size; its own default is every core.
        std::env::remove_var("POLARS_MAX_THREADS");
    }
    if let Some(threads) = args.threads {
        if threads > most {
            let _ = writeln!(
                std::io::stderr(),
                "warning: --threads {threads} is more than {MOST_THREADS_A_CORE} to a core; {most} are used"
            );
        }
        let threads = threads.min(most);
        // Before any thread starts; Polars reads it when its pool is first used.
        std::env::set_var("POLARS_MAX_THREADS", threads.to_string());
        // Fails only if the pool exists already, and nothing has used it yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    start_log(args.log_json);
    stop_on_signals();
    let result = match args.command {
        Command::Demo(demo) => commands::demo(&demo),
        Command::Init(init) => commands::init(&init),
        Command::Run(run) => commands::run(&run),
        Command::Score(score) => commands::score(&score),
        Command::Ingest(stage) => commands::stage(&stage, "ingest", Until::Ingest),
        Command::Customers(stage) => commands::stage(&stage, "customers", Until::Customers),
        Command::Only(only) => commands::only(&only),
        Command::Contract(contract) => contract::contract(&contract),
        Command::Rejects(rejects) => commands::rejects(&rejects),
        Command::Segments(segments) => commands::segments(&segments),
        Command::Retention(retention) => contract::retention(&retention),
        Command::Funnel(funnel) => contract::funnel(&funnel),
        Command::Channels(channels) => contract::channels(&channels),
        Command::Campaign(campaign) => contract::campaign(&campaign),
        Command::Config(what) => config::config(&what),
        Command::Runs(what) => runs::runs(&what),
        Command::RfmTable(table) => contract::rfm_table(&table),
    };
    tillwise_store::wait_if_given_up();
    ExitCode::from(match result {
        Ok(commands::Ended::Done) => exit::DONE,
        Ok(commands::Ended::ModelFailed) => exit::MODEL,
        Ok(commands::Ended::NothingNew) => exit::NOTHING_NEW,
        // Whoever read the output has seen enough.
        Err(Failure::Print(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => exit::DONE,
        Err(failure) => {
            commands::complain(&failure);
            match failure {
                Failure::Pipeline(e) if e.is_gate() => exit::GATE,
                Failure::Pipeline(e) if e.is_usage() => exit::USAGE,
                Failure::Usage(_) => exit::USAGE,
                Failure::Pipeline(PipelineError::NotConverged { .. }) => exit::MODEL,
                _ => exit::FAILED,
            }
        }
    })
}

/// SIGINT and SIGTERM end the process at once, with 130 and 143: `current` leads to a whole run at every moment.
#[cfg(unix)]
fn stop_on_signals() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    // Without it, the system's own way of ending holds.
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            tillwise_store::give_up();
            let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
            let _ = writeln!(
                std::io::stderr(),
                "error: stopped by {name}; `current` leads to the last whole run, and the next run begins anew"
            );
            signal_hook::low_level::exit(128 + signal);
        }
    });
}

#[cfg(not(unix))]
fn stop_on_signals() {}

fn start_log(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_env("TILLWISE_LOG").unwrap_or_else(|_| EnvFilter::new("warn,tillwise=info"));
    let colours = std::io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        log.with_target(false).without_time().init();
    }
}
