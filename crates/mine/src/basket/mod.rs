//! Baskets: what is bought together, what follows what.
//!
//! * [`Itemsets::mine`]: frequent itemsets by depth-first search over conditional baskets ("occurrence deliver", Uno,
//!   Kiyomi & Arimura 2004), the frequent items renumbered by support. Supports are exact whole numbers. Which sets are
//!   *closed* (no larger set has the same support) and *maximal* (no larger set is frequent) stands beside each.
//! * [`rules`]: association rules (Agrawal, Imieliński & Swami 1993) with their measures of interest and Fisher's exact test.
//! * [`sequences`]: PrefixSpan (Pei et al. 2001) with gaps in days.
//! * [`follow`]: from the first order to the second, and days to the next.
//! * [`hierarchy`]: products rolled up to categories, and sets that mix levels (Srikant & Agrawal 1995).
//!
//! Thresholds are [`Share`]s, exact decimals, and are held against whole numbers: a rule of confidence 4/5 passes a
//! threshold of 0.8, which it need not in doubles.

mod fisher;
pub mod follow;
pub mod hierarchy;
mod itemsets;
mod rules;
pub mod sequences;
mod share;
#[cfg(test)]
mod tests;

pub use fisher::{Correction, adjust, fisher_greater};
pub use itemsets::{Itemsets, Limits, Miner, Report};
pub use rules::{RankBy, Rule, RuleReport, RuleSettings, rules};
pub use share::{Least, Share};

use crate::MineError;

/// Baskets of items, the items as numbers `0..items`, sorted and without repeats within a basket.
///
/// What a basket is, an order, all that a customer bought, or a week of it, is for the caller to say.
#[derive(Clone, Debug, Default)]
pub struct Baskets {
    starts: Vec<usize>,
    flat: Vec<u32>,
    items: usize,
}

impl Baskets {
    /// From the basket and the item of each line, the lines of a basket one after another: a new number begins a new basket.
    ///
    /// # Errors
    /// If the two differ in length, or an item is not below `items`.
    pub fn from_lines(basket: &[u32], item: &[u32], items: usize) -> Result<Baskets, MineError> {
        if basket.len() != item.len() {
            return Err(MineError::defect(
                "every line needs a basket and an item",
                format!("there are {} and {}", basket.len(), item.len()),
            ));
        }
        let mut baskets = Baskets { starts: vec![0], flat: Vec::with_capacity(item.len()), items };
        let mut at = 0;
        for lines in basket.chunk_by(|a, b| a == b) {
            baskets.push(&item[at..at + lines.len()])?;
            at += lines.len();
        }
        Ok(baskets)
    }

    /// From lists of items, one per basket; empty ones count.
    ///
    /// # Errors
    /// If an item is not below `items`.
    pub fn from_lists<L: AsRef<[u32]>>(
        lists: impl IntoIterator<Item = L>,
        items: usize,
    ) -> Result<Baskets, MineError> {
        let mut baskets = Baskets { starts: vec![0], flat: Vec::new(), items };
        for list in lists {
            baskets.push(list.as_ref())?;
        }
        Ok(baskets)
    }

    fn push(&mut self, list: &[u32]) -> Result<(), MineError> {
        let start = self.flat.len();
        self.flat.extend_from_slice(list);
        let added = &mut self.flat[start..];
        if !added.is_sorted_by(|a, b| a < b) {
            added.sort_unstable();
            let mut kept = start;
            for i in start..self.flat.len() {
                if i == start || self.flat[i] != self.flat[kept - 1] {
                    self.flat[kept] = self.flat[i];
                    kept += 1;
                }
            }
            self.flat.truncate(kept);
        }
        if let Some(item) = self.flat[start..].last().filter(|i| **i as usize >= self.items) {
            return Err(MineError::data(
                format!("items are numbers below {}", self.items),
                format!("there is {item}"),
            ));
        }
        self.starts.push(self.flat.len());
        Ok(())
    }

    /// The number of baskets, empty ones included.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of different items that there may be.
    pub fn items(&self) -> usize {
        self.items
    }

    /// The items of a basket, ascending.
    pub fn basket(&self, i: usize) -> &[u32] {
        &self.flat[self.starts[i]..self.starts[i + 1]]
    }

    /// One basket after another.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|w| &self.flat[w[0]..w[1]])
    }
}
