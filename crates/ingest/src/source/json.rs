//! JSON: one object a line, or an array of objects. Keys within keys are columns with a point in their name. A value that MongoDB
//! wraps with its type (`{"$date": ...}`) is the value.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::csv::Dialect;
use super::text::{append, line_end, line_ends, open_text};
use super::{BLOCK_BYTES, Block, NUMBER, Sheets, Source, Wanted};
use crate::repeats::hash_bytes;
use crate::rows::{Reason, TakeRows};
use crate::{ColumnRef, IngestError};

/// Objects looked at for the columns there are.
const HEAD: usize = 1000;
/// Columns, at most.
const MOST_KEYS: usize = 2000;

/// Opens a file of JSON lines. A key missing from an object is an empty field.
pub fn open_lines(path: &Path, wanted: Wanted<'_>) -> Result<Source, IngestError> {
    let mut blocks = super::csv::lines(path, &wanted.input.encoding, wanted.input.skip_lines)?
        .map(|block| {
            block.map(|block| match block {
                Block::Csv { bytes, first_line } => Block::Jsonl { bytes, first_line },
                other => other,
            })
        })
        .peekable();
    let head: Vec<Value> = match blocks.peek() {
        Some(Ok(Block::Jsonl { bytes, .. })) => {
            let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty());
            lines.take(HEAD).filter_map(|line| serde_json::from_slice(line).ok()).collect()
        }
        None => return Err(IngestError::Empty { path: path.to_owned() }),
        _ => Vec::new(),
    };
    open(path, wanted, &head, Box::new(blocks))
}

/// Opens a JSON file that holds an array of objects, by itself or under a key.
pub fn open_array(path: &Path, wanted: Wanted<'_>) -> Result<Source, IngestError> {
    let text = open_text(path, &wanted.input.encoding)?;
    let mut blocks = Objects {
        path: path.to_owned(),
        text,
        held: Vec::new(),
        at: 0,
        line: 1,
        within: false,
        ended: false,
    }
    .peekable();
    let head: Vec<Value> = match blocks.peek() {
        Some(Ok(Block::Objects { items })) => {
            items.iter().take(HEAD).filter_map(|(_, item)| serde_json::from_slice(item).ok()).collect()
        }
        None => return Err(IngestError::Empty { path: path.to_owned() }),
        _ => Vec::new(),
    };
    open(path, wanted, &head, Box::new(blocks))
}

fn open(
    path: &Path,
    wanted: Wanted<'_>,
    head: &[Value],
    mut blocks: Box<dyn Iterator<Item = Result<Block, IngestError>> + Send>,
) -> Result<Source, IngestError> {
    if wanted.columns.by_part().into_iter().flatten().any(|c| matches!(c, ColumnRef::Number(_))) {
        return Err(IngestError::config(
            "[columns]",
            format!("{} holds JSON objects, whose values have no number", path.display()),
            "give keys in place of numbers",
        ));
    }
    let mut keys: Vec<String> = Vec::new();
    for object in head {
        collect_keys(object, "", &mut keys);
    }
    if keys.is_empty() {
        // An error of reading says more.
        if let Some(Err(e)) = blocks.next() {
            return Err(e);
        }
        return Err(IngestError::Format {
            path: path.to_owned(),
            format: "JSON",
            message: "its beginning holds no objects".into(),
        });
    }
    let width = (keys.len(), keys.len());
    let (mut layout, headers) = wanted.layout(path, Some(&keys), width, Dialect::none())?;
    layout.typed = true;
    layout.keys = keys;
    Ok(Source { headers, sheets: Sheets::default(), layout, blocks })
}

/// The keys of an object in the order met, those of objects within it behind their own, with a point.
fn collect_keys(value: &Value, before: &str, keys: &mut Vec<String>) {
    let Value::Object(object) = value else { return };
    for (key, value) in object {
        let name = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        match unwrapped(value) {
            value @ Value::Object(_) if before.matches('.').count() < 4 => collect_keys(value, &name, keys),
            _ if keys.len() < MOST_KEYS && !keys.contains(&name) => keys.push(name),
            _ => {}
        }
    }
}

/// What stands in an object whose one key is a type of MongoDB's, such as `$date`.
fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Object(object) if object.len() == 1 => {
            object.iter().find(|(key, _)| key.starts_with('$')).map_or(value, |(_, inner)| unwrapped(inner))
        }
        _ => value,
    }
}

fn find<'v>(object: &'v Value, key: &str) -> Option<&'v Value> {
    if let Some(value) = object.get(key) {
        return Some(value);
    }
    let (first, rest) = key.split_once('.')?;
    find(object.get(first)?, rest)
}

fn take(line: u64, text: &[u8], keys: &[String], values: &mut Vec<String>, rows: &mut dyn TakeRows) {
    let object = match serde_json::from_slice::<Value>(text) {
        Ok(object) if object.is_object() => object,
        _ => {
            let reason =
                if std::str::from_utf8(text).is_ok() { Reason::BadJson } else { Reason::BadEncoding };
            rows.reject(line, text, reason);
            return;
        }
    };
    values.clear();
    values.extend(keys.iter().map(|key| match find(&object, key).map(unwrapped) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => format!("{}{n}", NUMBER as char),
        Some(other) => other.to_string(),
    }));
    let fields: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
    rows.row(line, &fields, &|| hash_bytes(text));
}

/// Reads the rows of a block of lines.
pub fn read_lines(bytes: &[u8], first_line: u64, keys: &[String], rows: &mut dyn TakeRows) {
    let (mut start, mut line) = (0, first_line);
    let mut values = Vec::new();
    while start < bytes.len() {
        let end = line_end(bytes, start);
        let text = bytes[start..end].trim_ascii();
        (start, line) = (end, line + 1);
        if text.is_empty() {
            rows.blank();
        } else {
            take(line - 1, text, keys, &mut values, rows);
        }
    }
}

/// Reads the rows of a block of objects.
pub fn read_objects(items: &[(u64, Vec<u8>)], keys: &[String], rows: &mut dyn TakeRows) {
    let mut values = Vec::new();
    for (line, item) in items {
        take(*line, item, keys, &mut values, rows);
    }
}

/// The objects of the first array of a text, one after the other.
struct Objects {
    path: PathBuf,
    text: Box<dyn Read + Send>,
    held: Vec<u8>,
    at: usize,
    line: u64,
    /// Whether the array has begun.
    within: bool,
    ended: bool,
}

/// The longest object.
const OBJECT_LIMIT: usize = 64 << 20;

impl Objects {
    fn fill(&mut self) -> Result<bool, IngestError> {
        if self.ended {
            return Ok(false);
        }
        self.held.drain(..self.at);
        self.at = 0;
        let from = self.held.len();
        if from > OBJECT_LIMIT {
            return Err(IngestError::Format {
                path: self.path.clone(),
                format: "JSON",
                message: format!("the object on line {} is longer than 64 MB", self.line),
            });
        }
        self.ended =
            append(&mut self.text, &mut self.held, BLOCK_BYTES).map_err(IngestError::read(&self.path))?;
        Ok(self.held.len() > from)
    }

    /// The next object and the line it begins on.
    fn object(&mut self) -> Result<Option<(u64, Vec<u8>)>, IngestError> {
        loop {
            // Up to the object's brace.
            let wanted = if self.within { b'{' } else { b'[' };
            match self.held[self.at..].iter().position(|b| *b == wanted || (self.within && *b == b']')) {
                Some(n) => {
                    self.line += line_ends(&self.held[self.at..self.at + n]);
                    self.at += n;
                    if self.held[self.at] == b']' {
                        return Ok(None);
                    }
                    if !self.within {
                        self.within = true;
                        self.at += 1;
                        continue;
                    }
                    break;
                }
                None => {
                    self.line += line_ends(&self.held[self.at..]);
                    self.at = self.held.len();
                    if !self.fill()? {
                        return Ok(None);
                    }
                }
            }
        }
        let (mut depth, mut text, mut escaped, mut i) = (0usize, false, false, self.at);
        loop {
            if i == self.held.len() {
                let back = self.at;
                if !self.fill()? {
                    let rest = self.held.split_off(self.at);
                    return Ok((!rest.is_empty()).then_some((self.line, rest)));
                }
                i -= back;
            }
            match self.held[i] {
                _ if escaped => escaped = false,
                b'\\' if text => escaped = true,
                b'"' => text = !text,
                b'{' if !text => depth += 1,
                b'}' if !text => {
                    depth -= 1;
                    if depth == 0 {
                        let object = self.held[self.at..=i].to_vec();
                        let line = self.line;
                        self.line += line_ends(&object);
                        self.at = i + 1;
                        return Ok(Some((line, object)));
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }
}

impl Iterator for Objects {
    type Item = Result<Block, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        while bytes < BLOCK_BYTES {
            match self.object() {
                Ok(Some((line, item))) => {
                    bytes += item.len();
                    items.push((line, item));
                }
                Ok(None) => break,
                Err(e) => return Some(Err(e)),
            }
        }
        (!items.is_empty()).then_some(Ok(Block::Objects { items }))
    }
}
