//! Excel workbooks: one sheet, its first row that is not empty the header.

use std::io::{Cursor, Read};
use std::path::Path;

use calamine::{Data, DataType, Reader, Xlsx};

use super::csv::{Delimiter, Dialect};
use super::text::open_raw;
use super::{BLOCK_ROWS, Block, Source, find_columns};
use crate::IngestError;
use crate::config::{Columns, Input};

/// Opens a sheet. A workbook is read whole: Excel's own limit is about a million rows.
pub fn open(path: &Path, input: &Input, columns: &Columns) -> Result<Source, IngestError> {
    let wrong = |message: String| IngestError::Format { path: path.to_owned(), format: "Excel", message };
    let mut bytes = Vec::new();
    open_raw(path)?.read_to_end(&mut bytes).map_err(IngestError::read(path))?;
    if bytes.is_empty() {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|e| wrong(e.to_string()))?;
    let sheets = book.sheet_names();
    let sheet = match &input.sheet {
        Some(name) => name.clone(),
        None => sheets.first().cloned().ok_or_else(|| wrong("it has no sheets".into()))?,
    };
    if !sheets.contains(&sheet) {
        return Err(IngestError::config(
            "[input] sheet",
            format!("{} has no sheet `{sheet}`", path.display()),
            format!("its sheets are {}", sheets.join(", ")),
        ));
    }
    let range = book.worksheet_range(&sheet).map_err(|e| wrong(e.to_string()))?;
    let first_row = range.start().map_or(0, |(row, _)| row) as u64 + 1;
    let mut rows: Vec<Vec<String>> = range.rows().map(|row| row.iter().map(text).collect()).collect();
    if rows.is_empty() {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    let width = rows[0].len();
    let headers: Option<Vec<String>> =
        input.header.then(|| rows.remove(0).iter().map(|h| h.trim().to_owned()).collect());
    if rows.is_empty() {
        return Err(IngestError::HeaderOnly { path: path.to_owned() });
    }
    let (slots, names) = find_columns(path, columns, headers.as_deref(), width)?;
    let first_row = first_row + u64::from(headers.is_some());
    let mut blocks = Vec::new();
    let mut at = first_row;
    let mut rows = rows.into_iter();
    loop {
        let block: Vec<Vec<String>> = rows.by_ref().take(BLOCK_ROWS).collect();
        if block.is_empty() {
            break;
        }
        let n = block.len() as u64;
        blocks.push(Ok(Block::Cells { rows: block, first_row: at }));
        at += n;
    }
    Ok(Source {
        slots,
        headers,
        names,
        dialect: Dialect { delimiter: Delimiter::Blanks, quote: b'"', decoded: false },
        width,
        typed: true,
        keys: Vec::new(),
        blocks: Box::new(blocks.into_iter()),
    })
}

/// A cell as text: dates as ISO, whole numbers without a tail.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::DateTime(_) | Data::DateTimeIso(_) => match cell.as_datetime() {
            Some(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
            None => cell.to_string(),
        },
        Data::Float(f) => f.to_string(),
        other => other.to_string(),
    }
}
