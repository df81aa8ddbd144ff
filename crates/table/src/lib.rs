//! Parquet tables in and out, in the profile that BI tools rely on: plain types, version 1 pages, row
//! groups of [`ROW_GROUP`] rows, statistics on, nothing that depends on the number of threads.

mod assemble;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use tillwise_core::schema::{Column, Kind};

pub use assemble::assemble;
pub use read::{RowGroup, Table};
pub use write::{Compression, ROW_GROUP, TableWriter, write_table};

/// The Arrow schema of a table.
pub fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> =
        columns.iter().map(|c| Field::new(c.name, arrow_type(c.kind), c.nullable)).collect();
    Arc::new(Schema::new(fields))
}

/// The Arrow type of a plain type.
pub fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Date => DataType::Date32,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

/// Why a table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file could not be opened, read or written.
    #[error("cannot access {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not Parquet, or its content is broken.
    #[error("{} is not a readable Parquet table: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        message: String,
    },
    /// The file could not be written.
    #[error("cannot write {}: {message}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        message: String,
    },
    /// The arrays do not make up the table: a defect of the code that put them together.
    #[error("`{column}` of the table {table}: {problem}; this is a defect of Tillwise, please report it")]
    Assemble {
        /// The table.
        table: &'static str,
        /// The column at fault.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A column is missing or has another type.
    #[error("{}: the column `{column}` is missing or not {expected}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type it should have.
        expected: &'static str,
    },
}

pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TableError + '_ {
    move |source| TableError::Io { path: path.to_owned(), source }
}

pub(crate) fn unwritten<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> TableError + '_ {
    move |e| TableError::Write { path: path.to_owned(), message: e.to_string() }
}

pub(crate) fn broken<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> TableError + '_ {
    move |e| TableError::Parquet { path: path.to_owned(), message: e.to_string() }
}
