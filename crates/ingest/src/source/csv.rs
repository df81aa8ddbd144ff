//! Delimited text, cut into blocks at record ends and read with positions.

use std::io::Read;
use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::text::open_text;
use super::{BLOCK_BYTES, Block, Source, find_columns};
use crate::IngestError;
use crate::config::{Columns, Input};
use crate::repeats::{hash_bytes, hash_fields};
use crate::rows::{Reason, RowReader};

/// The longest quoted field. A quote left open for longer is taken for a stray one.
const QUOTED_LIMIT: usize = 1 << 20;

/// How fields are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: Delimiter,
    pub quote: u8,
    /// Whether the text came from another encoding, so that U+FFFD marks bytes that were not in it.
    pub decoded: bool,
}

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    Byte(u8),
    /// Runs of blanks; quotes mean nothing then.
    Blanks,
}

impl Dialect {
    pub fn new(input: &Input) -> Result<Dialect, IngestError> {
        let mut chars = input.delimiter.chars();
        let delimiter = match (input.delimiter.as_str(), chars.next(), chars.next()) {
            ("blanks", ..) => Delimiter::Blanks,
            ("tab", ..) => Delimiter::Byte(b'\t'),
            (_, Some(c), None) if c.is_ascii() && !matches!(c, '\n' | '\r') => Delimiter::Byte(c as u8),
            _ => {
                return Err(IngestError::config(
                    "[input] delimiter",
                    format!("`{}` is not one ASCII character", input.delimiter),
                    "use one, or \"tab\", or \"blanks\"",
                ));
            }
        };
        if !input.quote.is_ascii() {
            return Err(IngestError::config(
                "[input] quote",
                format!("`{}` is not ASCII", input.quote),
                "use \"\\\"\" or \"'\"",
            ));
        }
        let decoded =
            !input.encoding.eq_ignore_ascii_case("utf-8") && !input.encoding.eq_ignore_ascii_case("utf8");
        Ok(Dialect { delimiter, quote: input.quote as u8, decoded })
    }

    /// What fields are joined with when a row is compared with others.
    pub fn separator(&self) -> u8 {
        match self.delimiter {
            Delimiter::Byte(byte) => byte,
            Delimiter::Blanks => b' ',
        }
    }

    /// The end of the record that begins at `start` (after its line end), or `None` if a quote opened
    /// there is never closed.
    fn record_end(&self, bytes: &[u8], start: usize) -> Option<usize> {
        let Delimiter::Byte(delimiter) = self.delimiter else {
            return Some(memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |n| start + n + 1));
        };
        let mut at = start;
        loop {
            let line_end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
            let Some(quote) = memchr(self.quote, &bytes[at..line_end]).map(|n| at + n) else {
                return Some(line_end);
            };
            at = quote + 1;
            if opens(bytes, start, quote, delimiter) {
                loop {
                    let close = at + memchr(self.quote, &bytes[at..])?;
                    at = close + 1;
                    match bytes.get(at) {
                        Some(b) if *b == self.quote => at += 1,
                        // What closes a field stands before its end. A quote elsewhere was another stray one.
                        Some(b)
                            if *b != delimiter
                                && !matches!(b, b'\r' | b'\n')
                                && spans(bytes, quote, close) =>
                        {
                            return None;
                        }
                        _ => break,
                    }
                }
            }
        }
    }

    /// The first records of a text, blank lines left out.
    pub fn rows(&self, text: &[u8], most: usize) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut at = 0;
        while at < text.len() && rows.len() < most {
            let line_end = memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n + 1);
            let end = self.record_end(text, at).unwrap_or(line_end);
            let record = without_line_end(&text[at..end]);
            if !record.trim_ascii().is_empty() {
                let fields = self.fields(record);
                rows.push(fields.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect());
            }
            at = end;
        }
        rows
    }

    /// Cuts one record into fields.
    fn fields(&self, record: &[u8]) -> Vec<Vec<u8>> {
        let Delimiter::Byte(delimiter) = self.delimiter else {
            return record
                .split(u8::is_ascii_whitespace)
                .filter(|f| !f.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
        };
        // Only a line feed ends a record, and the record has none at its end: a lone carriage return is text.
        let mut reader = csv_core::ReaderBuilder::new()
            .delimiter(delimiter)
            .quote(self.quote)
            .terminator(csv_core::Terminator::Any(b'\n'))
            .build();
        let mut output = vec![0; record.len() + 1];
        let mut ends = vec![0; record.len() + 2];
        let (_, _, _, n) = reader.read_record(record, &mut output, &mut ends);
        let (_, _, _, more) = reader.read_record(&[], &mut output, &mut ends[n..]);
        let mut fields = Vec::with_capacity(n + more);
        let mut from = 0;
        for &end in &ends[..n + more] {
            fields.push(output[from..end].to_vec());
            from = end;
        }
        fields
    }
}

/// Whether a line ends between two places.
fn spans(bytes: &[u8], from: usize, to: usize) -> bool {
    memchr(b'\n', &bytes[from..to]).is_some()
}

/// Whether the quote at `at` begins a quoted field.
fn opens(bytes: &[u8], start: usize, at: usize, delimiter: u8) -> bool {
    at == start || bytes[at - 1] == delimiter || bytes[at - 1] == b'\n'
}

/// Cuts a text into blocks at record ends.
struct Blocks {
    path: PathBuf,
    source: Box<dyn Read + Send>,
    dialect: Dialect,
    held: Vec<u8>,
    next_line: u64,
    ended: bool,
}

impl Blocks {
    fn fill(&mut self, bytes: usize) -> Result<(), IngestError> {
        let from = self.held.len();
        self.held.resize(from + bytes, 0);
        let n = super::text::read_full(&mut self.source, &mut self.held[from..])
            .map_err(IngestError::read(&self.path))?;
        self.held.truncate(from + n);
        self.ended = n < bytes;
        Ok(())
    }

    /// The end of the last whole record in `held`.
    fn last_record_end(&self) -> Option<usize> {
        let Delimiter::Byte(delimiter) = self.dialect.delimiter else {
            return memrchr(b'\n', &self.held).map(|n| n + 1);
        };
        let (bytes, quote) = (&self.held[..], self.dialect.quote);
        let mut safe = None;
        let mut at = 0;
        while at < bytes.len() {
            let next = memchr(quote, &bytes[at..]).map_or(bytes.len(), |n| at + n);
            if let Some(n) = memrchr(b'\n', &bytes[at..next]) {
                safe = Some(at + n + 1);
            }
            at = next + 1;
            if next < bytes.len() && opens(bytes, 0, next, delimiter) {
                loop {
                    let Some(close) = memchr(quote, &bytes[at..]).map(|n| at + n) else {
                        if bytes.len() - next > QUOTED_LIMIT {
                            at = next + 1; // a stray quote: what follows it is text
                            break;
                        }
                        return safe;
                    };
                    at = close + 1;
                    match bytes.get(at) {
                        Some(b) if *b == quote => at += 1,
                        Some(_) => break,
                        // The next byte decides whether the quote is doubled.
                        None => return safe,
                    }
                }
            }
        }
        safe
    }
}

impl Iterator for Blocks {
    type Item = Result<Block, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if !self.ended
                && let Err(e) = self.fill(BLOCK_BYTES)
            {
                self.ended = true;
                self.held.clear();
                return Some(Err(e));
            }
            let end = if self.ended { Some(self.held.len()) } else { self.last_record_end() };
            match end {
                Some(0) => return None,
                Some(end) => {
                    let rest = self.held.split_off(end);
                    let bytes = std::mem::replace(&mut self.held, rest);
                    let first_line = self.next_line;
                    self.next_line += memchr_iter(b'\n', &bytes).count() as u64;
                    return Some(Ok(Block::Csv { bytes, first_line }));
                }
                None => {}
            }
        }
    }
}

/// Opens a delimited file: reads its header and finds the mapped columns.
pub fn open(path: &Path, input: &Input, columns: &Columns) -> Result<Source, IngestError> {
    let dialect = Dialect::new(input)?;
    let mut blocks = Blocks {
        path: path.to_owned(),
        source: open_text(path, &input.encoding)?,
        dialect: dialect.clone(),
        held: Vec::new(),
        next_line: 1,
        ended: false,
    };
    let Some(Block::Csv { bytes, first_line }) = blocks.next().transpose()? else {
        return Err(IngestError::Empty { path: path.to_owned() });
    };
    // The first record that is not blank gives the columns.
    let mut start = 0;
    while start < bytes.len() && bytes[start].is_ascii_whitespace() {
        let line_end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |n| start + n + 1);
        if !bytes[start..line_end].trim_ascii().is_empty() {
            break;
        }
        start = line_end;
    }
    if start == bytes.len() {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    let line_end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |n| start + n + 1);
    let Some(end) = dialect.record_end(&bytes, start) else {
        return Err(IngestError::Format {
            path: path.to_owned(),
            format: "delimited",
            message: format!(
                "its first line opens a quote that is never closed: {}; check [input] quote",
                crate::rows::lossy(without_line_end(&bytes[start..line_end]))
            ),
        });
    };
    let first: Vec<String> = dialect
        .fields(without_line_end(&bytes[start..end]))
        .iter()
        .map(|f| String::from_utf8_lossy(f).trim().to_owned())
        .collect();
    let width = first.len();
    let headers = input.header.then_some(first);
    let (slots, names) = find_columns(path, columns, headers.as_deref(), width)?;
    let (skip, lines) = match headers {
        Some(_) => (end, memchr_iter(b'\n', &bytes[..end]).count() as u64),
        None => (0, 0),
    };
    let rest = bytes[skip..].to_vec();
    let rest_is_blank = rest.trim_ascii().is_empty();
    let mut after = blocks.peekable();
    if rest_is_blank && after.peek().is_none() {
        return Err(IngestError::HeaderOnly { path: path.to_owned() });
    }
    let head = (!rest.is_empty()).then(|| Ok(Block::Csv { bytes: rest, first_line: first_line + lines }));
    Ok(Source {
        slots,
        headers,
        names,
        dialect,
        width,
        typed: false,
        keys: Vec::new(),
        blocks: Box::new(head.into_iter().chain(after)),
    })
}

/// Reads the rows of a block.
pub fn read(bytes: &[u8], first_line: u64, dialect: &Dialect, width: usize, reader: &mut RowReader<'_>) {
    let all_valid = if dialect.decoded {
        memmem::find(bytes, "\u{FFFD}".as_bytes()).is_none()
    } else {
        std::str::from_utf8(bytes).is_ok()
    };
    let valid = |record: &[u8]| {
        all_valid
            || std::str::from_utf8(record).is_ok_and(|text| !dialect.decoded || !text.contains('\u{FFFD}'))
    };
    let (mut start, mut line) = (0, first_line);
    let mut fields: Vec<&[u8]> = Vec::with_capacity(width);
    while start < bytes.len() {
        let line_end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |n| start + n + 1);
        let text = without_line_end(&bytes[start..line_end]);
        if text.trim_ascii().is_empty() {
            reader.parsed.stats.blank += 1;
            (start, line) = (line_end, line + 1);
            continue;
        }
        let plain = match dialect.delimiter {
            Delimiter::Blanks => {
                split(text.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty()), &mut fields);
                true
            }
            Delimiter::Byte(_) if memchr(dialect.quote, text).is_some() => false,
            Delimiter::Byte(delimiter) => {
                fields.clear();
                let mut from = 0;
                for at in memchr_iter(delimiter, text) {
                    fields.push(&text[from..at]);
                    from = at + 1;
                }
                fields.push(&text[from..]);
                true
            }
        };
        if plain {
            if fields.len() != width {
                reader.reject(line, text, Reason::RaggedRow);
            } else if !valid(text) {
                reader.reject(line, text, Reason::BadEncoding);
            } else {
                reader.row(line, &fields, || match dialect.delimiter {
                    Delimiter::Byte(_) => hash_bytes(text),
                    Delimiter::Blanks => hash_fields(&fields, b' '),
                });
            }
            (start, line) = (line_end, line + 1);
            continue;
        }

        // With quotes: the record may span lines. If it does not come out right, only its first line
        // is rejected, for the quote that joined the lines may be a stray one.
        let end = dialect.record_end(bytes, start);
        let record = without_line_end(&bytes[start..end.unwrap_or(line_end)]);
        let spans = end != Some(line_end);
        let cut = dialect.fields(record);
        if end.is_none() || (spans && cut.len() != width) {
            reader.reject(line, text, Reason::UnclosedQuote);
            (start, line) = (line_end, line + 1);
            continue;
        }
        let end = end.unwrap_or(line_end);
        if cut.len() != width {
            reader.reject(line, text, Reason::RaggedRow);
        } else if !valid(record) {
            reader.reject(line, text, Reason::BadEncoding);
        } else {
            let owned: Vec<&[u8]> = cut.iter().map(Vec::as_slice).collect();
            reader.row(line, &owned, || hash_fields(&owned, dialect.separator()));
        }
        line += memchr_iter(b'\n', &bytes[start..end]).count() as u64;
        start = end;
    }
}

fn split<'a>(parts: impl Iterator<Item = &'a [u8]>, fields: &mut Vec<&'a [u8]>) {
    fields.clear();
    fields.extend(parts);
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
