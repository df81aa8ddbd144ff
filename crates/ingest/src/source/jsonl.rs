//! JSON lines: one object a line, its keys the columns.

use std::path::Path;

use memchr::memchr;
use serde_json::Value;

use super::csv::{Delimiter, Dialect};
use super::{Block, Source, find_columns};
use crate::config::{Columns, Input};
use crate::repeats::hash_bytes;
use crate::rows::{Reason, RowReader};
use crate::{ColumnRef, IngestError};

/// Opens a file of JSON lines. A key missing from an object is an empty field.
pub fn open(path: &Path, input: &Input, columns: &Columns) -> Result<Source, IngestError> {
    if columns.by_part().into_iter().flatten().any(|c| matches!(c, ColumnRef::Number(_))) {
        return Err(IngestError::config(
            "[columns]",
            format!("{} holds JSON objects, whose values have no number", path.display()),
            "give keys in place of numbers",
        ));
    }
    let mut keys: Vec<String> = columns.by_part().into_iter().flatten().map(ColumnRef::to_string).collect();
    keys.sort();
    keys.dedup();
    let (slots, names) = find_columns(path, columns, Some(&keys), keys.len())?;
    // Read as text without quotes, the lines arrive whole.
    let as_lines = Input { delimiter: "blanks".into(), header: false, ..input.clone() };
    let plain = super::csv::open(path, &as_lines, &Columns::default())?;
    let mut blocks = plain
        .blocks
        .map(|block| {
            block.map(|block| match block {
                Block::Csv { bytes, first_line } => Block::Jsonl { bytes, first_line },
                other => other,
            })
        })
        .peekable();
    let mut headers = Vec::new();
    if let Some(Ok(Block::Jsonl { bytes, .. })) = blocks.peek() {
        headers = first_keys(path, bytes)?;
        // A mapped key that none of the first objects has is a mistake in the config.
        find_columns(path, columns, Some(&headers), headers.len())?;
    }
    Ok(Source {
        slots,
        headers: Some(headers),
        names,
        dialect: Dialect { delimiter: Delimiter::Blanks, quote: b'"', decoded: false },
        width: keys.len(),
        typed: true,
        keys,
        blocks: Box::new(blocks),
    })
}

/// The keys of the first objects, in the order met.
fn first_keys(path: &Path, bytes: &[u8]) -> Result<Vec<String>, IngestError> {
    let mut present = Vec::new();
    for line in bytes.split(|b| *b == b'\n').take(1000) {
        if let Ok(Value::Object(object)) = serde_json::from_slice(line) {
            for key in object.keys() {
                if !present.contains(key) {
                    present.push(key.clone());
                }
            }
        }
    }
    if present.is_empty() {
        return Err(IngestError::Format {
            path: path.to_owned(),
            format: "JSON lines",
            message: "the first lines hold no objects".into(),
        });
    }
    Ok(present)
}

/// Reads the rows of a block.
pub fn read(bytes: &[u8], first_line: u64, keys: &[String], reader: &mut RowReader<'_>) {
    let (mut start, mut line) = (0, first_line);
    let mut values: Vec<String> = Vec::new();
    while start < bytes.len() {
        let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |n| start + n + 1);
        let text = bytes[start..end].trim_ascii();
        (start, line) = (end, line + 1);
        if text.is_empty() {
            reader.parsed.stats.blank += 1;
            continue;
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(text) else {
            let reason =
                if std::str::from_utf8(text).is_ok() { Reason::BadJson } else { Reason::BadEncoding };
            reader.reject(line - 1, text, reason);
            continue;
        };
        values.clear();
        values.extend(keys.iter().map(|key| match object.get(key) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(s)) => s.clone(),
            Some(other) => other.to_string(),
        }));
        let fields: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
        reader.row(line - 1, &fields, || hash_bytes(text));
    }
}
