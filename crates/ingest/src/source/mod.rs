//! Files of every format, cut into blocks that can be read side by side.

mod csv;
mod grid;
mod html;
mod join;
mod json;
mod parquet;
mod text;
mod workbook;

use std::path::Path;

use tillwise_core::told::Message;
use tillwise_core::{message, shortened};

use crate::config::{Columns, Format, Input};
use crate::rows::{PARTS, Part, TakeRows};
use crate::{ColumnRef, IngestError, InputFile};
use text::Packing;

pub use csv::Dialect;
pub use grid::Sheet;
pub use join::Joined;
pub use text::{files_of_zip, head_of, open_raw, open_text, read_full, within_zip};

/// Bytes of text in a block. The same for any number of threads, as results must be.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Rows in a block of a format that is not text.
pub const BLOCK_ROWS: usize = 16_384;
/// Blocks that are read side by side before what they hold is put together. The same for any number of threads, as results
/// must be.
pub const BLOCKS_A_ROUND: usize = 8;

/// Stands before a cell that the file holds as a number, not as text: it is written with a point.
pub const NUMBER: u8 = 1;
/// Stands before a cell that the file holds as a date: it is written as ISO 8601 says.
pub const MOMENT: u8 = 2;

/// A cell without the sign of its type.
pub fn bare(cell: &[u8]) -> &[u8] {
    match cell {
        [NUMBER | MOMENT, rest @ ..] => rest,
        cell => cell,
    }
}

/// A piece of a file that holds whole rows.
pub enum Block {
    /// Delimited text and the number of its first line.
    Csv { bytes: Vec<u8>, first_line: u64 },
    /// JSON lines and the number of the first.
    Jsonl { bytes: Vec<u8>, first_line: u64 },
    /// JSON objects, each with the line it begins on.
    Objects { items: Vec<(u64, Vec<u8>)> },
    /// Rows of cells, each with its number.
    Cells { rows: Vec<grid::Row> },
}

/// Where the fields of a file's rows are.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    parts: [Option<usize>; PARTS.len()],
    /// Columns that an order's number is unique only together with.
    pub within: Vec<usize>,
    /// The file's name, where an order's number is unique within a file only.
    pub within_file: Option<String>,
    /// Columns whose blank cells repeat the one above.
    pub fill: Vec<usize>,
    /// The column that delimiters without quotes stand in.
    pub overflow: Option<usize>,
}

impl Slots {
    /// The place of a part's column.
    pub fn part(&self, part: Part) -> Option<usize> {
        self.parts[part as usize]
    }
}

/// One input file, opened.
pub struct Source {
    /// The names of all columns, where the file gives them; those of joined files come last.
    pub headers: Option<Vec<String>>,
    /// The sheets of a workbook, where not all of them are one.
    pub sheets: Sheets,
    layout: Layout,
    blocks: Box<dyn Iterator<Item = Result<Block, IngestError>> + Send>,
}

/// Which sheets of a workbook are read.
#[derive(Clone, Debug, Default)]
pub struct Sheets {
    /// Those with the same header, where they are several.
    pub read: Vec<String>,
    /// Those with another header.
    pub left: Vec<String>,
}

impl Sheets {
    /// What should be known of them.
    pub fn told(&self) -> Vec<Message> {
        let mut told = Vec::new();
        if !self.read.is_empty() {
            let names = self.read.join(", ");
            told.push(message!("sheets_read", sheets = self.read.len(), names = names));
        }
        if !self.left.is_empty() {
            told.push(message!("sheets_left", names = self.left.join(", ")));
        }
        told
    }

    /// The same for whoever proposes a config.
    pub fn said(&self) -> Vec<String> {
        let mut said = Vec::new();
        if !self.read.is_empty() {
            let (sheets, names) = (self.read.len(), self.read.join(", "));
            said.push(format!("{sheets} sheets with the same header are read: {names}"));
        }
        if !self.left.is_empty() {
            said.push(format!("these sheets have another header and are not read: {}", self.left.join(", ")));
        }
        said
    }
}

/// How the blocks of one file are read.
#[derive(Clone, Debug)]
pub struct Layout {
    pub slots: Slots,
    /// The name of each part's column, for rejects.
    pub names: [Option<String>; PARTS.len()],
    /// Files that more columns come from.
    pub joins: Vec<Joined>,
    /// Whether the format types its values.
    pub typed: bool,
    dialect: Dialect,
    /// Fields in a full row, and those that it must have at least.
    width: (usize, usize),
    /// For JSON: the keys, in the order of the slots.
    keys: Vec<String>,
}

impl Source {
    /// Opens a file and finds the mapped columns in it. `base` is the folder of the config.
    pub fn open(
        file: &InputFile,
        input: &Input,
        columns: &Columns,
        base: &Path,
    ) -> Result<Source, IngestError> {
        let joins = join::load(&input.join, input, base)?;
        let wanted = Wanted { columns, input, joins, file: &file.name };
        let path = &file.path;
        match format_of(path, input.format)? {
            Format::Parquet => parquet::open(path, wanted),
            Format::Xlsx => grid::open(path, workbook::sheets(path)?, true, wanted),
            Format::Html => grid::open(path, html::tables(path, &input.encoding)?, false, wanted),
            Format::Jsonl => json::open_lines(path, wanted),
            Format::Json => json::open_array(path, wanted),
            Format::Csv | Format::Auto => csv::open(path, wanted),
        }
    }

    pub fn next_block(&mut self) -> Result<Option<Block>, IngestError> {
        self.blocks.next().transpose()
    }

    /// Looks at all blocks, some at a time and in order; the next ones are fetched meanwhile.
    pub fn rounds(&mut self, mut look: impl FnMut(&[Block]) + Send) -> Result<(), IngestError> {
        let mut next =
            || self.blocks.by_ref().take(BLOCKS_A_ROUND).collect::<Result<Vec<Block>, IngestError>>();
        let mut round = next()?;
        while !round.is_empty() {
            round = rayon::join(|| look(&round), &mut next).1?;
        }
        Ok(())
    }

    /// What a worker needs to read this file's blocks, without the file.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The sheets of a workbook, or the tables of a page; `None` for other formats.
pub fn sheets(path: &Path, input: &Input) -> Result<Option<Vec<Sheet>>, IngestError> {
    Ok(match format_of(path, input.format)? {
        Format::Xlsx => Some(workbook::sheets(path)?),
        Format::Html => Some(html::tables(path, &input.encoding)?),
        _ => None,
    })
}

impl Layout {
    /// Reads the rows of a block.
    pub fn read(&self, block: &Block, rows: &mut dyn TakeRows) {
        match block {
            Block::Csv { bytes, first_line } => {
                csv::read(bytes, *first_line, &self.dialect, self.width, self.slots.overflow, rows);
            }
            Block::Jsonl { bytes, first_line } => json::read_lines(bytes, *first_line, &self.keys, rows),
            Block::Objects { items } => json::read_objects(items, &self.keys, rows),
            Block::Cells { rows: cells } => grid::read(cells, self.width.0, self.dialect.separator(), rows),
        }
    }

    /// Puts the fields of joined files behind a row's own.
    pub fn joined<'f>(&'f self, fields: &mut Vec<&'f [u8]>) {
        if self.joins.is_empty() {
            return;
        }
        fields.resize(self.width.0, b"");
        for join in &self.joins {
            join.add(fields);
        }
    }
}

/// What is to be found in a file.
pub struct Wanted<'a> {
    columns: &'a Columns,
    input: &'a Input,
    joins: Vec<join::Loaded>,
    /// The file's name.
    file: &'a str,
}

impl Wanted<'_> {
    /// Whether a header has all the mapped columns, so that a sheet with it can be read.
    fn fits(&self, headers: &[String]) -> bool {
        let has = |c: &ColumnRef| match c {
            ColumnRef::Name(name) => headers.iter().any(|h| h.trim() == name.trim()),
            ColumnRef::Number(n) => *n <= headers.len(),
        };
        self.columns.by_part().into_iter().flatten().all(has) || !self.joins.is_empty()
    }

    /// Finds the mapped columns, and joins what is to be joined.
    fn layout(
        self,
        path: &Path,
        headers: Option<&[String]>,
        width: (usize, usize),
        dialect: Dialect,
    ) -> Result<(Layout, Option<Vec<String>>), IngestError> {
        let mut all: Option<Vec<String>> = headers.map(<[String]>::to_vec);
        let mut joins = Vec::new();
        for loaded in self.joins {
            let Some(headers) = &mut all else {
                return Err(IngestError::config(
                    "[[input.join]]",
                    "a file without a header has no key by name",
                    "join files that have headers",
                ));
            };
            joins.push(loaded.onto(path, headers)?);
        }
        let known = all.as_deref();
        let full = known.map_or(width.0, <[String]>::len);
        let mut slots = Slots::default();
        let mut names = [const { None }; PARTS.len()];
        let find = |key: &str, column: &ColumnRef| find_column(path, key, column, known, full);
        for (i, column) in self.columns.by_part().into_iter().enumerate() {
            let Some(column) = column else { continue };
            let at = find(PARTS[i].1, column)?;
            slots.parts[i] = Some(at);
            names[i] = Some(known.map_or_else(|| (at + 1).to_string(), |h| h[at].clone()));
        }
        for column in &self.columns.order_within {
            match find("order_within", column) {
                // A column of this name goes before.
                Err(_) if column.is_file() => slots.within_file = Some(self.file.to_owned()),
                at => slots.within.push(at?),
            }
        }
        for column in &self.input.fill_down {
            slots.fill.push(find_column(path, "[input] fill_down", column, known, full)?);
        }
        if let Some(column) = &self.input.overflow {
            slots.overflow = Some(find_column(path, "[input] overflow", column, known, full)?);
        }
        let layout = Layout { slots, names, joins, typed: false, dialect, width, keys: Vec::new() };
        Ok((layout, all))
    }
}

/// The format of a file: as stated, else by its content, else by its ending.
pub fn format_of(path: &Path, stated: Format) -> Result<Format, IngestError> {
    if stated != Format::Auto {
        return Ok(stated);
    }
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let packed = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).or(name.strip_suffix(".zip"));
    let ending = packed.unwrap_or(&name).rsplit_once('.').map_or("", |(_, ending)| ending);
    let zipped = within_zip(path).is_some();
    let head = if zipped {
        head_of(&mut open_raw(path)?, 4096)
    } else {
        head_of(&mut text::open_plain(path)?, 4096)
    };
    let head = head.map_err(IngestError::read(path))?;
    if zipped && (head.starts_with(b"PAR1") || Packing::of(&head) != Packing::None) {
        let message = "it is packed within a zip; unpack the zip".to_owned();
        return Err(IngestError::Format { path: path.to_owned(), format: "text", message });
    }
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    let packing = Packing::of(&head);
    if head.starts_with(&workbook::OLD) || (packing == Packing::Zip && text::is_workbook(path)?) {
        return Ok(Format::Xlsx);
    }
    let head = match packing {
        Packing::None => head,
        _ => head_of(&mut open_raw(path)?, 4096).map_err(IngestError::read(path))?,
    };
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start();
    let start = String::from_utf8_lossy(&text[..text.len().min(512)]).to_ascii_lowercase();
    Ok(match ending {
        "parquet" | "pq" => Format::Parquet,
        "xlsx" | "xlsm" | "xlsb" | "ods" => Format::Xlsx,
        "jsonl" | "ndjson" => Format::Jsonl,
        _ if start.starts_with('<')
            && (start.contains("<html") || start.contains("<table") || start.contains("<!doctype html")) =>
        {
            Format::Html
        }
        _ if start.starts_with('[') && start[1..].trim_start().starts_with('{') => Format::Json,
        _ if start.starts_with('{') => {
            // Whole objects on a line each, or one object that holds the rows.
            let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
            let whole = line.len() == text.len() || serde_json::from_slice::<serde_json::Value>(line).is_ok();
            let one = start.contains(":[{") || start.contains(": [{") || !whole;
            if one && ending == "json" { Format::Json } else { Format::Jsonl }
        }
        "json" => Format::Json,
        _ => Format::Csv,
    })
}

impl Columns {
    /// The columns in the order of [`PARTS`].
    pub fn by_part(&self) -> [Option<&ColumnRef>; PARTS.len()] {
        [
            &self.customer, &self.order, &self.date, &self.product, &self.product_name, &self.quantity,
            &self.price, &self.amount, &self.discount, &self.tax, &self.shipping, &self.refunded,
            &self.credit, &self.category, &self.country, &self.channel, &self.store, &self.currency,
            &self.unit_cost, &self.cancelled, &self.status,
        ]
        .map(Option::as_ref)
    }
}

/// Finds a mapped column among a file's headers. Without headers, columns are numbers.
fn find_column(
    path: &Path,
    key: &str,
    column: &ColumnRef,
    headers: Option<&[String]>,
    width: usize,
) -> Result<usize, IngestError> {
    let key = if key.starts_with('[') { key.to_owned() } else { format!("[columns] {key}") };
    let found = match (column, headers) {
        (ColumnRef::Number(n), _) => (1..=width).contains(n).then(|| n - 1),
        (ColumnRef::Name(name), Some(headers)) => headers
            .iter()
            .position(|h| h == name)
            .or_else(|| headers.iter().position(|h| h.trim() == name.trim())),
        (ColumnRef::Name(name), None) => {
            return Err(IngestError::config(
                &key,
                format!("`{name}` is a name, but [input] header = false"),
                "give the column's number, from 1",
            ));
        }
    };
    if let (ColumnRef::Name(name), Some(headers)) = (column, headers)
        && headers.iter().filter(|h| *h == name).count() > 1
    {
        return Err(IngestError::config(
            &key,
            format!("{} has more than one column `{name}`", path.display()),
            "give the column's number, from 1",
        ));
    }
    found.ok_or_else(|| {
        let present: Vec<String> = match headers {
            Some(headers) => headers.iter().take(60).map(|h| format!("`{}`", shortened(h, 40))).collect(),
            None => vec![format!("1 to {width}")],
        };
        let plain = |text: &str| text.to_lowercase().replace([' ', '_', '-'], "");
        let suggestion = match (column, headers) {
            (ColumnRef::Name(name), Some(headers)) => headers
                .iter()
                .find(|h| plain(h) == plain(name))
                .map(|h| format!(" (did you mean `{h}`?)"))
                .unwrap_or_default(),
            _ => String::new(),
        };
        IngestError::NoColumn {
            path: path.to_owned(),
            column: column.to_string(),
            key,
            suggestion,
            present: present.join(", "),
            delimiter_hint: if width == 1 {
                ", or [input] delimiter: the lines have one field only".into()
            } else {
                String::new()
            },
        }
    })
}
