//! `[basket]`, `[offer]`, `[cohort]` and `[value]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_mine::basket::{Correction, Least, Limits, RankBy, RuleSettings, Share};
use tillwise_mine::cohort::Length;
use tillwise_mine::offer::{Kind, Settings as OfferSettings};

use super::{range, wrong};
use crate::PipelineError;

/// Basket settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Basket {
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

/// See [`Basket::unit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// An order.
    #[default]
    Order,
    /// All that a customer bought.
    Customer,
    /// What a customer bought in a week, from Monday.
    CustomerWeek,
}

/// See [`Basket::level`].
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

/// See [`Basket::value`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// Mean margin in a basket that holds it; revenue where lines have no cost.
    #[default]
    Margin,
    /// Mean net revenue in a basket that holds it.
    Revenue,
}

/// See [`Basket::itemsets`].
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

impl Default for Basket {
    fn default() -> Self {
        let (rules, limits) = (RuleSettings::default(), Limits::default());
        Basket {
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

impl Basket {
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

    pub(super) fn check(&self) -> Result<(), PipelineError> {
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

/// Offer settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Offer {
    /// Offers a customer.
    pub per_customer: usize,
    /// The kinds of offers.
    pub kinds: Vec<Kind>,
    /// What offers of all kinds are ranked by.
    pub rank_by: OfferRank,
    /// Neighbours kept of each product.
    pub neighbours: usize,
    /// Products of a history that are compared with each other.
    pub max_history: usize,
    /// Days after which a purchase counts half.
    pub half_life_days: f64,
    /// Fewest repeat purchases of a product with a rhythm.
    pub min_repeats: usize,
    /// A product is due once this share of the gaps between its repeat purchases has passed.
    pub due_after: f64,
    /// Customers that offers are judged and calibrated on.
    pub judged_customers: usize,
    /// Products that are never offered.
    pub exclude: Vec<String>,
    /// A text file of products that are never offered, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_file: Option<PathBuf>,
    /// A CSV file with the columns product and units: only products with units above zero are offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock_file: Option<PathBuf>,
}

/// See [`Offer::rank_by`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferRank {
    /// The probability that the next order holds the product.
    #[default]
    Probability,
    /// That times the product's mean net revenue.
    Revenue,
    /// That times the product's mean margin.
    Margin,
}

impl Default for Offer {
    fn default() -> Self {
        let s = OfferSettings::default();
        Offer {
            per_customer: 5,
            kinds: s.kinds,
            rank_by: OfferRank::Probability,
            neighbours: s.neighbours,
            max_history: s.max_history,
            half_life_days: s.half_life_days,
            min_repeats: s.min_repeats,
            due_after: s.due_after,
            judged_customers: s.judged_customers,
            exclude: Vec::new(),
            exclude_file: None,
            stock_file: None,
        }
    }
}

impl Offer {
    pub(crate) fn settings(&self, basket: &Basket) -> OfferSettings {
        OfferSettings {
            neighbours: self.neighbours,
            max_history: self.max_history,
            half_life_days: self.half_life_days,
            min_repeats: self.min_repeats,
            due_after: self.due_after,
            kinds: self.kinds.clone(),
            judged_customers: self.judged_customers,
            depth: self.per_customer,
            min_support: basket.min_support,
            min_confidence: basket.min_confidence,
            limits: Limits { max_items: basket.max_items.min(3), ..basket.limits() },
        }
    }

    pub(super) fn check(&self) -> Result<(), PipelineError> {
        let within = |key: &str, value: usize, most: usize| {
            range(key, (1..=most).contains(&value), &format!("within 1 to {most}"), value.to_string())
        };
        within("[offer] per_customer", self.per_customer, 100)?;
        within("[offer] neighbours", self.neighbours, 10_000)?;
        within("[offer] max_history", self.max_history, 100_000)?;
        within("[offer] min_repeats", self.min_repeats, 1_000_000)?;
        let half = self.half_life_days;
        range("[offer] half_life_days", half > 0.0 && half.is_finite(), "above 0", half.to_string())?;
        let due = self.due_after;
        range("[offer] due_after", (0.0..=1.0).contains(&due), "within 0 to 1", due.to_string())?;
        within("[offer] judged_customers", self.judged_customers, 100_000_000)?;
        for (i, kind) in self.kinds.iter().enumerate() {
            let twice = self.kinds[..i].contains(kind);
            range("[offer] kinds", !twice, "different kinds", format!("`{}` twice", kind.name()))?;
        }
        range("[offer] kinds", !self.kinds.is_empty(), "a list of new, again, up_sell", "empty".into())
    }
}

/// Cohort settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cohort {
    /// The length of a period.
    pub period: Length,
    /// The month that years and quarters begin with.
    pub fiscal_start_month: u8,
    /// What cohorts are split by beside all customers, each as it was in the first order: country, channel, store, category, product.
    pub by: Vec<CohortBy>,
    /// The largest groups of a split; the rest are drawn together as `(other)`.
    pub max_groups: usize,
}

/// See [`Cohort::by`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CohortBy {
    /// The country.
    Country,
    /// The sales channel.
    Channel,
    /// The store.
    Store,
    /// The category with the most revenue in it.
    Category,
    /// The product with the most revenue in it.
    Product,
}

impl CohortBy {
    /// Its name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            CohortBy::Country => "country",
            CohortBy::Channel => "channel",
            CohortBy::Store => "store",
            CohortBy::Category => "category",
            CohortBy::Product => "product",
        }
    }
}

impl Default for Cohort {
    fn default() -> Self {
        Cohort { period: Length::Month, fiscal_start_month: 1, by: Vec::new(), max_groups: 20 }
    }
}

impl Cohort {
    pub(super) fn check(&self) -> Result<(), PipelineError> {
        let month = self.fiscal_start_month;
        range("[cohort] fiscal_start_month", (1..=12).contains(&month), "within 1 to 12", month.to_string())?;
        let groups = self.max_groups;
        range(
            "[cohort] max_groups",
            (1..=10_000).contains(&groups),
            "within 1 to 10000",
            groups.to_string(),
        )?;
        for (i, by) in self.by.iter().enumerate() {
            let twice = self.by[..i].contains(by);
            range("[cohort] by", !twice, "different columns", format!("`{}` twice", by.name()))?;
        }
        Ok(())
    }
}

/// Value settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValueSettings {
    /// Key customers that are listed.
    pub key_customers: usize,
    /// The length of the periods that concentration is followed over.
    pub over: Length,
    /// The month that years and quarters begin with.
    pub fiscal_start_month: u8,
    /// Days of each of the two periods of the revenue bridge, the later one ending on the day of the picture.
    pub bridge_days: i32,
    /// First and last day of the earlier period, in place of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_before: Option<[Day; 2]>,
    /// First and last day of the later period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_after: Option<[Day; 2]>,
}

impl Default for ValueSettings {
    fn default() -> Self {
        ValueSettings {
            key_customers: 20,
            over: Length::Quarter,
            fiscal_start_month: 1,
            bridge_days: 365,
            bridge_before: None,
            bridge_after: None,
        }
    }
}

impl ValueSettings {
    /// The two periods of the bridge, as of a day.
    pub(crate) fn periods(&self, as_of: Day) -> [(Day, Day); 2] {
        match (self.bridge_before, self.bridge_after) {
            (Some(before), Some(after)) => [(before[0], before[1]), (after[0], after[1])],
            _ => {
                let days = self.bridge_days;
                let middle = as_of - days;
                [(middle - days + 1, middle), (middle + 1, as_of)]
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), PipelineError> {
        let month = self.fiscal_start_month;
        range("[value] fiscal_start_month", (1..=12).contains(&month), "within 1 to 12", month.to_string())?;
        let days = self.bridge_days;
        range("[value] bridge_days", (1..=36_500).contains(&days), "within 1 to 36500", days.to_string())?;
        let keys = self.key_customers;
        range("[value] key_customers", keys <= 100_000, "at most 100000", keys.to_string())?;
        match (self.bridge_before, self.bridge_after) {
            (None, None) => Ok(()),
            (Some(before), Some(after)) => {
                let ordered = before[0] <= before[1] && before[1] < after[0] && after[0] <= after[1];
                let got = format!("{} to {} and {} to {}", before[0], before[1], after[0], after[1]);
                range(
                    "[value] bridge_before",
                    ordered,
                    "a period before bridge_after, each first day first",
                    got,
                )
            }
            _ => {
                Err(wrong("[value] bridge_before", "needs bridge_after, and the other way round".to_owned()))
            }
        }
    }
}
