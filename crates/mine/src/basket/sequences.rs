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
        return Err(MineError::data("every basket needs a customer and a day", "some have none"));
    }
    if let Some(i) = (1..owner.len()).find(|i| (owner[i - 1], day[i - 1]) >= (owner[*i], day[*i])) {
        return Err(MineError::data(
            "baskets must be sorted by customer and day, one a day",
            format!("number {i} is not"),
        ));
    }
    if settings.min_gap_days < 1 || settings.max_gap_days < settings.min_gap_days {
        return Err(MineError::parameter("max_gap_days", "at least min_gap_days, which is at least 1", {
            format!("{} to {}", settings.min_gap_days, settings.max_gap_days)
        }));
    }
    let histories = Histories { baskets, owner, day };
    let customers = owner.chunk_by(|a, b| a == b).count();
    let mut used = settings.min_count.max(1);
    let mut found = loop {
        match histories.search(used, customers as u64, settings) {
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
        let found: Vec<Vec<Sequence>> = starts
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map_init(
                || Counter { counts: vec![0; items], stamps: vec![u32::MAX; items] },
                |counter, (item, ends)| {
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
            )
            .collect();
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

/// Customers among ends, which are in their order.
fn holders(ends: &[End]) -> u64 {
    ends.chunk_by(|a, b| a.customer == b.customer).count() as u64
}

/// Counts customers by item.
struct Counter {
    counts: Vec<u64>,
    /// The customer counted last.
    stamps: Vec<u32>,
}

impl Counter {
    fn see(&mut self, item: u32, customer: u32) {
        let (count, stamp) = (&mut self.counts[item as usize], &mut self.stamps[item as usize]);
        if *stamp != customer {
            *stamp = customer;
            *count += 1;
        }
    }

    /// What was seen often enough, ascending; the counter is as new afterwards.
    fn drain(&mut self, mut seen: Vec<u32>, min_count: u64) -> Vec<u32> {
        seen.sort_unstable();
        seen.dedup();
        let frequent = seen.iter().copied().filter(|i| self.counts[*i as usize] >= min_count).collect();
        for item in seen {
            (self.counts[item as usize], self.stamps[item as usize]) = (0, u32::MAX);
        }
        frequent
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
        let later = |list: &[u32]| list.partition_point(|i| *i <= last);
        let mut seen = Vec::new();
        for end in ends {
            let list = self.histories.baskets.basket(end.basket as usize);
            for item in &list[later(list)..] {
                self.counter.see(*item, end.customer);
                seen.push(*item);
            }
        }
        let frequent = self.counter.drain(seen, self.min_count);
        let mut longer: Vec<Vec<End>> = vec![Vec::new(); frequent.len()];
        for end in ends {
            let list = self.histories.baskets.basket(end.basket as usize);
            keep(&list[later(list)..], &frequent, &mut longer, *end);
        }
        for (item, ends) in frequent.iter().zip(longer) {
            self.last_set(|set| set.push(*item));
            self.grow(&ends, customers_before);
            self.last_set(|set| set.truncate(set.len() - 1));
        }
        if self.sets.len() >= self.settings.max_length {
            return;
        }
        // Another set, later.
        let steps = self.steps(ends);
        let mut seen = Vec::new();
        for end in &steps {
            for item in self.histories.baskets.basket(end.basket as usize) {
                self.counter.see(*item, end.customer);
                seen.push(*item);
            }
        }
        let frequent = self.counter.drain(seen, self.min_count);
        let mut longer: Vec<Vec<End>> = vec![Vec::new(); frequent.len()];
        for end in &steps {
            keep(self.histories.baskets.basket(end.basket as usize), &frequent, &mut longer, *end);
        }
        drop(steps);
        for (item, ends) in frequent.iter().zip(longer) {
            self.sets.push(vec![*item]);
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

/// Puts an end to the lists of those items that are frequent.
fn keep(list: &[u32], frequent: &[u32], longer: &mut [Vec<End>], end: End) {
    // Both are ascending: walk the shorter through the longer.
    let mut from = 0;
    for item in list {
        from += frequent[from..].partition_point(|f| f < item);
        if frequent.get(from) == Some(item) {
            longer[from].push(end);
        }
    }
}
