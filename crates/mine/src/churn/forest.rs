//! Random forest (Breiman 2001): trees on bootstrap samples, each split among a few features picked at random; their mean.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::settings;

use super::bins::bin_all;
use super::data::{Examples, Values};
use super::grow::Grower;
use super::tree::{Tree, TreeSettings};
use crate::MineError;

settings! {
    /// How a forest grows.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct ForestSettings {
        /// Trees.
        pub forest_trees: usize = 200,
        /// Splits from the root to a leaf, at most.
        pub forest_depth: usize = 12,
        /// Rows in a leaf, at least.
        pub forest_min_leaf: usize = 10,
    }
}

/// A fitted forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    pub(super) trees: Vec<Tree>,
}

impl Forest {
    /// Grows the trees, side by side; the root of the number of features is looked at for each split.
    ///
    /// # Errors
    /// As [`Tree::fit`].
    pub fn fit(examples: &Examples, settings: &ForestSettings, seed: u64) -> Result<Forest, MineError> {
        examples.check_shape()?;
        let tree_settings = TreeSettings {
            max_depth: settings.forest_depth,
            min_leaf: settings.forest_min_leaf,
            shrinkage: 0.0,
            ..TreeSettings::default()
        };
        tree_settings.check()?;
        let binned = bin_all(&examples.columns, false);
        let n = examples.len();
        let some = (examples.columns.len() as f64).sqrt().round().max(1.0) as usize;
        let trees = (0..settings.forest_trees)
            .into_par_iter()
            .with_max_len(1)
            .map(|number| {
                let mut rng = Xoshiro256PlusPlus::seed_from_u64(
                    seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
                );
                let mut times = vec![0u32; n];
                (0..n).for_each(|_| times[rng.gen_range(0..n)] += 1);
                let mut rows: Vec<u32> = (0..n as u32)
                    .flat_map(|row| std::iter::repeat_n(row, times[row as usize] as usize))
                    .collect();
                let mut grower = Grower {
                    binned: &binned,
                    churned: &examples.churned,
                    weights: &examples.weights,
                    settings: &tree_settings,
                    some_features: Some((some, rng)),
                    parallel: false,
                    nodes: Vec::new(),
                    spare: Vec::new(),
                };
                grower.grow(&mut rows, 0, (0.0, 1.0));
                Tree { nodes: grower.nodes }
            })
            .collect();
        Ok(Forest { trees })
    }

    /// The mean of the trees' shares of churners.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> f64 {
        let sum: f64 = self.trees.iter().map(|t| t.predict_row(columns, row).0).sum();
        sum / self.trees.len().max(1) as f64
    }
}
