//! `[basket]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::basket::{Least, Limits, RuleSettings, Share};

use crate::PipelineError;
use crate::config::range;

settings! {
    /// The settings of `[basket]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// What a basket is.
        pub unit: Unit = Unit::Order,
        /// What its items are.
        pub level: Level = Level::Product,
        /// A file with the columns item and parent, for a hierarchy of several levels; without it, the category column.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub hierarchy_file: Option<PathBuf> = None,
        /// Baskets that must hold a set: a count, or a share such as 0.01.
        pub min_support: Least = Least::Share(Share::decimal(1, 2)),
        /// What an item is worth in a basket.
        pub value: Worth = Worth::Margin,
        /// Which itemsets are written.
        pub itemsets: Written = Written::All,
        /// Customers that must support a sequence: a count, or a share.
        pub sequence_support: Least = Least::Share(Share::decimal(3, 2)),
        /// Sets in a sequence, at most; 0 looks for none.
        pub sequence_length: usize = 2,
        /// Days from one set to the next, at most; 0 for any.
        pub sequence_gap_days: i32 = 0,
        /// Sequences, at most.
        pub max_sequences: usize = 100_000,
        ..
        /// What keeps a run from exploding.
        pub limits: Limits,
        /// Which rules to keep.
        pub rules: RuleSettings,
    }
}
settings_table!(Settings);

/// See [`Settings::unit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// An order.
    #[default]
    Order,
    /// All that a customer bought.
    Customer,
    /// What a customer bought in a week.
    CustomerWeek,
}

/// See [`Settings::level`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Products.
    #[default]
    Product,
    /// Their topmost categories.
    Category,
    /// Products and all categories above them.
    Mixed,
}

/// See [`Settings::value`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// Mean margin in a basket that holds it; revenue where lines have no cost.
    #[default]
    Margin,
    /// Mean net revenue in a basket that holds it.
    Revenue,
}

/// See [`Settings::itemsets`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// All.
    #[default]
    All,
    /// Closed ones.
    Closed,
    /// Maximal ones.
    Maximal,
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        least("[basket] min_support", self.min_support)?;
        least("[basket] sequence_support", self.sequence_support)?;
        let confidence = self.rules.min_confidence.to_f64();
        range("[basket] min_confidence", confidence <= 1.0, "within 0 to 1", confidence.to_string())?;
        let p = self.rules.max_p_value;
        range("[basket] max_p_value", (0.0..=1.0).contains(&p), "within 0 to 1", p.to_string())?;
        for (key, value) in [
            ("[basket] max_right", self.rules.max_right),
            ("[basket] max_items", self.limits.max_items),
            ("[basket] max_itemsets", self.limits.max_itemsets),
            ("[basket] max_rules", self.rules.max_rules),
            ("[basket] max_sequences", self.max_sequences),
        ] {
            range(key, value >= 1, "at least 1", value.to_string())?;
        }
        range(
            "[basket] max_items",
            self.limits.max_items <= 20,
            "at most 20",
            self.limits.max_items.to_string(),
        )?;
        let gap = self.sequence_gap_days;
        range("[basket] sequence_gap_days", gap >= 0, "at least 0", gap.to_string())?;
        let length = self.sequence_length;
        range("[basket] sequence_length", length <= 10, "at most 10", length.to_string())?;
        range(
            "[basket] hierarchy_file",
            self.hierarchy_file.is_none() || self.level != Level::Product,
            "left out, or level \"category\" or \"mixed\"",
            "given for level \"product\"".into(),
        )
    }
}

fn least(key: &str, value: Least) -> Result<(), PipelineError> {
    let ok = match value {
        Least::Count(count) => count >= 1,
        Least::Share(share) => share.to_f64() > 0.0 && share.to_f64() <= 1.0,
    };
    let got = match value {
        Least::Count(count) => count.to_string(),
        Least::Share(share) => format!("{:?}", share.to_f64()),
    };
    range(key, ok, "a count from 1, or a share above 0 and up to 1.0", got)
}
