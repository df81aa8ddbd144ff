//! What the other choices left over: flags that make a row no sale, units without a name that says so, and columns that would change
//! the numbers if they mean what they seem to. What can be told is decided; the rest is said.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Decision, Looking};
use crate::inspect::words::{self, State, fit, state, truth};

/// What a column of yes and no says of its rows.
#[derive(Clone, Copy, PartialEq)]
enum Flag {
    /// They are no sales.
    NoSale,
    /// Their money was given back.
    Back,
}

impl Looking<'_> {
    /// Whether a column holds nothing but yes and no, or one of them and blanks.
    pub(super) fn is_flag(&self, c: usize) -> bool {
        let blanks = self.filled(c) < 1.0;
        // Units of nought and one are units.
        if fit(self.name(c), &words::QUANTITY).is_some()
            || words::words(self.name(c)).iter().any(|w| matches!(w.as_str(), "qty" | "quantity" | "units"))
        {
            return false;
        }
        self.survey.columns[c].values.as_ref().is_some_and(|values| {
            let told: HashSet<bool> = values.keys().filter_map(|v| truth(v)).collect();
            values.len() <= 4
                && values.keys().all(|v| truth(v).is_some())
                && (told.len() == 2 || (told.contains(&true) && blanks))
        })
    }

    /// Whether a word of a column's name begins so; in scripts that do not part words, whether the name has it.
    fn name_says(&self, c: usize, stems: &[&str]) -> bool {
        let (named, whole) = (words::words(self.name(c)), self.name(c).to_lowercase());
        stems.iter().any(|stem| match stem.is_ascii() {
            true => named.iter().any(|w| w.starts_with(stem)),
            false => whole.contains(stem),
        })
    }

    /// Columns of yes and no that say that a row is cancelled, a draft, or given back.
    pub(super) fn choose_flags(&self, d: &mut Decision) {
        for c in (0..self.survey.columns.len()).filter(|c| !self.is_taken(*c) && self.is_flag(*c)) {
            let says = |list| self.name_says(c, list);
            let flag = match (says(words::FLAGS_NO_SALE), says(words::FLAGS_BACK)) {
                (true, _) => Flag::NoSale,
                (false, true) => Flag::Back,
                _ => continue,
            };
            let Some(values) = &self.survey.columns[c].values else { continue };
            let mut yes: Vec<String> =
                values.keys().filter(|v| truth(v) == Some(true)).map(|v| v.trim().to_lowercase()).collect();
            yes.sort();
            yes.dedup();
            let rows: u64 = values.iter().filter(|(v, _)| truth(v) == Some(true)).map(|(_, n)| n).sum();
            if rows == 0 {
                continue;
            }
            let name = self.name(c).to_owned();
            if rows * 2 > self.survey.rows {
                d.unsure.push(format!("{rows} rows say yes in `{name}`, which are most, and count as sales"));
                continue;
            }
            if flag == Flag::Back
                && self.mostly_negative(d, |row| truth(self.survey.cell(row, c)) == Some(true))
            {
                // Its sign says so already.
                continue;
            }
            if flag == Flag::NoSale && d.roles.cancelled.is_none() {
                d.roles.cancelled = Some(c);
                d.cancelled_values = yes;
                d.notes.push(format!("{rows} rows with yes in `{name}` are no sales"));
            } else if d.roles.status.is_none() {
                d.roles.status = Some(c);
                d.not_sales = yes;
                d.notes.push(format!("{rows} rows with yes in `{name}` are no sales"));
            } else {
                d.unsure.push(format!(
                    "{rows} rows say yes in `{name}`, and count as sales all the same: one more column of states cannot be named; leave those rows out of the export"
                ));
                continue;
            }
            self.take([c]);
        }
    }

    /// Whether most of some rows have negative money or units.
    fn mostly_negative(&self, d: &Decision, row: impl Fn(usize) -> bool) -> bool {
        let columns: Vec<usize> =
            [d.roles.amount, d.roles.price, d.roles.quantity].into_iter().flatten().collect();
        let rows: Vec<usize> = (0..self.survey.sample.len()).filter(|r| row(*r)).collect();
        let negative =
            |r: &&usize| columns.iter().any(|c| self.numbers[*c].get(**r).is_some_and(|v| *v < 0.0));
        rows.iter().filter(negative).count() * 2 > rows.len()
    }

    /// An order by what it is, where no name says so: every value of it has one customer and one day, and some have several rows.
    pub(super) fn find_order(&self, d: &mut Decision) {
        let (None, Some(customer), Some(date)) = (d.roles.order, d.roles.customer, d.roles.date) else {
            return;
        };
        let dated: Vec<Option<i32>> = (0..self.survey.sample.len()).map(|r| self.day_of(date, r)).collect();
        let is_order = |c: &usize| {
            let c = *c;
            if self.is_taken(c)
                || self.has_decimals(c)
                || self.dates[c].as_ref().is_some_and(|d| d.share > 0.9)
            {
                return false;
            }
            if self.filled(c) < 0.98 || self.distinct(c) <= self.distinct(customer) || self.is_flag(c) {
                return false;
            }
            let groups = self.groups(c);
            let several: Vec<&Vec<usize>> = groups.values().filter(|r| r.len() > 1).collect();
            let sound = several.iter().filter(|rows| {
                rows.iter().all(|r| {
                    self.survey.cell(*r, customer) == self.survey.cell(rows[0], customer)
                        && dated[*r] == dated[rows[0]]
                })
            });
            let runs = several.iter().filter(|rows| rows.windows(2).all(|w| w[1] == w[0] + 1)).count();
            several.len() >= 10
                && sound.count() * 100 >= several.len() * 98
                && runs * 10 >= several.len() * 9
                && groups.len() * 100 < self.survey.sample.len() * 98
        };
        // Of several, the one that tells most apart.
        let found = (0..self.survey.columns.len())
            .filter(is_order)
            .max_by_key(|c| (self.distinct(*c), std::cmp::Reverse(*c)));
        if let Some(c) = found {
            d.roles.order = Some(c);
            self.take([c]);
            d.notes.push(format!(
                "`{}` is the number of the order: each of its values has one customer and one day",
                self.name(c)
            ));
            return;
        }
        let mut days: HashMap<(&str, Option<i32>), usize> = HashMap::new();
        for (row, day) in dated.iter().enumerate() {
            *days.entry((self.survey.cell(row, customer), *day)).or_default() += 1;
        }
        let shared: usize = days.values().filter(|n| **n > 1).sum();
        if shared * 5 > self.survey.sample.len() && self.survey.sample.len() > 20 {
            d.unsure.push(
                "no column is the number of an order, and many rows are of one customer on one day: every row is taken for an order"
                    .to_owned(),
            );
        }
    }

    /// Units, where the money of a row is a price and no name says which column they are.
    pub(super) fn find_units(&self, d: &mut Decision) {
        if d.roles.quantity.is_some() {
            return;
        }
        let priced = |c: usize| {
            fit(self.name(c), &words::PRICE)
                .is_some_and(|p| fit(self.name(c), &words::AMOUNT).is_none_or(|a| p > a))
        };
        let Some(price) = d.roles.price.or(d.roles.amount.filter(|a| priced(*a))) else { return };
        let units = |c: &usize| {
            let c = *c;
            if self.is_taken(c) || !self.is_number(c) || self.is_flag(c) {
                return false;
            }
            let mut values: Vec<f64> = self.numbers[c].iter().copied().filter(|v| v.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            let (Some(least), Some(most)) = (values.first(), values.last()) else { return false };
            let named = words::words(self.name(c));
            let against = named.iter().any(|w| words::NOT_UNITS.contains(&w.as_str()));
            values.iter().all(|v| v.fract() == 0.0)
                && *least >= -1000.0
                && *most <= 10_000.0
                && *most > *least
                && values[values.len() / 2].abs() <= 12.0
                && values.iter().filter(|v| v.abs() == 1.0).count() * 10 >= values.len()
                && !against
        };
        let found: Vec<usize> = (0..self.survey.columns.len()).filter(units).collect();
        let [c] = found[..] else { return };
        d.roles.quantity = Some(c);
        self.take([c]);
        if d.roles.amount == Some(price) {
            (d.roles.amount, d.roles.price) = (None, Some(price));
        }
        d.unsure.push(format!(
            "`{}` is taken for the units, and `{}` for the price of one: nothing proves it",
            self.name(c),
            self.name(price)
        ));
    }

    /// Says what would change the numbers, if it means what it seems to.
    pub(super) fn doubt(&self, d: &mut Decision) {
        let free: Vec<usize> = (0..self.survey.columns.len()).filter(|c| !self.is_taken(*c)).collect();
        let any_above = |c: usize| self.numbers[c].iter().any(|v| *v > 0.0);
        for c in free {
            let named = words::words(self.name(c));
            let whole = self.name(c).to_lowercase();
            let says = |list| self.name_says(c, list);
            let name = self.name(c);
            if d.roles.amount.is_none()
                && d.roles.price.is_some()
                && d.roles.discount.is_none()
                && says(words::DISCOUNTS)
            {
                let filled = self.is_number(c) && any_above(c);
                let text =
                    !self.is_number(c) && self.survey.columns[c].examples.iter().any(|e| e.contains('%'));
                if filled && fit(name, &words::DISCOUNT).is_some() && self.is_below_the_price(c, d) {
                    d.roles.discount = Some(c);
                    d.unsure.push(format!("`{name}` is taken off the money of its row: nothing proves it"));
                } else if filled || text {
                    d.unsure.push(format!("`{name}` looks like a discount, and is not taken off; no total of the row says what it does"));
                }
            }
            if says(words::TIPS) && self.is_number(c) && any_above(c) && d.roles.amount.is_some() {
                d.unsure.push(format!(
                    "`{name}` may be part of `{}`; name it in [columns] shipping to take it off",
                    d.roles.amount.map(|a| self.name(a)).unwrap_or_default()
                ));
            }
            let share = whole.contains('%') && !says(words::TAXES) && self.is_number(c) && any_above(c);
            if share && d.roles.amount.is_none() && d.roles.price.is_some() && !says(words::DISCOUNTS) {
                d.unsure.push(format!(
                    "`{name}` may take something off the money of its row, and is not looked at"
                ));
            }
            if !self.is_flag(c) && self.is_number(c) && any_above(c) && says(words::FLAGS_BACK) {
                d.unsure.push(format!("`{name}` looks like what was given back, and is not taken off"));
            }
            let per = named.iter().any(|w| w == "per" || w == "peinh") || whole == "price unit";
            if per && d.roles.price.is_some() && self.numbers[c].iter().any(|v| *v > 1.0) {
                d.unsure.push(format!(
                    "`{name}` may say how many units a price is for; prices are taken for one unit"
                ));
            }
            if let Some(values) = self.survey.columns[c].values.as_ref().filter(|v| v.len() == 2) {
                // `S/H`, `D/C`: the name is the two values.
                let mut parts: Vec<&str> = name.split('/').map(str::trim).collect();
                let mut both: Vec<&str> = values.keys().map(String::as_str).collect();
                parts.sort_unstable();
                both.sort_unstable();
                if parts == both {
                    d.unsure.push(format!(
                        "`{name}` may say which rows take money back; all of them count as sales"
                    ));
                }
            }
        }
        self.doubt_states(d);
        self.doubt_kinds(d);
        self.doubt_phones(d);
    }

    /// Says so where telephone numbers name customers and one number is written in several ways.
    fn doubt_phones(&self, d: &mut Decision) {
        /// Digits at the end that two people hardly share.
        const TELLING: usize = 9;
        let Some(c) = d.roles.customer else { return };
        let mut spellings: HashMap<String, HashSet<&str>> = HashMap::new();
        let (mut phones, mut all) = (0, 0);
        for row in (0..self.survey.sample.len()).filter(|r| self.survey.is_filled(*r, c)) {
            let cell = self.survey.cell(row, c);
            let digits: String =
                crate::numbers::fold_digits(cell).chars().filter(char::is_ascii_digit).collect();
            let is_phone = !cell.chars().any(char::is_alphabetic)
                && (TELLING..=15).contains(&digits.len())
                && (cell.starts_with('+') || cell.starts_with('0') || cell.starts_with('('));
            all += 1;
            phones += usize::from(is_phone);
            if digits.len() >= TELLING {
                spellings.entry(digits[digits.len() - TELLING..].to_owned()).or_default().insert(cell);
            }
        }
        let twice: Vec<&HashSet<&str>> = spellings.values().filter(|s| s.len() > 1).collect();
        if phones * 2 > all && !twice.is_empty() {
            let mut shown: Vec<&str> = twice
                .iter()
                .min_by_key(|s| s.iter().min())
                .into_iter()
                .flat_map(|s| s.iter().copied())
                .collect();
            shown.sort_unstable();
            d.unsure.push(format!(
                "`{}` writes {} telephone numbers in several ways, such as {}: each way is a customer of its own; \
                 write them in one way, or name another column of customers",
                self.name(c),
                twice.len(),
                shown.join(" and ")
            ));
        }
    }

    /// Says so where the rows of an order are of several kinds, such as lines and payments, whose sums are the same money.
    fn doubt_kinds(&self, d: &mut Decision) {
        let (Some(order), Some(money)) = (d.roles.order, d.roles.amount) else { return };
        let groups = self.groups(order);
        for c in (0..self.survey.columns.len()).filter(|c| *c != order) {
            let few = self.survey.columns[c].values.as_ref().is_some_and(|v| (2..=6).contains(&v.len()));
            if !few || (self.is_taken(c) && d.roles.status != Some(c)) {
                continue;
            }
            let (mut several, mut same) = (0, 0);
            for rows in groups.values().filter(|r| r.len() > 1) {
                let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
                for row in rows.iter().filter(|r| self.numbers[money][**r].is_finite()) {
                    *sums.entry(self.survey.cell(*row, c)).or_default() += self.numbers[money][*row];
                }
                if sums.len() > 1 {
                    several += 1;
                    let first = sums.values().copied().next().unwrap_or_default();
                    same += usize::from(first > 0.0 && sums.values().all(|s| (s - first).abs() < 0.02));
                }
            }
            if several >= 10 && same * 10 > several * 6 {
                d.unsure.push(format!(
                    "within most orders the rows of every value of `{}` have the same money, as lines and payments have: it is counted several times",
                    self.name(c)
                ));
                return;
            }
        }
    }

    /// Whether a column is never more than price times quantity.
    fn is_below_the_price(&self, c: usize, d: &Decision) -> bool {
        let Some(price) = d.roles.price else { return false };
        let line = |r: usize| self.numbers[price][r] * d.roles.quantity.map_or(1.0, |q| self.numbers[q][r]);
        let pairs: Vec<(f64, f64)> = (0..self.survey.sample.len())
            .map(|r| (self.numbers[c][r], line(r)))
            .filter(|p| p.0.is_finite() && p.1.is_finite())
            .collect();
        !pairs.is_empty() && pairs.iter().all(|(off, of)| *off >= 0.0 && *off <= of.abs() + 0.01)
    }

    /// States that no word is known for, of less than half of the rows, are said.
    fn doubt_states(&self, d: &mut Decision) {
        for c in 0..self.survey.columns.len() {
            let taken = self.is_taken(c) && d.roles.status != Some(c);
            let Some(values) = self.survey.columns[c].values.as_ref().filter(|_| !taken) else { continue };
            let named = fit(self.name(c), &words::STATUS).unwrap_or(0);
            let of_type = self.says_kind(c);
            if (named < 5 && !of_type) || !(2..=12).contains(&values.len()) || self.is_flag(c) {
                continue;
            }
            let known = values.keys().any(|v| state(v) != State::Open);
            // Codes of documents, such as FT and NC.
            let codes = values.len() <= 4
                && values.keys().all(|v| v.chars().count() <= 3 && v.chars().all(char::is_alphabetic));
            if named < 5 && !known && !codes {
                continue;
            }
            let total: u64 = values.values().sum();
            let mut open: Vec<(&String, &u64)> =
                values.iter().filter(|(v, n)| state(v) == State::Open && *n * 5 < total * 2).collect();
            open.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            if open.is_empty() {
                continue;
            }
            let shown: Vec<String> = open.iter().take(6).map(|(v, n)| format!("{v} ({n})")).collect();
            d.unsure.push(format!(
                "`{}`: {} count as sales; put them into not_sales or returned if they are none",
                self.name(c),
                shown.join(", ")
            ));
        }
    }
}
