//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[RETENTION];

/// Retention of contractual cohorts, seen and projected.
pub const RETENTION: PublishedTable = PublishedTable {
    name: "retention",
    about: "of `tillwise retention`: contractual cohorts, seen and projected",
    columns: &[
        col("cohort", Kind::Text, "the cohort; all of them together are `all`"),
        col("period", Kind::Int32, "renewals since the start"),
        opt("survivors", Kind::Float, "customers left; null where the period is yet to come"),
        opt("survival", Kind::Float, "their share of the cohort"),
        opt("survival_sbg", Kind::Float, "the share that sBG expects"),
        opt("survival_bdw", Kind::Float, "the share that beta-discrete-Weibull expects"),
        opt(
            "retention_sbg",
            Kind::Float,
            "the share of those left a period before that sBG expects to renew",
        ),
        opt("retention_bdw", Kind::Float, "the same by beta-discrete-Weibull"),
        opt(
            "residual_payments_sbg",
            Kind::Float,
            "discounted payments to expect of a customer about to decide on this renewal, by sBG",
        ),
        opt("residual_payments_bdw", Kind::Float, "the same by beta-discrete-Weibull"),
    ],
};
