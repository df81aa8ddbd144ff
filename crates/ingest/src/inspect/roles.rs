//! What part each column plays: by arithmetic between columns and by what they hold first, then by the words of their names.

mod leftovers;
mod money;
mod orders;
mod states;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::Answers;
use super::formats::{Dates, Numbers, dates, numbers};
use super::survey::Survey;
use super::words::{self, Part, fit};
use crate::IngestError;

/// The columns found for each part, by number.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    pub customer: Option<usize>,
    pub order: Option<usize>,
    pub order_within: Vec<usize>,
    /// Whether numbers of orders begin anew in each file.
    pub order_within_file: bool,
    pub date: Option<usize>,
    pub product: Option<usize>,
    pub product_name: Option<usize>,
    pub quantity: Option<usize>,
    pub price: Option<usize>,
    pub amount: Option<usize>,
    pub discount: Option<usize>,
    pub refunded: Option<usize>,
    pub credit: Option<usize>,
    pub category: Option<usize>,
    pub country: Option<usize>,
    pub channel: Option<usize>,
    pub store: Option<usize>,
    pub currency: Option<usize>,
    pub unit_cost: Option<usize>,
    pub cancelled: Option<usize>,
    pub status: Option<usize>,
    pub fill_down: Vec<usize>,
}

/// What was decided, and how sure it is.
#[derive(Default)]
pub struct Decision {
    pub roles: Roles,
    pub dates: Option<Dates>,
    pub hundredths: bool,
    /// What the column of cancellations says of those that are; `*` for anything.
    pub cancelled_values: Vec<String>,
    pub not_sales: Vec<String>,
    pub returned: Vec<String>,
    pub negative_price_is_return: bool,
    pub notes: Vec<String>,
    pub unsure: Vec<String>,
    /// Parts that a person must name: the key, and what is known.
    pub open: Vec<(&'static str, String)>,
}

impl Decision {
    /// Takes what a person has said for decided.
    pub fn answer(&mut self, survey: &Survey, answers: &Answers) -> Result<(), IngestError> {
        for (key, name) in &answers.columns {
            let by_number =
                || name.parse().ok().filter(|n| (1..=survey.names.len()).contains(n)).map(|n: usize| n - 1);
            let Some(c) = survey.names.iter().position(|n| n == name).or_else(by_number) else {
                let problem =
                    format!("there is no column `{name}`; the columns are {}", survey.names.join(", "));
                return Err(IngestError::config(&format!("[columns] {key}"), problem, "name one of them"));
            };
            let Some(role) = self.roles.of(key) else {
                let problem = format!("`{key}` is no key of [columns]");
                return Err(IngestError::config(
                    &format!("[columns] {key}"),
                    problem,
                    "the manual lists the keys",
                ));
            };
            *role = Some(c);
            if key == "date" {
                self.dates = dates(survey, c);
            }
            self.open.retain(|(open, _)| open != key);
        }
        Ok(())
    }
}

impl Roles {
    /// The column of a key of `[columns]`.
    fn of(&mut self, key: &str) -> Option<&mut Option<usize>> {
        Some(match key {
            "customer" => &mut self.customer,
            "order" => &mut self.order,
            "date" => &mut self.date,
            "product" => &mut self.product,
            "product_name" => &mut self.product_name,
            "quantity" => &mut self.quantity,
            "price" => &mut self.price,
            "amount" => &mut self.amount,
            "discount" => &mut self.discount,
            "refunded" => &mut self.refunded,
            "credit" => &mut self.credit,
            "category" => &mut self.category,
            "country" => &mut self.country,
            "channel" => &mut self.channel,
            "store" => &mut self.store,
            "currency" => &mut self.currency,
            "unit_cost" => &mut self.unit_cost,
            "cancelled" => &mut self.cancelled,
            "status" => &mut self.status,
            _ => return None,
        })
    }
}

/// A table of which every row is known as numbers and texts.
struct Looking<'a> {
    survey: &'a Survey,
    dates: Vec<Option<Dates>>,
    /// By column, the numbers of the kept rows; empty where it holds none.
    numbers: Vec<Vec<f64>>,
    /// Columns that play a part already.
    taken: RefCell<HashSet<usize>>,
}

/// Decides what the columns mean.
pub fn decide(survey: &Survey) -> (Decision, Numbers) {
    let all_dates: Vec<Option<Dates>> = (0..survey.columns.len()).map(|c| dates(survey, c)).collect();
    let named = |c: usize| {
        fit(&survey.names[c], &words::DATE).is_some()
            || words::words(&survey.names[c]).iter().any(|w| words::DATE.against.contains(&w.as_str()))
    };
    let money = |c: usize| {
        fit(&survey.names[c], &words::AMOUNT).is_some() || fit(&survey.names[c], &words::REFUNDED).is_some()
    };
    let seen = |c: usize, by_name: bool| {
        let says = |d: &Dates| d.share > 0.5 && (d.by_look || (by_name && named(c) && !money(c)));
        all_dates[c].as_ref().is_some_and(says)
    };
    // Eight digits are dates where no other column is.
    let others = (0..survey.columns.len()).any(|c| seen(c, true));
    let compact = |c: usize| {
        let is_compact =
            |d: &Dates| d.share > 0.98 && d.patterns.iter().all(|p| p == "iso" || p.starts_with("%Y%m%d"));
        !others && !money(c) && all_dates[c].as_ref().is_some_and(is_compact)
    };
    let is_date = |c: usize| seen(c, true) || compact(c);
    let date_columns: Vec<usize> = (0..survey.columns.len()).filter(|c| is_date(*c)).collect();
    let marks = numbers(survey, &date_columns);
    let format = marks.format();
    let typed = crate::numbers::NumberFormat::typed();
    let numbers: Vec<Vec<f64>> = (0..survey.columns.len())
        .map(|c| {
            let column = &survey.columns[c];
            if date_columns.contains(&c) || column.filled == 0 {
                return Vec::new();
            }
            let values: Vec<f64> = (0..survey.sample.len())
                .map(|row| {
                    let raw = survey.sample[row][c].as_bytes();
                    let cell = survey.cell(row, c).as_bytes();
                    let read =
                        if raw.len() > cell.len() { typed.parse(cell) } else { format.parse_quantity(cell) };
                    read.map_or(f64::NAN, |d| d.to_f64())
                })
                .collect();
            let known = values.iter().filter(|v| v.is_finite()).count();
            let filled = (0..survey.sample.len()).filter(|r| survey.is_filled(*r, c)).count();
            if known * 10 >= filled * 7 && known > 0 { values } else { Vec::new() }
        })
        .collect();
    let looking = Looking { survey, dates: all_dates, numbers, taken: RefCell::default() };
    let mut decision = Decision::default();
    looking.choose(&mut decision, &date_columns);
    if let Some(what) = looking.of_customers(&decision.roles) {
        decision.open.retain(|(key, _)| *key != "customer");
        decision.open.push(("customer", what));
    }
    (decision, marks)
}

impl Looking<'_> {
    fn name(&self, c: usize) -> &str {
        &self.survey.names[c]
    }

    /// Says so where every row is a customer with sums of all orders: read as orders, each customer would have one.
    fn of_customers(&self, roles: &Roles) -> Option<String> {
        const FEWEST: u64 = 20;
        let customer = roles.customer?;
        let rows = self.survey.rows;
        let once = self.survey.columns[customer].distinct() as u64 == rows;
        if rows < FEWEST || !once {
            return None;
        }
        let says = |c: &usize| {
            let name = words::words(self.name(*c));
            let has = |list: &[&str]| name.iter().any(|w| list.contains(&w.as_str()));
            let counts = has(words::ORDERS) && (has(words::COUNTS) || name.len() == 1);
            let is_number = !self.numbers[*c].is_empty();
            (is_number && (counts || has(words::FREQUENCY)))
                || has(words::RECENCY)
                || (has(words::LAST_OR_FIRST) && has(words::AN_ORDER))
                || (is_number && has(words::LIFETIME))
        };
        // Numbers of orders tell orders, if they do not count them.
        if roles.order.is_some_and(|o| o != customer && !says(&o)) {
            return None;
        }
        let columns = 0..self.survey.columns.len();
        let told: Vec<String> =
            columns.filter(|c| *c != customer).filter(says).map(|c| format!("`{}`", self.name(c))).collect();
        (!told.is_empty()).then(|| {
            format!(
                "every `{}` stands in one row, and {} sum up orders: this is a table of customers, not of orders, and read as orders \
                 everyone would have one. Export orders or their lines; `tillwise rfm-table` scores the table as it is",
                self.name(customer),
                told.join(", ")
            )
        })
    }

    fn is_taken(&self, c: usize) -> bool {
        self.taken.borrow().contains(&c)
    }

    fn take(&self, columns: impl IntoIterator<Item = usize>) {
        self.taken.borrow_mut().extend(columns);
    }

    fn is_number(&self, c: usize) -> bool {
        !self.numbers[c].is_empty()
    }

    fn filled(&self, c: usize) -> f64 {
        self.survey.columns[c].filled as f64 / self.survey.rows.max(1) as f64
    }

    fn distinct(&self, c: usize) -> usize {
        self.survey.columns[c].distinct()
    }

    fn has_decimals(&self, c: usize) -> bool {
        self.numbers[c].iter().any(|v| v.is_finite() && v.fract() != 0.0)
    }

    /// Whether a column's name says that it holds kinds of rows or documents.
    fn says_kind(&self, c: usize) -> bool {
        words::words(self.name(c)).iter().any(|w| words::TYPES.contains(&w.as_str()))
    }

    /// The free column that fits best by name, and fits by what it holds.
    fn best(&self, part: &Part, fits: &dyn Fn(usize) -> Option<i32>) -> Option<(usize, i32)> {
        (0..self.survey.columns.len())
            .filter(|c| !self.is_taken(*c) && self.survey.columns[*c].filled > 0)
            .filter_map(|c| Some((fit(self.name(c), part)? + fits(c)?, c)))
            .max_by_key(|(score, c)| (*score, std::cmp::Reverse(*c)))
            .map(|(score, c)| (c, score))
    }

    /// Rows of the sample by the value of a column, blanks left out.
    fn groups(&self, c: usize) -> HashMap<&str, Vec<usize>> {
        let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
        for row in 0..self.survey.sample.len() {
            if self.survey.is_filled(row, c) {
                groups.entry(self.survey.cell(row, c)).or_default().push(row);
            }
        }
        groups
    }

    /// Share of groups of several rows in which a column has one value; `None` where there are too few such groups.
    fn constant_within(&self, groups: &HashMap<&str, Vec<usize>>, c: usize) -> Option<f64> {
        let (mut several, mut constant) = (0, 0);
        for rows in groups.values().filter(|r| r.len() > 1) {
            let mut values =
                rows.iter().filter(|r| self.survey.is_filled(**r, c)).map(|r| self.survey.cell(*r, c));
            let Some(first) = values.next() else { continue };
            several += 1;
            constant += usize::from(values.all(|v| v == first));
        }
        (several >= 5).then(|| constant as f64 / several as f64)
    }

    fn day_of(&self, dates: usize, row: usize) -> Option<i32> {
        let cell = self.survey.cell(row, dates).as_bytes();
        self.dates[dates].as_ref()?.formats.iter().find_map(|f| f.parse(cell)).map(|m| m.day.0)
    }

    fn choose(&self, d: &mut Decision, date_columns: &[usize]) {
        self.choose_customer_and_order(d);
        self.choose_date(d, date_columns);
        self.check_order(d);
        self.find_order(d);
        self.choose_texts(d);
        self.choose_money(d);
        self.find_units(d);
        self.choose_states(d, date_columns);
        self.choose_flags(d);
        self.doubt(d);
    }
}
