//! The beginning of a file: its encoding, its delimiter, its header, its first rows.

use std::io::Read;
use std::path::Path;

use encoding_rs::{Encoding, WINDOWS_1252, WINDOWS_1256};

use crate::config::Format;
use crate::rows::is_null;
use crate::source::{Block, Dialect, Source, format_of, open_raw, open_text, read_full};
use crate::{Columns, IngestError, Input};

const HEAD_BYTES: usize = 1 << 20;
const HEAD_ROWS: usize = 5000;
/// Share of rows that must have one width for a delimiter to be believed.
const EVEN: f64 = 0.95;

/// The first rows of a file, as text.
pub struct Sample {
    pub headers: Option<Vec<String>>,
    pub rows: Vec<Vec<String>>,
    names: Vec<String>,
}

impl Sample {
    /// Takes a sample, and states in `input` how it was read.
    pub fn take(path: &Path, input: &mut Input, notes: &mut Vec<String>) -> Result<Sample, IngestError> {
        match format_of(path, Format::Auto) {
            Format::Csv | Format::Auto => Sample::of_text(path, input, notes),
            Format::Jsonl => Sample::of_objects(path, input),
            Format::Parquet | Format::Xlsx => Sample::of_cells(path, input),
        }
    }

    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// Headers, or numbers from 1.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values of a column that stand for something.
    pub fn values(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .filter_map(move |r| r.get(column))
            .map(|v| v.trim())
            .filter(|v| !is_null(v.as_bytes()))
    }

    fn new(headers: Option<Vec<String>>, rows: Vec<Vec<String>>) -> Sample {
        let width = headers.as_ref().map_or_else(|| rows.first().map_or(0, Vec::len), Vec::len);
        let names = headers.clone().unwrap_or_else(|| (1..=width).map(|n| n.to_string()).collect());
        Sample { headers, rows, names }
    }

    fn of_text(path: &Path, input: &mut Input, notes: &mut Vec<String>) -> Result<Sample, IngestError> {
        let mut raw = vec![0; HEAD_BYTES];
        let n = read_full(&mut open_raw(path)?, &mut raw).map_err(IngestError::read(path))?;
        raw.truncate(n);
        if raw.trim_ascii().is_empty() {
            return Err(IngestError::Empty { path: path.to_owned() });
        }
        input.encoding = encoding(&raw).to_owned();
        if input.encoding != "utf-8" {
            notes.push(format!("the text is not UTF-8; it reads as {}", input.encoding));
        }
        let mut text = Vec::new();
        open_text(path, &input.encoding)?
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut text)
            .map_err(IngestError::read(path))?;
        if n == HEAD_BYTES {
            // The last line is cut short.
            let end = text.iter().rposition(|b| *b == b'\n').map_or(text.len(), |n| n + 1);
            text.truncate(end);
        }
        let (delimiter, mut rows) = delimiter(&text, input)?;
        input.delimiter = delimiter.to_owned();
        let width = rows.first().map_or(0, Vec::len);
        input.header = has_header(&rows);
        let headers = input.header.then(|| rows.remove(0).iter().map(|h| h.trim().to_owned()).collect());
        if rows.is_empty() {
            return Err(IngestError::HeaderOnly { path: path.to_owned() });
        }
        rows.retain(|r| r.len() == width);
        Ok(Sample::new(headers, rows))
    }

    fn of_objects(path: &Path, input: &mut Input) -> Result<Sample, IngestError> {
        let keys = Source::open(path, input, &Columns::default())?.headers.unwrap_or_default();
        let mut text = Vec::new();
        open_text(path, "utf-8")?
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut text)
            .map_err(IngestError::read(path))?;
        let rows = text
            .split(|b| *b == b'\n')
            .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
            .take(HEAD_ROWS)
            .map(|object| {
                keys.iter()
                    .map(|key| match &object[key.as_str()] {
                        serde_json::Value::Null => String::new(),
                        serde_json::Value::String(s) => s.clone(),
                        other => other.to_string(),
                    })
                    .collect()
            })
            .collect();
        Ok(Sample::new(Some(keys), rows))
    }

    fn of_cells(path: &Path, input: &Input) -> Result<Sample, IngestError> {
        let mut source = Source::open(path, input, &Columns::default())?;
        let mut sampled = Vec::new();
        while let (true, Some(block)) = (sampled.len() < HEAD_ROWS, source.next_block()?) {
            if let Block::Cells { rows, .. } = block {
                sampled.extend(rows);
            }
        }
        sampled.truncate(HEAD_ROWS);
        Ok(Sample::new(source.headers, sampled))
    }
}

/// The encoding by its name in a config.
fn encoding(raw: &[u8]) -> &'static str {
    if let Some((encoding, _)) = Encoding::for_bom(raw) {
        return match encoding.name() {
            "UTF-16LE" => "utf-16le",
            "UTF-16BE" => "utf-16be",
            _ => "utf-8",
        };
    }
    match std::str::from_utf8(raw) {
        Ok(_) => return "utf-8",
        // Cut within a character at the very end.
        Err(e) if e.error_len().is_none() => return "utf-8",
        Err(_) => {}
    }
    // Persian and Arabic words are runs of high bytes; in Western text they stand alone.
    let (mut in_runs, mut high) = (0, 0);
    for run in raw.split(|b| b.is_ascii()).filter(|r| !r.is_empty()) {
        high += run.len();
        in_runs += if run.len() >= 3 { run.len() } else { 0 };
    }
    if 2 * in_runs > high { name_of(WINDOWS_1256) } else { name_of(WINDOWS_1252) }
}

fn name_of(encoding: &'static Encoding) -> &'static str {
    if encoding == WINDOWS_1256 { "windows-1256" } else { "windows-1252" }
}

/// The delimiter that cuts most rows into equally many fields, and the rows it gives.
fn delimiter(text: &[u8], input: &Input) -> Result<(&'static str, Vec<Vec<String>>), IngestError> {
    type Cut = (&'static str, Vec<Vec<String>>);
    let mut best: Option<(usize, Cut)> = None;
    for name in [",", ";", "tab", "|", "blanks"] {
        let dialect = Dialect::new(&Input { delimiter: name.to_owned(), ..input.clone() })?;
        let rows = dialect.rows(text, HEAD_ROWS);
        let mut widths: Vec<usize> = rows.iter().map(Vec::len).collect();
        widths.sort_unstable();
        let Some(&typical) = widths.get(widths.len() / 2) else { continue };
        let even = widths.iter().filter(|w| **w == typical).count() as f64 >= EVEN * widths.len() as f64;
        // Blanks stand in any text: they count only where nothing else cuts.
        let found_better =
            best.as_ref().is_some_and(|(w, _)| if name == "blanks" { *w > 1 } else { *w >= typical });
        if even && !found_better {
            best = Some((typical, (name, rows)));
        }
    }
    Ok(best.map(|b| b.1).unwrap_or((",", Dialect::new(input)?.rows(text, HEAD_ROWS))))
}

/// A header has names where the rows below have numbers or dates.
fn has_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    let looks_like_data = |v: &str| {
        let v = v.trim();
        v.is_empty()
            || v.bytes().any(|b| b.is_ascii_digit())
                && v.bytes().filter(|b| b.is_ascii_alphabetic()).count() * 2 < v.len()
    };
    if first.iter().any(|v| looks_like_data(v)) {
        return false;
    }
    let data_below =
        rest.iter().take(100).any(|r| r.iter().any(|v| !v.trim().is_empty() && looks_like_data(v)));
    let recurs = rest.iter().any(|r| r.iter().zip(first).any(|(a, b)| a == b));
    data_below || !recurs
}
