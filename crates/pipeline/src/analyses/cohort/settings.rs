//! `[cohort]`.

use serde::{Deserialize, Serialize};
use tillwise_mine::cohort::Length;

use crate::PipelineError;
use crate::config::range;

/// `[cohort]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The length of a period.
    pub period: Length,
    /// The month that years and quarters begin with.
    pub fiscal_start_month: u8,
    /// What cohorts are split by beside all customers, each as it was in the first order: country, channel, store, category, product.
    pub by: Vec<CohortBy>,
    /// The largest groups of a split; the rest are drawn together as `(other)`.
    pub max_groups: usize,
}

/// See [`Settings::by`].
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

impl Default for Settings {
    fn default() -> Self {
        Settings { period: Length::Month, fiscal_start_month: 1, by: Vec::new(), max_groups: 20 }
    }
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
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
