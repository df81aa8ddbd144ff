//! Logs of events: who, when, what. Lines that cannot be used are counted, never dropped in silence.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};
use tillwise_core::told::{Cell, Message};
use tillwise_core::{Day, message};
use tillwise_ingest::inspect::PlainTable;

use crate::PipelineError;
use crate::analyses::{Made, counts, make, side, texts};

/// The columns of a table of lines that were left out.
pub const REJECTED: &[Column] = &[
    col("line", Kind::Int64, "the line of the file, or its row in a workbook"),
    opt("value", Kind::Text, "the value at fault"),
    col(
        "reason",
        Kind::Text,
        "missing_id, missing_time, bad_time, unknown_stage, missing_channel, bad_value, or after_the_end",
    ),
];

/// A table of events that is being read.
pub struct Log {
    table: PlainTable,
    file: PathBuf,
    rejected: Vec<(u64, String, &'static str)>,
    people: HashMap<String, u32>,
    /// The ids by their numbers.
    pub ids: Vec<String>,
}

/// A line that has an id and a time.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its place in the table.
    pub row: usize,
    /// Who.
    pub person: u32,
    /// The moment, in microseconds since 1970-01-01.
    pub time: i64,
}

impl Log {
    /// Reads the table.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(file: &Path, delimiter: Option<&str>) -> Result<Log, PipelineError> {
        let table = side::read(file, "EVENTS", delimiter)?;
        let file = file.to_owned();
        Ok(Log { table, file, rejected: Vec::new(), people: HashMap::new(), ids: Vec::new() })
    }

    /// What is wrong, with the name of the file.
    pub fn wrong(&self, problem: String) -> PipelineError {
        PipelineError::Setting { key: self.file.display().to_string(), problem }
    }

    /// The place of a column.
    ///
    /// # Errors
    /// If there is none.
    pub fn place(&self, column: &str) -> Result<usize, PipelineError> {
        side::place(&self.table, column).map_err(|problem| self.wrong(problem))
    }

    /// A cell.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        &self.table.rows[row][column]
    }

    /// A number as the table writes it.
    pub fn number(&self, text: &str) -> Option<f64> {
        self.table.number(text)
    }

    /// Rows of the table.
    pub fn rows(&self) -> usize {
        self.table.rows.len()
    }

    /// Rows that were left out.
    pub fn left_out(&self) -> usize {
        self.rejected.len()
    }

    /// Leaves a line out.
    pub fn reject(&mut self, row: usize, value: impl Into<String>, reason: &'static str) {
        self.rejected.push((self.table.lines[row], value.into(), reason));
    }

    /// The lines with an id and a time, in the order of the table; those after `until` are left out.
    pub fn lines(&mut self, id: usize, time: usize, until: Option<Day>) -> Vec<Line> {
        let mut lines = Vec::new();
        for row in 0..self.rows() {
            let (who, when) = (self.cell(row, id).to_owned(), self.cell(row, time).to_owned());
            if who.is_empty() {
                self.reject(row, who, "missing_id");
                continue;
            }
            match self.table.moment(time, &when) {
                None => {
                    self.reject(row, when.clone(), if when.is_empty() { "missing_time" } else { "bad_time" })
                }
                Some((day, _)) if until.is_some_and(|until| day > until) => {
                    self.reject(row, when, "after_the_end")
                }
                Some((_, time)) => {
                    let next = self.people.len() as u32;
                    let person = *self.people.entry(who.clone()).or_insert(next);
                    if person == next {
                        self.ids.push(who);
                    }
                    lines.push(Line { row, person, time });
                }
            }
        }
        lines
    }

    /// The lines that were left out, and what is said of them.
    ///
    /// # Errors
    /// A defect.
    pub fn rejects(&mut self, of: &'static PublishedTable) -> Result<(Made, Vec<Message>), PipelineError> {
        self.rejected.sort();
        let table = make(
            of,
            vec![
                ("line", counts(self.rejected.iter().map(|r| Some(r.0)))),
                ("value", texts(self.rejected.iter().map(|r| Some(&r.1).filter(|v| !v.is_empty())))),
                ("reason", texts(self.rejected.iter().map(|r| Some(r.2)))),
            ],
        )?;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        self.rejected.iter().for_each(|r| *reasons.entry(r.2).or_default() += 1);
        let reasons = reasons.into_iter().map(|(reason, n)| Cell::text(format!("{reason} {n}"))).collect();
        let said = message!(
            "events_left_out",
            rows = self.rejected.len(),
            reasons = Cell::List(reasons),
            table = of.name
        );
        Ok((table, if self.rejected.is_empty() { Vec::new() } else { vec![said] }))
    }
}
