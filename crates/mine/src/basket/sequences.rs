//! What follows what: frequent sequences by PrefixSpan (Pei et al. 2001), with gaps in days.
//!
//! A customer's history is a list of baskets on different days; a sequence is a list of sets of items. A customer supports
//! it if its sets lie in baskets one after another, each within the allowed gap of the one before. A gap that is limited
//! breaks the greedy search for the first place: `A, then C` may fail from the first `A` and hold from a later one. So all
//! places where a sequence may end are followed. Dropping a set from the middle of a sequence may then lose support; only
//! dropping sets at the end cannot.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use super::Baskets;
use crate::MineError;
use crate::parallel;
use crate::stats::quantile_sorted;

/// Which sequences to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceSettings {
    /// Customers, at least.
    pub min_count: u64,
    /// Sets in a sequence, at most.
    pub max_length: usize,
    /// Items in all of its sets, at most.
    pub max_items: usize,
    /// Days from a set to the next, at least 1.
    pub min_gap_days: i32,
    /// Days from a set to the next, at most.
    pub max_gap_days: i32,
    /// Sequences, at most: the least support is doubled until there are no more.
    pub max_sequences: usize,
}

/// A frequent sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// Its sets of items, in order.
    pub sets: Vec<Vec<u32>>,
    /// Customers who support it.
    pub customers: u64,
    /// Customers who support it without its last set; all customers, if it has one set.
    pub customers_before: u64,
    /// Customers who ever bought the last set.
    pub customers_last: u64,
    /// Median days from the set before to the last one, over customers, where each first completed the sequence.
    pub median_gap_days: Option<f64>,
}

/// What the search came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SequenceReport {
    /// Customers with a basket.
    pub customers: usize,
    /// The support asked for, in customers.
    pub min_count: u64,
    /// The support used.
    pub used_count: u64,
    /// Sequences found.
    pub sequences: usize,
    /// Whether sequences reach the most sets or items, so that longer ones may exist.
    pub cut_at_most: bool,
}

/// A place where a sequence may end, and the days since its set before.
#[derive(Clone, Copy)]
struct End {
    customer: u32,
    basket: u32,
    gap: i32,
}

/// Baskets by customer and day.
struct Histories<'a> {
    baskets: &'a Baskets,
    owner: &'a [u32],
    day: &'a [i32],
}

/// All frequent sequences. `owner` and `day` say of each basket whose it is and of which day, sorted by both, one
/// basket a day.
///
/// # Errors
/// If the baskets are not sorted so, or the gaps leave nothing.
pub fn sequences(
    baskets: &Baskets,
    owner: &[u32],
    day: &[i32],
    settings: &SequenceSettings,
) -> Result<(Vec<Sequence>, SequenceReport), MineError> {
    if owner.len() != baskets.len() || day.len() != baskets.len() {
        return Err(MineError::defect("every basket needs a customer and a day", "some have none"));
    }
    if let Some(i) = (1..owner.len()).find(|i| (owner[i - 1], day[i - 1]) >= (owner[*i], day[*i])) {
        return Err(MineError::defect(
            "baskets must be sorted by customer and day, one a day",
            format!("number {i} is not"),
        ));
    }
    if settings.min_gap_days < 1 || settings.max_gap_days < settings.min_gap_days {
        return Err(MineError::parameter("max_gap_days", "at least min_gap_days, which is at least 1", {
            format!("{} to {}", settings.min_gap_days, settings.max_gap_days)
        }));
    }
    let customers = owner.chunk_by(|a, b| a == b).count();
    let mut used = settings.min_count.max(1);
    // What few customers ever bought stands in no frequent sequence.
    let holders = holders_by_item(baskets, owner);
    let mut found = loop {
        let kept =
            baskets.iter().map(|b| b.iter().copied().filter(|i| holders[*i as usize] >= used).collect());
        let kept: Vec<Vec<u32>> = kept.collect();
        let baskets = Baskets::from_lists(kept, baskets.items())?;
        match (Histories { baskets: &baskets, owner, day }).search(used, customers as u64, settings) {
            Some(found) => break found,
            None => used = used.saturating_mul(2),
        }
    };
    found.par_sort_unstable_by(|a, b| {
        let items = |s: &Sequence| s.sets.iter().map(Vec::len).sum::<usize>();
        (a.sets.len(), items(a), &a.sets).cmp(&(b.sets.len(), items(b), &b.sets))
    });
    let at_most = |s: &Sequence| {
        s.sets.len() == settings.max_length
            || s.sets.iter().map(Vec::len).sum::<usize>() == settings.max_items
    };
    let report = SequenceReport {
        customers,
        min_count: settings.min_count.max(1),
        used_count: used,
        sequences: found.len(),
        cut_at_most: found.iter().any(at_most),
    };
    Ok((found, report))
}

impl Histories<'_> {
    fn search(&self, min_count: u64, customers: u64, settings: &SequenceSettings) -> Option<Vec<Sequence>> {
        let items = self.baskets.items();
        let mut starts: Vec<Vec<End>> = vec![Vec::new(); items];
        for (basket, (list, customer)) in self.baskets.iter().zip(self.owner).enumerate() {
            for item in list {
                starts[*item as usize].push(End { customer: *customer, basket: basket as u32, gap: 0 });
            }
        }
        let (total, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let found: Vec<Vec<Sequence>> = parallel::pull(
            items,
            || Counter {
                counts: vec![0; items],
                stamps: vec![u32::MAX; items],
                seen: Vec::new(),
                places: vec![0; items],
            },
            |counter, item| {
                let ends = &starts[item];
                let mut branch = Branch {
                    histories: self,
                    settings,
                    min_count,
                    counter,
                    found: Vec::new(),
                    sets: vec![vec![item as u32]],
                    total: &total,
                    over: &over,
                };
                if holders(ends) >= min_count {
                    branch.grow(ends, customers);
                }
                branch.found
            },
        );
        if over.load(Ordering::Relaxed) {
            return None;
        }
        let mut found: Vec<Sequence> = found.into_iter().flatten().collect();
        let singles: std::collections::HashMap<Vec<u32>, u64> =
            found.iter().filter(|s| s.sets.len() == 1).map(|s| (s.sets[0].clone(), s.customers)).collect();
        for sequence in &mut found {
            // The last set of a frequent sequence is frequent.
            let last = sequence.sets.last().and_then(|set| singles.get(set));
            sequence.customers_last = last.copied().unwrap_or(sequence.customers);
        }
        Some(found)
    }
}

/// For each item, the customers who bought it.
fn holders_by_item(baskets: &Baskets, owner: &[u32]) -> Vec<u64> {
    let mut last = vec![u32::MAX; baskets.items()];
    let mut holders = vec![0; baskets.items()];
    for (list, customer) in baskets.iter().zip(owner) {
        for item in list {
            if std::mem::replace(&mut last[*item as usize], *customer) != *customer {
                holders[*item as usize] += 1;
            }
        }
    }
    holders
}

/// Customers among ends, which are in their order.
fn holders(ends: &[End]) -> u64 {
    ends.chunk_by(|a, b| a.customer == b.customer).count() as u64
}

/// Counts customers by item.
struct Counter {
    counts: Vec<u64>,
    /// The customer counted last.
    stamps: Vec<u32>,
    /// The items counted.
    seen: Vec<u32>,
    /// For each item its place among the frequent ones, from 1; 0 for the others.
    places: Vec<u32>,
}

impl Counter {
    fn see(&mut self, item: u32, customer: u32) {
        let (count, stamp) = (&mut self.counts[item as usize], &mut self.stamps[item as usize]);
        if *stamp != customer {
            if *count == 0 {
                self.seen.push(item);
            }
            *stamp = customer;
            *count += 1;
        }
    }

    /// What was seen often enough, ascending, with the ends in `lists` of each; the counter is as new afterwards.
    fn frequent<'a>(
        &mut self,
        min_count: u64,
        lists: impl Iterator<Item = (End, &'a [u32])>,
    ) -> Vec<(u32, Vec<End>)> {
        let mut frequent: Vec<u32> =
            self.seen.iter().copied().filter(|i| self.counts[*i as usize] >= min_count).collect();
        frequent.sort_unstable();
        for item in self.seen.drain(..) {
            (self.counts[item as usize], self.stamps[item as usize]) = (0, u32::MAX);
        }
        let mut longer: Vec<(u32, Vec<End>)> = frequent.into_iter().map(|item| (item, Vec::new())).collect();
        if longer.is_empty() {
            return longer;
        }
        longer.iter().enumerate().for_each(|(at, (item, _))| self.places[*item as usize] = at as u32 + 1);
        for (end, list) in lists {
            for item in list {
                if let Some(at) = self.places[*item as usize].checked_sub(1) {
                    longer[at as usize].1.push(end);
                }
            }
        }
        longer.iter().for_each(|(item, _)| self.places[*item as usize] = 0);
        longer
    }
}

/// The search below one sequence.
struct Branch<'a> {
    histories: &'a Histories<'a>,
    settings: &'a SequenceSettings,
    min_count: u64,
    counter: &'a mut Counter,
    found: Vec<Sequence>,
    sets: Vec<Vec<u32>>,
    total: &'a AtomicUsize,
    over: &'a AtomicBool,
}

impl Branch<'_> {
    fn grow(&mut self, ends: &[End], customers_before: u64) {
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.settings.max_sequences {
            self.over.store(true, Ordering::Relaxed);
        }
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        let customers = holders(ends);
        let median_gap_days = (self.sets.len() > 1).then(|| {
            let firsts = ends.chunk_by(|a, b| a.customer == b.customer).map(|e| f64::from(e[0].gap));
            let mut gaps: Vec<f64> = firsts.collect();
            gaps.sort_unstable_by(f64::total_cmp);
            quantile_sorted(&gaps, 0.5)
        });
        self.found.push(Sequence {
            sets: self.sets.clone(),
            customers,
            customers_before,
            customers_last: 0,
            median_gap_days,
        });
        let items: usize = self.sets.iter().map(Vec::len).sum();
        if items >= self.settings.max_items {
            return;
        }
        // Another item in the last set.
        let last = self.sets.last().and_then(|s| s.last()).copied().unwrap_or(0);
        let baskets = self.histories.baskets;
        let later = |end: &End| {
            let list = baskets.basket(end.basket as usize);
            &list[list.partition_point(|i| *i <= last)..]
        };
        for end in ends {
            later(end).iter().for_each(|item| self.counter.see(*item, end.customer));
        }
        for (item, ends) in self.counter.frequent(self.min_count, ends.iter().map(|e| (*e, later(e)))) {
            self.last_set(|set| set.push(item));
            self.grow(&ends, customers_before);
            self.last_set(|set| set.truncate(set.len() - 1));
        }
        if self.sets.len() >= self.settings.max_length {
            return;
        }
        // Another set, later.
        let steps = self.steps(ends);
        let list = |end: &End| baskets.basket(end.basket as usize);
        for end in &steps {
            list(end).iter().for_each(|item| self.counter.see(*item, end.customer));
        }
        let longer = self.counter.frequent(self.min_count, steps.iter().map(|e| (*e, list(e))));
        drop(steps);
        for (item, ends) in longer {
            self.sets.push(vec![item]);
            self.grow(&ends, customers);
            self.sets.pop();
        }
    }

    fn last_set(&mut self, change: impl FnOnce(&mut Vec<u32>)) {
        if let Some(set) = self.sets.last_mut() {
            change(set);
        }
    }

    /// Baskets that may come next, each with the shortest allowed gap before it.
    fn steps(&self, ends: &[End]) -> Vec<End> {
        let Histories { owner, day, .. } = self.histories;
        let mut steps = Vec::new();
        for ends in ends.chunk_by(|a, b| a.customer == b.customer) {
            let customer = ends[0].customer;
            let mut latest = 0;
            let mut basket = ends[0].basket as usize + 1;
            while basket < owner.len() && owner[basket] == customer {
                let gap = |end: &End| day[basket] - day[end.basket as usize];
                while latest + 1 < ends.len() && gap(&ends[latest + 1]) >= self.settings.min_gap_days {
                    latest += 1;
                }
                let gap = gap(&ends[latest]);
                if (self.settings.min_gap_days..=self.settings.max_gap_days).contains(&gap) {
                    steps.push(End { customer, basket: basket as u32, gap });
                }
                basket += 1;
            }
        }
        steps
    }
}
