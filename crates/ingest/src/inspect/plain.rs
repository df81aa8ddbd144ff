//! Any table as text: side files and tables of contracts, whatever they were saved as.

use std::path::Path;

use tillwise_core::Day;

use super::{formats, look_at};
use crate::config::{Columns, Format};
use crate::rows::{Reason, TakeRows};
use crate::source::{Source, bare, format_of};
use crate::{IngestError, InputFile};

/// A table of text cells, with how its numbers are written.
#[derive(Clone, Debug)]
pub struct PlainTable {
    /// The names of its columns.
    pub headers: Vec<String>,
    /// Its rows, each as long as the headers, every cell trimmed.
    pub rows: Vec<Vec<String>>,
    /// The line each row begins on (its number in Parquet files and workbooks).
    pub lines: Vec<u64>,
    /// What stands between two cells; `None` where the file is no delimited text.
    pub delimiter: Option<String>,
    decimal: String,
    thousands: String,
    /// By column, how it writes dates, if it holds any.
    dates: Vec<Option<formats::Dates>>,
}

impl PlainTable {
    /// A day as this column of the table writes it.
    pub fn day(&self, column: usize, text: &str) -> Option<Day> {
        self.moment(column, text).map(|moment| moment.0)
    }

    /// A day and its time, in microseconds since 1970-01-01, as this column of the table writes it.
    pub fn moment(&self, column: usize, text: &str) -> Option<(Day, i64)> {
        let dates = self.dates.get(column)?.as_ref()?;
        let moment = dates.formats.iter().find_map(|format| format.parse(text.as_bytes()))?;
        Some((moment.day, moment.micros))
    }

    /// A number as this table writes it.
    pub fn number(&self, text: &str) -> Option<f64> {
        let plain = || text.parse::<f64>().ok().filter(|v| v.is_finite());
        if self.decimal != "," && self.thousands.is_empty() {
            return plain();
        }
        let format = crate::numbers::NumberFormat::new(&self.decimal, &self.thousands).ok()?;
        format.parse(text.as_bytes())?;
        let kept = |c: &char| !self.thousands.contains(*c);
        let point = |c: char| if self.decimal.contains(c) { '.' } else { c };
        text.chars().filter(kept).map(point).collect::<String>().parse().ok().or_else(plain)
    }
}

/// Reads a table, cut at `delimiter` where one is given: delimited text in any encoding, a workbook, an HTML table, JSON or Parquet; packed or not. Its first line names the
/// columns.
///
/// # Errors
/// If it cannot be read, is empty, a row has more or fewer cells than the header, or its numbers may mean two things.
pub fn read_table(path: &Path, delimiter: Option<&str>) -> Result<PlainTable, IngestError> {
    let file = InputFile { name: path.display().to_string(), path: path.to_owned() };
    let wrong = |problem: String, remedy: &str| IngestError::config(&file.name, problem, remedy);
    let mut looked = look_at(&file)?;
    // A table of texts has a header too, although nothing tells it from its rows.
    looked.input.header = true;
    if let Some(delimiter) = delimiter {
        delimiter.clone_into(&mut looked.input.delimiter);
    }
    let numbers = formats::numbers(&looked.survey, &[]);
    let dates = (0..looked.survey.columns.len()).map(|c| formats::dates(&looked.survey, c)).collect();
    let format = format_of(path, looked.input.format)?;
    let mut source = Source::open(&file, &looked.input, &Columns::default(), Path::new(""))?;
    let Some(headers) = source.headers.clone() else {
        return Err(wrong("it has no line that names the columns".to_owned(), "put one above the rows"));
    };
    let layout = source.layout().clone();
    let mut taken = Taking { width: headers.len(), rows: Vec::new(), lines: Vec::new(), odd: None };
    while let Some(block) = source.next_block()? {
        layout.read(&block, &mut taken);
    }
    if let Some((line, what)) = taken.odd {
        return Err(wrong(format!("line {line}: {what}"), "mend that line"));
    }
    if let Some((column, what)) = numbers.unsure.filter(|(column, _)| *column < headers.len()) {
        let remedy = "write numbers with a point, and without marks between thousands";
        return Err(wrong(format!("column `{}`: {what}", headers[column]), remedy));
    }
    let is_text = matches!(format, Format::Csv | Format::Auto);
    Ok(PlainTable {
        headers: headers.iter().map(|h| h.trim().to_owned()).collect(),
        rows: taken.rows,
        lines: taken.lines,
        delimiter: is_text.then(|| looked.input.delimiter.clone()),
        // Formats that type their cells write numbers with a point.
        decimal: if layout.typed { ".".to_owned() } else { numbers.decimal },
        thousands: if layout.typed { String::new() } else { numbers.thousands },
        dates,
    })
}

struct Taking {
    width: usize,
    rows: Vec<Vec<String>>,
    lines: Vec<u64>,
    odd: Option<(u64, String)>,
}

impl TakeRows for Taking {
    fn reject(&mut self, line: u64, _: &[u8], reason: Reason) {
        let what = match reason {
            Reason::RaggedRow => format!("it has not the {} cells of the header", self.width),
            _ => format!("it cannot be read ({})", reason.code()),
        };
        self.odd.get_or_insert((line, what));
    }

    fn row(&mut self, line: u64, fields: &[&[u8]], _: &dyn Fn() -> u128) {
        let text = |f: &&[u8]| String::from_utf8_lossy(bare(f)).trim().to_owned();
        let mut row: Vec<String> = fields.iter().map(text).collect();
        row.resize(self.width, String::new());
        self.rows.push(row);
        self.lines.push(line);
    }

    fn blank(&mut self) {}
}
