//! Parquet files, their columns taken as text and read by the same rules as any export.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::csv::{Delimiter, Dialect};
use super::{BLOCK_ROWS, Block, Source, find_columns};
use crate::IngestError;
use crate::config::Columns;

/// Opens a Parquet file. Dates and moments read as ISO, whatever `date_format` says for text.
pub fn open(path: &Path, columns: &Columns) -> Result<Source, IngestError> {
    let wrong = |message: String| IngestError::Format { path: path.to_owned(), format: "Parquet", message };
    let file = File::open(path).map_err(IngestError::read(path))?;
    if file.metadata().map_err(IngestError::read(path))?.len() == 0 {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| wrong(e.to_string()))?;
    let headers: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    if builder.metadata().file_metadata().num_rows() == 0 {
        return Err(IngestError::HeaderOnly { path: path.to_owned() });
    }
    let (slots, names) = find_columns(path, columns, Some(&headers), headers.len())?;
    let width = headers.len();
    let reader = builder.with_batch_size(BLOCK_ROWS).build().map_err(|e| wrong(e.to_string()))?;
    Ok(Source {
        slots,
        headers: Some(headers),
        names,
        dialect: Dialect { delimiter: Delimiter::Blanks, quote: b'"', decoded: false },
        width,
        typed: true,
        keys: Vec::new(),
        blocks: Box::new(Batches { path: path.to_owned(), reader, next_row: 1 }),
    })
}

struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    next_row: u64,
}

impl Iterator for Batches {
    type Item = Result<Block, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let block = batch.map_err(|e| e.to_string()).and_then(|b| texts(&b).map_err(|e| e.to_string()));
        Some(match block {
            Ok(rows) => {
                let first_row = self.next_row;
                self.next_row += rows.len() as u64;
                Ok(Block::Cells { rows, first_row })
            }
            Err(message) => Err(IngestError::Format { path: self.path.clone(), format: "Parquet", message }),
        })
    }
}

fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>, arrow::error::ArrowError> {
    let options = FormatOptions::new()
        .with_date_format(Some("%Y-%m-%d"))
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for column in batch.columns() {
        if matches!(column.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView) {
            rows.iter_mut().for_each(|row| row.push(String::new()));
            continue;
        }
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        for (i, row) in rows.iter_mut().enumerate() {
            let mut text = String::new();
            formatter.value(i).write(&mut text)?;
            row.push(text);
        }
    }
    Ok(rows)
}
