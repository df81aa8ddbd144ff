//! Lines to orders and what is in them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use polars::prelude::*;
use rayon::slice::ParallelSliceMut;
use tillwise_core::schema::{MODES, ORDERS, PRODUCT_NAMES, PURCHASES};
use tillwise_core::{EngineError, PurchasesRequest};
use tillwise_table::{Compression, TableError, TableWriter, arrow_schema, assemble, write_table};

use crate::encode::{Dictionaries, NONE};
use crate::fold::Folded;
use crate::{failed, table};

/// The columns of an order that come from a line: all of [`MODES`] but the category, which is the product's.
const OF_ORDER: usize = MODES.len() - 1;

/// Lines as numbers, as they wait for their range.
#[derive(Default)]
pub(crate) struct Lines {
    range: Vec<u32>,
    customer: Vec<u32>,
    order: Vec<u64>,
    day: Vec<i32>,
    at: Vec<i64>,
    product: Vec<u32>,
    is_return: Vec<u32>,
    quantity: Vec<i64>,
    amount: Vec<i64>,
    cost: Vec<i64>,
    uncosted: Vec<u32>,
    values: [Vec<u32>; OF_ORDER],
}

const NAMES: [&str; OF_ORDER] = ["value_1", "value_2", "value_3"];

impl Lines {
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    pub fn push(
        &mut self,
        (range, customer): (u32, u32),
        order: u64,
        (day, at): (i32, i64),
        product: u32,
        values: &[u32; MODES.len()],
        is_return: bool,
        (quantity, amount, cost): (i64, i64, Option<i64>),
    ) {
        self.range.push(range);
        self.customer.push(customer);
        self.order.push(order);
        self.day.push(day);
        self.at.push(at);
        self.product.push(product);
        self.is_return.push(u32::from(is_return));
        self.quantity.push(quantity);
        self.amount.push(amount);
        self.cost.push(cost.unwrap_or_default());
        self.uncosted.push(u32::from(cost.is_none()));
        self.values.iter_mut().zip(&values[1..]).for_each(|(column, value)| column.push(*value));
    }

    pub fn frame(self) -> PolarsResult<DataFrame> {
        let n = self.customer.len();
        if n == 0 {
            return Ok(DataFrame::empty());
        }
        let mut columns = vec![
            Column::new("range".into(), self.range),
            Column::new("customer".into(), self.customer),
            Column::new("order".into(), self.order),
            Column::new("day".into(), self.day),
            Column::new("at".into(), self.at),
            Column::new("product".into(), self.product),
            Column::new("is_return".into(), self.is_return),
            Column::new("quantity".into(), self.quantity),
            Column::new("amount".into(), self.amount),
            Column::new("cost".into(), self.cost),
            Column::new("uncosted".into(), self.uncosted),
        ];
        columns.extend(NAMES.into_iter().zip(self.values).map(|(n, v)| Column::new(n.into(), v)));
        DataFrame::new(n, columns)
    }
}

/// One line of a range.
#[derive(Clone, Copy)]
struct Line {
    customer: u32,
    order: u64,
    /// The product's rank among all; [`NONE`] without one.
    product: u32,
    day: i32,
    at: i64,
    is_return: bool,
    quantity: i64,
    amount: i64,
    cost: i64,
    uncosted: u32,
    values: [u32; OF_ORDER],
}

/// The three tables being written.
pub(crate) struct Purchases<'a> {
    request: &'a PurchasesRequest,
    dictionaries: &'a Dictionaries,
    /// The rank of each product by its text.
    rank: Vec<u32>,
    orders: TableWriter,
    purchases: TableWriter,
    customers: i32,
    numbered: i32,
}

impl<'a> Purchases<'a> {
    /// Begins the tables, and writes the products, which are all known once all lines are read.
    pub fn create(
        request: &'a PurchasesRequest,
        dictionaries: &'a Dictionaries,
    ) -> Result<Purchases<'a>, EngineError> {
        let products = dictionaries.products();
        let mut sorted: Vec<u32> = (0..products.len() as u32).collect();
        sorted.par_sort_unstable_by(|a, b| products[*a as usize].cmp(&products[*b as usize]));
        let mut rank = vec![0; products.len()];
        for (place, product) in sorted.iter().enumerate() {
            rank[*product as usize] = place as u32;
        }
        let categories = dictionaries.categories();
        let named = dictionaries.names();
        let category = |p: &u32| text(dictionaries, 0, categories[*p as usize]);
        let names = sorted.iter().map(|p| &products[*p as usize]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("product", Arc::new(StringArray::from_iter_values(names))),
            ("name", Arc::new(sorted.iter().map(|p| named[*p as usize]).collect::<StringArray>())),
            ("category", Arc::new(sorted.iter().map(category).collect::<StringArray>())),
        ];
        let batch = assemble("products", PRODUCT_NAMES, columns).map_err(table)?;
        let path = |name: &str| request.folder.join(name);
        write_table(&path("products.parquet"), batch, Compression::Snappy, &[]).map_err(table)?;
        let writer = |name: &str, schema| {
            TableWriter::create(&path(name), schema, Compression::Snappy, &[]).map_err(table)
        };
        let orders = writer("orders.parquet", arrow_schema(ORDERS))?;
        let purchases = writer("purchases.parquet", arrow_schema(PURCHASES))?;
        Ok(Purchases { request, dictionaries, rank, orders, purchases, customers: 0, numbered: 0 })
    }

    /// Adds a range of customers.
    pub fn add(&mut self, lines: &DataFrame, folded: &Folded<'_>) -> Result<(), EngineError> {
        let mut lines = self.lines(lines).map_err(failed("reading kept lines"))?;
        lines.par_sort_unstable_by_key(|l| (l.customer, l.order, l.product, l.at));
        let mut of_customer: HashMap<u32, Range<usize>> = HashMap::new();
        let mut from = 0;
        for part in lines.chunk_by(|a, b| a.customer == b.customer) {
            of_customer.insert(part[0].customer, from..from + part.len());
            from += part.len();
        }
        let mut rows = Rows::default();
        for customer in folded.customers() {
            let Some(range) = of_customer.get(&customer) else { continue };
            let lines = &lines[range.clone()];
            if lines.iter().all(|l| l.is_return) {
                continue;
            }
            let mut orders: Vec<(Head, &[Line])> = lines
                .chunk_by(|a, b| a.order == b.order)
                .map(|order| (Head::of(order, self.dictionaries), order))
                .collect();
            orders.sort_unstable_by_key(|(head, order)| (head.at, order[0].order));
            for (head, order) in orders {
                rows.order(self.customers, self.numbered, head, order);
                self.numbered += 1;
            }
            self.customers += 1;
        }
        if rows.wrapped {
            return Err(EngineError::TooMuchMoney);
        }
        let (orders, purchases) = rows.finish(self.dictionaries).map_err(table)?;
        for (writer, batch) in [(&mut self.orders, orders), (&mut self.purchases, purchases)] {
            writer.push(batch);
            writer.flush_full().map_err(table)?;
        }
        Ok(())
    }

    pub fn close(self) -> Result<(), EngineError> {
        self.orders.close().map_err(table)?;
        self.purchases.close().map_err(table)?;
        Ok(())
    }

    fn lines(&self, frame: &DataFrame) -> PolarsResult<Vec<Line>> {
        if frame.width() == 0 {
            return Ok(Vec::new());
        }
        let mut frame = frame.clone();
        frame.rechunk_mut();
        let words = |name: &str| frame.column(name).and_then(|c| c.u32()).and_then(|c| c.cont_slice());
        let ints = |name: &str| frame.column(name).and_then(|c| c.i64()).and_then(|c| c.cont_slice());
        let (customer, product) = (words("customer")?, words("product")?);
        let order = frame.column("order")?.u64()?.cont_slice()?;
        let day = frame.column("day")?.i32()?.cont_slice()?;
        let (at, quantity, amount, cost) = (ints("at")?, ints("quantity")?, ints("amount")?, ints("cost")?);
        let (is_return, uncosted) = (words("is_return")?, words("uncosted")?);
        let values = [words(NAMES[0])?, words(NAMES[1])?, words(NAMES[2])?];
        let seen = (0..frame.height()).filter(|i| day[*i] <= self.request.as_of.0);
        Ok(seen
            .map(|i| Line {
                customer: customer[i],
                order: order[i],
                product: self.rank.get(product[i] as usize).copied().unwrap_or(NONE),
                day: day[i],
                at: at[i],
                is_return: is_return[i] != 0,
                quantity: quantity[i],
                amount: amount[i],
                cost: cost[i],
                uncosted: uncosted[i],
                values: values.map(|v| v[i]),
            })
            .collect())
    }
}

/// What an order takes from its earliest line.
#[derive(Clone, Copy)]
struct Head {
    day: i32,
    at: i64,
    values: [u32; OF_ORDER],
}

impl Head {
    fn of(order: &[Line], dictionaries: &Dictionaries) -> Head {
        let sold = order.iter().any(|l| !l.is_return);
        let counted = order.iter().filter(|l| !(sold && l.is_return));
        let first = counted.clone().map(|l| (l.at, l.day)).min().unwrap_or_default();
        let mut head = Head { day: first.1, at: first.0, values: [NONE; OF_ORDER] };
        // Days and moments of a line agree, so the earliest moment is of the earliest day.
        for line in counted {
            if line.at != head.at {
                continue;
            }
            for (mode, (best, value)) in head.values.iter_mut().zip(line.values).enumerate() {
                let text = |number| text(dictionaries, mode + 1, number);
                let better = *best == NONE || (value != *best && text(value) < text(*best));
                if value != NONE && better {
                    *best = value;
                }
            }
        }
        head
    }
}

fn text(dictionaries: &Dictionaries, mode: usize, number: u32) -> Option<&str> {
    (number != NONE).then(|| dictionaries.value(mode, u64::from(number)))
}

/// Rows of a range.
#[derive(Default)]
struct Rows {
    customer: Vec<i32>,
    day: Vec<i32>,
    at: Vec<i64>,
    order_sales: Vec<i32>,
    values: [Vec<u32>; OF_ORDER],
    order: Vec<i32>,
    product: Vec<i32>,
    sales: Vec<i32>,
    units: Vec<i64>,
    gross: Vec<i64>,
    returned: Vec<i64>,
    cost: Vec<i64>,
    returned_cost: Vec<i64>,
    uncosted: Vec<i32>,
    /// Whether a sum left 64 bits.
    wrapped: bool,
}

impl Rows {
    fn order(&mut self, customer: i32, number: i32, head: Head, lines: &[Line]) {
        self.customer.push(customer);
        self.day.push(head.day);
        self.at.push(head.at);
        self.order_sales.push(lines.iter().filter(|l| !l.is_return).count() as i32);
        self.values.iter_mut().zip(head.values).for_each(|(column, value)| column.push(value));
        for lines in lines.chunk_by(|a, b| a.product == b.product) {
            let sales = || lines.iter().filter(|l| !l.is_return);
            let wrapped = &mut self.wrapped;
            let mut sum = |values: &mut dyn Iterator<Item = i64>| {
                let sum: i128 = values.map(i128::from).sum();
                i64::try_from(sum).unwrap_or_else(|_| {
                    *wrapped = true;
                    i64::MAX
                })
            };
            self.order.push(number);
            self.product.push(if lines[0].product == NONE { -1 } else { lines[0].product as i32 });
            self.sales.push(sales().count() as i32);
            self.units.push(sum(&mut sales().map(|l| l.quantity)));
            self.gross.push(sum(&mut sales().map(|l| l.amount)));
            self.returned.push(sum(&mut lines.iter().filter(|l| l.is_return).map(|l| -l.amount)));
            self.cost.push(sum(&mut sales().map(|l| l.cost)));
            self.returned_cost.push(sum(&mut lines.iter().filter(|l| l.is_return).map(|l| -l.cost)));
            self.uncosted.push(lines.iter().map(|l| l.uncosted as i32).sum());
        }
    }

    fn finish(self, dictionaries: &Dictionaries) -> Result<(RecordBatch, RecordBatch), TableError> {
        // The text columns of an order are those of MODES but the first, in its order.
        const TEXTS: [&str; OF_ORDER] = ["country", "channel", "store"];
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("customer", Arc::new(Int32Array::from(self.customer))),
            ("order_date", Arc::new(Date32Array::from(self.day))),
            ("ordered_at", Arc::new(TimestampMicrosecondArray::from(self.at))),
            ("sales", Arc::new(Int32Array::from(self.order_sales))),
        ];
        for (mode, numbers) in self.values.into_iter().enumerate() {
            let texts = numbers.into_iter().map(|n| text(dictionaries, mode + 1, n));
            columns.push((TEXTS[mode], Arc::new(texts.collect::<StringArray>())));
        }
        let orders = assemble("orders", ORDERS, columns)?;
        let purchases = assemble(
            "purchases",
            PURCHASES,
            vec![
                ("order", Arc::new(Int32Array::from(self.order))),
                ("product", Arc::new(Int32Array::from(self.product))),
                ("sales", Arc::new(Int32Array::from(self.sales))),
                ("units_e4", Arc::new(Int64Array::from(self.units))),
                ("gross_e4", Arc::new(Int64Array::from(self.gross))),
                ("returned_e4", Arc::new(Int64Array::from(self.returned))),
                ("cost_e4", Arc::new(Int64Array::from(self.cost))),
                ("returned_cost_e4", Arc::new(Int64Array::from(self.returned_cost))),
                ("uncosted", Arc::new(Int32Array::from(self.uncosted))),
            ],
        )?;
        Ok((orders, purchases))
    }
}
