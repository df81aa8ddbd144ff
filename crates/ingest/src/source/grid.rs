//! Rows of cells: the sheets of a workbook, the tables of a page.

use std::path::Path;

use super::csv::Dialect;
use super::{BLOCK_ROWS, Block, Sheets, Source, Wanted, bare};
use crate::IngestError;
use crate::repeats::hash_fields;
use crate::rows::{Reason, TakeRows};

/// A row's number in its file, and its cells.
pub type Row = (u64, Vec<String>);

/// A sheet: its rows that hold anything, each with its number from 1.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub name: String,
    pub rows: Vec<Row>,
}

impl Sheet {
    /// How many rows are skipped.
    fn skipped(&self, skip: usize) -> usize {
        self.rows.partition_point(|(number, _)| *number <= skip as u64)
    }

    /// How many rows stand above those that hold data: the skipped ones and the header.
    fn top(&self, skip: usize, header: bool) -> usize {
        (self.skipped(skip) + usize::from(header)).min(self.rows.len())
    }

    /// The names of the columns, from the row below those that are skipped.
    fn header(&self, skip: usize) -> Vec<String> {
        let name = |h: &String| String::from_utf8_lossy(bare(h.as_bytes())).trim().to_owned();
        self.rows.get(self.skipped(skip)).map_or(Vec::new(), |(_, row)| row.iter().map(name).collect())
    }
}

/// Opens the sheets that are asked for: by name, or the first that has the mapped columns and all with its header.
pub fn open(path: &Path, sheets: Vec<Sheet>, typed: bool, wanted: Wanted<'_>) -> Result<Source, IngestError> {
    let (skip, header) = (wanted.input.skip_lines, wanted.input.header);
    let named = wanted.input.sheet.all();
    if let Some(missing) = named.iter().find(|name| !sheets.iter().any(|s| s.name == **name)) {
        let names: Vec<&str> = sheets.iter().map(|s| s.name.as_str()).collect();
        return Err(IngestError::config(
            "[input] sheet",
            format!("{} has no sheet `{missing}`", path.display()),
            format!("its sheets are {}", names.join(", ")),
        ));
    }
    let headers_of = |s: &Sheet| if header { s.header(skip) } else { Vec::new() };
    let asked: Vec<&Sheet> = sheets.iter().filter(|s| named.is_empty() || named.contains(&s.name)).collect();
    if asked.iter().all(|s| s.rows.is_empty()) {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    // Without mapped columns, the largest sheet is what the workbook is about.
    let maps_nothing = wanted.columns.by_part().iter().all(Option::is_none);
    let first = if maps_nothing {
        asked.iter().rev().max_by_key(|s| s.rows.len())
    } else {
        asked
            .iter()
            .find(|s| !s.rows.is_empty() && wanted.fits(&headers_of(s)))
            .or(asked.iter().find(|s| !s.rows.is_empty()))
    };
    let Some(first) = first else { return Err(IngestError::Empty { path: path.to_owned() }) };
    let headers = header.then(|| headers_of(first));
    let (mut read, mut left): (Vec<&Sheet>, Vec<&str>) = (Vec::new(), Vec::new());
    for sheet in &asked {
        let same = std::ptr::eq(*sheet, *first) || (header && headers_of(sheet) == headers_of(first));
        if same {
            read.push(sheet);
        } else if !sheet.rows.is_empty() {
            left.push(&sheet.name);
        }
    }
    if !named.is_empty() && !left.is_empty() {
        return Err(IngestError::config(
            "[input] sheet",
            format!("the sheet `{}` has another header than `{}`", left[0], first.name),
            "name sheets with the same columns",
        ));
    }
    let told = Sheets {
        read: read.iter().filter(|_| read.len() > 1).map(|s| s.name.clone()).collect(),
        left: left.iter().map(|name| (*name).to_owned()).collect(),
    };
    let width = match &headers {
        Some(headers) => headers.len(),
        None => first.rows.iter().map(|r| r.1.len()).max().unwrap_or(0),
    };
    if read.iter().all(|s| s.rows.len() == s.top(skip, header)) {
        return Err(IngestError::HeaderOnly { path: path.to_owned() });
    }
    let (mut layout, headers) = wanted.layout(path, headers.as_deref(), (width, width), Dialect::none())?;
    layout.typed = typed;
    let is_read: Vec<bool> = sheets.iter().map(|s| read.iter().any(|r| std::ptr::eq(*r, s))).collect();
    let mut rows = sheets.into_iter().zip(is_read).filter(|(_, is_read)| *is_read).flat_map(move |(s, _)| {
        let top = s.top(skip, header);
        s.rows.into_iter().skip(top)
    });
    let blocks = std::iter::from_fn(move || {
        let block: Vec<Row> = rows.by_ref().take(BLOCK_ROWS).collect();
        (!block.is_empty()).then_some(Ok(Block::Cells { rows: block }))
    });
    Ok(Source { headers, sheets: told, layout, blocks: Box::new(blocks) })
}

/// Reads the rows of a block.
pub fn read(cells: &[Row], width: usize, separator: u8, rows: &mut dyn TakeRows) {
    let mut fields: Vec<&[u8]> = Vec::with_capacity(width);
    for (number, row) in cells {
        fields.clear();
        fields.extend(row.iter().map(String::as_bytes));
        if fields.iter().all(|f| bare(f).trim_ascii().is_empty()) {
            rows.blank();
        } else if fields.len() > width && fields[width..].iter().any(|f| !bare(f).trim_ascii().is_empty()) {
            rows.reject(*number, &fields.join(&b' '), Reason::RaggedRow);
        } else {
            fields.resize(width, b"");
            rows.row(*number, &fields, &|| hash_fields(&fields, separator));
        }
    }
}
