//! From a history to offers.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Bought, Customer, Kind, Offers};

/// Why a product is offered; numbers name products of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Of the buyers of `bought`, this share also buy the product.
    AlsoBought {
        /// The product of the history that speaks most for it.
        bought: u32,
        /// The share.
        share: f64,
    },
    /// A rule speaks for it more than any single product does.
    Rule {
        /// The products bought.
        left: Vec<u32>,
        /// The rule's confidence.
        confidence: f64,
    },
    /// Many buy it.
    Popular {
        /// Customers who did.
        buyers: u32,
    },
    /// It is due.
    Due {
        /// Median days between purchases of the product by the same customer.
        every: f64,
        /// Days since this customer's last.
        since: i32,
    },
    /// Others of the same price tier moved up to it.
    NextTier {
        /// The category.
        category: u32,
        /// The share of them who did.
        share: f64,
    },
}

/// One offer to one customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The product, by its number in the model.
    pub product: u32,
    /// Its kind.
    pub kind: Kind,
    /// The score within its kind.
    pub score: f64,
    /// Probability that the customer's next order holds it.
    pub probability: f64,
    /// Why.
    pub reason: Reason,
}

/// Orders that the share of repeat buyers counts for, beside a customer's own orders.
const PRIOR: f64 = 4.0;

/// Buyers of both products at which their likeness counts half: a few say little.
const SHRINK: f64 = 10.0;

/// A new product, before it is known whether it is offered.
struct Candidate {
    score: f64,
    product: u32,
    /// The largest part of what is alike, and the product bought that it comes from.
    part: f64,
    bought: u32,
    rule: Option<u32>,
}

/// What ranking needs again and again.
pub struct Workspace {
    scores: Vec<f64>,
    /// The largest part of each score, and the product that it comes from.
    best: Vec<(f64, u32)>,
    rule: Vec<Option<u32>>,
    met: Vec<u32>,
    has: Vec<bool>,
    /// By category and tier, products that others moved up to, the most often first.
    movers: HashMap<(u32, u8), Vec<u32>>,
    /// For each product, the rules whose first product on the left it is.
    rules_of: Vec<Vec<u32>>,
    /// Products that someone bought, the most popular first.
    popular: Vec<u32>,
}

impl Workspace {
    /// For a model.
    pub fn new(model: &Offers) -> Workspace {
        let n = model.products.len();
        let mut rules_of = vec![Vec::new(); n];
        for (i, rule) in model.rules.iter().enumerate() {
            if let Some(first) = rule.left.first() {
                rules_of[*first as usize].push(i as u32);
            }
        }
        let bought = |p: &u32| model.products[*p as usize].buyers > 0;
        let mut popular: Vec<u32> = (0..n as u32).filter(bought).collect();
        popular.sort_by_key(|p| (std::cmp::Reverse(model.products[*p as usize].buyers), *p));
        let mut movers: HashMap<(u32, u8), Vec<u32>> = HashMap::new();
        for (p, product) in model.products.iter().enumerate().filter(|(_, p)| p.moved_up > 0.0) {
            if let Some(place) = product.category.zip(product.tier) {
                movers.entry(place).or_default().push(p as u32);
            }
        }
        for list in movers.values_mut() {
            let moved = |p: &u32| model.products[*p as usize].moved_up;
            list.sort_by(|a, b| moved(b).total_cmp(&moved(a)).then(a.cmp(b)));
        }
        Workspace {
            movers,
            scores: vec![0.0; n],
            best: vec![(0.0, 0); n],
            rule: vec![None; n],
            met: Vec::new(),
            has: vec![false; n],
            rules_of,
            popular,
        }
    }

    /// Products that someone bought, the most popular first.
    pub fn popular(&self) -> &[u32] {
        &self.popular
    }
}

impl Offers {
    /// The `most` best offers of one kind, by score; equal ones by the product's number. Only products that `may` be offered.
    pub fn of_kind(
        &self,
        kind: Kind,
        customer: Customer<'_>,
        most: usize,
        may: &dyn Fn(u32) -> bool,
        work: &mut Workspace,
    ) -> Vec<Offer> {
        let mut offers = match kind {
            Kind::New => self.new_products(customer, most, may, work),
            Kind::Again => self.due(customer, may),
            Kind::UpSell => self.next_tier(customer.history, most, may, work),
        };
        keep_best(&mut offers, most, |a, b| b.score.total_cmp(&a.score).then(a.product.cmp(&b.product)));
        let steps = &self.calibration[kind as usize];
        offers.iter_mut().for_each(|o| o.probability = steps.at(o.score));
        offers
    }

    /// The `most` best offers of all kinds, by `worth`; a product is offered once.
    pub fn best(
        &self,
        customer: Customer<'_>,
        most: usize,
        may: &dyn Fn(u32) -> bool,
        worth: &dyn Fn(&Offer) -> f64,
        work: &mut Workspace,
    ) -> Vec<Offer> {
        let mut all: Vec<Offer> = Vec::new();
        for kind in &self.kinds {
            all.extend(self.of_kind(*kind, customer, 4 * most, may, work));
        }
        mix(all, most, worth)
    }

    fn new_products(
        &self,
        Customer { history, today, .. }: Customer<'_>,
        most: usize,
        may: &dyn Fn(u32) -> bool,
        work: &mut Workspace,
    ) -> Vec<Offer> {
        history.iter().for_each(|b| work.has[b.product as usize] = true);
        for b in history {
            let from = &self.products[b.product as usize];
            let weight = self.weight(today - b.last);
            for (j, both) in &from.near {
                let at = *j as usize;
                if work.has[at] {
                    continue;
                }
                let alike =
                    f64::from(*both) / (f64::from(from.buyers) * f64::from(self.products[at].buyers)).sqrt();
                let part = weight * alike * f64::from(*both) / (f64::from(*both) + SHRINK);
                if work.scores[at] == 0.0 {
                    work.met.push(*j);
                }
                work.scores[at] += part;
                if part > work.best[at].0 {
                    work.best[at] = (part, b.product);
                }
            }
        }
        for b in history {
            for r in &work.rules_of[b.product as usize] {
                let rule = &self.rules[*r as usize];
                let at = rule.right as usize;
                let better =
                    work.rule[at].is_none_or(|o| rule.confidence > self.rules[o as usize].confidence);
                if better && !work.has[at] && rule.left.iter().all(|p| work.has[*p as usize]) {
                    if work.scores[at] == 0.0 && work.rule[at].is_none() {
                        work.met.push(rule.right);
                    }
                    work.rule[at] = Some(*r);
                }
            }
        }
        // What many buy is a candidate for everyone.
        let unmet = |p: &&u32| {
            let at = **p as usize;
            !work.has[at] && work.scores[at] == 0.0 && work.rule[at].is_none() && may(**p)
        };
        let popular: Vec<u32> = work.popular.iter().filter(unmet).take(most).copied().collect();
        work.met.extend(popular);
        let mut scored: Vec<Candidate> = Vec::with_capacity(work.met.len());
        for j in work.met.drain(..) {
            let at = j as usize;
            let alike = std::mem::take(&mut work.scores[at]);
            let best = std::mem::replace(&mut work.best[at], (0.0, 0));
            let rule = work.rule[at].take();
            if may(j) {
                let confidence = rule.map_or(0.0, |r| self.rules[r as usize].confidence);
                let score = alike + confidence + self.products[at].popularity;
                scored.push(Candidate { score, product: j, part: best.0, bought: best.1, rule });
            }
        }
        history.iter().for_each(|b| work.has[b.product as usize] = false);
        keep_best(&mut scored, most, |a, b| b.score.total_cmp(&a.score).then(a.product.cmp(&b.product)));
        let offer = |c: Candidate| Offer {
            product: c.product,
            kind: Kind::New,
            score: c.score,
            probability: 0.0,
            reason: self.why_new(&c),
        };
        scored.into_iter().map(offer).collect()
    }

    fn why_new(&self, c: &Candidate) -> Reason {
        match c.rule.map(|r| &self.rules[r as usize]) {
            Some(rule) if rule.left.len() > 1 || c.part == 0.0 => {
                Reason::Rule { left: rule.left.clone(), confidence: rule.confidence }
            }
            None if c.part == 0.0 => Reason::Popular { buyers: self.products[c.product as usize].buyers },
            _ => {
                let from = &self.products[c.bought as usize];
                let both = from.near.iter().find(|(j, _)| *j == c.product).map_or(0, |(_, both)| *both);
                Reason::AlsoBought {
                    bought: c.bought,
                    share: f64::from(both) / f64::from(from.buyers.max(1)),
                }
            }
        }
    }

    fn due(
        &self,
        Customer { history, orders, today }: Customer<'_>,
        may: &dyn Fn(u32) -> bool,
    ) -> Vec<Offer> {
        let candidates = history.iter().filter(|b| may(b.product)).filter_map(|b| {
            let product = &self.products[b.product as usize];
            let [due, every] = product.gap_days?;
            let since = today - b.last;
            if f64::from(since) < due {
                return None;
            }
            let again = f64::from(product.repeaters) / f64::from(product.buyers.max(1));
            let share = (f64::from(b.orders) + PRIOR * again) / (f64::from(orders) + PRIOR);
            let score = share * self.weight(since);
            let reason = Reason::Due { every, since };
            Some(Offer { product: b.product, kind: Kind::Again, score, probability: 0.0, reason })
        });
        candidates.collect()
    }

    fn next_tier(
        &self,
        history: &[Bought],
        most: usize,
        may: &dyn Fn(u32) -> bool,
        work: &Workspace,
    ) -> Vec<Offer> {
        let mut top: BTreeMap<u32, u8> = BTreeMap::new();
        for b in history {
            let product = &self.products[b.product as usize];
            if let Some((category, tier)) = product.category.zip(product.tier) {
                let known = top.entry(category).or_insert(tier);
                *known = tier.max(*known);
            }
        }
        let mut offers = Vec::new();
        for (category, tier) in top {
            let movers = work.movers.get(&(category, tier + 1)).map_or(&[][..], Vec::as_slice);
            for p in movers.iter().filter(|p| may(**p)).take(most) {
                let share = self.products[*p as usize].moved_up;
                let reason = Reason::NextTier { category, share };
                offers.push(Offer {
                    product: *p,
                    kind: Kind::UpSell,
                    score: share,
                    probability: 0.0,
                    reason,
                });
            }
        }
        offers
    }
}

/// The first `most` in an order, in that order.
fn keep_best<T>(all: &mut Vec<T>, most: usize, order: impl Fn(&T, &T) -> std::cmp::Ordering) {
    if most > 0 && all.len() > most {
        all.select_nth_unstable_by(most - 1, &order);
    }
    all.truncate(most);
    all.sort_unstable_by(order);
}

/// Offers of all kinds by worth; where that is equal, by kind, then by score: scores of different kinds are not alike. A product is
/// offered once.
pub(super) fn mix(mut all: Vec<Offer>, most: usize, worth: &dyn Fn(&Offer) -> f64) -> Vec<Offer> {
    all.sort_by(|a, b| {
        worth(b)
            .total_cmp(&worth(a))
            .then(a.kind.cmp(&b.kind))
            .then(b.score.total_cmp(&a.score))
            .then(a.product.cmp(&b.product))
    });
    let mut taken = HashSet::new();
    all.retain(|o| taken.insert(o.product));
    all.truncate(most);
    all
}
