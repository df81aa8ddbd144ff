//! How one file is to be read: its encoding, its delimiter and quotes, the lines above its header, its header.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use crate::config::Format;
use crate::source::{Dialect, NUMBER, bare, format_of, head_of, open_raw, open_text, sheets};
use crate::{IngestError, Input};

const HEAD_BYTES: usize = 1 << 20;
const HEAD_ROWS: usize = 5000;
/// Rows that a header is looked for in.
const HEADER_ROWS: usize = 60;

/// What a file looks like.
pub struct Look {
    pub input: Input,
    pub notes: Vec<String>,
    pub unsure: Vec<String>,
}

/// Looks at the beginning of a file.
pub fn look(path: &Path) -> Result<Look, IngestError> {
    let mut look = Look { input: Input::default(), notes: Vec::new(), unsure: Vec::new() };
    match format_of(path, Format::Auto)? {
        Format::Csv | Format::Auto => look.at_text(path)?,
        format @ (Format::Xlsx | Format::Html) => look.at_cells(path, format)?,
        Format::Json | Format::Jsonl => {
            let raw = head(path)?;
            look.at_encoding(&raw);
        }
        Format::Parquet => {}
    }
    Ok(look)
}

fn head(path: &Path) -> Result<Vec<u8>, IngestError> {
    head_of(&mut open_raw(path)?, HEAD_BYTES).map_err(IngestError::read(path))
}

impl Look {
    fn at_encoding(&mut self, raw: &[u8]) {
        self.input.encoding = encoding(raw).to_ascii_lowercase();
        if self.input.encoding != "utf-8" && Encoding::for_bom(raw).is_none() {
            self.notes.push(match self.input.encoding.strip_prefix("utf-8 or ") {
                Some(other) => format!("some lines are UTF-8, and others read as {other}"),
                None => {
                    let shown = sample_of(raw, &self.input.encoding);
                    format!(
                        "the text is not UTF-8; it reads as {}{shown}; another name in [input] encoding, if that is garbled",
                        self.input.encoding
                    )
                }
            });
        }
    }

    fn at_text(&mut self, path: &Path) -> Result<(), IngestError> {
        let raw = head(path)?;
        if raw.trim_ascii().is_empty() {
            return Err(IngestError::Empty { path: path.to_owned() });
        }
        self.at_encoding(&raw);
        let mut text = Vec::new();
        open_text(path, &self.input.encoding)?
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut text)
            .map_err(IngestError::read(path))?;
        // A mark of the encoding and nothing else.
        if text.trim_ascii().is_empty() {
            return Err(IngestError::Empty { path: path.to_owned() });
        }
        if text.len() == HEAD_BYTES {
            // The last line is cut short.
            let end = text.iter().rposition(|b| *b == b'\n').map_or(text.len(), |n| n + 1);
            text.truncate(end);
        }
        // Excel's own way to say what the delimiter is.
        let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first).trim().trim_matches('"').to_ascii_lowercase();
        let stated = first.strip_prefix("sep=").map(str::to_owned).filter(|d| d.len() <= 1);
        let body = match &stated {
            Some(_) => text.iter().position(|b| *b == b'\n').map_or(&text[..0], |n| &text[n + 1..]),
            None => &text[..],
        };
        let above = usize::from(stated.is_some());
        let stated = stated.map(|d| if d.is_empty() || d == "\t" { "tab".to_owned() } else { d });
        let cut = Cut::best(body, &self.input, stated.as_deref())?;
        cut.state(&mut self.input);
        let rows: Vec<(usize, &[String])> = cut.rows.iter().map(|(line, r)| (*line, r.as_slice())).collect();
        let (skip, header) = header(&rows, cut.width);
        self.input.skip_lines = above + skip;
        self.input.header = header;
        if skip > 0 {
            self.notes.push(format!("{skip} lines above the header are skipped"));
        }
        let below = rows.iter().filter(|(line, _)| *line > skip).count().saturating_sub(usize::from(header));
        if below == 0 && text.len() < HEAD_BYTES {
            return Err(IngestError::HeaderOnly { path: path.to_owned() });
        }
        let body_rows = || rows.iter().filter(|(line, _)| *line > skip + usize::from(header));
        let surplus = body_rows()
            .filter(|(_, r)| r.len() > cut.width && r[cut.width..].iter().any(|f| !f.trim().is_empty()))
            .count();
        if surplus > 0 {
            let rows: Vec<&[String]> = body_rows().map(|r| r.1).collect();
            match overflow(&rows, cut.width) {
                Some(column) => {
                    let name = if header { rows_header(&cut, skip).get(column).cloned() } else { None };
                    self.input.overflow = Some(match name {
                        Some(name) if !name.trim().is_empty() => crate::ColumnRef::Name(name.trim().to_owned()),
                        _ => crate::ColumnRef::Number(column + 1),
                    });
                    self.notes.push(format!(
                        "{surplus} of the first rows have delimiters without quotes in a text; they are taken for part of column {}",
                        column + 1
                    ));
                }
                None => self.unsure.push(format!(
                    "{surplus} of the first rows have more fields than the header; they will be rejected as ragged_row"
                )),
            }
        }
        Ok(())
    }

    fn at_cells(&mut self, path: &Path, format: Format) -> Result<(), IngestError> {
        self.input.encoding = "utf-8".to_owned();
        if format == Format::Html {
            self.at_encoding(&head(path)?);
        }
        let sheets = sheets(path, &self.input)?.unwrap_or_default();
        let Some(largest) = sheets.iter().rev().max_by_key(|s| s.rows.len()).filter(|s| !s.rows.is_empty())
        else {
            return Err(IngestError::Empty { path: path.to_owned() });
        };
        let rows: Vec<(usize, &[String])> =
            largest.rows.iter().take(HEAD_ROWS).map(|(n, r)| (*n as usize, r.as_slice())).collect();
        let mut widths: Vec<usize> = rows.iter().map(|r| filled(r.1)).collect();
        widths.sort_unstable();
        let (skip, header) = header(&rows, widths[widths.len() / 2]);
        (self.input.skip_lines, self.input.header) = (skip, header);
        if skip > 0 && rows.iter().any(|r| r.0 <= skip) {
            self.notes.push(format!("{skip} rows above the header are skipped"));
        }
        Ok(())
    }
}

fn rows_header(cut: &Cut, skip: usize) -> Vec<String> {
    cut.rows.iter().find(|(line, _)| *line > skip).map(|r| r.1.clone()).unwrap_or_default()
}

/// The WHATWG name of the encoding; two where some lines are UTF-8 and others are not.
pub fn encoding(raw: &[u8]) -> String {
    match lines_of_another(raw) {
        Some(others) => utf8_or(one_encoding(&others)),
        None => one_encoding(raw).to_owned(),
    }
}

/// The lines that are not UTF-8, where others are UTF-8 and more than ASCII: two systems have written into one file.
fn lines_of_another(raw: &[u8]) -> Option<Vec<u8>> {
    // Text whose every other byte is NUL has no lines of single bytes.
    if Encoding::for_bom(raw).is_some() || raw.iter().take(4000).filter(|b| **b == 0).count() > 20 {
        return None;
    }
    let (mut valid, mut others) = (0, Vec::new());
    // The last line may be cut within a character.
    let whole = memchr::memrchr(b'\n', raw).map_or(raw, |end| &raw[..end]);
    for line in whole.split(|b| *b == b'\n').filter(|line| !line.is_ascii()) {
        match std::str::from_utf8(line) {
            Ok(_) => valid += 1,
            Err(_) => {
                others.extend_from_slice(line);
                others.push(b'\n');
            }
        }
    }
    (valid >= 2 && !others.is_empty()).then_some(others)
}

/// UTF-8, and another encoding for lines that are not.
pub fn utf8_or(other: &str) -> String {
    format!("utf-8 or {other}")
}

fn one_encoding(raw: &[u8]) -> &'static str {
    if let Some((encoding, _)) = Encoding::for_bom(raw) {
        return encoding.name();
    }
    // UTF-16 without a mark: every other byte of Western text is NUL.
    let head = &raw[..raw.len().min(4000)];
    let nuls = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    if head.len() >= 8 && nuls(1) * 10 > head.len() * 4 && nuls(0) * 20 < head.len() {
        return "UTF-16LE";
    }
    if head.len() >= 8 && nuls(0) * 10 > head.len() * 4 && nuls(1) * 20 < head.len() {
        return "UTF-16BE";
    }
    match std::str::from_utf8(raw) {
        Ok(_) => return UTF_8.name(),
        // Cut within a character at the very end.
        Err(e) if e.error_len().is_none() => return UTF_8.name(),
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(raw, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let western = [
        encoding_rs::WINDOWS_1252,
        encoding_rs::WINDOWS_1250,
        encoding_rs::WINDOWS_1254,
        encoding_rs::ISO_8859_2,
    ];
    // Old Macs are not among the guesses: their letters are signs in Western encodings.
    if western.contains(&guess) && letters(raw, encoding_rs::MACINTOSH) > letters(raw, guess) {
        return encoding_rs::MACINTOSH.name();
    }
    // Arabic and Persian: the two encodings share most bytes, and a few words are too few for the detector.
    if guess == encoding_rs::ISO_8859_6
        && misread_arabic(raw, guess) > misread_arabic(raw, encoding_rs::WINDOWS_1256)
    {
        return encoding_rs::WINDOWS_1256.name();
    }
    // A few words of an East Asian text read as Western signs between letters; nobody writes so.
    if western.contains(&guess) && signs_between_letters(raw, guess) {
        for country in [&b"jp"[..], b"cn", b"kr", b"tw"] {
            let other = detector.guess(Some(country), Utf8Detection::Deny);
            if !western.contains(&other)
                && other.decode_without_bom_handling_and_without_replacement(raw).is_some()
            {
                return other.name();
            }
        }
        for other in [encoding_rs::SHIFT_JIS, encoding_rs::GB18030, encoding_rs::EUC_KR, encoding_rs::BIG5] {
            if other.decode_without_bom_handling_and_without_replacement(raw).is_some() {
                return other.name();
            }
        }
    }
    guess.name()
}

/// As much of a text as guesses are made by.
fn beginning<'t>(raw: &'t [u8], encoding: &'static Encoding) -> Cow<'t, str> {
    encoding.decode_without_bom_handling(&raw[..raw.len().min(200_000)]).0
}

/// Whether high bytes read as signs beside letters more often than as letters.
fn signs_between_letters(raw: &[u8], encoding: &'static Encoding) -> bool {
    let chars: Vec<char> = beginning(raw, encoding).chars().collect();
    let high = |c: char| !c.is_ascii();
    let beside = chars
        .windows(2)
        .filter(|w| high(w[1]) && !w[1].is_alphabetic() && w[0].is_alphabetic())
        .count()
        + chars.windows(2).filter(|w| high(w[0]) && !w[0].is_alphabetic() && w[1].is_alphabetic()).count();
    let letters = chars.iter().filter(|c| high(**c) && c.is_alphabetic()).count();
    beside > letters
}

/// How many characters speak against a reading as Arabic: vowel marks, which business text does not write, and Latin
/// letters with accents, which do not stand within Arabic words.
fn misread_arabic(raw: &[u8], encoding: &'static Encoding) -> usize {
    beginning(raw, encoding)
        .chars()
        .filter(|&c| matches!(c, '\u{64b}'..='\u{652}' | '\u{c0}'..='\u{17f}' | char::REPLACEMENT_CHARACTER))
        .count()
}

/// How many high bytes that stand beside letters read as small letters.
fn letters(raw: &[u8], encoding: &'static Encoding) -> usize {
    let chars: Vec<char> = beginning(raw, encoding).chars().collect();
    chars.windows(2).filter(|w| w[0].is_ascii_lowercase() && !w[1].is_ascii() && w[1].is_lowercase()).count()
}

/// A few words that are not ASCII, as they read.
fn sample_of(raw: &[u8], encoding: &str) -> String {
    let Some(encoding) = Encoding::for_label(encoding.as_bytes()) else { return String::new() };
    let text = beginning(raw, encoding);
    let word = text.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_ascii() && w.chars().count() > 2);
    word.map(|w| format!(", such as `{}`", w.chars().take(30).collect::<String>())).unwrap_or_default()
}

/// A way to cut the text into fields, and the rows that it gives.
struct Cut {
    delimiter: String,
    quote: &'static str,
    escape: &'static str,
    rows: Vec<(usize, Vec<String>)>,
    /// Fields of most rows.
    width: usize,
    /// Share of rows with that many.
    even: f64,
}

impl Cut {
    fn with(
        text: &[u8],
        input: &Input,
        delimiter: &str,
        quote: &'static str,
        escape: &'static str,
    ) -> Result<Cut, IngestError> {
        let stated = Input {
            delimiter: delimiter.to_owned(),
            quote: quote.to_owned(),
            escape: escape.to_owned(),
            ..input.clone()
        };
        let rows = Dialect::new(&stated)?.rows(text, HEAD_ROWS);
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        for (_, row) in &rows {
            // Blank fields at the end say nothing of the width.
            let blank = row.iter().rev().take_while(|f| f.trim().is_empty()).count();
            *counts.entry(if row.len() - blank >= 2 { row.len() } else { 1 }).or_default() += 1;
        }
        let (width, most) = counts.into_iter().max_by_key(|(width, n)| (*n, *width)).unwrap_or((0, 0));
        let even = most as f64 / rows.len().max(1) as f64;
        Ok(Cut { delimiter: delimiter.to_owned(), quote, escape, rows, width, even })
    }

    /// Rows that do not have the width, or open quotes that are never closed.
    fn bad(&self, text: &[u8], input: &Input) -> usize {
        let mut stated = input.clone();
        self.state(&mut stated);
        let unclosed = Dialect::new(&stated).map_or(0, |d| d.unclosed(text, HEAD_ROWS));
        let ragged = self.rows.iter().filter(|(_, r)| r.len() != self.width).count();
        unclosed + ragged
    }

    fn state(&self, input: &mut Input) {
        input.delimiter.clone_from(&self.delimiter);
        input.quote = self.quote.to_owned();
        input.escape = self.escape.to_owned();
    }

    /// The best of all ways.
    fn best(text: &[u8], input: &Input, stated: Option<&str>) -> Result<Cut, IngestError> {
        const USUAL: [&str; 4] = [",", ";", "tab", "|"];
        const RARE: [&str; 5] = ["||", "^", "~", "\u{1}", ":"];
        let mut best: Option<(bool, usize, Cut)> = None;
        let candidates: Vec<&str> = match stated {
            Some(delimiter) => vec![delimiter],
            None => USUAL.into_iter().chain(RARE).collect(),
        };
        for delimiter in candidates {
            let cut = Cut::with(text, input, delimiter, "\"", "")?;
            if cut.width < 2 || (cut.even < 0.5 && stated.is_none()) {
                continue;
            }
            // A delimiter cuts the header as it cuts the rows; marks within values do not.
            let rows: Vec<(usize, &[String])> =
                cut.rows.iter().map(|(line, r)| (*line, r.as_slice())).collect();
            let above = rows.iter().take(HEADER_ROWS).position(|(_, r)| r.len() >= cut.width);
            let first = above.map(|at| rows[at].1.len());
            let heads = first == Some(cut.width) || first == Some(cut.width + 1);
            let usual = USUAL.contains(&delimiter) || stated.is_some();
            // `|` cuts `a||b` into three, and every other field is blank then.
            let doubled = delimiter == "|"
                && cut.width > 2
                && rows.iter().take(50).all(|(_, r)| r.iter().skip(1).step_by(2).all(|f| f.is_empty()));
            if doubled {
                continue;
            }
            let rank = (heads, usize::from(usual) * cut.width.max(3) + cut.width);
            if best.as_ref().is_none_or(|(h, w, _)| rank > (*h, *w)) {
                best = Some((rank.0, rank.1, cut));
            }
        }
        let mut cut = match best {
            Some((_, _, cut)) => cut,
            None => {
                let blanks = Cut::with(text, input, "blanks", "\"", "")?;
                // Blanks stand in any text: they count only where nothing else cuts.
                if blanks.width > 1 && blanks.even > 0.95 {
                    return Ok(blanks);
                }
                Cut::with(text, input, stated.unwrap_or(","), "\"", "")?
            }
        };
        let has = |pattern: &[u8]| memchr::memmem::find(text, pattern).is_some();
        if has(b"\\\"") || has(b"\\N") || has(b"\\,") || has(b"\\\t") {
            let escaped = Cut::with(text, input, &cut.delimiter, "\"", "\\")?;
            if escaped.bad(text, input) <= cut.bad(text, input) {
                cut = escaped;
            }
        }
        let bad = cut.bad(text, input);
        if bad > 0 && has(b"\"") {
            let unquoted = Cut::with(text, input, &cut.delimiter, "", cut.escape)?;
            if unquoted.width == cut.width && unquoted.bad(text, input) < bad {
                cut = unquoted;
            }
        }
        let single = |f: &String| f.len() > 1 && f.starts_with('\'') && f.ends_with('\'');
        let fields = || cut.rows.iter().skip(1).flat_map(|(_, r)| r).filter(|f| !f.is_empty());
        if fields().next().is_some() && fields().filter(|f| single(f)).count() * 2 > fields().count() {
            cut = Cut::with(text, input, &cut.delimiter, "'", cut.escape)?;
        }
        Ok(cut)
    }
}

/// Whether a cell looks like a value rather than a name.
fn is_value(cell: &str) -> bool {
    if cell.as_bytes().first() == Some(&NUMBER) {
        return true;
    }
    let cell = cell.trim();
    let digits = cell.chars().filter(|c| c.is_numeric()).count();
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    digits > 0 && letters * 2 < cell.chars().count() && !cell.contains('#') && !is_period(cell)
}

/// A month or a year as the name of a column, as pivot tables have them.
fn is_period(cell: &str) -> bool {
    let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    match cell.split_once(['-', '/']) {
        Some((year, month)) => year.len() == 4 && month.len() <= 2 && all_digits(year) && all_digits(month),
        None => false,
    }
}

fn filled(row: &[String]) -> usize {
    row.iter().filter(|c| !bare(c.as_bytes()).trim_ascii().is_empty()).count()
}

/// Lines above the header, or above the first row, and whether there is a header.
fn header(rows: &[(usize, &[String])], width: usize) -> (usize, bool) {
    // The first row that is about as full as most: titles and remarks above it are shorter.
    let full = |r: &[String]| 10 * filled(r) >= 6 * width.min(r.len().max(1)) && (r.len() + 1 >= width);
    let Some(at) = rows.iter().take(HEADER_ROWS).position(|(_, r)| full(r) && r.len() >= width.min(2)) else {
        return (0, true);
    };
    let (line, first) = rows[at];
    let below: Vec<&[String]> = rows[at + 1..].iter().map(|r| r.1).filter(|r| filled(r) > 0).collect();
    // A header has names where the rows below have numbers or dates.
    let named = !first.iter().any(|c| is_value(c));
    let values_below = below.iter().take(100).any(|r| r.iter().any(|c| is_value(c)));
    let recurs =
        below.iter().take(200).any(|r| r.iter().zip(first).any(|(a, b)| a == b && !a.trim().is_empty()));
    let distinct = {
        let mut names: Vec<&str> = first.iter().map(|c| c.trim()).filter(|c| !c.is_empty()).collect();
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        10 * names.len() >= 7 * n
    };
    // Names with a digit, such as `item1_qty` or `Address 2`, are names where most cells are.
    let mostly = first.iter().filter(|c| is_value(c)).count() * 5 < first.len().max(1) && distinct;
    let header = (named || mostly) && (values_below || !recurs);
    (line.saturating_sub(1), header)
}

/// The text column that surplus delimiters stand in: where the values on either side keep their looks.
fn overflow(rows: &[&[String]], width: usize) -> Option<usize> {
    let even: Vec<&&[String]> = rows.iter().filter(|r| r.len() == width).take(500).collect();
    let surplus: Vec<&&[String]> = rows.iter().filter(|r| r.len() > width).take(500).collect();
    if even.is_empty() {
        return None;
    }
    // What the cells of a column are like, in rows that are as they should be.
    let kind = |cell: &str| {
        let cell = cell.trim();
        match cell {
            "" => 0,
            c if c.chars().all(|c| c.is_numeric() || ".,-+ ".contains(c)) => 1,
            c if is_value(c) => 2,
            _ => 3,
        }
    };
    let kinds: Vec<[bool; 4]> = (0..width)
        .map(|column| {
            let mut seen = [false; 4];
            even.iter().for_each(|r| seen[kind(&r[column])] = true);
            seen
        })
        .collect();
    let texts = (0..width).rev().filter(|c| kinds[*c][3]);
    let fits = |at: usize| {
        surplus
            .iter()
            .filter(|r| {
                let more = r.len() - width;
                (0..width).all(|c| match c {
                    c if c < at => kinds[c][kind(&r[c])],
                    c if c > at => kinds[c][kind(&r[c + more])],
                    _ => true,
                })
            })
            .count()
    };
    texts
        .map(|c| (fits(c), c))
        .max_by_key(|(n, c)| (*n, *c))
        .filter(|(n, _)| 10 * n >= 9 * surplus.len())
        .map(|(_, c)| c)
}
