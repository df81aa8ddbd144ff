//! Who bought what, when, in which order.

use std::collections::{HashMap, HashSet};

use super::{Decision, Looking};
use crate::inspect::words::{self, Part, fit};

impl Looking<'_> {
    pub(super) fn choose_customer_and_order(&self, d: &mut Decision) {
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
            // Where nothing else names customers, a column `Name` does, if orders have one of them each.
            let plain_name = || {
                (0..self.survey.columns.len()).find(|c| {
                    let returns = self.distinct(*c) * 5 >= 20.min(orders) && self.distinct(*c) < orders;
                    let one = groups.as_ref().and_then(|g| self.constant_within(g, *c));
                    words::words(self.name(*c)) == ["name"]
                        && !self.is_taken(*c)
                        && self.filled(*c) > 0.9
                        && returns
                        && one.is_some_and(|share| share > 0.98)
                })
            };
            d.roles.customer = customer.filter(|c| c.1 > 0).map(|c| c.0).or_else(plain_name);
        }
        // A part of a name is shared by many; an e-mail address beside it is not.
        let mailed = |c: usize| {
            let e = &self.survey.columns[c];
            !e.examples.is_empty() && e.examples.iter().all(|x| x.contains('@') && x.contains('.'))
        };
        if let Some(c) = d.roles.customer.filter(|c| !mailed(*c)) {
            let more = |e: &usize| {
                !self.is_taken(*e)
                    && mailed(*e)
                    && self.filled(*e) > 0.95
                    && self.distinct(*e) * 10 > self.distinct(c) * 12
                    && self.distinct(*e) * 10 < self.survey.rows as usize * 9
            };
            if let Some(e) = (0..self.survey.columns.len()).find(more) {
                d.notes.push(format!(
                    "`{}` tells more customers apart than `{}`, and is taken for who buys",
                    self.name(e),
                    self.name(c)
                ));
                d.roles.customer = Some(e);
            }
        }
        if let Some(c) = d.roles.customer {
            self.take([c]);
        }
    }

    pub(super) fn choose_date(&self, d: &mut Decision, columns: &[usize]) {
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
    pub(super) fn check_order(&self, d: &mut Decision) {
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

    pub(super) fn choose_texts(&self, d: &mut Decision) {
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
}
