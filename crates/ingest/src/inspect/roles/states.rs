//! Rows that are no sales.

use super::{Decision, Looking};
use crate::inspect::words::{self, State, fit, state};

impl Looking<'_> {
    /// Rows that are no sales, by a column of few values; or by the moment of a cancellation.
    pub(super) fn choose_states(&self, d: &mut Decision, date_columns: &[usize]) {
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
            d.cancelled_values = vec!["*".to_owned()];
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
        // A void beside its sale takes the sale back: left out, the sale would stay.
        let (voids, none): (Vec<_>, Vec<_>) =
            none.into_iter().partition(|(value, _)| self.undoes(c, value, d));
        for (value, said) in voids {
            d.returned.push(value.to_lowercase());
            d.notes.push(format!(
                "`{}`: rows with {said} take the sale back that stands beside them",
                self.name(c)
            ));
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
            let kind = self.says_kind(c) || words::words(self.name(c)).iter().any(|w| w == "event");
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

    /// Whether rows with a state stand beside a row of the same order, or customer, with the same money up to its sign.
    fn undoes(&self, c: usize, value: &str, d: &Decision) -> bool {
        let (Some(customer), Some(money)) = (d.roles.customer, d.roles.amount.or(d.roles.price)) else {
            return false;
        };
        // What was looked at or put into a basket has the same price too, and undoes nothing.
        let lower = value.to_lowercase();
        if !["void", "cancel", "storn", "annul", "anul", "revers"].iter().any(|stem| lower.contains(stem)) {
            return false;
        }
        let rows: Vec<usize> =
            (0..self.survey.sample.len()).filter(|r| self.survey.cell(*r, c) == value).collect();
        let money = &self.numbers[money];
        // A void with a number of its own has the other sign, and the customer of its sale.
        let by = match d.roles.order {
            Some(order) if !rows.iter().any(|r| money[*r] < 0.0) => order,
            _ => customer,
        };
        let groups = self.groups(by);
        let pairs = rows.iter().filter(|r| {
            groups.get(self.survey.cell(**r, by)).is_some_and(|g| {
                g.iter().any(|s| {
                    self.survey.cell(*s, c) != value && (money[*s].abs() - money[**r].abs()).abs() < 0.005
                })
            })
        });
        !rows.is_empty() && pairs.count() * 2 > rows.len()
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
