//! Exports to clean transactions and accounted rejects.
//!
//! [`ingest`] reads files of any [`Format`] in blocks, side by side, and writes a folder of Parquet
//! files by month (the [`tillwise_core::schema::TRANSACTIONS`] schema) and a table of rejects
//! ([`tillwise_core::schema::REJECTS`]). Every row read ends in one of the two: rows read =
//! rows accepted + rows rejected. Blank lines are counted, and are not rows.
//!
//! Memory does not grow with the number of lines: lines wait only until a row group is full, and the
//! hashes that repeats are found by lie on disk. The result is the same, bit for bit, on any number
//! of threads.
//!
//! [`inspect`] looks at a file nobody has described yet and proposes how to read it.

mod config;
mod dates;
mod error;
mod identity;
pub mod inspect;
mod months;
mod numbers;
mod quality;
pub mod rejected;
mod repeats;
mod rows;
mod settle;
mod source;
pub mod taken;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::RecordBatch;
use rayon::prelude::*;
use tillwise_core::message;
use tillwise_core::schema::TRANSACTIONS;
use tillwise_core::told::Message;
use tillwise_table::{TableError, arrow_schema};

pub use config::{
    Cancelled, Cleaning, ColumnRef, Columns, Different, Format, Input, Join, MissingCustomer, NegativePrice,
    OneOrMore, Repeats, Returns, StrayDates, ZeroAmount,
};
pub use error::IngestError;
pub use quality::{FileQuality, MonthQuality, Quality};

use dates::DateFormat;
use months::Months;
use numbers::NumberFormat;
use repeats::RepeatLog;
use rows::{Above, PARTS, Parsed, Part, Patterns, RowReader, Rules, Stats};
use settle::{FEW_ROWS, Harvest, Rejects};
use source::{BLOCKS_A_ROUND, Block, Layout, Source};

/// What to ingest.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How to read.
    pub input: Input,
    /// What the columns mean.
    pub columns: Columns,
    /// What to clean.
    pub cleaning: Cleaning,
    /// The files, as [`find_files`] gives them.
    pub files: Vec<InputFile>,
    /// The folder that the config's paths are relative to.
    pub base: PathBuf,
    /// Bytes that the process may take; `None` for the default.
    pub memory_limit: Option<u64>,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// Its name as it stands in rejects and run records: relative to the config where it can be.
    pub name: String,
    /// Where it is; within a zip, behind the path of the zip.
    pub path: PathBuf,
}

impl InputFile {
    /// The file that holds it: itself, or the zip that it is in.
    pub fn on_disk(&self) -> &Path {
        source::within_zip(&self.path).map_or(&self.path, |(archive, _)| archive)
    }

    /// The files that a zip of several holds, and the names of those that hold no data; others are themselves.
    ///
    /// # Errors
    /// If it cannot be read, or is a broken zip.
    pub fn unzipped(self) -> Result<(Vec<InputFile>, Vec<String>), IngestError> {
        let (data, others) = source::files_of_zip(&self.path)?;
        if data.len() + others.len() < 2 || data.is_empty() {
            return Ok((vec![self], Vec::new()));
        }
        let within = |entry: &String| InputFile {
            name: format!("{}/{entry}", self.name),
            path: self.path.join(entry),
        };
        Ok((data.iter().map(within).collect(), others))
    }
}

/// Resolves files and globs against a folder, in the order stated, each file once.
///
/// # Errors
/// If a pattern is malformed or matches nothing, or matches something that is no file that can be read.
pub fn find_files(patterns: &[String], base: &Path) -> Result<Vec<InputFile>, IngestError> {
    let mut files: Vec<InputFile> = Vec::new();
    if patterns.is_empty() {
        return Err(IngestError::config("[input] files", "no file is named", "name at least one"));
    }
    for pattern in patterns {
        let literal = base.join(pattern);
        if base.to_str().is_none() && !literal.is_file() {
            return Err(IngestError::Name { path: base.to_owned(), pattern: pattern.clone() });
        }
        let mut found = Vec::new();
        if literal.is_file() || source::within_zip(&literal).is_some() {
            found.push(literal.clone());
        } else {
            let escaped = Path::new(&glob::Pattern::escape(&base.to_string_lossy())).join(pattern);
            let paths = glob::glob(&escaped.to_string_lossy()).map_err(|e| {
                IngestError::config(
                    "[input] files",
                    format!("`{pattern}` is not a glob ({})", e.msg),
                    "correct it",
                )
            })?;
            for path in paths {
                let path =
                    path.map_err(|e| IngestError::Read { path: e.path().to_owned(), source: e.into() })?;
                if path.is_file() {
                    found.push(path);
                } else if !path.is_dir() {
                    return Err(IngestError::NotAFile { path });
                }
            }
            left_out_by_names(&escaped, pattern)?;
        }
        if found.is_empty() {
            return Err(IngestError::NoFiles { pattern: literal.display().to_string() });
        }
        found.sort();
        for path in found {
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            let (unzipped, _) = if source::within_zip(&path).is_some() {
                (vec![InputFile { name, path }], Vec::new())
            } else {
                InputFile { name, path }.unzipped()?
            };
            for file in unzipped {
                if !files.iter().any(|f| f.path == file.path) {
                    files.push(file);
                }
            }
        }
    }
    Ok(files)
}

/// Patterns are text, and pass over names that are no text: such a file is told, not left out.
fn left_out_by_names(pattern: &Path, stated: &str) -> Result<(), IngestError> {
    let (Some(folder), Some(last)) = (pattern.parent(), pattern.file_name()) else { return Ok(()) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(last) = glob::Pattern::new(&last.to_string_lossy()) else { return Ok(()) };
    // The folders that the pattern looks into; `**` is every folder below.
    let folders =
        glob::glob(&folder.to_string_lossy()).into_iter().flatten().flatten().filter(|f| f.is_dir());
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().unwrap_or_default();
            if name.to_str().is_none() && last.matches(&name.to_string_lossy()) {
                return Err(IngestError::Name { path, pattern: stated.to_owned() });
            }
        }
    }
    Ok(())
}

impl Plan {
    /// Checks the plan without touching a file.
    ///
    /// # Errors
    /// If it contradicts itself or lacks something.
    pub fn check(&self) -> Result<(), IngestError> {
        self.rules(false).map(|_| ())
    }

    /// The rules of each file. `taken_in` keeps all that other files may ask for later.
    fn rules(&self, taken_in: bool) -> Result<Vec<Rules>, IngestError> {
        let columns = self.columns.by_part();
        let mapped: [bool; PARTS.len()] = std::array::from_fn(|i| columns[i].is_some());
        for (part, key) in [(Part::Customer, "customer"), (Part::Date, "date")] {
            if !mapped[part as usize] {
                return Err(IngestError::config(
                    &format!("[columns] {key}"),
                    "it is missing",
                    "name the column",
                ));
            }
        }
        let money = [Part::Amount, Part::Price, Part::Credit];
        if !money.iter().any(|part| mapped[*part as usize]) {
            return Err(IngestError::config(
                "[columns]",
                "there is neither an amount nor a price",
                "name the column of the line's money as `amount`, or `quantity` and `price`",
            ));
        }
        if self.cleaning.latest < self.cleaning.earliest {
            return Err(IngestError::config(
                "[cleaning] latest",
                "it lies before earliest",
                "correct one of them",
            ));
        }
        let by_order_line = self.columns.order.is_some() && (taken_in || self.others() > 1);
        let shared = self.rules_of(&self.input, mapped, by_order_line)?;
        if self.input.file.is_empty() {
            return Ok(vec![shared; self.files.len().max(1)]);
        }
        self.files
            .iter()
            .map(|f| self.rules_of(&self.input.of_file(&f.name), mapped, by_order_line))
            .collect()
    }

    fn rules_of(
        &self,
        input: &Input,
        mapped: [bool; PARTS.len()],
        by_order_line: bool,
    ) -> Result<Rules, IngestError> {
        let numbers = NumberFormat::new(&input.decimal, &input.thousands).map_err(|problem| {
            IngestError::config("[input] decimal, thousands", problem, "use two different marks")
        })?;
        let bad_format = |problem: String| {
            IngestError::config(
                "[input] date_format",
                problem,
                "use \"iso\" or a pattern such as \"%d/%m/%Y %H:%M\", or a list of them",
            )
        };
        let dates: Vec<DateFormat> = input
            .date_format
            .all()
            .iter()
            .map(|f| DateFormat::new(f).map_err(bad_format))
            .collect::<Result<_, _>>()?;
        if dates.is_empty() {
            return Err(bad_format("no format is given".to_owned()));
        }
        let zone = match &input.zone {
            None => None,
            Some(name) => Some(name.parse().map_err(|_| {
                IngestError::config(
                    "[input] zone",
                    format!("`{name}` is no zone"),
                    "use a name such as \"Europe/Berlin\" or \"UTC\"",
                )
            })?),
        };
        source::Dialect::new(input)?;
        Ok(Rules {
            dates,
            zone,
            numbers,
            hundredths: input.hundredths,
            cleaning: self.cleaning.clone(),
            patterns: Patterns::of(&self.cleaning),
            mapped,
            by_order_line,
            schema: arrow_schema(TRANSACTIONS),
        })
    }

    /// Files that may tell of the same order line.
    fn others(&self) -> usize {
        self.files.iter().filter(|f| !self.input.adds(&f.name)).count()
    }

    /// By file, whether its rows stand in no other.
    fn adds(&self) -> Vec<bool> {
        self.files.iter().map(|f| self.input.adds(&f.name)).collect()
    }
}

/// What is sent from the thread that reads to the threads that parse.
struct Piece {
    file: usize,
    layout: Arc<Layout>,
    block: Block,
    /// What is to be known of the file, with its first block.
    notes: Vec<Message>,
}

/// Reads the export into `out/transactions/` and `out/rejects/`.
///
/// # Errors
/// If a file cannot be read, a mapped column is missing, no row is accepted, or the result cannot be
/// written. Bad rows are not errors.
pub fn ingest(plan: &Plan, out: &Path) -> Result<Quality, IngestError> {
    let scratch = out.join("repeats.tmp");
    let harvest = read(plan, &plan.rules(false)?, None, &out.join("transactions"), &scratch, &rejects(out)?)?;
    let quality = harvest.settle(plan)?;
    std::fs::remove_dir_all(&scratch).map_err(IngestError::write(&scratch))?;
    Ok(quality)
}

/// The table of rejects in a folder of results.
fn rejects(out: &Path) -> Result<PathBuf, IngestError> {
    let folder = out.join("rejects");
    std::fs::create_dir_all(&folder).map_err(IngestError::write(&folder))?;
    Ok(folder.join("rejects.parquet"))
}

/// Reads all files. `number` is that of a file that is taken in, where others may be asked about it later.
fn read(
    plan: &Plan,
    rules: &[Rules],
    number: Option<usize>,
    transactions: &Path,
    hashes: &Path,
    rejects: &Path,
) -> Result<Harvest, IngestError> {
    let mut sink = Sink {
        rules,
        number: number.unwrap_or(0),
        fills: !plan.input.fill_down.is_empty(),
        above: Vec::new(),
        months: Months::create(transactions, rules[0].schema.clone(), plan.memory_limit)?,
        log: RepeatLog::create(
            hashes,
            &plan.cleaning,
            plan.adds(),
            rules[0].by_order_line,
            number.is_some(),
        )?,
        few: BTreeMap::new(),
        notes: Vec::new(),
        rejects: Rejects::create(rejects)?,
        stats: Stats::default(),
        files: plan
            .files
            .iter()
            .map(|f| FileQuality { file: f.name.clone(), ..FileQuality::default() })
            .collect(),
    };
    let (send, receive) = sync_channel(BLOCKS_A_ROUND);
    std::thread::scope(|scope| {
        scope.spawn(move || read_files(plan, &send));
        // The receiver goes with a failure, so that the reading thread does not wait for ever.
        sink.take_all(receive)
    })?;
    sink.close()
}

fn read_files(plan: &Plan, send: &SyncSender<Result<Piece, IngestError>>) {
    for (file, input) in plan.files.iter().enumerate() {
        let mut source =
            match Source::open(input, &plan.input.of_file(&input.name), &plan.columns, &plan.base) {
                Ok(source) => source,
                Err(e) => {
                    let _ = send.send(Err(e));
                    return;
                }
            };
        let layout = Arc::new(source.layout().clone());
        let mut notes: Vec<Message> = source
            .sheets
            .told()
            .into_iter()
            .map(|note| message!("of_group", group = &input.name, note = note))
            .collect();
        loop {
            let piece = match source.next_block() {
                Ok(None) => break,
                Ok(Some(block)) => {
                    Ok(Piece { file, layout: layout.clone(), block, notes: std::mem::take(&mut notes) })
                }
                Err(e) => Err(e),
            };
            let failed = piece.is_err();
            // The receiver is gone only when the run has failed already.
            if send.send(piece).is_err() || failed {
                return;
            }
        }
    }
}

struct Sink<'a> {
    /// By file.
    rules: &'a [Rules],
    /// That of the first file, by which rows without an order's number are told apart.
    number: usize,
    /// Whether blank cells repeat the one above, so that blocks must be read one after the other.
    fills: bool,
    /// The file and what is above its next block.
    above: Vec<(usize, Above)>,
    months: Months,
    log: RepeatLog,
    /// The files and lines of months with few rows: they may turn out to stand alone.
    few: BTreeMap<i32, Vec<(u32, u64)>>,
    notes: Vec<Message>,
    rejects: Rejects,
    stats: Stats,
    files: Vec<FileQuality>,
}

impl Sink<'_> {
    fn take_all(&mut self, receive: Receiver<Result<Piece, IngestError>>) -> Result<(), IngestError> {
        loop {
            let round: Vec<Piece> = receive.iter().take(BLOCKS_A_ROUND).collect::<Result<_, _>>()?;
            if round.is_empty() {
                return Ok(());
            }
            let parsed = self.parse(&round)?;
            for (piece, (parsed, batches)) in round.iter().zip(parsed) {
                self.take(piece, parsed, batches)?;
            }
            self.months.flush()?;
            self.rejects.writer.flush_full()?;
        }
    }

    /// Reads blocks side by side; one after the other where a row depends on the one above it.
    fn parse(&mut self, round: &[Piece]) -> Result<Vec<ParsedBlock>, IngestError> {
        let (rules, number) = (self.rules, self.number);
        if !self.fills {
            return round
                .par_iter()
                .map(|piece| read_piece(piece, &rules[piece.file], number, Vec::new()).map(|p| p.0))
                .collect();
        }
        let mut all = Vec::new();
        for piece in round {
            let above = match self.above.pop() {
                Some((file, above)) if file == piece.file => above,
                _ => Vec::new(),
            };
            let (parsed, above) = read_piece(piece, &rules[piece.file], number, above)?;
            self.above.push((piece.file, above));
            all.push(parsed);
        }
        Ok(all)
    }

    fn take(
        &mut self,
        piece: &Piece,
        parsed: Parsed,
        batches: Vec<(i32, RecordBatch)>,
    ) -> Result<(), IngestError> {
        let file = &mut self.files[piece.file];
        if let Some(fatal) = parsed.fatal {
            return Err(match fatal {
                IngestError::MissingCustomer { place } => {
                    IngestError::MissingCustomer { place: format!("{}, {place}", file.file) }
                }
                other => other,
            });
        }
        for (month, batch) in batches {
            let lines = &parsed.months[&month];
            self.log.add(month, piece.file as u32, lines)?;
            let few = self.few.entry(month).or_default();
            if few.len() <= FEW_ROWS {
                few.extend(
                    lines.line_numbers.iter().take(FEW_ROWS + 1).map(|line| (piece.file as u32, *line)),
                );
            }
            self.months.push(month, batch)?;
        }
        self.log.add_gone(piece.file as u32, &parsed.gone)?;
        self.notes.extend(piece.notes.iter().cloned());
        file.unreadable += parsed.rejects.iter().filter(|r| r.reason.is_unreadable()).count() as u64;
        self.rejects.add(&file.file, &piece.layout.names, &parsed.rejects)?;
        file.rows += parsed.stats.rows;
        file.accepted += parsed.stats.accepted;
        file.rejected += parsed.rejects.len() as u64;
        self.stats.add(&parsed.stats);
        if let (Some(first), Some(second)) = (&self.stats.currency, &self.stats.other_currency) {
            return Err(IngestError::Currencies {
                first: first.clone(),
                second: second.clone(),
                place: file.file.clone(),
            });
        }
        Ok(())
    }

    /// Writes what is left: what the files came to, before repeats are looked for.
    fn close(mut self) -> Result<Harvest, IngestError> {
        let parts = self.months.close()?;
        let Sink { log, few, notes, rejects, stats, files, .. } = self;
        Ok(Harvest { parts, log, few, notes, rejects, stats, files })
    }
}

/// What a block came to, its lines put together by month.
type ParsedBlock = (Parsed, Vec<(i32, RecordBatch)>);

fn read_piece(
    piece: &Piece,
    rules: &Rules,
    number: usize,
    above: Above,
) -> Result<(ParsedBlock, Above), IngestError> {
    let mut reader = RowReader::new(rules, &piece.layout, number + piece.file);
    reader.above = above;
    piece.layout.read(&piece.block, &mut reader);
    let (mut parsed, above) = (reader.parsed, reader.above);
    let batches = parsed
        .months
        .iter_mut()
        .map(|(month, lines)| Ok((*month, lines.finish(rules)?)))
        .collect::<Result<_, TableError>>()?;
    Ok(((parsed, batches), above))
}
