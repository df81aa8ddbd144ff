//! Files of every format, cut into blocks that can be read side by side.

mod csv;
mod jsonl;
mod parquet;
mod text;
mod xlsx;

use std::path::Path;

use crate::config::{Columns, Format, Input};
use crate::rows::{PARTS, RowReader, Slots};
use crate::{ColumnRef, IngestError};

pub use csv::Dialect;
pub use text::{open_raw, open_text, read_full};

/// Bytes of text in a block. The same for any number of threads, as results must be.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Rows in a block of a format that is not text.
pub const BLOCK_ROWS: usize = 16_384;

/// A piece of a file that holds whole rows.
pub enum Block {
    /// Delimited text and the number of its first line.
    Csv { bytes: Vec<u8>, first_line: u64 },
    /// JSON lines and the number of the first.
    Jsonl { bytes: Vec<u8>, first_line: u64 },
    /// Fields as text, and the number of the first row.
    Cells { rows: Vec<Vec<String>>, first_row: u64 },
}

/// One input file, opened.
pub struct Source {
    pub slots: Slots,
    /// The names of all columns, where the file gives them.
    pub headers: Option<Vec<String>>,
    /// The name of each part's column, for rejects.
    pub names: [Option<String>; PARTS.len()],
    dialect: Dialect,
    /// Fields in a full row.
    width: usize,
    /// Whether the format types its values.
    typed: bool,
    /// For JSON lines: the keys, in the order of the slots.
    keys: Vec<String>,
    blocks: Box<dyn Iterator<Item = Result<Block, IngestError>> + Send>,
}

impl Source {
    /// Opens a file and finds the mapped columns in it.
    pub fn open(path: &Path, input: &Input, columns: &Columns) -> Result<Source, IngestError> {
        match format_of(path, input.format) {
            Format::Parquet => parquet::open(path, columns),
            Format::Xlsx => xlsx::open(path, input, columns),
            Format::Jsonl => jsonl::open(path, input, columns),
            Format::Csv | Format::Auto => csv::open(path, input, columns),
        }
    }

    pub fn next_block(&mut self) -> Result<Option<Block>, IngestError> {
        self.blocks.next().transpose()
    }

    /// What a worker needs to read this file's blocks, without the file.
    pub fn layout(&self) -> Layout {
        Layout {
            slots: self.slots,
            dialect: self.dialect.clone(),
            width: self.width,
            typed: self.typed,
            keys: self.keys.clone(),
        }
    }
}

/// How the blocks of one file are read.
pub struct Layout {
    pub slots: Slots,
    dialect: Dialect,
    width: usize,
    pub typed: bool,
    keys: Vec<String>,
}

impl Layout {
    /// Reads the rows of a block.
    pub fn read(&self, block: &Block, reader: &mut RowReader<'_>) {
        match block {
            Block::Csv { bytes, first_line } => {
                csv::read(bytes, *first_line, &self.dialect, self.width, reader)
            }
            Block::Jsonl { bytes, first_line } => jsonl::read(bytes, *first_line, &self.keys, reader),
            Block::Cells { rows, first_row } => {
                let mut fields = Vec::new();
                for (row, number) in rows.iter().zip(*first_row..) {
                    fields.clear();
                    fields.extend(row.iter().map(String::as_bytes));
                    if fields.iter().all(|f| f.is_empty()) {
                        reader.parsed.stats.blank += 1;
                    } else {
                        reader.row(number, &fields, || {
                            crate::repeats::hash_fields(&fields, self.dialect.separator())
                        });
                    }
                }
            }
        }
    }
}

/// The format of a file: as stated, else by its ending.
pub fn format_of(path: &Path, stated: Format) -> Format {
    if stated != Format::Auto {
        return stated;
    }
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("parquet" | "pq") => Format::Parquet,
        Some("xlsx" | "xlsm") => Format::Xlsx,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        _ => Format::Csv,
    }
}

impl Columns {
    /// The columns in the order of [`PARTS`].
    pub fn by_part(&self) -> [Option<&ColumnRef>; PARTS.len()] {
        [
            &self.customer,
            &self.order,
            &self.date,
            &self.product,
            &self.quantity,
            &self.price,
            &self.amount,
            &self.category,
            &self.country,
            &self.channel,
            &self.store,
            &self.currency,
            &self.unit_cost,
            &self.cancelled,
        ]
        .map(Option::as_ref)
    }
}

/// Finds the mapped columns among a file's headers. Without headers, columns are numbers.
fn find_columns(
    path: &Path,
    columns: &Columns,
    headers: Option<&[String]>,
    width: usize,
) -> Result<(Slots, [Option<String>; PARTS.len()]), IngestError> {
    let mut slots: Slots = [None; PARTS.len()];
    let mut names = [const { None }; PARTS.len()];
    for (i, column) in columns.by_part().into_iter().enumerate() {
        let Some(column) = column else { continue };
        let found = match (column, headers) {
            (ColumnRef::Number(n), _) => (1..=width).contains(n).then(|| n - 1),
            (ColumnRef::Name(name), Some(headers)) => headers
                .iter()
                .position(|h| h == name)
                .or_else(|| headers.iter().position(|h| h.trim() == name.trim())),
            (ColumnRef::Name(name), None) => {
                return Err(IngestError::config(
                    &format!("[columns] {}", PARTS[i].1),
                    format!("`{name}` is a name, but [input] header = false"),
                    "give the column's number, from 1",
                ));
            }
        };
        if let (ColumnRef::Name(name), Some(headers)) = (column, headers)
            && headers.iter().filter(|h| *h == name).count() > 1
        {
            return Err(IngestError::config(
                &format!("[columns] {}", PARTS[i].1),
                format!("{} has more than one column `{name}`", path.display()),
                "give the column's number, from 1",
            ));
        }
        let Some(at) = found else {
            let present: Vec<String> = match headers {
                Some(headers) => headers.iter().map(|h| format!("`{h}`")).collect(),
                None => vec![format!("1 to {width}")],
            };
            let suggestion = match (column, headers) {
                (ColumnRef::Name(name), Some(headers)) => headers
                    .iter()
                    .map(|h| (h.to_lowercase().replace([' ', '_'], ""), h))
                    .find(|(h, _)| *h == name.to_lowercase().replace([' ', '_'], ""))
                    .map(|(_, h)| format!(" (did you mean `{h}`?)"))
                    .unwrap_or_default(),
                _ => String::new(),
            };
            return Err(IngestError::NoColumn {
                path: path.to_owned(),
                column: column.to_string(),
                part: PARTS[i].1,
                suggestion,
                present: present.join(", "),
                delimiter_hint: if width == 1 {
                    ", or [input] delimiter: the lines have one field only".into()
                } else {
                    String::new()
                },
            });
        };
        slots[i] = Some(at);
        names[i] = Some(match headers {
            Some(headers) => headers[at].clone(),
            None => format!("{}", at + 1),
        });
    }
    Ok((slots, names))
}
