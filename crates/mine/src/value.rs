//! Where the value sits: concentration and classes (Pareto 1896, Lorenz 1905, Gini 1912), and what moved revenue from one
//! period to the next.
//!
//! Values are whole ten-thousandths, so shares are compared exactly and sums do not depend on their order.
//!
//! * The *Lorenz curve* joins the points (poorest p % of members, their share of the total). The *Gini index* is twice the
//!   area between it and the diagonal, `sum((2 i - n - 1) v_i) / (n sum(v))` over ascending values, without the correction
//!   `n / (n - 1)` for samples.
//! * *Class A* holds members, the largest first, while the cumulative share including them is at most 80 %, and in any case the
//!   largest; B up to 95 %; C the rest. Equal values are told apart by their number.
//! * The *top p %* are `ceil(p n)` members.
//! * *Herfindahl's index* is the sum of squared shares; its inverse is the number of equal members as concentrated.

use serde::{Deserialize, Serialize};
use tillwise_core::Day;

use crate::ledger::Ledger;

/// Percentages whose share is told.
pub const TOP_PERCENT: [usize; 5] = [1, 5, 10, 20, 50];

/// A, B or C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// The few with most of the value.
    A,
    /// Those between.
    B,
    /// The many with little.
    C,
}

impl Class {
    /// Its letter.
    pub fn name(self) -> &'static str {
        match self {
            Class::A => "A",
            Class::B => "B",
            Class::C => "C",
        }
    }
}

/// How concentrated values are. Shares are null (`None`) where the total is not positive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Concentration {
    /// Members, those without value included.
    pub members: usize,
    /// Members whose value is below zero; it counts as zero.
    pub negative: usize,
    /// Total of the values that are not negative, in ten-thousandths; in units of money as JSON, whose numbers are doubles.
    #[serde(rename = "total", serialize_with = "in_money")]
    pub total_e4: i128,
    /// Gini's index.
    pub gini: Option<f64>,
    /// Share of the top 1, 5, 10, 20 and 50 %: [`TOP_PERCENT`].
    pub top: [Option<f64>; 5],
    /// Fewest members that hold at least 80 % of the total.
    pub members_for_80: usize,
    /// Members of class A, B and C.
    pub classes: [usize; 3],
    /// Share of the largest member.
    pub largest: Option<f64>,
    /// Herfindahl's index.
    pub herfindahl: Option<f64>,
}

fn in_money<S: serde::Serializer>(e4: &i128, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(tillwise_core::sum_to_f64(*e4))
}

/// Members by value, the largest first; equal ones by their number.
pub fn ranking(values: &[i128]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(values[*i as usize]), *i));
    order
}

fn total(values: &[i128]) -> i128 {
    values.iter().map(|v| (*v).max(0)).sum()
}

/// The class of each member; see the module.
pub fn classes(values: &[i128]) -> Vec<Class> {
    let total = total(values);
    let mut classes = vec![Class::C; values.len()];
    let mut sum = 0;
    for (place, member) in ranking(values).into_iter().enumerate() {
        sum += values[member as usize].max(0);
        classes[member as usize] = match () {
            // Without a total, nobody stands out.
            () if total == 0 => Class::C,
            () if place == 0 || 100 * sum <= 80 * total => Class::A,
            () if 100 * sum <= 95 * total => Class::B,
            () => Class::C,
        };
    }
    classes
}

/// All figures of concentration.
pub fn concentration(values: &[i128]) -> Concentration {
    let (n, total) = (values.len(), total(values));
    let sorted: Vec<i128> = ranking(values).into_iter().map(|i| values[i as usize].max(0)).collect();
    let share = |sum: i128| (total > 0).then(|| sum as f64 / total as f64);
    let top = TOP_PERCENT.map(|p| share(sorted[..(p * n).div_ceil(100)].iter().sum()));
    // From the largest down, the ascending rank of place i is n - i.
    let weighted: i128 = sorted.iter().enumerate().map(|(i, v)| (n as i128 - 1 - 2 * i as i128) * v).sum();
    let mut sum = 0;
    let reached = sorted.iter().position(|v| {
        sum += v;
        100 * sum >= 80 * total
    });
    let mut sizes = [0; 3];
    classes(values).into_iter().for_each(|c| sizes[c as usize] += 1);
    let squares: f64 = sorted.iter().map(|v| (*v as f64 / total as f64).powi(2)).sum();
    Concentration {
        members: n,
        negative: values.iter().filter(|v| **v < 0).count(),
        total_e4: total,
        gini: (total > 0).then(|| weighted as f64 / (n as f64 * total as f64)),
        top,
        members_for_80: if total > 0 { reached.map_or(0, |i| i + 1) } else { 0 },
        classes: sizes,
        largest: sorted.first().and_then(|v| share(*v)),
        herfindahl: (total > 0).then_some(squares),
    }
}

/// Points of the Lorenz curve: share of members from the poorest up, and their share of the total, at 0, 1, ... `steps` of
/// `steps` parts, each rounded down to whole members. Empty where the total is not positive.
pub fn lorenz(values: &[i128], steps: usize) -> Vec<(f64, f64)> {
    let total = total(values);
    if total == 0 || steps == 0 {
        return Vec::new();
    }
    let mut sorted: Vec<i128> = values.iter().map(|v| (*v).max(0)).collect();
    sorted.sort_unstable();
    let (mut points, mut sum, mut taken) = (Vec::with_capacity(steps + 1), 0i128, 0);
    for step in 0..=steps {
        let upto = step * sorted.len() / steps;
        sum += sorted[taken..upto].iter().sum::<i128>();
        taken = upto;
        points.push((upto as f64 / sorted.len() as f64, sum as f64 / total as f64));
    }
    points
}

/// A part of a revenue bridge: members, and the money that it adds to the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    /// Customers, or products.
    pub members: usize,
    /// In units of money.
    pub amount: f64,
}

/// What led from the revenue of one period to that of a later one. The parts of each of the two views add up to the difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bridge {
    /// Revenue of the earlier period.
    pub before: f64,
    /// Revenue of the later period.
    pub after: f64,
    /// Customers whose first order lies in the later period.
    pub new: Part,
    /// Customers who ordered before the later period, but not within the earlier one.
    pub returning: Part,
    /// Customers of both periods who spent more.
    pub grown: Part,
    /// Customers of both periods who spent the same.
    pub unchanged: Part,
    /// Customers of both periods who spent less.
    pub shrunk: Part,
    /// Customers of the earlier period alone.
    pub lost: Part,
    /// Products of both periods: more or fewer units, at the earlier price: `(q2 - q1) p1`.
    pub volume: Part,
    /// Products of both periods: the later units, at a higher or lower price: `(p2 - p1) q2`.
    pub price: Part,
    /// Products sold in the later period alone.
    pub new_products: Part,
    /// Products sold in the earlier period alone.
    pub dropped_products: Part,
    /// What lines without a product or without units, and money taken back, add.
    pub other: f64,
}

/// From the period `before` to the period `after`, first and last day each; `before` ends before `after` begins.
pub fn bridge(ledger: &Ledger<'_>, before: (Day, Day), after: (Day, Day)) -> Bridge {
    let within = |day: Day, period: (Day, Day)| period.0 <= day && day <= period.1;
    let mut first = vec![i32::MAX; ledger.customers];
    // Whether a customer orders (not only returns) in the periods.
    let mut orders = vec![[false; 2]; ledger.customers];
    for ((customer, day), sales) in ledger.order_customer.iter().zip(ledger.order_day).zip(ledger.order_sales)
    {
        if *sales > 0 {
            let customer = *customer as usize;
            first[customer] = first[customer].min(*day);
            orders[customer][0] |= within(Day(*day), before);
            orders[customer][1] |= within(Day(*day), after);
        }
    }
    let mut spent = vec![[0i128; 2]; ledger.customers];
    let mut sold = vec![[[0i128; 2]; 2]; ledger.products];
    for row in 0..ledger.order.len() {
        let day = ledger.day(row);
        let Some(period) = [before, after].iter().position(|p| within(day, *p)) else { continue };
        spent[ledger.customer(row)][period] += i128::from(ledger.net_e4(row));
        if let Some(product) = ledger.product(row) {
            sold[product][period][0] += i128::from(ledger.gross_e4[row]);
            sold[product][period][1] += i128::from(ledger.units_e4[row]);
        }
    }
    let money = tillwise_core::sum_to_f64;
    let total = |period: usize| spent.iter().map(|s| s[period]).sum::<i128>();
    let mut parts = [(0usize, 0i128); 6];
    for (customer, spent) in spent.iter().enumerate() {
        let change = spent[1] - spent[0];
        let part = match orders[customer] {
            [true, true] if change > 0 => 2,
            [true, true] if change == 0 => 3,
            [true, true] => 4,
            [true, false] => 5,
            [false, true] if first[customer] >= after.0.0 => 0,
            [false, true] => 1,
            // Only money taken back: a customer who is lost, or was before.
            [false, false] if change != 0 => 5,
            [false, false] => continue,
        };
        parts[part].0 += 1;
        parts[part].1 += change;
    }
    let [new, returning, grown, unchanged, shrunk, lost] =
        parts.map(|(members, amount)| Part { members, amount: money(amount) });
    let (mut both, mut volume, mut price) = (0, 0.0, 0.0);
    let mut alone = [(0usize, 0i128); 2];
    let mut named = 0i128;
    for [[r1, q1], [r2, q2]] in sold {
        match (q1 > 0, q2 > 0) {
            (true, true) => {
                both += 1;
                let at_old_price = r1 as f64 * (q2 as f64 / q1 as f64);
                volume += at_old_price - r1 as f64;
                price += r2 as f64 - at_old_price;
                named += r2 - r1;
            }
            (false, true) => alone[0] = (alone[0].0 + 1, alone[0].1 + r2),
            (true, false) => alone[1] = (alone[1].0 + 1, alone[1].1 - r1),
            (false, false) => {}
        }
    }
    let [new_products, dropped_products] =
        alone.map(|(members, amount)| Part { members, amount: money(amount) });
    named += alone[0].1 + alone[1].1;
    let scale = tillwise_core::SCALE as f64;
    Bridge {
        before: money(total(0)),
        after: money(total(1)),
        new,
        returning,
        grown,
        unchanged,
        shrunk,
        lost,
        volume: Part { members: both, amount: volume / scale },
        price: Part { members: both, amount: price / scale },
        new_products,
        dropped_products,
        other: money(total(1) - total(0) - named),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::{LedgerLine, OwnedLedger};

    #[test]
    fn ten_members_by_hand() {
        let values = [500, 200, 100, 50, 50, 40, 30, 20, 10, 0];
        let c = concentration(&values);
        // Sum over i of (2 i - 11) v_i, ascending: 6,300.
        assert_eq!(c.gini, Some(0.63));
        assert_eq!(c.top, [Some(0.5), Some(0.5), Some(0.5), Some(0.7), Some(0.9)]);
        // 500 + 200 + 100 is 80 % exactly: class A, and the fewest that hold it.
        assert_eq!((c.classes, c.members_for_80), ([3, 3, 4], 3));
        let h = (0.25 + 0.04 + 0.01) + 2.0 * 0.0025 + 0.0016 + 0.0009 + 0.0004 + 0.0001;
        assert!((c.herfindahl.unwrap() - h).abs() < 1e-15);
        let curve = lorenz(&values, 5);
        assert_eq!(curve, [(0.0, 0.0), (0.2, 0.01), (0.4, 0.06), (0.6, 0.15), (0.8, 0.3), (1.0, 1.0)]);
    }

    #[test]
    fn without_value_there_is_nothing_to_share() {
        for values in [vec![], vec![0, 0], vec![-5, 0]] {
            let c = concentration(&values);
            assert_eq!((c.gini, c.top, c.largest), (None, [None; 5], None));
            assert!(lorenz(&values, 10).is_empty());
            assert!(classes(&values).iter().all(|c| *c == Class::C));
        }
        assert_eq!(concentration(&[7]).gini, Some(0.0));
        assert_eq!(classes(&[1, 83, 16]), [Class::C, Class::A, Class::C]);
    }

    proptest! {
        #[test]
        fn figures_agree_with_their_definitions(values in prop::collection::vec(-50i128..1000, 1..60)) {
            let c = concentration(&values);
            let positive: Vec<f64> = values.iter().map(|v| (*v).max(0) as f64).collect();
            let (n, total) = (positive.len() as f64, positive.iter().sum::<f64>());
            prop_assert_eq!(c.classes.iter().sum::<usize>(), values.len());
            if total > 0.0 {
                let differences: f64 =
                    positive.iter().flat_map(|a| positive.iter().map(move |b| (a - b).abs())).sum();
                prop_assert!((c.gini.unwrap() - differences / (2.0 * n * total)).abs() < 1e-12);
                let h = c.herfindahl.unwrap();
                prop_assert!(1.0 / n <= h + 1e-12 && h <= 1.0 + 1e-12);
            }
        }

        #[test]
        fn bridges_add_up(
            lines in prop::collection::vec(
                (0i32..5, 0i32..40, -1i32..4, 1i64..5, -20i64..200).prop_map(
                    |(customer, day, product, units, money)| LedgerLine {
                        customer, day, order: day, product, units_e4: units * 10_000,
                        money_e4: money * 10_000, cost_e4: None,
                    }),
                1..80),
            net_returns: bool,
        ) {
            let owned = OwnedLedger::from_lines(&lines);
            let b = bridge(&owned.ledger(net_returns), (Day(5), Day(19)), (Day(20), Day(34)));
            let customers = [b.new, b.returning, b.grown, b.unchanged, b.shrunk, b.lost];
            let by_customer: f64 = customers.iter().map(|p| p.amount).sum();
            let products = [b.volume, b.price, b.new_products, b.dropped_products];
            let by_product: f64 = products.iter().map(|p| p.amount).sum::<f64>() + b.other;
            prop_assert!((by_customer - (b.after - b.before)).abs() < 1e-9);
            prop_assert!((by_product - (b.after - b.before)).abs() < 1e-9);
            prop_assert!(b.grown.amount >= 0.0 && b.shrunk.amount <= 0.0);
        }
    }
}
