//! Parquet files, their columns taken as text and read by the same rules as any export.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::csv::Dialect;
use super::text::{open_plain, quietly};
use super::{BLOCK_ROWS, Block, MOMENT, NUMBER, Sheets, Source, Wanted};
use crate::IngestError;
use crate::dates::zone_offset;

const DAMAGED: &str = "its content is damaged; export it again";

/// Opens a Parquet file. Dates and moments read as ISO, whatever `date_format` says for text.
pub fn open(path: &Path, wanted: Wanted<'_>) -> Result<Source, IngestError> {
    let wrong = |message: String| IngestError::Format { path: path.to_owned(), format: "Parquet", message };
    let file = open_plain(path)?;
    if file.metadata().map_err(IngestError::read(path))?.len() == 0 {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    // The decoder may panic on a damaged file, which is the file's fault.
    let builder = quietly(AssertUnwindSafe(|| ParquetRecordBatchReaderBuilder::try_new(file)))
        .map_err(|()| wrong(DAMAGED.to_owned()))?
        .map_err(|e| wrong(e.to_string()))?;
    let headers: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    if builder.metadata().file_metadata().num_rows() == 0 {
        return Err(IngestError::HeaderOnly { path: path.to_owned() });
    }
    let reader = builder.with_batch_size(BLOCK_ROWS).build().map_err(|e| wrong(e.to_string()))?;
    let width = (headers.len(), headers.len());
    let (mut layout, headers) = wanted.layout(path, Some(&headers), width, Dialect::none())?;
    layout.typed = true;
    Ok(Source {
        headers,
        sheets: Sheets::default(),
        layout,
        blocks: Box::new(Batches { path: path.to_owned(), reader: Some(reader), next_row: 1 }),
    })
}

struct Batches {
    path: PathBuf,
    /// `None` once it has failed.
    reader: Option<ParquetRecordBatchReader>,
    next_row: u64,
}

impl Iterator for Batches {
    type Item = Result<Block, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let next = quietly(AssertUnwindSafe(|| {
            let batch = reader.next()?;
            Some(batch.map_err(|e| e.to_string()).and_then(|b| texts(&b).map_err(|e| e.to_string())))
        }));
        let block = next.unwrap_or_else(|()| Some(Err(DAMAGED.to_owned())))?;
        Some(match block {
            Ok(rows) => {
                let first = self.next_row;
                self.next_row += rows.len() as u64;
                Ok(Block::Cells { rows: (first..).zip(rows).collect() })
            }
            Err(message) => {
                self.reader = None;
                Err(IngestError::Format { path: self.path.clone(), format: "Parquet", message })
            }
        })
    }
}

fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>, arrow::error::ArrowError> {
    let options = FormatOptions::new()
        .with_date_format(Some("%Y-%m-%d"))
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for column in batch.columns() {
        let kind = match column.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        if matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) {
            rows.iter_mut().for_each(|row| row.push(String::new()));
            continue;
        }
        let sign = match kind {
            k if k.is_numeric() => Some(NUMBER),
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => Some(MOMENT),
            _ => None,
        };
        let local = zoned(column, kind)?;
        let column = local.as_ref().unwrap_or(column);
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        for (i, row) in rows.iter_mut().enumerate() {
            let mut text = String::new();
            if let Some(sign) = sign.filter(|_| !column.is_null(i)) {
                text.push(sign as char);
            }
            formatter.value(i).write(&mut text)?;
            row.push(text);
        }
    }
    Ok(rows)
}

/// Moments of a named zone as the clocks there show them; `None` for all others.
fn zoned(
    column: &arrow::array::ArrayRef,
    kind: &DataType,
) -> Result<Option<arrow::array::ArrayRef>, arrow::error::ArrowError> {
    use arrow::array::{AsArray, StringArray};
    use arrow::compute::cast;
    use arrow::datatypes::TimestampMicrosecondType;
    use chrono::{Offset, TimeZone};
    let DataType::Timestamp(_, Some(zone)) = kind else { return Ok(None) };
    let utc = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    let micros = utc.as_primitive::<TimestampMicrosecondType>();
    let named: Option<chrono_tz::Tz> = zone.parse().ok();
    let fixed = zone_offset(zone.as_bytes()).map(|minutes| 60 * minutes);
    let text = |micros: i64| {
        let at = chrono::DateTime::from_timestamp_micros(micros)?.naive_utc();
        let offset = match named {
            Some(zone) => zone.offset_from_utc_datetime(&at).fix().local_minus_utc(),
            None => fixed?,
        };
        let local = at.checked_add_signed(chrono::TimeDelta::seconds(offset.into()))?;
        let (hours, minutes) = (offset / 3600, offset.abs() / 60 % 60);
        let sign = if offset < 0 { '-' } else { '+' };
        Some(format!("{}{sign}{:02}:{minutes:02}", local.format("%Y-%m-%d %H:%M:%S%.f"), hours.abs()))
    };
    let texts: StringArray = micros.iter().map(|m| m.and_then(text)).collect();
    Ok(Some(std::sync::Arc::new(texts)))
}
