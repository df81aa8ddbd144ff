//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[COHORTS, COHORTS_WIDE];

/// Cohorts, one row per cohort and period.
pub const COHORTS: PublishedTable = PublishedTable {
    name: "cohorts",
    about: "one row per cohort and period, periods yet to come included",
    columns: &[
        col("cohort_by", Kind::Text, "all, or the column of [cohort] by"),
        opt("cohort_group", Kind::Text, "its value in the customer's first order; null without one"),
        col("cohort", Kind::Date, "first day of the period of the first orders"),
        col("period", Kind::Int32, "periods since then"),
        col("period_start", Kind::Date, "first day of this period"),
        col("customers", Kind::Int64, "customers of the cohort"),
        opt(
            "is_complete",
            Kind::Bool,
            "whether the period was over; null, as all that follows, if it is yet to come",
        ),
        opt("active_customers", Kind::Int64, "customers with an order in it"),
        opt("retention", Kind::Float, "their share of the cohort"),
        opt("orders", Kind::Int64, "their orders"),
        opt("orders_per_customer", Kind::Float, "orders over customers of the cohort"),
        opt("net_revenue", Kind::Float, "net revenue of the period"),
        opt("revenue_per_customer", Kind::Float, "over customers of the cohort"),
        opt("cumulative_revenue_per_customer", Kind::Float, "of this and all periods before"),
        opt("margin", Kind::Float, "net revenue less cost; null unless every line has one"),
        opt("margin_per_customer", Kind::Float, "over customers of the cohort"),
        opt("cumulative_margin_per_customer", Kind::Float, "of this and all periods before"),
    ],
};

/// The same, a column per period, one row per cohort and measure.
pub const COHORTS_WIDE: PublishedTable = PublishedTable {
    name: "cohorts_wide",
    about: "the same with a column per period, one row per cohort and measure",
    columns: WIDE_COLUMNS,
};

const WIDE_COLUMNS: &[Column] = &{
    const NAMES: [&str; COHORT_PERIODS] = [
        "period_0", "period_1", "period_2", "period_3", "period_4", "period_5", "period_6", "period_7",
        "period_8", "period_9", "period_10", "period_11", "period_12", "period_13", "period_14", "period_15",
        "period_16", "period_17", "period_18", "period_19", "period_20", "period_21", "period_22",
        "period_23", "period_24", "period_25", "period_26", "period_27", "period_28", "period_29",
        "period_30", "period_31", "period_32", "period_33", "period_34", "period_35", "period_36",
    ];
    let mut columns =
        [opt("", Kind::Float, "the measure, so many periods after the first; null if yet to come");
            5 + COHORT_PERIODS];
    columns[0] = col("cohort_by", Kind::Text, "all, or the column of [cohort] by");
    columns[1] = opt("cohort_group", Kind::Text, "its value in the customer's first order; null without one");
    columns[2] = col("cohort", Kind::Date, "first day of the period of the first orders");
    columns[3] = col("customers", Kind::Int64, "customers of the cohort");
    columns[4] = col("measure", Kind::Text, "retention, orders_per_customer, revenue_per_customer, ...");
    let mut i = 0;
    while i < COHORT_PERIODS {
        columns[5 + i].name = NAMES[i];
        i += 1;
    }
    columns
};

/// Periods that [`COHORTS_WIDE`] has columns for; [`COHORTS`] has them all.
pub const COHORT_PERIODS: usize = 37;
