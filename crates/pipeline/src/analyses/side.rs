//! Tables beside the export: hierarchies, stock, attributes, tables of contracts. They are read by the reader of exports, so they may be
//! delimited text in any encoding, workbooks, JSON or Parquet, packed or not.

use std::path::Path;

use tillwise_ingest::inspect::{PlainTable, read_table};

use crate::PipelineError;

/// A table, cut at `delimiter` where one is given; `key` names what asks for it.
///
/// # Errors
/// If it cannot be read, or a row has more or fewer cells than the header.
pub fn read(path: &Path, key: &str, delimiter: Option<&str>) -> Result<PlainTable, PipelineError> {
    read_table(path, delimiter)
        .map_err(|e| PipelineError::Setting { key: key.to_owned(), problem: e.to_string() })
}

/// The place of a column; what is wrong where there is none.
pub fn place(table: &PlainTable, name: &str) -> Result<usize, String> {
    let missing = || format!("there is no column `{name}`; there are {}", table.headers.join(", "));
    table.headers.iter().position(|h| h == name).ok_or_else(missing)
}

/// A column of numbers, none of them missing.
pub fn numbers(table: &PlainTable, at: usize, name: &str) -> Result<Vec<f64>, String> {
    let number = |(i, row): (usize, &Vec<String>)| {
        let text = row.get(at).map_or("", String::as_str);
        table
            .number(text)
            .ok_or_else(|| format!("row {}: `{text}` in `{name}` is not a number", table.lines[i]))
    };
    table.rows.iter().enumerate().map(number).collect()
}

/// Some columns of such a table.
pub struct Picked {
    /// The columns, in the order that they were asked for, row by row.
    pub rows: Vec<Vec<String>>,
    /// The table that they are from.
    pub table: PlainTable,
}

/// Some columns of such a table, in the order of `wanted`; the header may name them in any case.
///
/// # Errors
/// As [`read`], and if a column is not there.
pub fn columns(path: &Path, key: &str, wanted: &[&str]) -> Result<Picked, PipelineError> {
    let table = read(path, key, None)?;
    let mut places = Vec::new();
    for name in wanted {
        let place = table.headers.iter().position(|h| h.eq_ignore_ascii_case(name));
        places.push(place.ok_or_else(|| PipelineError::Setting {
            key: key.to_owned(),
            problem: format!(
                "{} has no column `{name}`, but {}; its first line must name {}",
                path.display(),
                table.headers.join(", "),
                wanted.join(" and ")
            ),
        })?);
    }
    let pick = |row: &Vec<String>| places.iter().map(|p| row[*p].clone()).collect();
    Ok(Picked { rows: table.rows.iter().map(pick).collect(), table })
}
