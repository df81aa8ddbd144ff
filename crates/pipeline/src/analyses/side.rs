//! Small CSV files beside the export: hierarchies, stock, attributes, tables of contracts.

use std::path::Path;

use crate::PipelineError;

/// The header and the rows of a file, every field trimmed. `key` names what asks for it.
///
/// # Errors
/// If it cannot be read, or a row has more or fewer fields than the header.
pub fn read_csv(path: &Path, key: &str) -> Result<(Vec<String>, Vec<Vec<String>>), PipelineError> {
    let wrong = |problem: String| PipelineError::Setting { key: key.to_owned(), problem };
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(wrong(format!("{} is not a file", path.display())));
    }
    let broken = |e: csv::Error| wrong(format!("{}: {e}", path.display()));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| wrong(format!("cannot read {}: {e}", path.display())))?;
    let strip = |h: &str| h.trim_start_matches('\u{feff}').to_owned();
    let header: Vec<String> = reader.headers().map_err(broken)?.iter().map(strip).collect();
    if let [only] = header.as_slice()
        && let Some(mark) = [';', '\t', '|'].into_iter().find(|mark| only.contains(*mark))
    {
        return Err(wrong(format!(
            "{}: the delimiter seems to be `{}`; save the table with commas",
            path.display(),
            mark.escape_default()
        )));
    }
    let rows = reader
        .records()
        .map(|r| r.map(|r| r.iter().map(str::to_owned).collect()).map_err(broken))
        .collect::<Result<Vec<Vec<String>>, _>>()?;
    Ok((header, rows))
}

/// Some columns of such a file, in the order of `wanted`; the header may name them in any case.
///
/// # Errors
/// As [`read_csv`], and if a column is not there.
pub fn columns(path: &Path, key: &str, wanted: &[&str]) -> Result<Vec<Vec<String>>, PipelineError> {
    let (header, rows) = read_csv(path, key)?;
    let mut places = Vec::new();
    for name in wanted {
        let place = header.iter().position(|h| h.eq_ignore_ascii_case(name));
        places.push(place.ok_or_else(|| PipelineError::Setting {
            key: key.to_owned(),
            problem: format!(
                "{} has no column `{name}`, but {}; its first line must name {}",
                path.display(),
                header.join(", "),
                wanted.join(" and ")
            ),
        })?);
    }
    let pick = |row: &Vec<String>| places.iter().map(|p| row.get(*p).cloned().unwrap_or_default()).collect();
    Ok(rows.iter().map(pick).collect())
}
