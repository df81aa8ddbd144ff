//! Delimited text, cut into blocks at record ends and read with positions.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::text::{append, line_end, line_ends, open_text};
use super::{BLOCK_BYTES, Block, Sheets, Source, Wanted};
use crate::IngestError;
use crate::config::Input;
use crate::repeats::{hash_bytes, hash_fields};
use crate::rows::{Reason, TakeRows};

/// The longest quoted field. A quote left open for longer is taken for a stray one.
const QUOTED_LIMIT: usize = 1 << 20;

/// How many times its own length a block may be looked through for quotes that are not closed.
const SEARCHES: usize = 64;

/// How fields are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: Delimiter,
    /// The quote, if there are any.
    quote: Option<u8>,
    /// What takes the next character's meaning away.
    escape: Option<u8>,
    /// Whether the text came from another encoding, so that U+FFFD marks bytes that were not in it.
    decoded: bool,
}

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    Byte(u8),
    /// Two characters, such as `||`.
    Pair([u8; 2]),
    /// Runs of blanks; quotes mean nothing then.
    Blanks,
}

impl Delimiter {
    /// Where the next one begins, and how long it is.
    fn find(self, text: &[u8]) -> Option<(usize, usize)> {
        match self {
            Delimiter::Byte(b) => memchr(b, text).map(|at| (at, 1)),
            Delimiter::Pair(pair) => memmem::find(text, &pair).map(|at| (at, 2)),
            Delimiter::Blanks => text
                .iter()
                .position(u8::is_ascii_whitespace)
                .map(|at| (at, text[at..].iter().take_while(|b| b.is_ascii_whitespace()).count())),
        }
    }

    fn ends(self, text: &[u8]) -> bool {
        match self {
            Delimiter::Byte(b) => text.last() == Some(&b),
            Delimiter::Pair(pair) => text.ends_with(&pair),
            Delimiter::Blanks => text.last().is_some_and(u8::is_ascii_whitespace),
        }
    }

    fn starts(self, text: &[u8]) -> bool {
        match self {
            Delimiter::Byte(b) => text.first() == Some(&b),
            Delimiter::Pair(pair) => text.starts_with(&pair),
            Delimiter::Blanks => text.first().is_some_and(u8::is_ascii_whitespace),
        }
    }
}

impl Dialect {
    pub fn new(input: &Input) -> Result<Dialect, IngestError> {
        let fits = |b: &u8| b.is_ascii() && !matches!(b, b'\n' | b'\r');
        let delimiter = match (input.delimiter.as_str(), input.delimiter.as_bytes()) {
            ("blanks", _) => Delimiter::Blanks,
            ("tab", _) => Delimiter::Byte(b'\t'),
            (_, [b]) if fits(b) => Delimiter::Byte(*b),
            (_, [a, b]) if fits(a) && fits(b) => Delimiter::Pair([*a, *b]),
            _ => {
                return Err(IngestError::config(
                    "[input] delimiter",
                    format!("`{}` is neither one nor two ASCII characters", input.delimiter),
                    "use those, or \"tab\", or \"blanks\"",
                ));
            }
        };
        let one = |key: &str, text: &str, remedy: &str| match text.as_bytes() {
            [] => Ok(None),
            [b] if fits(b) => Ok(Some(*b)),
            _ => Err(IngestError::config(key, format!("`{text}` is not one ASCII character"), remedy)),
        };
        let quote = one("[input] quote", &input.quote, "use \"\\\"\", \"'\", or \"\" for none")?;
        let escape = one("[input] escape", &input.escape, "use \"\\\\\", or \"\" for none")?;
        let decoded =
            !input.encoding.eq_ignore_ascii_case("utf-8") && !input.encoding.eq_ignore_ascii_case("utf8");
        Ok(Dialect { delimiter, quote, escape, decoded })
    }

    /// For rows that come in cells.
    pub fn none() -> Dialect {
        Dialect { delimiter: Delimiter::Blanks, quote: None, escape: None, decoded: false }
    }

    /// What fields are joined with when a row is compared with others.
    pub fn separator(&self) -> u8 {
        match self.delimiter {
            Delimiter::Byte(byte) | Delimiter::Pair([byte, _]) => byte,
            Delimiter::Blanks => b' ',
        }
    }

    /// The quote that can span lines.
    fn spanning(&self) -> Option<u8> {
        self.quote.filter(|_| self.delimiter != Delimiter::Blanks)
    }

    /// Whether the byte at `at` is without its own meaning.
    fn is_escaped(&self, bytes: &[u8], start: usize, at: usize) -> bool {
        let Some(escape) = self.escape else { return false };
        bytes[start..at].iter().rev().take_while(|b| **b == escape).count() % 2 == 1
    }

    /// Whether the quote at `at` begins a quoted field: what stands before it, blanks aside, is a delimiter or nothing.
    fn opens(&self, bytes: &[u8], start: usize, at: usize) -> bool {
        let before = &bytes[start..at];
        let blanks = before.iter().rev().take_while(|b| **b == b' ').count();
        let before = &before[..before.len() - blanks];
        before.is_empty()
            || before.last() == Some(&b'\n')
            || (self.delimiter.ends(before) && !self.is_escaped(bytes, start, at - blanks))
    }

    /// The place behind the quote that closes the field whose content begins at `at`, if there is one.
    fn closes(&self, bytes: &[u8], quote: u8, mut at: usize) -> Option<usize> {
        let start = at;
        loop {
            let close = at + memchr(quote, &bytes[at..])?;
            at = close + 1;
            if self.is_escaped(bytes, start, close) {
                continue;
            }
            match bytes.get(at) {
                Some(b) if *b == quote => at += 1,
                _ => return Some(at),
            }
        }
    }

    /// The end of the record that begins at `start` (after its line end); `Err` where a quote opened there is not closed as
    /// it should be, with the place up to which that was looked for.
    fn record_end(&self, bytes: &[u8], start: usize) -> Result<usize, usize> {
        let Some(quote_byte) = self.spanning() else { return Ok(line_end(bytes, start)) };
        let mut at = start;
        loop {
            let end = line_end(bytes, at);
            let Some(quote) = memchr(quote_byte, &bytes[at..end]).map(|n| at + n) else { return Ok(end) };
            at = quote + 1;
            if self.opens(bytes, start, quote) && !self.is_escaped(bytes, start, quote) {
                at = self.closes(bytes, quote_byte, at).ok_or(bytes.len())?;
                // What closes a field stands before its end. A quote elsewhere was another stray one.
                let rest = &bytes[at..];
                let blanks = rest.iter().take_while(|b| **b == b' ').count();
                let ends = rest.is_empty()
                    || matches!(rest[0], b'\r' | b'\n')
                    || self.delimiter.starts(rest)
                    || rest.len() == blanks
                    || self.delimiter.starts(&rest[blanks..])
                    || matches!(rest.get(blanks), Some(b'\r' | b'\n'));
                if !ends && memchr(b'\n', &bytes[quote..at]).is_some() {
                    return Err(at);
                }
            }
        }
    }

    /// The first records of a text, blank lines left out, each with the line it begins on, from 1.
    pub fn rows(&self, text: &[u8], most: usize) -> Vec<(usize, Vec<String>)> {
        let mut rows = Vec::new();
        let (mut at, mut line) = (0, 1);
        while at < text.len() && rows.len() < most {
            let line_end = line_end(text, at);
            let end = self.record_end(text, at).unwrap_or(line_end);
            let record = without_line_end(&text[at..end]);
            if !record.trim_ascii().is_empty() {
                let fields = self.fields(record);
                rows.push((line, fields.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect()));
            }
            line += line_ends(&text[at..end]) as usize;
            at = end;
        }
        rows
    }

    /// How many records of a text open a quote that is never closed.
    pub fn unclosed(&self, text: &[u8], most: usize) -> usize {
        let (mut at, mut unclosed, mut seen) = (0, 0, 0);
        while at < text.len() && seen < most {
            let line_end = line_end(text, at);
            let end = self.record_end(text, at);
            unclosed += usize::from(end.is_err());
            at = end.unwrap_or(line_end);
            seen += 1;
        }
        unclosed
    }

    /// Cuts one record into fields.
    fn fields<'t>(&self, record: &'t [u8]) -> Vec<Cow<'t, [u8]>> {
        if self.delimiter == Delimiter::Blanks {
            return record
                .split(u8::is_ascii_whitespace)
                .filter(|f| !f.is_empty())
                .map(Cow::Borrowed)
                .collect();
        }
        let mut fields = Vec::new();
        let mut at = 0;
        loop {
            let blanks = record[at..].iter().take_while(|b| **b == b' ').count();
            let opening = self.quote.filter(|q| record.get(at + blanks) == Some(q));
            let (field, end) = match opening {
                Some(quote) => self.quoted(record, at + blanks + 1, quote),
                None => self.unquoted(record, at),
            };
            fields.push(field);
            match end {
                Some(next) => at = next,
                None => return fields,
            }
        }
    }

    /// A quoted field whose content begins at `at`, and where the next field begins.
    fn quoted<'t>(&self, record: &'t [u8], at: usize, quote: u8) -> (Cow<'t, [u8]>, Option<usize>) {
        let end = self.closes(record, quote, at).unwrap_or(record.len() + 1);
        let content = &record[at..(end - 1).min(record.len())];
        let plain =
            memchr(quote, content).is_none() && self.escape.is_none_or(|e| memchr(e, content).is_none());
        let mut field =
            if plain { Cow::Borrowed(content) } else { Cow::Owned(self.unescaped(content, Some(quote))) };
        let behind = record.get(end..).unwrap_or_default();
        let (text, next) = match self.delimiter.find(behind) {
            Some((n, long)) => (&behind[..n], Some(end + n + long)),
            None => (behind, None),
        };
        // What stands between the quote and the delimiter is part of the field.
        if !text.trim_ascii().is_empty() {
            field.to_mut().extend_from_slice(text);
        }
        (field, next)
    }

    fn unquoted<'t>(&self, record: &'t [u8], at: usize) -> (Cow<'t, [u8]>, Option<usize>) {
        let mut from = at;
        loop {
            let Some((n, long)) = self.delimiter.find(&record[from..]) else {
                return (self.without_escapes(&record[at..]), None);
            };
            if self.is_escaped(record, at, from + n) {
                from += n + long;
                continue;
            }
            return (self.without_escapes(&record[at..from + n]), Some(from + n + long));
        }
    }

    fn without_escapes<'t>(&self, field: &'t [u8]) -> Cow<'t, [u8]> {
        match self.escape {
            // `\\N` is how databases write a null; it keeps its meaning.
            Some(escape) if memchr(escape, field).is_some() && field != [escape, b'N'] => {
                Cow::Owned(self.unescaped(field, None))
            }
            _ => Cow::Borrowed(field),
        }
    }

    fn unescaped(&self, content: &[u8], doubled: Option<u8>) -> Vec<u8> {
        let mut out = Vec::with_capacity(content.len());
        let mut bytes = content.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if Some(byte) == self.escape && bytes.peek().is_some() {
                out.push(match bytes.next() {
                    Some(b'n') => b'\n',
                    Some(b't') => b'\t',
                    Some(b'r') => b'\r',
                    Some(other) => other,
                    None => byte,
                });
                continue;
            }
            if Some(byte) == doubled && bytes.peek() == Some(&byte) {
                bytes.next();
            }
            out.push(byte);
        }
        out
    }
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
    fn open(path: &Path, input: &Input, dialect: &Dialect) -> Result<Blocks, IngestError> {
        Ok(Blocks {
            path: path.to_owned(),
            source: open_text(path, &input.encoding)?,
            dialect: dialect.clone(),
            held: Vec::new(),
            next_line: 1,
            ended: false,
        })
    }

    fn fill(&mut self, bytes: usize) -> Result<(), IngestError> {
        self.ended =
            append(&mut self.source, &mut self.held, bytes).map_err(IngestError::read(&self.path))?;
        Ok(())
    }

    /// Leaves out lines at the beginning.
    fn leave_out(&mut self, lines: usize) -> Result<(), IngestError> {
        for _ in 0..lines {
            let end = loop {
                if let Some(n) = memchr(b'\n', &self.held) {
                    break n + 1;
                }
                if self.ended {
                    break self.held.len();
                }
                self.fill(BLOCK_BYTES)?;
            };
            self.held.drain(..end);
            self.next_line += 1;
        }
        Ok(())
    }

    /// The end of the last whole record in `held`.
    fn last_record_end(&self) -> Option<usize> {
        let bytes = &self.held[..];
        let Some(quote) = self.dialect.spanning() else { return memrchr(b'\n', bytes).map(|n| n + 1) };
        let mut safe = None;
        let mut at = 0;
        while at < bytes.len() {
            let next = memchr(quote, &bytes[at..]).map_or(bytes.len(), |n| at + n);
            if let Some(n) = memrchr(b'\n', &bytes[at..next]) {
                safe = Some(at + n + 1);
            }
            at = next + 1;
            let from = safe.unwrap_or(0);
            if next < bytes.len()
                && self.dialect.opens(bytes, from, next)
                && !self.dialect.is_escaped(bytes, from, next)
            {
                match self.dialect.closes(bytes, quote, at) {
                    // The next byte decides whether the quote is doubled.
                    Some(end) if end < bytes.len() => at = end,
                    _ if bytes.len() - next > QUOTED_LIMIT => {} // a stray quote: what follows it is text
                    _ => return safe,
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
                    self.next_line += line_ends(&bytes);
                    return Some(Ok(Block::Csv { bytes, first_line }));
                }
                None => {}
            }
        }
    }
}

/// Opens a delimited file: reads its header and finds the mapped columns.
pub fn open(path: &Path, wanted: Wanted<'_>) -> Result<Source, IngestError> {
    let dialect = Dialect::new(wanted.input)?;
    let header = wanted.input.header;
    let mut blocks = Blocks::open(path, wanted.input, &dialect)?;
    blocks.leave_out(wanted.input.skip_lines)?;
    let Some(Block::Csv { bytes, first_line }) = blocks.next().transpose()? else {
        return Err(IngestError::Empty { path: path.to_owned() });
    };
    // The first record that is not blank gives the columns.
    let mut start = 0;
    while start < bytes.len() && bytes[start].is_ascii_whitespace() {
        let line_end = line_end(&bytes, start);
        if !bytes[start..line_end].trim_ascii().is_empty() {
            break;
        }
        start = line_end;
    }
    if start == bytes.len() {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    let line_end = line_end(&bytes, start);
    let Ok(end) = dialect.record_end(&bytes, start) else {
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
    // Columns without a name at the end of a header may be missing from rows.
    let unnamed = if header { first.iter().rev().take_while(|h| h.is_empty()).count() } else { 0 };
    let headers = header.then_some(first);
    let (layout, headers) = wanted.layout(path, headers.as_deref(), (width, width - unnamed), dialect)?;
    let (skip, lines) = match headers {
        Some(_) => (end, line_ends(&bytes[..end])),
        None => (0, 0),
    };
    let rest = bytes[skip..].to_vec();
    let rest_is_blank = rest.trim_ascii().is_empty();
    let mut after = blocks.peekable();
    if rest_is_blank && after.peek().is_none() {
        return Err(IngestError::HeaderOnly { path: path.to_owned() });
    }
    let head = (!rest.is_empty()).then(|| Ok(Block::Csv { bytes: rest, first_line: first_line + lines }));
    Ok(Source { headers, sheets: Sheets::default(), layout, blocks: Box::new(head.into_iter().chain(after)) })
}

/// Opens a text as lines, without a header and without quotes.
pub fn lines(
    path: &Path,
    encoding: &str,
    skip_lines: usize,
) -> Result<impl Iterator<Item = Result<Block, IngestError>> + Send + use<>, IngestError> {
    let input = Input { encoding: encoding.to_owned(), ..Input::default() };
    let mut blocks = Blocks::open(path, &input, &Dialect::none())?;
    blocks.leave_out(skip_lines)?;
    Ok(blocks)
}

/// Reads the rows of a block.
pub fn read(
    bytes: &[u8],
    first_line: u64,
    dialect: &Dialect,
    width: (usize, usize),
    overflow: Option<usize>,
    rows: &mut dyn TakeRows,
) {
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
    let mut fields: Vec<&[u8]> = Vec::with_capacity(width.0);
    // What was looked through for quotes that are not closed. Where that is far more than the text, each line is taken for
    // itself: a hostile text would be looked through again for each of its lines.
    let mut searched = 0;
    while start < bytes.len() {
        let line_end = line_end(bytes, start);
        let text = without_line_end(&bytes[start..line_end]);
        if text.trim_ascii().is_empty() {
            rows.blank();
            (start, line) = (line_end, line + 1);
            continue;
        }
        let special = |b: Option<u8>| b.is_some_and(|b| memchr(b, text).is_some());
        let plain = match dialect.delimiter {
            Delimiter::Blanks => {
                split(text.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty()), &mut fields);
                true
            }
            _ if special(dialect.quote) || special(dialect.escape) => false,
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
            Delimiter::Pair(pair) => {
                fields.clear();
                let mut from = 0;
                for at in memmem::find_iter(text, &pair) {
                    fields.push(&text[from..at]);
                    from = at + 2;
                }
                fields.push(&text[from..]);
                true
            }
        };
        if plain {
            if !fit(&mut fields, width, overflow, text) {
                rows.reject(line, text, Reason::RaggedRow);
            } else if !valid(text) {
                rows.reject(line, text, Reason::BadEncoding);
            } else {
                rows.row(line, &fields, &|| match dialect.delimiter {
                    Delimiter::Byte(_) => hash_bytes(text),
                    _ => hash_fields(&fields, dialect.separator()),
                });
            }
            (start, line) = (line_end, line + 1);
            continue;
        }

        // With quotes: the record may span lines. If it does not come out right, only its first line
        // is rejected, for the quote that joined the lines may be a stray one.
        let within = if searched > SEARCHES * bytes.len() { &bytes[..line_end] } else { bytes };
        let end = match dialect.record_end(within, start) {
            Ok(end) => Some(end),
            Err(given_up) => {
                searched += given_up - start;
                None
            }
        };
        let record = without_line_end(&bytes[start..end.unwrap_or(line_end)]);
        let spans = end != Some(line_end);
        let cut = dialect.fields(record);
        let mut owned: Vec<&[u8]> = cut.iter().map(AsRef::as_ref).collect();
        // Fields of a record with quotes do not lie side by side, so there is no text to take the surplus from.
        let merged = overflow.filter(|_| owned.len() > width.0).map(|at| {
            let surplus = owned.len() - width.0;
            owned[at..=at + surplus].join(&dialect.separator())
        });
        if let (Some(merged), Some(at)) = (&merged, overflow) {
            let surplus = owned.len() - width.0;
            owned.splice(at..=at + surplus, [merged.as_slice()]);
        }
        let fits = fit(&mut owned, width, None, record);
        if end.is_none() || (spans && !fits) {
            searched += end.map_or(0, |end| end - start);
            rows.reject(line, text, Reason::UnclosedQuote);
            (start, line) = (line_end, line + 1);
            continue;
        }
        let end = end.unwrap_or(line_end);
        if !fits {
            rows.reject(line, text, Reason::RaggedRow);
        } else if !valid(record) {
            rows.reject(line, text, Reason::BadEncoding);
        } else {
            rows.row(line, &owned, &|| hash_fields(&owned, dialect.separator()));
        }
        line += line_ends(&bytes[start..end]);
        start = end;
    }
}

/// Makes a row as wide as it should be, if it can be: blank fields too many are left out, and surplus delimiters belong to
/// the text of the column that they stand in.
fn fit<'t>(
    fields: &mut Vec<&'t [u8]>,
    (width, least): (usize, usize),
    overflow: Option<usize>,
    text: &'t [u8],
) -> bool {
    if fields.len() <= width {
        return fields.len() >= least;
    }
    if fields[width..].iter().all(|f| f.trim_ascii().is_empty()) {
        fields.truncate(width);
        return true;
    }
    let Some(at) = overflow else { return false };
    let surplus = fields.len() - width;
    let base = text.as_ptr() as usize;
    let from = fields[at].as_ptr() as usize - base;
    let last = fields[at + surplus];
    let to = last.as_ptr() as usize - base + last.len();
    fields.splice(at..=at + surplus, [&text[from..to]]);
    true
}

fn split<'a>(parts: impl Iterator<Item = &'a [u8]>, fields: &mut Vec<&'a [u8]>) {
    fields.clear();
    fields.extend(parts);
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(input: &Input, record: &str) -> Vec<String> {
        let dialect = Dialect::new(input).unwrap();
        dialect.fields(record.as_bytes()).iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect()
    }

    fn input(delimiter: &str, quote: &str, escape: &str) -> Input {
        Input { delimiter: delimiter.into(), quote: quote.into(), escape: escape.into(), ..Input::default() }
    }

    #[test]
    fn fields_of_every_dialect() {
        let plain = input(",", "\"", "");
        assert_eq!(cut(&plain, r#"a,"b,c","d ""e""",,f"#), ["a", "b,c", "d \"e\"", "", "f"]);
        assert_eq!(cut(&plain, r#""10127", "500001", "x, large""#), ["10127", "500001", "x, large"]);
        assert_eq!(cut(&plain, r#"5" disc,x"#), ["5\" disc", "x"]);
        assert_eq!(cut(&plain, ""), [""]);
        assert_eq!(cut(&plain, "a,"), ["a", ""]);
        assert_eq!(
            cut(&input(",", "\"", "\\"), r#""ring \"twice\", then",b"#),
            ["ring \"twice\", then", "b"]
        );
        assert_eq!(cut(&input("tab", "\"", "\\"), "O\\\"Brien\t\\N\ta\\\tb"), ["O\"Brien", "\\N", "a\tb"]);
        assert_eq!(cut(&input("||", "\"", ""), "a||b|c||"), ["a", "b|c", ""]);
        assert_eq!(cut(&input(",", "", ""), r#""half open,x"#), ["\"half open", "x"]);
    }

    #[test]
    fn surplus_delimiters_belong_to_the_text_column() {
        let text = b"1,2,Bowl, large, blue,9";
        let mut fields: Vec<&[u8]> = text.split(|b| *b == b',').collect();
        assert!(fit(&mut fields, (4, 4), Some(2), text));
        assert_eq!(fields, [&b"1"[..], b"2", b"Bowl, large, blue", b"9"]);
        let text = b"1,2,,,";
        let mut fields: Vec<&[u8]> = text.split(|b| *b == b',').collect();
        assert!(fit(&mut fields, (3, 3), None, text), "blank ones are left out");
        assert!(!fit(&mut vec![&b"1"[..]], (3, 2), None, b"1"));
        assert!(fit(&mut vec![&b"1"[..], b"2"], (3, 2), None, b"1,2"));
    }
}
