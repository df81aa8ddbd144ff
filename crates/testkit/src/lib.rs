//! What tests share: a slow reference engine that follows the words of [`tillwise_core::Engine`] one by one, and the
//! check that another engine's customer tables equal its own.

mod reference;

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use tillwise_core::{Engine, PurchasesRequest, SummaryRequest};
use tillwise_table::Table;

pub use reference::ReferenceEngine;

/// Checks that an engine's tables equal the reference's: the same rows in the same order, text, whole
/// numbers and nulls exactly, doubles within a relative 1e-9.
///
/// # Errors
/// The first difference, in words.
pub fn check_engine(
    engine: &dyn Engine,
    transactions: &Path,
    net_returns: bool,
    requests: &[SummaryRequest],
    purchases: Option<&PurchasesRequest>,
) -> Result<(), String> {
    let got = engine.summarise(transactions, net_returns, requests, purchases).map_err(|e| e.to_string())?;
    let expected_requests: Vec<SummaryRequest> = requests
        .iter()
        .map(|r| SummaryRequest {
            out: r.out.with_extension("reference.parquet"),
            daily: r.daily.as_ref().map(|path| path.with_extension("reference.parquet")),
            // The reference makes all; those that were asked for are compared.
            only: None,
            ..r.clone()
        })
        .collect();
    let reference = |folder: &Path| folder.join("reference");
    let expected_purchases =
        purchases.map(|p| PurchasesRequest { as_of: p.as_of, folder: reference(&p.folder) });
    if let Some(p) = &expected_purchases {
        std::fs::create_dir_all(&p.folder).map_err(|e| e.to_string())?;
    }
    let expected = ReferenceEngine
        .summarise(transactions, net_returns, &expected_requests, expected_purchases.as_ref())
        .map_err(|e| e.to_string())?;
    if got != expected {
        return Err(format!("{got:?} is not {expected:?}"));
    }
    let read = |path: &Path| Table::read(path).map_err(|e| e.to_string());
    if let Some(p) = purchases {
        for name in ["products.parquet", "orders.parquet", "purchases.parquet"] {
            same_table(&read(&p.folder.join(name))?, &read(&reference(&p.folder).join(name))?)
                .map_err(|e| format!("{name}: {e}"))?;
        }
    }
    for (ours, theirs) in requests.iter().zip(&expected_requests) {
        let columns = ours.columns();
        let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
        let theirs_of = Table::read_columns(&theirs.out, &names).map_err(|e| e.to_string())?;
        same_table(&read(&ours.out)?, &theirs_of).map_err(|e| format!("as of {}: {e}", ours.as_of))?;
        if let (Some(ours), Some(theirs)) = (&ours.daily, &theirs.daily) {
            same_table(&read(ours)?, &read(theirs)?).map_err(|e| format!("daily: {e}"))?;
        }
    }
    Ok(())
}

fn same_table(got: &Table, expected: &Table) -> Result<(), String> {
    let (a, b) = (got.batch(), expected.batch());
    if a.schema() != b.schema() || a.num_rows() != b.num_rows() {
        return Err(format!(
            "{} rows of {:?} are not {} of {:?}",
            a.num_rows(),
            a.schema(),
            b.num_rows(),
            b.schema()
        ));
    }
    for (i, field) in a.schema().fields().iter().enumerate() {
        let (x, y) = (a.column(i), b.column(i));
        for row in 0..a.num_rows() {
            let equal = x.is_null(row) == y.is_null(row)
                && (x.is_null(row)
                    || match field.data_type() {
                        DataType::Utf8 => x.as_string::<i32>().value(row) == y.as_string::<i32>().value(row),
                        DataType::Int32 => {
                            x.as_primitive::<Int32Type>().value(row)
                                == y.as_primitive::<Int32Type>().value(row)
                        }
                        DataType::Int64 => {
                            x.as_primitive::<Int64Type>().value(row)
                                == y.as_primitive::<Int64Type>().value(row)
                        }
                        DataType::Timestamp(TimeUnit::Microsecond, None) => {
                            x.as_primitive::<TimestampMicrosecondType>().value(row)
                                == y.as_primitive::<TimestampMicrosecondType>().value(row)
                        }
                        DataType::Date32 => {
                            x.as_primitive::<Date32Type>().value(row)
                                == y.as_primitive::<Date32Type>().value(row)
                        }
                        DataType::Float64 => {
                            let (p, q) = (
                                x.as_primitive::<Float64Type>().value(row),
                                y.as_primitive::<Float64Type>().value(row),
                            );
                            (p - q).abs() <= 1e-9 * p.abs().max(q.abs())
                        }
                        other => return Err(format!("a column of type {other}")),
                    });
            if !equal {
                return Err(format!(
                    "{:?}, {}: {:?} is not {:?}",
                    a.column(0).slice(row, 1),
                    field.name(),
                    x.slice(row, 1),
                    y.slice(row, 1)
                ));
            }
        }
    }
    Ok(())
}
