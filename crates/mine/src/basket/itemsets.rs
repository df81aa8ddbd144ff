//! Frequent itemsets.
//!
//! Items are renumbered by support, the most frequent first. For each item, the baskets that hold it, cut down to the items
//! before it, are the *conditional* baskets; what is frequent among those makes sets with it, and so on. Where at most
//! 64 items are left, a basket is one machine word, equal baskets are merged, and the search goes on in words: short
//! baskets of a large range and long ones of a small range are both quick.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use tillwise_core::settings;

use super::Baskets;
use crate::parallel;

settings! {
    /// What keeps a run from exploding.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
    pub struct Limits {
        /// Items in a set, at most.
        pub max_items: usize = 5,
        /// Baskets with more different items are left out; 0 keeps all.
        pub max_basket: usize = 1000,
        /// Sets, at most: the least support is doubled until there are no more.
        pub max_itemsets: usize = 1_000_000,
    }
}

impl Limits {
    /// No limits, for those who know their data.
    pub const NONE: Limits = Limits { max_items: usize::MAX, max_basket: 0, max_itemsets: usize::MAX };
}

/// What mining found, and which limits left something out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Baskets that supports are counted over, empty ones included.
    pub baskets: usize,
    /// Baskets left out for `max_basket`.
    pub baskets_left_out: usize,
    /// The support asked for, in baskets.
    pub min_count: u64,
    /// The support used: more than that where there were more sets than `max_itemsets`.
    pub used_count: u64,
    /// Whether sets reach `max_items`, so that longer ones may exist.
    pub cut_at_max_items: bool,
    /// Sets found.
    pub itemsets: usize,
    /// Those that are closed: no larger set has the same support.
    pub closed: usize,
    /// Those that are maximal: no larger set is frequent.
    pub maximal: usize,
}

/// Frequent itemsets with their supports, shorter ones first, then by their items.
#[derive(Clone, Debug, Default)]
pub struct Itemsets {
    starts: Vec<usize>,
    flat: Vec<u32>,
    counts: Vec<u64>,
    closed: Vec<bool>,
    maximal: Vec<bool>,
    /// The baskets that supports are counted over.
    pub baskets: u64,
}

impl Itemsets {
    /// The number of sets.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing is frequent.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The items of a set, ascending.
    pub fn items(&self, i: usize) -> &[u32] {
        &self.flat[self.starts[i]..self.starts[i + 1]]
    }

    /// The baskets that hold the set.
    pub fn count(&self, i: usize) -> u64 {
        self.counts[i]
    }

    /// Whether no larger set has the same support. At `max_items` only sets up to that size are looked at.
    pub fn is_closed(&self, i: usize) -> bool {
        self.closed[i]
    }

    /// Whether no larger set is frequent. At `max_items` only sets up to that size are looked at.
    pub fn is_maximal(&self, i: usize) -> bool {
        self.maximal[i]
    }

    /// The number of each set, by its items.
    pub fn index(&self) -> HashMap<&[u32], usize> {
        (0..self.len()).map(|i| (self.items(i), i)).collect()
    }
}

/// A search for frequent itemsets.
#[derive(Clone, Copy, Debug)]
pub struct Miner<'a> {
    /// Baskets that must hold a set, at least.
    pub min_count: u64,
    /// What keeps the search in bounds.
    pub limits: Limits,
    /// For each item, those that may not stand in a set with it, such as its categories; empty for none.
    pub apart: &'a [Vec<u32>],
}

impl Miner<'_> {
    /// All frequent sets within the limits. The same on any number of threads.
    pub fn mine(&self, baskets: &Baskets) -> (Itemsets, Report) {
        let most = if self.limits.max_basket == 0 { usize::MAX } else { self.limits.max_basket };
        let left_out = baskets.iter().filter(|b| b.len() > most).count();
        let kept = baskets.len() - left_out;
        let mut counts = vec![0u64; baskets.items];
        for basket in baskets.iter().filter(|b| b.len() <= most) {
            for item in basket {
                counts[*item as usize] += 1;
            }
        }
        let mut used = self.min_count.max(1);
        let found = loop {
            let coded = Coded::new(baskets, most, &counts, used, self.apart);
            if let Some(found) = coded.mine(used, &self.limits) {
                break coded.sorted(found, kept as u64);
            }
            used = used.saturating_mul(2);
        };
        let (closed, maximal) = (&found.closed, &found.maximal);
        let report = Report {
            baskets: kept,
            baskets_left_out: left_out,
            min_count: self.min_count.max(1),
            used_count: used,
            cut_at_max_items: (0..found.len()).any(|i| found.items(i).len() >= self.limits.max_items),
            itemsets: found.len(),
            closed: closed.iter().filter(|c| **c).count(),
            maximal: maximal.iter().filter(|m| **m).count(),
        };
        (found, report)
    }
}

/// Baskets in the numbers of frequent items by support, equal rows drawn together where that is cheap.
struct Coded {
    rows: Rows,
    /// The item of each number.
    item_of: Vec<u32>,
    /// Its support.
    counts: Vec<u64>,
    /// For each number, those that may not stand with it.
    apart: Vec<Vec<u32>>,
}

/// Baskets with a weight each: how many equal ones it stands for.
#[derive(Default)]
struct Rows {
    starts: Vec<u32>,
    flat: Vec<u32>,
    weights: Vec<u32>,
}

impl Rows {
    fn with_start() -> Rows {
        Rows { starts: vec![0], ..Rows::default() }
    }

    fn push(&mut self, items: impl Iterator<Item = u32>, weight: u32) {
        let before = self.flat.len();
        self.flat.extend(items);
        if self.flat.len() > before {
            self.starts.push(self.flat.len() as u32);
            self.weights.push(weight);
        }
    }

    fn len(&self) -> usize {
        self.weights.len()
    }
}

/// Sets as they are found: numbers of all, one after another, with length and support.
#[derive(Default)]
struct Found {
    flat: Vec<u32>,
    sets: Vec<(u32, u64)>,
}

/// One branch of the search.
struct Search<'a> {
    min_count: u64,
    max_items: usize,
    apart: &'a [Vec<u32>],
    found: Found,
    total: &'a AtomicUsize,
    most: usize,
    over: &'a AtomicBool,
}

impl Coded {
    fn new(baskets: &Baskets, most: usize, counts: &[u64], min_count: u64, apart: &[Vec<u32>]) -> Coded {
        let mut item_of: Vec<u32> =
            (0..counts.len() as u32).filter(|i| counts[*i as usize] >= min_count).collect();
        item_of.sort_by_key(|i| (std::cmp::Reverse(counts[*i as usize]), *i));
        let mut number = vec![u32::MAX; counts.len()];
        for (n, item) in item_of.iter().enumerate() {
            number[*item as usize] = n as u32;
        }
        let mut rows = Rows::with_start();
        let mut row: Vec<u32> = Vec::new();
        for basket in baskets.iter().filter(|b| b.len() <= most) {
            row.clear();
            row.extend(basket.iter().map(|i| number[*i as usize]).filter(|n| *n != u32::MAX));
            row.sort_unstable();
            rows.push(row.iter().copied(), 1);
        }
        let apart = item_of
            .iter()
            .map(|item| {
                let of = apart.get(*item as usize).map_or(&[][..], Vec::as_slice);
                of.iter().map(|i| number[*i as usize]).filter(|n| *n != u32::MAX).collect()
            })
            .collect();
        let counts = item_of.iter().map(|i| counts[*i as usize]).collect();
        Coded { rows, item_of, counts, apart }
    }

    /// All frequent sets in numbers, or nothing if there are more than allowed.
    fn mine(&self, min_count: u64, limits: &Limits) -> Option<Vec<Found>> {
        let items = self.item_of.len();
        // Where each number stands: the row, and the place in `flat`.
        let mut ends = vec![0usize; items + 1];
        for n in &self.rows.flat {
            ends[*n as usize + 1] += 1;
        }
        (0..items).for_each(|i| ends[i + 1] += ends[i]);
        let mut next = ends.clone();
        let mut places = vec![(0u32, 0u32); self.rows.flat.len()];
        for row in 0..self.rows.len() {
            for at in self.rows.starts[row]..self.rows.starts[row + 1] {
                let slot = &mut next[self.rows.flat[at as usize] as usize];
                places[*slot] = (row as u32, at);
                *slot += 1;
            }
        }
        let (total, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let found: Vec<Found> = parallel::pull(
            items,
            || vec![0u64; items],
            |counts, n| {
                let mut search = Search {
                    min_count,
                    max_items: limits.max_items,
                    apart: &self.apart,
                    found: Found::default(),
                    total: &total,
                    most: limits.max_itemsets,
                    over: &over,
                };
                let prefix = &mut vec![n as u32];
                if search.take(prefix, self.counts[n]) && limits.max_items > 1 {
                    let before = places[ends[n]..ends[n + 1]].iter().map(|(row, at)| {
                        let start = self.rows.starts[*row as usize] as usize;
                        (&self.rows.flat[start..*at as usize], self.rows.weights[*row as usize])
                    });
                    search.condition(before, n as u32, counts, prefix);
                }
                search.found
            },
        );
        (!over.load(Ordering::Relaxed)).then_some(found)
    }

    /// The sets in items, sorted, with what is closed and maximal.
    fn sorted(&self, found: Vec<Found>, baskets: u64) -> Itemsets {
        let sets: usize = found.iter().map(|f| f.sets.len()).sum();
        let mut all: Vec<(Vec<u32>, u64)> = Vec::with_capacity(sets);
        for part in found {
            let mut at = 0;
            for (length, count) in part.sets {
                let numbers = &part.flat[at..at + length as usize];
                let mut items: Vec<u32> = numbers.iter().map(|n| self.item_of[*n as usize]).collect();
                items.sort_unstable();
                all.push((items, count));
                at += length as usize;
            }
        }
        all.par_sort_unstable_by(|a, b| a.0.len().cmp(&b.0.len()).then_with(|| a.0.cmp(&b.0)));
        let mut itemsets = Itemsets { starts: vec![0], baskets, ..Itemsets::default() };
        for (items, count) in &all {
            itemsets.flat.extend_from_slice(items);
            itemsets.starts.push(itemsets.flat.len());
            itemsets.counts.push(*count);
        }
        // A larger set that shows a set not to be closed, or not maximal, need only be one item larger.
        let (mut closed, mut maximal) = (vec![true; all.len()], vec![true; all.len()]);
        let index = itemsets.index();
        let mut smaller = Vec::new();
        for (items, count) in all.iter().filter(|(items, _)| items.len() > 1) {
            for leave in 0..items.len() {
                smaller.clear();
                smaller.extend(items.iter().enumerate().filter(|(i, _)| *i != leave).map(|(_, v)| *v));
                if let Some(i) = index.get(smaller.as_slice()) {
                    maximal[*i] = false;
                    closed[*i] &= all[*i].1 != *count;
                }
            }
        }
        (itemsets.closed, itemsets.maximal) = (closed, maximal);
        itemsets
    }
}

impl Search<'_> {
    /// Keeps a set. False once there are too many.
    fn take(&mut self, prefix: &[u32], count: u64) -> bool {
        self.found.flat.extend_from_slice(prefix);
        self.found.sets.push((prefix.len() as u32, count));
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.over.store(true, Ordering::Relaxed);
        }
        !self.over.load(Ordering::Relaxed)
    }

    /// The search among the items before `last`, in baskets that hold all of `prefix`. `counts` is all zero, and is left so.
    fn condition<'r>(
        &mut self,
        rows: impl Iterator<Item = (&'r [u32], u32)> + Clone,
        last: u32,
        counts: &mut [u64],
        prefix: &mut Vec<u32>,
    ) {
        for (row, weight) in rows.clone() {
            for n in row {
                counts[*n as usize] += u64::from(weight);
            }
        }
        self.apart[last as usize].iter().for_each(|n| counts[*n as usize] = 0);
        let frequent: Vec<(u32, u64)> = (0..last)
            .map(|n| (n, counts[n as usize]))
            .filter(|(_, count)| *count >= self.min_count)
            .collect();
        let deeper = prefix.len() + 1 < self.max_items && frequent.len() > 1;
        if !deeper {
            counts[..last as usize].fill(0);
            for (n, count) in frequent {
                prefix.push(n);
                let go_on = self.take(prefix, count);
                prefix.pop();
                if !go_on {
                    return;
                }
            }
        } else if frequent.len() <= 64 {
            // `counts` now says where in the word an item stands, from 1.
            counts[..last as usize].fill(0);
            frequent.iter().enumerate().for_each(|(bit, (n, _))| counts[*n as usize] = bit as u64 + 1);
            let mut words: Vec<(u64, u64)> = Vec::new();
            for (row, weight) in rows {
                let mut word = 0u64;
                for n in row {
                    let bit = counts[*n as usize];
                    // An item that is not frequent here adds no bit.
                    word |= u64::from(bit > 0) << (bit.wrapping_sub(1) & 63);
                }
                if word != 0 {
                    words.push((word, u64::from(weight)));
                }
            }
            counts[..last as usize].fill(0);
            merge(&mut words);
            let items: Vec<u32> = frequent.iter().map(|(n, _)| *n).collect();
            self.words(&words, &items, prefix);
        } else {
            let mut kept = Rows::with_start();
            let is_frequent = |n: u32| counts[n as usize] >= self.min_count;
            for (row, weight) in rows {
                kept.push(row.iter().copied().filter(|n| is_frequent(*n)), weight);
            }
            counts[..last as usize].fill(0);
            let mut places: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
            for row in 0..kept.len() {
                for at in kept.starts[row]..kept.starts[row + 1] {
                    places.entry(kept.flat[at as usize]).or_default().push((row as u32, at));
                }
            }
            for (n, count) in frequent {
                prefix.push(n);
                let go_on = self.take(prefix, count);
                if go_on && let Some(places) = places.get(&n) {
                    let before = places.iter().map(|(row, at)| {
                        let start = kept.starts[*row as usize] as usize;
                        (&kept.flat[start..*at as usize], kept.weights[*row as usize])
                    });
                    self.condition_dyn(before, n, counts, prefix);
                }
                prefix.pop();
                if !go_on {
                    return;
                }
            }
        }
    }

    /// [`Search::condition`] on rows of another type: an end to the recursion of types.
    fn condition_dyn<'r>(
        &mut self,
        rows: impl Iterator<Item = (&'r [u32], u32)>,
        last: u32,
        counts: &mut [u64],
        prefix: &mut Vec<u32>,
    ) {
        let rows: Vec<(&[u32], u32)> = rows.collect();
        self.condition(rows.iter().copied(), last, counts, prefix);
    }

    /// The search where a basket is a word: bit `i` stands for `items[i]`.
    fn words(&mut self, rows: &[(u64, u64)], items: &[u32], prefix: &mut Vec<u32>) {
        let mut counts = [0u64; 64];
        for (word, weight) in rows {
            let mut left = *word;
            while left != 0 {
                counts[left.trailing_zeros() as usize] += weight;
                left &= left - 1;
            }
        }
        let mut frequent = 0u64;
        for (bit, count) in counts.iter().enumerate().take(items.len()) {
            frequent |= u64::from(*count >= self.min_count) << bit;
        }
        let mut inner: Vec<(u64, u64)> = Vec::new();
        let mut left = frequent;
        while left != 0 {
            let bit = left.trailing_zeros();
            left &= left - 1;
            let n = items[bit as usize];
            prefix.push(n);
            let go_on = self.take(prefix, counts[bit as usize]);
            let mut before = frequent & ((1u64 << bit) - 1);
            for other in &self.apart[n as usize] {
                if let Ok(at) = items.binary_search(other) {
                    before &= !(1u64 << at);
                }
            }
            if go_on && before != 0 && prefix.len() < self.max_items {
                inner.clear();
                let holding = rows.iter().filter(|(word, _)| word & (1u64 << bit) != 0);
                inner.extend(holding.map(|(word, weight)| (word & before, *weight)).filter(|r| r.0 != 0));
                if inner.len() > 8 {
                    merge(&mut inner);
                }
                let rows = std::mem::take(&mut inner);
                self.words(&rows, items, prefix);
                inner = rows;
            }
            prefix.pop();
            if !go_on {
                return;
            }
        }
    }
}

/// Draws equal words together.
fn merge(rows: &mut Vec<(u64, u64)>) {
    rows.sort_unstable_by_key(|r| r.0);
    rows.dedup_by(|next, first| {
        let same = next.0 == first.0;
        if same {
            first.1 += next.1;
        }
        same
    });
}
