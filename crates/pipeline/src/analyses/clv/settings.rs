//! `[clv]`.

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::clv::{Model as OrdersModel, TimeUnit, Value};

use crate::PipelineError;
use crate::config::{Auto, is_text, range, wrong};

settings! {
    /// The settings of `[clv]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// The model of orders, or `"auto"` for the one that does best in the holdout.
        pub model: ModelChoice = ModelChoice::Fixed(OrdersModel::BgNbd),
        /// What the model's time is counted in; only the parameters' scale depends on it.
        pub time_unit: TimeUnit = TimeUnit::Week,
        /// For BG/BB: days of an occasion.
        pub occasion_days: i32 = 30,
        /// The last days, on which models are judged that are fitted to the days before; at 0 there is no judgement.
        pub holdout_days: i32 = 180,
        /// A text column of the customer table: each of its values gets a fit of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub by: Option<String> = None,
        /// Fewest customers of a group with its own fit.
        pub min_group: usize = 500,
        /// Text columns that the buying rates depend on.
        pub purchase_covariates: Vec<String> = Vec::new(),
        /// Text columns that the drop-out depends on.
        pub dropout_covariates: Vec<String> = Vec::new(),
        /// Penalty on the squared coefficients of covariates.
        pub l2: f64 = 0.01,
        /// Writes each customer's probabilities of 0, 1, ... order days up to this many; at 0 none.
        pub distribution_up_to: usize = 0,
        ..
        /// How future orders become money.
        pub value: Value,
    }
}
settings_table!(Settings);

/// See [`Settings::model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the model is nbd, bg_nbd, mbg_nbd, bg_cnbd_k, mbg_cnbd_k, pareto_nbd, ggompertz_nbd, bg_bb or auto"
)]
pub enum ModelChoice {
    /// Chosen by the holdout.
    Auto(Auto),
    /// That one.
    Fixed(OrdersModel),
}

impl Settings {
    /// Whether time is to be cut into occasions.
    pub(crate) fn counts_occasions(&self) -> bool {
        self.model == ModelChoice::Fixed(OrdersModel::BgBb)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        self.value.check().map_err(|e| wrong("[clv]", e.to_string()))?;
        range(
            "[clv] occasion_days",
            (1..=3650).contains(&self.occasion_days),
            "within 1 to 3650",
            self.occasion_days.to_string(),
        )?;
        range(
            "[clv] holdout_days",
            (0..=3650).contains(&self.holdout_days),
            "within 0 to 3650",
            self.holdout_days.to_string(),
        )?;
        let auto = matches!(self.model, ModelChoice::Auto(_));
        range(
            "[clv] holdout_days",
            !auto || self.holdout_days > 0,
            "above 0 for model = \"auto\"",
            "0".into(),
        )?;
        range("[clv] l2", self.l2 >= 0.0 && self.l2.is_finite(), "at least 0", self.l2.to_string())?;
        range(
            "[clv] distribution_up_to",
            self.distribution_up_to <= 1000,
            "at most 1000",
            self.distribution_up_to.to_string(),
        )?;
        let texts = [
            ("[clv] by", self.by.as_slice()),
            ("[clv] purchase_covariates", &self.purchase_covariates),
            ("[clv] dropout_covariates", &self.dropout_covariates),
        ];
        for (key, columns) in texts {
            for (i, column) in columns.iter().enumerate() {
                let known = "one of top_category, top_country, top_channel, top_store";
                range(key, is_text(column), known, format!("`{column}`"))?;
                range(key, !columns[..i].contains(column), "different columns", format!("`{column}` twice"))?;
            }
        }
        let with_covariates = !self.purchase_covariates.is_empty() || !self.dropout_covariates.is_empty();
        let named = match self.model {
            ModelChoice::Auto(_) => "auto",
            ModelChoice::Fixed(model) => model.name(),
        };
        range(
            "[clv] model",
            !with_covariates || matches!(named, "bg_nbd" | "pareto_nbd"),
            "\"bg_nbd\" or \"pareto_nbd\" with covariates",
            format!("\"{named}\""),
        )?;
        let occasion = f64::from(self.occasion_days);
        range(
            "[clv] horizon_days",
            !self.counts_occasions() || self.value.horizon_days >= occasion,
            "at least occasion_days for bg_bb",
            self.value.horizon_days.to_string(),
        )?;
        range(
            "[clv] holdout_days",
            !self.counts_occasions() || self.holdout_days == 0 || self.holdout_days >= self.occasion_days,
            "0 or at least occasion_days for bg_bb",
            self.holdout_days.to_string(),
        )
    }
}
