//! A look through the whole export: days that stand in it twice, codes that are not products.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Date32Type;
use tillwise_core::Day;

use crate::rows::RowReader;
use crate::source::Source;
use crate::{Cleaning, Columns, IngestError, Input, InputFile, NegativePrice, Plan, Returns, ZeroAmount};

/// Rows looked at, at most.
const MOST_ROWS: usize = 5_000_000;
/// Share of a day's rows that repeat others, from which on the day counts as standing twice.
const TWICE: f64 = 0.25;
/// Codes listed, at most.
const MOST_CODES: usize = 12;

/// What the look through found.
#[derive(Default)]
pub struct Scan {
    pub notes: Vec<String>,
    pub odd_products: Vec<String>,
}

pub fn scan(files: &[InputFile], input: &Input, columns: &Columns) -> Result<Scan, IngestError> {
    // Every row that has a date is looked at: the date stands in for a customer, who may be missing.
    let plan = Plan {
        input: input.clone(),
        columns: Columns { customer: columns.date.clone(), order: None, currency: None, ..columns.clone() },
        cleaning: Cleaning {
            returns: Returns::Net,
            zero_amount: ZeroAmount::Keep,
            negative_price: NegativePrice::Return,
            ..Cleaning::default()
        },
        files: files.to_vec(),
        memory_limit: None,
    };
    let rules = plan.rules()?;
    let mut rows: Vec<(u128, i32)> = Vec::new();
    let mut products: BTreeMap<String, u64> = BTreeMap::new();
    let mut read = 0;
    'files: for file in files {
        let mut source = Source::open(&file.path, input, &plan.columns)?;
        let layout = source.layout();
        while let Some(block) = source.next_block()? {
            let mut reader = RowReader::new(&rules, &layout.slots, 0, layout.typed);
            layout.read(&block, &mut reader);
            read += reader.parsed.stats.rows;
            for lines in reader.parsed.months.values_mut() {
                let hashes = std::mem::take(&mut lines.hashes);
                let Ok(batch) = lines.finish(&rules) else { continue };
                let days = batch.column(2).as_primitive::<Date32Type>();
                rows.extend(hashes.into_iter().zip(days.values().iter().copied()));
                if let Some(codes) =
                    batch.column(8).as_string_opt::<i32>().filter(|c| c.null_count() < c.len())
                {
                    for code in codes.iter().flatten() {
                        match products.get_mut(code) {
                            Some(n) => *n += 1,
                            None => drop(products.insert(code.to_owned(), 1)),
                        }
                    }
                }
            }
            if rows.len() >= MOST_ROWS {
                break 'files;
            }
        }
    }
    let mut scan = Scan { notes: Vec::new(), odd_products: odd_products(&products) };
    scan.notes.push(format!(
        "{read} rows were looked at{}",
        if rows.len() >= MOST_ROWS { ", not the whole export" } else { "" }
    ));
    scan.notes.extend(overlap(&mut rows));
    Ok(scan)
}

/// The days that most repeats fall on, if they make up runs.
fn overlap(rows: &mut [(u128, i32)]) -> Vec<String> {
    let mut by_day: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
    rows.sort_unstable();
    let mut repeats = 0u64;
    for group in rows.chunk_by(|a, b| a == b) {
        let day = by_day.entry(group[0].1).or_default();
        day.0 += group.len() as u64;
        day.1 += group.len() as u64 - 1;
        repeats += group.len() as u64 - 1;
    }
    if repeats == 0 {
        return Vec::new();
    }
    let mut notes = vec![format!("{repeats} rows repeat an earlier row in every field")];
    let days: Vec<(i32, u64, u64)> = by_day.into_iter().map(|(d, (n, r))| (d, n, r)).collect();
    let twice = |d: &(i32, u64, u64)| d.2 as f64 >= TWICE * d.1 as f64 && d.2 >= 10;
    for run in days.chunk_by(|a, b| twice(a) == twice(b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        if twice(first) {
            let rows: u64 = run.iter().map(|d| d.2).sum();
            notes.push(format!(
                "the days from {} to {} stand in the export twice ({rows} rows): two exports overlap there; \
                 repeats_within_file = \"drop\" counts them once",
                Day(first.0),
                Day(last.0)
            ));
        }
    }
    notes
}

/// Codes without a digit, where nearly all others have one.
fn odd_products(products: &BTreeMap<String, u64>) -> Vec<String> {
    let has_digit = |code: &str| code.bytes().any(|b| b.is_ascii_digit());
    let is_test = |code: &str| code.to_ascii_uppercase().starts_with("TEST");
    let rows: u64 = products.values().sum();
    let mut odd: Vec<(&String, &u64)> =
        products.iter().filter(|(c, _)| !has_digit(c) || is_test(c)).collect();
    if odd.iter().map(|(_, n)| **n).sum::<u64>() * 10 > rows {
        return Vec::new();
    }
    odd.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    odd.into_iter().take(MOST_CODES).map(|(c, _)| c.clone()).collect()
}
