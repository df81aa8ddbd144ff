//! `[basket]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tillwise_mine::basket::{Correction, Least, Limits, RankBy, RuleSettings, Share};

use crate::PipelineError;
use crate::config::range;

/// `[basket]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What a basket is.
    pub unit: Unit,
    /// What its items are.
    pub level: Level,
    /// A CSV file with the columns item and parent, for a hierarchy of several levels; without it, the category column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hierarchy_file: Option<PathBuf>,
    /// Baskets that must hold a set: a count, or a share such as 0.01.
    pub min_support: Least,
    /// Least confidence of a rule.
    pub min_confidence: Share,
    /// Least lift of a rule.
    pub min_lift: Share,
    /// Items on the right of a rule, at most.
    pub max_right: usize,
    /// Drops rules that a shorter left side makes as confidently.
    pub drop_redundant: bool,
    /// How p-values are corrected for the number of rules.
    pub correction: Correction,
    /// Largest corrected p-value of a rule; 1 keeps all.
    pub max_p_value: f64,
    /// What rules are ranked by.
    pub rank_by: RankBy,
    /// What an item is worth in a basket.
    pub value: Worth,
    /// Items in a set, at most.
    pub max_items: usize,
    /// Baskets with more different items are left out; 0 keeps all.
    pub max_basket: usize,
    /// Itemsets, at most.
    pub max_itemsets: usize,
    /// Rules, at most.
    pub max_rules: usize,
    /// Which itemsets are written.
    pub itemsets: Written,
    /// Customers that must support a sequence: a count, or a share.
    pub sequence_support: Least,
    /// Sets in a sequence, at most; 0 looks for none.
    pub sequence_length: usize,
    /// Days from one set to the next, at most; 0 for any.
    pub sequence_gap_days: i32,
    /// Sequences, at most.
    pub max_sequences: usize,
}

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

impl Default for Settings {
    fn default() -> Self {
        let (rules, limits) = (RuleSettings::default(), Limits::default());
        Settings {
            unit: Unit::Order,
            level: Level::Product,
            hierarchy_file: None,
            min_support: Least::Share(Share::decimal(1, 2)),
            min_confidence: rules.min_confidence,
            min_lift: rules.min_lift,
            max_right: rules.max_right,
            drop_redundant: rules.drop_redundant,
            correction: rules.correction,
            max_p_value: rules.max_p_value,
            rank_by: rules.rank_by,
            value: Worth::Margin,
            max_items: limits.max_items,
            max_basket: limits.max_basket,
            max_itemsets: limits.max_itemsets,
            max_rules: rules.max_rules,
            itemsets: Written::All,
            sequence_support: Least::Share(Share::decimal(3, 2)),
            sequence_length: 2,
            sequence_gap_days: 0,
            max_sequences: 100_000,
        }
    }
}

impl Settings {
    pub(crate) fn limits(&self) -> Limits {
        Limits { max_items: self.max_items, max_basket: self.max_basket, max_itemsets: self.max_itemsets }
    }

    pub(crate) fn rules(&self) -> RuleSettings {
        RuleSettings {
            min_confidence: self.min_confidence,
            min_lift: self.min_lift,
            max_right: self.max_right,
            drop_redundant: self.drop_redundant,
            correction: self.correction,
            max_p_value: self.max_p_value,
            rank_by: self.rank_by,
            max_rules: self.max_rules,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        least("[basket] min_support", self.min_support)?;
        least("[basket] sequence_support", self.sequence_support)?;
        let confidence = self.min_confidence.to_f64();
        range("[basket] min_confidence", confidence <= 1.0, "within 0 to 1", confidence.to_string())?;
        let p = self.max_p_value;
        range("[basket] max_p_value", (0.0..=1.0).contains(&p), "within 0 to 1", p.to_string())?;
        for (key, value) in [
            ("[basket] max_right", self.max_right),
            ("[basket] max_items", self.max_items),
            ("[basket] max_itemsets", self.max_itemsets),
            ("[basket] max_rules", self.max_rules),
            ("[basket] max_sequences", self.max_sequences),
        ] {
            range(key, value >= 1, "at least 1", value.to_string())?;
        }
        range("[basket] max_items", self.max_items <= 20, "at most 20", self.max_items.to_string())?;
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
