//! `[offer]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::basket::Limits;
use tillwise_mine::offer::{How, Settings as OfferSettings};

use crate::PipelineError;
use crate::analyses::basket;
use crate::config::{Auto, range};

settings! {
    /// The settings of `[offer]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// Offers a customer.
        pub per_customer: usize = 5,
        /// What offers of all kinds are ranked by.
        pub rank_by: OfferRank = OfferRank::Probability,
        /// A product is due once this share of the gaps between its repeat purchases has passed; `"auto"` for what did best on
        /// orders left out.
        pub due_after: DueAfter = DueAfter::Auto(Auto::Auto),
        /// Products that are never offered.
        pub exclude: Vec<String> = Vec::new(),
        /// A text file of products that are never offered, one a line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub exclude_file: Option<PathBuf> = None,
        /// A file with the columns product and units: only products with units above zero are offered.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub stock_file: Option<PathBuf> = None,
        ..
        /// How offers are found.
        pub how: How,
    }
}
settings_table!(Settings);

/// See [`Settings::rank_by`].
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

/// See [`Settings::due_after`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "due_after is a share from 0 to 1, or \"auto\"")]
pub enum DueAfter {
    /// Chosen by customers who are not among the judged.
    Auto(Auto),
    /// That share.
    Share(f64),
}

impl Settings {
    pub(crate) fn settings(&self, basket: &basket::Settings) -> OfferSettings {
        OfferSettings {
            how: self.how.clone(),
            due_after: match self.due_after {
                DueAfter::Auto(_) => None,
                DueAfter::Share(share) => Some(share),
            },
            depth: self.per_customer,
            min_support: basket.min_support,
            min_confidence: basket.rules.min_confidence,
            limits: Limits { max_items: basket.limits.max_items.min(3), ..basket.limits },
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let within = |key: &str, value: usize, most: usize| {
            range(key, (1..=most).contains(&value), &format!("within 1 to {most}"), value.to_string())
        };
        within("[offer] per_customer", self.per_customer, 100)?;
        within("[offer] neighbours", self.how.neighbours, 10_000)?;
        within("[offer] max_history", self.how.max_history, 100_000)?;
        within("[offer] min_repeats", self.how.min_repeats, 1_000_000)?;
        let half = self.how.half_life_days;
        range("[offer] half_life_days", half > 0.0 && half.is_finite(), "above 0", half.to_string())?;
        if let DueAfter::Share(due) = self.due_after {
            let ok = (0.0..=1.0).contains(&due);
            range("[offer] due_after", ok, "within 0 to 1, or \"auto\"", due.to_string())?;
        }
        within("[offer] judged_customers", self.how.judged_customers, 100_000_000)?;
        for (i, kind) in self.how.kinds.iter().enumerate() {
            let twice = self.how.kinds[..i].contains(kind);
            range("[offer] kinds", !twice, "different kinds", format!("`{}` twice", kind.name()))?;
        }
        range("[offer] kinds", !self.how.kinds.is_empty(), "a list of new, again, up_sell", "empty".into())
    }
}
