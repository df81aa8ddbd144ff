//! Rejected rows, saved as a file in the export's own layout.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8};
use tillwise_ingest::rejected::{Row, rows_at};
use tillwise_ingest::{Input, find_files};
use tillwise_table::Table;

use crate::{Config, PipelineError};

/// What was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Rows.
    pub rows: usize,
    /// Rows by reason.
    pub reasons: BTreeMap<String, usize>,
    /// What the config must say of the file, if it differs from the export; empty where it does not.
    pub different: String,
}

/// Rows that repeat another have nothing to be mended.
const REPEATS: &str = "repeat";

/// Saves the rejected rows of the run in `out/current` to a file: those of `reasons`, or all but repeats where none is named.
///
/// # Errors
/// If there is no run, an input is gone or has changed its columns, or the file exists already or cannot be written.
pub fn save_rejected(
    config: &Config,
    base: &Path,
    to: &Path,
    reasons: &[String],
) -> Result<Saved, PipelineError> {
    let wrong = |key: &str, problem: String| PipelineError::Setting { key: key.to_owned(), problem };
    if to.exists() {
        return Err(wrong("--output", format!("{} exists already; name another file", to.display())));
    }
    let path = base.join(&config.run.out).join("current/rejects/rejects.parquet");
    if !path.exists() {
        return Err(wrong("[run] out", format!("there is no {}; `tillwise run` writes it", path.display())));
    }
    let table = Table::read(&path)?;
    let (file, line, reason) = (table.texts("file")?, table.f64s("line")?, table.texts("reason")?);
    let known: HashSet<&str> = reason.iter().copied().collect();
    if let Some(unknown) = reasons.iter().find(|r| !known.contains(r.as_str())) {
        let mut list: Vec<&str> = known.into_iter().collect();
        list.sort_unstable();
        return Err(wrong(
            "--reason",
            format!("no row was rejected as `{unknown}`, but {}", list.join(", ")),
        ));
    }
    let wanted =
        |r: &str| if reasons.is_empty() { !r.starts_with(REPEATS) } else { reasons.iter().any(|w| w == r) };
    let mut lines: BTreeMap<&str, HashSet<u64>> = BTreeMap::new();
    let mut by_reason: BTreeMap<String, usize> = BTreeMap::new();
    for i in (0..table.rows()).filter(|i| wanted(reason[*i])) {
        lines.entry(file[i]).or_default().insert(line[i] as u64);
        *by_reason.entry(reason[i].to_owned()).or_default() += 1;
    }
    let mut text = String::new();
    let (mut rows, mut headers, mut is_text) = (0, None, true);
    let mut encoding = config.input.encoding.clone();
    for input_file in find_files(&config.input.files, base)? {
        let Some(own) = lines.get(input_file.name.as_str()) else { continue };
        let input = config.input.of_file(&input_file.name);
        let found = rows_at(&input_file, &input, &config.columns, base, own)?;
        if rows == 0 {
            (headers, is_text, encoding) = (found.headers.clone(), found.is_text, input.encoding.clone());
            if let Some(names) = &found.headers {
                text.push_str(&record(names, &input, is_text));
            }
        } else if headers != found.headers {
            return Err(wrong(
                "[input] files",
                format!(
                    "{} has other columns than the files before it; save the rows of each alone, with a config that names one of them",
                    input_file.name
                ),
            ));
        }
        for row in &found.rows {
            match row {
                Row::Fields(fields) => text.push_str(&record(fields, &input, is_text)),
                Row::Line(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        rows += found.rows.len();
    }
    let mut different = String::new();
    let label = Encoding::for_label(encoding.as_bytes()).unwrap_or(UTF_8);
    let (mut bytes, used, lost) = label.encode(&text);
    if used != label || lost {
        bytes = text.as_bytes().into();
        different.push_str("encoding = \"utf-8\"\n");
    }
    if !is_text {
        different.push_str("delimiter = \",\"\ndate_format = \"iso\"\ndecimal = \".\"\nthousands = \"\"\n");
    }
    fs::write(to, bytes).map_err(|source| PipelineError::Write { path: to.to_owned(), source })?;
    Ok(Saved { rows, reasons: by_reason, different })
}

/// A row as a line of delimited text: as the export has it, or with commas where it is none.
fn record(fields: &[String], input: &Input, is_text: bool) -> String {
    let (delimiter, quote) = match (is_text, input.delimiter.as_str()) {
        (false, _) => (",", "\""),
        (true, "tab") => ("\t", input.quote.as_str()),
        (true, "blanks") => (" ", input.quote.as_str()),
        (true, delimiter) => (delimiter, input.quote.as_str()),
    };
    let quoted = |field: &String| {
        let odd = field.contains(delimiter)
            || field.contains(['\n', '\r'])
            || (!quote.is_empty() && field.contains(quote));
        if quote.is_empty() || !odd {
            field.clone()
        } else {
            format!("{quote}{}{quote}", field.replace(quote, &quote.repeat(2)))
        }
    };
    fields.iter().map(quoted).collect::<Vec<_>>().join(delimiter) + "\n"
}
