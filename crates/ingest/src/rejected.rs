//! Rejected rows as they stood in the export, to be mended and read again.

use std::collections::HashSet;
use std::path::Path;

use crate::config::{Columns, Format, Input};
use crate::rows::{Reason, TakeRows};
use crate::source::{Layout, Source, bare, format_of};
use crate::{IngestError, InputFile};

/// A rejected row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Its fields.
    Fields(Vec<String>),
    /// A line that could not be cut into fields.
    Line(String),
}

/// Some rows of one file.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The names of its columns, where it gives them.
    pub headers: Option<Vec<String>>,
    /// The rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Whether the file is delimited text, so that its lines can be written again as they were.
    pub is_text: bool,
}

/// The rows of a file that begin on these lines (row numbers in Parquet files and workbooks).
///
/// # Errors
/// If the file cannot be read with these settings.
pub fn rows_at(
    file: &InputFile,
    input: &Input,
    columns: &Columns,
    base: &Path,
    lines: &HashSet<u64>,
) -> Result<Rejected, IngestError> {
    // Joined columns are another file's.
    let own = Input { join: Vec::new(), ..input.clone() };
    let columns = if input.join.is_empty() { columns.clone() } else { Columns::default() };
    let mut source = Source::open(file, &own, &columns, base)?;
    let is_text = matches!(format_of(&file.path, input.format)?, Format::Csv | Format::Auto);
    let headers = source.headers.clone();
    let layout: Layout = source.layout().clone();
    let mut taken = Taking { lines, rows: Vec::new() };
    while let Some(block) = source.next_block()? {
        layout.read(&block, &mut taken);
    }
    Ok(Rejected { headers, rows: taken.rows, is_text })
}

struct Taking<'a> {
    lines: &'a HashSet<u64>,
    rows: Vec<Row>,
}

impl TakeRows for Taking<'_> {
    fn reject(&mut self, line: u64, value: &[u8], _: Reason) {
        if self.lines.contains(&line) {
            self.rows.push(Row::Line(String::from_utf8_lossy(value).into_owned()));
        }
    }

    fn row(&mut self, line: u64, fields: &[&[u8]], _: &dyn Fn() -> u128) {
        if self.lines.contains(&line) {
            let text = |f: &&[u8]| String::from_utf8_lossy(bare(f)).into_owned();
            self.rows.push(Row::Fields(fields.iter().map(text).collect()));
        }
    }

    fn blank(&mut self) {}
}
