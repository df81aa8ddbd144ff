//! The table of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[DRIFT];

/// How far customers are from those of the reference.
pub const DRIFT: PublishedTable = PublishedTable {
    name: "drift",
    about: "how far customers are from those of the reference: an earlier run's, or those that the models were fitted on; no rows without one",
    columns: &[
        col("column", Kind::Text, "the column of customers"),
        opt("reference_as_of", Kind::Date, "the day of the reference's picture"),
        col("reference_customers", Kind::Int64, "customers of the reference"),
        col("customers", Kind::Int64, "customers now"),
        col("psi", Kind::Float, "population stability index over bins cut at the reference's quantiles"),
        col(
            "psi_unchanged",
            Kind::Float,
            "what it is in the mean where nothing changed: (1/n + 1/m) (bins - 1)",
        ),
        col("p_value", Kind::Float, "how often it is that large where nothing changed"),
        col("p_adjusted", Kind::Float, "that, for all columns together (Holm)"),
        col("distance", Kind::Float, "largest distance of the two cumulative shares, 0 to 1"),
        col("alarm", Kind::Bool, "whether it is beyond chance and large enough to matter: see [drift]"),
    ],
};
