//! Workbooks: xlsx cell by cell, older formats as ranges.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Sheets, Xls, Xlsb, Xlsx};

use super::grid::Sheet;
use super::text::open_raw_workbook;
use super::{MOMENT, NUMBER};
use crate::IngestError;

/// Cells of a workbook, at most: a sheet of Excel's full height and sixty columns. More is no export.
const MOST_CELLS: usize = 64 << 20;

/// How workbooks of Excel 97 to 2003 begin.
pub const OLD: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];

/// Every sheet with the cells that hold something.
pub fn sheets(path: &Path) -> Result<Vec<Sheet>, IngestError> {
    let wrong = |message: String| IngestError::Format { path: path.to_owned(), format: "Excel", message };
    let mut bytes = Vec::new();
    open_raw_workbook(path)?.read_to_end(&mut bytes).map_err(IngestError::read(path))?;
    if bytes.is_empty() {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    // A decoder that meets what it does not expect may panic; that is the file's fault, and is said so.
    let read = std::panic::AssertUnwindSafe(|| read(bytes));
    match super::text::quietly(read) {
        Ok(Ok(sheets)) if sheets.is_empty() => Err(wrong("it has no sheets".into())),
        Ok(Ok(sheets)) => Ok(sheets),
        Ok(Err(message)) => Err(wrong(message)),
        Err(()) => Err(wrong("its content is damaged".into())),
    }
}

fn read(bytes: Vec<u8>) -> Result<Vec<Sheet>, String> {
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    let cursor = || Cursor::new(bytes.clone());
    if bytes.starts_with(&OLD) {
        let book = Xls::new(cursor()).map_err(|e| e.to_string())?;
        return ranges(Sheets::Xls(book));
    }
    match Xlsx::new(cursor()) {
        Ok(mut book) => {
            let mut all = Vec::new();
            for name in book.sheet_names() {
                let mut grid = Grid::default();
                {
                    let mut cells = match book.worksheet_cells_reader(&name) {
                        Ok(cells) => cells,
                        // A sheet that is a chart has no cells.
                        Err(calamine::XlsxError::NotAWorksheet(_)) => continue,
                        Err(e) => return Err(e.to_string()),
                    };
                    while let Some(cell) = cells.next_cell().map_err(|e| e.to_string())? {
                        let (row, column) = cell.get_position();
                        grid.put(row, column, of_ref(cell.get_value()))?;
                    }
                }
                all.push(grid.sheet(name));
            }
            Ok(all)
        }
        Err(e) => {
            if let Ok(book) = Xlsb::new(cursor()) {
                return ranges(Sheets::Xlsb(book));
            }
            if let Ok(book) = calamine::Ods::new(cursor()) {
                return ranges(Sheets::Ods(book));
            }
            Err(e.to_string())
        }
    }
}

fn ranges<R: Read + std::io::Seek + Clone>(mut book: Sheets<R>) -> Result<Vec<Sheet>, String> {
    let mut all = Vec::new();
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).map_err(|e| e.to_string())?;
        let (first_row, first_column) = range.start().unwrap_or((0, 0));
        let mut grid = Grid::default();
        for (row, column, cell) in range.used_cells() {
            grid.put(first_row + row as u32, first_column + column as u32, of_data(cell))?;
        }
        all.push(grid.sheet(name));
    }
    Ok(all)
}

/// The cells of a sheet that hold something, by row.
#[derive(Default)]
struct Grid {
    rows: BTreeMap<u32, Vec<(u32, String)>>,
    cells: usize,
}

impl Grid {
    fn put(&mut self, row: u32, column: u32, text: String) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        self.cells += 1;
        if self.cells > MOST_CELLS {
            return Err(format!("a sheet has more than {MOST_CELLS} cells; export it as CSV or Parquet"));
        }
        self.rows.entry(row).or_default().push((column, text));
        Ok(())
    }

    fn sheet(self, name: String) -> Sheet {
        // What stands to the left of all rows is margin; a stray cell far to the right is kept as one field more.
        let left = self.rows.values().flatten().map(|c| c.0).min().unwrap_or(0);
        let typical = {
            let mut widths: Vec<u32> =
                self.rows.values().filter_map(|r| r.iter().map(|c| c.0).max()).collect();
            widths.sort_unstable();
            widths.get(widths.len() * 99 / 100).or(widths.last()).copied().unwrap_or(0)
        };
        let rows = self
            .rows
            .into_iter()
            .map(|(row, mut cells)| {
                cells.sort_by_key(|c| c.0);
                let mut texts: Vec<String> = Vec::new();
                for (column, text) in cells {
                    let at = (column.min(typical.saturating_add(1)) - left) as usize;
                    texts.resize(texts.len().max(at), String::new());
                    texts.push(text);
                }
                (u64::from(row) + 1, texts)
            })
            .collect();
        Sheet { name, rows }
    }
}

fn typed(sign: u8, text: &str) -> String {
    format!("{}{text}", sign as char)
}

fn of_moment(at: &ExcelDateTime) -> String {
    // Before 1900 a serial means nothing, and the decoder cannot make a date of it.
    let serial = at.as_f64();
    if !(0.0..=2_958_466.0).contains(&serial) {
        return typed(NUMBER, &serial.to_string());
    }
    match at.as_datetime() {
        Some(at) => typed(MOMENT, &at.format("%Y-%m-%d %H:%M:%S").to_string()),
        None => typed(NUMBER, &serial.to_string()),
    }
}

fn of_number(value: f64) -> String {
    if value.is_finite() { typed(NUMBER, &value.to_string()) } else { String::new() }
}

fn of_ref(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::Int(i) => typed(NUMBER, &i.to_string()),
        DataRef::Float(f) => of_number(*f),
        DataRef::String(s) => s.clone(),
        DataRef::SharedString(s) => (*s).to_owned(),
        DataRef::Bool(b) => b.to_string(),
        DataRef::DateTime(at) => of_moment(at),
        DataRef::DateTimeIso(text) => typed(MOMENT, text),
        DataRef::DurationIso(text) => text.clone(),
    }
}

fn of_data(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::Int(i) => typed(NUMBER, &i.to_string()),
        Data::Float(f) => of_number(*f),
        Data::String(s) => s.clone(),
        Data::Bool(b) => b.to_string(),
        Data::DateTime(at) => of_moment(at),
        Data::DateTimeIso(text) => typed(MOMENT, text),
        Data::DurationIso(text) => text.clone(),
    }
}
