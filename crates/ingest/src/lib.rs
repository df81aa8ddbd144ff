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
pub mod inspect;
mod months;
mod numbers;
mod quality;
mod repeats;
mod rows;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use rayon::prelude::*;
use tillwise_core::schema::{REJECTS, TRANSACTIONS};
use tillwise_table::{Compression, TableError, TableWriter, arrow_schema, assemble};

pub use config::{
    Cancelled, Cleaning, ColumnRef, Columns, Format, Input, MissingCustomer, NegativePrice, Repeats, Returns,
    ZeroAmount,
};
pub use error::IngestError;
pub use quality::{FileQuality, Quality};

use dates::DateFormat;
use months::Months;
use numbers::NumberFormat;
use repeats::RepeatLog;
use rows::{PARTS, Parsed, Part, Pattern, Reason, Reject, RowReader, Rules, Stats};
use source::{Block, Layout, Source};

/// Blocks that are read side by side before their lines are written. The same for any number of
/// threads, as results must be.
const BLOCKS_A_ROUND: usize = 8;

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
    /// Bytes that the process may take; `None` for the default.
    pub memory_limit: Option<u64>,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// Its name as it stands in rejects and run records: relative to the config where it can be.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Resolves files and globs against a folder, in the order stated, each file once.
///
/// # Errors
/// If a pattern is malformed or matches nothing.
pub fn find_files(patterns: &[String], base: &Path) -> Result<Vec<InputFile>, IngestError> {
    let mut files: Vec<InputFile> = Vec::new();
    if patterns.is_empty() {
        return Err(IngestError::config("[input] files", "no file is named", "name at least one"));
    }
    for pattern in patterns {
        let literal = base.join(pattern);
        let mut found = Vec::new();
        if literal.is_file() {
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
                }
            }
        }
        if found.is_empty() {
            return Err(IngestError::NoFiles { pattern: literal.display().to_string() });
        }
        found.sort();
        for path in found {
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            if !files.iter().any(|f| f.path == path) {
                files.push(InputFile { name, path });
            }
        }
    }
    Ok(files)
}

impl Plan {
    /// Checks the plan without touching a file.
    ///
    /// # Errors
    /// If it contradicts itself or lacks something.
    pub fn check(&self) -> Result<(), IngestError> {
        self.rules().map(|_| ())
    }

    fn rules(&self) -> Result<Rules, IngestError> {
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
        if !mapped[Part::Amount as usize] && !mapped[Part::Price as usize] {
            return Err(IngestError::config(
                "[columns]",
                "there is neither an amount nor a price",
                "name the column of the line's money as `amount`, or `quantity` and `price`",
            ));
        }
        let numbers = NumberFormat::new(self.input.decimal, &self.input.thousands).map_err(|problem| {
            IngestError::config("[input] decimal, thousands", problem, "use two different marks")
        })?;
        let dates = DateFormat::new(&self.input.date_format).map_err(|problem| {
            IngestError::config(
                "[input] date_format",
                problem,
                "use \"iso\" or a pattern such as \"%d/%m/%Y %H:%M\"",
            )
        })?;
        if self.cleaning.latest.is_some_and(|l| l < self.cleaning.earliest) {
            return Err(IngestError::config(
                "[cleaning] latest",
                "it lies before earliest",
                "correct one of them",
            ));
        }
        source::Dialect::new(&self.input)?;
        Ok(Rules {
            dates,
            numbers,
            cleaning: self.cleaning.clone(),
            not_products: self.cleaning.not_products.iter().map(|p| Pattern::new(p)).collect(),
            mapped,
            schema: arrow_schema(TRANSACTIONS),
        })
    }
}

/// What is sent from the thread that reads to the threads that parse.
struct Piece {
    file: usize,
    layout: Arc<Layout>,
    names: Arc<[Option<String>; PARTS.len()]>,
    block: Block,
}

/// Reads the export into `out/transactions/` and `out/rejects/`.
///
/// # Errors
/// If a file cannot be read, a mapped column is missing, no row is accepted, or the result cannot be
/// written. Bad rows are not errors.
pub fn ingest(plan: &Plan, out: &Path) -> Result<Quality, IngestError> {
    let rules = plan.rules()?;
    let rejects_folder = out.join("rejects");
    std::fs::create_dir_all(&rejects_folder).map_err(IngestError::write(&rejects_folder))?;
    let scratch = out.join("repeats.tmp");
    let mut sink = Sink {
        rules: &rules,
        months: Months::create(&out.join("transactions"), rules.schema.clone(), plan.memory_limit)?,
        log: RepeatLog::create(&scratch, &plan.cleaning, plan.files.len())?,
        rejects: Rejects::create(&rejects_folder.join("rejects.parquet"))?,
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
    let quality = sink.finish(plan)?;
    std::fs::remove_dir_all(&scratch).map_err(IngestError::write(&scratch))?;
    Ok(quality)
}

fn read_files(plan: &Plan, send: &SyncSender<Result<Piece, IngestError>>) {
    for (file, input) in plan.files.iter().enumerate() {
        let mut source = match Source::open(&input.path, &plan.input, &plan.columns) {
            Ok(source) => source,
            Err(e) => {
                let _ = send.send(Err(e));
                return;
            }
        };
        let (layout, names) = (Arc::new(source.layout()), Arc::new(source.names.clone()));
        loop {
            let piece = match source.next_block() {
                Ok(None) => break,
                Ok(Some(block)) => Ok(Piece { file, layout: layout.clone(), names: names.clone(), block }),
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
    rules: &'a Rules,
    months: Months,
    log: RepeatLog,
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
            let rules = self.rules;
            let parsed: Vec<(Parsed, Vec<(i32, RecordBatch)>)> = round
                .par_iter()
                .map(|piece| {
                    let mut reader =
                        RowReader::new(rules, &piece.layout.slots, piece.file, piece.layout.typed);
                    piece.layout.read(&piece.block, &mut reader);
                    let mut parsed = reader.parsed;
                    let batches = parsed
                        .months
                        .iter_mut()
                        .map(|(month, lines)| Ok((*month, lines.finish(rules)?)))
                        .collect::<Result<_, TableError>>()?;
                    Ok((parsed, batches))
                })
                .collect::<Result<_, IngestError>>()?;
            for (piece, (parsed, batches)) in round.iter().zip(parsed) {
                self.take(piece, parsed, batches)?;
            }
            self.months.flush()?;
            self.rejects.writer.flush_full()?;
        }
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
            self.log.add(month, piece.file as u32, &lines.hashes, &lines.line_numbers)?;
            self.months.push(month, batch)?;
        }
        self.rejects.add(&file.file, &piece.names, &parsed.rejects)?;
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

    fn finish(mut self, plan: &Plan) -> Result<Quality, IngestError> {
        let logged = self.log.months();
        let parts = self.months.close()?;
        let log = &self.log;
        let found = logged
            .par_iter()
            .map(|(month, rows)| Ok((*month, log.search(*month, *rows)?)))
            .collect::<Result<Vec<_>, IngestError>>()?;
        let (mut within_count, mut across_count) = (0, 0);
        for (month, repeats) in &found {
            within_count += repeats.within;
            across_count += repeats.across;
            if repeats.drop.is_empty() {
                continue;
            }
            let dropped =
                months::drop_lines(&parts[month], &repeats.drop.iter().map(|d| d.0).collect::<Vec<_>>())?;
            self.stats.accepted -= dropped.accepted;
            self.stats.returns -= dropped.returns;
            self.stats.gross -= dropped.gross;
            self.stats.returned -= dropped.returned;
            self.stats.units -= dropped.units;
            for (nulls, gone) in self.stats.nulls.iter_mut().zip(dropped.nulls) {
                *nulls -= gone;
            }
            for same_file in repeats.drop.chunk_by(|a, b| a.1 == b.1) {
                let file = &mut self.files[same_file[0].1 as usize];
                file.accepted -= same_file.len() as u64;
                file.rejected += same_file.len() as u64;
                let rejects: Vec<Reject> = same_file
                    .iter()
                    .map(|&(_, _, line, reason)| Reject { line, part: None, value: String::new(), reason })
                    .collect();
                for some in rejects.chunks(source::BLOCK_ROWS) {
                    self.rejects.add(&file.file, &[const { None }; PARTS.len()], some)?;
                    self.rejects.writer.flush_full()?;
                }
            }
        }
        let by_reason = self.rejects.by_reason;
        let first_of = self.rejects.first_of;
        self.rejects.writer.close()?;
        if self.stats.accepted == 0 {
            return Err(nothing_accepted(self.stats.rows, &by_reason, &first_of));
        }
        let month_rows = logged.into_iter().collect();
        Ok(Quality::new(plan, self.stats, self.files, &by_reason, (within_count, across_count), &month_rows))
    }
}

fn nothing_accepted(
    rows: u64,
    by_reason: &BTreeMap<Reason, u64>,
    first_of: &BTreeMap<Reason, String>,
) -> IngestError {
    let Some((reason, count)) = by_reason.iter().max_by_key(|(_, n)| **n) else {
        return IngestError::config("[input] files", "the files hold blank lines only", "check the export");
    };
    let hint = match reason.remedy() {
        "" => String::new(),
        remedy => format!("; {remedy}"),
    };
    IngestError::NothingAccepted {
        rows,
        reason: reason.code().to_owned(),
        count: *count,
        place: first_of.get(reason).cloned().unwrap_or_default(),
        hint,
    }
}

/// Writes rejects and counts them.
struct Rejects {
    writer: TableWriter,
    by_reason: BTreeMap<Reason, u64>,
    first_of: BTreeMap<Reason, String>,
}

impl Rejects {
    fn create(path: &Path) -> Result<Rejects, IngestError> {
        let writer = TableWriter::create(path, arrow_schema(REJECTS), Compression::Snappy, &[])?;
        Ok(Rejects { writer, by_reason: BTreeMap::new(), first_of: BTreeMap::new() })
    }

    fn add(
        &mut self,
        file: &str,
        names: &[Option<String>; PARTS.len()],
        rejects: &[Reject],
    ) -> Result<(), IngestError> {
        if rejects.is_empty() {
            return Ok(());
        }
        let column = |r: &Reject| r.part.and_then(|p| names[p as usize].clone());
        for reject in rejects {
            *self.by_reason.entry(reject.reason).or_default() += 1;
            self.first_of.entry(reject.reason).or_insert_with(|| {
                let column = column(reject).map(|c| format!(", column `{c}`")).unwrap_or_default();
                format!("{file}, line {}{column}: `{}`", reject.line, reject.value)
            });
        }
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("file", Arc::new(StringArray::from_iter_values(rejects.iter().map(|_| file)))),
            ("line", Arc::new(Int64Array::from_iter_values(rejects.iter().map(|r| r.line as i64)))),
            ("column", Arc::new(rejects.iter().map(column).collect::<StringArray>())),
            ("value", Arc::new(StringArray::from_iter_values(rejects.iter().map(|r| &r.value)))),
            ("reason", Arc::new(StringArray::from_iter_values(rejects.iter().map(|r| r.reason.code())))),
        ];
        let batch = assemble("rejects", REJECTS, columns)?;
        self.writer.push(batch);
        Ok(())
    }
}
