//! Tables in HTML, which some tools save under the name of a workbook.

use std::io::Read;
use std::path::Path;

use html5gum::{DefaultEmitter, IoReader, Token, Tokenizer};

use super::grid::Sheet;
use super::text::open_text;
use crate::IngestError;

/// Columns that one cell may span.
const MOST_SPAN: usize = 1000;

/// The tables of a page, each with its rows; tables within a cell are part of its text.
pub fn tables(path: &Path, encoding: &str) -> Result<Vec<Sheet>, IngestError> {
    read(open_text(path, encoding)?).map_err(IngestError::read(path))
}

#[derive(Default)]
struct Row {
    cells: Vec<String>,
    cell: Option<(Vec<u8>, usize)>,
    open: bool,
}

impl Row {
    fn end_cell(&mut self) {
        if let Some((text, span)) = self.cell.take() {
            let text = String::from_utf8_lossy(&text);
            self.cells.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            self.cells.extend(std::iter::repeat_n(String::new(), span - 1));
        }
    }

    fn end(&mut self, sheet: &mut Sheet) {
        self.end_cell();
        if std::mem::take(&mut self.open) {
            let number = sheet.rows.len() as u64 + 1;
            sheet.rows.push((number, std::mem::take(&mut self.cells)));
        }
    }
}

fn read(text: impl Read) -> std::io::Result<Vec<Sheet>> {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let (mut sheets, mut sheet, mut row, mut depth) = (Vec::new(), Sheet::default(), Row::default(), 0usize);
    for token in Tokenizer::new_with_emitter(IoReader::new(text), emitter) {
        match token? {
            Token::StartTag(tag) => match tag.name.as_slice() {
                b"table" => depth += 1,
                b"tr" if depth == 1 => {
                    row.end(&mut sheet);
                    row.open = true;
                }
                b"td" | b"th" if depth == 1 => {
                    row.end_cell();
                    row.open = true;
                    let span = tag.attributes.get(&b"colspan"[..]).and_then(|v| {
                        std::str::from_utf8(v.value.as_slice()).ok()?.trim().parse::<usize>().ok()
                    });
                    row.cell = Some((Vec::new(), span.unwrap_or(1).clamp(1, MOST_SPAN)));
                }
                b"br" | b"p" | b"div" => {
                    if let Some((text, _)) = &mut row.cell {
                        text.push(b' ');
                    }
                }
                _ => {}
            },
            Token::EndTag(tag) => match tag.name.as_slice() {
                b"td" | b"th" if depth == 1 => row.end_cell(),
                b"tr" if depth == 1 => row.end(&mut sheet),
                b"table" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        row.end(&mut sheet);
                        sheets.push(named(std::mem::take(&mut sheet), sheets.len()));
                    }
                }
                _ => {}
            },
            Token::String(text) => {
                if let Some((cell, _)) = &mut row.cell {
                    cell.extend_from_slice(text.value.as_slice());
                }
            }
            _ => {}
        }
    }
    row.end(&mut sheet);
    if !sheet.rows.is_empty() {
        sheets.push(named(sheet, sheets.len()));
    }
    Ok(sheets)
}

fn named(sheet: Sheet, before: usize) -> Sheet {
    Sheet { name: format!("table {}", before + 1), ..sheet }
}
