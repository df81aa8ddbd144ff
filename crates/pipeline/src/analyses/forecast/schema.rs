//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[FORECAST_ORIGINS, FORECAST_COVERAGE];

/// What forecasts add to the customer table.
pub const SCORES: &[Column] = &[
    opt(
        "orders_ahead",
        Kind::Float,
        "order days to expect within [forecast] horizon_days, corrected by past origins",
    ),
    opt("orders_ahead_low", Kind::Float, "lower end of their range: what customers of like forecasts did"),
    opt("orders_ahead_high", Kind::Float, "upper end"),
    opt("revenue_ahead", Kind::Float, "net revenue to expect within it"),
    opt("revenue_ahead_low", Kind::Float, "lower end of its range"),
    opt("revenue_ahead_high", Kind::Float, "upper end"),
];

/// Every method at every origin.
pub const FORECAST_ORIGINS: PublishedTable = PublishedTable {
    name: "forecast_origins",
    about: "what was forecast at past days, by every method, and what came; today's forecast stands last",
    columns: &[
        col("origin", Kind::Date, "the day of the forecast, which sees nothing later"),
        col("window_end", Kind::Date, "the last day that it looks at"),
        col(
            "target",
            Kind::Text,
            "known_orders, known_revenue (of customers known then), all_orders or all_revenue",
        ),
        col(
            "method",
            Kind::Text,
            "combined is what counts; model, level, season, level_and_season, last_window, last_year make it up",
        ),
        opt("weight", Kind::Float, "what the method counts for; null for combined"),
        col("expected", Kind::Float, "order days, or net revenue, that it expected"),
        opt("low", Kind::Float, "lower end of the range; null but for combined"),
        opt("high", Kind::Float, "upper end"),
        opt("actual", Kind::Float, "what came; null where the window is not over"),
        opt("error", Kind::Float, "expected over actual, less one"),
        opt(
            "customer_mae",
            Kind::Float,
            "mean absolute error a customer; null where the method has no forecast of single ones",
        ),
        opt(
            "customer_rank_correlation",
            Kind::Float,
            "Spearman's correlation of expected and actual over customers",
        ),
    ],
};

/// How often ranges of single customers held.
pub const FORECAST_COVERAGE: PublishedTable = PublishedTable {
    name: "forecast_coverage",
    about: "how often the ranges of single customers held what came, over all origins; a range never saw the origin that it is judged at",
    columns: &[
        col("target", Kind::Text, "known_orders or known_revenue"),
        col(
            "customer_group",
            Kind::Text,
            "all; new (first order within 90 days) or old; tenth 1, the least expected, to tenth 10",
        ),
        col("customers", Kind::Int64, "customers, over all origins"),
        col("covered", Kind::Int64, "those whose range held what came"),
        col("coverage", Kind::Float, "their share"),
        col("mean_width", Kind::Float, "mean width of the ranges"),
    ],
};
