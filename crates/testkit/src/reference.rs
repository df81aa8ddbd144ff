//! The customer table by its definitions, with no thought of speed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use tillwise_core::schema::{Column, DAILY, MODES, ORDERS, PRODUCT_NAMES, PURCHASES, WINDOWS};
use tillwise_core::{Engine, EngineError, PurchasesRequest, SCALE, SummaryRequest, SummaryStats};
use tillwise_table::{Compression, Table, arrow_schema, write_table};

/// The reference.
#[derive(Clone, Copy, Debug)]
pub struct ReferenceEngine;

#[derive(Clone)]
struct Line {
    order: String,
    day: i32,
    at: i64,
    is_return: bool,
    quantity: i64,
    amount: i64,
    cost: Option<i64>,
    product: Option<String>,
    name: Option<String>,
    values: [Option<String>; MODES.len()],
}

fn fail(e: impl std::fmt::Display) -> EngineError {
    EngineError::Failed { engine: "reference", doing: "reading", message: e.to_string() }
}

fn read(folder: &Path) -> Result<BTreeMap<String, Vec<Line>>, EngineError> {
    let mut customers: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for month in fs::read_dir(folder).map_err(fail)? {
        for part in fs::read_dir(month.map_err(fail)?.path()).map_err(fail)? {
            let table = Table::read(&part.map_err(fail)?.path()).map_err(fail)?;
            let b = table.batch();
            let column = |name: &str| b.column_by_name(name).cloned().ok_or_else(|| fail(name));
            let text = |name: &str, i: usize| -> Result<Option<String>, EngineError> {
                let c = column(name)?;
                let c = c.as_string::<i32>();
                Ok((!c.is_null(i)).then(|| c.value(i).to_owned()))
            };
            let int = |name: &str, i: usize| -> Result<Option<i64>, EngineError> {
                let c = column(name)?;
                let c = c.as_primitive::<Int64Type>();
                Ok((!c.is_null(i)).then(|| c.value(i)))
            };
            for i in 0..b.num_rows() {
                let mut values = [const { None }; MODES.len()];
                for (value, name) in values.iter_mut().zip(MODES) {
                    *value = text(name, i)?;
                }
                customers.entry(text("customer_id", i)?.unwrap_or_default()).or_default().push(Line {
                    order: text("order_id", i)?.unwrap_or_default(),
                    day: column("order_date")?.as_primitive::<Date32Type>().value(i),
                    at: column("ordered_at")?.as_primitive::<TimestampMicrosecondType>().value(i),
                    is_return: column("is_return")?.as_boolean().value(i),
                    quantity: int("quantity_e4", i)?.unwrap_or_default(),
                    amount: int("amount_e4", i)?.unwrap_or_default(),
                    cost: int("cost_e4", i)?,
                    product: text("product", i)?,
                    name: text("product_name", i)?,
                    values,
                });
            }
        }
    }
    Ok(customers)
}

/// One value of a customer's row.
enum Value {
    Text(Option<String>),
    Date(i32),
    Int32(i32),
    OptionalInt32(Option<i32>),
    Int64(i64),
    Moment(i64),
    Float(Option<f64>),
}

fn money(e4: i64) -> f64 {
    e4 as f64 / SCALE as f64
}

/// The row of a customer, `None` without an order (or inactive), `Err(())` with returns only.
fn row(
    id: &str,
    all: &[Line],
    request: &SummaryRequest,
    net_returns: bool,
    daily: &mut BTreeMap<i32, (i64, i64)>,
) -> Result<Option<Vec<Value>>, ()> {
    let as_of = request.as_of.0;
    let seen: Vec<&Line> = all.iter().filter(|l| l.day <= as_of).collect();
    let sales: Vec<&&Line> = seen.iter().filter(|l| !l.is_return).collect();
    if seen.is_empty() {
        return Ok(None);
    }
    if sales.is_empty() {
        return Err(());
    }
    // Each order on the day of its earliest sale.
    let mut orders: BTreeMap<&str, i32> = BTreeMap::new();
    for l in all.iter().filter(|l| !l.is_return) {
        let day = orders.entry(&l.order).or_insert(l.day);
        *day = l.day.min(*day);
    }
    let in_horizon = |until: i32| orders.values().filter(|d| **d > as_of && **d <= until).count() as i64;
    let past: Vec<i32> = orders.values().copied().filter(|d| *d <= as_of).collect();
    let days: BTreeSet<i32> = past.iter().copied().collect();
    let (Some(&first), Some(&last)) = (days.first(), days.last()) else { return Err(()) };
    if request.active_within_days.is_some_and(|n| as_of - last >= n) {
        return Ok(None);
    }
    let gross: i64 = sales.iter().map(|l| l.amount).sum();
    let returned: i64 = seen.iter().filter(|l| l.is_return).map(|l| -l.amount).sum();
    let net_of = |l: &Line| if l.is_return && !net_returns { 0 } else { l.amount };
    let net: i64 = seen.iter().map(|l| net_of(l)).sum();
    let costed = seen.iter().all(|l| l.cost.is_some());
    let cost_of = |l: &Line| if l.is_return && !net_returns { 0 } else { l.cost.unwrap_or_default() };
    let x = days.len() as i64 - 1;
    // What was paid with orders after the first day, less what was taken back of it.
    let sold = || seen.iter().filter(|l| !l.is_return);
    let kept: i64 = sold().filter(|l| orders[l.order.as_str()] > first).map(|l| l.amount).sum();
    let paid_with = |back: &Line| -> Option<i32> {
        let before = || sold().filter(|l| l.day <= back.day);
        let same = back.product.is_some().then(|| {
            let day = before().filter(|l| l.product == back.product).map(|l| l.day).max()?;
            before().filter(|l| l.day == day).map(|l| orders[l.order.as_str()]).max()
        });
        let own = || before().filter(|l| l.order == back.order).map(|l| orders[l.order.as_str()]).max();
        same.flatten().or_else(own).or_else(|| before().map(|l| orders[l.order.as_str()]).max())
    };
    let back: i64 = seen
        .iter()
        .filter(|l| l.is_return && net_returns && paid_with(l).is_some_and(|day| day > first))
        .map(|l| -l.amount)
        .sum();
    let later = kept - back;
    let ordered: Vec<i32> = days.iter().copied().collect();
    let gaps: Vec<f64> = ordered.windows(2).map(|w| f64::from(w[1] - w[0])).collect();
    let mean_gap = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let spread =
        (gaps.iter().map(|g| (g - mean_gap).powi(2)).sum::<f64>() / (gaps.len() as f64 - 1.0)).sqrt();
    let products: BTreeSet<&String> = sales.iter().filter_map(|l| l.product.as_ref()).collect();
    let mut values = vec![
        Value::Text(Some(id.to_owned())),
        Value::Date(as_of),
        Value::Date(first),
        Value::Date(last),
        Value::Int64(past.len() as i64),
        Value::Int64(days.len() as i64),
        Value::Int64(sales.len() as i64),
        Value::Float(Some(money(sales.iter().map(|l| l.quantity).sum()))),
        Value::Float(Some(money(gross))),
        Value::Float(Some(money(returned))),
        Value::Float(Some(money(net))),
        Value::Float(costed.then(|| money(seen.iter().map(|l| cost_of(l)).sum()))),
        Value::Float(Some(money(net) / past.len() as f64)),
        Value::Int32(as_of - last),
        Value::Int32(as_of - first),
        Value::Int32(x as i32),
        Value::Int32(last - first),
        Value::Int32(as_of - first),
        Value::Float((x > 0 && later > 0).then(|| money(later) / x as f64)),
        Value::Int64(products.len() as i64),
        Value::Float((x > 0).then_some(mean_gap)),
        Value::Float((x > 1).then_some(spread)),
        Value::Float((x > 0).then(|| gaps.iter().map(|g| g.ln()).sum::<f64>() / gaps.len() as f64)),
        Value::Float((x > 0).then(|| {
            let mut sorted = gaps.clone();
            sorted.sort_by(f64::total_cmp);
            let rank = 0.9 * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
            low + (rank - rank.floor()) * (high - low)
        })),
    ];
    for w in WINDOWS {
        values.push(Value::Int64(past.iter().filter(|d| as_of - **d < w).count() as i64));
    }
    for w in WINDOWS {
        values.push(Value::Float(Some(money(
            seen.iter().filter(|l| as_of - l.day < w).map(|l| net_of(l)).sum(),
        ))));
    }
    for mode in 0..MODES.len() {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for value in sales.iter().filter_map(|l| l.values[mode].as_ref()) {
            *counts.entry(value).or_default() += 1;
        }
        // The smallest text among the most frequent.
        let most = counts.values().max().copied();
        values.push(Value::Text(counts.iter().find(|(_, n)| Some(**n) == most).map(|(v, _)| (*v).clone())));
    }
    if let Some(length) = request.occasion_days {
        let all = (as_of - first) / length;
        let met = |n: i32| days.iter().any(|d| *d > first + (n - 1) * length && *d <= first + n * length);
        let with_order: Vec<i32> = (1..=all).filter(|n| met(*n)).collect();
        values.push(Value::Int32(with_order.len() as i32));
        values.push(Value::Int32(with_order.last().copied().unwrap_or(0)));
        values.push(Value::Int32(all));
        let within = days.iter().filter(|d| **d > first && **d <= first + all * length).count();
        values.push(Value::Int32(within as i32));
    }
    if let Some(until) = request.label_until {
        values.push(Value::Int64(in_horizon(until.0)));
        let later: BTreeSet<i32> = orders.values().copied().filter(|d| *d > as_of && *d <= until.0).collect();
        values.push(Value::Int64(later.len() as i64));
        values.push(Value::OptionalInt32(later.first().map(|day| day - as_of)));
    }
    let until = request.label_until.map_or(as_of, |until| until.0.max(as_of));
    for day in orders.values().copied().filter(|d| *d <= until).collect::<BTreeSet<i32>>() {
        let counts = daily.entry(day).or_default();
        if day == first { counts.0 += 1 } else { counts.1 += 1 }
    }
    Ok(Some(values))
}

fn array(rows: &[Vec<Value>], c: usize) -> ArrayRef {
    let column = rows.iter().map(|r| &r[c]);
    match rows.first().map(|r| &r[c]) {
        Some(Value::Text(_)) => Arc::new(
            column.map(|v| if let Value::Text(t) = v { t.clone() } else { None }).collect::<StringArray>(),
        ),
        Some(Value::Date(_)) => Arc::new(
            column.map(|v| if let Value::Date(d) = v { Some(*d) } else { None }).collect::<Date32Array>(),
        ),
        Some(Value::Int32(_)) => Arc::new(
            column.map(|v| if let Value::Int32(i) = v { Some(*i) } else { None }).collect::<Int32Array>(),
        ),
        Some(Value::OptionalInt32(_)) => Arc::new(
            column.map(|v| if let Value::OptionalInt32(i) = v { *i } else { None }).collect::<Int32Array>(),
        ),
        Some(Value::Int64(_)) => Arc::new(
            column.map(|v| if let Value::Int64(i) = v { Some(*i) } else { None }).collect::<Int64Array>(),
        ),
        Some(Value::Moment(_)) => Arc::new(
            column
                .map(|v| if let Value::Moment(at) = v { Some(*at) } else { None })
                .collect::<TimestampMicrosecondArray>(),
        ),
        _ => Arc::new(
            column.map(|v| if let Value::Float(f) = v { *f } else { None }).collect::<Float64Array>(),
        ),
    }
}

/// Writes the columns that are wanted of rows that have all.
fn write_rows(
    path: &Path,
    all: &[Column],
    wanted: &[Column],
    rows: &[Vec<Value>],
) -> Result<(), EngineError> {
    let schema = arrow_schema(wanted);
    let places: Vec<usize> = (0..all.len()).filter(|i| wanted.contains(&all[*i])).collect();
    let batch = if rows.is_empty() {
        RecordBatch::new_empty(schema)
    } else {
        RecordBatch::try_new(schema, places.into_iter().map(|c| array(rows, c)).collect()).map_err(fail)?
    };
    write_table(path, batch, Compression::Snappy, &[]).map_err(fail).map(|_| ())
}

/// The most frequent value, the smallest of several.
fn mode<'a>(values: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    values.for_each(|v| *counts.entry(v).or_default() += 1);
    let most = counts.values().max().copied()?;
    counts.into_iter().find(|(_, n)| *n == most).map(|(v, _)| v.clone())
}

fn write_purchases(
    customers: &BTreeMap<String, Vec<Line>>,
    request: &PurchasesRequest,
) -> Result<(), EngineError> {
    let every = || customers.values().flatten();
    let names: Vec<&String> =
        every().filter_map(|l| l.product.as_ref()).collect::<BTreeSet<_>>().into_iter().collect();
    let products: Vec<Vec<Value>> = names
        .iter()
        .map(|name| {
            let sales = every().filter(|l| l.product.as_ref() == Some(name) && !l.is_return);
            let category = mode(sales.filter_map(|l| l.values[0].as_ref()));
            let sales = every().filter(|l| l.product.as_ref() == Some(name) && !l.is_return);
            let called = mode(sales.filter_map(|l| l.name.as_ref()));
            vec![Value::Text(Some((*name).clone())), Value::Text(called), Value::Text(category)]
        })
        .collect();
    let (mut orders, mut purchases, mut customer) = (Vec::new(), Vec::new(), 0);
    for lines in customers.values() {
        let seen: Vec<&Line> = lines.iter().filter(|l| l.day <= request.as_of.0).collect();
        if seen.iter().all(|l| l.is_return) {
            continue;
        }
        let ids: BTreeSet<&String> = seen.iter().map(|l| &l.order).collect();
        let mut own: Vec<(i64, u64, Vec<&&Line>)> = Vec::new();
        for id in ids {
            let order: Vec<&&Line> = seen.iter().filter(|l| l.order == *id).collect();
            let sold = order.iter().any(|l| !l.is_return);
            let dated: Vec<&&Line> = order.iter().filter(|l| !sold || !l.is_return).copied().collect();
            let at = dated.iter().map(|l| l.at).min().unwrap_or_default();
            own.push((at, xxhash_rust::xxh3::xxh3_64(id.as_bytes()), order));
        }
        own.sort_by_key(|o| (o.0, o.1));
        for (at, _, order) in own {
            let sold = order.iter().any(|l| !l.is_return);
            let first: Vec<&&Line> =
                order.iter().filter(|l| l.at == at && (!sold || !l.is_return)).copied().collect();
            let mut row = vec![
                Value::Int32(customer),
                Value::Date(first.first().map_or(0, |l| l.day)),
                Value::Moment(at),
                Value::Int32(order.iter().filter(|l| !l.is_return).count() as i32),
            ];
            row.extend(
                (1..MODES.len()).map(|m| Value::Text(first.iter().filter_map(|l| l.values[m].clone()).min())),
            );
            // A line without a product comes last.
            let sold: BTreeSet<(bool, Option<&String>)> =
                order.iter().map(|l| (l.product.is_none(), l.product.as_ref())).collect();
            for (_, product) in sold {
                let lines: Vec<&&&Line> = order.iter().filter(|l| l.product.as_ref() == product).collect();
                let sum = |f: &dyn Fn(&Line) -> i64| lines.iter().map(|l| f(l)).sum::<i64>();
                let place = product.map_or(-1, |p| names.iter().position(|n| *n == p).unwrap_or(0) as i32);
                purchases.push(vec![
                    Value::Int32(orders.len() as i32),
                    Value::Int32(place),
                    Value::Int32(sum(&|l| i64::from(!l.is_return)) as i32),
                    Value::Int64(sum(&|l| if l.is_return { 0 } else { l.quantity })),
                    Value::Int64(sum(&|l| if l.is_return { 0 } else { l.amount })),
                    Value::Int64(sum(&|l| if l.is_return { -l.amount } else { 0 })),
                    Value::Int64(sum(&|l| if l.is_return { 0 } else { l.cost.unwrap_or_default() })),
                    Value::Int64(sum(&|l| if l.is_return { -l.cost.unwrap_or_default() } else { 0 })),
                    Value::Int32(sum(&|l| i64::from(l.cost.is_none())) as i32),
                ]);
            }
            orders.push(row);
        }
        customer += 1;
    }
    write_rows(&request.folder.join("orders.parquet"), ORDERS, ORDERS, &orders)?;
    write_rows(&request.folder.join("purchases.parquet"), PURCHASES, PURCHASES, &purchases)?;
    write_rows(&request.folder.join("products.parquet"), PRODUCT_NAMES, PRODUCT_NAMES, &products)
}

impl Engine for ReferenceEngine {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn summarise(
        &self,
        transactions: &Path,
        net_returns: bool,
        requests: &[SummaryRequest],
        purchases: Option<&PurchasesRequest>,
    ) -> Result<Vec<SummaryStats>, EngineError> {
        let customers = read(transactions)?;
        if let Some(request) = purchases {
            write_purchases(&customers, request)?;
        }
        let mut stats = Vec::new();
        for request in requests {
            let mut rows = Vec::new();
            let mut return_only = 0;
            let mut daily = BTreeMap::new();
            for (id, lines) in &customers {
                match row(id, lines, request, net_returns, &mut daily) {
                    Ok(Some(values)) => rows.push(values),
                    Ok(None) => {}
                    Err(()) => return_only += 1,
                }
            }
            let all = SummaryRequest { only: None, ..request.clone() }.columns();
            write_rows(&request.out, &all, &request.columns(), &rows)?;
            if let Some(path) = &request.daily {
                let counts: Vec<ArrayRef> = vec![
                    Arc::new(Date32Array::from_iter_values(daily.keys().copied())),
                    Arc::new(Int64Array::from_iter_values(daily.values().map(|v| v.0))),
                    Arc::new(Int64Array::from_iter_values(daily.values().map(|v| v.1))),
                ];
                let batch = RecordBatch::try_new(arrow_schema(DAILY), counts).map_err(fail)?;
                write_table(path, batch, Compression::Snappy, &[]).map_err(fail)?;
            }
            stats.push(SummaryStats { customers: rows.len(), return_only });
        }
        Ok(stats)
    }
}
