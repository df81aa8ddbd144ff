//! Reading a Parquet table into plain vectors.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader};
use arrow::compute::concat_batches;
use arrow::datatypes::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{TableError, broken, io};

/// A part of a Parquet file that is read at once.
#[derive(Clone, Debug)]
pub struct RowGroup {
    path: PathBuf,
    number: usize,
    rows: usize,
}

impl RowGroup {
    /// All row groups of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn all(path: &Path) -> Result<Vec<RowGroup>, TableError> {
        let file = File::open(path).map_err(io(path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken(path))?;
        let groups = builder.metadata().row_groups().iter().enumerate();
        Ok(groups
            .map(|(number, group)| RowGroup {
                path: path.to_owned(),
                number,
                rows: usize::try_from(group.num_rows()).unwrap_or(0),
            })
            .collect())
    }

    /// Its rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Reads some columns of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, columns: &[&str]) -> Result<Table, TableError> {
        Table::read_some(&self.path, Some(columns), Some(self.number))
    }
}

/// A table in memory.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    batch: RecordBatch,
}

impl Table {
    /// Reads a whole Parquet file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Table, TableError> {
        Table::read_some(path, None, None)
    }

    /// Reads some columns of a Parquet file.
    ///
    /// # Errors
    /// If it cannot be read. Columns that are not there are missed when they are asked for.
    pub fn read_columns(path: &Path, columns: &[&str]) -> Result<Table, TableError> {
        Table::read_some(path, Some(columns), None)
    }

    fn read_some(
        path: &Path,
        columns: Option<&[&str]>,
        row_group: Option<usize>,
    ) -> Result<Table, TableError> {
        let file = File::open(path).map_err(io(path))?;
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken(path))?;
        if let Some(columns) = columns {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some(number) = row_group {
            builder = builder.with_row_groups(vec![number]);
        }
        let reader = builder.with_batch_size(crate::ROW_GROUP).build().map_err(broken(path))?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>().map_err(broken(path))?;
        let batch = concat_batches(&schema, &batches).map_err(broken(path))?;
        Ok(Table { path: path.to_owned(), batch })
    }

    /// Rows that are in memory already; `name` stands for them in messages.
    pub fn of(name: &str, batch: RecordBatch) -> Table {
        Table { path: PathBuf::from(name), batch }
    }

    /// The rows as one Arrow batch.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column as Arrow has it.
    ///
    /// # Errors
    /// If it is missing.
    pub fn array(&self, name: &str) -> Result<&ArrayRef, TableError> {
        self.column(name, "there")
    }

    fn column(&self, name: &str, expected: &'static str) -> Result<&ArrayRef, TableError> {
        self.batch.column_by_name(name).ok_or_else(|| self.wrong(name, expected))
    }

    fn wrong(&self, name: &str, expected: &'static str) -> TableError {
        TableError::Column { path: self.path.clone(), column: name.to_owned(), expected }
    }

    /// A numeric or date column as doubles, NaN for null.
    ///
    /// # Errors
    /// If the column is missing or of another type.
    pub fn f64s(&self, name: &str) -> Result<Vec<f64>, TableError> {
        let expected = "a number or a date";
        let column = self.column(name, expected)?;
        let values = if let Some(c) = column.as_primitive_opt::<Float64Type>() {
            c.iter().map(|v| v.unwrap_or(f64::NAN)).collect()
        } else if let Some(c) = column.as_primitive_opt::<Int64Type>() {
            c.iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect()
        } else if let Some(c) = column.as_primitive_opt::<Int32Type>() {
            c.iter().map(|v| v.map_or(f64::NAN, f64::from)).collect()
        } else if let Some(c) = column.as_primitive_opt::<Date32Type>() {
            c.iter().map(|v| v.map_or(f64::NAN, f64::from)).collect()
        } else {
            return Err(self.wrong(name, expected));
        };
        Ok(values)
    }

    /// A column of 32-bit integers or days, without blanks, as it is.
    ///
    /// # Errors
    /// If the column is missing, of another type, or has a null.
    pub fn i32s(&self, name: &str) -> Result<&[i32], TableError> {
        let expected = "a 32-bit integer or a date without nulls";
        let column = self.column(name, expected)?;
        let ints = column.as_primitive_opt::<Int32Type>().map(|c| &c.values()[..]);
        let values = ints.or_else(|| column.as_primitive_opt::<Date32Type>().map(|c| &c.values()[..]));
        values.filter(|_| column.null_count() == 0).ok_or_else(|| self.wrong(name, expected))
    }

    /// A column of 64-bit integers or moments, without blanks, as it is.
    ///
    /// # Errors
    /// If the column is missing, of another type, or has a null.
    pub fn i64s(&self, name: &str) -> Result<&[i64], TableError> {
        let expected = "a 64-bit integer or a timestamp without nulls";
        let column = self.column(name, expected)?;
        let ints = column.as_primitive_opt::<Int64Type>().map(|c| &c.values()[..]);
        let values =
            ints.or_else(|| column.as_primitive_opt::<TimestampMicrosecondType>().map(|c| &c.values()[..]));
        values.filter(|_| column.null_count() == 0).ok_or_else(|| self.wrong(name, expected))
    }

    /// A text column; empty for null.
    ///
    /// # Errors
    /// If the column is missing or of another type.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, TableError> {
        let expected = "text";
        let column = self.column(name, expected)?;
        let column = column.as_string_opt::<i32>().ok_or_else(|| self.wrong(name, expected))?;
        Ok((0..column.len()).map(|i| if column.is_null(i) { "" } else { column.value(i) }).collect())
    }
}
