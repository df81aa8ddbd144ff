//! The algorithms, pure: slices of numbers in, models and scores out. No files, no data frames.
//!
//! Every analysis is a model: `fit` turns a customer table's columns into plain numbers that can be
//! kept ([`tillwise_core::Parameters`]) and a report; `score` turns rows into new columns and reads
//! nothing else. Sums run over fixed chunks in a fixed order, so results do not depend on the number
//! of threads; what is random takes its seed from the caller.
//!
//! * [`rfm`]: recency, frequency and monetary scores, and named segments.
//! * [`cluster`]: k-means on scaled, skew-corrected features.
//! * [`campaign`]: what a campaign really did, and whom it moves.
//! * [`channels`]: which channels bring orders.
//! * [`churn`]: a decision tree with probabilities, judged out of time.
//! * [`clv`]: buy-till-you-die models and spend, retention in contracts; lifetime value.
//! * [`drift`]: whether customers are still those that models were fitted on.
//! * [`funnel`]: how many get how far, and how long it takes.
//! * [`forecast`]: what the next weeks bring, judged at every origin that the history carries.

pub mod basket;
pub mod campaign;
pub mod channels;
pub mod churn;
pub mod cluster;
pub mod clv;
pub mod cohort;
pub mod drift;
pub mod forecast;
pub mod funnel;
pub mod ledger;
pub mod offer;
mod parallel;
pub mod rfm;
pub mod stats;
pub mod value;

/// Why a model could not be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MineError {
    /// A setting is outside its range.
    #[error("the parameter `{parameter}` must be {must_be}, but is {got}")]
    Parameter {
        /// Its name in the config.
        parameter: &'static str,
        /// Its range.
        must_be: String,
        /// What was given.
        got: String,
    },
    /// The data cannot carry the model.
    #[error("{needs}, but {found}")]
    Data {
        /// What the model needs.
        needs: String,
        /// What there is.
        found: String,
    },
    /// The caller broke a promise that data cannot break: a defect of the code that calls.
    #[error("{promise}, but {found}")]
    Defect {
        /// What is promised to the model.
        promise: String,
        /// What there is.
        found: String,
    },
    /// The optimiser did not reach an optimum.
    #[error("the {model} fit did not converge: {why}")]
    NotConverged {
        /// The model.
        model: &'static str,
        /// The optimiser's state.
        why: String,
        /// Where it stopped.
        stopped: Box<Stopped>,
    },
}

/// Where an optimiser stopped that did not reach an optimum. These parameters are no fit; they tell what went wrong.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Stopped {
    /// Names and values of the parameters there.
    pub parameters: Vec<(String, f64)>,
    /// Steps taken.
    pub iterations: usize,
    /// Largest absolute element of the mean log-likelihood's gradient by log parameters.
    pub gradient: f64,
    /// Mean log-likelihood, in the units of the optimiser.
    pub mean_log_likelihood: f64,
}

impl MineError {
    pub(crate) fn parameter(
        parameter: &'static str,
        must_be: impl Into<String>,
        got: impl ToString,
    ) -> MineError {
        MineError::Parameter { parameter, must_be: must_be.into(), got: got.to_string() }
    }

    pub(crate) fn defect(promise: impl Into<String>, found: impl Into<String>) -> MineError {
        MineError::Defect { promise: promise.into(), found: found.into() }
    }

    pub(crate) fn data(needs: impl Into<String>, found: impl Into<String>) -> MineError {
        MineError::Data { needs: needs.into(), found: found.into() }
    }
}

impl From<linfa::Error> for MineError {
    fn from(e: linfa::Error) -> MineError {
        MineError::data("the data set must suit linfa", e.to_string())
    }
}
