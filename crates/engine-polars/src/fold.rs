//! Sorted groups to customer rows, in one pass per date.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use polars::prelude::{DataFrame, PolarsResult, SortMultipleOptions};
use rayon::slice::ParallelSliceMut;
use tillwise_core::schema::{Column, DAILY, MODES, WINDOWS};
use tillwise_core::{Day, SummaryRequest, sum_to_f64};
use tillwise_table::{TableError, assemble};

use crate::Groups;
use crate::encode::{Dictionaries, NONE};

/// The groups of a range of customers, ready to be summed for any date.
pub(crate) struct Folded<'a> {
    dictionaries: &'a Dictionaries,
    /// By customer, day and order.
    cells: Vec<Cell>,
    /// Customers by id.
    customers: Vec<Customer>,
    /// Money taken back, by customer.
    refunds: Vec<Refund>,
    /// Key and first day of each product that a customer bought.
    products: Vec<(u64, i32)>,
    /// Key, day and lines, by key, for each mode.
    values: [Vec<(u64, i32, i64)>; MODES.len()],
}

/// One cell: the lines of an order on a day.
#[derive(Clone, Copy)]
struct Cell {
    customer: u32,
    day: i32,
    order: u64,
    lines: i64,
    units: i64,
    gross: i64,
    returned: i64,
    cost: i64,
    cost_back: i64,
    uncosted: i64,
    /// The day of the order: that of its earliest sale. [`NO_SALE`] for a credit note.
    order_day: i32,
}

/// The day of an order without a sale.
const NO_SALE: i32 = i32::MAX;

/// A customer, and where its cells and refunds are.
struct Customer {
    number: u32,
    cells: Range<usize>,
    refunds: Range<usize>,
}

/// Money taken back on a day, and the day of the order that it was paid with: [`NO_SALE`] where that is not known.
#[derive(Clone, Copy)]
struct Refund {
    order_day: i32,
    day: i32,
    amount: i64,
}

/// A line that takes money back.
struct ReturnLine {
    /// Customer and product, as in [`Groups`]; the lower half is [`NONE`] without a product.
    key: u64,
    order: u64,
    day: i32,
    amount: i64,
}

impl<'a> Folded<'a> {
    /// Takes grouped months apart and sorts them.
    pub fn new(groups: Groups, dictionaries: &'a Dictionaries) -> PolarsResult<Folded<'a>> {
        let sorted = groups
            .cells
            .sort(["customer", "day", "order"], SortMultipleOptions::default().with_multithreaded(true))?;
        let mut cells = cells(sorted)?;
        date_orders(&mut cells);
        let mut products = Vec::new();
        if groups.products.width() > 0 {
            let (keys, days) = (groups.products.column("key")?.u64()?, groups.products.column("day")?.i32()?);
            let pairs = keys.iter().zip(days.iter());
            products.extend(pairs.map(|(k, d)| (k.unwrap_or_default(), d.unwrap_or_default())));
            products.par_sort_unstable();
        }
        let returns = returns(&groups.returns)?;
        let (mut customers, mut refunds) = (Vec::new(), Vec::new());
        let (mut from, mut taken) = (0, 0);
        for history in cells.chunk_by(|a, b| a.customer == b.customer) {
            let number = history[0].customer;
            let own = returns[taken..].iter().take_while(|r| (r.key >> 32) as u32 == number).count();
            let first = refunds.len();
            refunds.extend(returns[taken..taken + own].iter().map(|r| r.meets(history, &products)));
            taken += own;
            customers.push(Customer {
                number,
                cells: from..from + history.len(),
                refunds: first..refunds.len(),
            });
            from += history.len();
        }
        customers
            .sort_unstable_by(|a, b| dictionaries.customer(a.number).cmp(dictionaries.customer(b.number)));
        products.dedup_by_key(|p| p.0);
        let mut values: [Vec<(u64, i32, i64)>; MODES.len()] = Default::default();
        for (rows, frame) in values.iter_mut().zip(&groups.values) {
            if frame.width() == 0 {
                continue;
            }
            let (keys, days, lines) =
                (frame.column("key")?.u64()?, frame.column("day")?.i32()?, frame.column("lines")?.i64()?);
            rows.extend(
                keys.iter()
                    .zip(days.iter())
                    .zip(lines.iter())
                    .map(|((k, d), n)| (k.unwrap_or_default(), d.unwrap_or_default(), n.unwrap_or_default())),
            );
            rows.sort_unstable();
        }
        Ok(Folded { dictionaries, cells, customers, refunds, products, values })
    }

    /// Whether a sum of a cell may have left 64 bits.
    pub fn may_have_wrapped(&self) -> bool {
        self.cells.iter().any(|cell| self.dictionaries.may_wrap(cell.lines))
    }

    /// Customers of this range in the order of their ids, by number.
    pub fn customers(&self) -> impl Iterator<Item = u32> + '_ {
        self.customers.iter().map(|c| c.number)
    }

    /// The customer table of this range as of a date, and the customers who only returned things.
    pub fn summarise(
        &self,
        request: &SummaryRequest,
        net_returns: bool,
        daily: &mut Daily,
    ) -> Result<(RecordBatch, usize), TableError> {
        let columns = request.columns();
        let wants = |name: &str| columns.iter().any(|c| c.name == name);
        let products =
            if wants("distinct_products") { self.product_counts(request.as_of) } else { Vec::new() };
        let modes =
            if TOPS.iter().any(|top| wants(top)) { self.modes(request.as_of) } else { Default::default() };
        let mut rows = Rows::default();
        let mut return_only = 0;
        for Customer { number, cells, refunds } in &self.customers {
            let refunds = if net_returns { &self.refunds[refunds.clone()] } else { &[] };
            match Summary::of(&self.cells[cells.clone()], refunds, request, net_returns, daily) {
                Outcome::Row(summary) => {
                    let tops = std::array::from_fn(|m| {
                        modes[m].get(number).map(|key| self.dictionaries.value(m, *key))
                    });
                    rows.push(
                        self.dictionaries.customer(*number),
                        *summary,
                        products.get(*number as usize).copied().unwrap_or_default(),
                        tops,
                    );
                }
                Outcome::ReturnsOnly => return_only += 1,
                Outcome::Unseen => {}
            }
        }
        Ok((rows.finish(request, &columns)?, return_only))
    }

    /// By customer number.
    fn product_counts(&self, as_of: Day) -> Vec<i64> {
        let mut counts = vec![0; self.dictionaries.customers()];
        for (key, _) in self.products.iter().filter(|p| p.1 <= as_of.0) {
            counts[(key >> 32) as usize] += 1;
        }
        counts
    }

    /// For each column, the key of each customer's most frequent value; ties go to the smallest text.
    fn modes(&self, as_of: Day) -> [HashMap<u32, u64>; MODES.len()] {
        std::array::from_fn(|mode| {
            let mut best: HashMap<u32, (i64, u64)> = HashMap::new();
            for group in self.values[mode].chunk_by(|a, b| a.0 == b.0) {
                let lines: i64 = group.iter().filter(|v| v.1 <= as_of.0).map(|v| v.2).sum();
                if lines == 0 {
                    continue;
                }
                let key = group[0].0;
                let top = best.entry((key >> 32) as u32).or_insert((lines, key));
                let text = |key| std::cmp::Reverse(self.dictionaries.value(mode, key));
                if lines > top.0 || (lines == top.0 && text(key) > text(top.1)) {
                    *top = (lines, key);
                }
            }
            best.into_iter().map(|(customer, (_, key))| (customer, key)).collect()
        })
    }
}

/// The columns of a sorted frame as cells.
fn cells(mut frame: DataFrame) -> PolarsResult<Vec<Cell>> {
    frame.rechunk_mut();
    let ints = |name: &str| frame.column(name).and_then(|c| c.i64()).and_then(|c| c.cont_slice());
    let customers = frame.column("customer")?.u32()?.cont_slice()?;
    let (orders, days) =
        (frame.column("order")?.u64()?.cont_slice()?, frame.column("day")?.i32()?.cont_slice()?);
    let (lines, units, gross) = (ints("lines")?, ints("units")?, ints("gross")?);
    let (returned, uncosted) = (ints("returned")?, ints("uncosted")?);
    let (cost, cost_back) = (ints("cost")?, ints("cost_back")?);
    Ok((0..frame.height())
        .map(|i| Cell {
            customer: customers[i],
            day: days[i],
            order: orders[i],
            lines: lines[i],
            units: units[i],
            gross: gross[i],
            returned: returned[i],
            cost: cost[i],
            cost_back: cost_back[i],
            uncosted: uncosted[i],
            order_day: NO_SALE,
        })
        .collect())
}

/// Dates the orders of cells that are sorted by customer, day and order.
fn date_orders(cells: &mut [Cell]) {
    let mut first: HashMap<u64, i32> = HashMap::new();
    for history in cells.chunk_by_mut(|a, b| a.customer == b.customer) {
        first.clear();
        for cell in history.iter().filter(|c| c.lines > 0) {
            first.entry(cell.order).or_insert(cell.day);
        }
        history.iter_mut().for_each(|c| c.order_day = first.get(&c.order).copied().unwrap_or(NO_SALE));
    }
}

/// The lines that take money back, by customer.
fn returns(frame: &DataFrame) -> PolarsResult<Vec<ReturnLine>> {
    if frame.width() == 0 {
        return Ok(Vec::new());
    }
    let (keys, orders) = (frame.column("key")?.u64()?, frame.column("order")?.u64()?);
    let (days, amounts) = (frame.column("day")?.i32()?, frame.column("amount")?.i64()?);
    let mut returns: Vec<ReturnLine> = keys
        .iter()
        .zip(orders.iter())
        .zip(days.iter().zip(amounts.iter()))
        .map(|((key, order), (day, amount))| ReturnLine {
            key: key.unwrap_or_default(),
            order: order.unwrap_or_default(),
            day: day.unwrap_or_default(),
            amount: amount.unwrap_or_default(),
        })
        .collect();
    returns.sort_unstable_by_key(|r| (r.key, r.day, r.order, r.amount));
    Ok(returns)
}

impl ReturnLine {
    /// The order that this money was paid with: that of the latest sale of the product up to then; where there is none, the
    /// order of the same number; else the latest order up to then.
    fn meets(&self, history: &[Cell], sales: &[(u64, i32)]) -> Refund {
        let sold = sales[..sales.partition_point(|s| *s <= (self.key, self.day))].last();
        let sold = sold.filter(|s| s.0 == self.key && self.key as u32 != NONE).map(|s| s.1);
        let dated = |cells: &[Cell], wanted: &dyn Fn(&Cell) -> bool| {
            let days = cells.iter().filter(|c| c.lines > 0 && wanted(c)).map(|c| c.order_day);
            days.max()
        };
        let seen = &history[..history.partition_point(|c| c.day <= self.day)];
        let order_day = sold
            .and_then(|day| dated(&seen[seen.partition_point(|c| c.day < day)..], &|c| c.day == day))
            .or_else(|| dated(seen, &|c| c.order == self.order))
            .or_else(|| dated(seen, &|_| true));
        Refund { order_day: order_day.unwrap_or(NO_SALE), day: self.day, amount: self.amount }
    }
}

enum Outcome {
    Row(Box<Summary>),
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
    units: i128,
    gross: i128,
    returned: i128,
    net: i128,
    cost: Option<i128>,
    repeat_spend: i128,
    squared_gaps: i64,
    window_orders: [i64; WINDOWS.len()],
    window_net: [i128; WINDOWS.len()],
    orders_in_horizon: i64,
    order_days_in_horizon: i64,
    days_to_next_order: Option<i32>,
    p90_gap: Option<f64>,
    sum_ln_gaps: f64,
    x_occasions: i32,
    t_x_occasions: i32,
    occasions: i32,
    order_days_in_occasions: i32,
}

/// First and repeat order days of customers, by day.
#[derive(Default)]
pub(crate) struct Daily(BTreeMap<i32, (i64, i64)>);

impl Daily {
    /// As a table.
    pub fn batch(&self) -> Result<RecordBatch, TableError> {
        let count = |f: fn(&(i64, i64)) -> i64| {
            Arc::new(Int64Array::from_iter_values(self.0.values().map(f))) as ArrayRef
        };
        let dates = Arc::new(Date32Array::from_iter_values(self.0.keys().copied()));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("date", dates),
            ("first_order_days", count(|v| v.0)),
            ("repeat_order_days", count(|v| v.1)),
        ];
        assemble("daily", DAILY, columns)
    }
}

impl Summary {
    fn of(
        history: &[Cell],
        refunds: &[Refund],
        request: &SummaryRequest,
        net_returns: bool,
        daily: &mut Daily,
    ) -> Outcome {
        let as_of = request.as_of.0;
        let seen = &history[..history.partition_point(|c| c.day <= as_of)];
        if seen.is_empty() {
            return Outcome::Unseen;
        }
        let mut s = Summary { as_of, ..Summary::default() };
        let (mut uncosted, mut cost) = (0, 0);
        for cell in seen {
            // A cell holds in 64 bits; many of them may not.
            let [units, gross, returned, bought, given_back] =
                [cell.units, cell.gross, cell.returned, cell.cost, cell.cost_back].map(i128::from);
            let back = if net_returns { returned } else { 0 };
            s.lines += cell.lines;
            s.units += units;
            s.gross += gross;
            s.returned += returned;
            s.net += gross - back;
            uncosted += cell.uncosted;
            cost += bought - if net_returns { given_back } else { 0 };
            for (i, days) in WINDOWS.into_iter().enumerate() {
                if cell.day > as_of - days {
                    s.window_net[i] += gross - back;
                }
            }
        }
        if s.lines == 0 {
            return Outcome::ReturnsOnly;
        }
        s.cost = (uncosted == 0).then_some(cost);

        // Orders, each on the day of its earliest line: the cells are in the order of days.
        let mut orders: Vec<(u64, i32)> =
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

        let until = request.label_until.map_or(as_of, |until| until.0.max(as_of));
        let mut days: Vec<i32> = orders.iter().map(|o| o.1).filter(|d| *d <= until).collect();
        days.sort_unstable();
        days.dedup();
        let (days, later) = days.split_at(days.partition_point(|d| *d <= as_of));
        let (Some(&first), Some(&last)) = (days.first(), days.last()) else { return Outcome::ReturnsOnly };
        if request.active_within_days.is_some_and(|n| last <= as_of - n) {
            return Outcome::Unseen;
        }
        (s.first, s.last) = (first, last);
        s.order_days = days.len() as i64;
        s.order_days_in_horizon = later.len() as i64;
        s.days_to_next_order = later.first().map(|day| day - as_of);
        s.p90_gap = upper_gap(days);
        s.sum_ln_gaps = days.windows(2).map(|w| f64::from(w[1] - w[0]).ln()).sum();
        if let Some(length) = request.occasion_days {
            s.occasions = (as_of - first) / length;
            // The occasion that holds a day after the first.
            let mut met: Vec<i32> = days[1..]
                .iter()
                .map(|day| (day - first + length - 1) / length)
                .filter(|n| *n <= s.occasions)
                .collect();
            s.order_days_in_occasions = met.len() as i32;
            met.dedup();
            (s.x_occasions, s.t_x_occasions) = (met.len() as i32, met.last().copied().unwrap_or(0));
        }
        if request.daily.is_some() {
            daily.0.entry(first).or_default().0 += 1;
            days[1..].iter().chain(later).for_each(|day| daily.0.entry(*day).or_default().1 += 1);
        }
        s.squared_gaps = days.windows(2).map(|w| i64::from(w[1] - w[0]).pow(2)).sum();
        let repeats = |day: i32| day > first && day != NO_SALE;
        let bought = seen.iter().filter(|c| repeats(c.order_day)).map(|c| i128::from(c.gross));
        let given_back = refunds.iter().filter(|r| r.day <= as_of && repeats(r.order_day));
        s.repeat_spend = bought.sum::<i128>() - given_back.map(|r| i128::from(r.amount)).sum::<i128>();
        Outcome::Row(Box::new(s))
    }

    fn mean_repeat_spend(&self) -> Option<f64> {
        let x = self.order_days - 1;
        (x > 0 && self.repeat_spend > 0).then(|| sum_to_f64(self.repeat_spend) / x as f64)
    }

    fn mean_gap_days(&self) -> Option<f64> {
        let x = self.order_days - 1;
        (x > 0).then(|| f64::from(self.last - self.first) / x as f64)
    }

    fn mean_ln_gap_days(&self) -> Option<f64> {
        let x = self.order_days - 1;
        (x > 0).then(|| self.sum_ln_gaps / x as f64)
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

/// The type-7 90 % quantile of the gaps between order days.
fn upper_gap(days: &[i32]) -> Option<f64> {
    let mut gaps: Vec<i32> = days.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_unstable();
    let last = gaps.len().checked_sub(1)?;
    // Tenths of the way to the last one: whole numbers until the end.
    let (below, tenths) = (last * 9 / 10, last * 9 % 10);
    let (low, high) = (gaps[below], gaps[(below + 1).min(last)]);
    Some(f64::from(low) + tenths as f64 * f64::from(high - low) / 10.0)
}

/// The columns of a customer table for each of [`MODES`].
const TOPS: [&str; MODES.len()] = ["top_category", "top_country", "top_channel", "top_store"];

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

    fn finish(self, request: &SummaryRequest, columns: &[Column]) -> Result<RecordBatch, TableError> {
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
        let money = |f: &dyn Fn(&Summary) -> i128| float(&|s| Some(sum_to_f64(f(s))));
        let mut arrays: Vec<(&str, ArrayRef)> = vec![
            ("customer_id", Arc::new(StringArray::from_iter_values(&self.ids))),
            ("as_of", date(&|s| s.as_of)),
            ("first_order_date", date(&|s| s.first)),
            ("last_order_date", date(&|s| s.last)),
            ("orders", int(&|s| s.orders)),
            ("order_days", int(&|s| s.order_days)),
            ("lines", int(&|s| s.lines)),
            ("units", money(&|s| s.units)),
            ("gross_revenue", money(&|s| s.gross)),
            ("returns_value", money(&|s| s.returned)),
            ("net_revenue", money(&|s| s.net)),
            ("cost", float(&|s| s.cost.map(sum_to_f64))),
            ("avg_order_value", float(&|s| Some(sum_to_f64(s.net) / s.orders as f64))),
            ("days_since_last", days(&|s| s.as_of - s.last)),
            ("tenure_days", days(&|s| s.as_of - s.first)),
            ("x", days(&|s| (s.order_days - 1) as i32)),
            ("t_x_days", days(&|s| s.last - s.first)),
            ("age_days", days(&|s| s.as_of - s.first)),
            ("mean_repeat_spend", float(&Summary::mean_repeat_spend)),
            ("distinct_products", Arc::new(Int64Array::from(self.products.clone()))),
            ("mean_gap_days", float(&Summary::mean_gap_days)),
            ("std_gap_days", float(&Summary::std_gap_days)),
            ("mean_ln_gap_days", float(&Summary::mean_ln_gap_days)),
            ("p90_gap_days", float(&|s| s.p90_gap)),
        ];
        const ORDERS: [&str; WINDOWS.len()] = ["orders_30d", "orders_90d", "orders_180d", "orders_365d"];
        const REVENUE: [&str; WINDOWS.len()] =
            ["net_revenue_30d", "net_revenue_90d", "net_revenue_180d", "net_revenue_365d"];
        for i in 0..WINDOWS.len() {
            arrays.push((ORDERS[i], int(&|s| s.window_orders[i])));
            arrays.push((REVENUE[i], money(&|s| s.window_net[i])));
        }
        for (name, top) in TOPS.into_iter().zip(self.tops) {
            arrays.push((name, Arc::new(StringArray::from(top))));
        }
        if request.occasion_days.is_some() {
            arrays.extend([
                ("x_occasions", days(&|s| s.x_occasions)),
                ("t_x_occasions", days(&|s| s.t_x_occasions)),
                ("occasions", days(&|s| s.occasions)),
                ("order_days_in_occasions", days(&|s| s.order_days_in_occasions)),
            ]);
        }
        if request.label_until.is_some() {
            let next = Arc::new(s.iter().map(|s| s.days_to_next_order).collect::<Int32Array>());
            arrays.extend([
                ("orders_in_horizon", int(&|s| s.orders_in_horizon)),
                ("order_days_in_horizon", int(&|s| s.order_days_in_horizon)),
                ("days_to_next_order", next),
            ]);
        }
        arrays.retain(|(name, _)| columns.iter().any(|c| c.name == *name));
        assemble("customers", columns, arrays)
    }
}
