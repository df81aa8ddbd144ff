//! The table of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[RFM_CUSTOMERS];

/// Customers scored by sums that the table gave.
pub const RFM_CUSTOMERS: PublishedTable = PublishedTable {
    name: "rfm_customers",
    about: "of `tillwise rfm-table`: customers, scored by the sums that the table gave",
    columns: &[
        col("customer_id", Kind::Text, "the id of the table, or the row's number"),
        col(
            "days_since_last",
            Kind::Float,
            "days since the last order, as given or up to the day of the picture",
        ),
        col("orders", Kind::Float, "orders, as given"),
        col("net_revenue", Kind::Float, "net revenue, as given"),
        col("r_score", Kind::Int32, "recency score, highest for the most recent"),
        col("f_score", Kind::Int32, "frequency score, highest for the most orders"),
        col("m_score", Kind::Int32, "monetary score, highest for the most net revenue"),
        col(
            "rfm_score",
            Kind::Text,
            "the three scores as digits, such as 543, or 12-4-3 where one is above 9",
        ),
        col("rfm_segment", Kind::Text, "the named segment of that score"),
    ],
};
