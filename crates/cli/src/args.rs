//! What can be typed.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args as _, FromArgMatches, Parser, Subcommand};
use tillwise_core::Day;
use tillwise_mine::funnel::Policy;
use tillwise_pipeline::{Analysis, AsOf};

use crate::contract::ModelArg;

/// A messy transaction export in, scored customers out.
#[derive(Debug, Parser)]
#[command(name = "tillwise", version, after_help = AFTER_HELP)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,

    /// Threads to use; all cores by default. Results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,

    /// Write the log on stderr as JSON lines.
    #[arg(long, global = true)]
    pub log_json: bool,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 the run failed, 2 wrong usage or config, 3 a data-quality gate failed,
4 a model did not converge or an analysis asked for by name could not be done, 99 nothing new to do.
TILLWISE_LOG sets what is logged on stderr, for example TILLWISE_LOG=warn.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate a shop and run the whole job on it: no file needed.
    Demo(Demo),
    /// Look at an export and write a commented config for it.
    Init(Init),
    /// Do everything: ingest, customer table, analyses, publish.
    Run(Run),
    /// Apply saved models to an export without fitting.
    Score(Score),
    /// Only read and clean the export.
    Ingest(Stage),
    /// Only make the customer table.
    Customers(Stage),
    /// One analysis.
    #[command(flatten)]
    Only(Only),
    /// Save the rejected rows of the last run in the export's own layout, to be mended and read again.
    Rejects(Rejects),
    /// Show a map of RFM segments as a grid, and as TOML to start one of your own from.
    Segments(Segments),
    /// Who leaves and why, where a contract says who left: from a table with a label and attributes.
    Contract(Contract),
    /// Retention and lifetime value of contractual cohorts, from a table of their survivors.
    Retention(Retention),
    /// The config: check it, show it with everything filled in, or write its schema for editors.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// A sales funnel from a log of events: how many get how far, how long it takes, where they are lost.
    Funnel(Funnel),
    /// Which channels bring orders, from a log of touches: credit by seven rules.
    Channels(Channels),
    /// What a campaign did, from a table of who was contacted and what came; and whom a contact moves.
    Campaign(Campaign),
    /// Published runs: list, show, compare, prune.
    #[command(subcommand)]
    Runs(Runs),
    /// RFM of a table that has one row a customer, with silence, orders and revenue as sums.
    RfmTable(RfmTable),
}

#[derive(Debug, clap::Args)]
pub struct Demo {
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "tillwise-demo")]
    pub out: PathBuf,
    /// Customers of the simulated shop.
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(50..=5_000_000))]
    pub customers: u32,
    /// Where chance begins.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Only write the export and its config, without running.
    #[arg(long)]
    pub export_only: bool,
}

#[derive(Debug, clap::Args)]
pub struct Init {
    /// The export's files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The config to write.
    #[arg(short, long, value_name = "CONFIG", default_value = "tillwise.toml")]
    pub output: PathBuf,
    /// Replace the config if there is one.
    #[arg(long)]
    pub force: bool,
    /// What a column means, such as `customer=Buyer`; may be given several times.
    #[arg(long, value_name = "KEY=COLUMN", value_parser = key_and_column)]
    pub column: Vec<(String, String)>,
    /// The currency that counts, where there are several.
    #[arg(long, value_name = "CURRENCY")]
    pub currency: Option<String>,
    /// Ask nothing, on a terminal either: what is open is marked FILL IN.
    #[arg(long)]
    pub yes: bool,
}

fn key_and_column(text: &str) -> Result<(String, String), String> {
    pair(text, "KEY=COLUMN, such as customer=Buyer")
}

/// A key and what is said of it.
fn pair(text: &str, written: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("it is written {written}"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// What every run takes.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// The config file.
    #[arg(value_name = "CONFIG", default_value = "tillwise.toml")]
    pub config: PathBuf,
    /// The output folder, in place of the config's.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The day of the picture: a date, `last`, or `last+1`; in place of the config's.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<AsOf>,
    /// A value in place of the config's, such as `run.seed=7`; may be given several times.
    #[arg(long, value_name = "TABLE.KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    pair(text, "TABLE.KEY=VALUE, such as run.seed=7")
}

#[derive(Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    pub common: Common,
    /// Only these analyses; one that cannot be done then fails the run.
    #[arg(long, value_name = "rfm,clv,...", value_delimiter = ',')]
    pub only: Vec<Analysis>,
    /// Run again even if this run, of the same files and config, is published already.
    #[arg(long)]
    pub force: bool,
    /// Only say what would be read, written and fitted, and about how long it would take.
    #[arg(long)]
    pub dry_run: bool,
    /// With a store: read every file that is there again, whether it is known or not.
    #[arg(long)]
    pub full_refresh: bool,
    /// With a store: the files as they were known at the end of this day (UTC), and none that came later.
    #[arg(long, value_name = "DATE", conflicts_with = "full_refresh")]
    pub as_known_on: Option<Day>,
}

#[derive(Debug, clap::Args)]
pub struct Score {
    #[command(flatten)]
    pub common: Common,
    /// The folder with the saved models.
    #[arg(long, value_name = "DIR")]
    pub models: PathBuf,
    /// Score again even if this run is published already.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, clap::Args)]
pub struct Retention {
    /// A CSV file with a header: `cohort` (may be missing), `period` (0, 1, 2, ...) and `survivors`.
    #[arg(value_name = "SURVIVORS.csv")]
    pub file: PathBuf,
    /// The folder that retention.parquet and retention.json are written to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Periods to look ahead.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub ahead: u32,
    /// Discount rate of a period, from 0.0001 to 10.
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    pub discount: f64,
}

#[derive(Debug, clap::Args)]
pub struct RfmTable {
    /// A table with a header, one row a customer: CSV, workbook, JSON or Parquet, packed or not.
    #[arg(value_name = "TABLE.csv")]
    pub file: PathBuf,
    /// The column with the number of orders.
    #[arg(long, value_name = "COLUMN")]
    pub orders: String,
    /// The column with the net revenue.
    #[arg(long, value_name = "COLUMN")]
    pub revenue: String,
    /// The column with the days since the last order; or name the day of the last order with --last-order.
    #[arg(
        long,
        value_name = "COLUMN",
        required_unless_present = "last_order",
        conflicts_with = "last_order"
    )]
    pub days_since: Option<String>,
    /// The column with the day of the last order.
    #[arg(long, value_name = "COLUMN")]
    pub last_order: Option<String>,
    /// With --last-order: the day of the picture; without it, the last of all orders.
    #[arg(long, value_name = "DATE", requires = "last_order")]
    pub as_of: Option<Day>,
    /// The column with the customer's id; without it, rows are numbered.
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// A config whose `[rfm]` says how scores come about and which map of segments is used.
    #[arg(long, value_name = "CONFIG")]
    pub config: Option<PathBuf>,
    /// What stands between two cells of the table: a character, or tab; without it, it is found.
    #[arg(long, value_name = "MARK")]
    pub delimiter: Option<String>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Contract {
    /// A table with a header, one row a customer: CSV, workbook, JSON or Parquet, packed or not.
    #[arg(value_name = "TABLE.csv")]
    pub file: PathBuf,
    /// The column that says who left; it has two values.
    #[arg(long, value_name = "COLUMN")]
    pub label: String,
    /// The value of the label that says that a customer left; by default Yes, 1, true and the like.
    #[arg(long, value_name = "VALUE")]
    pub left: Option<String>,
    /// The column with the customer's id; without it, rows are numbered.
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// The column that says how long the customer has been or was there: survival curves and a Cox regression come with it.
    #[arg(long, value_name = "COLUMN")]
    pub tenure: Option<String>,
    /// The column with what a customer is worth, for the targets; 1 each without it.
    #[arg(long, value_name = "COLUMN")]
    pub value: Option<String>,
    /// Columns to leave out.
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// What gives the probabilities: tree, forest, boosting, logistic, neural, or auto.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<ModelArg>,
    /// What an offer to stay costs.
    #[arg(long, value_name = "MONEY", default_value_t = 0.0)]
    pub offer_cost: f64,
    /// Share of those about to leave whom an offer keeps.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub response_rate: f64,
    /// Most that offers may cost together.
    #[arg(long, value_name = "MONEY")]
    pub budget: Option<f64>,
    /// What stands between two cells of the table, where it is no comma: a character, or tab.
    #[arg(long, value_name = "MARK")]
    pub delimiter: Option<String>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Where chance begins.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Debug, clap::Args)]
pub struct Rejects {
    #[command(flatten)]
    pub common: Common,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", default_value = "rejected.csv")]
    pub output: PathBuf,
    /// Only rows that were rejected for these reasons; without it, all but repeats.
    #[arg(long, value_name = "REASON,...", value_delimiter = ',')]
    pub reason: Vec<String>,
}

/// A log of events, and where what is found is written to.
#[derive(Debug, clap::Args)]
pub struct Log {
    /// A table with a header, one row an event: CSV, workbook, JSON or Parquet, packed or not.
    #[arg(value_name = "EVENTS.csv")]
    pub file: PathBuf,
    /// The column that says who.
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    pub id: String,
    /// The column that says when.
    #[arg(long, value_name = "COLUMN", default_value = "time")]
    pub time: String,
    /// What stands between two cells of the table: a character, or tab; without it, it is found.
    #[arg(long, value_name = "MARK")]
    pub delimiter: Option<String>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Funnel {
    #[command(flatten)]
    pub log: Log,
    /// The column that says which stage.
    #[arg(long, value_name = "COLUMN", default_value = "stage")]
    pub stage: String,
    /// The stages in their order, in any case of letters.
    #[arg(
        long,
        value_name = "STAGE,...",
        value_delimiter = ',',
        default_value = "awareness,interest,desire,action"
    )]
    pub stages: Vec<String>,
    /// When a stage counts: `reached` counts all before the furthest one, `strict` only those seen one after the other.
    #[arg(long, value_name = "POLICY", default_value = "reached")]
    pub policy: Policy,
    /// Columns of groups, such as a segment or a channel.
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub by: Vec<String>,
    /// A column of territories with their levels, such as `north/coast/town`: each level is a group.
    #[arg(long, value_name = "COLUMN")]
    pub roll_up: Option<String>,
    /// Days within which a step is asked about.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub horizon: u32,
    /// The day the log ends; without it, that of the last event.
    #[arg(long, value_name = "DATE")]
    pub until: Option<Day>,
}

#[derive(Debug, clap::Args)]
pub struct Channels {
    #[command(flatten)]
    pub log: Log,
    /// The column with the channel; blank where a line is an order alone.
    #[arg(long, value_name = "COLUMN", default_value = "channel")]
    pub channel: String,
    /// The column that says whether an order came: its value, or a yes; blank or 0 where none did.
    #[arg(long, value_name = "COLUMN", default_value = "order")]
    pub order: String,
    /// The column with what the order is worth, where the other only says yes.
    #[arg(long, value_name = "COLUMN")]
    pub value: Option<String>,
    /// Days before an order in which a touch counts.
    #[arg(long, value_name = "DAYS", default_value_t = 90.0)]
    pub window: f64,
    /// Days by which credit halves, for the rule time_decay.
    #[arg(long, value_name = "DAYS", default_value_t = 7.0)]
    pub half_life: f64,
}

#[derive(Debug, clap::Args)]
pub struct Campaign {
    /// A table with a header, one row a person: CSV, workbook, JSON or Parquet, packed or not.
    #[arg(value_name = "TABLE.csv")]
    pub file: PathBuf,
    /// The column that says who was contacted.
    #[arg(long, value_name = "COLUMN")]
    pub treatment: String,
    /// The value of it that says so, where it is no yes or no; all others are control.
    #[arg(long, value_name = "VALUE")]
    pub contacted: Option<String>,
    /// The column with what came: a number, or a yes.
    #[arg(long, value_name = "COLUMN")]
    pub outcome: String,
    /// The column with the id; without it, rows are numbered.
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// The column with the outcome of a time before the campaign, which makes the lift sharper (CUPED).
    #[arg(long, value_name = "COLUMN")]
    pub past: Option<String>,
    /// Columns to leave out.
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// What an outcome of 1 is worth.
    #[arg(long, value_name = "MONEY", default_value_t = 1.0)]
    pub value: f64,
    /// What a contact costs.
    #[arg(long, value_name = "MONEY", default_value_t = 0.0)]
    pub cost: f64,
    /// Most that contacts may cost together.
    #[arg(long, value_name = "MONEY")]
    pub budget: Option<f64>,
    /// What stands between two cells of the table: a character, or tab; without it, it is found.
    #[arg(long, value_name = "MARK")]
    pub delimiter: Option<String>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Where chance begins.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// What can be done with a config.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Whether it is in order, and its files are there.
    Check(Stage),
    /// All of it, with defaults, variables of the environment and flags filled in.
    Show(Stage),
    /// A JSON Schema of all tables and keys, for editors.
    Schema,
}

/// What can be done with published runs.
#[derive(Debug, Subcommand)]
pub enum Runs {
    /// All of them, the latest first.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// One of them.
    Show {
        /// Its id or the beginning of it, its day, or `current`.
        #[arg(value_name = "RUN", default_value = "current")]
        run: String,
        #[command(flatten)]
        place: Place,
    },
    /// Two of them side by side: rows, segments, scores, models.
    Diff {
        /// The earlier one: an id, a day, or `current`.
        #[arg(value_name = "BEFORE")]
        before: String,
        /// The later one.
        #[arg(value_name = "AFTER", default_value = "current")]
        after: String,
        #[command(flatten)]
        place: Place,
    },
    /// Remove all but the newest, and the one that `current` leads to.
    Prune {
        /// How many to keep.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
        /// And those made in so many days, however many they are.
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        #[command(flatten)]
        place: Place,
    },
}

/// Where runs are.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The config file that names the output folder.
    #[arg(long, value_name = "CONFIG", default_value = "tillwise.toml")]
    pub config: PathBuf,
    /// The output folder, in place of the config's.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Segments {
    /// The name of a map, or a config file whose map is meant; without it, the maps that come along are listed.
    #[arg(value_name = "MAP|CONFIG")]
    pub map: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Stage {
    #[command(flatten)]
    pub common: Common,
}

/// One analysis by its name: every one that there is has a command.
#[derive(Debug)]
pub struct Only {
    pub analysis: Analysis,
    pub stage: Stage,
}

impl Subcommand for Only {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        Analysis::all().fold(command, |command, analysis| {
            let own = clap::Command::new(analysis.name).about(analysis.about);
            command.subcommand(Stage::augment_args(own))
        })
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Only::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        name.parse::<Analysis>().is_ok()
    }
}

impl FromArgMatches for Only {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Only, clap::Error> {
        let unknown = || clap::Error::new(ErrorKind::InvalidSubcommand);
        let (name, own) = matches.subcommand().ok_or_else(unknown)?;
        let analysis = name.parse().map_err(|_| unknown())?;
        Ok(Only { analysis, stage: Stage::from_arg_matches(own)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Only::from_arg_matches(matches)?;
        Ok(())
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=1024).contains(&n) => Ok(n),
        _ => Err("must be within 1 to 1024".to_owned()),
    }
}
