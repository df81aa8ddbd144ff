//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] =
    &[SEGMENTS, SEGMENT_MIGRATION, SEGMENT_HISTORY, SEGMENT_GROUPS, RFM_BREAKS];

/// What RFM adds to the customer table.
pub const SCORES: &[Column] = &[
    opt("r_score", Kind::Int32, "recency score, highest for the most recent"),
    opt("f_score", Kind::Int32, "frequency score, highest for the most orders"),
    opt("m_score", Kind::Int32, "monetary score, highest for the most net revenue"),
    opt("rfm_score", Kind::Text, "the three scores as digits, such as 543, or 12-4-3 where one is above 9"),
    opt("rfm_weighted_score", Kind::Float, "the three scores, each times its weight, added up"),
    opt("rfm_segment", Kind::Text, "the named segment of that score"),
    opt(
        "rfm_segment_before",
        Kind::Text,
        "the segment [rfm] compare_days earlier, by the same breaks; null for customers who came since",
    ),
    opt(
        "buying_rhythm",
        Kind::Text,
        "new, active, lapsing or lost, by the customer's own gaps; null where nobody came again",
    ),
    opt("buyer_class", Kind::Text, "heavy, medium or light buyer, by orders"),
];

/// One row per RFM segment.
pub const SEGMENTS: PublishedTable = PublishedTable {
    name: "segments",
    about: "one row per RFM segment",
    columns: &[
        col("rfm_segment", Kind::Text, "the segment"),
        col("customers", Kind::Int64, "customers in it"),
        col("customer_share", Kind::Float, "their share of all customers"),
        col("orders", Kind::Int64, "their orders"),
        col("net_revenue", Kind::Float, "their net revenue"),
        opt("revenue_share", Kind::Float, "its share of all net revenue; null if that is zero"),
        col("mean_days_since_last", Kind::Float, "mean days since the last order"),
        col("mean_orders", Kind::Float, "mean orders"),
        col("mean_net_revenue", Kind::Float, "mean net revenue"),
        opt(
            "customers_before",
            Kind::Int64,
            "customers in it [rfm] compare_days earlier; null without a comparison",
        ),
        opt("entered", Kind::Int64, "customers in it now who were not then, first-time buyers among them"),
        opt("left", Kind::Int64, "customers in it then who are not now"),
    ],
};

/// From which segment to which: one row per pair that occurs.
pub const SEGMENT_MIGRATION: PublishedTable = PublishedTable {
    name: "segment_migration",
    about: "from one segment to another since `compare_days` ago, both by today's break points; nobody leaves the customer table, so there are entries and no exits from it",
    columns: &[
        col("as_of_before", Kind::Date, "the earlier day"),
        col("as_of", Kind::Date, "the day of the picture"),
        opt(
            "segment_before",
            Kind::Text,
            "the segment on the earlier day; null for customers whose first order is later",
        ),
        col("segment", Kind::Text, "the segment now"),
        col("customers", Kind::Int64, "customers who went this way"),
        opt("share_of_before", Kind::Float, "their share of the earlier segment; null for new customers"),
        col("net_revenue", Kind::Float, "their net revenue up to now"),
    ],
};

/// How many customers were in each segment at the end of past months, by today's breaks.
pub const SEGMENT_HISTORY: PublishedTable = PublishedTable {
    name: "segment_history",
    about: "month ends, by today's break points",
    columns: &[
        col("as_of", Kind::Date, "the day"),
        col("rfm_segment", Kind::Text, "the segment"),
        col("customers", Kind::Int64, "customers in it on that day"),
        col("customer_share", Kind::Float, "their share of all customers of that day"),
        col("net_revenue", Kind::Float, "their net revenue up to that day"),
    ],
};

/// Segments by group.
pub const SEGMENT_GROUPS: PublishedTable = PublishedTable {
    name: "segment_groups",
    about: "with `[rfm] by`: segments by group",
    columns: &[
        opt("customer_group", Kind::Text, "value of the column of [rfm] by; null for customers without one"),
        col("own_breaks", Kind::Bool, "whether the group was large enough for breaks of its own"),
        col("rfm_segment", Kind::Text, "the segment"),
        col("customers", Kind::Int64, "customers of the group in it"),
        col("share_of_group", Kind::Float, "their share of the group"),
        col("net_revenue", Kind::Float, "their net revenue"),
    ],
};

/// Every break point, and where it would be if it were found today.
pub const RFM_BREAKS: PublishedTable = PublishedTable {
    name: "rfm_breaks",
    about: "every break point",
    columns: &[
        opt("customer_group", Kind::Text, "the group; null for everyone"),
        col("measure", Kind::Text, "days_since_last, orders or net_revenue"),
        col(
            "within",
            Kind::Text,
            "if nested: the R score, or the R and F scores, that the breaks hold within",
        ),
        col("break_number", Kind::Int32, "its number, from 1"),
        opt("break_value", Kind::Float, "where it is in use"),
        opt("fresh_value", Kind::Float, "where today's customers would put it"),
        col("fitted_as_of", Kind::Date, "the day of the customers that it was found on"),
    ],
};
