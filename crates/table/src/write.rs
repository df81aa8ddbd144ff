//! Writing Parquet, one row group at a time, its columns encoded in parallel.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

use crate::{TableError, io, unwritten};

/// Rows in a row group: what DuckDB and Power BI read well.
pub const ROW_GROUP: usize = 122_880;

/// How pages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Read by every tool.
    #[default]
    Snappy,
    /// Smaller files.
    Zstd,
    /// Not at all: for scratch files.
    None,
}

/// Writes one Parquet file from batches of any size.
pub struct TableWriter {
    path: PathBuf,
    schema: SchemaRef,
    writer: SerializedFileWriter<BufWriter<File>>,
    factory: ArrowRowGroupWriterFactory,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    rows: usize,
    groups: usize,
}

impl TableWriter {
    /// Creates the file. `metadata` goes into its key-value metadata.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(
        path: &Path,
        schema: SchemaRef,
        compression: Compression,
        metadata: &[(&str, String)],
    ) -> Result<TableWriter, TableError> {
        let codec = match compression {
            Compression::None => Codec::UNCOMPRESSED,
            Compression::Snappy => Codec::SNAPPY,
            Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
        };
        let metadata = metadata.iter().map(|(k, v)| KeyValue::new((*k).to_owned(), v.clone())).collect();
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(codec)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("tillwise ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(metadata))
            .build();
        let file = BufWriter::new(File::create(path).map_err(io(path))?);
        let (writer, factory) = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(unwritten(path))?;
        Ok(TableWriter {
            path: path.to_owned(),
            schema,
            writer,
            factory,
            pending: Vec::new(),
            pending_rows: 0,
            rows: 0,
            groups: 0,
        })
    }

    /// Rows waiting for their row group to fill.
    pub fn pending_rows(&self) -> usize {
        self.pending_rows
    }

    /// Takes rows without encoding them; [`TableWriter::flush_full`] does that.
    pub fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.pending_rows += batch.num_rows();
        self.pending.push(batch);
    }

    /// Writes the row groups that are full.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn flush_full(&mut self) -> Result<(), TableError> {
        while self.pending_rows >= ROW_GROUP {
            self.write_group(ROW_GROUP)?;
        }
        Ok(())
    }

    /// Writes all waiting rows, in row groups that may be short.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn flush(&mut self) -> Result<(), TableError> {
        self.flush_full()?;
        if self.pending_rows > 0 {
            self.write_group(self.pending_rows)?;
        }
        Ok(())
    }

    fn write_group(&mut self, rows: usize) -> Result<(), TableError> {
        let mut group = Vec::new();
        let mut wanted = rows;
        let mut rest = Vec::new();
        for batch in self.pending.drain(..) {
            let take = wanted.min(batch.num_rows());
            if take > 0 {
                group.push(batch.slice(0, take));
            }
            if take < batch.num_rows() {
                rest.push(batch.slice(take, batch.num_rows() - take));
            }
            wanted -= take;
        }
        self.pending = rest;
        self.pending_rows -= rows;

        let writers = self.factory.create_column_writers(self.groups).map_err(unwritten(&self.path))?;
        let chunks: Vec<ArrowColumnChunk> = writers
            .into_par_iter()
            .enumerate()
            .map(|(i, mut writer)| {
                for batch in &group {
                    for leaf in compute_leaves(self.schema.field(i), batch.column(i))? {
                        writer.write(&leaf)?;
                    }
                }
                writer.close()
            })
            .collect::<Result<_, _>>()
            .map_err(unwritten(&self.path))?;
        let mut out = self.writer.next_row_group().map_err(unwritten(&self.path))?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut out).map_err(unwritten(&self.path))?;
        }
        out.close().map_err(unwritten(&self.path))?;
        self.groups += 1;
        Ok(())
    }

    /// Writes what is left and the footer; returns the number of rows.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn close(mut self) -> Result<usize, TableError> {
        self.flush()?;
        self.writer.close().map_err(unwritten(&self.path))?;
        Ok(self.rows)
    }
}

/// Writes a whole table.
///
/// # Errors
/// If the file cannot be written.
pub fn write_table(
    path: &Path,
    batch: RecordBatch,
    compression: Compression,
    metadata: &[(&str, String)],
) -> Result<usize, TableError> {
    let mut writer = TableWriter::create(path, batch.schema(), compression, metadata)?;
    writer.push(batch);
    writer.close()
}
