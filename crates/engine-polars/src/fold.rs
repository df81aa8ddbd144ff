//! Sorted cells to customer rows, in one pass per date.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use polars::prelude::*;
use tillwise_core::schema::{LABEL, MODES, SUMMARY, WINDOWS};
use tillwise_core::{Day, Money, SummaryRequest};
use tillwise_table::arrow_schema;

use crate::Grouped;

/// The grouped lines of a range of customers, ready to be summed for any date.
pub(crate) struct Frames {
    cells: DataFrame,
    products: DataFrame,
    values: [DataFrame; MODES.len()],
}

/// One cell: the lines of an order on a day.
#[derive(Clone, Copy)]
struct Cell<'a> {
    customer: &'a str,
    order: &'a str,
    day: i32,
    lines: i64,
    units: i64,
    gross: i64,
    returned: i64,
    cost: i64,
    costed: i64,
}

impl Frames {
    /// Sorts the cells by customer, day and order, and finds the first day of each product.
    pub fn prepare(grouped: Grouped) -> PolarsResult<Frames> {
        let cells = grouped
            .cells
            .lazy()
            .sort(["customer_id", "order_date", "order_id"], SortMultipleOptions::default())
            .collect()?;
        let products = if grouped.products.width() == 0 {
            grouped.products
        } else {
            grouped
                .products
                .lazy()
                .group_by([col("customer_id"), col("product")])
                .agg([col("order_date").min()])
                .select([col("customer_id"), col("order_date")])
                .collect()?
        };
        Ok(Frames { cells, products, values: grouped.values })
    }

    /// The customer table of this range as of a date, and the customers who only returned things.
    pub fn summarise(
        &self,
        request: &SummaryRequest,
        net_returns: bool,
    ) -> PolarsResult<(RecordBatch, usize)> {
        let products = self.product_counts(request.as_of)?;
        let modes = self.modes(request.as_of)?;
        let mut rows = Rows::default();
        let mut return_only = 0;
        let cells = self.cells()?;
        for history in cells.chunk_by(|a, b| a.customer == b.customer) {
            match Summary::of(history, request, net_returns) {
                Outcome::Row(summary) => {
                    let id = history[0].customer;
                    let tops = modes.each_ref().map(|m| m.get(id).copied());
                    rows.push(id, summary, products.get(id).copied().unwrap_or(0), tops);
                }
                Outcome::ReturnsOnly => return_only += 1,
                Outcome::Unseen => {}
            }
        }
        Ok((rows.finish(request)?, return_only))
    }

    fn cells(&self) -> PolarsResult<Vec<Cell<'_>>> {
        let text = |name| self.cells.column(name).and_then(|c| c.str());
        let ints = |name| self.cells.column(name).and_then(|c| c.i64());
        let days = self.cells.column("order_date")?.date()?.physical();
        let (customers, orders) = (text("customer_id")?, text("order_id")?);
        let cells = customers
            .iter()
            .zip(orders.iter())
            .zip(days.iter())
            .zip(ints("lines")?.iter())
            .zip(ints("units")?.iter())
            .zip(ints("gross")?.iter())
            .zip(ints("returned")?.iter())
            .zip(ints("cost")?.iter())
            .zip(ints("costed")?.iter())
            .map(|((((((((customer, order), day), lines), units), gross), returned), cost), costed)| Cell {
                customer: customer.unwrap_or_default(),
                order: order.unwrap_or_default(),
                day: day.unwrap_or_default(),
                lines: lines.unwrap_or_default(),
                units: units.unwrap_or_default(),
                gross: gross.unwrap_or_default(),
                returned: returned.unwrap_or_default(),
                cost: cost.unwrap_or_default(),
                costed: costed.unwrap_or_default(),
            })
            .collect();
        Ok(cells)
    }

    fn product_counts(&self, as_of: Day) -> PolarsResult<HashMap<&str, i64>> {
        let mut counts = HashMap::new();
        if self.products.width() > 0 {
            let customers = self.products.column("customer_id")?.str()?;
            let days = self.products.column("order_date")?.date()?.physical();
            for (customer, day) in customers.iter().zip(days.iter()) {
                if let (Some(customer), Some(day)) = (customer, day) {
                    if day <= as_of.0 {
                        *counts.entry(customer).or_default() += 1;
                    }
                }
            }
        }
        Ok(counts)
    }

    /// For each column, each customer's most frequent value.
    fn modes(&self, as_of: Day) -> PolarsResult<[HashMap<&str, &str>; MODES.len()]> {
        let mut modes: [HashMap<&str, &str>; MODES.len()] = Default::default();
        for (mode, frame) in modes.iter_mut().zip(&self.values) {
            if frame.width() == 0 {
                continue;
            }
            let customers = frame.column("customer_id")?.str()?;
            let values = frame.column("value")?.str()?;
            let days = frame.column("order_date")?.date()?.physical();
            let lines = frame.column("lines")?.i64()?;
            let mut counts: HashMap<(&str, &str), i64> = HashMap::new();
            for (((customer, value), day), lines) in
                customers.iter().zip(values.iter()).zip(days.iter()).zip(lines.iter())
            {
                if let (Some(customer), Some(value), Some(day), Some(lines)) = (customer, value, day, lines) {
                    if day <= as_of.0 {
                        *counts.entry((customer, value)).or_default() += lines;
                    }
                }
            }
            let mut best: HashMap<&str, (i64, &str)> = HashMap::new();
            for ((customer, value), lines) in counts {
                let top = best.entry(customer).or_insert((lines, value));
                if (lines, std::cmp::Reverse(value)) > (top.0, std::cmp::Reverse(top.1)) {
                    *top = (lines, value);
                }
            }
            *mode = best.into_iter().map(|(customer, (_, value))| (customer, value)).collect();
        }
        Ok(modes)
    }
}

enum Outcome {
    Row(Summary),
    /// Seen, but with nothing bought.
    ReturnsOnly,
    /// Not seen up to the date, or not active.
    Unseen,
}

/// One customer as of a date, in whole units.
#[derive(Default)]
struct Summary {
    first: i32,
    last: i32,
    as_of: i32,
    orders: i64,
    order_days: i64,
    lines: i64,
    units: i64,
    gross: i64,
    returned: i64,
    net: i64,
    cost: Option<i64>,
    first_day_gross: i64,
    squared_gaps: i64,
    window_orders: [i64; WINDOWS.len()],
    window_net: [i64; WINDOWS.len()],
    orders_in_horizon: i64,
}

impl Summary {
    fn of(history: &[Cell<'_>], request: &SummaryRequest, net_returns: bool) -> Outcome {
        let as_of = request.as_of.0;
        let seen = &history[..history.partition_point(|c| c.day <= as_of)];
        if seen.is_empty() {
            return Outcome::Unseen;
        }
        let mut s = Summary { as_of, ..Summary::default() };
        let (mut costed, mut cost) = (0, 0);
        for cell in seen {
            let back = if net_returns { cell.returned } else { 0 };
            s.lines += cell.lines;
            s.units += cell.units;
            s.gross += cell.gross;
            s.returned += cell.returned;
            s.net += cell.gross - back;
            costed += cell.costed;
            cost += cell.cost;
            for (i, days) in WINDOWS.into_iter().enumerate() {
                if cell.day > as_of - days {
                    s.window_net[i] += cell.gross - back;
                }
            }
        }
        if s.lines == 0 {
            return Outcome::ReturnsOnly;
        }
        s.cost = (costed > 0).then_some(cost);

        // Orders, each on the day of its earliest line: the cells are in the order of days.
        let mut orders: Vec<(&str, i32)> =
            history.iter().filter(|c| c.lines > 0).map(|c| (c.order, c.day)).collect();
        orders.sort_unstable();
        orders.dedup_by_key(|o| o.0);
        for (_, day) in &orders {
            if *day <= as_of {
                s.orders += 1;
                for (i, days) in WINDOWS.into_iter().enumerate() {
                    s.window_orders[i] += i64::from(*day > as_of - days);
                }
            } else if request.label_until.is_some_and(|until| *day <= until.0) {
                s.orders_in_horizon += 1;
            }
        }

        let mut days: Vec<i32> = orders.iter().map(|o| o.1).filter(|d| *d <= as_of).collect();
        days.sort_unstable();
        days.dedup();
        let (Some(&first), Some(&last)) = (days.first(), days.last()) else { return Outcome::ReturnsOnly };
        if request.active_within_days.is_some_and(|n| last <= as_of - n) {
            return Outcome::Unseen;
        }
        (s.first, s.last) = (first, last);
        s.order_days = days.len() as i64;
        s.squared_gaps = days.windows(2).map(|w| i64::from(w[1] - w[0]).pow(2)).sum();
        s.first_day_gross = seen.iter().filter(|c| c.day == first).map(|c| c.gross).sum();
        Outcome::Row(s)
    }

    fn mean_repeat_spend(&self) -> Option<f64> {
        let x = self.order_days - 1;
        if x == 0 || self.net <= 0 || self.gross <= 0 {
            return None;
        }
        let repeat = Money(self.gross - self.first_day_gross).to_f64();
        Some(repeat / x as f64 * (self.net as f64 / self.gross as f64))
    }

    fn mean_gap_days(&self) -> Option<f64> {
        let x = self.order_days - 1;
        (x > 0).then(|| f64::from(self.last - self.first) / x as f64)
    }

    /// Sample standard deviation from whole numbers: sqrt((n*sum(g^2) - (sum g)^2) / (n (n-1))).
    fn std_gap_days(&self) -> Option<f64> {
        let n = i128::from(self.order_days - 1);
        if n < 2 {
            return None;
        }
        let sum = i128::from(self.last - self.first);
        let spread = n * i128::from(self.squared_gaps) - sum * sum;
        Some((spread as f64 / (n * (n - 1)) as f64).sqrt())
    }
}

/// The columns of a customer table being built.
#[derive(Default)]
struct Rows {
    ids: Vec<String>,
    summaries: Vec<Summary>,
    products: Vec<i64>,
    tops: [Vec<Option<String>>; MODES.len()],
}

impl Rows {
    fn push(&mut self, id: &str, summary: Summary, products: i64, tops: [Option<&str>; MODES.len()]) {
        self.ids.push(id.to_owned());
        self.summaries.push(summary);
        self.products.push(products);
        for (column, top) in self.tops.iter_mut().zip(tops) {
            column.push(top.map(str::to_owned));
        }
    }

    fn finish(self, request: &SummaryRequest) -> PolarsResult<RecordBatch> {
        let s = &self.summaries;
        let int = |f: &dyn Fn(&Summary) -> i64| Arc::new(s.iter().map(f).collect::<Int64Array>()) as ArrayRef;
        let days =
            |f: &dyn Fn(&Summary) -> i32| Arc::new(s.iter().map(f).collect::<Int32Array>()) as ArrayRef;
        let date = |f: &dyn Fn(&Summary) -> i32| {
            Arc::new(Date32Array::from_iter_values(s.iter().map(f))) as ArrayRef
        };
        let float = |f: &dyn Fn(&Summary) -> Option<f64>| {
            Arc::new(s.iter().map(f).collect::<Float64Array>()) as ArrayRef
        };
        let money = |f: &dyn Fn(&Summary) -> i64| float(&|s| Some(Money(f(s)).to_f64()));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(&self.ids)),
            date(&|s| s.as_of),
            date(&|s| s.first),
            date(&|s| s.last),
            int(&|s| s.orders),
            int(&|s| s.order_days),
            int(&|s| s.lines),
            money(&|s| s.units),
            money(&|s| s.gross),
            money(&|s| s.returned),
            money(&|s| s.net),
            float(&|s| s.cost.map(|c| Money(c).to_f64())),
            float(&|s| Some(Money(s.net).to_f64() / s.orders as f64)),
            days(&|s| s.as_of - s.last),
            days(&|s| s.as_of - s.first),
            days(&|s| (s.order_days - 1) as i32),
            days(&|s| s.last - s.first),
            days(&|s| s.as_of - s.first),
            float(&Summary::mean_repeat_spend),
            Arc::new(Int64Array::from(self.products.clone())),
            float(&Summary::mean_gap_days),
            float(&Summary::std_gap_days),
        ];
        columns.extend((0..WINDOWS.len()).map(|i| int(&|s| s.window_orders[i])));
        columns.extend((0..WINDOWS.len()).map(|i| money(&|s| s.window_net[i])));
        columns.extend(self.tops.into_iter().map(|top| Arc::new(StringArray::from(top)) as ArrayRef));
        let mut schema = SUMMARY.to_vec();
        if request.label_until.is_some() {
            columns.push(int(&|s| s.orders_in_horizon));
            schema.push(LABEL);
        }
        RecordBatch::try_new(arrow_schema(&schema), columns)
            .map_err(|e| PolarsError::ComputeError(e.to_string().into()))
    }
}
