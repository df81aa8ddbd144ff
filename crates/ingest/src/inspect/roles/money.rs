//! The money of a row: by arithmetic between columns where it proves something, else by names, else by values.

use std::collections::HashMap;

use super::{Decision, Looking};
use crate::inspect::words::{self, Part, fit};

/// Share of rows that must agree for arithmetic to be believed.
const AGREE: f64 = 0.97;

impl Looking<'_> {
    pub(super) fn choose_money(&self, d: &mut Decision) {
        let columns: Vec<usize> =
            (0..self.survey.columns.len()).filter(|c| !self.is_taken(*c) && self.is_number(*c)).collect();
        let groups = d.roles.order.map(|o| self.groups(o));
        // What is the same in all rows of an order of several is the order's.
        // An order of several lines has several products, or something else that many rows tell apart.
        let line = |c: &usize| {
            let of_line = Some(*c) == d.roles.product || Some(*c) == d.roles.product_name;
            let of_order = [d.roles.order, d.roles.customer, d.roles.date].contains(&Some(*c));
            let states = fit(self.name(*c), &words::STATUS).is_some() || self.says_kind(*c);
            of_line || (!of_order && !states && !self.is_number(*c))
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
        if self.choose_sides(d, &columns) {
            return;
        }

        let quantity = {
            let candidates: Vec<usize> =
                line_money.iter().copied().filter(|c| quantity_like(*c) || self.distinct(*c) < 50).collect();
            self.best_among(&words::QUANTITY, &candidates)
        };
        // Quantity times price is an amount: arithmetic that no name can contradict.
        let proven = self.products(&line_money, quantity, &quantity_like);
        let score_price = |c: usize| fit(self.name(c), &words::PRICE).unwrap_or(-20);
        let usable = |a: usize| {
            let words_of = words::words(self.name(a));
            !words_of.iter().any(|w| words::AMOUNT.against.contains(&w.as_str())) || self.score_amount(a) > 0
        };
        let best = proven
            .iter()
            .filter(|t| usable(t.amount) && fit(self.name(t.price), &words::UNIT_COST).is_none_or(|s| s < 60))
            .max_by_key(|t| {
                let by_quantity = fit(self.name(t.quantity), &words::QUANTITY).unwrap_or(0);
                (
                    self.score_amount(t.amount) + score_price(t.price) + by_quantity,
                    std::cmp::Reverse(t.amount),
                )
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
            self.choose_discount(d, t, &line_money);
        } else {
            self.by_names(d, &columns, &line_money, quantity, &of_order, &once_an_order);
        }
        if d.roles.amount.is_none() && d.roles.price.is_none() && !self.survey.has_header {
            self.by_values(d);
        }
        self.choose_cost(d, &line_money);
        self.choose_refunded(d, &columns, groups.as_ref());
        self.find_hundredths(d);
        self.find_discount_lines(d, groups.as_ref());
    }

    /// The column whose name says most for a part.
    fn best_among(&self, part: &Part, among: &[usize]) -> Option<usize> {
        among
            .iter()
            .filter_map(|c| Some((fit(self.name(*c), part)?, std::cmp::Reverse(*c))))
            .max()
            .map(|(_, c)| c.0)
    }

    fn score_amount(&self, c: usize) -> i32 {
        fit(self.name(c), &words::AMOUNT).unwrap_or(-50)
    }

    /// Debit and credit, of which a row has one; whether they are the money.
    fn choose_sides(&self, d: &mut Decision, columns: &[usize]) -> bool {
        let empty = |part: &Part| {
            (0..self.survey.columns.len())
                .any(|c| self.survey.columns[c].filled == 0 && fit(self.name(c), part).is_some())
        };
        let debit = self.best_among(&words::DEBIT, columns);
        let credit = self.best_among(&words::CREDIT, columns);
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
                return true;
            }
        }

        // All rows go one way.
        let one_way = debit.filter(|_| empty(&words::CREDIT)).or(credit.filter(|_| empty(&words::DEBIT)));
        if let Some(c) = one_way {
            d.roles.amount = Some(c);
            self.take([c]);
            return true;
        }
        false
    }

    /// What is proven, less a discount.
    fn choose_discount(&self, d: &mut Decision, t: &Product, line_money: &[usize]) {
        let discounts: Vec<usize> =
            line_money.iter().copied().filter(|c| fit(self.name(*c), &words::DISCOUNT).is_some()).collect();
        for off in discounts {
            let some = self.numbers[off].iter().filter(|v| v.is_finite() && **v != 0.0).count();
            if some == 0 || self.is_share(off) {
                continue;
            }
            let net = line_money.iter().copied().find(|n| {
                *n != t.amount
                    && self.score_amount(*n) > 0
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
    }

    /// What a unit costs.
    fn choose_cost(&self, d: &mut Decision, line_money: &[usize]) {
        // It lies below the price nearly always.
        let Some(price) = d.roles.price else { return };
        let free: Vec<usize> = line_money.iter().copied().filter(|c| !self.is_taken(*c)).collect();
        d.roles.unit_cost = self
            .best_among(&words::UNIT_COST, &free)
            .filter(|c| self.agreeing(&[price, *c], |v| v[1].abs() <= v[0].abs() * 1.5) > 0.9);
        self.take(d.roles.unit_cost);
    }

    /// Money given back on the same row.
    fn choose_refunded(
        &self,
        d: &mut Decision,
        columns: &[usize],
        groups: Option<&HashMap<&str, Vec<usize>>>,
    ) {
        let one_row_an_order =
            groups.is_none_or(|g| g.values().filter(|r| r.len() > 1).count() * 20 < g.len().max(1));
        let free: Vec<usize> = columns.iter().copied().filter(|c| !self.is_taken(*c)).collect();
        d.roles.refunded = self.best_among(&words::REFUNDED, &free).filter(|c| {
            // Yes and no are no money.
            if self.is_flag(*c) {
                return false;
            }
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
    }

    /// Money in cents.
    fn find_hundredths(&self, d: &mut Decision) {
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
    }

    /// Lines with a negative price and a positive quantity, in orders with other lines: discounts.
    fn find_discount_lines(&self, d: &mut Decision, groups: Option<&HashMap<&str, Vec<usize>>>) {
        if let (Some(price), Some(groups)) = (d.roles.price, groups)
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
}

/// Columns of which the third is the product of the first two.
struct Product {
    quantity: usize,
    price: usize,
    amount: usize,
    share: f64,
}
