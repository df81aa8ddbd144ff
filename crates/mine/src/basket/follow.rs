//! From the first order to the second, and from any to the next.

use std::collections::HashMap;

use crate::ledger::Ledger;
use crate::stats::quantile_sorted;

/// A product of first orders and one of second orders.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstToSecond {
    /// The product in the first order.
    pub first: u32,
    /// The product in the second.
    pub second: u32,
    /// Customers with both.
    pub customers: u64,
    /// Customers with `first` in their first order.
    pub with_first: u64,
    /// Those of them who ordered again.
    pub came_again: u64,
    /// Customers with `second` in their second order.
    pub with_second: u64,
    /// Customers with a second order.
    pub all_second: u64,
    /// Median days from the one order to the other, of those with both.
    pub median_days: f64,
}

impl FirstToSecond {
    /// Share of those who came again that took `second`.
    pub fn confidence(&self) -> f64 {
        self.customers as f64 / self.came_again as f64
    }

    /// That share over the one among all second orders.
    pub fn lift(&self) -> f64 {
        self.confidence() / (self.with_second as f64 / self.all_second as f64)
    }
}

/// When customers order next after a product.
#[derive(Clone, Debug, PartialEq)]
pub struct NextPurchase {
    /// The product.
    pub product: u32,
    /// Orders with it.
    pub orders: u64,
    /// Those of them that another order of the customer followed, on a later day.
    pub followed: u64,
    /// Days to that order: first quartile, median, third quartile.
    pub days_to_next: Option<[f64; 3]>,
    /// Customers who bought it.
    pub customers: u64,
    /// Those who bought it on more than one day.
    pub repeaters: u64,
    /// Days from a purchase of it to the next by the same customer.
    pub days_to_repeat: Option<[f64; 3]>,
}

/// Orders with a sale, one customer after another: customer, day and range of purchases.
fn sales(ledger: &Ledger<'_>) -> Vec<(i32, i32, std::ops::Range<usize>)> {
    let mut orders = Vec::new();
    let mut at = 0;
    for rows in ledger.order.chunk_by(|a, b| a == b) {
        let range = at..at + rows.len();
        at = range.end;
        let order = rows[0] as usize;
        if ledger.order_sales[order] > 0 {
            orders.push((ledger.order_customer[order], ledger.order_day[order], range));
        }
    }
    orders
}

fn products<'a>(ledger: &'a Ledger<'_>, rows: &std::ops::Range<usize>) -> impl Iterator<Item = u32> + 'a {
    let sold = rows.clone().filter(|r| ledger.is_bought(*r));
    sold.filter_map(|r| ledger.product(r).map(|p| p as u32))
}

/// Pairs of a product of the first order and one of the second that at least `min_count` customers have, the most frequent
/// first; and the customers who are left out, because one of the two orders has more than `max_basket` products: the pairs
/// grow by their product.
pub fn first_to_second(
    ledger: &Ledger<'_>,
    min_count: u64,
    max_basket: usize,
) -> (Vec<FirstToSecond>, usize) {
    let orders = sales(ledger);
    let is_narrow = |own: &&[(i32, i32, std::ops::Range<usize>)]| {
        own.iter().take(2).all(|order| order.2.len() <= max_basket)
    };
    let (mut with_first, mut came_again, mut with_second) =
        (vec![0u64; ledger.products], vec![0u64; ledger.products], vec![0u64; ledger.products]);
    let customers = || orders.chunk_by(|a, b| a.0 == b.0).filter(is_narrow);
    let left_out = orders.chunk_by(|a, b| a.0 == b.0).filter(|own| !is_narrow(own)).count();
    let mut all_second = 0;
    for own in customers() {
        products(ledger, &own[0].2).for_each(|p| with_first[p as usize] += 1);
        if let Some(second) = own.get(1) {
            all_second += 1;
            products(ledger, &own[0].2).for_each(|p| came_again[p as usize] += 1);
            products(ledger, &second.2).for_each(|p| with_second[p as usize] += 1);
        }
    }
    let least = min_count.max(1);
    let mut days: HashMap<(u32, u32), Vec<f64>> = HashMap::new();
    for own in customers() {
        let [first, second, ..] = own else { continue };
        let gap = f64::from(second.1 - first.1);
        for a in products(ledger, &first.2).filter(|a| came_again[*a as usize] >= least) {
            for b in products(ledger, &second.2).filter(|b| with_second[*b as usize] >= least) {
                days.entry((a, b)).or_default().push(gap);
            }
        }
    }
    let mut pairs: Vec<FirstToSecond> = days
        .into_iter()
        .filter(|(_, days)| days.len() as u64 >= least)
        .map(|((first, second), mut days)| {
            days.sort_unstable_by(f64::total_cmp);
            FirstToSecond {
                first,
                second,
                customers: days.len() as u64,
                with_first: with_first[first as usize],
                came_again: came_again[first as usize],
                with_second: with_second[second as usize],
                all_second,
                median_days: quantile_sorted(&days, 0.5),
            }
        })
        .collect();
    pairs.sort_unstable_by_key(|p| (std::cmp::Reverse(p.customers), p.first, p.second));
    (pairs, left_out)
}

/// For each product, when its buyers order next, and when they buy it again.
pub fn next_purchases(ledger: &Ledger<'_>) -> Vec<NextPurchase> {
    let orders = sales(ledger);
    let n = ledger.products;
    let (mut to_next, mut to_repeat) = (vec![Vec::new(); n], vec![Vec::new(); n]);
    let (mut bought, mut buyers, mut repeaters) = (vec![0u64; n], vec![0u64; n], vec![0u64; n]);
    let mut last: HashMap<u32, (i32, bool)> = HashMap::new();
    for own in orders.chunk_by(|a, b| a.0 == b.0) {
        last.clear();
        // The day of the next order on a later day, from the last order back.
        let mut next_day = vec![None; own.len()];
        for i in (0..own.len().saturating_sub(1)).rev() {
            next_day[i] = if own[i + 1].1 > own[i].1 { Some(own[i + 1].1) } else { next_day[i + 1] };
        }
        for ((_, day, rows), next) in own.iter().zip(next_day) {
            for p in products(ledger, rows) {
                bought[p as usize] += 1;
                to_next[p as usize].extend(next.map(|d| f64::from(d - day)));
                let (before, again) = last.insert(p, (*day, true)).unwrap_or((i32::MAX, false));
                buyers[p as usize] += u64::from(!again);
                if before < *day {
                    to_repeat[p as usize].push(f64::from(day - before));
                }
            }
        }
        // A customer repeats a product if it was bought on two days.
        let mut days: Vec<(u32, i32)> =
            own.iter().flat_map(|(_, day, rows)| products(ledger, rows).map(move |p| (p, *day))).collect();
        days.sort_unstable();
        days.dedup();
        for same in days.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            repeaters[same[0].0 as usize] += 1;
        }
    }
    let quartiles = |days: &mut Vec<f64>| {
        days.sort_unstable_by(f64::total_cmp);
        (!days.is_empty()).then(|| [0.25, 0.5, 0.75].map(|p| quantile_sorted(days, p)))
    };
    (0..n)
        .filter(|p| bought[*p] > 0)
        .map(|p| NextPurchase {
            product: p as u32,
            orders: bought[p],
            followed: to_next[p].len() as u64,
            days_to_next: quartiles(&mut to_next[p]),
            customers: buyers[p],
            repeaters: repeaters[p],
            days_to_repeat: quartiles(&mut to_repeat[p]),
        })
        .collect()
}
