//! Rejected rows, saved as a file in the export's own layout.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8};
use tillwise_ingest::rejected::{Row, rows_at};
use tillwise_ingest::{Different, Input, OneOrMore, find_files};
use tillwise_store::hash_file;
use tillwise_table::Table;

use crate::{Config, PipelineError};

/// What was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Rows.
    pub rows: usize,
    /// Rows by reason.
    pub reasons: BTreeMap<String, usize>,
    /// What the config must say of the file: that its rows are no other file's, and what differs from the export.
    pub different: String,
}

/// How a file is written: its settings, the names of its columns, and whether it is delimited text.
type Kind = (Input, Option<Vec<String>>, bool);

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
    let run = base.join(&config.run.out).join("current");
    let path = run.join("rejects/rejects.parquet");
    if !path.exists() {
        return Err(wrong("[run] out", format!("there is no {}; `tillwise run` writes it", path.display())));
    }
    let read = fs::read_to_string(run.join("run.json"));
    let record: serde_json::Value = read.ok().and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
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
    let (mut rows, mut first): (usize, Option<Kind>) = (0, None);
    for input_file in find_files(&config.input.files, base)? {
        let Some(own) = lines.remove(input_file.name.as_str()) else { continue };
        let name = &input_file.name;
        let inputs = record["inputs"].as_array().into_iter().flatten();
        let then = inputs.filter(|i| i["file"] == name.as_str()).find_map(|i| i["blake3"].as_str());
        if then != Some(hash_file(input_file.on_disk())?.0.as_str()) {
            return Err(wrong("[input] files", format!("{name} is not as the run read it; run again first")));
        }
        let input = config.input.of_file(name);
        let found = rows_at(&input_file, &input, &config.columns, base, &own)?;
        if found.rows.len() != own.len() {
            return Err(wrong(
                "[input] files",
                format!(
                    "{name} has several sheets or tables with rows of the same numbers; mend the rows there"
                ),
            ));
        }
        let kind = (input.clone(), found.headers.clone(), found.is_text);
        match &first {
            None => {
                if let Some(names) = &found.headers {
                    text.push_str(&record_of(names, &input, found.is_text));
                }
                first = Some(kind);
            }
            Some(first) if *first == kind => {}
            Some(_) => {
                return Err(wrong(
                    "[input] files",
                    format!(
                        "{name} is written otherwise than the files before it; save the rows of each alone, with a config that names one of them"
                    ),
                ));
            }
        }
        for row in &found.rows {
            match row {
                Row::Fields(fields) => text.push_str(&record_of(fields, &input, found.is_text)),
                Row::Line(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        rows += found.rows.len();
    }
    if let Some(gone) = lines.keys().next() {
        return Err(wrong("[input] files", format!("{gone} is not among the files any more; name it again")));
    }
    let (input, _, is_text) = first.unwrap_or_else(|| (config.input.clone(), None, true));
    // Its rows are no other file's.
    let mut different =
        Different { adds: Some(true), ..Different::between(&config.input, &input).unwrap_or_default() };
    if input.skip_lines > 0 {
        different.skip_lines = Some(0);
    }
    if !is_text {
        let plain = |text: &str| Some(text.to_owned());
        (different.delimiter, different.decimal, different.thousands) = (plain(","), plain("."), plain(""));
        different.date_format = Some(OneOrMore::One("iso".to_owned()));
    }
    let label = Encoding::for_label(input.encoding.as_bytes()).unwrap_or(UTF_8);
    let (mut bytes, used, lost) = label.encode(&text);
    if used != label || lost || !is_text {
        bytes = text.as_bytes().into();
        different.encoding = Some("utf-8".to_owned());
    }
    let different =
        toml::to_string(&different).map_err(|e| PipelineError::defect("a table of the config", e))?;
    fs::write(to, bytes).map_err(|source| PipelineError::Write { path: to.to_owned(), source })?;
    Ok(Saved { rows, reasons: by_reason, different })
}

/// A row as a line of delimited text: as the export has it, or with commas where it is none.
fn record_of(fields: &[String], input: &Input, is_text: bool) -> String {
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
