//! `[cohort]`.

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::cohort::Length;

use crate::PipelineError;
use crate::config::range;

settings! {
    /// The settings of `[cohort]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// The length of a period.
        pub period: Length = Length::Month,
        /// The month that years and quarters begin with.
        pub fiscal_start_month: u8 = 1,
        /// What cohorts are split by beside all customers, each as it was in the first order: country, channel, store, category, product.
        pub by: Vec<CohortBy> = Vec::new(),
        /// The largest groups of a split; the rest are drawn together as `(other)`.
        pub max_groups: usize = 20,
    }
}
settings_table!(Settings);

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
