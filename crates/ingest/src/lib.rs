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
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use rayon::prelude::*;
use tillwise_core::schema::{REJECTS, TRANSACTIONS};
use tillwise_core::told::Message;
use tillwise_core::{VALUE, message, shortened};
use tillwise_table::{Compression, TableError, TableWriter, arrow_schema, assemble};

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
use rows::{Above, PARTS, Parsed, Part, Patterns, Reason, Reject, RowReader, Rules, Stats};
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
        self.rules().map(|_| ())
    }

    /// The rules of each file.
    fn rules(&self) -> Result<Vec<Rules>, IngestError> {
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
        let shared = self.rules_of(&self.input, mapped)?;
        if self.input.file.is_empty() {
            return Ok(vec![shared; self.files.len().max(1)]);
        }
        self.files.iter().map(|f| self.rules_of(&self.input.of_file(&f.name), mapped)).collect()
    }

    fn rules_of(&self, input: &Input, mapped: [bool; PARTS.len()]) -> Result<Rules, IngestError> {
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
            by_order_line: self.by_order_line(),
            schema: arrow_schema(TRANSACTIONS),
        })
    }

    /// Whether several files may tell of the same order line.
    fn by_order_line(&self) -> bool {
        let others = self.files.iter().filter(|f| !self.input.adds(&f.name)).count();
        others > 1 && self.columns.order.is_some()
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
    let rules = &plan.rules()?;
    let rejects_folder = out.join("rejects");
    std::fs::create_dir_all(&rejects_folder).map_err(IngestError::write(&rejects_folder))?;
    let scratch = out.join("repeats.tmp");
    let mut sink = Sink {
        rules,
        fills: !plan.input.fill_down.is_empty(),
        above: Vec::new(),
        months: Months::create(&out.join("transactions"), rules[0].schema.clone(), plan.memory_limit)?,
        log: RepeatLog::create(
            &scratch,
            &plan.cleaning,
            plan.files.iter().map(|f| plan.input.adds(&f.name)).collect(),
            plan.by_order_line(),
        )?,
        few: BTreeMap::new(),
        notes: Vec::new(),
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
        let rules = self.rules;
        if !self.fills {
            return round
                .par_iter()
                .map(|piece| read_piece(piece, &rules[piece.file], Vec::new()).map(|p| p.0))
                .collect();
        }
        let mut all = Vec::new();
        for piece in round {
            let above = match self.above.pop() {
                Some((file, above)) if file == piece.file => above,
                _ => Vec::new(),
            };
            let (parsed, above) = read_piece(piece, &rules[piece.file], above)?;
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

    fn finish(mut self, plan: &Plan) -> Result<Quality, IngestError> {
        let strays = match plan.cleaning.stray_dates {
            StrayDates::Reject => self.stray_months(),
            StrayDates::Keep => Vec::new(),
        };
        let mut logged = self.log.months();
        logged.retain(|(month, _)| !strays.contains(month));
        let parts = self.months.close()?;
        let had_strays = !strays.is_empty();
        for month in strays {
            let rows = self.few.remove(&month).unwrap_or_default();
            let dropped = months::drop_lines(&parts[&month], &(0..rows.len() as u64).collect::<Vec<_>>())?;
            self.take_off(&dropped);
            months::remove(&parts[&month])?;
            let refused: Vec<(u32, u64, Reason)> =
                rows.into_iter().map(|(file, line)| (file, line, Reason::StrayDate)).collect();
            self.reject_later(&refused)?;
            self.stats.unreadable.remove(&month);
        }
        if had_strays && let (Some((first, _)), Some((last, _))) = (logged.first(), logged.last()) {
            self.stats.first = months::days(&parts[first])?.map(|d| d.0);
            self.stats.last = months::days(&parts[last])?.map(|d| d.1);
        }
        let log = &self.log;
        let found = logged
            .par_iter()
            .map(|(month, rows)| Ok((*month, log.search(*month, *rows)?)))
            .collect::<Result<Vec<_>, IngestError>>()?;
        let mut repeats = RepeatCounts::default();
        for (month, found) in &found {
            repeats.within += found.within;
            repeats.across += found.across;
            repeats.changed += found.changed;
            if found.drop.is_empty() {
                continue;
            }
            let dropped =
                months::drop_lines(&parts[month], &found.drop.iter().map(|d| d.0).collect::<Vec<_>>())?;
            self.take_off(&dropped);
            let refused: Vec<(u32, u64, Reason)> =
                found.drop.iter().map(|&(_, file, line, reason)| (file, line, reason)).collect();
            self.reject_later(&refused)?;
        }
        let by_reason = self.rejects.by_reason;
        let first_of = self.rejects.first_of;
        self.rejects.writer.close()?;
        if self.stats.accepted == 0 {
            return Err(nothing_accepted(self.stats.rows, &by_reason, &first_of));
        }
        let month_rows = logged.into_iter().collect();
        Ok(Quality::new(plan, self.stats, self.files, &by_reason, repeats, &month_rows, self.notes))
    }

    /// Months of a few rows, years from all others.
    fn stray_months(&self) -> Vec<i32> {
        let months = self.log.months();
        let most = FEW_ROWS.min((self.stats.accepted / 1000).max(2) as usize) as u64;
        let mut strays = Vec::new();
        for (far, near) in [(true, false), (false, true)] {
            // From either end: what lies beyond a gap, as long as it is little in all.
            let mut ordered = months.clone();
            if near {
                ordered.reverse();
            }
            let mut rows = 0;
            for pair in ordered.windows(2) {
                rows += pair[0].1;
                if rows > most {
                    break;
                }
                if (pair[1].0 - pair[0].0).abs() >= STRAY_MONTHS {
                    let beyond = |m: i32| if far { m <= pair[0].0 } else { m >= pair[0].0 };
                    strays.extend(months.iter().map(|m| m.0).filter(|m| beyond(*m)));
                }
            }
        }
        strays.sort_unstable();
        strays.dedup();
        // Two halves that are both little tell nothing.
        if strays.len() == months.len() { Vec::new() } else { strays }
    }

    /// Subtracts rows that were accepted at first.
    fn take_off(&mut self, dropped: &Stats) {
        self.stats.accepted -= dropped.accepted;
        self.stats.returns -= dropped.returns;
        self.stats.gross -= dropped.gross;
        self.stats.returned -= dropped.returned;
        self.stats.units -= dropped.units;
        for (nulls, gone) in self.stats.nulls.iter_mut().zip(dropped.nulls) {
            *nulls -= gone;
        }
    }

    /// Rejects rows that were accepted at first: file, line, reason.
    fn reject_later(&mut self, refused: &[(u32, u64, Reason)]) -> Result<(), IngestError> {
        for same_file in refused.chunk_by(|a, b| a.0 == b.0) {
            let file = &mut self.files[same_file[0].0 as usize];
            file.accepted -= same_file.len() as u64;
            file.rejected += same_file.len() as u64;
            let rejects: Vec<Reject> = same_file
                .iter()
                .map(|&(_, line, reason)| Reject { line, part: None, value: String::new(), reason })
                .collect();
            for some in rejects.chunks(source::BLOCK_ROWS) {
                self.rejects.add(&file.file, &[const { None }; PARTS.len()], some)?;
                self.rejects.writer.flush_full()?;
            }
        }
        Ok(())
    }
}

/// Rows of a month, at most, that may be strays.
const FEW_ROWS: usize = 1000;
/// Months between strays and all others, at least.
const STRAY_MONTHS: i32 = 60;

/// How many accepted rows repeat others.
#[derive(Clone, Copy, Debug, Default)]
struct RepeatCounts {
    within: u64,
    across: u64,
    changed: u64,
}

/// What a block came to, its lines put together by month.
type ParsedBlock = (Parsed, Vec<(i32, RecordBatch)>);

fn read_piece(piece: &Piece, rules: &Rules, above: Above) -> Result<(ParsedBlock, Above), IngestError> {
    let mut reader = RowReader::new(rules, &piece.layout, piece.file);
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
                format!("{file}, line {}{column}: `{}`", reject.line, shortened(&reject.value, VALUE))
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
