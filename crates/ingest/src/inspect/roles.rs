//! What part each column plays: by arithmetic between columns and by what they hold first, then by the words of their names.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::formats::{Dates, Numbers, dates, numbers};
use super::survey::Survey;
use super::words::{self, Part, State, fit, state};

/// The columns found for each part, by number.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    pub customer: Option<usize>,
    pub order: Option<usize>,
    pub order_within: Vec<usize>,
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
    pub cancelled_any: bool,
    pub not_sales: Vec<String>,
    pub returned: Vec<String>,
    pub negative_price_is_return: bool,
    pub notes: Vec<String>,
    pub unsure: Vec<String>,
    /// Parts that a person must name: the key, and what is known.
    pub open: Vec<(&'static str, String)>,
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

/// Share of rows that must agree for arithmetic to be believed.
const AGREE: f64 = 0.97;

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
    (decision, marks)
}

impl Looking<'_> {
    fn name(&self, c: usize) -> &str {
        &self.survey.names[c]
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
        self.choose_texts(d);
        self.choose_money(d);
        self.choose_states(d, date_columns);
    }

    fn choose_customer_and_order(&self, d: &mut Decision) {
        let rows = self.survey.rows;
        let by_header = self.survey.has_header;
        let is_id = |c: usize| {
            let distinct = self.distinct(c);
            // Money and measures have decimals; an id of two numbers, as web analytics writes it, has very many.
            let decimals = self.has_decimals(c)
                && self.survey.cell(0, c).split_once('.').is_none_or(|(_, part)| part.len() < 6);
            let is_date = self.dates[c].as_ref().is_some_and(|dates| dates.by_look && dates.share > 0.9);
            !decimals && !is_date && (distinct > 1 || rows < 5)
        };
        let order = self.best(&words::ORDER, &|c| {
            let distinct = self.distinct(c) as u64;
            let enough = distinct >= 3 || rows < 10;
            // An order holds few rows; a state or a till holds many.
            let few_rows = distinct * 400 >= self.survey.columns[c].filled.min(40_000) || distinct >= 2000;
            (is_id(c) && enough && few_rows && self.filled(c) > 0.3).then_some(0)
        });
        // Shopify's `Name` is the number of the order.
        let named = || {
            (0..self.survey.columns.len()).find(|c| {
                words::words(self.name(*c)) == ["name"]
                    && self.survey.columns[*c]
                        .examples
                        .iter()
                        .all(|e| e.starts_with('#') && e[1..].bytes().any(|b| b.is_ascii_digit()))
            })
        };
        let plain_id = || {
            (0..self.survey.columns.len()).find(|c| {
                words::words(self.name(*c)) == ["id"]
                    && self.distinct(*c) as u64 * 10 >= self.survey.columns[*c].filled * 2
                    && is_id(*c)
            })
        };
        d.roles.order = named()
            .or(order.filter(|o| o.1 >= 40).map(|o| o.0))
            .or_else(plain_id)
            .or(order.map(|o| o.0))
            .filter(|_| by_header);
        if let Some(order) = d.roles.order {
            self.take([order]);
        }
        let orders = d.roles.order.map(|o| self.distinct(o)).unwrap_or(rows as usize);
        let groups = d.roles.order.map(|o| self.groups(o));
        let customer = self.best(&words::CUSTOMER, &|c| {
            let distinct = self.distinct(c);
            let plenty = distinct >= 20
                || distinct as u64 * 40 >= rows.min(800)
                || (rows < 40 && distinct > 2)
                || rows < 5;
            if !(is_id(c) && plenty && self.filled(c) > 0.02) {
                return None;
            }
            let mut score = 0;
            // A customer who can be told again has more than one order; an id of its own for each order names the order.
            if distinct >= orders && orders > 30 {
                score -= 35;
            }
            // An order has one customer.
            if let Some(share) = groups.as_ref().and_then(|g| self.constant_within(g, c)) {
                score += if share > 0.98 { 5 } else { -30 };
            }
            Some(score + if self.filled(c) < 0.5 { -10 } else { 0 })
        });
        if by_header {
            d.roles.customer = customer.filter(|c| c.1 > 0).map(|c| c.0);
        }
        if let Some(c) = d.roles.customer {
            self.take([c]);
        }
    }

    fn choose_date(&self, d: &mut Decision, columns: &[usize]) {
        let groups = d.roles.order.map(|o| self.groups(o));
        let mut ranked: Vec<(i32, usize)> = columns
            .iter()
            .filter(|c| !self.is_taken(**c))
            .map(|c| {
                let words = words::words(self.name(*c));
                let against = words.iter().any(|w| words::DATE.against.contains(&w.as_str()))
                    || words::DATE.against.iter().any(|a| {
                        a.strip_prefix('~').is_some_and(|stem| words.iter().any(|w| w.contains(stem)))
                            || (!a.is_ascii() && self.name(*c).contains(*a))
                    });
                let by_name = fit(self.name(*c), &words::DATE).unwrap_or(if against { -200 } else { 0 });
                let constant = groups.as_ref().and_then(|g| self.constant_within(g, *c)).unwrap_or(1.0);
                let blank = if self.filled(*c) < 0.5 { -60 } else { 0 };
                // A moment tells more than a day.
                let timed =
                    if self.survey.columns[*c].examples.iter().any(|e| e.contains(':')) { 15 } else { 0 };
                (by_name + if constant < 0.8 { -30 } else { 0 } + blank + timed, *c)
            })
            .collect();
        ranked.sort_by_key(|(score, c)| (std::cmp::Reverse(*score), *c));
        let Some((score, best)) = ranked.first().copied() else { return };
        if score <= -150 {
            let list: Vec<String> = ranked.iter().map(|(_, c)| format!("`{}`", self.name(*c))).collect();
            d.open.push((
                "date",
                format!("no column is the day of an order; {} hold dates of something else", list.join(", ")),
            ));
            return;
        }
        d.roles.date = Some(best);
        d.dates.clone_from(&self.dates[best]);
        self.take([best]);
        if ranked.len() > 1 {
            let range = |c: usize| {
                self.dates[c]
                    .as_ref()
                    .map(|dates| format!("`{}` {} to {}", self.name(c), dates.first, dates.last))
                    .unwrap_or_default()
            };
            let others: Vec<String> = ranked[1..].iter().map(|(_, c)| range(*c)).collect();
            d.notes.push(format!("the date is {}; other dates are {}", range(best), others.join(", ")));
            // Two dates that nothing tells apart.
            let close = ranked[1].0 >= score - 1 && self.name(ranked[1].1) != self.name(best) && score > 0;
            let differ = self.dates[ranked[1].1]
                .as_ref()
                .zip(self.dates[best].as_ref())
                .is_some_and(|(a, b)| a.first != b.first || a.last != b.last);
            if close && differ {
                d.unsure.push(format!(
                    "`{}` is taken for the date of the order; `{}` could be it as well",
                    self.name(best),
                    self.name(ranked[1].1)
                ));
            }
        }
        if let Some(dates) = &d.dates {
            if let Some(why) = &dates.unsure {
                d.unsure.push(format!("dates in `{}`: {why}", self.name(best)));
            }
            if dates.share < 0.9 {
                d.unsure.push(format!(
                    "{:.0} % of `{}` do not read as dates and will be rejected",
                    100.0 * (1.0 - dates.share),
                    self.name(best)
                ));
            }
        }
    }

    /// An order has one customer, or its number is unique only together with something else.
    fn check_order(&self, d: &mut Decision) {
        let (Some(order), Some(customer)) = (d.roles.order, d.roles.customer) else { return };
        let groups = self.groups(order);
        let several = groups.values().filter(|r| r.len() > 1).count();
        if several < 5 {
            return;
        }
        let one_customer = self.constant_within(&groups, customer).unwrap_or(1.0);
        if one_customer > 0.9 {
            return;
        }
        // With the store, or with the day?
        let mut candidates: Vec<usize> = (0..self.survey.columns.len())
            .filter(|c| {
                *c != order
                    && *c != customer
                    && fit(self.name(*c), &words::STORE).is_some()
                    && self.distinct(*c) > 1
            })
            .collect();
        candidates.extend(d.roles.date);
        let sound = |with: &[usize]| {
            let mut of: HashMap<Vec<String>, HashSet<&str>> = HashMap::new();
            for row in 0..self.survey.sample.len() {
                let mut key = vec![self.survey.cell(row, order).to_owned()];
                for c in with {
                    key.push(match d.roles.date == Some(*c) {
                        true => self.day_of(*c, row).unwrap_or(0).to_string(),
                        false => self.survey.cell(row, *c).to_owned(),
                    });
                }
                of.entry(key).or_default().insert(self.survey.cell(row, customer));
            }
            let n = of.len();
            of.values().filter(|c| c.len() == 1).count() as f64 / n.max(1) as f64
        };
        let sets: Vec<Vec<usize>> = candidates
            .iter()
            .map(|c| vec![*c])
            .chain((candidates.len() > 1).then(|| candidates.clone()))
            .collect();
        for set in sets {
            if sound(&set) > 0.97 {
                let names: Vec<&str> = set.iter().map(|c| self.name(*c)).collect();
                d.notes.push(format!(
                    "numbers in `{}` stand for several customers' orders: an order is told by it together with {}",
                    self.name(order),
                    names.join(" and ")
                ));
                d.roles.order_within = set;
                return;
            }
        }
        d.notes.push(format!(
            "`{}` is not taken for the order: rows with one value are of several customers",
            self.name(order)
        ));
        d.roles.order = None;
        self.taken.borrow_mut().remove(&order);
    }

    fn choose_texts(&self, d: &mut Decision) {
        let number = |c: usize| self.is_number(c);
        let some = |ok: bool| ok.then_some(0);
        let pick = |this: &Looking<'_>, part: &Part, fits: &dyn Fn(usize) -> Option<i32>| {
            this.best(part, fits).map(|b| b.0)
        };
        d.roles.currency = pick(self, &words::CURRENCY, &|c| {
            let short = self.survey.columns[c].examples.iter().all(|e| e.chars().count() <= 12);
            some(!number(c) && short && self.distinct(c) <= 200)
        });
        self.take(d.roles.currency);
        d.roles.product =
            pick(self, &words::PRODUCT, &|c| some(!self.has_decimals(c) && self.filled(c) > 0.2));
        self.take(d.roles.product);
        d.roles.product_name = pick(self, &words::PRODUCT_NAME, &|c| {
            // A name goes with its product.
            let goes = match d.roles.product {
                Some(p) => self.distinct(c) <= 3 * self.distinct(p).max(10),
                None => true,
            };
            some(!number(c) && goes && self.distinct(c) > 1)
        });
        if d.roles.product.is_none() {
            // A name is as good as a code where there is none.
            d.roles.product = d
                .roles
                .product_name
                .take()
                .filter(|c| (self.distinct(*c) as u64) * 2 < self.survey.rows.max(10));
            self.take(d.roles.product);
        }
        self.take(d.roles.product_name);
        d.roles.category = pick(self, &words::CATEGORY, &|c| some(self.distinct(c) <= 2000));
        self.take(d.roles.category);
        d.roles.country = pick(self, &words::COUNTRY, &|c| some(!number(c) && self.distinct(c) <= 300));
        self.take(d.roles.country);
        d.roles.channel = pick(self, &words::CHANNEL, &|c| some(!number(c) && self.distinct(c) <= 200));
        self.take(d.roles.channel);
        d.roles.store =
            pick(self, &words::STORE, &|c| some(self.distinct(c) <= 20_000 && !self.has_decimals(c)));
        self.take(d.roles.store);
        // Columns of an order whose cells are blank after its first row.
        if let Some(order) = d.roles.order {
            let groups = self.groups(order);
            let blank_below = |c: usize| {
                let (mut first, mut below, mut n) = (0, 0, 0);
                for rows in groups.values().filter(|r| r.len() > 1) {
                    n += rows.len() - 1;
                    first += usize::from(self.survey.is_filled(rows[0], c));
                    below += rows[1..].iter().filter(|r| !self.survey.is_filled(**r, c)).count();
                }
                let several = groups.values().filter(|r| r.len() > 1).count();
                several >= 5 && first * 10 >= several * 9 && below * 10 >= n * 9
            };
            let wanted = [
                d.roles.customer, d.roles.date, d.roles.currency, d.roles.country, d.roles.channel,
                d.roles.store,
            ];
            d.roles.fill_down = wanted.into_iter().flatten().filter(|c| blank_below(*c)).collect();
        }
    }

    fn choose_money(&self, d: &mut Decision) {
        let columns: Vec<usize> =
            (0..self.survey.columns.len()).filter(|c| !self.is_taken(*c) && self.is_number(*c)).collect();
        let groups = d.roles.order.map(|o| self.groups(o));
        // What is the same in all rows of an order of several is the order's.
        // An order of several lines has several products, or something else that many rows tell apart.
        let line = |c: &usize| {
            let of_line = Some(*c) == d.roles.product || Some(*c) == d.roles.product_name;
            let of_order = [d.roles.order, d.roles.customer, d.roles.date].contains(&Some(*c));
            of_line || (!of_order && self.survey.columns[*c].values.is_none() && !self.is_number(*c))
        };
        let of_lines: Vec<usize> = (0..self.survey.columns.len()).filter(line).collect();
        let several_lines = |rows: &Vec<usize>| {
            let differs =
                |c: &usize| rows.iter().any(|r| self.survey.cell(*r, *c) != self.survey.cell(rows[0], *c));
            rows.len() > 1 && of_lines.iter().any(differs)
        };
        let orders: Option<HashMap<&str, Vec<usize>>> = groups.as_ref().map(|g| {
            g.iter().filter(|(_, rows)| several_lines(rows)).map(|(k, rows)| (*k, rows.clone())).collect()
        });
        let of_order = |c: usize| {
            orders.as_ref().is_some_and(|g| {
                let filled =
                    |r: &&Vec<usize>| r.iter().filter(|row| self.survey.is_filled(**row, c)).count() > 1;
                let multi = g.values().filter(filled).count();
                multi >= 10 && self.constant_within(g, c).unwrap_or(0.0) > 0.98 && self.distinct(c) > 1
            })
        };
        let once_an_order = |c: usize| {
            groups.as_ref().is_some_and(|g| {
                let multi: Vec<_> = g.values().filter(|r| r.len() > 1).collect();
                let once = multi
                    .iter()
                    .filter(|r| r.iter().filter(|row| self.survey.is_filled(**row, c)).count() == 1)
                    .count();
                multi.len() >= 10 && once * 10 > multi.len() * 9
            })
        };
        let quantity_like = |c: usize| {
            let v: Vec<f64> = self.numbers[c].iter().copied().filter(|v| v.is_finite()).collect();
            let whole = v.iter().filter(|v| v.fract() == 0.0).count();
            let small = v.iter().filter(|v| v.abs() < 100_000.0).count();
            !v.is_empty()
                && whole * 10 >= v.len() * 8
                && small * 100 >= v.len() * 99
                && self.distinct(c) * 2 < v.len().max(20)
        };
        // Items side by side in one row: `item1_price`, `item2_price`. None of them is the row's.
        let masked = |c: usize| {
            self.name(c).chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect::<String>()
        };
        let one_of_many = |c: usize| {
            let mask = masked(c);
            let alike = (0..self.survey.columns.len()).filter(|o| masked(*o) == mask).count();
            mask.contains('#') && alike > 1 && self.survey.has_header
        };
        let line_money: Vec<usize> = columns
            .iter()
            .copied()
            .filter(|c| !of_order(*c) && !once_an_order(*c) && !one_of_many(*c))
            .collect();
        let fits = |part: &Part, among: &[usize], c: usize| {
            if among.contains(&c) { fit(self.name(c), part) } else { None }
        };
        let best_of = |part: &Part, among: &[usize]| {
            among
                .iter()
                .filter_map(|c| Some((fits(part, among, *c)?, std::cmp::Reverse(*c))))
                .max()
                .map(|(_, c)| c.0)
        };

        // Debit and credit, of which a row has one.
        let empty = |part: &Part| {
            (0..self.survey.columns.len())
                .any(|c| self.survey.columns[c].filled == 0 && fit(self.name(c), part).is_some())
        };
        let debit = best_of(&words::DEBIT, &columns);
        let credit = best_of(&words::CREDIT, &columns);
        if let (Some(debit), Some(credit)) = (debit, credit) {
            let filled = |c: usize| {
                (0..self.survey.sample.len())
                    .filter(|r| self.survey.is_filled(*r, c) && self.numbers[c][*r] != 0.0)
                    .count()
            };
            let both = (0..self.survey.sample.len())
                .filter(|r| {
                    [debit, credit]
                        .iter()
                        .all(|c| self.survey.is_filled(*r, *c) && self.numbers[*c][*r] != 0.0)
                })
                .count();
            if both * 50 < self.survey.sample.len().max(1) {
                let (sale, back) =
                    if filled(debit) >= filled(credit) { (debit, credit) } else { (credit, debit) };
                (d.roles.amount, d.roles.credit) = (Some(sale), Some(back));
                self.take([sale, back]);
                d.notes.push(format!(
                    "`{}` is the money of sales, `{}` that of returns: more rows have the first",
                    self.name(sale),
                    self.name(back)
                ));
                return;
            }
        }

        // All rows go one way.
        let one_way = debit.filter(|_| empty(&words::CREDIT)).or(credit.filter(|_| empty(&words::DEBIT)));
        if let Some(c) = one_way {
            d.roles.amount = Some(c);
            self.take([c]);
            return;
        }

        let quantity = {
            let candidates: Vec<usize> =
                line_money.iter().copied().filter(|c| quantity_like(*c) || self.distinct(*c) < 50).collect();
            best_of(&words::QUANTITY, &candidates)
        };
        // Quantity times price is an amount: arithmetic that no name can contradict.
        let proven = self.products(&line_money, quantity, &quantity_like);
        let score_amount = |c: usize| fit(self.name(c), &words::AMOUNT).unwrap_or(-50);
        let score_price = |c: usize| fit(self.name(c), &words::PRICE).unwrap_or(-20);
        let usable = |a: usize| {
            let words_of = words::words(self.name(a));
            !words_of.iter().any(|w| words::AMOUNT.against.contains(&w.as_str())) || score_amount(a) > 0
        };
        let best = proven
            .iter()
            .filter(|t| usable(t.amount) && fit(self.name(t.price), &words::UNIT_COST).is_none_or(|s| s < 60))
            .max_by_key(|t| {
                let by_quantity = fit(self.name(t.quantity), &words::QUANTITY).unwrap_or(0);
                (score_amount(t.amount) + score_price(t.price) + by_quantity, std::cmp::Reverse(t.amount))
            });
        if let Some(t) = best {
            (d.roles.quantity, d.roles.price, d.roles.amount) =
                (Some(t.quantity), Some(t.price), Some(t.amount));
            self.take([t.quantity, t.price, t.amount]);
            d.notes.push(format!(
                "`{}` times `{}` is `{}` in {:.1} % of the rows",
                self.name(t.quantity),
                self.name(t.price),
                self.name(t.amount),
                100.0 * t.share
            ));
            // The same less a discount.
            let discounts: Vec<usize> = line_money
                .iter()
                .copied()
                .filter(|c| fit(self.name(*c), &words::DISCOUNT).is_some())
                .collect();
            for off in discounts {
                let some = self.numbers[off].iter().filter(|v| v.is_finite() && **v != 0.0).count();
                if some == 0 || self.is_share(off) {
                    continue;
                }
                let net = line_money.iter().copied().find(|n| {
                    *n != t.amount
                        && score_amount(*n) > 0
                        && self.agrees(&[t.amount, off, *n], |v| v[0] - v[1].abs() - v[2]) > AGREE
                });
                if let Some(net) = net {
                    d.roles.amount = Some(net);
                    d.notes.push(format!(
                        "`{}` is `{}` less `{}`: the money of a line is taken net of discounts",
                        self.name(net),
                        self.name(t.amount),
                        self.name(off)
                    ));
                } else {
                    d.roles.discount = Some(off);
                    d.notes.push(format!(
                        "`{}` is not yet off `{}`, and is subtracted",
                        self.name(off),
                        self.name(t.amount)
                    ));
                }
                break;
            }
        } else {
            self.by_names(d, &columns, &line_money, quantity, &of_order, &once_an_order);
        }
        if d.roles.amount.is_none() && d.roles.price.is_none() && !self.survey.has_header {
            self.by_values(d);
        }
        // What a unit costs.
        if d.roles.unit_cost.is_none() {
            let free: Vec<usize> = line_money.iter().copied().filter(|c| !self.is_taken(*c)).collect();
            let price = d.roles.price.or(d.roles.amount);
            d.roles.unit_cost = best_of(&words::UNIT_COST, &free).filter(|c| match price {
                // A cost lies below the price nearly always.
                Some(p) => {
                    d.roles.price.is_some()
                        && self.agreeing(&[p, *c], |v| v[1].abs() <= v[0].abs() * 1.5) > 0.9
                }
                None => false,
            });
            self.take(d.roles.unit_cost);
        }
        let one_row_an_order =
            groups.as_ref().is_none_or(|g| g.values().filter(|r| r.len() > 1).count() * 20 < g.len().max(1));
        let free: Vec<usize> = columns.iter().copied().filter(|c| !self.is_taken(*c)).collect();
        d.roles.refunded = best_of(&words::REFUNDED, &free).filter(|c| {
            let some = self.numbers[*c].iter().filter(|v| v.is_finite() && **v != 0.0).count();
            let within = d
                .roles
                .amount
                .is_some_and(|a| self.agreeing(&[a, *c], |v| v[1].abs() <= v[0].abs() + 0.01) > 0.98);
            some > 0 && one_row_an_order && within
        });
        if let (Some(refunded), Some(amount)) = (d.roles.refunded, d.roles.amount) {
            self.take([refunded]);
            d.notes.push(format!("`{}` is taken off `{}`", self.name(refunded), self.name(amount)));
        }
        // Money in cents.
        let money = [d.roles.amount, d.roles.price, d.roles.unit_cost];
        let in_cents = |c: usize| {
            let words = words::words(self.name(c));
            words.iter().any(|w| {
                matches!(
                    w.as_str(),
                    "cents"
                        | "cent"
                        | "minor"
                        | "pence"
                        | "paise"
                        | "kopecks"
                        | "kopeks"
                        | "centavos"
                        | "centimes"
                        | "ct"
                        | "cts"
                        | "hundredths"
                )
            }) && !self.has_decimals(c)
        };
        if money.into_iter().flatten().any(in_cents) {
            d.hundredths = true;
            d.notes.push("money is written in hundredths, by the name of its column".to_owned());
        }
        // Lines with a negative price and a positive quantity, in orders with other lines: discounts.
        if let (Some(price), Some(groups)) = (d.roles.price, &groups)
            && d.roles.amount.is_none()
        {
            let negative = |r: &usize| {
                self.numbers[price][*r] < 0.0 && d.roles.quantity.is_none_or(|q| self.numbers[q][*r] > 0.0)
            };
            let rows: Vec<&Vec<usize>> = groups.values().filter(|rows| rows.iter().any(negative)).collect();
            let beside =
                rows.iter().filter(|rows| rows.iter().any(|r| self.numbers[price][*r] > 0.0)).count();
            if beside >= 3 && beside * 10 >= rows.len() * 8 {
                d.negative_price_is_return = true;
                d.notes.push(format!("lines with a negative `{}` stand in orders with other lines: they are taken for discounts, and count against the order", self.name(price)));
            }
        }
    }

    /// Without proof by arithmetic: what is constant per product, and what the names say.
    fn by_names(
        &self,
        d: &mut Decision,
        columns: &[usize],
        line_money: &[usize],
        quantity: Option<usize>,
        of_order: &dyn Fn(usize) -> bool,
        once_an_order: &dyn Fn(usize) -> bool,
    ) {
        let scored = |part: &Part, among: &[usize]| -> Vec<(i32, usize)> {
            let mut all: Vec<(i32, usize)> = among
                .iter()
                .filter(|c| Some(**c) != quantity && !self.is_share(**c))
                .filter_map(|c| Some((fit(self.name(*c), part)?, *c)))
                .collect();
            all.sort_by_key(|(score, c)| (std::cmp::Reverse(*score), *c));
            all
        };
        let mut amounts = scored(&words::AMOUNT, line_money);
        let mut prices = scored(&words::PRICE, line_money);
        // A column without any money in it is none.
        let nonzero = |c: usize| self.numbers[c].iter().any(|v| v.is_finite() && *v != 0.0);
        amounts.retain(|(_, c)| nonzero(*c));
        prices.retain(|(_, c)| nonzero(*c));
        let payment = columns.iter().any(|c| {
            words::words(self.name(*c))
                .iter()
                .any(|w| matches!(w.as_str(), "fee" | "fees" | "entgelt" | "commission"))
        });
        if payment {
            // Of money less a fee, the customer paid all of it.
            let all = amounts.clone();
            let by = |a: &(i32, usize)| {
                let less_fee = all.iter().any(|b| {
                    b.1 != a.1
                        && columns.iter().any(|f| {
                            *f != a.1
                                && *f != b.1
                                && self.agrees(&[a.1, b.1, *f], |v| v[0] - v[1] - v[2].abs()) > AGREE
                                && self.numbers[*f].iter().any(|v| v.abs() > 0.0)
                        })
                });
                (less_fee, a.0)
            };
            amounts.sort_by_key(|a| std::cmp::Reverse(by(a)));
        }
        let per_product = d.roles.product.or(d.roles.product_name).map(|p| self.groups(p));
        if let Some(q) = quantity {
            let varies = self.numbers[q].iter().filter(|v| v.is_finite() && **v != 1.0).count() > 2;
            // The column that is the same for all sales of a product, whatever the quantity, is a price; the one that is
            // so once it is divided by the quantity is the line's.
            let constant = |c: usize, divided: bool| {
                per_product.as_ref().map(|groups| {
                    let (mut n, mut same) = (0usize, 0usize);
                    for rows in groups.values() {
                        let mut values: Vec<f64> = rows
                            .iter()
                            .filter(|r| self.numbers[q][**r].is_finite() && self.numbers[q][**r] != 0.0)
                            .map(|r| {
                                if divided {
                                    self.numbers[c][*r] / self.numbers[q][*r]
                                } else {
                                    self.numbers[c][*r].abs()
                                }
                            })
                            .filter(|v| v.is_finite())
                            .map(|v| (100.0 * v.abs()).round())
                            .collect();
                        if values.len() < 3 {
                            continue;
                        }
                        values.sort_by(f64::total_cmp);
                        let middle = values[values.len() / 2];
                        n += values.len();
                        same +=
                            values.iter().filter(|v| (**v - middle).abs() <= 1.0 + 0.002 * middle).count();
                    }
                    same as f64 / n.max(1) as f64
                })
            };
            let mut best: Option<(i32, usize, bool, bool)> = None;
            for (score, c, is_price) in
                prices.iter().map(|(s, c)| (*s, *c, true)).chain(amounts.iter().map(|(s, c)| (*s, *c, false)))
            {
                let (as_price, as_amount) =
                    (constant(c, false).unwrap_or(0.0), constant(c, true).unwrap_or(0.0));
                let (proof, price) = match (
                    as_price > as_amount + 0.05 && as_price > 0.7,
                    as_amount > as_price + 0.05 && as_amount > 0.7,
                ) {
                    (true, _) if varies => (true, true),
                    (_, true) if varies => (true, false),
                    _ => (false, is_price),
                };
                let rank = score + if proof { 25 } else { 0 };
                if best.is_none_or(|(s, ..)| rank > s) {
                    best = Some((rank, c, price, proof));
                }
            }
            if let Some((_, c, price, proof)) = best {
                d.roles.quantity = Some(q);
                self.take([q, c]);
                if price {
                    d.roles.price = Some(c);
                } else {
                    d.roles.amount = Some(c);
                }
                if proof {
                    let what = if price {
                        "is the same for all sales of a product, whatever the quantity: a price"
                    } else {
                        "divided by the quantity is the same for all sales of a product: the money of the line"
                    };
                    d.notes.push(format!("`{}` {what}", self.name(c)));
                } else if price && prices.first().is_none_or(|(s, _)| *s < 50) {
                    d.unsure.push(format!(
                        "`{}` is taken for the price of a unit, to be multiplied by `{}`; nothing proves it",
                        self.name(c),
                        self.name(q)
                    ));
                }
                let off: Vec<usize> = line_money
                    .iter()
                    .copied()
                    .filter(|o| {
                        fit(self.name(*o), &words::DISCOUNT).is_some()
                            && !self.is_share(*o)
                            && !self.is_taken(*o)
                    })
                    .collect();
                let off =
                    off.into_iter().find(|o| self.numbers[*o].iter().any(|v| v.is_finite() && *v != 0.0));
                if let (Some(off), true) = (off, price) {
                    d.roles.discount = Some(off);
                    d.notes.push(format!("`{}` is subtracted: revenue is net of discounts; take the key away to count before discounts", self.name(off)));
                }
                return;
            }
        }
        let mut all = amounts;
        for (score, c) in prices {
            if !all.iter().any(|a| a.1 == c) {
                all.push((score - 30, c));
            }
        }
        if let Some((_, c)) = all.first().copied() {
            d.roles.amount = Some(c);
            d.roles.quantity = quantity;
            self.take([Some(c), quantity].into_iter().flatten());
            let near: Vec<&str> =
                all.iter().skip(1).filter(|a| a.0 + 2 >= all[0].0).map(|a| self.name(a.1)).collect();
            let same = |n: &str| {
                self.survey
                    .names
                    .iter()
                    .position(|x| x == n)
                    .is_some_and(|o| self.agrees(&[c, o], |v| v[0] - v[1]) > AGREE)
            };
            let near: Vec<&str> = near.into_iter().filter(|n| !same(n)).collect();
            if !near.is_empty() {
                d.unsure.push(format!(
                    "`{}` is taken for the money of a row; `{}` could be it as well",
                    self.name(c),
                    near.join("`, `")
                ));
            }
            return;
        }
        // Money that is the order's, on every one of its rows or on its first.
        let of_orders: Vec<usize> = columns
            .iter()
            .copied()
            .filter(|c| (of_order(*c) || once_an_order(*c)) && fit(self.name(*c), &words::AMOUNT).is_some())
            .collect();
        if let Some(c) = of_orders.iter().copied().max_by_key(|c| fit(self.name(*c), &words::AMOUNT)) {
            if once_an_order(c) {
                d.roles.amount = Some(c);
                self.take([c]);
                return;
            }
            d.open.push(("amount", format!("`{}` is the same on every row of an order, so it is the order's money and cannot be added up by rows", self.name(c))));
        }
    }

    /// Without names: money has decimals, units are small whole numbers, and the customer comes first.
    fn by_values(&self, d: &mut Decision) {
        let free = |this: &Looking<'_>, fits: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..this.survey.columns.len())
                .filter(|c| !this.is_taken(*c) && this.survey.columns[*c].filled > 0 && fits(*c))
                .collect()
        };
        let amount = free(self, &|c| self.is_number(c) && self.has_decimals(c)).pop();
        d.roles.amount = amount.or_else(|| free(self, &|c| self.is_number(c)).pop());
        self.take(d.roles.amount);
        if d.roles.customer.is_none() {
            // A column of which each value stands for several rows; an e-mail address before all others.
            let mail = |c: usize| self.survey.columns[c].examples.iter().all(|e| e.contains('@'));
            let ids = free(self, &|c| self.distinct(c) > 1 && !self.has_decimals(c));
            let repeats = |c: &usize| self.distinct(*c) as u64 * 10 < self.survey.columns[*c].filled * 9;
            d.roles.customer = ids
                .iter()
                .copied()
                .find(|c| mail(*c))
                .or(ids.iter().copied().find(repeats))
                .or(ids.first().copied());
            self.take(d.roles.customer);
        }
        if d.roles.order.is_none() {
            // Each of its values has one customer and one day.
            let customer = d.roles.customer;
            let orders = free(self, &|c| {
                let groups = self.groups(c);
                let many = self.distinct(c) as u64 * 3 > self.survey.columns[c].filled
                    && self.survey.columns[c].filled > 20;
                let one = customer
                    .is_none_or(|customer| self.constant_within(&groups, customer).is_none_or(|s| s > 0.98));
                many && one
                    && !self.has_decimals(c)
                    && self.distinct(c) > customer.map_or(0, |k| self.distinct(k))
            });
            d.roles.order = orders.first().copied();
            self.take(d.roles.order);
        }
        let small = |c: usize| {
            self.is_number(c)
                && self.distinct(c) < 100
                && (0..self.survey.sample.len()).all(|r| {
                    let v = self.survey.cell(r, c);
                    v.len() <= 4 && !(v.starts_with('0') && v.len() > 1)
                })
        };
        d.roles.quantity = free(self, &small).first().copied();
        self.take(d.roles.quantity);
        d.unsure.push("there is no header: the columns were told apart by their values".to_owned());
    }

    /// Whether a column holds shares or percents rather than money.
    fn is_share(&self, c: usize) -> bool {
        let words = words::words(self.name(c));
        if words.iter().any(|w| {
            matches!(w.as_str(), "pct" | "percent" | "percentage" | "%" | "rate" | "ratio" | "share")
        }) {
            return true;
        }
        let v: Vec<f64> = self.numbers[c].iter().copied().filter(|v| v.is_finite() && *v != 0.0).collect();
        !v.is_empty()
            && fit(self.name(c), &words::DISCOUNT).is_some()
            && v.iter().all(|v| (0.0..=1.0).contains(v))
            && self.distinct(c) < 30
    }

    /// Share of the rows with all of the columns in which a difference is nothing.
    fn agrees(&self, columns: &[usize], difference: impl Fn(&[f64]) -> f64) -> f64 {
        self.agreeing(columns, |v| {
            difference(v).abs() <= 0.011 + 1e-6 * v.iter().fold(0.0f64, |m, x| m.max(x.abs()))
        })
    }

    fn agreeing(&self, columns: &[usize], holds: impl Fn(&[f64]) -> bool) -> f64 {
        let rows = self.survey.sample.len().min(5000);
        let (mut n, mut agree) = (0usize, 0usize);
        let mut values = vec![0.0; columns.len()];
        for row in 0..rows {
            for (value, c) in values.iter_mut().zip(columns) {
                *value = self.numbers[*c].get(row).copied().unwrap_or(f64::NAN);
            }
            if values.iter().all(|v| v.is_finite()) {
                n += 1;
                agree += usize::from(holds(&values));
            }
        }
        if n < 5 { 0.0 } else { agree as f64 / n as f64 }
    }

    /// All triples of which the third is the product of the first two.
    fn products(
        &self,
        columns: &[usize],
        named: Option<usize>,
        quantity_like: &dyn Fn(usize) -> bool,
    ) -> Vec<Product> {
        let quantities: Vec<usize> = match named {
            Some(q) => vec![q],
            None => columns.iter().copied().filter(|c| quantity_like(*c)).collect(),
        };
        let mut found = Vec::new();
        for q in quantities {
            let varies = self.numbers[q]
                .iter()
                .take(5000)
                .filter(|v| v.is_finite() && **v != 1.0 && **v != 0.0)
                .count();
            if varies < 3 {
                continue;
            }
            for p in columns.iter().copied().filter(|p| *p != q) {
                let nonzero =
                    self.numbers[p].iter().take(5000).filter(|v| v.is_finite() && **v != 0.0).count();
                for a in columns.iter().copied().filter(|a| *a != q && *a != p && nonzero > 4) {
                    let share = self.agreeing(&[q, p, a], |v| {
                        let product = v[0] * v[1];
                        let tolerance = 0.006 * v[0].abs().max(1.0) + 1e-6 * product.abs();
                        (product - v[2]).abs() <= tolerance || (product.abs() - v[2].abs()).abs() <= tolerance
                    });
                    if share > AGREE {
                        found.push(Product { quantity: q, price: p, amount: a, share });
                    }
                }
            }
        }
        found
    }

    /// Rows that are no sales, by a column of few values; or by the moment of a cancellation.
    fn choose_states(&self, d: &mut Decision, date_columns: &[usize]) {
        let cancelled = date_columns.iter().copied().find(|c| {
            let w = words::words(self.name(*c));
            let says = w.iter().any(|w| {
                w.starts_with("cancel")
                    || w.starts_with("storn")
                    || w.starts_with("annul")
                    || w.starts_with("void")
            });
            says && self.filled(*c) < 0.8 && !self.is_taken(*c)
        });
        if let Some(c) = cancelled {
            d.roles.cancelled = Some(c);
            d.cancelled_any = true;
            self.take([c]);
            d.notes.push(format!("rows with a moment in `{}` are cancelled", self.name(c)));
            if d.roles.order.is_some_and(|o| self.groups(o).values().any(|r| r.len() > 1))
                && !d.roles.fill_down.is_empty()
            {
                d.roles.fill_down.push(c);
            }
        }
        // The column with the most to say: one that a name or its values mark as a state.
        let mut best: Option<(i32, usize)> = None;
        for c in (0..self.survey.columns.len()).filter(|c| !self.is_taken(*c)) {
            let Some(values) = &self.survey.columns[c].values else { continue };
            if values.is_empty() || values.len() > 40 {
                continue;
            }
            let named = fit(self.name(c), &words::STATUS);
            let flag = self.is_test(c);
            let told = values.keys().filter(|v| matches!(state(v), State::None | State::Back)).count();
            let known = values.keys().filter(|v| state(v) != State::Open).count();
            if !flag
                && (told == 0 || named.is_none())
                && !(told > 0 && known * 2 >= values.len() && values.len() > 1)
            {
                continue;
            }
            if values.len() < 2 && told == 0 {
                continue;
            }
            let score = named.unwrap_or(0) + 20 * (told as i32).min(3) + if flag { 40 } else { 0 };
            if best.is_none_or(|(s, _)| score > s) {
                best = Some((score, c));
            }
        }
        let Some((_, c)) = best else { return };
        let Some(values) = self.survey.columns[c].values.clone() else { return };
        let mut sorted: Vec<(String, u64)> = values.into_iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let flag = self.is_test(c);
        let money = d.roles.amount.or(d.roles.price);
        let (mut none, mut back, mut open, mut sale) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (value, n) in &sorted {
            let said = format!("{value} ({n})");
            let truth = matches!(value.to_lowercase().as_str(), "true" | "1" | "yes" | "y" | "test");
            match state(value) {
                _ if flag && truth => none.push((value.clone(), said)),
                _ if flag => sale.push(said),
                State::None => none.push((value.clone(), said)),
                State::Back => back.push((value.clone(), said)),
                State::Sale => sale.push(said),
                // Magento closes an order once it is given back in full.
                State::Open if value.eq_ignore_ascii_case("closed") && self.given_back(c, value, d) => {
                    none.push((value.clone(), said))
                }
                State::Open => open.push(said),
            }
        }
        let shown =
            |list: &[(String, String)]| list.iter().map(|v| v.1.clone()).collect::<Vec<_>>().join(", ");
        if !none.is_empty() {
            d.not_sales = none.iter().map(|v| v.0.to_lowercase()).collect();
            d.notes.push(format!("`{}`: rows with {} are no sales", self.name(c), shown(&none)));
        }
        for (value, said) in back {
            let rows: Vec<usize> =
                (0..self.survey.sample.len()).filter(|r| self.survey.cell(*r, c) == value).collect();
            let signs = money
                .map(|m| {
                    rows.iter()
                        .map(|r| self.numbers[m][*r])
                        .filter(|v| v.is_finite() && *v != 0.0)
                        .collect::<Vec<f64>>()
                })
                .unwrap_or_default();
            let negative = signs.iter().filter(|v| **v < 0.0).count() * 2 > signs.len()
                || d.roles.quantity.is_some_and(|q| {
                    rows.iter().filter(|r| self.numbers[q].get(**r).is_some_and(|v| *v < 0.0)).count() * 2
                        > rows.len()
                });
            let in_credit = d.roles.credit.is_some();
            if negative || in_credit {
                // Its sign says so already.
                continue;
            }
            if d.roles.refunded.is_some() {
                d.notes.push(format!(
                    "`{}`: what was given back of {said} is taken off by `{}`",
                    self.name(c),
                    d.roles.refunded.map(|r| self.name(r)).unwrap_or_default()
                ));
                continue;
            }
            // A row of its own for the money that goes back, or the state of a whole order?
            let own_row = d.roles.order.is_some_and(|o| {
                let groups = self.groups(o);
                let with: usize = rows
                    .iter()
                    .filter(|r| {
                        groups.get(self.survey.cell(**r, o)).is_some_and(|g| {
                            g.iter().any(|s| self.survey.cell(*s, c) != value && self.survey.is_filled(*s, c))
                        })
                    })
                    .count();
                with * 2 > rows.len()
            });
            let negative_elsewhere = money.is_some_and(|m| {
                d.roles.order.is_some_and(|o| {
                    let groups = self.groups(o);
                    let with = rows
                        .iter()
                        .filter(|r| {
                            groups
                                .get(self.survey.cell(**r, o))
                                .is_some_and(|g| g.iter().any(|s| self.numbers[m][*s] < 0.0))
                        })
                        .count();
                    with * 2 > rows.len()
                })
            });
            let kind =
                words::words(self.name(c)).iter().any(|w| matches!(w.as_str(), "type" | "kind" | "event"));
            if negative_elsewhere {
                d.notes.push(format!(
                    "`{}`: {said} counts as a sale, for a row of its own takes the money back",
                    self.name(c)
                ));
            } else if own_row || kind {
                d.returned.push(value.to_lowercase());
                d.notes.push(format!("`{}`: rows with {said} take money back", self.name(c)));
            } else if d.roles.order.is_some() && self.groups_are_lines(d) {
                d.notes.push(format!(
                    "`{}`: orders with {said} count as sales; no column says how much was given back",
                    self.name(c)
                ));
                d.unsure.push(format!(
                    "`{}`: {said} counts as a sale; put it into not_sales to leave it out",
                    self.name(c)
                ));
            } else {
                d.not_sales.push(value.to_lowercase());
                d.notes.push(format!("`{}`: {said} was given back, and is left out", self.name(c)));
            }
        }
        if !open.is_empty() && (!d.not_sales.is_empty() || !d.returned.is_empty()) && !flag {
            d.notes.push(format!("`{}`: {} count as sales", self.name(c), open.join(", ")));
        }
        if !d.not_sales.is_empty() || !d.returned.is_empty() {
            d.roles.status = Some(c);
            self.take([c]);
            if let Some(o) = d.roles.order
                && !d.roles.fill_down.is_empty()
            {
                let groups = self.groups(o);
                let blank = groups.values().filter(|r| r.len() > 1).any(|r| !self.survey.is_filled(r[1], c));
                if blank {
                    d.roles.fill_down.push(c);
                }
            }
        }
    }

    fn is_test(&self, c: usize) -> bool {
        let words = words::words(self.name(c));
        let named = words.iter().any(|w| w == "test") && words.len() <= 3;
        named
            && self.survey.columns[c].values.as_ref().is_some_and(|v| {
                v.len() == 2
                    && v.keys().any(|k| matches!(k.to_lowercase().as_str(), "true" | "1" | "yes" | "y"))
            })
    }

    /// Whether rows with a state were given back in full.
    fn given_back(&self, c: usize, value: &str, d: &Decision) -> bool {
        let (Some(refunded), Some(amount)) = (d.roles.refunded, d.roles.amount) else { return false };
        let rows: Vec<usize> =
            (0..self.survey.sample.len()).filter(|r| self.survey.cell(*r, c) == value).collect();
        let full = rows
            .iter()
            .filter(|r| {
                (self.numbers[refunded][**r] - self.numbers[amount][**r]).abs()
                    < 0.01 + 0.25 * self.numbers[amount][**r].abs()
            })
            .count();
        !rows.is_empty() && full * 10 >= rows.len() * 9
    }

    /// Whether orders have several rows.
    fn groups_are_lines(&self, d: &Decision) -> bool {
        d.roles.order.is_some_and(|o| self.groups(o).values().filter(|r| r.len() > 1).count() > 5)
    }
}

/// Columns of which the third is the product of the first two.
struct Product {
    quantity: usize,
    price: usize,
    amount: usize,
    share: f64,
}
