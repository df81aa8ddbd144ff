//! Why an export could not be ingested: the place, and the remedy.

use std::path::{Path, PathBuf};

/// An ingest that cannot go on. Bad *rows* never end here: they are rejects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The input file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A result could not be written.
    #[error(transparent)]
    Table(#[from] tillwise_table::TableError),
    /// A result could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing matches a file name or glob.
    #[error("no file matches `{pattern}`; check [input] files")]
    NoFiles {
        /// What was looked for.
        pattern: String,
    },
    /// A glob matches a link that leads nowhere, a pipe or a device.
    #[error("{} is not a file that can be read (a link that leads nowhere, a pipe or a device); remove it, or name the files in [input] files", path.display())]
    NotAFile {
        /// What was found.
        path: PathBuf,
    },
    /// A glob would match a file whose name is not UTF-8.
    #[error("the name of {} is not UTF-8, so `{pattern}` in [input] files cannot match it; rename the file", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The pattern.
        pattern: String,
    },
    /// The config contradicts itself or lacks something.
    #[error("{key}: {problem}; {remedy}")]
    Config {
        /// The key, such as `[columns] date`.
        key: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A file holds nothing at all.
    #[error("{} is empty; is the export complete?", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file holds a header and no rows.
    #[error("{} has a header and no rows; is the export complete?", path.display())]
    HeaderOnly {
        /// The file.
        path: PathBuf,
    },
    /// A mapped column is not there.
    #[error("{}: there is no column `{column}`{suggestion}; the columns are {present}. Correct {key}{delimiter_hint}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column as configured.
        column: String,
        /// The key that names it.
        key: String,
        /// `, did you mean ...` or empty.
        suggestion: String,
        /// The columns there are.
        present: String,
        /// A word on the delimiter if the file has one column only.
        delimiter_hint: String,
    },
    /// The file is not of its format.
    #[error("{} is not a readable {format} file: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What the reader said.
        message: String,
    },
    /// Every row was rejected.
    #[error(
        "none of the {rows} rows was accepted; the most frequent reason is `{reason}` ({count} rows), first at {place}{hint}"
    )]
    NothingAccepted {
        /// Rows read.
        rows: u64,
        /// The most frequent reason.
        reason: String,
        /// Its rows.
        count: u64,
        /// File, line, column and value of the first such row.
        place: String,
        /// What to do.
        hint: String,
    },
    /// More than one currency.
    #[error("more than one currency: `{first}` and, in {place}, `{second}`; convert or split the export")]
    Currencies {
        /// The first one seen.
        first: String,
        /// Another.
        second: String,
        /// The file where it stands.
        place: String,
    },
    /// A row without a customer where the config forbids that.
    #[error("{place}: no customer, and [cleaning] missing_customer = \"fail\"")]
    MissingCustomer {
        /// File and line.
        place: String,
    },
}

impl IngestError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> IngestError + '_ {
        move |source| IngestError::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> IngestError + '_ {
        move |source| IngestError::Write { path: path.to_owned(), source }
    }

    pub(crate) fn config(key: &str, problem: impl Into<String>, remedy: impl Into<String>) -> IngestError {
        IngestError::Config { key: key.into(), problem: problem.into(), remedy: remedy.into() }
    }
}
