//! Text to numbers, and neighbouring lines to one.
//!
//! An order is known by the 64-bit hash of its id, within its customer and nowhere else: among a thousand
//! orders of one customer two hashes meet with a probability of 3e-14.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use polars::prelude::{Column, DataFrame, PolarsResult};
use tillwise_core::schema::MODES;
use tillwise_core::{EngineError, Money};
use tillwise_table::Table;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::purchases::Lines;
use crate::{Groups, failed, table};

/// The sums of a cell: lines and money of sales, money of returns, cost of either, and lines without one.
pub(crate) const SUMS: [&str; 7] = ["lines", "units", "gross", "returned", "cost", "cost_back", "uncosted"];

/// The numbers that stand for customers, products and values. They grow with what is distinct.
pub(crate) struct Dictionaries {
    /// The first id of each range of customers but the first.
    bounds: Vec<String>,
    customers: Dictionary,
    /// The range of each customer.
    range_of: Vec<u32>,
    products: Dictionary,
    values: [Dictionary; MODES.len()],
    /// Whether lines are kept, and then the sales of each product and category.
    keeps_lines: bool,
    categories: HashMap<(u32, u32), u64>,
    /// The names that each product's sales have, and how many.
    names: Vec<Vec<(Box<str>, u64)>>,
    /// Money, units and cost of all lines, without their signs; and the money of returns alone.
    absolute: i128,
    returned: i128,
}

/// Names of a product that are counted, at most: a text that differs from line to line is no name.
const MOST_NAMES: usize = 64;

/// The number that stands for no product or value.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Default)]
struct Dictionary {
    numbers: HashMap<Box<str>, u32, BuildHasherDefault<TextHasher>>,
    texts: Vec<Box<str>>,
}

impl Dictionary {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }
}

/// XXH3, which is quick on short text and the same on every machine.
#[derive(Clone, Copy, Default)]
pub(crate) struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, _: u8) {
        // The mark at the end of a `str`: there is one text a hash.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Lines as numbers, neighbours drawn together.
#[derive(Default)]
struct Columns {
    range: Vec<u32>,
    customer: Vec<u32>,
    order: Vec<u64>,
    day: Vec<i32>,
    sums: [Vec<i64>; SUMS.len()],
}

impl Columns {
    fn frame(self) -> PolarsResult<DataFrame> {
        let n = self.range.len();
        let mut columns = vec![
            Column::new("range".into(), self.range),
            Column::new("customer".into(), self.customer),
            Column::new("order".into(), self.order),
            Column::new("day".into(), self.day),
        ];
        columns.extend(SUMS.into_iter().zip(self.sums).map(|(name, sums)| Column::new(name.into(), sums)));
        DataFrame::new(n, columns)
    }
}

#[derive(Default)]
struct Keyed {
    range: Vec<u32>,
    key: Vec<u64>,
    day: Vec<i32>,
    lines: Vec<i64>,
}

impl Keyed {
    fn frame(self, with_lines: bool) -> PolarsResult<DataFrame> {
        let n = self.key.len();
        if n == 0 {
            return Ok(DataFrame::empty());
        }
        let mut columns = vec![
            Column::new("range".into(), self.range),
            Column::new("key".into(), self.key),
            Column::new("day".into(), self.day),
        ];
        if with_lines {
            columns.push(Column::new("lines".into(), self.lines));
        }
        DataFrame::new(n, columns)
    }
}

/// Lines that take money back.
#[derive(Default)]
struct Returned {
    range: Vec<u32>,
    key: Vec<u64>,
    order: Vec<u64>,
    day: Vec<i32>,
    amount: Vec<i64>,
}

impl Returned {
    fn push(&mut self, range: u32, key: u64, order: u64, day: i32, amount: i64) {
        self.range.push(range);
        self.key.push(key);
        self.order.push(order);
        self.day.push(day);
        self.amount.push(amount);
    }

    fn frame(self) -> PolarsResult<DataFrame> {
        let n = self.key.len();
        if n == 0 {
            return Ok(DataFrame::empty());
        }
        let columns = vec![
            Column::new("range".into(), self.range),
            Column::new("key".into(), self.key),
            Column::new("order".into(), self.order),
            Column::new("day".into(), self.day),
            Column::new("amount".into(), self.amount),
        ];
        DataFrame::new(n, columns)
    }
}

impl Dictionaries {
    /// Nothing known yet; `bounds` cuts the customers into ranges.
    pub fn new(bounds: Vec<String>, keeps_lines: bool) -> Dictionaries {
        Dictionaries {
            bounds,
            customers: Dictionary::default(),
            range_of: Vec::new(),
            products: Dictionary::default(),
            values: Default::default(),
            keeps_lines,
            categories: HashMap::new(),
            names: Vec::new(),
            absolute: 0,
            returned: 0,
        }
    }

    /// Whether the sums of a cell with so many sales could have left 64 bits: not if all lines together stay within them,
    /// nor if the cell has few lines, as a line has a limit.
    pub fn may_wrap(&self, sales: i64) -> bool {
        const MOST: i128 = i64::MAX as i128;
        self.absolute > MOST && (sales > i64::MAX / Money::LINE_LIMIT.0 || self.returned > MOST)
    }

    pub fn ranges(&self) -> usize {
        self.bounds.len() + 1
    }

    pub fn customer(&self, number: u32) -> &str {
        &self.customers.texts[number as usize]
    }

    pub fn customers(&self) -> usize {
        self.customers.texts.len()
    }

    /// The value that a key of [`Groups::values`] names.
    pub fn value(&self, mode: usize, key: u64) -> &str {
        &self.values[mode].texts[key as u32 as usize]
    }

    /// All products, in the order of their numbers.
    pub fn products(&self) -> &[Box<str>] {
        &self.products.texts
    }

    /// The number of each product's most frequent category, or [`NONE`]. Ties go to the smallest text.
    pub fn categories(&self) -> Vec<u32> {
        let mut best: Vec<Option<(u64, u32)>> = vec![None; self.products.texts.len()];
        let text = |category: u32| self.value(0, u64::from(category));
        for ((product, category), lines) in &self.categories {
            let top = &mut best[*product as usize];
            let better = top.is_none_or(|(n, c)| *lines > n || (*lines == n && text(*category) < text(c)));
            if better {
                *top = Some((*lines, *category));
            }
        }
        best.into_iter().map(|b| b.map_or(NONE, |(_, category)| category)).collect()
    }

    /// Each product's most frequent name, if it has one. Ties go to the smallest text.
    pub fn names(&self) -> Vec<Option<&str>> {
        let best = |names: &Vec<(Box<str>, u64)>| -> Option<usize> {
            (0..names.len()).min_by_key(|i| (std::cmp::Reverse(names[*i].1), &names[*i].0))
        };
        let of = |product: usize| {
            let names = self.names.get(product)?;
            best(names).map(|i| names[i].0.as_ref())
        };
        (0..self.products.texts.len()).map(of).collect()
    }

    fn see_name(&mut self, product: u32, name: &str) {
        let product = product as usize;
        if self.names.len() <= product {
            self.names.resize(product + 1, Vec::new());
        }
        // A product has one name, or a handful of spellings.
        let names = &mut self.names[product];
        match names.iter().position(|known| known.0.as_ref() == name) {
            Some(at) => names[at].1 += 1,
            None if names.len() < MOST_NAMES => names.push((name.into(), 1)),
            None => {}
        }
    }

    /// Turns lines into numbers. Neighbouring lines of one order and day become one
    /// cell; the same order met again later makes another, to be grouped with it.
    pub fn encode(&mut self, lines: &Table) -> Result<Groups, EngineError> {
        let missing = |name: &str| EngineError::Failed {
            engine: "polars",
            doing: "reading lines",
            message: format!("the column `{name}` has another type than it should"),
        };
        let array = |name: &str| lines.array(name).map_err(table);
        let text = |name: &str| array(name)?.as_string_opt::<i32>().ok_or_else(|| missing(name));
        let ints = |name: &str| array(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| missing(name));
        let days =
            array("order_date")?.as_primitive_opt::<Date32Type>().ok_or_else(|| missing("order_date"))?;
        let returns = array("is_return")?.as_boolean_opt().ok_or_else(|| missing("is_return"))?;
        let optional = |name: &str| -> Result<Option<&StringArray>, EngineError> {
            let column = text(name)?;
            Ok((column.null_count() < column.len()).then_some(column))
        };
        let mut products = optional("product")?.map(|c| c.iter());
        let mut names = if self.keeps_lines { optional("product_name")?.map(|c| c.iter()) } else { None };
        let mut carried = Vec::new();
        for (mode, name) in MODES.into_iter().enumerate() {
            carried.extend(optional(name)?.map(|c| (mode, c.iter(), ("", None))));
        }
        let mut amounts = ints("amount_e4")?.iter();
        let mut quantities = ints("quantity_e4")?.iter();
        let mut costs = ints("cost_e4")?.iter();

        let mut cells = Columns::default();
        let mut bought = Keyed::default();
        let mut values: [Keyed; MODES.len()] = Default::default();
        let mut returned = Returned::default();
        let mut kept = Lines::default();
        let mut moments = None;
        if self.keeps_lines {
            let of = array("ordered_at")?.as_primitive_opt::<TimestampMicrosecondType>();
            moments = Some(of.ok_or_else(|| missing("ordered_at"))?.iter());
        }
        let mut last: Option<(&str, &str, i32)> = None;
        let mut here = (0u32, 0u32);
        let heads =
            text("customer_id")?.iter().zip(text("order_id")?.iter()).zip(days.iter()).zip(returns.iter());
        for (((customer, order), day), is_return) in heads {
            let (customer, order) = (customer.unwrap_or_default(), order.unwrap_or_default());
            let (day, is_return) = (day.unwrap_or_default(), is_return.unwrap_or_default());
            let amount = amounts.next().flatten().unwrap_or_default();
            let quantity = quantities.next().flatten().unwrap_or_default();
            let cost = costs.next().flatten();
            let size = |value: i64| i128::from(value.unsigned_abs());
            self.absolute += size(amount) + size(quantity) + size(cost.unwrap_or_default());
            self.returned += if is_return { size(amount) + size(cost.unwrap_or_default()) } else { 0 };
            if last != Some((customer, order, day)) {
                if last.is_none_or(|l| l.0 != customer) {
                    let number = self.customer_number(customer);
                    here = (self.range_of[number as usize], number);
                }
                last = Some((customer, order, day));
                cells.range.push(here.0);
                cells.customer.push(here.1);
                cells.order.push(xxh3_64(order.as_bytes()));
                cells.day.push(day);
                cells.sums.iter_mut().for_each(|s| s.push(0));
            }
            let sums = if is_return {
                [0, 0, 0, -amount, 0, -cost.unwrap_or_default(), i64::from(cost.is_none())]
            } else {
                [1, quantity, amount, 0, cost.unwrap_or_default(), 0, i64::from(cost.is_none())]
            };
            for (column, value) in cells.sums.iter_mut().zip(sums) {
                if let Some(sum) = column.last_mut() {
                    *sum = sum.saturating_add(value);
                }
            }
            let upper = u64::from(here.1) << 32;
            let product = products.as_mut().and_then(|p| p.next()).flatten();
            let product = product.map_or(NONE, |p| self.products.number(p));
            let name = names.as_mut().and_then(|n| n.next()).flatten();
            if let Some(name) = name.filter(|_| product != NONE && !is_return) {
                self.see_name(product, name);
            }
            if product != NONE && !is_return {
                bought.range.push(here.0);
                bought.key.push(upper | u64::from(product));
                bought.day.push(day);
            }
            if is_return {
                let order = cells.order.last().copied().unwrap_or_default();
                returned.push(here.0, upper | u64::from(product), order, day, -amount);
            }
            let mut of_line = [NONE; MODES.len()];
            for (mode, column, before) in &mut carried {
                let Some(value) = column.next().flatten() else { continue };
                let number = match *before {
                    (text, Some(number)) if text == value => number,
                    _ => self.values[*mode].number(value),
                };
                *before = (value, Some(number));
                of_line[*mode] = number;
                if is_return {
                    continue;
                }
                let keyed = &mut values[*mode];
                let key = upper | u64::from(number);
                match (keyed.key.last(), keyed.day.last(), keyed.lines.last_mut()) {
                    (Some(k), Some(d), Some(n)) if (*k, *d) == (key, day) => *n += 1,
                    _ => {
                        keyed.range.push(here.0);
                        keyed.key.push(key);
                        keyed.day.push(day);
                        keyed.lines.push(1);
                    }
                }
            }
            if let Some(moments) = &mut moments {
                let at = moments.next().flatten().unwrap_or_default();
                let order = cells.order.last().copied().unwrap_or_default();
                kept.push(here, order, (day, at), product, &of_line, is_return, (quantity, amount, cost));
                if product != NONE && of_line[0] != NONE && !is_return {
                    *self.categories.entry((product, of_line[0])).or_default() += 1;
                }
            }
        }

        let framed = || -> PolarsResult<Groups> {
            let mut frames: [DataFrame; MODES.len()] = Default::default();
            for (frame, keyed) in frames.iter_mut().zip(values) {
                *frame = keyed.frame(true)?;
            }
            Ok(Groups {
                cells: cells.frame()?,
                products: bought.frame(false)?,
                values: frames,
                returns: returned.frame()?,
                lines: kept.frame()?,
            })
        };
        framed().map_err(failed("encoding lines"))
    }

    fn customer_number(&mut self, id: &str) -> u32 {
        let number = self.customers.number(id);
        if number as usize == self.range_of.len() {
            self.range_of.push(self.bounds.partition_point(|b| b.as_str() <= id) as u32);
        }
        number
    }
}
