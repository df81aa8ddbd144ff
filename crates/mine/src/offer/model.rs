//! What the offers are computed from.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::{Parameters, settings};

use super::judge::{Judgement, judge};
use super::{Bought, Histories, Kind};
use crate::MineError;
use crate::basket::{Baskets, Least, Limits, Miner, RuleSettings, Share, rules};
use crate::ledger::Ledger;
use crate::stats::{Steps, quantile_sorted};

settings! {
    /// How offers are found.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct How {
        /// Kinds of offers.
        pub kinds: Vec<Kind> = Kind::ALL.to_vec(),
        /// Neighbours kept of each product, those most alike.
        pub neighbours: usize = 30,
        /// Products of a history that are compared with each other, the latest; a limit on customers who buy everything.
        pub max_history: usize = 500,
        /// Days after which a purchase counts half as much for what is alike.
        pub half_life_days: f64 = 180.0,
        /// Fewest repeat purchases of a product with a rhythm of its own.
        pub min_repeats: usize = 20,
        /// Customers that the model is judged and calibrated on, evenly spread; the rest only train it.
        pub judged_customers: usize = 20_000,
    }
}

/// What a model is fitted by.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How offers are found.
    pub how: How,
    /// A product is due once this share of the gaps between its repeat purchases has passed, 0 for at once; `None` for the best of
    /// [`DUE_AFTER`] by orders left out.
    pub due_after: Option<f64>,
    /// Orders that must hold a rule, at least.
    pub min_support: Least,
    /// Least confidence of a rule.
    pub min_confidence: Share,
    /// What keeps the search for rules in bounds.
    pub limits: Limits,
    /// Offers a customer that are wanted: scores are calibrated on lists as long.
    pub depth: usize,
}

/// Shares of gaps that are tried for when a product is due.
pub const DUE_AFTER: [f64; 3] = [0.0, 0.25, 0.5];
/// One customer in so many chooses among them, where there are enough.
const CHOOSING: usize = 4;
const FEWEST_TO_CHOOSE: usize = 400;
/// Customers who choose, at most: differences of a point show with fewer than judge.
const MOST_TO_CHOOSE: usize = 4_000;

impl Default for Settings {
    fn default() -> Self {
        Settings {
            how: How::default(),
            due_after: None,
            min_support: Least::Share(Share::decimal(1, 2)),
            min_confidence: Share::decimal(25, 2),
            limits: Limits { max_items: 3, ..Limits::default() },
            depth: 5,
        }
    }
}

/// What is known of a product.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// Customers who bought it.
    pub buyers: u32,
    /// Orders with it.
    pub orders: u32,
    /// Share of all orders that hold it.
    pub popularity: f64,
    /// Customers with more than one order of it.
    pub repeaters: u32,
    /// Days between purchases by the same customer: when it is due, and their median.
    pub gap_days: Option<[f64; 2]>,
    /// Mean net revenue of an order's units of it.
    pub revenue: f64,
    /// Mean margin of those, where every line has a cost.
    pub margin: Option<f64>,
    /// Its category, by number.
    pub category: Option<u32>,
    /// Its price tier within the category, 0 to 2.
    pub tier: Option<u8>,
    /// Products bought by the same customers, and by how many; those most alike first.
    pub near: Vec<(u32, u32)>,
    /// Share of customers of the tier below who moved up to it.
    pub moved_up: f64,
}

/// A rule that offers use: who bought all on the left buys the right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferRule {
    /// Products bought.
    pub left: Vec<u32>,
    /// The product to offer.
    pub right: u32,
    /// The rule's confidence.
    pub confidence: f64,
}

/// The model: products, rules, and what scores are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offers {
    /// Products, sorted by name.
    pub products: Vec<Product>,
    /// Names of categories.
    pub categories: Vec<String>,
    /// Rules with one product on the right.
    pub rules: Vec<OfferRule>,
    /// Days after which a purchase counts half.
    pub half_life_days: f64,
    /// The kinds that are offered.
    pub kinds: Vec<Kind>,
    /// For each kind, in the order of [`Kind::ALL`], the probability of a score.
    pub calibration: [Steps; 3],
}

impl Parameters for Offers {
    const KIND: &'static str = "offer";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), String> {
        let n = self.products.len() as u32;
        let near = self.products.iter().flat_map(|p| p.near.iter().map(|(j, _)| *j));
        let ruled = self.rules.iter().flat_map(|r| r.left.iter().copied().chain([r.right]));
        if near.chain(ruled).any(|product| product >= n) {
            return Err("a product is named by a number that none has".to_owned());
        }
        if self.products.iter().any(|p| p.tier.is_some_and(|t| t > 2)) {
            return Err("a price tier is above 2".to_owned());
        }
        let unbought = |p: &u32| self.products[*p as usize].buyers == 0;
        if self
            .products
            .iter()
            .any(|p| !p.near.is_empty() && (p.buyers == 0 || p.near.iter().any(|(j, _)| unbought(j))))
        {
            return Err("a product that nobody bought has neighbours".to_owned());
        }
        let categories = self.categories.len() as u32;
        if self.products.iter().any(|p| p.category.is_some_and(|c| c >= categories)) {
            return Err("a category is named by a number that none has".to_owned());
        }
        if self.half_life_days.is_nan() || self.half_life_days <= 0.0 {
            return Err("half_life_days is not above zero".to_owned());
        }
        self.calibration.iter().try_for_each(Steps::check)
    }
}

/// Names and categories of products, by number.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Of products, ascending.
    pub products: &'a [&'a str],
    /// Of their categories; empty for none.
    pub categories: &'a [&'a str],
}

/// The orders with a sale of each customer, as ranges of purchases; the last one may be left out.
pub(super) struct Sales {
    /// For each customer: day, and rows.
    orders: Vec<Vec<(i32, std::ops::Range<usize>)>>,
}

/// How many of a customer's orders count: all, or all but the last of several.
fn kept<T>(orders: &[T], but_last: bool) -> usize {
    if but_last && orders.len() > 1 { orders.len() - 1 } else { orders.len() }
}

impl Sales {
    pub fn of(ledger: &Ledger<'_>) -> Sales {
        let mut orders = vec![Vec::new(); ledger.customers];
        let mut at = 0;
        for rows in ledger.order.chunk_by(|a, b| a == b) {
            let range = at..at + rows.len();
            at = range.end;
            let order = rows[0] as usize;
            let has_product = range.clone().any(|r| ledger.product[r] >= 0 && ledger.is_bought(r));
            if has_product {
                orders[ledger.order_customer[order] as usize].push((ledger.order_day[order], range));
            }
        }
        Sales { orders }
    }

    pub fn orders(&self, customer: usize) -> &[(i32, std::ops::Range<usize>)] {
        &self.orders[customer]
    }

    /// Histories of all orders, or of all but each customer's last where there are at least two.
    pub fn histories(&self, ledger: &Ledger<'_>, but_last: bool) -> Histories {
        let parts: Vec<(u32, Vec<Bought>)> = self
            .orders
            .par_iter()
            .map(|orders| {
                let kept = kept(orders, but_last);
                let mut bought: Vec<Bought> = Vec::new();
                for (day, rows) in &orders[..kept] {
                    for row in rows.clone().filter(|r| ledger.is_bought(*r)) {
                        if let Some(product) = ledger.product(row) {
                            let product = product as u32;
                            bought.push(Bought { product, orders: 1, first: *day, last: *day });
                        }
                    }
                }
                bought.sort_by_key(|b| b.product);
                bought.dedup_by(|next, kept| {
                    let same = next.product == kept.product;
                    if same {
                        kept.orders += 1;
                        kept.last = next.last;
                    }
                    same
                });
                (kept as u32, bought)
            })
            .collect();
        let mut histories = Histories { starts: vec![0], ..Histories::default() };
        for (orders, bought) in parts {
            histories.bought.extend(bought);
            histories.starts.push(histories.bought.len());
            histories.orders.push(orders);
        }
        histories
    }
}

impl Offers {
    /// Fits the model, calibrates it and judges it.
    ///
    /// # Errors
    /// If nobody bought a product with a name.
    pub fn fit(
        ledger: &Ledger<'_>,
        names: Names<'_>,
        settings: &Settings,
    ) -> Result<(Offers, Judgement), MineError> {
        let sales = Sales::of(ledger);
        let all = sales.histories(ledger, false);
        if all.bought.is_empty() {
            return Err(MineError::data("offers need orders with products", "no line has one"));
        }
        let before = sales.histories(ledger, true);
        let mut trained = Offers::build(ledger, names, settings, &sales, &before, true)?;
        let able: Vec<usize> = (0..ledger.customers).filter(|c| sales.orders(*c).len() > 1).collect();
        // Whoever chooses is not judged.
        let chooses = settings.due_after.is_none()
            && settings.how.kinds.contains(&Kind::Again)
            && able.len() >= FEWEST_TO_CHOOSE;
        let (choosing, rest): (Vec<usize>, Vec<usize>) =
            (0..able.len()).partition(|i| chooses && i % CHOOSING == CHOOSING - 1);
        let of = |places: &[usize], most: usize| -> Vec<usize> {
            let n = most.min(places.len());
            (0..n).map(|i| able[places[i * places.len() / n]]).collect()
        };
        let mut due_after = settings.due_after.unwrap_or(DUE_AFTER[1]);
        if chooses {
            let choosing = of(&choosing, settings.how.judged_customers.min(MOST_TO_CHOOSE));
            let mut hits = Vec::new();
            for share in DUE_AFTER {
                rhythms(ledger, &sales, true, (settings.how.min_repeats, share), &mut trained.products);
                let (_, judged) = judge(&trained, ledger, &sales, &before, settings, &choosing);
                hits.push(judged.hits_of_any());
            }
            let best = (0..hits.len()).rev().max_by_key(|i| hits[*i]).unwrap_or(1);
            due_after = DUE_AFTER[best];
        }
        rhythms(ledger, &sales, true, (settings.how.min_repeats, due_after), &mut trained.products);
        let judged = of(&rest, settings.how.judged_customers);
        let (calibration, judgement) = judge(&trained, ledger, &sales, &before, settings, &judged);
        drop((trained, before));
        let mut offers = Offers::build(ledger, names, settings, &sales, &all, false)?;
        rhythms(ledger, &sales, false, (settings.how.min_repeats, due_after), &mut offers.products);
        offers.calibration = calibration;
        Ok((offers, Judgement { due_after, ..judgement }))
    }

    /// Histories of all customers, to make offers from.
    pub fn histories(ledger: &Ledger<'_>) -> Histories {
        Sales::of(ledger).histories(ledger, false)
    }

    fn build(
        ledger: &Ledger<'_>,
        names: Names<'_>,
        settings: &Settings,
        sales: &Sales,
        histories: &Histories,
        but_last: bool,
    ) -> Result<Offers, MineError> {
        let mut products: Vec<Product> =
            names.products.iter().map(|n| Product { name: (*n).to_owned(), ..Product::default() }).collect();
        for bought in &histories.bought {
            let product = &mut products[bought.product as usize];
            product.buyers += 1;
            product.orders += bought.orders;
            product.repeaters += u32::from(bought.orders > 1);
        }
        let all: u32 = histories.orders.iter().sum();
        products.iter_mut().for_each(|p| p.popularity = f64::from(p.orders) / f64::from(all.max(1)));
        money(ledger, &mut products);
        let near = neighbours(histories, &products, settings);
        products.iter_mut().zip(near).for_each(|(product, near)| product.near = near);
        let mut categories: Vec<&str> = names.categories.iter().copied().filter(|c| !c.is_empty()).collect();
        categories.sort_unstable();
        categories.dedup();
        for (product, category) in products.iter_mut().zip(names.categories) {
            product.category = categories.binary_search(category).ok().map(|c| c as u32);
        }
        tiers(ledger, &mut products, categories.len());
        moves(ledger, sales, but_last, &mut products, categories.len());
        let lists =
            sales.orders.iter().flat_map(|orders| &orders[..kept(orders, but_last)]).map(|(_, rows)| {
                let sold = rows.clone().filter(|r| ledger.is_bought(*r));
                sold.filter_map(|r| ledger.product(r).map(|p| p as u32)).collect::<Vec<u32>>()
            });
        let baskets = Baskets::from_lists(lists, products.len())?;
        let min_count = settings.min_support.of(baskets.len() as u64);
        let (itemsets, _) = Miner { min_count, limits: settings.limits, apart: &[] }.mine(&baskets);
        let wanted = RuleSettings { min_confidence: settings.min_confidence, ..RuleSettings::default() };
        let (found, _) = rules(&itemsets, &[], &wanted);
        let rules = found
            .into_iter()
            .map(|r| OfferRule { right: r.right[0], confidence: r.confidence(), left: r.left })
            .collect();
        Ok(Offers {
            products,
            categories: categories.into_iter().map(str::to_owned).collect(),
            rules,
            half_life_days: settings.how.half_life_days,
            kinds: settings.how.kinds.clone(),
            calibration: Default::default(),
        })
    }

    /// How much a purchase counts, so many days ago.
    pub(super) fn weight(&self, days: i32) -> f64 {
        (-f64::from(days.max(0)) / self.half_life_days).exp2()
    }

    /// The number of each of these names in the model; products that the model does not know have none.
    pub fn numbers(&self, names: &[&str]) -> Vec<Option<u32>> {
        let known: HashMap<&str, u32> =
            self.products.iter().enumerate().map(|(i, p)| (p.name.as_str(), i as u32)).collect();
        names.iter().map(|n| known.get(n).copied()).collect()
    }
}

/// Mean revenue and margin of an order's units.
fn money(ledger: &Ledger<'_>, products: &mut [Product]) {
    let mut sums = vec![(0i128, 0i128, 0i64, 0u64); products.len()];
    for row in 0..ledger.order.len() {
        let Some(product) = ledger.product(row) else { continue };
        let s = &mut sums[product];
        s.0 += i128::from(ledger.net_e4(row));
        s.1 += i128::from(ledger.net_cost_e4(row));
        s.2 += i64::from(ledger.uncosted[row]);
        s.3 += u64::from(ledger.is_bought(row));
    }
    let scale = tillwise_core::SCALE as f64;
    for (product, (net, cost, uncosted, orders)) in products.iter_mut().zip(sums) {
        if orders > 0 {
            product.revenue = net as f64 / scale / orders as f64;
            product.margin = (uncosted == 0).then(|| (net - cost) as f64 / scale / orders as f64);
        }
    }
}

/// Days between purchases of the same product by the same customer.
fn rhythms(
    ledger: &Ledger<'_>,
    sales: &Sales,
    but_last: bool,
    (min_repeats, due_after): (usize, f64),
    products: &mut [Product],
) {
    let mut gaps: Vec<Vec<f64>> = vec![Vec::new(); products.len()];
    let mut last: HashMap<u32, i32> = HashMap::new();
    for orders in &sales.orders {
        last.clear();
        for (day, rows) in &orders[..kept(orders, but_last)] {
            for row in rows.clone().filter(|r| ledger.is_bought(*r)) {
                let Some(product) = ledger.product(row) else { continue };
                if let Some(before) = last.insert(product as u32, *day).filter(|d| d < day) {
                    gaps[product].push(f64::from(day - before));
                }
            }
        }
    }
    for (product, gaps) in products.iter_mut().zip(&mut gaps) {
        if gaps.len() >= min_repeats.max(1) {
            gaps.sort_unstable_by(f64::total_cmp);
            product.gap_days = Some([due_after, 0.5].map(|p| quantile_sorted(gaps, p)));
        }
    }
}

/// For each product, those with the most alike buyers.
fn neighbours(histories: &Histories, products: &[Product], settings: &Settings) -> Vec<Vec<(u32, u32)>> {
    // Of a long history, the latest products.
    let recent: Vec<Vec<u32>> = (0..histories.len())
        .into_par_iter()
        .map(|customer| {
            let mut history = histories.of(customer).to_vec();
            if history.len() > settings.how.max_history {
                history.sort_by_key(|b| (std::cmp::Reverse(b.last), b.product));
                history.truncate(settings.how.max_history);
                history.sort_by_key(|b| b.product);
            }
            history.iter().map(|b| b.product).collect()
        })
        .collect();
    let mut buyers: Vec<Vec<u32>> = vec![Vec::new(); products.len()];
    for (customer, history) in recent.iter().enumerate() {
        history.iter().for_each(|p| buyers[*p as usize].push(customer as u32));
    }
    (0..products.len())
        .into_par_iter()
        .with_max_len(16)
        .map_init(
            || (vec![0u32; products.len()], Vec::new()),
            |(counts, met): &mut (Vec<u32>, Vec<u32>), i| {
                met.clear();
                for customer in &buyers[i] {
                    for j in &recent[*customer as usize] {
                        if counts[*j as usize] == 0 {
                            met.push(*j);
                        }
                        counts[*j as usize] += 1;
                    }
                }
                let mut near: Vec<(u32, u32)> = met
                    .iter()
                    .map(|j| (*j, std::mem::take(&mut counts[*j as usize])))
                    .filter(|(j, both)| *j as usize != i && *both > 1)
                    .collect();
                // By n_ij^2 / n_j, which orders as the cosine does; compared as whole numbers.
                let key = |(j, both): &(u32, u32)| {
                    (u64::from(*both).pow(2), u64::from(products[*j as usize].buyers))
                };
                let order = |a: &(u32, u32), b: &(u32, u32)| {
                    let ((x, nx), (y, ny)) = (key(a), key(b));
                    (u128::from(y) * u128::from(nx))
                        .cmp(&(u128::from(x) * u128::from(ny)))
                        .then(a.0.cmp(&b.0))
                };
                if near.len() > settings.how.neighbours {
                    if settings.how.neighbours > 0 {
                        near.select_nth_unstable_by(settings.how.neighbours - 1, order);
                    }
                    near.truncate(settings.how.neighbours);
                }
                near.sort_unstable_by(order);
                near
            },
        )
        .collect()
}

/// Thirds of a category's products by unit price.
fn tiers(ledger: &Ledger<'_>, products: &mut [Product], categories: usize) {
    let mut sums = vec![(0i128, 0i128); products.len()];
    for row in 0..ledger.order.len() {
        if let Some(product) = ledger.product(row) {
            sums[product].0 += i128::from(ledger.gross_e4[row]);
            sums[product].1 += i128::from(ledger.units_e4[row]);
        }
    }
    let price = |p: usize| (sums[p].1 > 0).then(|| sums[p].0 as f64 / sums[p].1 as f64);
    let mut prices: Vec<Vec<f64>> = vec![Vec::new(); categories];
    for (p, product) in products.iter().enumerate() {
        if let (Some(category), Some(price)) = (product.category, price(p)) {
            prices[category as usize].push(price);
        }
    }
    prices.iter_mut().for_each(|p| p.sort_unstable_by(f64::total_cmp));
    for (p, product) in products.iter_mut().enumerate() {
        let Some((category, price)) = product.category.zip(price(p)) else { continue };
        let of = &prices[category as usize];
        let above = |share| price > quantile_sorted(of, share);
        product.tier = Some(u8::from(above(1.0 / 3.0)) + u8::from(above(2.0 / 3.0)));
    }
}

/// Who moved up a tier, and to which product.
fn moves(ledger: &Ledger<'_>, sales: &Sales, but_last: bool, products: &mut [Product], categories: usize) {
    let mut reached = vec![[0u32; 3]; categories];
    let mut moved = vec![0u32; products.len()];
    let mut top: HashMap<u32, u8> = HashMap::new();
    for orders in &sales.orders {
        top.clear();
        for (_, rows) in &orders[..kept(orders, but_last)] {
            let rows = || rows.clone().filter(|r| ledger.is_bought(*r)).filter_map(|r| ledger.product(r));
            // All of an order is seen at once: moves are counted against the orders before it.
            for p in rows() {
                let Some((category, tier)) = products[p].category.zip(products[p].tier) else { continue };
                if top.get(&category).is_some_and(|t| tier == t + 1) {
                    moved[p] += 1;
                }
            }
            for p in rows() {
                let Some((category, tier)) = products[p].category.zip(products[p].tier) else { continue };
                let before = top.get(&category).copied();
                if before.is_none_or(|t| tier > t) {
                    top.insert(category, tier);
                    reached[category as usize][tier as usize] += 1;
                }
            }
        }
    }
    for (product, moved) in products.iter_mut().zip(moved) {
        let Some((category, tier)) = product.category.zip(product.tier).filter(|(_, t)| *t > 0) else {
            continue;
        };
        let below = reached[category as usize][tier as usize - 1];
        product.moved_up = if below > 0 { f64::from(moved) / f64::from(below) } else { 0.0 };
    }
}
